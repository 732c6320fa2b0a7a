import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  mergeExposuresSummaries,
  trustedSql,
  type BreakdownColumnInput,
  type ExposuresBreakdown,
  type ExposuresSummary,
  type MultiVariantPolicy,
} from 'first-exposure'
import { fetchExposuresBreakdown, fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  anyKey,
  asked,
  eventsAround,
  type Asked,
  type ExposureEvent,
} from '../../arbitraries/exposure-events.js'
import { runs, timeFor } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { eventRow } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { byBytes, exposuresByIdentity, referenceSummary } from '../../reference-model.js'

/** An exposure with what it may be broken down by. */
interface SlicedEvent extends ExposureEvent {
  readonly text: string | null
  readonly number: number | null
  readonly kind: 'ios' | 'web' | 'tv'
}

const slicedQuestion: fc.Arbitrary<{ question: Asked; events: SlicedEvent[] }> = asked.chain((question) =>
  fc
    .tuple(
      eventsAround(question),
      fc.uniqueArray(fc.oneof(anyKey, fc.constantFrom('', '1', '0', 'other')), {
        minLength: 1,
        maxLength: 4,
      }),
    )
    .chain(([events, values]) =>
      fc.record({
        question: fc.constant(question),
        events: fc.tuple(
          ...events.map((event) =>
            fc
              .record({
                text: fc.constantFrom(null, ...values),
                number: fc.constantFrom(null, 0, 9, 10, -1),
                kind: fc.constantFrom('ios', 'web', 'tv'),
              })
              .map((sliced) => ({ ...event, ...sliced })),
          ),
        ),
      }),
    ),
)

// By which columns, and what they say of an event.
const isWeb = trustedSql`if(kind = ${'web'}, ${'on the web'}, NULL)`
const columns: readonly [BreakdownColumnInput['column'], (event: SlicedEvent) => string | null][] = [
  ['text', ({ text }) => text],
  ['few', ({ text }) => text],
  ['plain', ({ text }) => text ?? ''],
  ['number', ({ number }) => (number === null ? null : String(number))],
  ['kind', ({ kind }) => kind],
  [trustedSql`props.text`, ({ text }) => text],
  [isWeb, ({ kind }) => (kind === 'web' ? 'on the web' : null)],
]

/** NULL after all values, which stand in the order of their bytes. */
function byValue(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  return byBytes(a, b)
}

/** The summary of the identities of each value, and of the others, by reading the events one after another. */
function referenceBreakdown(
  events: readonly SlicedEvent[],
  question: Asked,
  policy: MultiVariantPolicy,
  top: number,
  valueOf: (event: SlicedEvent) => string | null,
): { slices: Map<string | null, unknown>; other: unknown } {
  const slices = new Map<string | null, string[]>()
  for (const [identity, own] of exposuresByIdentity(events, question)) {
    const firstMs = Math.min(...own.map((e) => e.timestampMs))
    const [value = null] = own
      .filter((e) => e.timestampMs === firstMs)
      .map(valueOf)
      .sort(byValue)
    slices.set(value, [...(slices.get(value) ?? []), identity])
  }
  const ranked = [...slices].sort(([a, ofA], [b, ofB]) => ofB.length - ofA.length || byValue(a, b))
  const summaryOf = (identities: readonly string[]): unknown =>
    referenceSummary(
      events.filter((e) => identities.includes(e.identity ?? '')),
      question,
      policy,
    )
  const rest = ranked.slice(top)
  return {
    slices: new Map(ranked.slice(0, top).map(([value, identities]) => [value, summaryOf(identities)])),
    other: rest.length === 0 ? null : summaryOf(rest.flatMap(([, identities]) => identities)),
  }
}

describe.skipIf(!engineAvailable)('the laws of breakdowns', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await client.command({
      query: `CREATE TABLE events (
        environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
        timestamp DateTime64(3, 'UTC'), identifier Nullable(String), value Nullable(String), text Nullable(String),
        few LowCardinality(Nullable(String)), plain String, number Nullable(Int32),
        kind Enum8('ios' = 3, 'web' = 1, 'tv' = 2), props JSON
      ) ENGINE = MergeTree ORDER BY tuple()`,
    })
  })
  afterAll(async () => {
    await client.close()
  })
  const replace = async (events: readonly SlicedEvent[]): Promise<void> => {
    await client.command({ query: 'TRUNCATE TABLE events' })
    if (events.length === 0) return
    await client.insert({
      table: 'events',
      format: 'JSONEachRow',
      values: events.map((e) => ({
        ...eventRow(e),
        text: e.text,
        few: e.text,
        plain: e.text ?? '',
        number: e.number,
        kind: e.kind,
        props: e.text === null ? {} : { text: e.text },
      })),
    })
  }
  const ask = async (
    question: Asked,
    multiVariant: MultiVariantPolicy,
    breakdown: BreakdownColumnInput,
    timeZone = 'UTC',
  ): Promise<{ whole: ExposuresSummary; breakdown: ExposuresBreakdown }> => {
    const spec = exposureSpec({
      environmentKey: question.environment,
      eventName: question.event,
      featureName: question.feature,
      multiVariant,
      breakdown,
      timeZone,
    })
    const window = exposureWindow(question.startMs, question.asOfMs)
    return {
      whole: await fetchExposuresSummary(client, spec, window),
      breakdown: await fetchExposuresBreakdown(client, spec, window),
    }
  }
  const policies = fc.constantFrom('quarantine' as const, 'first-seen' as const)

  test(
    'each value’s summary is the reference model’s, and so is that of the others',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          slicedQuestion,
          policies,
          fc.integer({ min: 1, max: 6 }),
          fc.constantFrom(...columns),
          async ({ question, events }, policy, top, [column, valueOf]) => {
            await replace(events)
            const { breakdown } = await ask(question, policy, { column, top })
            const expected = referenceBreakdown(events, question, policy, top, valueOf)
            expect(new Map(breakdown.slices.map(({ value, summary }) => [value, summary]))).toEqual(
              expected.slices,
            )
            expect(breakdown.slices).toHaveLength(expected.slices.size)
            expect(breakdown.other).toEqual(expected.other)
          },
        ),
        { numRuns: runs(100) },
      )
    },
    timeFor(300_000),
  )

  test(
    'the parts sum to the whole, by every column, in every zone',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          slicedQuestion,
          policies,
          fc.integer({ min: 1, max: 3 }),
          fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/Sao_Paulo'),
          async ({ question, events }, policy, top, timeZone) => {
            await replace(events)
            for (const [column] of columns) {
              const { whole, breakdown } = await ask(question, policy, { column, top }, timeZone)
              const parts = [...breakdown.slices.map(({ summary }) => summary), breakdown.other].filter(
                (part) => part !== null,
              )
              const empty = {
                ...whole,
                excludedIdentities: 0,
                timeseries: { ...whole.timeseries, points: [] },
              }
              expect(mergeExposuresSummaries(empty, ...parts)).toEqual(whole)
              expect(parts.length).toBeLessThanOrEqual(top + 1)
            }
          },
        ),
        { numRuns: runs(20) },
      )
    },
    timeFor(300_000),
  )
})
