import { incompatibleSummaries } from '../../errors.js'
import { summarizeExposures } from './answer.js'
import { checkedSummary } from './checked-summary.js'
import type { ExposuresSummary } from './exposures-summary.js'
import type { ExposureBucket } from './rows.js'

/**
 * What is the summary of the whole, given the summaries of its parts? Adds up summaries of disjoint sets of identities,
 * for example the shards of a table that is sharded by identity.
 *
 * Do not add up summaries that share identities (two windows, two environments). A shared identity would count twice.
 * An identity exposed to a different variant in each would not be excluded in either.
 *
 * @param summaries - one or more, all with the same granularity and time zone
 * @returns a frozen summary; the order of the parts does not matter
 * @throws {@link ExposureError} `incompatible-summaries` if there is no summary, or they differ in granularity or time
 *   zone; `malformed-summary`, naming the field
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
  const checked = summaries.map((summary, index) => checkedSummary(summary, `summaries[${index}]`))
  const [first] = checked
  if (first === undefined) {
    throw incompatibleSummaries(
      'summaries',
      summaries,
      'Pass one summary or more.',
      'There is nothing to merge.',
    )
  }
  const { granularity, timeZone } = first.timeseries
  for (const [index, { timeseries }] of checked.entries()) {
    if (timeseries.granularity !== granularity || timeseries.timeZone !== timeZone) {
      const other = `${timeseries.granularity} in ${timeseries.timeZone}`
      throw incompatibleSummaries(
        `summaries[${index}].timeseries`,
        other,
        'Merge summaries of one window, asked in one time zone.',
        `Buckets by ${granularity} in ${timeZone} and by ${other} do not add up.`,
      )
    }
  }
  return summarizeExposures(checked.flatMap(bucketsOf), {
    granularity,
    timeZone,
  })
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
  // A summary does not say when the excluded identities entered, so their sum can be in any bucket.
  return [
    {
      quarantined: true,
      variant: null,
      bucketMs: 0,
      newIdentities: excludedIdentities,
    },
    ...counted,
  ]
}
