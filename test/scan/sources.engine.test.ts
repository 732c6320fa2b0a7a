import type { ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, type ExposureSpecInput, type ExposuresSummary } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quoted } from '../sql/quoted.js'
import { engineAvailable } from '../engine/availability.js'
import type { ColumnNames } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'

// One experiment in every layout: identity 1 enters `control` on 1 June, is exposed again; 2 enters `b` on 2 June;
// 3 is exposed to both, first to `b` on 1 June; 4 is exposed outside the window only; and one exposure is nobody's.
const uuid = (n: number): string => `00000000-0000-0000-0000-00000000000${n}`
const exposures: readonly [identity: number | null, timestamp: string, variant: string][] = [
  [1, '2026-06-01 10:00:00', 'control'],
  [1, '2026-06-03 10:00:00', 'control'],
  [2, '2026-06-02 23:59:59', 'b'],
  [3, '2026-06-01 11:00:00', 'b'],
  [3, '2026-06-01 11:00:01', 'control'],
  [4, '2026-05-31 23:59:59', 'control'],
  [4, '2026-06-08 00:00:00', 'control'],
  [null, '2026-06-04 00:00:00', 'control'],
]
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-08T00:00:00Z')
const expected = {
  excludedIdentities: 1,
  timeseries: {
    granularity: 'day',
    timeZone: 'UTC',
    points: [
      { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control: 1 } },
      { bucket: '2026-06-02T00:00:00.000Z', newIdentities: { b: 1 } },
    ],
  },
}
const expectedFirstSeen = {
  excludedIdentities: 0,
  timeseries: {
    ...expected.timeseries,
    points: [
      { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { b: 1, control: 1 } },
      { bucket: '2026-06-02T00:00:00.000Z', newIdentities: { b: 1 } },
    ],
  },
}

describe.skipIf(!engineAvailable)('a source, on the engine', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    // The embedded engine's default database takes some names for files.
    await client.command({ query: 'CREATE DATABASE sources' })
    await client.command({ query: 'USE sources' })
  })
  afterAll(async () => {
    await client.close()
  })

  interface Layout {
    readonly timestamp?: string
    readonly identity?: string
    readonly variant?: string
    readonly names?: Partial<ColumnNames>
    readonly table?: string
  }
  const plainNames = {
    environment: 'env',
    feature: 'feature',
    event: 'event',
    timestamp: 'ts',
    identity: 'id',
    variant: 'v',
  }

  /** The answer under both policies, by the identifier's hash. */
  async function answers(layout: Layout): Promise<Record<string, ExposuresSummary>> {
    return await ask(await createTable(layout), ['hash'])
  }
  /** The answer under both policies, by both identity keys. */
  async function allAnswers(layout: Layout): Promise<Record<string, ExposuresSummary>> {
    return await ask(await createTable(layout), ['hash', 'exact'])
  }

  async function ask(
    spec: ExposureSpecInput,
    identityKeys: readonly ('hash' | 'exact')[],
  ): Promise<Record<string, ExposuresSummary>> {
    const summaries: Record<string, ExposuresSummary> = {}
    for (const identityKey of identityKeys) {
      for (const multiVariant of ['quarantine', 'first-seen'] as const) {
        const input = exposureSpec({ ...spec, identityKey, multiVariant })
        summaries[`${multiVariant} by ${identityKey}`] = await fetchExposuresSummary(client, input, window)
      }
    }
    return summaries
  }

  async function createTable(layout: Layout): Promise<ExposureSpecInput> {
    const {
      timestamp = "DateTime64(3, 'UTC')",
      identity = 'String',
      variant = 'String',
      table = 't',
    } = layout
    const names: ColumnNames = { ...plainNames, ...layout.names }
    const column = (name: string | null, type: string): string[] =>
      name === null ? [] : [`${quoted(name)} ${type}`]
    await client.command({
      query: `CREATE OR REPLACE TABLE ${quoted(table)} (${[
        ...column(names.environment, 'LowCardinality(String)'),
        ...column(names.event, 'LowCardinality(String)'),
        ...column(names.feature, 'LowCardinality(String)'),
        ...column(names.timestamp, timestamp),
        ...column(names.identity, identity),
        ...column(names.variant, variant),
      ].join(', ')}) ENGINE = MergeTree ORDER BY tuple()`,
    })
    const identityOf = (n: number | null): unknown => {
      if (identity.includes('UUID'))
        return n === null ? (identity.includes('Nullable') ? null : uuid(0)) : uuid(n)
      if (/U?Int/.test(identity)) return n
      return n === null ? (identity.includes('Nullable') ? null : '') : `u${n}`
    }
    await client.insert({
      table: quoted(table),
      format: 'JSONEachRow',
      values: exposures
        // An integer column that cannot be NULL has no way to say nobody: 0 is an identity like any other there.
        .filter(([n]) => n !== null || !/Int/.test(identity) || identity.includes('Nullable'))
        .map(([n, at, key]) => ({
          ...(names.environment === null ? {} : { [names.environment]: 'prod' }),
          ...(names.event === null ? {} : { [names.event]: '$flag_exposure' }),
          [names.feature]: 'checkout',
          [names.timestamp]: at,
          [names.identity]: identityOf(n),
          [names.variant]: key,
        })),
    })
    return {
      environmentKey: names.environment === null ? null : 'prod',
      featureName: 'checkout',
      source: { table: { table }, columns: names },
    }
  }
  const right = { 'quarantine by hash': expected, 'first-seen by hash': expectedFirstSeen }
  const allRight = { ...right, 'quarantine by exact': expected, 'first-seen by exact': expectedFirstSeen }

  test.each([
    "DateTime('UTC')",
    "DateTime64(0, 'UTC')",
    "DateTime64(1, 'UTC')",
    "DateTime64(2, 'UTC')",
    "DateTime64(3, 'UTC')",
    "DateTime64(4, 'UTC')",
    "DateTime64(5, 'UTC')",
    "DateTime64(6, 'UTC')",
    "DateTime64(7, 'UTC')",
    "DateTime64(8, 'UTC')",
    "DateTime64(9, 'UTC')",
    "Nullable(DateTime64(6, 'UTC'))",
    "Nullable(DateTime('UTC'))",
    "LowCardinality(DateTime('UTC'))",
  ])('a timestamp column of type %s', async (timestamp) => {
    await client.command({ query: 'SET allow_suspicious_low_cardinality_types = 1' })
    expect(await allAnswers({ timestamp })).toEqual(allRight)
  })

  test.each(['DateTime', 'DateTime64(3)', "DateTime('Asia/Kathmandu')", "DateTime64(9, 'America/St_Johns')"])(
    'a timestamp column of type %s holds instants, whatever zone it prints in',
    async (timestamp) => {
      await client.command({
        query: `CREATE OR REPLACE TABLE zoned (env String, event String, feature String, ts ${timestamp}, id String, v String)
          ENGINE = MergeTree ORDER BY ts`,
      })
      await client.command({
        query: `INSERT INTO zoned SELECT 'prod', '$flag_exposure', 'checkout', toDateTime(ts, 'UTC'), id, v FROM values(
          'id String, ts DateTime(\\'UTC\\'), v String',
          ${exposures.map(([n, at, key]) => `('${n ?? ''}', '${at}', '${key}')`).join(', ')})`,
      })
      const spec = {
        environmentKey: 'prod',
        featureName: 'checkout',
        source: { table: 'zoned', columns: plainNames },
      }
      expect(await fetchExposuresSummary(client, exposureSpec(spec), window)).toEqual(expected)
    },
  )

  test.each([
    'String',
    'LowCardinality(String)',
    'Nullable(String)',
    'LowCardinality(Nullable(String))',
    'FixedString(2)',
    'FixedString(16)',
    'Nullable(FixedString(5))',
    'LowCardinality(FixedString(5))',
    'UUID',
    'Nullable(UUID)',
    'UInt8',
    'Int32',
    'UInt64',
    'Int128',
    'UInt256',
    'Nullable(UInt64)',
    'LowCardinality(UInt32)',
    "Enum8('' = 0, 'u1' = 1, 'u2' = 2, 'u3' = 3, 'u4' = 4)",
  ])('an identity column of type %s', async (identity) => {
    await client.command({ query: 'SET allow_suspicious_low_cardinality_types = 1' })
    expect(await allAnswers({ identity })).toEqual(allRight)
  })

  test.each([
    'String',
    'LowCardinality(String)',
    'Nullable(String)',
    'LowCardinality(Nullable(String))',
    'FixedString(7)',
    "Enum8('control' = 1, 'b' = 2, 'unused' = 3)",
    "Enum16('control' = 1000, 'b' = -2)",
    "Nullable(Enum8('control' = 1, 'b' = 2))",
  ])('a variant column of type %s', async (variant) => {
    expect(await allAnswers({ variant })).toEqual(allRight)
  })

  test.each([
    ['UInt8', '0', '1'],
    ['Nullable(Int64)', '0', '-1'],
    ['Bool', 'false', 'true'],
  ])('the keys of a variant column of type %s are its texts', async (type, one, other) => {
    await client.command({
      query: `CREATE OR REPLACE TABLE variants ENGINE = MergeTree ORDER BY feature_name AS SELECT 'f' AS feature_name,
        ['a', 'b', 'b'][number + 1] AS identifier, CAST(['${one}', '${one}', '${other}'][number + 1], '${type}') AS value,
        toDateTime('2026-06-01 00:00:00', 'UTC') + number AS timestamp FROM numbers(3)`,
    })
    const source = { table: 'variants', columns: { environment: null, event: null } }
    const spec = exposureSpec({ featureName: 'f', source, multiVariant: 'first-seen' })
    const summary = await fetchExposuresSummary(client, spec, window)
    expect(summary.timeseries.points.map((point) => point.newIdentities)).toEqual([{ [one]: 2 }])
    const quarantined = await fetchExposuresSummary(
      client,
      exposureSpec({ ...spec, multiVariant: 'quarantine' }),
      window,
    )
    expect(quarantined.excludedIdentities).toBe(1)
  })

  test('an integer identity of 0 is an identity', async () => {
    await client.command({
      query: `CREATE OR REPLACE TABLE zeros ENGINE = MergeTree ORDER BY feature_name AS SELECT 'f' AS feature_name,
        toUInt64(0) AS identifier, 'a' AS value, toDateTime('2026-06-01 00:00:00', 'UTC') AS timestamp`,
    })
    const source = { table: 'zeros', columns: { environment: null, event: null } }
    const summary = await fetchExposuresSummary(client, exposureSpec({ featureName: 'f', source }), window)
    expect(summary.timeseries.points).toEqual([
      { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { a: 1 } },
    ])
  })

  // Every name of our own, and names that are hard to quote, in the place where it can do most harm.
  const ourNames = [
    'quarantined',
    'variant',
    'bucket',
    'new_identities',
    'identities',
    'buckets',
    'rank_bits',
    'first_second',
    'first_nano_and_rank',
    'counted_rank',
    'local_bucket',
    'identities_counted',
    'shards',
    'shard_rows',
    'r',
  ]
  // A mapped column or the table may bear this one as well; another column of the table may not.
  const variantKeys = 'first_exposures_variant_keys'
  const hardNames = [
    'a`b',
    'a\\b',
    '\\',
    "it's",
    'a "b"',
    'a b',
    'ключ',
    '😀',
    'a.b',
    '1',
    '{x:String}',
    'a\nb',
    '--',
    'NULL',
  ]
  test('every column may bear any name', async () => {
    const anyNames = [...ourNames, variantKeys, ...hardNames]
    for (const turn of anyNames.keys()) {
      // Each name comes to each place in some turn, and no two places bear the same one.
      const names = Object.fromEntries(
        (['timestamp', 'identity', 'variant', 'feature', 'environment', 'event'] as const).map(
          (place, index) => [place, anyNames[(turn + index * 5) % anyNames.length] ?? ''],
        ),
      )
      expect(await answers({ names }), JSON.stringify(names)).toEqual(right)
    }
  })

  test('columns may bear the names of each other’s roles', async () => {
    const names = {
      environment: 'variant',
      feature: 'bucket',
      event: 'identity',
      timestamp: 'variant_key',
      identity: 'exposed_at',
      variant: 'quarantined',
    }
    expect(await allAnswers({ names })).toEqual(allRight)
  })

  test('the table may bear any name, and other columns may bear ours', async () => {
    for (const table of [...ourNames, variantKeys, ...hardNames]) {
      expect(await answers({ table }), table).toEqual(right)
      const spec = {
        environmentKey: 'prod',
        featureName: 'checkout',
        source: { table: { table }, columns: plainNames },
      }
      const settings = { allow_experimental_analyzer: 0 }
      expect(await fetchExposuresSummary(client, exposureSpec(spec), window, { settings }), table).toEqual(
        expected,
      )
      await client.command({ query: 'SET allow_experimental_analyzer = 1' })
    }
    await createTable({ table: 'wide' })
    for (const name of ourNames) {
      await client.command({
        query: `ALTER TABLE wide ADD COLUMN ${quoted(name)} String DEFAULT 'other'`,
      })
    }
    const spec = {
      environmentKey: 'prod',
      featureName: 'checkout',
      source: { table: 'wide', columns: plainNames },
    }
    for (const prefer_column_name_to_alias of [0, 1]) {
      const settings = { prefer_column_name_to_alias }
      expect(await fetchExposuresSummary(client, exposureSpec(spec), window, { settings })).toEqual(expected)
    }
    await client.command({ query: 'SET prefer_column_name_to_alias = 0' })
  })

  test('environment and event may be absent from a table', async () => {
    expect(await allAnswers({ names: { environment: null, event: null } })).toEqual(allRight)
  })

  test('the table may be in another database', async () => {
    await client.command({ query: 'CREATE DATABASE IF NOT EXISTS `other db`' })
    await createTable({ table: 'here' })
    await client.command({
      query:
        'CREATE OR REPLACE TABLE `other db`.exposures ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM here',
    })
    const source = { table: { database: 'other db', table: 'exposures' }, columns: plainNames }
    const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source })
    expect(await fetchExposuresSummary(client, spec, window)).toEqual(expected)
  })

  test('the old analyzer gives the same answers', async () => {
    const names = { variant: 'variant', identity: 'identity', timestamp: 'bucket' }
    await createTable({ names })
    const source = { table: 't', columns: { ...plainNames, ...names } }
    for (const multiVariant of ['quarantine', 'first-seen'] as const) {
      const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source, multiVariant })
      const summary = await fetchExposuresSummary(client, spec, window, {
        settings: { allow_experimental_analyzer: 0 },
      })
      expect(summary).toEqual(multiVariant === 'quarantine' ? expected : expectedFirstSeen)
    }
    await client.command({ query: 'SET allow_experimental_analyzer = 1' })
  })

  test('two exposures that differ by a nanosecond are told apart, and a tie goes to the smallest key in byte order', async () => {
    await client.command({
      query: `CREATE OR REPLACE TABLE ties ENGINE = MergeTree ORDER BY feature_name AS
        SELECT 'f' AS feature_name, id AS identifier, v AS value, toDateTime64(ts, 9, 'UTC') AS timestamp
        FROM values('id String, v String, ts String',
          ('ns', 'z', '2026-06-01 00:00:00.000000001'), ('ns', 'a', '2026-06-01 00:00:00.000000002'),
          ('tie', 'b', '2026-06-01 00:00:00'), ('tie', 'é', '2026-06-01 00:00:00'), ('tie', 'B', '2026-06-01 00:00:00'))`,
    })
    const source = { table: 'ties', columns: { environment: null, event: null } }
    const spec = exposureSpec({ featureName: 'f', source, multiVariant: 'first-seen' })
    for (let run = 0; run < 5; run++) {
      expect((await fetchExposuresSummary(client, spec, window)).timeseries.points).toEqual([
        { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { B: 1, z: 1 } },
      ])
    }
  })

  test('two variants whose bytes are not UTF-8 are refused, not added up', async () => {
    await client.command({
      query: `CREATE OR REPLACE TABLE bytes ENGINE = MergeTree ORDER BY feature_name AS
        SELECT 'f' AS feature_name, toString(number) AS identifier, unhex(['FF', 'FE'][1 + number]) AS value,
          toDateTime('2026-06-01 00:00:00', 'UTC') AS timestamp FROM numbers(2)`,
    })
    const source = { table: 'bytes', columns: { environment: null, event: null } }
    await expect(
      fetchExposuresSummary(client, exposureSpec({ featureName: 'f', source }), window),
    ).rejects.toMatchObject({ code: 'malformed-rows' })
  })
})
