import { ExposureError } from '../errors.js'
import { checkedWindow, type ExposureWindow } from '../spec/exposure-window.js'
import type { Granularity } from '../spec/select-granularity.js'
import { checkedBucketStarts } from '../summary/checked-bucket-starts.js'
import type { ExposuresSummary } from '../summary/exposures-summary.js'
import { bucketAxis, type BucketAxis } from './bucket-axis.js'
import { invalidView } from './invalid-view.js'

/** A variant's row: what it holds of the whole. */
export interface ExposuresViewVariant {
  readonly key: string
  /** Identities counted in this variant. */
  readonly total: number
  /** `total` over the view's `total`, 0 to 1; 0 where nobody was counted. */
  readonly share: number
  readonly isControl: boolean
  /** False for a variant that appeared although `variants` does not name it. */
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
  /** True where the window begins or ends inside the bucket, so that it holds less than all of it. */
  readonly partial: boolean
  /**
   * Identities whose first exposure fell into the bucket, for every variant of the view, zeros too. Keys are any
   * strings at all, `__proto__` among them: read it with `Object.entries` or by the keys of `variants`.
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
  /** The control first, then as configured, then by key. */
  readonly variants: readonly ExposuresViewVariant[]
  /** In the order of time. */
  readonly points: readonly ExposuresViewPoint[]
}

/** What a view is told beside the summary; all of it may be left out. */
export interface ExposuresViewOptions {
  /** The window that the summary was asked for. Without it nothing is `partial`. */
  readonly window?: ExposureWindow
  /** The configured variants' keys, in the order to show them. Left out, every variant that appears is expected. */
  readonly variants?: readonly string[]
  /** The control's key. Default `control`; naming one counts as configuring it. */
  readonly control?: string
  /**
   * Whether buckets without anybody get a point of zeros: over the window, or, without one, between the first and
   * the last point. Default false.
   */
  readonly fillGaps?: boolean
}

const fields: readonly string[] = [
  'window',
  'variants',
  'control',
  'fillGaps',
] satisfies readonly (keyof ExposuresViewOptions)[]

// Two numbers each. A panel needs thousands; this is where a mistake would exhaust the memory instead.
const maxCells = 10_000_000

/**
 * What does a panel show of a summary? Variants in order with their totals and shares, points with running totals,
 * the headline, and how many identities were excluded.
 *
 * Always true of it: a variant's last running total is its `total`, the totals sum to the headline, and the shares
 * sum to 1 (to rounding) or, where nobody was counted, to 0. Every point has every variant.
 *
 * The axis of time is the summary's zone's own: days of 23, 24 or 25 hours, days without a midnight, half hours. A
 * bucket that the summary names counts as it is, because the warehouse made it: where its time zone database and
 * this platform's differ, the axis bends to the summary.
 *
 * @param summary - of `summarizeExposures`, or its JSON parsed
 * @param options - the window, the configured variants, the control, and whether to fill gaps
 * @returns a frozen view; at most 10 million cells (points × variants)
 * @throws {@link ExposureError} `malformed-summary`, naming the field; `invalid-view`, naming the option: unknown,
 *   a variant that is no string or is listed twice, a window outside of which the summary has buckets, a view of
 *   more than 10 million cells; `invalid-instant`, `invalid-window` for a window that is none; `invalid-spec` for a
 *   time zone that this platform does not know
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
  const { window, configured, control, othersExpected, fillGaps } = checkedOptions(options)
  const starts = checkedBucketStarts(summary, 'summary')
  const { excludedIdentities, timeseries } = summary
  const { granularity, timeZone } = timeseries

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
        `About ${Math.round(buckets)} buckets of ${keys.length} variants are more than ${maxCells} cells. ` +
          'Pass a shorter window, or look for junk among the variant keys.',
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
      // Copies define properties, __proto__ too, and cost a fraction of objects that are made key by key.
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

interface CheckedOptions {
  readonly window: ExposureWindow | null
  /** The keys that have a row whether they appear or not. */
  readonly configured: readonly string[]
  readonly control: string
  /** Whether a variant may appear without being configured, because nobody said which are. */
  readonly othersExpected: boolean
  readonly fillGaps: boolean
}

function checkedOptions(options: ExposuresViewOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalidView('options', options, `Pass an object of ${fields.join(', ')}.`)
  }
  for (const field of Object.keys(options)) {
    if (!fields.includes(field)) {
      throw invalidView(
        field,
        options[field as keyof ExposuresViewOptions],
        `A view has the options ${fields.join(', ')}.`,
      )
    }
  }
  const { window, variants, control, fillGaps = false } = options
  if (window !== undefined && (typeof window !== 'object' || window === null)) {
    throw invalidView('window', window, 'Pass what exposureWindow returned.')
  }
  if (control !== undefined && typeof control !== 'string') {
    throw invalidView('control', control, 'Pass a variant’s key.')
  }
  if (typeof fillGaps !== 'boolean') throw invalidView('fillGaps', fillGaps, 'Pass true or false.')
  if (variants !== undefined && !Array.isArray(variants)) {
    throw invalidView('variants', variants, 'Pass a list of variant keys.')
  }
  const configured = new Set<string>()
  for (const key of variants ?? []) {
    if (typeof key !== 'string') throw invalidView('variants', key, 'A variant’s key is a string.')
    if (configured.has(key))
      throw invalidView('variants', key, 'It is listed twice; list every variant once.')
    configured.add(key)
  }
  if (control !== undefined) configured.add(control)
  return {
    window: window === undefined ? null : checkedWindow(window),
    configured: [...configured],
    control: control ?? 'control',
    othersExpected: variants === undefined,
    fillGaps,
  }
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

interface Span {
  readonly startMs: number
  readonly endMs: number
  /** Of the summary's point, or -1 where it has none. */
  readonly index: number
}

/** The buckets to show, in the order of time: the summary's, and the empty ones between them where gaps are filled. */
function spansOf(
  starts: readonly number[],
  axis: BucketAxis,
  window: ExposureWindow | null,
  fillGaps: boolean,
  assertAffordable: (buckets: number) => void,
): readonly Span[] {
  assertAffordable(starts.length)
  const places = placesOnAxis(starts, axis)
  const firstPlace = places[0]
  const lastPlace = places.at(-1)
  if (window !== null && firstPlace !== undefined && lastPlace !== undefined) {
    for (const [place, startMs] of [
      [firstPlace, starts[0]],
      [lastPlace, starts.at(-1)],
    ] as const) {
      if (axis.next(place) <= window.startMs || place >= window.asOfMs) {
        throw invalidView(
          'window',
          window,
          `The summary has a bucket at ${new Date(startMs ?? place).toISOString()}, outside of ` +
            `${new Date(window.startMs).toISOString()} to ${new Date(window.asOfMs).toISOString()}. ` +
            'Pass the window that the summary was asked for.',
        )
      }
    }
  }

  // What each bucket shown stands on: the axis, and the summary's start where it has one.
  const shown: { readonly place: number; readonly startMs: number; readonly index: number }[] = []
  if (fillGaps) {
    const first = Math.min(firstPlace ?? Infinity, window === null ? Infinity : axis.floor(window.startMs))
    const last = Math.max(lastPlace ?? -Infinity, window === null ? -Infinity : axis.floor(window.asOfMs - 1))
    if (first <= last) assertAffordable(Math.ceil((last - first) / (axis.next(first) - first)) + 1)
    let index = 0
    for (let place = first; place <= last; place = axis.next(place)) {
      const found = place === places[index]
      shown.push({ place, startMs: found ? (starts[index] ?? place) : place, index: found ? index++ : -1 })
    }
  } else {
    places.forEach((place, index) => shown.push({ place, startMs: starts[index] ?? place, index }))
  }

  return shown.map(({ place, startMs, index }, row) => {
    const end = axis.next(place)
    const following = shown[row + 1]
    return { startMs, endMs: following?.place === end ? following.startMs : end, index }
  })
}

/**
 * Where the summary's buckets stand on this platform's axis: nearly always at their own start; where the two time
 * zone databases differ by some hours, at the nearest start.
 */
function placesOnAxis(starts: readonly number[], axis: BucketAxis): readonly number[] {
  let before = -Infinity
  return starts.map((startMs, index) => {
    const floor = axis.floor(startMs)
    const next = floor === startMs ? Infinity : axis.next(startMs)
    const place = next - startMs < startMs - floor ? next : floor
    if (place <= before) {
      throw new ExposureError(
        'malformed-summary',
        `summary.timeseries.points[${index}].bucket is not usable: ${new Date(startMs).toISOString()} lies in the ` +
          'same bucket as the point before it. Was another granularity or time zone asked for?',
        { field: `summary.timeseries.points[${index}].bucket` },
      )
    }
    before = place
    return place
  })
}
