import { aList, anObject, aWholeNumber } from '../../checks.js'
import { malformedSummary, type Refusal } from '../../errors.js'
import { bucketAxis } from '../../time/local-days.js'
import { aGranularity } from '../../time/granularity.js'
import { aTimeZone } from '../../time/time-zone.js'
import type { ExposuresPoint, ExposuresSummary } from './exposures-summary.js'

/** How a summary is written: the names of its fields, and the format of a bucket's start. */
export interface SummaryFormat {
  readonly excludedIdentities: string
  readonly newIdentities: string
  /** `null` if the format knows only UTC. */
  readonly timeZone: string | null
  readonly bucketExample: string
  /** The bucket as an ISO 8601 instant with milliseconds and Z. For other text, the result may be anything. */
  readonly toIsoInstant: (bucket: string) => string
}

const ownFormat: SummaryFormat = {
  excludedIdentities: 'excludedIdentities',
  newIdentities: 'newIdentities',
  timeZone: 'timeZone',
  bucketExample: '2026-06-01T00:00:00.000Z',
  toIsoInstant: (bucket) => bucket,
}

/**
 * Checks a summary that comes from outside, often from storage. The result is as `summarizeExposures` makes it, and
 * frozen. Counts of 0, points that hold nothing else, and unknown fields are dropped.
 *
 * @param path - the name of the summary in messages
 * @param refuse - makes the error for the first wrong place
 */
export function checkedSummary(
  value: unknown,
  path: string,
  refuse: Refusal = malformedSummary,
  format: SummaryFormat = ownFormat,
): ExposuresSummary {
  const summary = anObject(value, path, refuse)
  const excludedIdentities = aWholeNumber(0)(
    summary[format.excludedIdentities],
    `${path}.${format.excludedIdentities}`,
    refuse,
  )
  const at = `${path}.timeseries`
  const timeseries = anObject(summary['timeseries'], at, refuse)
  const granularity = aGranularity(timeseries['granularity'], `${at}.granularity`, refuse)
  const timeZone =
    format.timeZone === null
      ? 'UTC'
      : aTimeZone(timeseries[format.timeZone], `${at}.${format.timeZone}`, refuse)

  const { floor } = bucketAxis('UTC', granularity)
  const points: ExposuresPoint[] = []
  let seen = excludedIdentities
  let beforeMs = -Infinity
  for (const [index, item] of aList(timeseries['points'], `${at}.points`, refuse).entries()) {
    const here = `${at}.points[${index}]`
    const point = anObject(item, here, refuse)
    const bucket = isoBucket(point['bucket'], `${here}.bucket`, refuse, format)
    const startMs = Date.parse(bucket)
    // In other zones the warehouse decides the buckets: its time zone database may differ from this platform's.
    if (timeZone === 'UTC' && floor(startMs) !== startMs) {
      throw refuse(`${here}.bucket`, point['bucket'], `Pass the start of a UTC ${granularity}.`)
    }
    if (startMs <= beforeMs) {
      throw refuse(`${here}.bucket`, point['bucket'], 'Pass the points in the order of time.')
    }
    beforeMs = startMs
    const field = `${here}.${format.newIdentities}`
    const counts = anObject(point[format.newIdentities], field, refuse)
    const kept: (readonly [string, number])[] = []
    for (const variant of Object.keys(counts).sort()) {
      const count = counts[variant]
      if (
        typeof count !== 'number' ||
        !(count >= 0) ||
        !Number.isSafeInteger(count) ||
        !Number.isSafeInteger((seen += count))
      ) {
        throw refuse(
          `${field}[${JSON.stringify(variant)}]`,
          count,
          'Pass whole numbers, 0 or more, that add up to 2^53 - 1 or less.',
        )
      }
      if (count > 0) kept.push([variant, count])
    }
    if (kept.length > 0) {
      // fromEntries defines properties. An assignment to __proto__ would set the prototype instead.
      points.push(
        Object.freeze({
          bucket,
          newIdentities: Object.freeze(Object.fromEntries(kept)),
        }),
      )
    }
  }
  return Object.freeze({
    excludedIdentities,
    timeseries: Object.freeze({
      granularity,
      timeZone,
      points: Object.freeze(points),
    }),
  })
}

function isoBucket(
  value: unknown,
  path: string,
  refuse: Refusal,
  { toIsoInstant, bucketExample }: SummaryFormat,
): string {
  const iso = typeof value === 'string' ? toIsoInstant(value) : ''
  // Date.parse also reads other formats, and turns 30 February into a day in March.
  if (Number.isNaN(Date.parse(iso)) || new Date(iso).toISOString() !== iso) {
    throw refuse(path, value, `Pass an instant written as ${bucketExample}.`)
  }
  return iso
}
