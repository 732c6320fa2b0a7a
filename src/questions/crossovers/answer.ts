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

/** The identities that were first exposed to one variant and then to another. */
export interface CrossoverPair {
  readonly firstVariant: string
  readonly nextVariant: string
  readonly identities: number
  /** The median time between the two exposures, in milliseconds. It can end in a half if it lies between two values. */
  readonly medianMs: number
  /**
   * When the exposure to the next variant happened: chronological, without empty buckets. They add up to `identities`.
   */
  readonly points: readonly CrossoversPoint[]
}

/**
 * The identities that were exposed to more than one variant: from which to which, how much later, and when.
 *
 * Plain data, deeply frozen. `JSON.parse(JSON.stringify(crossovers))` equals it.
 */
export interface Crossovers {
  /** All these identities, each counted once. */
  readonly identities: number
  /** The pair with the most identities first; equal ones in the order of the keys. They add up to `identities`. */
  readonly pairs: readonly CrossoverPair[]
  /**
   * How many of them had their first exposure in each variant: the input of `crossoverBias` of
   * `first-exposure/statistics`. A key can be any string. Read it with `Object.entries` or `Object.hasOwn`.
   */
  readonly firstVariants: Readonly<Record<string, number>>
  readonly timeseries: {
    readonly granularity: Granularity
    /** The IANA time zone of the buckets' hours or days. */
    readonly timeZone: string
    /** The points of all pairs, added up. */
    readonly points: readonly CrossoversPoint[]
  }
}

/**
 * Who is in two variants, and since when? Builds the matrix of crossovers from the rows that `crossoversQuery` returns.
 *
 * Each identity is in one pair: the variant of its first exposure, and the variant of its first exposure to another. If
 * pairs go in one direction only, or start on one day, the likely reason is a release or a change of the split. If the
 * median is 0, one event was sent for two variants.
 *
 * @param rows - the parsed rows of the answer, in any order
 * @param options.granularity - the granularity of the query: `selectGranularity(window)`
 * @param options.timeZone - the IANA time zone of the query; default `UTC`
 * @returns frozen crossovers
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for rows that the query cannot return;
 *   `malformed-buckets` for a bucket that is not the start of an hour or day (checked in UTC); `invalid-spec` for a
 *   value that is not an IANA time zone
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
  // Counts by bucket are added up, ordered and checked in the same way as those of exposures.
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
