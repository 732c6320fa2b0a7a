import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  crossoversQuery,
  exposedIdentitiesQuery,
  exposureLedgerQuery,
  exposureSpec,
  exposuresBreakdownQuery,
  exposureWindow,
  firstExposuresQuery,
  identityTimelineQuery,
  inlineParameters,
  trustedSql,
  type ExposureSourceInput,
  type ExposureSpec,
  type ExposuresQuery,
  type ExposureWindow,
} from 'first-exposure'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { questionWithEvents, type Asked } from '../arbitraries/exposure-events.js'
import { runs, timeFor } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable, replaceEvents } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'

type Columns = NonNullable<ExposureSourceInput['columns']>

// The column of dimensions, filters and breakdowns is called `sdk_language` in each.
const sameNames: Columns = { arrival: 'collected_at' }
const subqueries: Readonly<Record<string, (asked: Asked) => ExposureSourceInput>> = {
  'all columns': () => ({ table: trustedSql`SELECT * FROM events`, columns: sameNames }),
  'a comment at the end': () => ({
    table: trustedSql`
      WITH identities AS (SELECT * FROM events)
      SELECT * FROM identities -- {start_ms:Int64} ) ; '
    `,
    columns: sameNames,
  }),
  'a union of parts': ({ startMs, asOfMs }) => ({
    table: trustedSql`
      SELECT * FROM events WHERE timestamp < fromUnixTimestamp64Milli(${Math.floor((startMs + asOfMs) / 2)})
      UNION ALL
      SELECT * FROM events WHERE timestamp >= fromUnixTimestamp64Milli(${Math.floor((startMs + asOfMs) / 2)})`,
    columns: sameNames,
  }),
  'one environment, by a bound value': ({ environment }) => ({
    table: trustedSql`SELECT * FROM events WHERE environment_key = ${environment}`,
    columns: { ...sameNames, environment: null },
  }),
  'an aggregation': () => ({
    table: trustedSql`
      SELECT environment_key, event, feature_name, timestamp, collected_at, identifier, value, sdk_language, count()
      FROM (SELECT *, rowNumberInAllBlocks() AS n FROM events)
      GROUP BY environment_key, event, feature_name, timestamp, collected_at, identifier, value, sdk_language, n
      HAVING count() = 1`,
    columns: sameNames,
  }),
  'the names of an answer': () => ({
    table: trustedSql`
      SELECT environment_key AS bucket, event AS quarantined, feature_name AS new_identities,
        timestamp AS first_exposure, identifier AS identity, value AS variant, collected_at AS entry, sdk_language
      FROM events`,
    columns: {
      environment: 'bucket',
      event: 'quarantined',
      feature: 'new_identities',
      timestamp: 'first_exposure',
      identity: 'identity',
      variant: 'variant',
      arrival: 'entry',
    },
  }),
  'the names of steps': () => ({
    table: trustedSql`
      SELECT environment_key AS identities, event AS buckets, feature_name AS first_nano_and_rank,
        timestamp AS exposed_at, identifier AS exposed_identity, value AS first_exposures_variant_keys,
        collected_at AS rank_bits, sdk_language
      FROM events`,
    columns: {
      environment: 'identities',
      event: 'buckets',
      feature: 'first_nano_and_rank',
      timestamp: 'exposed_at',
      identity: 'exposed_identity',
      variant: 'first_exposures_variant_keys',
      arrival: 'rank_bits',
    },
  }),
}

const partition = { index: 0, of: 2 }
const questions: Readonly<
  Record<string, (spec: ExposureSpec, window: ExposureWindow, identity: string) => ExposuresQuery>
> = {
  summary: (spec, window) => firstExposuresQuery(spec, window),
  'summary of a partition': (spec, window) => firstExposuresQuery(spec, window, { partition }),
  'exposed identities': (spec, window) => exposedIdentitiesQuery(spec, window),
  'exposed identities of a partition': (spec, window) =>
    exposedIdentitiesQuery(spec, window, { partition, dimensions: ['sdk_language'], prefix: 'who_' }),
  ledger: (spec, window) => exposureLedgerQuery(spec, window, { latenessMs: 1000 }),
  crossovers: (spec, window) => crossoversQuery(spec, window),
  breakdown: (spec, window) => exposuresBreakdownQuery(spec, window),
  timeline: (spec, window, identity) => identityTimelineQuery(spec, window, identity),
}

describe.skipIf(!engineAvailable)('a SELECT as the table', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
  })
  afterAll(async () => {
    await client.close()
  })

  const rowsOf = async (query: Pick<ExposuresQuery, 'query' | 'query_params'>): Promise<readonly string[]> =>
    (await (await client.query({ ...query, format: 'JSONEachRow' })).json<object>())
      .map((row) => JSON.stringify(row))
      .sort()

  test(
    'answers every question as the table itself',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents,
          fc.constantFrom(...Object.entries(subqueries)),
          fc.constantFrom('quarantine', 'first-seen'),
          fc.constantFrom('hash', 'exact'),
          fc.boolean(),
          async ({ question, events }, [shape, sourceFor], multiVariant, identityKey, isFiltered) => {
            await replaceEvents(client, events)
            const specOf = (source: ExposureSourceInput): ExposureSpec =>
              exposureSpec({
                ...(source.columns?.environment === null ? {} : { environmentKey: question.environment }),
                eventName: question.event,
                featureName: question.feature,
                filters: isFiltered
                  ? [{ column: 'sdk_language', equals: '' }, trustedSql`sdk_language != ${'x'}`]
                  : [],
                breakdown: { column: 'sdk_language' },
                multiVariant,
                identityKey,
                source,
              })
            const window = exposureWindow(question.startMs, question.asOfMs)
            const identity = events.find((event) => event.identity)?.identity ?? 'nobody'
            const table = specOf({ table: 'events', columns: sameNames })
            const subquery = specOf(sourceFor(question))
            for (const [name, ask] of Object.entries(questions)) {
              const asked = ask(subquery, window, identity)
              const expected = await rowsOf(ask(table, window, identity))
              expect(await rowsOf(asked), `${name}, ${shape}`).toEqual(expected)
              if (name !== 'exposed identities') continue
              const inlined = { query: inlineParameters(asked), query_params: {} }
              expect(await rowsOf(inlined), `${name}, ${shape}, inlined`).toEqual(expected)
            }
          },
        ),
        { numRuns: runs(10) },
      )
    },
    timeFor(60_000),
  )

  test('a column that cannot be read rightly is refused, and no row is read to find out', async () => {
    const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
    // The events are never read: the last one would fail the statement.
    const source = {
      table: trustedSql`
        SELECT feature, toUnixTimestamp(now()) + throwIf(number = 999999, 'read') AS ts, 'u' AS id, 'a' AS v
        FROM (SELECT number, 'checkout' AS feature FROM numbers(1000000) LIMIT 1000000)`,
      columns: {
        environment: null,
        event: null,
        feature: 'feature',
        timestamp: 'ts',
        identity: 'id',
        variant: 'v',
      },
    }
    const spec = exposureSpec({ featureName: 'checkout', source, breakdown: { column: 'v' } })
    for (const ask of Object.values(questions).filter((each) => !each.toString().includes('dimensions'))) {
      await expect(rowsOf(ask(spec, window, 'u'))).rejects.toThrow('column timestamp has type <')
    }
  })
})
