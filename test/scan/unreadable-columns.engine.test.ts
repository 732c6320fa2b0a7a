import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import {
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposureSource,
  type ExposureSpec,
  type SourceColumn,
} from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresBreakdown,
  fetchExposuresSummary,
  fetchIdentityTimeline,
} from 'first-exposure/clickhouse'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { startServer, type EngineServer } from '../engine/server.js'

// The same three events in columns of every type that people have: ann in control on 1 June, ann again the same day, ben
// in test on 2 June. The server is far from UTC, so that whatever it reads in its own zone shows.
const zone = 'America/New_York'
const window = exposureWindow('2026-06-01T04:00:00Z', '2026-06-15T04:00:00Z')
const ann = Date.UTC(2026, 5, 1, 10)
const ben = Date.UTC(2026, 5, 2, 10)

const columnTypes = {
  ms: 'Int64',
  ms_unsigned: 'UInt64',
  seconds: 'UInt32',
  fraction: 'Float64',
  text: 'String',
  day: 'Date',
  day32: 'Date32',
  right: "DateTime64(3, 'UTC')",
} as const

const expected = {
  excludedIdentities: 0,
  timeseries: {
    granularity: 'day',
    timeZone: zone,
    points: [
      { bucket: '2026-06-01T04:00:00.000Z', newIdentities: { control: 1 } },
      { bucket: '2026-06-02T04:00:00.000Z', newIdentities: { test: 1 } },
    ],
  },
}

const serverZones = ['UTC', 'America/New_York', 'Asia/Tokyo'] as const

describe.skipIf(!engineAvailable).each(serverZones)(
  'columns of many types, on a server in %s',
  (serverZone) => {
    let server: EngineServer
    let client: ClickHouseClient

    beforeAll(async () => {
      // The engine takes its zone from the environment.
      vi.stubEnv('TZ', serverZone)
      server = await startServer()
      vi.unstubAllEnvs()
      client = createClient({
        url: server.url,
        log: { level: ClickHouseLogLevel.OFF },
        clickhouse_settings: { allow_suspicious_types_in_group_by: 0 },
      })
      const columns = Object.entries(columnTypes).map(([name, type]) => `${name} ${type}`)
      await client.command({
        query: `CREATE TABLE events (${columns.join(', ')}, feature String, id String, variant String, props JSON, dyn Dynamic)
        ENGINE = MergeTree ORDER BY ms`,
      })
      const rows = [
        [ann, 'ann', 'control'],
        [ann + 1000, 'ann', 'control'],
        [ben, 'ben', 'test'],
      ] as const
      await client.insert({
        table: 'events',
        format: 'JSONEachRow',
        values: rows.map(([at, id, variant]) => ({
          ms: at,
          ms_unsigned: at,
          seconds: at / 1000,
          fraction: at / 1000,
          text: new Date(at).toISOString(),
          day: new Date(at).toISOString().slice(0, 10),
          day32: new Date(at).toISOString().slice(0, 10),
          right: new Date(at).toISOString().replace('Z', ''),
          feature: 'f',
          id,
          variant,
          props: { id, variant },
          dyn: id,
        })),
      })
      // Beside the others: a number and a text that read the same, in two variants.
      await client.command({
        query: `INSERT INTO events (ms, text, right, feature, id, variant, props, dyn)
        SELECT ${ann}, '2026-06-01T10:00:00Z', '2026-06-01 10:00:00', 'g', '42', 'control', '{"id":42,"variant":1}', 42
        UNION ALL SELECT ${ben}, '2026-06-02T10:00:00Z', '2026-06-02 10:00:00', 'g', '42', 'test', '{"id":"42","variant":"2"}', '42'`,
      })
      const [told] = await (
        await client.query({ query: 'SELECT timezone() AS zone', format: 'JSONEachRow' })
      ).json<{ zone: string }>()
      expect(told?.zone).toMatch(serverZone === 'UTC' ? /UTC$/ : serverZone)
    }, 60_000)
    afterAll(async () => {
      await client?.close()
      await server?.stop()
    })

    const source = (columns: Partial<ExposureSource['columns']>): ExposureSource =>
      exposureSpec({
        featureName: 'f',
        source: {
          table: 'events',
          columns: {
            environment: null,
            event: null,
            feature: 'feature',
            timestamp: 'right',
            identity: 'id',
            variant: 'variant',
            ...columns,
          },
        },
      }).source
    const specOf = (columns: Partial<ExposureSource['columns']>, featureName = 'f'): ExposureSpec =>
      exposureSpec({ featureName, timeZone: zone, breakdown: { column: 'id' }, source: source(columns) })
    const questions: Readonly<Record<string, (spec: ExposureSpec) => Promise<unknown>>> = {
      summary: (spec) => fetchExposuresSummary(client, spec, window),
      breakdown: (spec) => fetchExposuresBreakdown(client, spec, window),
      crossovers: (spec) => fetchCrossovers(client, spec, window),
      ledger: (spec) => fetchExposureLedger(client, spec, window),
      timeline: (spec) => fetchIdentityTimeline(client, spec, window, 'ann'),
    }

    test('are read as they are where nothing is wrong', async () => {
      expect(await questions['summary']?.(specOf({}))).toEqual(expected)
    })

    describe.each(['ms', 'ms_unsigned', 'seconds', 'fraction', 'text', 'day', 'day32'] as const)(
      'a timestamp in %s',
      (column) => {
        test.each(Object.keys(questions))('is refused by the %s, with its type', async (question) => {
          await expect(questions[question]?.(specOf({ timestamp: column }))).rejects.toMatchObject({
            code: 'unreadable-column',
            details: { column: 'timestamp', type: columnTypes[column] },
            message: expect.stringContaining('columns: { timestamp: trustedSql`') as unknown,
          })
        })

        test('is refused by a rollup before it is filled', async () => {
          const { days } = rollupSchema({ source: source({ timestamp: column }), rollup: 'by_day' })
          await expect(client.query(days)).rejects.toThrow(columnTypes[column])
        })
      },
    )

    test('an arrival that is no instant is refused by the ledger, which alone reads it', async () => {
      const spec = specOf({ arrival: 'ms' })
      await expect(fetchExposureLedger(client, spec, window)).rejects.toMatchObject({
        code: 'unreadable-column',
        details: { column: 'arrival', type: 'Int64' },
      })
      expect(await fetchExposuresSummary(client, spec, window)).toEqual(expected)
    })

    test.each<[string, SourceColumn]>([
      ['milliseconds', trustedSql`fromUnixTimestamp64Milli(ms)`],
      ['unsigned milliseconds', trustedSql`fromUnixTimestamp64Milli(toInt64(ms_unsigned))`],
      ['seconds', trustedSql`toDateTime(seconds)`],
      ['seconds with a fraction', trustedSql`toDateTime64(fraction, 3)`],
      ['text', trustedSql`parseDateTime64BestEffort(text, 3, 'UTC')`],
      ['a date', trustedSql`toDateTime64(day, 3, ${zone})`],
      ['a Date32', trustedSql`toDateTime64(day32, 3, ${zone})`],
    ])('are read rightly by the expression that the message shows: %s', async (_, timestamp) => {
      expect(await questions['summary']?.(specOf({ timestamp }))).toEqual(expected)
    })

    test('the laws of counting hold for columns of every type', async () => {
      const event = fc.record({
        // Whole seconds, which every one of the types can hold.
        at: fc
          .integer({ min: window.startMs / 1000, max: window.asOfMs / 1000 - 1 })
          .map((second) => second * 1000),
        id: fc.constantFrom('1', '2', '3', '42'),
        variant: fc.constantFrom('control', 'test'),
      })
      const local = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' })
      await fc.assert(
        fc.asyncProperty(
          fc.array(event, { minLength: 1, maxLength: 12 }),
          fc.integer(),
          async (events, run) => {
            const feature = `law ${run}`
            await client.insert({
              table: 'events',
              format: 'JSONEachRow',
              values: events.map(({ at, id, variant }, index) => ({
                ms: at,
                ms_unsigned: at,
                seconds: at / 1000,
                fraction: at / 1000,
                text: new Date(at).toISOString(),
                day: local.format(at),
                day32: local.format(at),
                right: new Date(at).toISOString().replace('Z', ''),
                feature,
                id,
                variant,
                // Now a number, now a text that reads the same.
                props: { id: index % 2 === 0 ? Number(id) : id, variant },
                dyn: index % 2 === 0 ? Number(id) : id,
              })),
            })
            const ask = async (columns: Partial<ExposureSource['columns']>): Promise<unknown> =>
              await fetchExposuresSummary(client, specOf(columns, feature), window)
            const right = await ask({})
            for (const columns of [
              { timestamp: trustedSql`fromUnixTimestamp64Milli(ms)` },
              { timestamp: trustedSql`fromUnixTimestamp64Milli(toInt64(ms_unsigned))` },
              { timestamp: trustedSql`toDateTime(seconds)` },
              { timestamp: trustedSql`parseDateTime64BestEffort(text, 3, 'UTC')` },
              { timestamp: trustedSql`toDateTime64(day, 3, ${zone})` },
              { timestamp: trustedSql`toDateTime64(day32, 3, ${zone})` },
              { identity: trustedSql`props.id` },
              { identity: trustedSql`dyn`, variant: trustedSql`props.variant` },
            ]) {
              expect(await ask(columns)).toEqual(right)
            }
          },
        ),
        { numRuns: runs(15) },
      )
    }, 120_000)

    test.each(['props', 'dyn'])('an identity in the bare column %s is refused', async (identity) => {
      await expect(fetchExposuresSummary(client, specOf({ identity }), window)).rejects.toMatchObject({
        code: 'unreadable-column',
        details: { column: 'identity' },
      })
    })

    describe.each([
      ['a JSON path', trustedSql`props.id`],
      ['a Dynamic column', trustedSql`dyn`],
    ])('an identity that is %s is told apart by its text', (_, identity) => {
      const spec = specOf({ identity }, 'g')

      test.each(['hash', 'exact'] as const)('by %s', async (identityKey) => {
        const summary = await fetchExposuresSummary(client, exposureSpec({ ...spec, identityKey }), window)
        expect(summary.excludedIdentities).toBe(1)
        expect(summary.timeseries.points).toEqual([])
      })

      test('in every question', async () => {
        const parts = await fetchExposuresSummary(client, spec, window, { partitions: 3 })
        expect(parts.excludedIdentities).toBe(1)
        expect((await fetchExposureLedger(client, spec, window)).excludedIdentities).toBe(1)
        expect((await fetchCrossovers(client, spec, window)).identities).toBe(1)
        expect((await fetchIdentityTimeline(client, spec, window, '42')).verdict.type).toBe('quarantined')
        expect((await fetchIdentityTimeline(client, specOf({ identity }), window, 'ann')).verdict).toEqual({
          type: 'counted',
          variant: 'control',
          at: ann,
        })
      })

      test('in a rollup', async () => {
        const rollup = { database: 'default', table: `rolled_up_${identity.sql[0]?.replace('.', '_')}` }
        const of = source({ identity })
        const schema = rollupSchema({ source: of, rollup })
        for (const { query, query_params } of schema.create) await client.command({ query, query_params })
        const days = await (await client.query(schema.days)).json<{ day: string }>()
        for (const { day } of days) {
          const { query, query_params } = schema.backfill
          await client.command({ query, query_params: { ...query_params, day } })
        }
        const through = exposureSpec({ ...spec, breakdown: null, source: rolledUp(of, rollup) })
        expect(await fetchExposuresSummary(client, through, window)).toEqual(
          await fetchExposuresSummary(client, spec, window),
        )
        expect(days.length).toBeGreaterThanOrEqual(2)
      })
    })

    test('a variant that is a JSON path is read in every question', async () => {
      const spec = specOf({ variant: trustedSql`props.variant` }, 'g')
      const ledger = await fetchExposureLedger(client, spec, window, { variants: ['1', '2'] })
      expect(ledger.exposuresByVariant).toEqual({ '1': 1, '2': 1 })
      expect(ledger.excludedIdentities).toBe(1)
      const absent = specOf({ variant: trustedSql`props.nothing` }, 'g')
      expect((await fetchExposureLedger(client, absent, window)).parts).toContainEqual({
        part: 'no-variant',
        events: 2,
        byVariant: {},
      })
      expect((await fetchIdentityTimeline(client, absent, window, '42')).verdict).toEqual({
        type: 'never-counted',
        because: 'no-variant',
      })
    })
  },
)
