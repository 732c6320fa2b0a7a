import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { createClient as createWebClient } from '@clickhouse/client-web'
import {
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  flagsmithEvents,
  type ExposureSpecInput,
  type ExposuresSummary,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../../engine/availability.js'
import { startServer, type EngineServer } from '../../engine/server.js'

const log = { level: ClickHouseLogLevel.OFF }
const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const window = exposureWindow('2026-06-05T00:00:00Z', '2026-06-08T12:00:00Z')

describe.skipIf(!engineAvailable)('the query, on a real server', () => {
  let server: EngineServer
  let client: ClickHouseClient
  let expected: ExposuresSummary

  beforeAll(async () => {
    server = await startServer()
    // A database of its own: the default one of this engine takes some names for files.
    const setUp = createClient({ url: server.url, log })
    await setUp.command({ query: 'CREATE DATABASE exposures' })
    await setUp.close()
    client = createClient({ url: server.url, database: 'exposures', log })
    await client.command({
      query: `CREATE TABLE events (
        environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
        timestamp DateTime64(3), collected_at DateTime64(3), identifier String, value String, traits String,
        metadata String, sdk_language LowCardinality(String), sdk_version LowCardinality(String)
      ) ENGINE = MergeTree PARTITION BY toYYYYMMDD(timestamp)
      ORDER BY (environment_key, event, feature_name, timestamp, identifier) SETTINGS index_granularity = 128`,
    })
    // 30 days of June, 40 experiments in 2 environments.
    await client.command({
      query: `INSERT INTO events (environment_key, event, feature_name, timestamp, identifier, value)
        SELECT ['prod', 'test'][1 + number % 2], '$flag_exposure',
          if(number % 40 = 0, 'checkout', concat('feature-', toString(number % 40))),
          toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + toIntervalSecond(number * 26 % 2592000),
          toString(cityHash64(number) % 20000), ['control', 'b'][1 + cityHash64(number, 1) % 2]
        FROM numbers(200000)`,
    })
    expected = await fetchExposuresSummary(client, exposureSpec(minimal), window)
    expect(expected.timeseries.points).toHaveLength(4)
  })
  afterAll(async () => {
    await client.close()
    await server.stop()
  })

  async function explain(input: Partial<ExposureSpecInput>): Promise<string> {
    const { query, query_params } = firstExposuresQuery(exposureSpec({ ...minimal, ...input }), window)
    const result = await client.query({
      query: `EXPLAIN indexes = 1 ${query}`,
      query_params: { ...query_params },
      format: 'TabSeparatedRaw',
    })
    return await result.text()
  }

  /** What is read after every index, of what there is before the first one. */
  function pruned(plan: string, what: 'Parts' | 'Granules'): { read: number; of: number } {
    const steps = [...plan.matchAll(new RegExp(`${what}: (\\d+)/(\\d+)`, 'g'))]
    return { read: Number(steps.at(-1)?.[1]), of: Number(steps[0]?.[2]) }
  }

  test.each(['quarantine', 'first-seen'] as const)(
    'EXPLAIN indexes = 1 shows partitions and the key range pruned (%s)',
    async (multiVariant) => {
      const plan = await explain({ multiVariant })
      expect(pruned(plan, 'Parts')).toEqual({ read: 4, of: 30 })
      const { read, of } = pruned(plan, 'Granules')
      expect(read).toBeLessThan(of / 100)
      const primaryKey = /PrimaryKey\s+Keys:([\s\S]*?)Condition:/.exec(plan)?.[1]
      expect(primaryKey?.match(/\w+/g)).toEqual([
        'environment_key',
        'event',
        'feature_name',
        'timestamp',
        'identifier',
      ])
    },
  )

  test.each(['DateTime', 'DateTime64(6)', "DateTime64(9, 'Asia/Tokyo')"])(
    'a timestamp of type %s is pruned by as well',
    async (type) => {
      await client.command({
        query: `CREATE OR REPLACE TABLE typed ENGINE = MergeTree PARTITION BY toYYYYMMDD(at)
          ORDER BY (environment_key, event, feature_name, at) SETTINGS index_granularity = 128
          AS SELECT * EXCEPT timestamp, CAST(timestamp AS ${type}) AS at FROM events`,
      })
      const source = { table: 'typed', columns: { timestamp: 'at' } }
      const plan = await explain({ source })
      const { read, of } = pruned(plan, 'Parts')
      expect(read).toBeLessThanOrEqual(5)
      expect(of).toBeGreaterThanOrEqual(30)
      expect(plan).toMatch(/PrimaryKey\s+Keys:\s+environment_key\s+event\s+feature_name\s+at\s/)
      expect(await fetchExposuresSummary(client, exposureSpec({ ...minimal, source }), window)).toEqual(
        expected,
      )
    },
  )

  test('the Web client gets the same answer as the Node client', async () => {
    const web = createWebClient({ url: server.url, database: 'exposures', log })
    expect(await fetchExposuresSummary(web, exposureSpec(minimal), window)).toEqual(expected)
    await web.close()
  })

  test('settings that change how numbers and times are written change nothing', async () => {
    for (const settings of [
      { output_format_json_quote_64bit_integers: 1 },
      { output_format_json_quote_64bit_integers: 0 },
      { date_time_output_format: 'iso' },
      { date_time_output_format: 'unix_timestamp' },
      { session_timezone: 'America/New_York' },
      { max_threads: 1, max_block_size: '7' },
    ]) {
      expect(await fetchExposuresSummary(client, exposureSpec(minimal), window, { settings })).toEqual(
        expected,
      )
    }
  })

  test('a readonly = 1 user can run it, by both clients', async () => {
    for (const create of [createClient, createWebClient]) {
      const reader = create({ url: server.url, database: 'exposures', username: 'reader', log })
      const refused = reader.query({ query: 'SELECT 1', clickhouse_settings: { max_threads: 1 } })
      await expect(refused).rejects.toMatchObject({ code: '164' })
      for (const input of [{}, { multiVariant: 'first-seen' }, { identityKey: 'exact' }] as const) {
        const summary = await fetchExposuresSummary(reader, exposureSpec({ ...minimal, ...input }), window)
        if (!('multiVariant' in input)) expect(summary).toEqual(expected)
      }
      await reader.close()
    }
  })

  test('no setting leaks from one call to the next', async () => {
    const changed = async (): Promise<unknown> => {
      const result = await client.query({
        query: 'SELECT name, value FROM system.settings WHERE changed',
        format: 'JSONEachRow',
      })
      return await result.json()
    }
    const before = await changed()
    await fetchExposuresSummary(client, exposureSpec(minimal), window, {
      settings: { max_threads: 1, max_result_rows: '1000000' },
    })
    expect(await changed()).toEqual(before)
  })

  test('the query id is the caller’s', async () => {
    const queryId = `first-exposure-test-${server.httpPort}`
    await fetchExposuresSummary(client, exposureSpec(minimal), window, { queryId })
    await client.command({ query: 'SYSTEM FLUSH LOGS' }).catch(() => undefined)
    let seen = ''
    const spy = {
      query: async (params: Parameters<typeof client.query>[0]) => {
        const result = await client.query({ ...params, format: 'JSONEachRow' })
        seen = result.query_id
        return result
      },
    }
    await fetchExposuresSummary(spy, exposureSpec(minimal), window, { queryId })
    expect(seen).toBe(queryId)
  })

  test('more rows than maxRows is too-many-buckets, and exactly maxRows is not', async () => {
    const { query, query_params, format } = firstExposuresQuery(exposureSpec(minimal), window)
    const answer = await client.query({ query, query_params: { ...query_params }, format })
    const limit = (await answer.json()).length
    await expect(
      fetchExposuresSummary(client, exposureSpec({ ...minimal, maxRows: limit - 1 }), window),
    ).rejects.toMatchObject({ code: 'too-many-buckets', details: { maxRows: limit - 1 } })
    expect(await fetchExposuresSummary(client, exposureSpec({ ...minimal, maxRows: limit }), window)).toEqual(
      expected,
    )
  })

  test('what the server says passes through untouched', async () => {
    const source = { table: 'no_such_table' }
    await expect(
      fetchExposuresSummary(client, exposureSpec({ ...minimal, source }), window),
    ).rejects.toMatchObject({ code: '60', type: 'UNKNOWN_TABLE' })
  })

  describe('injection lands harmlessly', () => {
    const attacks = [
      "'; DROP TABLE events; --",
      "' OR 1 = 1 --",
      '` ; DROP TABLE events; --',
      '\\',
      "\\'",
      '\\`',
      "a') UNION ALL SELECT 0, 'x', now(), 1 --",
      '{feature_name:Identifier}',
      '$$',
      '/*',
      '\0',
      'events` FINAL -- ',
    ]
    const count = async (): Promise<unknown> =>
      await (await client.query({ query: 'SELECT count() AS c FROM events', format: 'JSONEachRow' })).json()
    const empty = { excludedIdentities: 0, timeseries: { granularity: 'day', timeZone: 'UTC', points: [] } }

    test.each(['environmentKey', 'featureName', 'eventName'])(
      'as %s it is a key that nobody has',
      async (place) => {
        for (const attack of attacks) {
          expect(
            await fetchExposuresSummary(client, exposureSpec({ ...minimal, [place]: attack }), window),
          ).toEqual(empty)
        }
      },
    )

    test.each(['table', 'database', 'environment', 'feature', 'event', 'timestamp', 'identity', 'variant'])(
      'as the name of a %s it is a name that does not exist',
      async (place) => {
        const before = await count()
        const { columns } = flagsmithEvents()
        for (const attack of attacks) {
          const source =
            place === 'table' || place === 'database'
              ? { table: { table: 'events', [place]: attack } }
              : { table: 'events', columns: { ...columns, [place]: attack } }
          // 47 no such column, 60 no such table, 81 no such database, 62 a NUL in a name is no name.
          await expect(
            fetchExposuresSummary(client, exposureSpec({ ...minimal, source }), window),
          ).rejects.toMatchObject({ code: expect.stringMatching(/^(47|60|62|81)$/) as unknown })
        }
        expect(await count()).toEqual(before)
      },
    )

    test.each(['timeZone', 'multiVariant', 'identityKey', 'maxRows'])(
      'as %s it does not reach the server',
      (place) => {
        for (const attack of attacks) {
          expect(() => exposureSpec({ ...minimal, [place]: attack })).toThrow(
            expect.objectContaining({ code: 'invalid-spec' }),
          )
        }
      },
    )
  })

  test('an abort rejects promptly with the signal’s reason, before, during, and for a client that is deaf to it', async () => {
    const reason = new Error('nobody waits any more')
    const spec = exposureSpec(minimal)
    await expect(
      fetchExposuresSummary(client, spec, window, { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason)

    const during = new AbortController()
    const running = fetchExposuresSummary(client, spec, window, { signal: during.signal })
    during.abort(reason)
    await expect(running).rejects.toBe(reason)

    const deaf = new AbortController()
    const never = { query: async () => await new Promise<never>(() => undefined) }
    const waiting = fetchExposuresSummary(never, spec, window, { signal: deaf.signal })
    deaf.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(await fetchExposuresSummary(client, spec, window)).toEqual(expected)
  })
})
