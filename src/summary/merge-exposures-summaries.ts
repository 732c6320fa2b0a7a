import { ExposureError } from '../errors.js'
import type { ExposureBucket } from '../rows/decode-bucket-rows.js'
import { checkedBucketStarts } from './checked-bucket-starts.js'
import type { ExposuresSummary } from './exposures-summary.js'
import { summarizeExposures } from './summarize-exposures.js'

/**
 * What is the summary of the whole, given those of its parts? Adds up summaries of disjoint sets of identities,
 * such as the shards of a table that is sharded by identity.
 *
 * Of summaries that share identities (two windows, two environments) the sum means nothing: an identity would be
 * counted in both, and one exposed to a variant in each would be excluded in neither.
 *
 * @param summaries - one or more, of one granularity and one time zone
 * @returns a frozen summary; the order of the parts does not matter
 * @throws {@link ExposureError} `incompatible-summaries` where there are none, or they differ in granularity or zone;
 *   `malformed-summary`, naming the field, for what is no summary
 *
 * @example
 * ```ts
 * import { mergeExposuresSummaries, summarizeExposures } from 'first-exposure'
 *
 * const shard = (newIdentities: number) =>
 *   summarizeExposures([{ quarantined: false, variant: 'control', bucketMs: 1780272000000, newIdentities }], {
 *     granularity: 'day',
 *   })
 * mergeExposuresSummaries(shard(2), shard(3)) // => shard(5)
 * ```
 */
export function mergeExposuresSummaries(...summaries: readonly ExposuresSummary[]): ExposuresSummary {
  const [first] = summaries
  if (first === undefined) {
    throw new ExposureError('incompatible-summaries', 'There is nothing to merge: pass one summary or more.')
  }
  summaries.forEach((summary, index) => checkedBucketStarts(summary, `summaries[${index}]`))
  const { granularity, timeZone } = first.timeseries
  for (const { timeseries } of summaries) {
    if (timeseries.granularity !== granularity || timeseries.timeZone !== timeZone) {
      const asked = [`${granularity} in ${timeZone}`, `${timeseries.granularity} in ${timeseries.timeZone}`]
      throw new ExposureError(
        'incompatible-summaries',
        `Buckets by ${asked.join(' and by ')} do not add up. Merge summaries of one window, asked in one time zone.`,
        { asked },
      )
    }
  }
  return summarizeExposures(summaries.flatMap(bucketsOf), { granularity, timeZone })
}

function bucketsOf({ excludedIdentities, timeseries }: ExposuresSummary): ExposureBucket[] {
  const counted = timeseries.points.flatMap(({ bucket, newIdentities }) =>
    Object.entries(newIdentities).map(([variant, count]) => ({
      quarantined: false as const,
      variant,
      bucketMs: Date.parse(bucket),
      newIdentities: count,
    })),
  )
  // A summary does not say when the excluded identities entered, and their sum does not ask.
  return [{ quarantined: true, variant: null, bucketMs: 0, newIdentities: excludedIdentities }, ...counted]
}
