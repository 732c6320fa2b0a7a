import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, type ExposureFilter, type ExposureSource } from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresSummary,
  fetchIdentityTimeline,
} from 'first-exposure/clickhouse'
import { rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { startServer, type EngineServer } from '../engine/server.js'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')

// Four identities, who differ in when they were collected (a DateTime64 without a zone), on which date, in country and
// plan. The server is far from UTC: whatever it reads in its own zone shows.
const rows = [
  { id: 'ann', collected: '2026-05-31T23:30:00Z', date: '2026-05-31', country: 'ES', plan: 'free' },
  { id: 'ben', collected: '2026-06-01T00:00:00Z', date: '2026-06-01', country: 'FR', plan: null },
  { id: 'cat', collected: '2026-06-01T12:00:00.500Z', date: '2026-06-01', country: 'DE', plan: 'gold' },
  { id: 'dan', collected: '2026-06-02T00:00:00Z', date: '2026-06-02', country: 'ES', plan: 'free-trial' },
]

const serverZones = ['America/New_York', 'Asia/Tokyo'] as const

describe.skipIf(!engineAvailable).each(serverZones)('filters, on a server in %s', (serverZone) => {
  let server: EngineServer
  let client: ClickHouseClient

  beforeAll(async () => {
    // The engine takes its zone from the environment.
    vi.stubEnv('TZ', serverZone)
    server = await startServer()
    vi.unstubAllEnvs()
    client = createClient({ url: server.url, log: { level: ClickHouseLogLevel.OFF } })
    await client.command({
      query: `CREATE TABLE seen (feature String, at DateTime64(3, 'UTC'), collected DateTime64(3), second DateTime, day Date,
        id String, variant String, country String, code FixedString(8), plan Nullable(String),
        tier Nullable(Enum8('free' = 1, 'gold' = 2, 'free-trial' = 3)), age UInt32, event String, version UInt32,
        price Decimal(10, 2) DEFAULT toDecimal64(age * 23, 2) / 10, rate Float32 DEFAULT age / 10,
        account UInt64 DEFAULT 9007199254740992 + age)
        ENGINE = ReplacingMergeTree(version) ORDER BY (feature, collected, id)`,
    })
    await client.command({ query: 'SYSTEM STOP MERGES seen' })
    await client.insert({
      table: 'seen',
      format: 'JSONEachRow',
      clickhouse_settings: { date_time_input_format: 'best_effort' },
      values: rows.map(({ id, collected, date, country, plan }, index) => ({
        feature: 'f',
        at: '2026-06-05T00:00:00Z',
        collected,
        second: collected.replace('.500', ''),
        day: date,
        id,
        variant: 'a',
        country,
        code: country,
        plan,
        tier: plan,
        age: index,
        event: ['old', 'new', 'new', 'other'][index],
        version: 1,
      })),
    })
    const [told] = await (
      await client.query({ query: 'SELECT timezone() AS zone', format: 'JSONEachRow' })
    ).json<{ zone: string }>()
    expect(told?.zone).toBe(serverZone)
  }, 60_000)
  afterAll(async () => {
    await client?.close()
    await server?.stop()
  })

  const source: ExposureSource = exposureSpec({
    featureName: 'f',
    source: {
      table: 'seen',
      columns: {
        environment: null,
        event: null,
        feature: 'feature',
        timestamp: 'at',
        identity: 'id',
        variant: 'variant',
      },
    },
  }).source
  const counted = async (filters: readonly ExposureFilter[], of = source): Promise<number> => {
    const summary = await fetchExposuresSummary(
      client,
      exposureSpec({ featureName: 'f', source: of, filters }),
      window,
    )
    return summary.timeseries.points.reduce((sum, { newIdentities }) => sum + (newIdentities['a'] ?? 0), 0)
  }
  const instant = new Date('2026-06-01T00:00:00Z')
  const tier = "Nullable(Enum8('free' = 1, 'gold' = 2, 'free-trial' = 3))"

  test.each<[name: string, identities: number, filter: ExposureFilter]>([
    ['from an instant on', 3, { column: 'collected', atLeast: instant }],
    ['before an instant', 1, { column: 'collected', below: instant }],
    [
      'between instants',
      2,
      { column: 'collected', atLeast: instant, below: new Date('2026-06-02T00:00:00Z') },
    ],
    ['to the millisecond', 2, { column: 'collected', below: new Date('2026-06-01T12:00:00.500Z') }],
    ['an instant as plain data', 3, { column: 'collected', atLeast: { instantMs: instant.getTime() } }],
    ['a DateTime', 3, { column: 'second', atLeast: instant }],
    ['at an instant', 1, { column: 'collected', equals: instant }],
    ['text on a DateTime whose type names a zone', 4, { column: 'at', equals: '2026-06-05 00:00:00' }],
    ['a date as text', 3, { column: 'day', atLeast: '2026-06-01' }],
    ['text', 2, { column: 'country', atLeast: 'ES', below: 'FR' }],
    ['a number', 2, { column: 'age', atLeast: 2 }],
    ['not in a list', 2, { column: 'country', notIn: ['FR', 'DE'] }],
    ['not in a list of numbers', 3, { column: 'age', notIn: [0] }],
    ['not in a list, where NULL is', 2, { column: 'plan', notIn: ['gold'] }],
    ['not like', 1, { column: 'plan', notLike: 'free%' }],
    ['a pattern on a FixedString, without its zero bytes', 2, { column: 'code', like: '_S' }],
    ['not like, on a FixedString', 2, { column: 'code', notLike: 'ES' }],
    ['a pattern on an Enum, where NULL is', 2, { column: 'tier', like: 'free%' }],
    ['not like, on an Enum', 1, { column: 'tier', notLike: 'free%' }],
    ['a pattern on a number', 1, { column: 'age', like: '2%' }],
    ['is NULL', 1, { column: 'plan', isNull: true }],
    ['a fraction on a Decimal', 1, { column: 'price', equals: 2.3 }],
    ['fractions on a Decimal, as text', 2, { column: 'price', in: ['2.3', '4.6'] }],
    ['not fractions on a Decimal, as text', 2, { column: 'price', notIn: ['2.3', '4.6'] }],
    ['a fraction on a Float32, as text', 3, { column: 'rate', atLeast: '0.1', below: '0.7' }],
    ['halves on a Float32', 4, { column: 'rate', notIn: [0.5, 1.5] }],
    ['more digits than a number has, as text', 1, { column: 'account', in: ['9007199254740993'] }],
    ['is not NULL', 3, { column: 'plan', isNull: false }],
  ])('%s', async (_, identities, filter) => {
    expect(await counted([filter])).toBe(identities)
    const spec = exposureSpec({ featureName: 'f', source, filters: [filter] })
    // A spec survives JSON, with its instants.
    expect(exposureSpec(JSON.parse(JSON.stringify(spec)) as typeof spec)).toEqual(spec)
    const { parts } = await fetchExposureLedger(client, spec, window)
    expect(parts.find(({ part }) => part === 'filtered')?.events).toBe(rows.length - identities)
  })

  test.each<[name: string, type: string, filter: ExposureFilter]>([
    ['text on a DateTime64', 'DateTime64(3)', { column: 'collected', atLeast: '2026-06-01 00:00:00' }],
    ['ISO text on a DateTime64', 'DateTime64(3)', { column: 'collected', atLeast: '2026-06-01T00:00:00Z' }],
    ['a number on a DateTime', 'DateTime', { column: 'second', below: instant.getTime() }],
    ['equal text on a DateTime', 'DateTime', { column: 'second', equals: '2026-06-01 00:00:00' }],
    ['a list of texts on a DateTime', 'DateTime', { column: 'second', in: ['2026-06-01 00:00:00'] }],
    ['a list of numbers on a DateTime', 'DateTime', { column: 'second', notIn: [1780272000] }],
    ['a number on a Date', 'Date', { column: 'day', atLeast: 20000 }],
    ['a number on a DateTime whose type names a zone', "DateTime64(3, 'UTC')", { column: 'at', atLeast: 5 }],
    ['an instant on a Date', 'Date', { column: 'day', atLeast: instant }],
    ['an instant on a number', 'UInt32', { column: 'age', atLeast: instant }],
    ['a number on an Enum', tier, { column: 'tier', equals: 1 }],
    ['numbers on an Enum', tier, { column: 'tier', in: [1, 2] }],
    ['a boolean on an Enum', tier, { column: 'tier', equals: true }],
    ['an instant on text', 'String', { column: 'country', atLeast: instant }],
  ])('what is ambiguous is refused: %s', async (_, type, filter) => {
    await expect(counted([{ column: 'age', atLeast: 0 }, filter])).rejects.toMatchObject({
      code: 'unreadable-column',
      details: { column: 'filter_2', type },
      message: expect.stringContaining('instant') as unknown,
    })
  })

  test.each<[name: string, type: string, filter: ExposureFilter]>([
    ['a list of fractions on a Decimal', 'Decimal(10, 2)', { column: 'price', in: [2.3, 4.6] }],
    ['a list without a fraction on a Decimal', 'Decimal(10, 2)', { column: 'price', notIn: [1, 2.3] }],
    ['a fraction on a Float32', 'Float32', { column: 'rate', equals: 0.1 }],
    ['a range from a fraction on a Float32', 'Float32', { column: 'rate', atLeast: 0.1 }],
  ])('what ClickHouse would not find is refused: %s', async (_, type, filter) => {
    await expect(counted([filter])).rejects.toMatchObject({
      code: 'unreadable-column',
      details: { column: 'filter_1', type },
      message: expect.stringContaining('as text') as unknown,
    })
  })

  test('an instant prunes by the primary key', async () => {
    const spec = exposureSpec({
      featureName: 'f',
      source,
      filters: [{ column: 'collected', below: instant }],
    })
    const { query, query_params } = (await import('first-exposure')).firstExposuresQuery(spec, window)
    const plan = await (
      await client.query({ query: `EXPLAIN indexes = 1 ${query}`, query_params, format: 'TabSeparatedRaw' })
    ).text()
    expect(plan).toMatch(/Keys:\s+feature\s+collected/)
  })

  test('several events are exposures alike, also for a rollup that is made of the spec’s source', async () => {
    const withEvents = { ...source, columns: { ...source.columns, event: 'event' } }
    const spec = exposureSpec({ featureName: 'f', source: withEvents, eventName: ['old', 'new', 'old'] })
    expect(spec.eventName).toEqual(['new', 'old'])
    const summary = await fetchExposuresSummary(client, spec, window)
    expect(summary.timeseries.points[0]?.newIdentities).toEqual({ a: 3 })
    // The view is for the events of the spec, and not for $flag_exposure.
    const { create } = rollupSchema({ source: spec.source, rollup: 'by_day' })
    expect(create[1]?.query_params).toEqual({ event_names: ['new', 'old'] })
    const one = exposureSpec({ featureName: 'f', source: withEvents, eventName: 'new' })
    expect(rollupSchema({ source: one.source, rollup: 'by_day' }).create[1]?.query_params).toEqual({
      event_name: 'new',
    })
  })

  test('NULL is not outside a list either where the setting transform_null_in has it compared', async () => {
    const filters: readonly ExposureFilter[] = [{ column: 'plan', notIn: ['gold'] }]
    const spec = exposureSpec({ featureName: 'f', source, filters })
    const usual = await fetchExposuresSummary(client, spec, window)
    const settings = { transform_null_in: 1 }
    expect(await fetchExposuresSummary(client, spec, window, { settings })).toEqual(usual)
  })

  test('FINAL leaves out the rows that a newer one replaces', async () => {
    await client.command({
      query: `INSERT INTO seen SELECT * REPLACE ('b' AS variant, 2 AS version) FROM seen WHERE id = 'ann'`,
    })
    expect(await counted([])).toBe(3)
    expect(
      await counted([], exposureSpec({ featureName: 'f', source: { ...source, final: true } }).source),
    ).toBe(3)
    const summary = await fetchExposuresSummary(
      client,
      exposureSpec({ featureName: 'f', source: { ...source, final: true } }),
      window,
    )
    expect(summary.excludedIdentities).toBe(0)
    expect(summary.timeseries.points[0]?.newIdentities).toEqual({ a: 3, b: 1 })
  })

  test('FINAL of a view, which ClickHouse ignores, is refused', async () => {
    await client.command({ query: 'CREATE VIEW seen_view AS SELECT * FROM seen' })
    const spec = exposureSpec({ featureName: 'f', source: { ...source, table: 'seen_view', final: true } })
    for (const ask of [fetchExposuresSummary, fetchExposureLedger, fetchCrossovers]) {
      for (const enable_analyzer of [0, 1]) {
        await expect(ask(client, spec, window, { settings: { enable_analyzer } })).rejects.toMatchObject({
          code: 'invalid-spec',
          details: { path: 'source.final' },
          message: expect.stringContaining('Write FINAL in the view') as unknown,
        })
      }
    }
    await expect(fetchIdentityTimeline(client, spec, window, 'ann')).rejects.toThrow('source.final')
    // What is made of tables is read as they are.
    await client.command({
      query: `CREATE TABLE seen_merged AS seen ENGINE = Merge(currentDatabase(), '^seen$')`,
    })
    for (const table of ['seen_merged', 'seen']) {
      const { excludedIdentities } = await fetchExposuresSummary(
        client,
        exposureSpec({ ...spec, source: { ...spec.source, table } }),
        window,
      )
      expect(excludedIdentities).toBe(0)
    }
  })
})
