import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposureFilter,
  type ExposureSourceInput,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  anyKey,
  asked,
  eventsAround,
  type Asked,
  type ExposureEvent,
} from '../arbitraries/exposure-events.js'
import { runs, timeFor } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { eventRow } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { startServer } from '../engine/server.js'
import { byBytes, referenceSummary } from '../reference-model.js'

/** An exposure with what it may be filtered by. */
interface FilteredEvent extends ExposureEvent {
  readonly text: string
  readonly maybe: string | null
  readonly number: number
  readonly maybeNumber: number | null
  readonly ratio: number
  readonly kind: 'ios' | 'web' | 'tv'
  readonly id: string
  readonly at: string
  readonly flag: boolean
}

const uuids = ['61f0c404-5cb3-11e7-907b-a6006ad3dba0', '61f0c404-5cb3-11e7-907b-a6006ad3dba1']
const times = ['2026-06-01 00:00:00', '2026-06-01 00:00:01', '2026-07-01 00:00:00']
const hostile = [
  "'; DROP TABLE filtered; --",
  '\\',
  "\\'",
  'a%b',
  'a_b',
  '\0',
  '\n\t',
  '{filter_1_equals:String}',
  '😀',
  '',
]

interface FilterCase {
  readonly question: Asked
  readonly events: readonly FilteredEvent[]
  readonly texts: readonly string[]
}

const filterCase: fc.Arbitrary<FilterCase> = asked.chain((question) =>
  fc
    .tuple(
      eventsAround(question),
      fc.uniqueArray(fc.oneof(anyKey, fc.constantFrom(...hostile)), { minLength: 2, maxLength: 4 }),
    )
    .chain(([events, texts]) =>
      fc.record({
        question: fc.constant(question),
        texts: fc.constant(texts),
        events: fc.tuple(
          ...events.map((event) =>
            fc
              .record({
                text: fc.constantFrom(...texts),
                maybe: fc.constantFrom(null, ...texts),
                number: fc.constantFrom(-1, 0, 9, 10, 2 ** 40),
                maybeNumber: fc.constantFrom(null, 0, 9),
                ratio: fc.constantFrom(0.5, 1, 2.25),
                kind: fc.constantFrom('ios', 'web', 'tv'),
                id: fc.constantFrom(...uuids),
                at: fc.constantFrom(...times),
                flag: fc.boolean(),
              })
              .map((more) => ({ ...event, ...more })),
          ),
        ),
      }),
    ),
)

/** A filter, and what it says of an event in JavaScript. */
interface Meaning {
  readonly filter: ExposureFilter
  readonly keeps: (event: FilteredEvent) => boolean
}

/** A pattern as a regular expression over code points: % is any text, _ one character, a backslash makes either plain. */
function likeRegExp(pattern: string): RegExp {
  const source = pattern.replaceAll(/\\([%_\\])|[\s\S]/gu, (part, escaped: string | undefined) => {
    if (escaped === undefined && part === '%') return '[\\s\\S]*'
    if (escaped === undefined && part === '_') return '[\\s\\S]'
    return (escaped ?? part).replaceAll(/[$()*+.?[\\\]^{|}/]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 'u')
}

const meaning = (texts: readonly string[]): fc.Arbitrary<Meaning> => {
  const text = fc.constantFrom(...texts)
  const number = fc.constantFrom(-1, 0, 9, 10, 2 ** 40)
  const kinds = fc.constantFrom('ios' as const, 'web' as const, 'tv' as const)
  const textual = fc.constantFrom(
    ['text', (e: FilteredEvent) => e.text],
    ['few', (e: FilteredEvent) => e.text],
    ['maybe', (e: FilteredEvent) => e.maybe],
    ['few_maybe', (e: FilteredEvent) => e.maybe],
  ) as fc.Arbitrary<[string, (e: FilteredEvent) => string | null]>
  const numeric = fc.constantFrom(
    ['number', (e: FilteredEvent) => e.number],
    ['maybe_number', (e: FilteredEvent) => e.maybeNumber],
  ) as fc.Arbitrary<[string, (e: FilteredEvent) => number | null]>
  const notNull =
    <Value>(of: (e: FilteredEvent) => Value | null, holds: (value: Value) => boolean) =>
    (e: FilteredEvent): boolean => {
      const value = of(e)
      return value !== null && holds(value)
    }
  return fc.oneof(
    fc.tuple(textual, text).map(([[column, of], equals]) => ({
      filter: { column, equals },
      keeps: notNull(of, (value) => value === equals),
    })),
    fc.tuple(textual, fc.array(text, { minLength: 1, maxLength: 3 })).map(([[column, of], list]) => ({
      filter: { column, in: list },
      keeps: notNull(of, (value) => list.includes(value)),
    })),
    fc.tuple(textual, text, text).map(([[column, of], atLeast, below]) => ({
      filter: { column, atLeast, below },
      keeps: notNull(of, (value) => byBytes(value, atLeast) >= 0 && byBytes(value, below) < 0),
    })),
    fc
      .tuple(
        textual,
        fc.oneof(
          text.map(
            (some) =>
              `${some
                .slice(0, 2)
                .toWellFormed()
                .replaceAll(/[\\%_\uFFFD]/g, '')}%`,
          ),
          text.map((some) => some.replaceAll(/[\\%_]/g, '\\$&')),
          fc.constantFrom('%', '_', '%a%', '_%', ''),
        ),
      )
      .map(([[column, of], like]) => ({
        filter: { column, like },
        keeps: notNull(of, (value) => likeRegExp(like).test(value)),
      })),
    fc.tuple(numeric, number).map(([[column, of], equals]) => ({
      filter: { column, equals },
      keeps: notNull(of, (value) => value === equals),
    })),
    fc.tuple(numeric, fc.array(number, { minLength: 1, maxLength: 3 })).map(([[column, of], list]) => ({
      filter: { column, in: list },
      keeps: notNull(of, (value) => list.includes(value)),
    })),
    fc.tuple(numeric, fc.constantFrom(-1, 0, 8.5, 9, 10)).map(([[column, of], atLeast]) => ({
      filter: { column, atLeast },
      keeps: notNull(of, (value) => value >= atLeast),
    })),
    fc.constantFrom(0.5, 1, 2, 2.25).map((equals) => ({
      filter: { column: 'ratio', equals },
      keeps: (e: FilteredEvent) => e.ratio === equals,
    })),
    fc.constantFrom<readonly number[]>([0.5, 1], [1, 2], [2.25]).map((list) => ({
      filter: { column: 'ratio', in: list },
      keeps: (e: FilteredEvent) => list.includes(e.ratio),
    })),
    kinds.map((equals) => ({
      filter: { column: 'kind', equals },
      keeps: (e: FilteredEvent) => e.kind === equals,
    })),
    fc.subarray(['ios', 'web', 'tv'], { minLength: 1 }).map((list) => ({
      filter: { column: 'kind', in: list },
      keeps: (e: FilteredEvent) => list.includes(e.kind),
    })),
    fc.constantFrom(...uuids).map((equals) => ({
      filter: { column: 'id', equals },
      keeps: (e: FilteredEvent) => e.id === equals,
    })),
    fc.subarray(uuids, { minLength: 1 }).map((list) => ({
      filter: { column: 'id', in: list },
      keeps: (e: FilteredEvent) => list.includes(e.id),
    })),
    fc
      .tuple(fc.constantFrom('at', 'at_ms'), fc.constantFrom(...times), fc.constantFrom(...times))
      .map(([column, atLeast, below]) => ({
        filter: { column, atLeast, below },
        keeps: (e: FilteredEvent) => e.at >= atLeast && e.at < below,
      })),
    fc.tuple(fc.constantFrom('at', 'at_ms'), fc.constantFrom(...times)).map(([column, equals]) => ({
      filter: { column, equals },
      keeps: (e: FilteredEvent) => e.at === equals,
    })),
    fc.subarray(times, { minLength: 1 }).map((list) => ({
      filter: { column: 'at', in: list },
      keeps: (e: FilteredEvent) => list.includes(e.at),
    })),
    fc.boolean().map((equals) => ({
      filter: { column: 'flag', equals },
      keeps: (e: FilteredEvent) => e.flag === equals,
    })),
    fc.tuple(text, number, fc.boolean()).map(([some, least, flag]) => ({
      filter: trustedSql`text = ${some} OR number >= ${least} AND flag = ${flag}`,
      keeps: (e: FilteredEvent) => e.text === some || (e.number >= least && e.flag === flag),
    })),
    fc
      .tuple(fc.array(text, { minLength: 1 }), fc.array(number, { minLength: 1 }), fc.constantFrom(0.5, 1.75))
      .map(([some, numbers, least]) => ({
        filter: trustedSql`(has(${some}, text) OR number IN ${numbers}) AND ratio > ${least}`,
        keeps: (e: FilteredEvent) => (some.includes(e.text) || numbers.includes(e.number)) && e.ratio > least,
      })),
  )
}

async function createTable(client: ClickHouseClient): Promise<void> {
  await client.command({
    query: `CREATE OR REPLACE TABLE filtered (
      environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
      timestamp DateTime64(3, 'UTC'), identifier Nullable(String), value Nullable(String),
      text String, few LowCardinality(String), maybe Nullable(String), few_maybe LowCardinality(Nullable(String)),
      number Int64, maybe_number Nullable(UInt32), ratio Float64, kind Enum8('ios' = 3, 'web' = 1, 'tv' = 2), id UUID,
      at DateTime('UTC'), at_ms DateTime64(3, 'UTC'), flag Bool
    ) ENGINE = MergeTree ORDER BY tuple()`,
  })
}

async function replace(client: ClickHouseClient, events: readonly FilteredEvent[]): Promise<void> {
  await client.command({ query: 'TRUNCATE TABLE filtered' })
  if (events.length === 0) return
  await client.insert({
    table: 'filtered',
    format: 'JSONEachRow',
    values: events.map((e) => ({
      ...eventRow(e),
      text: e.text,
      few: e.text,
      maybe: e.maybe,
      few_maybe: e.maybe,
      number: e.number,
      maybe_number: e.maybeNumber,
      ratio: e.ratio,
      kind: e.kind,
      id: e.id,
      at: e.at,
      at_ms: e.at,
      flag: e.flag,
    })),
  })
}

const doors: readonly [
  string,
  number,
  () => Promise<{ client: ClickHouseClient; close: () => Promise<void> }>,
][] = [
  [
    'in process',
    runs(30),
    async () => {
      const client = openInProcess()
      return { client, close: async () => await client.close() }
    },
  ],
  [
    'over HTTP',
    runs(15),
    async () => {
      const server = await startServer()
      const client = createClient({ url: server.url, log: { level: ClickHouseLogLevel.OFF } })
      const close = async (): Promise<void> => {
        await client.close()
        await server.stop()
      }
      return { client, close }
    },
  ],
]

describe.skipIf(!engineAvailable).each(doors)('the laws of filters, %s', (_, numRuns, open) => {
  let client: ClickHouseClient
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ client, close } = await open())
    await createTable(client)
  }, timeFor(60_000))
  afterAll(async () => {
    await close()
  })

  test(
    'a filtered answer is that of the events filtered first',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          filterCase.chain((given) =>
            fc.record({
              given: fc.constant(given),
              meanings: fc.array(meaning(given.texts), { minLength: 1, maxLength: 3 }),
            }),
          ),
          async ({ given: { question, events }, meanings }) => {
            await replace(client, events)
            const source: ExposureSourceInput = { table: 'filtered' }
            const ask = async (filters: readonly ExposureFilter[]): Promise<unknown> =>
              await fetchExposuresSummary(
                client,
                exposureSpec({
                  environmentKey: question.environment,
                  eventName: question.event,
                  featureName: question.feature,
                  source,
                  filters,
                }),
                exposureWindow(question.startMs, question.asOfMs),
              )
            for (const { filter, keeps } of meanings) {
              const kept = events.filter(keeps)
              expect(await ask([filter])).toEqual(referenceSummary(kept, question, 'quarantine'))
            }
            const kept = events.filter((event) => meanings.every(({ keeps }) => keeps(event)))
            expect(await ask(meanings.map(({ filter }) => filter))).toEqual(
              referenceSummary(kept, question, 'quarantine'),
            )
          },
        ),
        { numRuns },
      )
    },
    timeFor(300_000),
  )
})
