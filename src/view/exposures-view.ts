import { invalidView } from '../errors.js'
import { checkedSummary } from '../questions/summary/checked-summary.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { bucketAxis } from '../time/local-days.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import type { Granularity } from '../time/granularity.js'
import { spansOf } from './bucket-spans.js'
import { checkedViewOptions, type ExposuresViewOptions } from './view-options.js'

/** A variant's row: its part of the whole. */
export interface ExposuresViewVariant {
  readonly key: string
  /** Identities counted in this variant. */
  readonly total: number
  /** `total` over the view's `total`, 0 to 1; 0 where nobody was counted. */
  readonly share: number
  readonly isControl: boolean
  /** False for a variant that appeared and that `variants` does not name. */
  readonly expected: boolean
}

/** One bucket, ready to draw. */
export interface ExposuresViewPoint {
  /** The bucket's first instant, ISO 8601 in UTC. */
  readonly start: string
  /** The first instant after the bucket, ISO 8601 in UTC. */
  readonly end: string
  readonly granularity: Granularity
  /** The IANA zone whose hour or day this bucket is. */
  readonly timeZone: string
  /** True where the window begins or ends inside the bucket, so that the bucket is not complete. */
  readonly partial: boolean
  /**
   * Identities whose first exposure fell into the bucket, for every variant of the view, zeros too. A key may be any
   * string, even `__proto__`: read it with `Object.entries` or by the keys of `variants`.
   */
  readonly newIdentities: Readonly<Record<string, number>>
  /** The sum of `newIdentities` up to and including this bucket, for every variant of the view. */
  readonly runningTotals: Readonly<Record<string, number>>
}

/** What a panel shows of a summary. Plain data, frozen through and through. */
export interface ExposuresView {
  readonly granularity: Granularity
  readonly timeZone: string
  /** The window that the view was told, or `null`. */
  readonly window: ExposureWindow | null
  /** The headline: identities counted, over all variants. */
  readonly total: number
  /** The quarantined identities, which no variant counts. */
  readonly excludedIdentities: number
  /** `excludedIdentities` over everyone seen, `total + excludedIdentities`; 0 where nobody was seen. */
  readonly excludedShare: number
  /** The control first, then the configured ones in their order, then the others by key. */
  readonly variants: readonly ExposuresViewVariant[]
  /** In the order of time. */
  readonly points: readonly ExposuresViewPoint[]
}

// Two numbers each. A panel needs thousands; a mistake that asks for more would exhaust the memory.
const maxCells = 10_000_000

/**
 * What does a panel show of a summary? Variants in order with their totals and shares, points with running totals,
 * the headline, and how many identities were excluded.
 *
 * It always holds that a variant's last running total is its `total`, that the totals sum to the headline, and that the
 * shares sum to 1 (to rounding), or to 0 where nobody was counted. Every point has every variant.
 *
 * The axis of time is that of the summary's zone: days of 23, 24 or 25 hours, days without a midnight, half hours. The
 * buckets of the summary stay as the warehouse made them: where its time zone database and this platform's differ, the
 * axis follows the summary.
 *
 * @param summary - of `summarizeExposures`, or its JSON parsed
 * @param options - the window, the configured variants, the control, and whether to fill gaps
 * @returns a frozen view; at most 10 million cells (points × variants)
 * @throws {@link ExposureError} `malformed-summary`, naming the field, also for a time zone that this platform does not
 *   know; `invalid-view`, naming the option: an unknown option, a variant that is not a string or is listed twice, a
 *   window that does not cover the summary's buckets, more than 10 million cells; `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureWindow, summarizeExposures } from 'first-exposure'
 * import { exposuresView } from 'first-exposure/view'
 *
 * const summary = summarizeExposures(
 *   [
 *     { quarantined: false, variant: 'blue', bucketMs: 1780272000000, newIdentities: 30 },
 *     { quarantined: false, variant: 'control', bucketMs: 1780358400000, newIdentities: 10 },
 *     { quarantined: true, variant: null, bucketMs: 1780358400000, newIdentities: 10 },
 *   ],
 *   { granularity: 'day' },
 * )
 * const view = exposuresView(summary, {
 *   window: exposureWindow('2026-06-01T00:00:00Z', '2026-06-04T12:00:00Z'),
 *   variants: ['control', 'green'],
 *   fillGaps: true,
 * })
 * view.total // => 40
 * view.excludedShare // => 0.2
 * view.variants
 * // => [
 * //   { key: 'control', total: 10, share: 0.25, isControl: true, expected: true },
 * //   { key: 'green', total: 0, share: 0, isControl: false, expected: true },
 * //   { key: 'blue', total: 30, share: 0.75, isControl: false, expected: false },
 * // ]
 * view.points.map((point) => [point.start, point.runningTotals['control'], point.partial])
 * // => [
 * //   ['2026-06-01T00:00:00.000Z', 0, false],
 * //   ['2026-06-02T00:00:00.000Z', 10, false],
 * //   ['2026-06-03T00:00:00.000Z', 10, false],
 * //   ['2026-06-04T00:00:00.000Z', 10, true],
 * // ]
 * ```
 */
export function exposuresView(summary: ExposuresSummary, options: ExposuresViewOptions = {}): ExposuresView {
  const { window, configured, control, othersExpected, fillGaps } = checkedViewOptions(options)
  const { excludedIdentities, timeseries } = checkedSummary(summary, 'summary')
  const { granularity, timeZone } = timeseries
  const starts = timeseries.points.map(({ bucket }) => Date.parse(bucket))

  const totals = new Map<string, number>()
  for (const { newIdentities } of timeseries.points) {
    for (const key of Object.keys(newIdentities)) {
      totals.set(key, (totals.get(key) ?? 0) + (newIdentities[key] ?? 0))
    }
  }
  const keys = orderedKeys(configured, control, totals)
  let total = 0
  for (const count of totals.values()) total += count
  const expected = new Set(configured)
  const variants = keys.map((key): ExposuresViewVariant => {
    const counted = totals.get(key) ?? 0
    return Object.freeze({
      key,
      total: counted,
      share: total === 0 ? 0 : counted / total,
      isControl: key === control,
      expected: othersExpected || expected.has(key),
    })
  })

  const spans = spansOf(starts, bucketAxis(timeZone, granularity), window, fillGaps, (buckets) => {
    if (buckets * Math.max(keys.length, 1) > maxCells) {
      throw invalidView(
        fillGaps ? 'fillGaps' : 'summary',
        fillGaps || summary,
        'Pass a shorter window, or look for junk among the variant keys.',
        `About ${Math.round(buckets)} buckets of ${keys.length} variants are more than ${maxCells} cells.`,
      )
    }
  })

  const zeros = Object.freeze(Object.fromEntries(keys.map((key) => [key, 0])))
  let newIdentities: Readonly<Record<string, number>>
  let runningTotals: Readonly<Record<string, number>> = zeros
  let end = ''
  let endsAtMs = NaN
  const points = spans.map(({ startMs, endMs, index }): ExposuresViewPoint => {
    const counts = timeseries.points[index]?.newIdentities
    if (counts === undefined) {
      newIdentities = zeros
    } else {
      // Spreading defines properties, even __proto__, and costs a fraction of setting them one by one.
      const totalsSoFar: Record<string, number> = { ...runningTotals }
      for (const [key, count] of Object.entries(counts)) totalsSoFar[key] = (totalsSoFar[key] ?? 0) + count
      newIdentities = Object.freeze({ ...zeros, ...counts })
      runningTotals = Object.freeze(totalsSoFar)
    }
    const start = startMs === endsAtMs ? end : new Date(startMs).toISOString()
    end = new Date(endMs).toISOString()
    endsAtMs = endMs
    return Object.freeze({
      start,
      end,
      granularity,
      timeZone,
      partial: window !== null && (startMs < window.startMs || endMs > window.asOfMs),
      newIdentities,
      runningTotals,
    })
  })

  const seen = total + excludedIdentities
  return Object.freeze({
    granularity,
    timeZone,
    window,
    total,
    excludedIdentities,
    excludedShare: seen === 0 ? 0 : excludedIdentities / seen,
    variants: Object.freeze(variants),
    points: Object.freeze(points),
  })
}

function orderedKeys(
  configured: readonly string[],
  control: string,
  appeared: ReadonlyMap<string, number>,
): readonly string[] {
  const rows = new Set(configured)
  for (const key of [...appeared.keys()].sort()) rows.add(key)
  return rows.delete(control) ? [control, ...rows] : [...rows]
}
