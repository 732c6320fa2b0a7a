import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  crossoversQuery,
  exposedIdentitiesQuery,
  exposureLedgerQuery,
  exposuresBreakdownQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  identityTimelineQuery,
  inlineParameters,
  trustedSql,
  type BoundValue,
  type ExposureFilter,
  type ExposureSourceInput,
  type ExposureSpec,
  type ExposuresQuery,
  type ExposureWindow,
  type QueryParams,
} from 'first-exposure'
import { rolledUp, rollupAudit, rollupBackfill, rollupErasure, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anyKey, questionWithEvents } from '../arbitraries/exposure-events.js'
import { runs, timeFor } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { eventRow } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { daysToBackfill, run } from '../rollup/rollup-of-events.js'

// Names that are legal, and that a careless reader of the text would take for parameters, literals or comments.
const columns = { identity: '{start_ms:Int64}', variant: "va`l'ue -- {x:String}" }
const source: ExposureSourceInput = { table: 'oddly "named" /* table', columns }

// The embedded engine's binding refuses whole numbers beyond these, whatever their type.
const aFloat = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value))

/** One place of a statement at which a value may stand, and the values that may stand there. */
const values: Readonly<Record<string, fc.Arbitrary<BoundValue>>> = {
  String: anyKey,
  Int64: fc.maxSafeInteger(),
  UInt64: fc.maxSafeNat(),
  Float64: aFloat,
  Bool: fc.boolean(),
  Date: fc
    .integer({ min: 0, max: 40_000 })
    .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10)),
  "DateTime64(3, 'UTC')": fc
    .integer({ min: 0, max: 4_000_000_000_000 })
    .map((ms) => new Date(ms).toISOString().slice(0, -1)),
  'Array(String)': fc.array(anyKey, { minLength: 1, maxLength: 4 }),
  'Array(Int64)': fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 4 }),
  'Array(Float64)': fc.array(aFloat, {
    minLength: 1,
    maxLength: 4,
  }),
}

/** Text and comments that look as if a parameter stood in them, in every way in which ClickHouse lets one quote. */
const lookalikes = [
  `'{a:String}'`,
  `'\\'{a:String}'`,
  `'\\\\'`,
  `'it''s {a:String}'`,
  '‘{a:String} \' "’',
  "$${a:String} ' $$",
  '$t$ $$ {a:String} " $t$',
  `1 AS "{a:String}"`,
  "1 AS `{a:String} \\` '`",
  '1 AS `a`` {a:String}`',
  '1 AS “{a:String}”',
  '1 AS a$b$c',
  "1 /* {a:String} ' */",
  "1 /* a /* {a:String} */ ' */",
  "1 -- {a:String} '\n",
  "1 # {a:String} '\n",
  "1 // {a:String} '\n",
]

describe.skipIf(!engineAvailable)('an inlined statement', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    // The engine's own database would take such names for files.
    await client.command({ query: 'CREATE DATABASE odd' })
    await client.command({ query: 'USE odd' })
    await client.command({
      query: `CREATE TABLE "oddly ""named"" /* table" (
        environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
        timestamp DateTime64(3, 'UTC'), collected_at DateTime64(3, 'UTC') DEFAULT timestamp,
        "{start_ms:Int64}" Nullable(String), "va\`l'ue -- {x:String}" Nullable(String),
        text String, number Int64, maybe Nullable(Float64)
      ) ENGINE = MergeTree ORDER BY tuple()`,
    })
  })
  afterAll(async () => {
    await client.close()
  })

  const rowsOf = async (query: string, query_params: QueryParams = {}): Promise<readonly string[]> => {
    const asked = { query, query_params: { ...query_params }, format: 'JSONEachRow' } as const
    return (await (await client.query(asked)).json()).map((row) => JSON.stringify(row)).sort()
  }
  const inlinedAsBound = async (statement: Omit<ExposuresQuery, 'format'>): Promise<void> => {
    expect(await rowsOf(inlineParameters(statement))).toEqual(
      await rowsOf(statement.query, statement.query_params),
    )
  }

  test(
    'has every value, with its type, as the bound one has it',
    async () => {
      const typed = fc.oneof(
        ...Object.entries(values).map(([type, value]) => value.map((each) => ({ type, value: each }))),
      )
      await fc.assert(
        fc.asyncProperty(
          fc.array(typed, { minLength: 1, maxLength: 6 }),
          fc.subarray(lookalikes),
          async (list, around) => {
            const query = list.map(
              ({ type }, index) => `{ p${index} : ${type} } AS v${index}, toTypeName(v${index})`,
            )
            const query_params = Object.fromEntries(list.map(({ value }, index) => [`p${index}`, value]))
            await inlinedAsBound({
              query: `SELECT ${[...query, ...around, '{p0:' + (list[0]?.type ?? '') + '} AS last'].join(', ')}`,
              query_params: { ...query_params, a: 'never' },
            })
          },
        ),
        { numRuns: runs(150) },
      )
    },
    timeFor(120_000),
  )

  test('leaves alone everything that only looks like a parameter', () => {
    for (const text of lookalikes) {
      expect(inlineParameters({ query: `${text}{a:String}`, query_params: { a: 'x' } })).toBe(`${text}'x'`)
    }
  })

  const filterMakers: ((keys: readonly string[]) => ExposureFilter)[] = [
    (keys) => ({ column: 'text', notIn: keys }),
    ([key = '']) => ({ column: 'text', atLeast: '', below: `${key}\u{10FFFF}` }),
    ([key = '']) => ({ column: 'text', notLike: key.replaceAll(/[\\%_]/g, '\\$&') }),
    () => ({ column: 'number', in: [-1, 0, 1, 2 ** 40] }),
    () => ({ column: 'maybe', isNull: true }),
    () => ({ column: 'timestamp', atLeast: new Date(0), below: new Date(Date.UTC(2100, 0)) }),
    (keys) =>
      trustedSql`text != '{feature_name:String}' /* {as_of_ms:Int64} ' */ AND (text != ${keys[0] ?? ''} OR number < ${2.5}) AND NOT has(${keys}, concat(text, '\\''))`,
  ]
  const filters = fc
    .tuple(fc.subarray(filterMakers), fc.array(anyKey, { minLength: 1, maxLength: 3 }))
    .map(([makers, keys]) => makers.map((make) => make(keys)))

  /** Every question of the library about this spec. */
  const questions = (
    spec: ExposureSpec,
    window: ExposureWindow,
    identity: string,
  ): readonly ExposuresQuery[] => [
    firstExposuresQuery(spec, window),
    firstExposuresQuery(spec, window, { partition: { index: 1, of: 2 } }),
    exposedIdentitiesQuery(spec, window, {
      prefix: 'start_ms',
      dimensions: ['text', trustedSql`concat('{start_ms:Int64}', ${identity})`],
    }),
    exposuresBreakdownQuery(spec, window),
    crossoversQuery(spec, window),
    exposureLedgerQuery(spec, window),
    identityTimelineQuery(spec, window, identity),
  ]

  const asking = fc.record({
    given: questionWithEvents,
    filters,
    texts: fc.array(anyKey, { minLength: 1, maxLength: 3 }),
    multiVariant: fc.constantFrom('quarantine', 'first-seen'),
    identityKey: fc.constantFrom('hash', 'exact'),
  })
  const insert = async (events: readonly object[]): Promise<void> => {
    await client.command({ query: 'TRUNCATE TABLE "oddly ""named"" /* table"' })
    if (events.length === 0) return
    await client.insert({ table: '"oddly ""named"" /* table"', format: 'JSONEachRow', values: events })
  }

  test(
    'of any question answers as the bound one, for any strings at all',
    async () => {
      await fc.assert(
        fc.asyncProperty(asking, async ({ given: { question, events }, filters, texts, ...policies }) => {
          await insert(
            events.map((event, index) => ({
              ...eventRow(event),
              [columns.identity]: event.identity,
              [columns.variant]: event.variant,
              text: texts[index % texts.length],
              number: index % 3,
            })),
          )
          const spec = exposureSpec({
            environmentKey: question.environment,
            eventName: [question.event, "'; DROP TABLE events; --"],
            featureName: question.feature,
            source,
            filters,
            breakdown: { column: trustedSql`concat(text, '{row_limit:UInt64}', ${texts[0] ?? ''})`, top: 2 },
            ...policies,
          })
          const window = exposureWindow(question.startMs, question.asOfMs)
          const identity = events.find((event) => event.identity)?.identity ?? 'nobody'
          for (const asked of questions(spec, window, identity)) await inlinedAsBound(asked)
          // Whatever stood in the strings ran as no statement of its own.
          expect(await rowsOf('SELECT count() AS n FROM "oddly ""named"" /* table"')).toEqual([
            JSON.stringify({ n: events.length }),
          ])
        }),
        { numRuns: runs(10) },
      )
    },
    timeFor(300_000),
  )

  test(
    'makes the rollup that the bound one makes, and fills, audits, corrects and erases it alike',
    async () => {
      await fc.assert(
        fc.asyncProperty(asking, async ({ given: { question, events }, ...policies }) => {
          const rows = events.map((event) => ({
            ...eventRow(event),
            [columns.identity]: event.identity,
            [columns.variant]: event.variant,
          }))
          const { identityKey, multiVariant } = policies
          const answers: (readonly string[])[][] = []
          for (const inlined of [false, true]) {
            const rollup = { table: `{day:Date}'`, eventName: [question.event, '\\'] }
            const schema = rollupSchema({ source, rollup, ttlDays: 36_500 })
            const written = (statements: Parameters<typeof run>[1]): Parameters<typeof run>[1] =>
              inlined
                ? statements.map((each) => ({ query: inlineParameters(each), query_params: {} }))
                : statements
            // Half of the events before the view, which only the backfill finds.
            await run(client, written(schema.drop))
            await insert(rows.slice(0, rows.length / 2))
            await run(client, written(schema.create))
            if (rows.length > 0)
              await client.insert({
                table: '"oddly ""named"" /* table"',
                format: 'JSONEachRow',
                values: rows.slice(rows.length / 2),
              })
            const days = await daysToBackfill(client, schema)
            await run(client, written(rollupBackfill(schema, days)))
            const spec = exposureSpec({
              environmentKey: question.environment,
              eventName: [question.event, '\\'],
              featureName: question.feature,
              source: rolledUp(source, rollup),
              identityKey,
              multiVariant,
            })
            const window = exposureWindow(question.startMs, question.asOfMs)
            const asked = [
              schema.days,
              rollupAudit(spec, window),
              firstExposuresQuery(spec, window),
              exposedIdentitiesQuery(spec, window),
            ]
            const given: (readonly string[])[] = []
            for (const each of asked)
              given.push(
                ...(await Promise.all(
                  written([each]).map(async (one) => await rowsOf(one.query, one.query_params)),
                )),
              )
            const corrected = days.slice(0, 1).flatMap((day) =>
              schema.correct.map(({ query, query_params }) => ({
                query,
                query_params: {
                  ...query_params,
                  day,
                  environment_key: question.environment,
                  feature_name: question.feature,
                },
              })),
            )
            await run(client, written([...corrected, ...rollupErasure(schema, ["o'neil", '{day:Date}'])]))
            given.push(await rowsOf('SELECT * FROM "{day:Date}\'"'))
            answers.push(given)
          }
          expect(answers[1]).toEqual(answers[0])
        }),
        { numRuns: runs(6) },
      )
    },
    timeFor(300_000),
  )
})
