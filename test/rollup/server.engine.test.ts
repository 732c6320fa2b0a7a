import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import {
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  flagsmithEvents,
  type ExposureSpecInput,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill, rollupErasure } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { startServer, type EngineServer } from '../engine/server.js'
import { audit, daysToBackfill, run, schemaOf } from './rollup-of-events.js'

const log = { level: ClickHouseLogLevel.OFF }
const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const rolled = exposureSpec({ ...minimal, source: rolledUp(flagsmithEvents(), 'exposures_by_identity') })
const window = exposureWindow('2026-06-05T06:00:00Z', '2026-06-20T18:00:00Z')
const june = exposureWindow('2026-06-01T00:00:00Z', '2026-07-01T00:00:00Z')
const schema = schemaOf()

describe.skipIf(!engineAvailable)('the rollup, on a real server', () => {
  let server: EngineServer
  let client: ClickHouseClient

  beforeAll(async () => {
    server = await startServer()
    const setUp = createClient({ url: server.url, log })
    await setUp.command({ query: 'CREATE DATABASE exposures' })
    await setUp.close()
    client = createClient({ url: server.url, database: 'exposures', log })
    await client.command({
      query: `CREATE TABLE events (
        environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
        timestamp DateTime64(3), identifier String, value String
      ) ENGINE = MergeTree PARTITION BY toYYYYMMDD(timestamp)
      ORDER BY (environment_key, event, feature_name, timestamp, identifier) SETTINGS index_granularity = 128`,
    })
    // A first half before the view, a second half after it, and then the backfill of the first.
    await insertJune(0)
    await run(client, schema.create)
    await insertJune(1)
    await run(client, rollupBackfill(schema, await daysToBackfill(client, schema)))
    await client.command({ query: 'OPTIMIZE TABLE exposures_by_identity FINAL' })
  })
  afterAll(async () => {
    await client.close()
    await server.stop()
  })

  async function insertJune(half: 0 | 1): Promise<void> {
    await client.command({
      query: `INSERT INTO events SELECT ['prod', 'test'][1 + number % 2], ['$flag_exposure', 'purchase'][1 + number % 7 = 6],
          if(number % 40 = 0, 'checkout', concat('feature-', toString(number % 40))),
          toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + toIntervalMillisecond(number * 12960 % 2592000000),
          toString(cityHash64(number) % 4000), ['control', 'b'][1 + cityHash64(number, 1) % 2]
        FROM numbers(200000) WHERE cityHash64(number, 2) % 2 = {half:UInt8}`,
      query_params: { half },
    })
  }

  async function expectAgreement(): Promise<void> {
    for (const multiVariant of ['quarantine', 'first-seen'] as const) {
      for (const identityKey of ['hash', 'exact'] as const) {
        const input: Partial<ExposureSpecInput> = { multiVariant, identityKey, timeZone: 'Asia/Kathmandu' }
        const summary = await fetchExposuresSummary(client, exposureSpec({ ...rolled, ...input }), window)
        expect(summary).toEqual(
          await fetchExposuresSummary(client, exposureSpec({ ...minimal, ...input }), window),
        )
        expect(summary.timeseries.points.length).toBeGreaterThan(10)
      }
    }
  }

  test('answers as the events do, and the audit has nothing to mend', async () => {
    await expectAgreement()
    const days = await audit(client, rolled, june, schema)
    expect(days).toHaveLength(30)
    expect(days.every(({ inEvents, inRollup }) => inEvents > 0 && inEvents === inRollup)).toBe(true)
    expect(days.flatMap(({ mend }) => mend)).toEqual([])
  })

  test('a window that starts before the first exposures reads no event, and the rows of its experiment alone', async () => {
    const { query, query_params } = firstExposuresQuery(rolled, june)
    const read = async (of: string): Promise<number> => {
      const result = await client.query({ query: of, query_params: { ...query_params }, format: 'JSON' })
      return (await result.json()).statistics?.rows_read ?? NaN
    }
    const rows = await read(
      "SELECT count() FROM exposures_by_identity WHERE feature = 'checkout' SETTINGS optimize_use_implicit_projections = 0",
    )
    // For the variants' keys, the largest part and the counting; an index granule more for each.
    expect(await read(query)).toBeLessThan(4 * (rows + 8192))
    expect(await read(query)).toBeLessThan(100_000)
  })

  test('a readonly = 1 user can read it and audit it', async () => {
    const reader = createClient({ url: server.url, database: 'exposures', username: 'reader', log })
    expect(await fetchExposuresSummary(reader, rolled, window)).toEqual(
      await fetchExposuresSummary(client, exposureSpec(minimal), window),
    )
    expect(await audit(reader, rolled, june, schema)).toHaveLength(30)
    await reader.close()
  })

  test('a view that was detached for an hour: the audit names the days and what brings them in', async () => {
    await client.command({ query: 'DETACH TABLE exposures_by_identity_view' })
    await insertLate("'2026-06-10 12:00:00'")
    await client.command({ query: 'ATTACH TABLE exposures_by_identity_view' })
    const found = (await audit(client, rolled, june, schema)).filter(({ mend }) => mend.length > 0)
    expect(found.map(({ day, missing, surplus }) => ({ day, missing, surplus }))).toEqual([
      { day: '2026-06-10', missing: 50, surplus: 0 },
    ])
    expect(found[0]?.mend).toEqual(rollupBackfill(schema, ['2026-06-10']))
    await run(
      client,
      found.flatMap(({ mend }) => mend),
    )
    expect((await audit(client, rolled, june, schema)).flatMap(({ mend }) => mend)).toEqual([])
    await expectAgreement()
  })

  test('an earlier instant that the view missed is missing, although the rollup has the pair', async () => {
    await client.command({ query: 'DETACH TABLE exposures_by_identity_view' })
    await insertLate("'2026-06-10 11:59:59.999'")
    await client.command({ query: 'ATTACH TABLE exposures_by_identity_view' })
    const found = (await audit(client, rolled, june, schema)).filter(({ mend }) => mend.length > 0)
    expect(found).toMatchObject([{ day: '2026-06-10', missing: 50, surplus: 0 }])
    expect(found[0]?.inRollup).toBe(found[0]?.inEvents)
    await run(
      client,
      found.flatMap(({ mend }) => mend),
    )
    expect((await audit(client, rolled, june, schema)).flatMap(({ mend }) => mend)).toEqual([])
  })

  test('a rollup that lost everything is filled again', async () => {
    await client.command({ query: 'ALTER TABLE exposures_by_identity DROP PARTITION tuple()' })
    const found = await audit(client, rolled, june, schema)
    expect(found.map(({ inRollup, mend }) => [inRollup, mend.length])).toEqual(found.map(() => [0, 1]))
    expect(found).toHaveLength(30)
    await run(
      client,
      found.flatMap(({ mend }) => mend),
    )
    expect((await audit(client, rolled, june, schema)).flatMap(({ mend }) => mend)).toEqual([])
    await expectAgreement()
  })

  test('a partition of the events that was dropped is a surplus, and the later first exposures take its place', async () => {
    await insertLate("'2026-06-11 12:00:00'")
    await client.command({ query: "ALTER TABLE events DROP PARTITION '20260611'" })
    const found = (await audit(client, rolled, june, schema)).filter(({ mend }) => mend.length > 0)
    expect(found).toMatchObject([{ day: '2026-06-11', inEvents: 0, missing: 0 }])
    expect(found[0]?.surplus).toBe(found[0]?.inRollup)
    expect(found[0]?.mend.map(({ query }) => query)).toEqual(schema.correct.map(({ query }) => query))
    await run(
      client,
      found.flatMap(({ mend }) => mend),
    )
    const days = await audit(client, rolled, june, schema)
    expect(days.map(({ day }) => day)).not.toContain('2026-06-11')
    expect(days.flatMap(({ mend }) => mend)).toEqual([])
    await expectAgreement()
    // Other experiments keep what the events no longer have.
    const other = exposureSpec({ ...rolled, featureName: 'feature-2' })
    expect((await audit(client, other, june, schema)).filter(({ surplus }) => surplus > 0)).toHaveLength(1)
  })

  test('who is erased is in neither table, and who is erased from the events alone is a surplus', async () => {
    await insertLate("'2026-06-12 12:00:00'")
    const counted = async (table: string, column: string): Promise<unknown> =>
      await (
        await client.query({
          query: `SELECT count() > 0 AS c FROM ${table} WHERE ${column} IN ('late-1', 'late-2')`,
          format: 'JSONEachRow',
        })
      ).json()
    const [fromEvents, fromRollup] = rollupErasure(schema, ['late-1', 'late-2'])
    if (fromEvents === undefined || fromRollup === undefined) throw new Error('two statements')
    await run(client, [fromEvents])
    const found = (await audit(client, rolled, june, schema)).filter(({ mend }) => mend.length > 0)
    expect(found.map(({ surplus, missing }) => [surplus, missing])).toEqual([[2, 0]])
    await run(client, [fromRollup])
    expect(await counted('events', 'identifier')).toEqual([{ c: 0 }])
    expect(await counted('exposures_by_identity', 'identity')).toEqual([{ c: 0 }])
    expect((await audit(client, rolled, june, schema)).flatMap(({ mend }) => mend)).toEqual([])
    // A backfill does not bring them back.
    await run(client, rollupBackfill(schema, ['2026-06-10', '2026-06-12']))
    expect(await counted('exposures_by_identity', 'identity')).toEqual([{ c: 0 }])
    await expectAgreement()
    // Erased from the rollup alone, they come back, and the audit says that they are missing.
    await run(client, rollupErasure(schema, ['late-3']).slice(1))
    const missing = (await audit(client, rolled, june, schema)).filter(({ mend }) => mend.length > 0)
    expect(missing.map(({ missing, surplus }) => [missing, surplus])).toEqual([[1, 0]])
    await run(
      client,
      missing.flatMap(({ mend }) => mend),
    )
    await expectAgreement()
  })

  test.each([{ limit: '2' }, { offset: '2' }, { additional_result_filter: '1 = 0' }])(
    'an insert is rolled up whole, whatever the settings of the user who inserts: %o',
    async (clickhouse_settings) => {
      const values = Array.from({ length: 20 }, (_, n) => ({
        environment_key: 'prod',
        event: '$flag_exposure',
        feature_name: 'checkout',
        timestamp: '2026-06-13 12:00:00',
        identifier: `${Object.keys(clickhouse_settings)[0]}-${n}`,
        value: 'control',
      }))
      await client.insert({ table: 'events', format: 'JSONEachRow', values, clickhouse_settings })
      expect((await audit(client, rolled, june, schema)).flatMap(({ mend }) => mend)).toEqual([])
      await expectAgreement()
    },
  )

  test('no insert fails because of the view: any instant, over any number of days, with and without identities', async () => {
    for (const timestamp of ["'1925-01-01 00:00:00'", "'2299-12-31 23:59:59.999'", "'1970-01-01 00:00:00'"]) {
      await insertLate(timestamp)
    }
    await client.command({
      query: `INSERT INTO events SELECT 'prod', '$flag_exposure', 'ages', toDateTime64('2026-01-01', 3, 'UTC') + toIntervalDay(number),
        '', 'a' FROM numbers(400) SETTINGS max_partitions_per_insert_block = 0`,
    })
    await client.command({
      query: `INSERT INTO events SELECT 'prod', '$flag_exposure', 'ages', toDateTime64('2026-01-01', 3, 'UTC') + toIntervalDay(number),
        'u', 'a' FROM numbers(400) SETTINGS max_partitions_per_insert_block = 400`,
    })
    await expectAgreement()
  })

  test('the statements of ttlDays and of drop run, and leave the events', async () => {
    await run(client, schema.drop)
    await run(client, schema.drop)
    await expect(fetchExposuresSummary(client, rolled, window)).rejects.toMatchObject({ code: '60' })
    const count = async (): Promise<unknown> =>
      await (await client.query({ query: 'SELECT count() AS c FROM events', format: 'JSONEachRow' })).json()
    await insertLate("'2020-06-10 12:00:00'")
    const before = await count()
    const kept = schemaOf('$flag_exposure', flagsmithEvents(), 1)
    await run(client, kept.create)
    await run(client, rollupBackfill(kept, ['2020-06-10']))
    await client.command({ query: 'OPTIMIZE TABLE exposures_by_identity FINAL' })
    // A day that is older than the days to keep does not stay, and the audit says so.
    const year = exposureWindow('2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z')
    expect(await audit(client, rolled, year, kept)).toMatchObject([
      { day: '2020-06-10', inRollup: 0, missing: 50 },
    ])
    expect(await count()).toEqual(before)
    // One that is not so old stays, whatever the hour.
    await insertLate('now64(3) - toIntervalHour(23)')
    await client.command({ query: 'OPTIMIZE TABLE exposures_by_identity FINAL' })
    expect(
      await audit(client, rolled, exposureWindow(Date.now() - 86_400_000, Date.now()), kept),
    ).toMatchObject([{ inRollup: 50, missing: 0 }])
  })

  async function insertLate(timestamp: string): Promise<void> {
    await client.command({
      query: `INSERT INTO events SELECT 'prod', '$flag_exposure', 'checkout', toDateTime64(${timestamp}, 3, 'UTC'),
        concat('late-', toString(number)), 'control' FROM numbers(50)`,
    })
  }
})
