import { ExposureError, received } from '../errors.js'
import { assertTimeZone } from '../spec/time-zone.js'
import type { ExposuresSummary } from './exposures-summary.js'

/**
 * The starts of a summary's buckets, in epoch milliseconds, once all of it was found to be as `summarizeExposures`
 * makes it: a summary often comes back from somebody's storage. Throws `malformed-summary`, naming the field, and
 * `invalid-spec` for a time zone that this platform does not know.
 *
 * @param name - what the message calls the summary
 */
export function checkedBucketStarts(summary: ExposuresSummary, name: string): readonly number[] {
  const malformed = (field: string, value: unknown, advice: string): ExposureError =>
    new ExposureError(
      'malformed-summary',
      `${name}${field} is not usable: received ${received(value)}. ${advice}`,
      { field: `${name}${field}`, received: received(value) },
    )
  const record = (value: unknown, field: string): void => {
    if (typeof value !== 'object' || value === null) {
      throw malformed(field, value, 'Pass what summarizeExposures returned, or its JSON parsed.')
    }
  }

  record(summary, '')
  record(summary.timeseries, '.timeseries')
  const { granularity, timeZone, points } = summary.timeseries
  if (granularity !== 'hour' && granularity !== 'day') {
    throw malformed('.timeseries.granularity', granularity, "It is 'hour' or 'day'.")
  }
  assertTimeZone(timeZone)
  if (!Array.isArray(points)) throw malformed('.timeseries.points', points, 'It is a list.')

  let seen = 0
  const add = (count: unknown, field: string): void => {
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) {
      throw malformed(field, count, 'A count is a whole number from 0 to 2^53 - 1.')
    }
    seen += count
    if (!Number.isSafeInteger(seen)) throw malformed(field, count, 'The sum of all counts is past 2^53 - 1.')
  }

  add(summary.excludedIdentities, '.excludedIdentities')
  const widthMs = granularity === 'hour' ? 3_600_000 : 86_400_000
  let before = -Infinity
  return points.map((point, index) => {
    const field = `.timeseries.points[${index}]`
    record(point, field)
    const { bucket, newIdentities } = point
    const startMs = typeof bucket === 'string' ? Date.parse(bucket) : NaN
    if (Number.isNaN(startMs) || new Date(startMs).toISOString() !== bucket) {
      throw malformed(`${field}.bucket`, bucket, 'A bucket is an instant such as 2026-06-01T00:00:00.000Z.')
    }
    if (startMs <= before) throw malformed(`${field}.bucket`, bucket, 'Points are in the order of time.')
    // Other zones' buckets are the warehouse's word: its time zone database may differ from this platform's.
    if (timeZone === 'UTC' && startMs % widthMs !== 0) {
      throw malformed(`${field}.bucket`, bucket, `It is not the start of a UTC ${granularity}.`)
    }
    before = startMs
    record(newIdentities, `${field}.newIdentities`)
    const counts = `${field}.newIdentities`
    for (const count of Object.values(newIdentities)) add(count, counts)
    return startMs
  })
}
