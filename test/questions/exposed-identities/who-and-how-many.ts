import type { ClickHouseClient } from '@clickhouse/client'
import {
  decodeBucketRows,
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  firstExposuresQuery,
  selectGranularity,
  summarizeExposures,
  type ExposedIdentitiesQueryOptions,
  type ExposureSpec,
  type ExposuresQuery,
  type ExposuresSummary,
  type ExposureWindow,
} from 'first-exposure'
import type * as fc from 'fast-check'
import { expect } from 'vitest'
import { asked, eventsAround, type Asked, type ExposureEvent } from '../../arbitraries/exposure-events.js'
import { eventRow } from '../../engine/events-table.js'
import { bucketAxis } from '../../../src/time/local-days.js'

// What reads a DateTime without a zone reads it in this one, as a server in that zone does.
type Settings = Readonly<Record<'session_timezone', string>>

/** A question with so many events around it that most of them have quarantined identities too. */
export const crowdedQuestion: fc.Arbitrary<{ question: Asked; events: ExposureEvent[] }> = asked.chain(
  (question) => eventsAround(question, { minLength: 15 }).map((events) => ({ question, events })),
)

/**
 * Law 10: the summary, the exposed identities counted on the server by bucket and variant, and their decoded rows counted
 * here by the bucket of the spec's zone are the same. Returns it.
 */
export async function expectAgreement(
  client: ClickHouseClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: ExposedIdentitiesQueryOptions = {},
  settings?: Settings,
): Promise<ExposuresSummary> {
  const granularity = selectGranularity(window)
  const { timeZone } = spec
  const rowsOf = async (asked: ExposuresQuery): Promise<readonly object[]> => {
    const clickhouse_settings = settings === undefined ? {} : { clickhouse_settings: settings }
    return await (await client.query({ ...asked, ...clickhouse_settings })).json<object>()
  }
  const summaryOf = (rows: readonly unknown[]): ExposuresSummary =>
    summarizeExposures(decodeBucketRows(rows), { granularity, timeZone })

  const { partition } = options
  const summary = summaryOf(
    await rowsOf(firstExposuresQuery(spec, window, partition === undefined ? {} : { partition })),
  )
  const who = exposedIdentitiesQuery(spec, window, { prefix: 'who_', ...options })
  const startOfBucket = { hour: 'toStartOfHour', day: 'toStartOfDay' }[granularity]
  const onServer = await rowsOf({
    ...who,
    query: `
      SELECT
        quarantined,
        variant,
        toDateTime(${startOfBucket}(toDateTime(first_exposure, 'UTC'), {zone:String}), 'UTC') AS bucket,
        count() AS new_identities
      FROM (${who.query})
      GROUP BY quarantined, variant, bucket`,
    query_params: { ...who.query_params, zone: timeZone },
  })
  expect(summaryOf(onServer)).toEqual(summary)

  const identities = decodeExposedIdentityRows(await rowsOf(who))
  const { floor } = bucketAxis(timeZone, granularity)
  const here = new Map<string, Record<string, unknown> & { new_identities: number }>()
  for (const { quarantined, variant, firstExposure } of identities) {
    const bucket = floor(Date.parse(firstExposure)) / 1000
    const key = JSON.stringify([variant, bucket])
    const row = here.get(key) ?? { quarantined, variant, bucket, new_identities: 0 }
    here.set(key, { ...row, new_identities: row.new_identities + 1 })
  }
  expect(summaryOf([...here.values()])).toEqual(summary)
  expect(new Set(identities.map(({ identity }) => identity)).size).toBe(identities.length)
  return summary
}

/** Adds the events with instants that no zone can move, half of them in each of two batches. */
export async function insertInTwoBatches(
  client: ClickHouseClient,
  events: readonly ExposureEvent[],
): Promise<void> {
  for (const half of [0, 1]) {
    const values = events
      .filter((_, index) => index % 2 === half)
      .map((event, index) => ({
        ...eventRow(event),
        timestamp: (event.timestampMs / 1000).toFixed(3),
        sdk_language: ['js', 'java', 'go'][index % 3],
      }))
    if (values.length > 0) await client.insert({ table: 'events', format: 'JSONEachRow', values })
  }
}
