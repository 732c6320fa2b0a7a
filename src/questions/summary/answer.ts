import { aString, aWholeNumber, withFields } from '../../checks.js'
import { invalidSpec, malformedBuckets } from '../../errors.js'
import { deepFreeze } from '../../freeze.js'
import { bucketAxis } from '../../time/local-days.js'
import { aGranularity, type Granularity } from '../../time/granularity.js'
import { anEpochMs } from '../../time/instant.js'
import { aTimeZone } from '../../time/time-zone.js'
import { assertRows } from '../cell.js'
import type { ExposuresSummary } from './exposures-summary.js'
import { decodeBucketRows, type ExposureBucket } from './rows.js'

/**
 * What is the summary of these buckets? Adds them up, in chronological order.
 *
 * @param buckets - the rows of the answer to `firstExposuresQuery`, or what `decodeBucketRows` made of them, in any
 *   order; several buckets for the same instant and variant add up
 * @param options.granularity - the granularity of the query: `selectGranularity(window)`
 * @param options.timeZone - the IANA time zone of the query; default `UTC`
 * @returns a frozen summary; the counts of its points and its excluded identities add up to those of the buckets
 * @throws {@link ExposureError} `malformed-rows` for rows that the query cannot return; `malformed-buckets`, naming the field, for an unusable count or instant, an unknown
 *   granularity, or a bucket that is not the start of an hour or day (checked in UTC); `invalid-spec` for an unknown
 *   option or time zone
 *
 * @example
 * ```ts
 * import { summarizeExposures } from 'first-exposure'
 *
 * summarizeExposures(
 *   [
 *     { quarantined: false, variant: 'control', bucketMs: 1780272000000, newIdentities: 100 },
 *     { quarantined: true, variant: null, bucketMs: 1780272000000, newIdentities: 5 },
 *   ],
 *   { granularity: 'day' },
 * )
 * // => {
 * //   excludedIdentities: 5,
 * //   timeseries: {
 * //     granularity: 'day',
 * //     timeZone: 'UTC',
 * //     points: [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control: 100 } }],
 * //   },
 * // }
 * ```
 */
export function summarizeExposures(
  buckets: readonly ExposureBucket[],
  options: { readonly granularity: Granularity; readonly timeZone?: string },
): ExposuresSummary
export function summarizeExposures(
  rows: readonly unknown[],
  options: { readonly granularity: Granularity; readonly timeZone?: string },
): ExposuresSummary
export function summarizeExposures(
  given: readonly unknown[],
  options: { readonly granularity: Granularity; readonly timeZone?: string },
): ExposuresSummary {
  withFields(options, ['granularity', 'timeZone'], 'options', invalidSpec)
  const granularity = aGranularity(options.granularity, 'granularity', malformedBuckets)
  const timeZone = aTimeZone(options.timeZone ?? 'UTC', 'timeZone', invalidSpec)
  const { floor } = bucketAxis('UTC', granularity)

  assertRows(given)
  const [first] = given
  const areBuckets = typeof first === 'object' && first !== null && 'bucketMs' in first
  const buckets = areBuckets ? (given as readonly ExposureBucket[]) : decodeBucketRows(given)
  let excludedIdentities = 0
  const points = new Map<number, Map<string, number>>()
  for (const [index, { quarantined, variant, bucketMs, newIdentities }] of buckets.entries()) {
    aWholeNumber(0)(newIdentities, `buckets[${index}].newIdentities`, malformedBuckets)
    anEpochMs(bucketMs, `buckets[${index}].bucketMs`, malformedBuckets)
    if (timeZone === 'UTC' && floor(bucketMs) !== bucketMs) {
      throw malformedBuckets(
        `buckets[${index}].bucketMs`,
        bucketMs,
        `It is not the start of a UTC ${granularity}: was another granularity or zone asked for?`,
      )
    }
    if (newIdentities === 0) continue
    if (quarantined) {
      excludedIdentities = sum(excludedIdentities, newIdentities)
    } else {
      aString(variant, `buckets[${index}].variant`, malformedBuckets)
      const point = points.get(bucketMs) ?? new Map<string, number>()
      points.set(bucketMs, point.set(variant, sum(point.get(variant) ?? 0, newIdentities)))
    }
  }

  return deepFreeze({
    excludedIdentities,
    timeseries: {
      granularity,
      timeZone,
      points: [...points]
        .sort(([a], [b]) => a - b)
        .map(([bucketMs, counts]) => ({
          bucket: new Date(bucketMs).toISOString(),
          // fromEntries defines properties. An assignment to __proto__ would set the prototype instead.
          newIdentities: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
        })),
    },
  })
}

function sum(a: number, b: number): number {
  return aWholeNumber(0)(a + b, 'The sum of newIdentities', malformedBuckets)
}
