import type { ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, type ExposuresSummary, type IdentityKey } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quoted } from '../sql/quoted.js'
import { engineAvailable } from '../engine/availability.js'
import type { ColumnNames } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { audit, daysToBackfill, run } from './rollup-of-events.js'

// Identity 1 enters `control` on the partial first day; 2 enters `b` on a whole day, 3 on the partial last one; 4 is
// exposed to both, on a partial and on a whole day; 5 is exposed outside the window only; and one exposure is nobody's.
const uuid = (n: number): string => `00000000-0000-0000-0000-00000000000${n}`
const exposures: readonly [identity: number | null, timestamp: string, variant: string][] = [
  [1, '2026-06-01 10:00:00', 'control'],
  [1, '2026-06-03 10:00:00', 'control'],
  [2, '2026-06-02 23:59:59', 'b'],
  [3, '2026-06-07 11:00:00', 'b'],
  [4, '2026-06-01 11:00:00', 'b'],
  [4, '2026-06-04 11:00:01', 'control'],
  [5, '2026-06-01 09:59:59', 'control'],
  [5, '2026-06-07 12:00:00', 'control'],
  [null, '2026-06-01 11:00:00', 'control'],
  [null, '2026-06-04 00:00:00', 'control'],
]
const window = exposureWindow('2026-06-01T10:00:00Z', '2026-06-07T12:00:00Z')
const points = (first: Record<string, number>): unknown => [
  { bucket: '2026-06-01T00:00:00.000Z', newIdentities: first },
  { bucket: '2026-06-02T00:00:00.000Z', newIdentities: { b: 1 } },
  { bucket: '2026-06-07T00:00:00.000Z', newIdentities: { b: 1 } },
]
const expected = {
  quarantine: { excludedIdentities: 1, points: points({ control: 1 }) },
  'first-seen': { excludedIdentities: 0, points: points({ b: 1, control: 1 }) },
}

describe.skipIf(!engineAvailable)('a source with a rollup, on the engine', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    // The embedded engine's default database takes some names for files.
    await client.command({ query: 'CREATE DATABASE sources' })
    await client.command({ query: 'CREATE DATABASE `other db`' })
    await client.command({ query: 'USE sources' })
    await client.command({ query: 'SET allow_suspicious_low_cardinality_types = 1' })
  })
  afterAll(async () => {
    await client.close()
  })

  interface Layout {
    readonly timestamp?: string
    readonly identity?: string
    readonly variant?: string
    readonly text?: string
    readonly names?: Partial<ColumnNames>
    readonly table?: string
    readonly rollup?: string | { readonly database: string; readonly table: string }
    readonly settings?: Record<string, number>
    readonly identityKeys?: readonly IdentityKey[]
  }

  /** Half of the exposures before the view and half after it, then the backfill: the answers, and the audit's days. */
  async function expectRightAnswers(layout: Layout): Promise<void> {
    const { timestamp = "DateTime64(3, 'UTC')", identity = 'String', variant = 'String' } = layout
    const { text = 'LowCardinality(String)', table = 't', rollup = 'r', settings = {} } = layout
    const named = typeof rollup === 'string' ? { table: rollup } : rollup
    const { identityKeys = ['hash', 'exact'] } = layout
    const names: ColumnNames = {
      environment: 'env',
      feature: 'f',
      event: 'e',
      timestamp: 'ts',
      identity: 'id',
      variant: 'v',
      ...layout.names,
    }
    const column = (name: string | null, type: string): string[] =>
      name === null ? [] : [`${quoted(name)} ${type}`]
    await client.command({
      query: `CREATE OR REPLACE TABLE ${quoted(table)} (${[
        ...column(names.environment, text),
        ...column(names.event, text),
        ...column(names.feature, text),
        ...column(names.timestamp, timestamp),
        ...column(names.identity, identity),
        ...column(names.variant, variant),
      ].join(', ')}) ENGINE = MergeTree ORDER BY tuple()`,
    })
    const schema = rollupSchema({ source: { table: { table }, columns: names }, rollup: named })
    const identityOf = (n: number | null): unknown => {
      if (identity.includes('UUID'))
        return n === null ? (identity.includes('Nullable') ? null : uuid(0)) : uuid(n)
      if (/U?Int/.test(identity)) return n
      return n === null ? (identity.includes('Nullable') ? null : '') : `u${n}`
    }
    const values = exposures
      .filter(([n]) => n !== null || !/Int/.test(identity) || identity.includes('Nullable'))
      .map(([n, at, key]) => ({
        ...(names.environment === null ? {} : { [names.environment]: 'prod' }),
        ...(names.event === null ? {} : { [names.event]: '$flag_exposure' }),
        [names.feature]: 'checkout',
        [names.timestamp]: at,
        [names.identity]: identityOf(n),
        [names.variant]: key,
      }))
    const insert = async (half: number): Promise<unknown> =>
      await client.insert({
        table: quoted(table),
        format: 'JSONEachRow',
        values: values.filter((_, index) => index % 2 === half),
      })
    await run(client, schema.drop)
    await insert(0)
    await run(client, schema.create)
    await insert(1)
    await run(client, rollupBackfill(schema, await daysToBackfill(client, schema)))

    const spec = {
      ...(names.environment === null ? {} : { environmentKey: 'prod' }),
      featureName: 'checkout',
      source: rolledUp({ table: { table }, columns: names }, named),
    }
    for (const identityKey of identityKeys) {
      for (const multiVariant of ['quarantine', 'first-seen'] as const) {
        const asked = exposureSpec({ ...spec, identityKey, multiVariant })
        const summary: ExposuresSummary = await fetchExposuresSummary(client, asked, window, { settings })
        expect({
          excludedIdentities: summary.excludedIdentities,
          points: summary.timeseries.points,
        }).toEqual(expected[multiVariant])
      }
      const days = await audit(client, exposureSpec({ ...spec, identityKey }), window, schema)
      expect(days.map(({ day, inRollup, mend }) => [day.slice(8), inRollup, mend.length])).toEqual([
        ['01', 3, 0],
        ['02', 1, 0],
        ['04', 1, 0],
        ['07', 1, 0],
      ])
    }
    await run(client, schema.drop)
  }

  test.each([
    "DateTime('UTC')",
    'DateTime',
    "DateTime64(0, 'UTC')",
    "DateTime64(6, 'UTC')",
    "DateTime64(9, 'UTC')",
    "Nullable(DateTime64(6, 'UTC'))",
    "Nullable(DateTime('UTC'))",
    "LowCardinality(DateTime('UTC'))",
  ])('a timestamp column of type %s', async (timestamp) => {
    await expectRightAnswers({ timestamp })
  })

  test.each([
    'String',
    'LowCardinality(String)',
    'Nullable(String)',
    'LowCardinality(Nullable(String))',
    'FixedString(2)',
    'Nullable(FixedString(5))',
    'UUID',
    'Nullable(UUID)',
    'UInt8',
    'Int128',
    'Nullable(UInt64)',
    'LowCardinality(UInt32)',
  ])('an identity column of type %s', async (identity) => {
    await expectRightAnswers({ identity })
  })

  test.each([
    'LowCardinality(String)',
    'Nullable(String)',
    'LowCardinality(Nullable(String))',
    'FixedString(7)',
    "Enum8('control' = 1, 'b' = 2, 'unused' = 3)",
    "Nullable(Enum8('control' = 1, 'b' = 2))",
  ])('a variant column of type %s', async (variant) => {
    await expectRightAnswers({ variant })
  })

  test.each([
    'String',
    'Nullable(String)',
    'LowCardinality(Nullable(String))',
    'FixedString(20)',
    "Enum8('prod' = 1, '$flag_exposure' = 2, 'checkout' = 3)",
  ])('environment, event and feature columns of type %s', async (text) => {
    await expectRightAnswers({ text })
  })

  // Every name of a rollup and of the statements that fill and read it, and names that are hard to quote.
  const rollupNames =
    'environment event feature day identity variant identity_hash first_exposures exposed_at variants instants last_exposed is_alone declared_1'.split(
      ' ',
    )
  const queryNames =
    'exposures variant_key variant_keys ranked identity_key variant_rank exposed_second identities buckets'.split(
      ' ',
    )
  const auditNames =
    'pairs changes change exposed_first rolled_up has_event is_rolled_up first_event is_first in_events missing'.split(
      ' ',
    )
  const hardNames = ['a`b', 'a\\b', "it's", 'a b', '😀', 'a.b', '{x:String}', '--']
  const anyNames = [...rollupNames, ...queryNames, ...auditNames, ...hardNames]
  /** Each name meets one statement or the other; the types of the columns meet both. */
  const turnsKey = (turn: number): IdentityKey => (turn % 2 === 0 ? 'hash' : 'exact')
  const places = ['timestamp', 'identity', 'variant', 'feature', 'environment', 'event'] as const

  test('every column and both tables may bear any of these names', async () => {
    for (const [turn, table] of anyNames.entries()) {
      // Each name comes to each place in some turn, and no two places bear the same one.
      const other = (step: number): string => anyNames[(turn + step) % anyNames.length] ?? ''
      const names = Object.fromEntries(places.map((place, index) => [place, other(2 + index * 5)]))
      await expectRightAnswers({ names, table, rollup: other(1), identityKeys: [turnsKey(turn)] })
    }
  }, 180_000)

  test('columns may bear the names of each other’s roles in the rollup', async () => {
    const names = {
      environment: 'variant',
      feature: 'day',
      event: 'identity',
      timestamp: 'first_exposures',
      identity: 'event',
      variant: 'environment',
    }
    await expectRightAnswers({ names })
  })

  test('the rollup may be in another database, under the events’ own name', async () => {
    for (const [turn, name] of [...queryNames, ...auditNames, ...hardNames].entries()) {
      const rollup = { database: 'other db', table: name }
      await expectRightAnswers({ table: name, rollup, identityKeys: [turnsKey(turn)] })
    }
  }, 180_000)

  test('environment and event may be absent from a table', async () => {
    await expectRightAnswers({ names: { environment: null, event: null } })
  })

  test('settings that resolve names in another way change nothing', async () => {
    const names = { variant: 'variant', identity: 'identity', timestamp: 'day', event: 'event' }
    for (const settings of [{ allow_experimental_analyzer: 0 }, { prefer_column_name_to_alias: 1 }]) {
      for (const table of ['t', 'exposures', 'identity']) await expectRightAnswers({ names, table, settings })
      await client.command({ query: 'SET allow_experimental_analyzer = 1, prefer_column_name_to_alias = 0' })
    }
  })
})
