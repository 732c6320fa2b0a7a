import { ExposureError, received } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import type { ExposureBucket } from '../rows/decode-bucket-rows.js'
import { assertOptions } from '../spec/assert-options.js'
import type { Granularity } from '../spec/select-granularity.js'
import { assertTimeZone } from '../spec/time-zone.js'
import type { ExposuresSummary } from './exposures-summary.js'

/**
 * What is the summary of these buckets? Adds them up, in the order of time.
 *
 * @param buckets - what `decodeBucketRows` returned, in any order; several for the same bucket and variant add up
 * @param options.granularity - the granularity that the buckets were asked with: `selectGranularity(window)`
 * @param options.timeZone - the IANA zone that they were asked with; default `UTC`
 * @returns a frozen summary; the counts of its points and its excluded identities add up to those of the buckets
 * @throws {@link ExposureError} `malformed-buckets` for a count or instant that is none, or a bucket that is not the
 *   start of an hour or day (checked in UTC); `invalid-spec` for a time zone that is none
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
): ExposuresSummary {
  assertOptions(options, ['granularity', 'timeZone'], 'options')
  const { granularity, timeZone = 'UTC' } = options
  if (granularity !== 'hour' && granularity !== 'day') {
    throw malformed('granularity', granularity, 'Pass selectGranularity(window).')
  }
  assertTimeZone(timeZone)
  const widthMs = granularity === 'hour' ? 3_600_000 : 86_400_000

  let excludedIdentities = 0
  const points = new Map<number, Map<string, number>>()
  for (const { quarantined, variant, bucketMs, newIdentities } of buckets) {
    if (!Number.isSafeInteger(newIdentities) || newIdentities < 0) {
      throw malformed('newIdentities', newIdentities, 'Pass a whole number from 0 to 2^53 - 1.')
    }
    if (!Number.isInteger(bucketMs) || Math.abs(bucketMs) > 8.64e15) {
      throw malformed('bucketMs', bucketMs, 'Pass epoch milliseconds.')
    }
    if (timeZone === 'UTC' && bucketMs % widthMs !== 0) {
      throw malformed(
        'bucketMs',
        bucketMs,
        `It is not the start of a UTC ${granularity}: was another granularity or zone asked for?`,
      )
    }
    if (newIdentities === 0) continue
    if (quarantined) {
      excludedIdentities = sum(excludedIdentities, newIdentities)
    } else {
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
          // fromEntries defines properties where an assignment to __proto__ would set the prototype.
          newIdentities: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
        })),
    },
  })
}

function sum(a: number, b: number): number {
  if (!Number.isSafeInteger(a + b)) throw malformed('newIdentities', a + b, 'The sum is past 2^53 - 1.')
  return a + b
}

function malformed(field: string, value: unknown, advice: string): ExposureError {
  return new ExposureError(
    'malformed-buckets',
    `${field} is not usable: received ${received(value)}. ${advice}`,
    {
      field,
      received: received(value),
    },
  )
}
