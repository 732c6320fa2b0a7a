import { deepFreeze } from '../../freeze.js'
import { eventDispositions, type EventDisposition } from '../../scan/event-disposition.js'
import { decodeIdentityTimelineRows, type IdentityTimelineRow } from './rows.js'
import { withFields } from '../../checks.js'
import { aMultiVariantPolicy, type MultiVariantPolicy } from '../../experiment/multi-variant-policy.js'
import { invalidSpec } from '../../errors.js'

/** How the summary treats an identity, and why. Instants are in milliseconds since the epoch. */
export type IdentityVerdict =
  /** It counts in this variant, from its first exposure on. */
  | { readonly type: 'counted'; readonly variant: string; readonly at: number }
  /** Its first exposure was to `variant`. Its first exposure to another variant, `by`, quarantined it. */
  | {
      readonly type: 'quarantined'
      readonly variant: string
      readonly at: number
      readonly by: string
      readonly byAt: number
    }
  /** It has no exposure. `because` is the disposition of the event that came closest to being an exposure. */
  | {
      readonly type: 'never-counted'
      readonly because: 'no-events' | Exclude<EventDisposition, 'exposure'>
    }

/** One event of an identity. */
export interface IdentityTimelineEvent {
  /** Milliseconds since the epoch. `null` if the event has no timestamp. */
  readonly at: number | null
  /** `null` if the event has no variant. */
  readonly variant: string | null
  /** Whether it is an exposure, or why it is not. */
  readonly disposition: EventDisposition
  /** Its identifier, if the spec has aliases. */
  readonly identifier?: string
}

/** The history of one identity. Plain data, deeply frozen. `JSON.parse(JSON.stringify(timeline))` equals it. */
export interface IdentityTimeline {
  /** The verdict takes all events of the identity into account, also those that are not listed. */
  readonly verdict: IdentityVerdict
  /** How many events the identity has, at any time. */
  readonly scanned: number
  /** In chronological order. Events without a timestamp come last. */
  readonly events: readonly IdentityTimelineEvent[]
  /** Whether there are more events than listed. */
  readonly truncated: boolean
  /**
   * The identifier that the identity resolves to, and the identifiers of its events, sorted. `null` if the spec
   * has no aliases, or if there are no events.
   */
  readonly resolved: { readonly identity: string; readonly identifiers: readonly string[] } | null
}

/**
 * Why is this identity counted, or not? Reduces the rows of `identityTimelineQuery` to the identity's history.
 *
 * @param rows - the parsed rows of the answer, in their order
 * @param options.multiVariant - the spec's policy; default `quarantine`
 * @returns the frozen history; its verdict is how the summary of the same spec and window treats the identity
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
  withFields(options, ['multiVariant'], 'options', invalidSpec)
  const multiVariant = aMultiVariantPolicy(options.multiVariant ?? 'quarantine', 'multiVariant', invalidSpec)
  const decoded = decodeIdentityTimelineRows(rows)
  const shown = decoded.filter((row) => row.shown)
  const all = decoded.filter((row) => !row.shown)
  const scanned = all.reduce((sum, { events }) => sum + events, 0)
  return deepFreeze({
    verdict: verdict(all, multiVariant),
    scanned,
    events: shown.map(({ at, variant, disposition, resolved }) => ({
      at,
      variant,
      disposition,
      ...(resolved === null ? {} : { identifier: resolved.identifier }),
    })),
    truncated: scanned > shown.length,
    resolved: resolvedOf(all),
  })
}

function resolvedOf(all: readonly IdentityTimelineRow[]): IdentityTimeline['resolved'] {
  const rows = all.flatMap(({ resolved }) => (resolved === null ? [] : [resolved]))
  const [first] = rows
  if (first === undefined) return null
  return {
    identity: first.identity,
    identifiers: [...new Set(rows.map(({ identifier }) => identifier))].sort(),
  }
}

/** The verdict, from the first event of each disposition, variant and identifier, in order. */
function verdict(all: readonly IdentityTimelineRow[], multiVariant: MultiVariantPolicy): IdentityVerdict {
  const exposures = all.flatMap(({ disposition, variant, at }) =>
    disposition === 'exposure' && variant !== null && at !== null ? [{ variant, at }] : [],
  )
  const [first] = exposures
  if (first === undefined) {
    const furthest = eventDispositions.findLast(
      (each) => each !== 'exposure' && all.some(({ disposition }) => disposition === each),
    )
    return {
      type: 'never-counted',
      because: furthest === undefined || furthest === 'exposure' ? 'no-events' : furthest,
    }
  }
  const next = exposures.find(({ variant }) => variant !== first.variant)
  return next === undefined ? { type: 'counted', ...first } : ofSeveral[multiVariant](first, next)
}

interface Exposure {
  readonly variant: string
  readonly at: number
}

/** The verdict on an identity with more than one variant, from its first exposure and its first to another variant. */
const ofSeveral: Readonly<Record<MultiVariantPolicy, (first: Exposure, next: Exposure) => IdentityVerdict>> =
  {
    quarantine: (first, next) => ({
      type: 'quarantined',
      ...first,
      by: next.variant,
      byAt: next.at,
    }),
    'first-seen': (first) => ({ type: 'counted', ...first }),
  }
