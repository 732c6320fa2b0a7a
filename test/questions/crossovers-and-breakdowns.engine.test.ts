import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import {
  crossoversQuery,
  exposuresBreakdownQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  mergeExposuresSummaries,
  trustedSql,
  type ExposureFilter,
  type ExposureSpec,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { fetchCrossovers, fetchExposuresBreakdown, fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { startServer, type EngineServer } from '../engine/server.js'

const log = { level: ClickHouseLogLevel.OFF }
const window = exposureWindow('2026-06-05T00:00:00Z', '2026-06-08T12:00:00Z')
const specOf = (input: Partial<ExposureSpecInput> = {}): ExposureSpec =>
  exposureSpec({
    environmentKey: 'prod',
    featureName: 'checkout',
    breakdown: { column: 'country', top: 3 },
    ...input,
  })

describe.skipIf(!engineAvailable)('crossovers and breakdowns, on a real server', () => {
  let server: EngineServer
  let client: ClickHouseClient
  let expected: Record<'crossovers' | 'breakdown', unknown>

  const ask = async (
    spec: ExposureSpec,
    by: ClickHouseClient = client,
    settings: Record<string, string | number> = {},
  ): Promise<typeof expected> => ({
    crossovers: await fetchCrossovers(by, spec, window, { settings }),
    breakdown: await fetchExposuresBreakdown(by, spec, window, { settings }),
  })

  beforeAll(async () => {
    server = await startServer()
    const setUp = createClient({ url: server.url, log })
    await setUp.command({ query: 'CREATE DATABASE exposures' })
    await setUp.close()
    client = createClient({ url: server.url, database: 'exposures', log })
    await client.command({
      query: `CREATE TABLE events (
        environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
        timestamp DateTime64(3), identifier String, value String, country LowCardinality(Nullable(String)), platform String
      ) ENGINE = MergeTree PARTITION BY toYYYYMMDD(timestamp)
      ORDER BY (environment_key, event, feature_name, platform, timestamp) SETTINGS index_granularity = 128`,
    })
    // 30 days of June; some identities see another variant now and then.
    await client.command({
      query: `INSERT INTO events SELECT ['prod', 'test'][1 + number % 2], '$flag_exposure', 'checkout',
          toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + toIntervalSecond(number * 26 % 2592000),
          toString(cityHash64(number) % 3000 AS identity),
          if(cityHash64(number, 2) % 50 = 0, 'stray', ['control', 'b'][1 + identity % 2]),
          nullIf(concat('c', toString(identity % 6)), 'c0'), ['ios', 'web'][1 + cityHash64(number, 3) % 2]
        FROM numbers(100000)`,
    })
    expected = await ask(specOf())
  }, 120_000)
  afterAll(async () => {
    await client.close()
    await server.stop()
  })

  test('they reconcile with the summary', async () => {
    const summary = await fetchExposuresSummary(client, specOf(), window)
    const { identities, pairs } = await fetchCrossovers(client, specOf(), window)
    expect(summary.excludedIdentities).toBeGreaterThan(50)
    expect(identities).toBe(summary.excludedIdentities)
    expect(pairs).toHaveLength(4)
    const { slices, other } = await fetchExposuresBreakdown(client, specOf(), window)
    expect(slices).toHaveLength(3)
    expect(other).not.toBeNull()
    if (other !== null)
      expect(mergeExposuresSummaries(other, ...slices.map((slice) => slice.summary))).toEqual(summary)
  })

  test('values whose bytes are no text are one slice, and the others are told apart', async () => {
    const column = trustedSql`if(platform = 'ios', unhex('F0'), if(cityHash64(identifier) % 2 = 0, unhex('F1'), 'x'))`
    const { slices } = await fetchExposuresBreakdown(client, specOf({ breakdown: { column } }), window)
    expect(new Set(slices.map(({ value }) => value))).toEqual(new Set(['x', '\uFFFD']))
    expect(slices).toHaveLength(2)
    expect(mergeExposuresSummaries(...slices.map(({ summary }) => summary))).toEqual(
      await fetchExposuresSummary(client, specOf(), window),
    )
  })

  test('a readonly = 1 user can ask, without any setting', async () => {
    const reader = createClient({ url: server.url, database: 'exposures', username: 'reader', log })
    const spec = specOf({ multiVariant: 'first-seen' })
    expect((await ask(specOf(), reader)).breakdown).toEqual(expected.breakdown)
    expect((await ask(spec, reader)).crossovers).toEqual(expected.crossovers)
    await reader.close()
  })

  test('settings and analyzers change nothing', async () => {
    for (const settings of [
      { output_format_json_quote_64bit_integers: 1, output_format_json_quote_64bit_floats: 1 },
      { date_time_output_format: 'iso' },
      { date_time_output_format: 'unix_timestamp' },
      { session_timezone: 'America/New_York' },
      { allow_experimental_analyzer: 0 },
      { prefer_column_name_to_alias: 1 },
      { allow_experimental_analyzer: 0, prefer_column_name_to_alias: 1 },
      { join_use_nulls: 1, transform_null_in: 1, max_threads: 1, max_block_size: '7' },
    ] as Record<string, string | number>[]) {
      expect(await ask(specOf(), client, settings), JSON.stringify(settings)).toEqual(expected)
    }
  })

  test('of a source with a rollup, breakdowns by a column that it does not keep read the events', async () => {
    const spec = specOf({ source: rolledUp({ table: 'events' }, 'no_such_rollup') })
    expect(await fetchExposuresBreakdown(client, spec, window)).toEqual(expected.breakdown)
    await expect(fetchCrossovers(client, spec, window)).rejects.toMatchObject({ code: '60' })
  })

  test('more rows than maxRows is too-many-buckets, and exactly maxRows is not', async () => {
    await expect(fetchCrossovers(client, specOf({ maxRows: 3 }), window)).rejects.toMatchObject({
      code: 'too-many-buckets',
    })
    expect(await fetchCrossovers(client, specOf({ maxRows: 4 }), window)).toEqual(expected.crossovers)
    const { query, query_params, format } = exposuresBreakdownQuery(specOf(), window)
    const rows = (await (await client.query({ query, query_params: { ...query_params }, format })).json())
      .length
    await expect(
      fetchExposuresBreakdown(client, specOf({ maxRows: rows - 1 }), window),
    ).rejects.toMatchObject({ code: 'too-many-buckets' })
    expect(await fetchExposuresBreakdown(client, specOf({ maxRows: rows }), window)).toEqual(
      expected.breakdown,
    )
  })

  async function explained(what: string, { query, query_params }: ExposuresQuery): Promise<string> {
    const result = await client.query({
      query: `EXPLAIN ${what} ${query}`,
      query_params: { ...query_params },
      format: 'TabSeparatedRaw',
    })
    return await result.text()
  }

  test('a breakdown reads the events as often as the summary, crossovers once more', async () => {
    const reads = async (query: ExposuresQuery): Promise<number> =>
      (await explained('', query)).match(/ReadFromMergeTree/g)?.length ?? 0
    // The scalar of the variants' keys is read before the plan, in all of them.
    expect(await reads(firstExposuresQuery(specOf(), window))).toBe(1)
    expect(await reads(exposuresBreakdownQuery(specOf(), window))).toBe(1)
    const rowsRead = async (query: ExposuresQuery): Promise<number> => {
      const answer = await client.query({
        query: query.query,
        query_params: { ...query.query_params },
        format: 'JSON',
      })
      return (await answer.json()).statistics?.rows_read ?? Number.NaN
    }
    const summary = await rowsRead(firstExposuresQuery(specOf(), window))
    expect(summary).toBeGreaterThan(10_000)
    expect(await rowsRead(exposuresBreakdownQuery(specOf(), window))).toBe(summary)
    expect(await rowsRead(crossoversQuery(specOf(), window))).toBe((summary / 2) * 3)
  })

  test.each<[string, ExposureFilter]>([
    ['equality', { column: 'platform', equals: 'ios' }],
    ['membership', { column: 'platform', in: ['android', 'ios'] }],
    ['a range', { column: 'platform', below: 'j' }],
    ['a pattern', { column: 'platform', like: 'i%' }],
    ['a trusted fragment', trustedSql`platform = ${'ios'}`],
  ])('a filter on a key column prunes by it: %s', async (_, filter) => {
    const granules = async (
      filters: readonly ExposureFilter[],
      query: typeof crossoversQuery,
    ): Promise<number> => {
      const plan = await explained('indexes = 1', query(specOf({ filters }), window))
      expect(plan).toMatch(/Parts: 4\/30/)
      return Number([...plan.matchAll(/Granules: (\d+)\/\d+/g)].at(-1)?.[1])
    }
    for (const query of [firstExposuresQuery, crossoversQuery, exposuresBreakdownQuery]) {
      expect(await granules([filter], query)).toBeLessThan(0.7 * (await granules([], query)))
    }
  })

  test('columns and tables may bear the statements’ own names', async () => {
    const names = [
      'crossing entries crossovers crossing_identity entry_nano_and_rank rank_bits identities slices',
      'sizes size_ranks first_nano_and_value first_nano_and_rank first_second slice size_rank',
      'slice_size other value variant bucket quarantined first_variant next_variant median_ms buckets',
      'counted_rank local_bucket in_order first_rank next_rank ms_between identities_counted',
      'slice_rank first_exposures_variant_keys',
    ].flatMap((some) => some.split(' '))
    // Each name in the place of the table and of every column in turn, its neighbours in the others.
    for (const [turn, table] of names.entries()) {
      const [timestamp = '', identity = '', variant = '', column = ''] = [1, 2, 3, 4].map(
        (by) => names[(turn + by) % names.length],
      )
      await client.command({
        query: `CREATE OR REPLACE TABLE ${table} ENGINE = MergeTree ORDER BY tuple() AS SELECT feature_name,
          events.timestamp AS \`${timestamp}\`, events.identifier AS \`${identity}\`, events.value AS \`${variant}\`,
          events.country AS \`${column}\`
          FROM events WHERE environment_key = 'prod'`,
      })
      const source = { table, columns: { environment: null, event: null, timestamp, identity, variant } }
      const input = { environmentKey: null, source, breakdown: { column, top: 3 } }
      const settings = { allow_experimental_analyzer: turn % 2 }
      expect(await ask(specOf(input), client, settings), table).toEqual(expected)
      await client.command({ query: `DROP TABLE ${table}` })
    }
  }, 120_000)

  test.each([
    ["DateTime64(9, 'Asia/Tokyo')", 'UInt64', 'LowCardinality(Nullable(String))'],
    ["Nullable(DateTime('UTC'))", 'Nullable(String)', "Enum8('control' = 2, 'b' = 1, 'stray' = 3)"],
    ['DateTime', 'LowCardinality(Nullable(String))', 'FixedString(7)'],
  ])('columns may be %s, %s and %s', async (timestamp, identifier, value) => {
    await client.command({
      query: `CREATE OR REPLACE TABLE typed ENGINE = MergeTree ORDER BY tuple() AS SELECT environment_key, event,
        feature_name, country, CAST(timestamp AS ${timestamp}) AS timestamp, CAST(identifier AS ${identifier}) AS identifier,
        CAST(value AS ${value}) AS value FROM events`,
    })
    for (const identityKey of ['hash', 'exact'] as const) {
      expect(await ask(specOf({ identityKey, source: { table: 'typed' } }))).toEqual(expected)
    }
  })

  test('the time between is in whole milliseconds, of any precision, and the median of two lies between', async () => {
    await client.command({
      query: `CREATE OR REPLACE TABLE fine ENGINE = MergeTree ORDER BY tuple() AS
        SELECT 'prod' AS environment_key, '$flag_exposure' AS event, 'checkout' AS feature_name, id AS identifier,
          v AS value, toDateTime64(ts, 9, 'UTC') AS timestamp FROM values('id String, v String, ts String',
          ('a', 'z', '2026-06-05 00:00:00.000000001'), ('a', 'b', '2026-06-05 00:00:00.003999999'),
          ('c', 'z', '2026-06-05 00:00:00.000000000'), ('c', 'b', '2026-06-05 00:00:00.004000000'),
          ('c', 'a', '2026-06-05 00:00:01.000000000'), ('c', 'z', '2026-06-05 00:00:00.000000001'))`,
    })
    const { pairs } = await fetchCrossovers(client, specOf({ source: { table: 'fine' } }), window)
    expect(pairs).toMatchObject([{ firstVariant: 'z', nextVariant: 'b', identities: 2, medianMs: 3.5 }])
  })
})
