import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  type ExposureFilter,
  type ExposureSpecInput,
} from 'first-exposure'
import { fetchCrossovers, fetchExposuresBreakdown, fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { clickHouseTime } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { audit, daysToBackfill, run } from './rollup-of-events.js'

const declared = ['country', 'plan', 'build', 'is_bot', 'tag', 'any', "it's `odd`"]
const source = { table: 'columned', columns: { environment: null, event: null, feature: 'f' } }
const schema = rollupSchema({ source, rollup: 'columned_rollup', columns: declared })
// In another order than the schema declares them: a column is found by its name.
const throughRollup = rolledUp(source, { table: 'columned_rollup', columns: declared.toReversed() })
const startMs = Date.UTC(2026, 5, 1)
const hourMs = 3_600_000

const texts = ['NL', 'DE', '', "O'Neil", '\\', "('a',NULL)", '\0', '😀', 'NULL']
const event = fc.record({
  f: fc.constantFrom('checkout', 'checkout', 'checkout', 'other'),
  // Few instants, so that several values are at the first one.
  timestamp: fc.integer({ min: 0, max: 40 }).map((hour) => clickHouseTime(startMs + hour * hourMs)),
  identifier: fc.constantFrom('a', 'b', 'c', 'd', 'e', ''),
  value: fc.constantFrom('control', 'control', 'blue'),
  country: fc.option(fc.constantFrom(...texts), { freq: 3 }),
  plan: fc.constantFrom('free', 'pro'),
  build: fc.constantFrom(0, 5, 50, 4_294_967_295),
  is_bot: fc.boolean(),
  tag: fc.constantFrom('', 'x', 'xyz'),
  any: fc.constantFrom(null, '', 'x', 5),
  "it's `odd`": fc.constantFrom(...texts),
})
const filter: fc.Arbitrary<ExposureFilter> = fc.oneof(
  fc.constantFrom(...texts).map((equals) => ({ column: 'country', equals })),
  fc
    .uniqueArray(fc.constantFrom(...texts), { minLength: 1 })
    .map((list) => ({ column: 'country', in: list })),
  fc
    .uniqueArray(fc.constantFrom(...texts), { minLength: 1 })
    .map((list) => ({ column: 'country', notIn: list })),
  fc.constantFrom('%', 'N%', '_E', '%\\\\%').map((like) => ({ column: 'country', like })),
  fc.constantFrom('N%', '_E').map((notLike) => ({ column: 'country', notLike })),
  fc.boolean().map((isNull) => ({ column: 'country', isNull })),
  fc.constantFrom('free', 'pro').map((equals) => ({ column: 'plan', equals })),
  fc.constantFrom(0, 5, 6).map((equals) => ({ column: 'build', equals })),
  fc.constant({ column: 'build', in: [5, 50] }),
  fc.constant({ column: 'build', notIn: [5, 50] }),
  fc.boolean().map((equals) => ({ column: 'is_bot', equals })),
  fc.boolean().map((isNull) => ({ column: 'any', isNull })),
  fc.constantFrom('', 'x', 'xyz').map((equals) => ({ column: 'tag', equals })),
  fc.constantFrom('', 'x', '_', 'xy_').map((like) => ({ column: 'tag', like })),
  fc.constantFrom('x', '_').map((notLike) => ({ column: 'tag', notLike })),
  fc.constantFrom('5%', '_').map((like) => ({ column: 'build', like })),
  fc.constantFrom(...texts).map((equals) => ({ column: "it's `odd`", equals })),
)

describe.skipIf(!engineAvailable)('9. and 10. declared columns on the rollup', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await client.command({ query: 'CREATE DATABASE columns_declared' })
    await client.command({ query: 'USE columns_declared' })
    await client.command({
      query: `CREATE TABLE columned (f String, timestamp DateTime64(3, 'UTC'), identifier String, value String,
        country LowCardinality(Nullable(String)), plan Enum8('pro' = 1, 'free' = 2), build UInt32, is_bot Bool, tag FixedString(3), any Dynamic,
        \`it's \\\`odd\\\`\` String) ENGINE = MergeTree ORDER BY (f, timestamp)`,
    })
    await run(client, schema.create)
  })
  afterAll(async () => {
    await client.close()
  })

  const rollUp = async (events: readonly object[]): Promise<void> => {
    await run(client, schema.drop.slice(0, 1))
    for (const table of ['columned', 'columned_rollup']) {
      await client.command({ query: `TRUNCATE TABLE ${table}` })
    }
    const insert = async (values: readonly object[]): Promise<void> => {
      if (values.length > 0) await client.insert({ table: 'columned', format: 'JSONEachRow', values })
    }
    const third = Math.ceil(events.length / 3)
    await insert(events.slice(0, third))
    await run(client, schema.create)
    await insert(events.slice(third, 2 * third))
    await run(client, rollupBackfill(schema, await daysToBackfill(client, schema)))
    await client.command({ query: 'OPTIMIZE TABLE columned_rollup FINAL' })
    await insert(events.slice(2 * third))
  }
  const exposed = async (
    spec: ExposureSpecInput,
    window: ReturnType<typeof exposureWindow>,
  ): Promise<unknown> => {
    const { query, query_params, format } = exposedIdentitiesQuery(exposureSpec(spec), window, {
      dimensions: ['country', 'build', 'tag', 'any'],
    })
    const rows = await client.query({ query, query_params: { ...query_params }, format })
    return (await rows.json()).map((row) => JSON.stringify(row)).sort()
  }

  test('filters, breakdowns, dimensions and crossovers are answered as from the events', async () => {
    let [filtered, several] = [0, 0]
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 30, maxLength: 80 }),
        fc.oneof(fc.constant([]), fc.tuple(filter), fc.tuple(filter), fc.tuple(filter, filter)),
        fc.constantFrom(...declared),
        fc.constantFrom('quarantine', 'first-seen'),
        fc.tuple(fc.constantFrom(0, 0, 1, 10, 30), fc.integer({ min: 8, max: 45 })),
        async (events, filters, column, multiVariant, [from, hours]) => {
          await rollUp(events)
          const window = exposureWindow(startMs + from * hourMs, startMs + (from + hours) * hourMs)
          const asked: ExposureSpecInput = {
            featureName: 'checkout',
            filters,
            multiVariant,
            breakdown: { column, top: 2 },
          }
          const [raw, rolled] = [source, throughRollup].map((each) => ({ ...asked, source: each }))
          if (raw === undefined || rolled === undefined) throw new Error('two')
          for (const fetch of [fetchExposuresSummary, fetchExposuresBreakdown, fetchCrossovers]) {
            expect(await fetch(client, exposureSpec(rolled), window), fetch.name).toEqual(
              await fetch(client, exposureSpec(raw), window),
            )
          }
          const rows = await exposed(raw, window)
          expect(await exposed(rolled, window)).toEqual(rows)
          filtered += filters.length > 0 && (rows as unknown[]).length > 0 ? 1 : 0
          several += (rows as unknown[]).length > 2 ? 1 : 0
          const everything = exposureWindow(startMs, startMs + 100 * hourMs)
          const days = await audit(client, exposureSpec({ ...rolled, filters: [] }), everything, schema)
          expect(days.flatMap(({ mend }) => mend)).toEqual([])
        },
      ),
      { numRuns: runs(20) },
    )
    expect(Math.min(filtered, several)).toBeGreaterThan(1)
  }, 600_000)

  test('they are answered from the rollup alone, as long as nobody was exposed before', async () => {
    await rollUp([
      {
        f: 'checkout',
        timestamp: clickHouseTime(startMs),
        identifier: 'a',
        value: 'control',
        country: 'NL',
        plan: 'pro',
      },
      {
        f: 'checkout',
        timestamp: clickHouseTime(startMs),
        identifier: 'b',
        value: 'blue',
        country: null,
        plan: 'free',
      },
    ])
    await client.command({ query: 'TRUNCATE TABLE columned' })
    const window = exposureWindow(startMs, startMs + hourMs)
    const spec = exposureSpec({
      featureName: 'checkout',
      source: throughRollup,
      filters: [{ column: 'plan', in: ['pro', 'free'] }],
      breakdown: { column: 'country' },
    })
    const { slices } = await fetchExposuresBreakdown(client, spec, window)
    expect(new Set(slices.map(({ value }) => value))).toEqual(new Set(['NL', null]))
    expect(await exposed({ ...spec, breakdown: null }, window)).toHaveLength(2)
  })

  test.each([{ equals: 1 }, { in: [0] }, { notIn: [1, 2] }])(
    'a number is no value of a Bool, of which the rollup keeps the word: %o',
    async (compared) => {
      const filters = [{ column: 'is_bot', ...compared } as ExposureFilter]
      const spec = exposureSpec({ featureName: 'checkout', source: throughRollup, filters })
      await expect(
        fetchExposuresSummary(client, spec, exposureWindow(startMs, startMs + hourMs)),
      ).rejects.toMatchObject({
        code: 'unreadable-column',
        details: { column: 'filter_1', type: 'Bool' },
        message: expect.stringContaining('true or false to a Bool') as unknown,
      })
    },
  )

  test('a boolean is the same in whatever words an insert reads it', async () => {
    await client.command({
      query: `CREATE TABLE booleans (f String, timestamp DateTime64(3, 'UTC'), identifier String, value Bool, is_bot Bool)
        ENGINE = MergeTree ORDER BY (f, timestamp)`,
    })
    const ofBooleans = { ...source, table: 'booleans' }
    const rollup = { table: 'booleans_rollup', columns: ['is_bot'] }
    await run(client, rollupSchema({ source: ofBooleans, rollup }).create)
    await client.command({
      query: `INSERT INTO booleans SETTINGS bool_true_representation = 'Yes', bool_false_representation = 'No' FORMAT CSV
        checkout,2026-06-01 00:00:00,a,Yes,No`,
    })
    await client.command({
      query: "INSERT INTO booleans VALUES ('checkout', '2026-06-01 01:00:00', 'a', true, false)",
    })
    const filters = [{ column: 'is_bot', equals: false }]
    const spec = { featureName: 'checkout', source: rolledUp(ofBooleans, rollup), filters }
    const window = exposureWindow(startMs, startMs + 3 * hourMs)
    expect(await fetchExposuresSummary(client, exposureSpec(spec), window)).toMatchObject({
      excludedIdentities: 0,
      timeseries: { points: [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: { true: 1 } }] },
    })
  })

  test('a rollup without a declared column says so by name', async () => {
    const { create, drop } = rollupSchema({ source, rollup: 'columned_rollup', columns: ['plan'] })
    await run(client, drop)
    await run(client, create)
    const spec = exposureSpec({
      featureName: 'checkout',
      source: throughRollup,
      filters: [{ column: 'country', equals: 'NL' }],
    })
    await expect(
      fetchExposuresSummary(client, spec, exposureWindow(startMs, startMs + hourMs)),
    ).rejects.toMatchObject({ code: 'unreadable-rollup', details: { column: 'country' } })
  })
})
