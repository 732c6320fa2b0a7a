import { deepFreeze } from '../freeze.js'
import { eventDispositions } from '../query/event-disposition.js'
import {
  decodeIdentityTimelineRows,
  type IdentityTimelineRow,
} from '../rows/decode-identity-timeline-rows.js'
import { assertOptions } from '../spec/assert-options.js'
import type { MultiVariantPolicy } from '../spec/exposure-spec.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import type { IdentityTimeline, IdentityVerdict } from './identity-timeline.js'

/**
 * Why is this identity counted, or not? Reduces the rows of `identityTimelineQuery` to its story.
 *
 * @param rows - the parsed rows of the answer, in their order
 * @param options.multiVariant - the spec's policy; default `quarantine`
 * @returns the frozen story; its verdict is what the summary of the same spec and window made of the identity
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column; `invalid-spec` for another policy
 *
 * @example
 * ```ts
 * import { summarizeIdentityTimeline } from 'first-exposure'
 *
 * const first = { disposition: 'exposure', variant: 'control', at_ms: 1780272000000, events: 1 }
 * const next = { disposition: 'exposure', variant: 'one-page', at_ms: 1780275600000, events: 1 }
 * const timeline = summarizeIdentityTimeline([
 *   { shown: 0, ...first },
 *   { shown: 0, ...next },
 *   { shown: 1, ...first },
 * ])
 * timeline.verdict
 * // => { type: 'quarantined', variant: 'control', at: 1780272000000, by: 'one-page', byAt: 1780275600000 }
 * timeline.truncated // => true
 * ```
 */
export function summarizeIdentityTimeline(
  rows: readonly unknown[],
  options: { readonly multiVariant?: MultiVariantPolicy } = {},
): IdentityTimeline {
  assertOptions(options, ['multiVariant'], 'options')
  const { multiVariant = 'quarantine' } = options
  if (multiVariant !== 'quarantine' && multiVariant !== 'first-seen') {
    throw invalidSpec('multiVariant', multiVariant, "Pass 'quarantine' or 'first-seen'.")
  }
  const decoded = decodeIdentityTimelineRows(rows)
  const shown = decoded.filter((row) => row.shown)
  const all = decoded.filter((row) => !row.shown)
  const scanned = all.reduce((sum, { events }) => sum + events, 0)
  return deepFreeze({
    verdict: verdict(all, multiVariant),
    scanned,
    events: shown.map(({ at, variant, disposition }) => ({ at, variant, disposition })),
    truncated: scanned > shown.length,
  })
}

/** Of the first of the events of each disposition and variant, in order. */
function verdict(all: readonly IdentityTimelineRow[], multiVariant: MultiVariantPolicy): IdentityVerdict {
  const [first, next] = all.flatMap(({ disposition, variant, at }) =>
    disposition === 'exposure' && variant !== null && at !== null ? [{ variant, at }] : [],
  )
  if (first === undefined) {
    const furthest = eventDispositions.findLast(
      (each) => each !== 'exposure' && all.some(({ disposition }) => disposition === each),
    )
    return {
      type: 'never-counted',
      because: furthest === undefined || furthest === 'exposure' ? 'no-events' : furthest,
    }
  }
  return next === undefined || multiVariant === 'first-seen'
    ? { type: 'counted', ...first }
    : { type: 'quarantined', ...first, by: next.variant, byAt: next.at }
}
