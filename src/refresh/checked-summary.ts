import { isExposureError } from '../errors.js'
import { assertTimeZone } from '../spec/time-zone.js'
import type { ExposuresPoint, ExposuresSummary } from '../summary/exposures-summary.js'
import { checkedObject } from './checked-object.js'
import type { Refusal } from './refusal.js'

/** How a summary is written down: its field names, and how a bucket's start is. */
export interface StoredSummaryFormat {
  readonly excludedIdentities: string
  readonly newIdentities: string
  /** `null` where the format knows only UTC. */
  readonly timeZone: string | null
  /** The smallest count that may be written; counts of 0 are left out of the summary. */
  readonly leastCount: 0 | 1
  readonly bucketExample: string
  /** The bucket as an ISO 8601 instant with milliseconds and Z; the checks of that follow. */
  readonly toIsoInstant: (bucket: string) => string
}

/** A summary as this library makes it, frozen, from stored JSON, or the refusal of the first place that is wrong. */
export function checkedSummary(
  value: unknown,
  path: string,
  format: StoredSummaryFormat,
  refuse: Refusal,
): ExposuresSummary {
  const summary = checkedObject(value, path, refuse)
  const excludedIdentities = checkedCount(
    summary[format.excludedIdentities],
    `${path}.${format.excludedIdentities}`,
    0,
    refuse,
  )
  const at = `${path}.timeseries`
  const timeseries = checkedObject(summary['timeseries'], at, refuse)
  const granularity = timeseries['granularity']
  if (granularity !== 'hour' && granularity !== 'day') {
    throw refuse(`${at}.granularity`, granularity, "Expected 'hour' or 'day'.")
  }
  const timeZone =
    format.timeZone === null
      ? 'UTC'
      : checkedTimeZone(timeseries[format.timeZone], `${at}.${format.timeZone}`, refuse)
  const stored = timeseries['points']
  if (!Array.isArray(stored)) throw refuse(`${at}.points`, stored, 'Expected a list.')

  const widthMs = granularity === 'hour' ? 3_600_000 : 86_400_000
  const points: ExposuresPoint[] = []
  let previousMs = -Infinity
  for (const [index, item] of (stored as readonly unknown[]).entries()) {
    const here = `${at}.points[${index}]`
    const point = checkedObject(item, here, refuse)
    const bucket = checkedBucket(point['bucket'], `${here}.bucket`, format, refuse)
    const bucketMs = Date.parse(bucket)
    if (timeZone === 'UTC' && bucketMs % widthMs !== 0) {
      throw refuse(`${here}.bucket`, point['bucket'], `Expected the start of a UTC ${granularity}.`)
    }
    if (bucketMs <= previousMs) {
      throw refuse(`${here}.bucket`, point['bucket'], 'Expected a later bucket than the one before it.')
    }
    previousMs = bucketMs
    const countsPath = `${here}.${format.newIdentities}`
    const counts = Object.entries(checkedObject(point[format.newIdentities], countsPath, refuse)).map(
      ([variant, count]) =>
        [
          variant,
          checkedCount(count, `${countsPath}[${JSON.stringify(variant)}]`, format.leastCount, refuse),
        ] as const,
    )
    if (counts.length < format.leastCount) {
      throw refuse(countsPath, point[format.newIdentities], 'Expected one variant or more.')
    }
    const newIdentities = counts.filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1))
    if (newIdentities.length > 0) {
      // fromEntries defines properties where an assignment to __proto__ would set the prototype.
      points.push(Object.freeze({ bucket, newIdentities: Object.freeze(Object.fromEntries(newIdentities)) }))
    }
  }
  return Object.freeze({
    excludedIdentities,
    timeseries: Object.freeze({ granularity, timeZone, points: Object.freeze(points) }),
  })
}

function checkedCount(value: unknown, path: string, least: 0 | 1, refuse: Refusal): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw refuse(path, value, `Expected a whole number from ${least} to 2^53 - 1.`)
  }
  return value + 0
}

function checkedBucket(
  value: unknown,
  path: string,
  { toIsoInstant, bucketExample }: StoredSummaryFormat,
  refuse: Refusal,
): string {
  const iso = typeof value === 'string' ? toIsoInstant(value) : ''
  // Date.parse reads much that is no bucket, and rolls 30 February over into March.
  if (Number.isNaN(Date.parse(iso)) || new Date(iso).toISOString() !== iso) {
    throw refuse(path, value, `Expected an instant written as ${bucketExample}.`)
  }
  return iso
}

function checkedTimeZone(value: unknown, path: string, refuse: Refusal): string {
  try {
    assertTimeZone(value)
  } catch (error) {
    if (isExposureError(error, 'invalid-spec')) {
      throw refuse(path, value, "Expected an IANA name such as 'UTC' or 'Europe/Madrid'.")
    }
    /* v8 ignore next -- assertTimeZone throws nothing else; whatever it were, it is not ours to reword */
    throw error
  }
  return value
}
