import { deepFreeze } from '../../freeze.js'
import { decodeCrossoversRows, type CrossoverRow } from './rows.js'
import { withFields } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import type { Granularity } from '../../time/granularity.js'
import { summarizeExposures } from '../summary/answer.js'

/** How many identities crossed over in one bucket. */
export interface CrossoversPoint {
  /** The bucket's start, as an ISO 8601 instant in UTC: `2026-06-01T00:00:00.000Z`. */
  readonly bucket: string
  readonly identities: number
}

/** The identities that were exposed to one variant first, and to another next. */
export interface CrossoverPair {
  readonly firstVariant: string
  readonly nextVariant: string
  readonly identities: number
  /** The median of the time between the two exposures, in milliseconds; half ones where it lies between two. */
  readonly medianMs: number
  /** When the next variant came: chronological, without empty buckets; adds up to `identities`. */
  readonly points: readonly CrossoversPoint[]
}

/**
 * The identities that were exposed to more than one variant: from which to which, how long after, and when.
 *
 * Plain data, frozen through and through; `JSON.parse(JSON.stringify(crossovers))` equals it.
 */
export interface Crossovers {
  /** All of them, each once. */
  readonly identities: number
  /** The pair of most identities first; of as many, in the order of the keys. They add up to `identities`. */
  readonly pairs: readonly CrossoverPair[]
  /**
   * How many of them had their first exposure in each variant; what `crossoverBias` of `first-exposure/statistics` takes.
   * Keys are any strings at all: read it with `Object.entries` or `Object.hasOwn`.
   */
  readonly firstVariants: Readonly<Record<string, number>>
  readonly timeseries: {
    readonly granularity: Granularity
    /** The IANA zone whose hours or days the buckets are. */
    readonly timeZone: string
    /** The points of all pairs, added up. */
    readonly points: readonly CrossoversPoint[]
  }
}

/**
 * Who is in two variants, and since when? The matrix of crossovers, from the rows of the answer to `crossoversQuery`.
 *
 * An identity is in one pair: the variant of its first exposure and that of its first exposure to another. Where
 * pairs go one way only, or start on one day, a release or a change of the split is likely to be the reason; where the
 * median is 0, one event was sent for two variants.
 *
 * @param rows - the parsed rows of the answer, in any order
 * @param options.granularity - the granularity that they were asked with: `selectGranularity(window)`
 * @param options.timeZone - the IANA zone that they were asked with; default `UTC`
 * @returns frozen crossovers
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for whatever the query cannot have
 *   given; `malformed-buckets` for a bucket that is not the start of an hour or day (checked in UTC); `invalid-spec` for
 *   a time zone that is none
 *
 * @example
 * ```ts
 * import { summarizeCrossovers } from 'first-exposure'
 *
 * const { identities, firstVariants, timeseries } = summarizeCrossovers(
 *   [
 *     {
 *       first_variant: 'control',
 *       next_variant: 'one-page',
 *       identities: 3,
 *       median_ms: 60000,
 *       buckets: ['2026-06-01 00:00:00', '2026-06-03 00:00:00'],
 *       bucket_identities: [1, 2],
 *     },
 *   ],
 *   { granularity: 'day' },
 * )
 * identities // => 3
 * firstVariants // => { control: 3 }
 * timeseries.points[1] // => { bucket: '2026-06-03T00:00:00.000Z', identities: 2 }
 * ```
 */
export function summarizeCrossovers(
  rows: readonly unknown[],
  options: { readonly granularity: Granularity; readonly timeZone?: string },
): Crossovers {
  withFields(options, ['granularity', 'timeZone'], 'options', invalidSpec)
  const pairs = decodeCrossoversRows(rows)
  // Counts by bucket are added up, ordered and checked as those of exposures are.
  const pointsOf = (buckets: CrossoverRow['buckets']): readonly CrossoversPoint[] =>
    summarized(buckets).points.map(({ bucket, newIdentities }) => ({
      bucket,
      identities: newIdentities[''] ?? 0,
    }))
  const summarized = (
    buckets: CrossoverRow['buckets'],
  ): ReturnType<typeof summarizeExposures>['timeseries'] =>
    summarizeExposures(
      buckets.map(({ bucketMs, identities }) => ({
        quarantined: false,
        variant: '',
        bucketMs,
        newIdentities: identities,
      })),
      options,
    ).timeseries

  const firstVariants = new Map<string, number>()
  for (const { firstVariant, identities } of pairs) {
    firstVariants.set(firstVariant, (firstVariants.get(firstVariant) ?? 0) + identities)
  }
  const all = pairs.flatMap(({ buckets }) => buckets)
  const { granularity, timeZone } = summarized([])
  return deepFreeze({
    identities: pairs.reduce((sum, { identities }) => sum + identities, 0),
    pairs: [...pairs]
      .sort(
        (a, b) =>
          b.identities - a.identities ||
          byKey(a.firstVariant, b.firstVariant) ||
          byKey(a.nextVariant, b.nextVariant),
      )
      .map(({ buckets, ...pair }) => ({ ...pair, points: pointsOf(buckets) })),
    firstVariants: Object.fromEntries([...firstVariants].sort(([a], [b]) => byKey(a, b))),
    timeseries: { granularity, timeZone, points: pointsOf(all) },
  })
}

function byKey(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
