import type { ClickHouseClient } from '@clickhouse/client'
import {
  exposureSpec,
  exposureWindow,
  type BatchExperiment,
  type ExposureSpec,
  type ExposureWindow,
} from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresBreakdown,
  fetchExposuresSummaries,
  fetchExposuresSummary,
  fetchIdentityTimeline,
  fetchOverlap,
  fetchOverlaps,
  streamExposedIdentities,
  type FetchRowsOptions,
} from 'first-exposure/clickhouse'
import {
  rolledUp,
  rollupBackfill,
  rollupErasure,
  rollupMigration,
  rollupSchema,
  type RollupSchema,
  type RollupStatement,
} from 'first-exposure/rollup'
import { audit, run } from '../../rollup/rollup-of-events.js'

const events = { table: 'events' }
const byIdentity = { table: 'by_identity', columns: ['sdk_language'] }
const spec = exposureSpec({
  environmentKey: 'prod',
  featureName: 'checkout',
  breakdown: { column: 'sdk_language', top: 2 },
})
const search = exposureSpec({ ...spec, featureName: 'search', multiVariant: 'first-seen' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const lateWindow = exposureWindow('2026-06-06T00:00:00Z', '2026-06-15T00:00:00Z')
const everyDay = exposureWindow('2026-05-01T00:00:00Z', '2026-07-01T00:00:00Z')
const rolled = (of: ExposureSpec): ExposureSpec =>
  exposureSpec({ ...of, source: rolledUp(events, byIdentity) })
const withAliases = (of: ExposureSpec): ExposureSpec =>
  exposureSpec({ ...of, aliases: { table: 'aliases', from: 'anonymous', to: 'person' } })
const schema = rollupSchema({ source: events, rollup: byIdentity })

type Settings = NonNullable<FetchRowsOptions['settings']>
type Ask = (client: ClickHouseClient, settings: Settings) => Promise<unknown>

/** The questions about one experiment, asked of the spec as it is. */
const ofOne = (of: ExposureSpec): Readonly<Record<string, Ask>> => ({
  summary: (client, settings) => fetchExposuresSummary(client, of, window, { settings }),
  'summary, first-seen': (client, settings) =>
    fetchExposuresSummary(client, exposureSpec({ ...of, multiVariant: 'first-seen' }), window, { settings }),
  'exposed identities': (client, settings) => identitiesOf(client, of, settings),
  breakdown: (client, settings) => fetchExposuresBreakdown(client, of, window, { settings }),
  crossovers: (client, settings) => fetchCrossovers(client, of, window, { settings }),
  ledger: (client, settings) => fetchExposureLedger(client, of, window, { settings }),
  timeline: (client, settings) => fetchIdentityTimeline(client, of, window, 'u7', { settings }),
})

/** Every question about small experiments, asked under some settings. */
export const questions: Readonly<Record<string, Ask>> = {
  ...ofOne(spec),
  'summary, filtered': (client, settings) =>
    fetchExposuresSummary(
      client,
      exposureSpec({
        ...spec,
        filters: [
          { column: 'plan', notIn: ['pro'] },
          { column: 'sdk_language', notLike: 'py%' },
        ],
      }),
      window,
      { settings },
    ),
  'summary, exact': (client, settings) =>
    fetchExposuresSummary(client, exposureSpec({ ...spec, identityKey: 'exact' }), window, { settings }),
  batch: (client, settings) =>
    summariesOf(
      client,
      [
        { spec, window },
        { spec: exposureSpec({ ...search, timeZone: 'Asia/Kathmandu' }), window: longer(window) },
        { spec: exposureSpec({ ...spec, featureName: 'absent' }), window },
      ],
      settings,
    ),
  overlap: (client, settings) => fetchOverlap(client, spec, search, window, { settings }),
  // In two passes.
  overlaps: (client, settings) =>
    fetchOverlaps(
      client,
      [
        spec,
        exposureSpec({ ...search, filters: [{ column: 'sdk_language', in: ['js', 'go'] }] }),
        exposureSpec({ ...search, multiVariant: 'quarantine' }),
      ],
      window,
      { settings },
    ),
  ...labelled('with aliases', ofOne(withAliases(spec))),
  'overlap, with aliases': (client, settings) =>
    fetchOverlap(client, withAliases(spec), withAliases(search), window, { settings }),
  ...labelled('through a rollup', ofOne(rolled(spec))),
  'summary, through a rollup, in a window that starts late': (client, settings) =>
    fetchExposuresSummary(client, rolled(spec), lateWindow, { settings }),
  'summary, through a rollup, with aliases': (client, settings) =>
    fetchExposuresSummary(client, withAliases(rolled(spec)), window, { settings }),
  'overlap, through a rollup': (client, settings) =>
    fetchOverlap(client, rolled(spec), rolled(search), window, { settings }),
  'days of a rollup': async (client, settings) => {
    const days = { ...schema.days, query_params: { ...schema.days.query_params } }
    return await (await client.query({ ...days, clickhouse_settings: settings })).json()
  },
  'audit of a rollup': (client, settings) => audit(under(client, settings), rolled(spec), everyDay, schema),
}

function labelled(label: string, asks: Readonly<Record<string, Ask>>): Readonly<Record<string, Ask>> {
  return Object.fromEntries(Object.entries(asks).map(([name, ask]) => [`${name}, ${label}`, ask]))
}

const longer = ({ startMs, asOfMs }: ExposureWindow): ExposureWindow => exposureWindow(startMs, asOfMs + 1)

async function identitiesOf(
  client: ClickHouseClient,
  of: ExposureSpec,
  settings: Settings,
): Promise<unknown> {
  const found: { readonly identity: unknown }[] = []
  const options = { settings, dimensions: ['sdk_language'] }
  for await (const each of streamExposedIdentities(client, of, window, options)) found.push(each)
  return found.sort((a, b) => (String(a.identity) < String(b.identity) ? -1 : 1))
}

async function summariesOf(
  client: ClickHouseClient,
  experiments: readonly BatchExperiment[],
  settings: Settings,
): Promise<unknown> {
  const results = await fetchExposuresSummaries(client, experiments, { settings })
  return results.map((result) => {
    if (result.type === 'failed') throw result.error
    return result.summary
  })
}

/** The client, with settings for each of its statements. */
function under(client: ClickHouseClient, clickhouse_settings: Settings): ClickHouseClient {
  return {
    query: async (asked: object) => await client.query({ ...asked, clickhouse_settings } as never),
    command: async (asked: object) => await client.command({ ...asked, clickhouse_settings } as never),
  } as never
}

const schemaOf = (table: string, rollup: string): RollupSchema =>
  rollupSchema({ source: { table }, rollup: { table: rollup, columns: ['sdk_language'] } })
const made = schemaOf('events', 'made')
const filled = schemaOf('events', 'filled')
const viewed = schemaOf('viewed_events', 'viewed')
const corrected = schemaOf('fewer_events', 'corrected')
const erased = schemaOf('erased_events', 'erased')
const migrated = rollupMigration({ source: events, rollup: 'migrated' }, 'by_day').slice(2)

/** The statements of a rollup that write: what they leave behind is looked at without any settings. */
export const changes: Readonly<Record<string, Ask>> = {
  'creation of a rollup': async (client, settings) => {
    await run(client, made.drop)
    await run(under(client, settings), made.create)
    const tables = await client.query({
      query: "SELECT name, create_table_query FROM system.tables WHERE name LIKE 'made%' ORDER BY name",
      format: 'JSONEachRow',
    })
    return await tables.json()
  },
  'an insert with its view': async (client, settings) => {
    await client.command({ query: 'TRUNCATE TABLE viewed_events' })
    await client.command({ query: 'TRUNCATE TABLE viewed' })
    const values = Array.from({ length: 40 }, (_, n) => ({
      environment_key: 'prod',
      event: '$flag_exposure',
      feature_name: 'checkout',
      timestamp: `2026-06-0${1 + (n % 5)} 12:00:00`,
      identifier: `u${n % 13}`,
      value: ['control', 'one-page'][n % 2],
    }))
    await client.insert({
      table: 'viewed_events',
      format: 'JSONEachRow',
      values,
      clickhouse_settings: { ...settings, wait_for_async_insert: 1 },
    })
    // Whatever the setting did to the insert itself, the rollup must have what the events have.
    const source = rolledUp({ table: 'viewed_events' }, { table: 'viewed', columns: ['sdk_language'] })
    const days = await audit(client, exposureSpec({ ...spec, source }), everyDay, viewed)
    return days.filter(({ missing, surplus }) => missing > 0 || surplus > 0)
  },
  'backfill of a rollup': async (client, settings) => {
    await client.command({ query: 'TRUNCATE TABLE filled' })
    await run(under(client, settings), rollupBackfill(filled, ['2026-06-02', '2026-06-03']))
    return await contentsOf(client, 'filled')
  },
  'migration of a rollup': async (client, settings) => {
    await client.command({ query: 'TRUNCATE TABLE migrated' })
    await run(under(client, settings), migrated)
    return await contentsOf(client, 'migrated')
  },
  'correction of a rollup': async (client, settings) => {
    await client.command({ query: 'TRUNCATE TABLE corrected' })
    await client.command({ query: 'INSERT INTO corrected SELECT * FROM by_identity' })
    await run(under(client, settings), await correction(client))
    return await contentsOf(client, 'corrected')
  },
  'erasure from a rollup': async (client, settings) => {
    for (const [table, from] of [
      ['erased_events', 'events'],
      ['erased', 'by_identity'],
    ] as const) {
      await client.command({ query: `TRUNCATE TABLE ${table}` })
      await client.command({ query: `INSERT INTO ${table} SELECT * FROM ${from}` })
    }
    await run(under(client, settings), rollupErasure(erased, ['u7', 'u8']))
    const left = await client.query({
      query: 'SELECT uniqExact(identifier) AS identities, count() AS events FROM erased_events',
      format: 'JSONEachRow',
    })
    return [await left.json(), await contentsOf(client, 'erased')]
  },
}

let mend: readonly RollupStatement[] | undefined

/** The statements that the audit gives for a day that the events no longer have. They are the same each time. */
async function correction(client: ClickHouseClient): Promise<readonly RollupStatement[]> {
  if (mend !== undefined) return mend
  const source = rolledUp({ table: 'fewer_events' }, { table: 'corrected', columns: ['sdk_language'] })
  const days = await audit(client, exposureSpec({ ...spec, source }), everyDay, corrected)
  mend = days.flatMap((day) => day.mend)
  if (mend.length === 0) throw new Error('There is nothing to correct.')
  return mend
}

async function contentsOf(client: ClickHouseClient, table: string): Promise<unknown> {
  const rows = await client.query({
    query: `SELECT count() AS identities, sum(cityHash64(environment, feature, identity, mapSort(first_exposures), least_instant)) AS contents
      FROM ${table} FINAL`,
    format: 'JSONEachRow',
  })
  return await rows.json()
}

const eventsTable = (table: string, partitions = ''): string => `CREATE TABLE ${table}
  (
    environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
    timestamp DateTime64(3), collected_at DateTime64(3), identifier String, value Nullable(String),
    sdk_language LowCardinality(String), plan Nullable(String)
  )
  ENGINE = MergeTree ${partitions}
  ORDER BY (environment_key, event, feature_name, timestamp, identifier)
  SETTINGS index_granularity = 64`

/**
 * Experiments of a few hundred identities in several parts of the table, with everything that a question tells apart;
 * aliases of some of them, and a rollup of which a part is merged.
 */
export async function makeEvents(client: ClickHouseClient): Promise<void> {
  await client.command({ query: eventsTable('events', 'PARTITION BY toYYYYMMDD(timestamp)') })
  for (const table of ['viewed_events', 'fewer_events', 'erased_events']) {
    await client.command({ query: eventsTable(table) })
  }
  await run(client, schema.create)
  for (const part of [0, 1, 2]) {
    await client.command({
      query: `INSERT INTO events
        SELECT
          'prod', '$flag_exposure', if(number % 7 = 0, 'search', 'checkout'),
          toDateTime64('2026-05-31 12:00:00', 3, 'UTC') + toIntervalSecond(number * 2003 + ${part}) AS at,
          at + toIntervalSecond(number % 90000),
          if(number % 41 = 0, '', concat('u', toString(number % 300))),
          if(number % 37 = 0, NULL, ['control', 'one-page', 'two-page'][1 + (number % 300 + (number % 29 = 0)) % 3]),
          ['js', 'python', 'go', 'ruby'][1 + number % 4],
          if(number % 5 = 0, NULL, ['free', 'team', 'pro'][1 + number % 3])
        FROM numbers(${part * 300}, 300)`,
    })
    if (part === 1) await client.command({ query: 'OPTIMIZE TABLE by_identity FINAL' })
  }
  // Some stand for another one, one has two targets, and there is a chain.
  await client.command({
    query: `CREATE TABLE aliases ENGINE = MergeTree ORDER BY tuple() AS
      SELECT concat('u', toString(number * 5)) AS anonymous, concat('u', toString(number * 5 + 1)) AS person
      FROM numbers(60) UNION ALL SELECT 'u5', 'u7' UNION ALL SELECT 'u1', 'u2'`,
  })
  await client.command({
    query: "INSERT INTO fewer_events SELECT * FROM events WHERE toDate(timestamp, 'UTC') != '2026-06-03'",
  })
  await run(client, viewed.create)
  for (const { create } of [filled, corrected, erased]) await run(client, create.slice(0, 1))
  await run(client, rollupSchema({ source: events, rollup: 'migrated' }).create.slice(0, 1))
  await client.command({ query: 'INSERT INTO corrected SELECT * FROM by_identity' })
  await client.command({
    query: `CREATE TABLE by_day ENGINE = MergeTree ORDER BY tuple() AS
      SELECT environment_key AS environment, event, feature_name AS feature, identifier AS identity,
        toDate(timestamp, 'UTC') AS day, toLowCardinality(assumeNotNull(value)) AS variant,
        min(toDateTime64(timestamp, 9, 'UTC')) AS first_exposure
      FROM events WHERE value IS NOT NULL AND identifier != ''
      GROUP BY environment, event, feature, identity, day, variant`,
  })
}
