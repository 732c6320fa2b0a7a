import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  flagsmithEvents,
  type ExposureSpec,
  type ExposureSpecInput,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asked, eventsAround, type Asked, type ExposureEvent } from '../arbitraries/exposure-events.js'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable, insertEvents } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { referenceIdentities, referenceSummary } from '../reference-model.js'
import { audit, daysToBackfill, run, schemaOf } from './rollup-of-events.js'

const dayMs = 86_400_000
const midnights = (startMs: number, asOfMs: number): number[] =>
  Array.from(
    { length: Math.floor(asOfMs / dayMs) - Math.floor(startMs / dayMs) + 2 },
    (_, index) => (Math.floor(startMs / dayMs) + index) * dayMs,
  )

/**
 * Events around a question, some of them moved next to the midnights that part the rollup from the events, and some
 * into a few instants of one day, where an identity has several in the same variant.
 */
const questionWithEvents = asked.chain((question) =>
  eventsAround(question)
    .chain((events) =>
      fc.tuple(
        ...events.map((e) => {
          const midnight = Math.floor(e.timestampMs / dayMs) * dayMs
          const crowded = Math.floor((question.startMs + question.asOfMs) / 2 / dayMs) * dayMs
          const near = [midnight - 1, midnight, midnight + dayMs - 1]
          const together = [1, 13, 14, 22].map((hour) => crowded + hour * 3_600_000)
          return fc
            .option(fc.oneof(fc.constantFrom(...near), fc.constantFrom(...together)), { freq: 3 })
            .map((moved) => ({ ...e, timestampMs: moved ?? e.timestampMs }))
        }),
      ),
    )
    .map((events: ExposureEvent[]) => ({ question, events })),
)

/** Windows over the same events: edges on midnights and a millisecond beside them, on events, and anywhere. */
const windowsOf = (question: Asked, events: readonly ExposureEvent[]): fc.Arbitrary<[number, number][]> => {
  const edge = fc.oneof(
    fc
      .tuple(fc.constantFrom(...midnights(question.startMs, question.asOfMs)), fc.constantFrom(-1, 0, 0, 1))
      .map(([midnight, beside]) => midnight + beside),
    fc.constantFrom(
      question.startMs,
      question.asOfMs,
      ...events.flatMap((e) => [e.timestampMs, e.timestampMs + 1]),
    ),
    fc.integer({ min: question.startMs - dayMs, max: question.asOfMs + dayMs }),
  )
  const window = fc
    .tuple(edge, edge)
    .filter(([a, b]) => a !== b)
    .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)])
  return fc.array(window, { minLength: 1, maxLength: 2 })
}

const delivery = questionWithEvents.chain(({ question, events }) =>
  fc.tuple(fc.subarray(events), windowsOf(question, events)).chain(([again, windows]) =>
    fc.record({
      question: fc.constant(question),
      events: fc.constant(events),
      windows: fc.constant(windows),
      delivered: fc.shuffledSubarray([...events, ...again], { minLength: events.length + again.length }),
      batchSize: fc.integer({ min: 5, max: 25 }),
      /** How much is there before the view, and how much of the rest comes before the backfill begins. */
      before: fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
      /** After which batches a day is backfilled: one that is listed twice runs twice, as after an interruption. */
      merged: fc.boolean(),
      repeated: fc.boolean(),
      /** Whether most identities come later than every window, so that those before its start are few. */
      crowded: fc.boolean(),
    }),
  ),
)

/** How it is counted. */
const counting = fc.record({
  timeZone: fc.constantFrom(
    'UTC',
    'Asia/Kathmandu',
    'America/Los_Angeles',
    'Pacific/Kiritimati',
    'Africa/Cairo',
    'Pacific/Apia',
  ),
  identityKey: fc.constantFrom('hash', 'exact'),
  multiVariant: fc.constantFrom('quarantine', 'first-seen'),
})

describe.skipIf(!engineAvailable)('9. the rollup answers every window as the events do', () => {
  const numRuns = runs(60)
  const timeout = Math.max(60_000, numRuns * 5000)
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await client.command({ query: 'CREATE DATABASE rollups' })
    await client.command({ query: 'USE rollups' })
    await createEventsTable(client)
    await run(client, schemaOf().create)
  })
  afterAll(async () => {
    await client.close()
  })

  /** The tables as they were at first, without the view. */
  async function startAnew(): Promise<void> {
    await run(client, schemaOf().drop.slice(0, 1))
    await client.command({ query: 'TRUNCATE TABLE exposures_by_identity' })
    await client.command({ query: 'TRUNCATE TABLE events' })
  }

  function specOf(question: Asked, input: Partial<ExposureSpecInput> = {}): ExposureSpec {
    return exposureSpec({
      environmentKey: question.environment,
      eventName: question.event,
      featureName: question.feature,
      source: rolledUp(flagsmithEvents(), { table: 'exposures_by_identity', eventName: question.event }),
      ...input,
    })
  }

  /** rollup = events = reference model, for every window, and the events' in a zone. */
  async function expectTheSame(
    question: Asked,
    events: readonly ExposureEvent[],
    windows: readonly (readonly [number, number])[],
    counting: Pick<ExposureSpec, 'timeZone' | 'identityKey' | 'multiVariant'>,
  ): Promise<void> {
    for (const [startMs, asOfMs] of windows) {
      const window = exposureWindow(startMs, asOfMs)
      const expected = referenceSummary(events, { ...question, startMs, asOfMs }, counting.multiVariant)
      const inUtc = specOf(question, { ...counting, timeZone: 'UTC' })
      expect(await fetchExposuresSummary(client, inUtc, window)).toEqual(expected)
      if (counting.timeZone === 'UTC') continue
      expect(await fetchExposuresSummary(client, specOf(question, counting), window)).toEqual(
        await fetchExposuresSummary(
          client,
          specOf(question, { ...counting, source: flagsmithEvents() }),
          window,
        ),
      )
    }
  }

  test(
    'whatever the batches, their order and duplicates, and whether the view came before, between or after them',
    async () => {
      let daysInRollups = 0
      await fc.assert(
        fc.asyncProperty(
          delivery,
          counting,
          async (
            { question, events, windows, delivered, batchSize, before, merged, repeated, crowded },
            counting,
          ) => {
            await startAnew()
            const schema = schemaOf(question.event)
            const batches = Array.from({ length: Math.ceil(delivered.length / batchSize) }, (_, batch) =>
              delivered.slice(batch * batchSize, (batch + 1) * batchSize),
            )
            const early = batches.splice(0, Math.round(before * batches.length))
            for (const batch of early) await insertEvents(client, batch)
            await run(client, schema.create)
            // The rest arrives between the days of the backfill, as far as there are days.
            const days = await daysToBackfill(client, schema)
            for (const statement of rollupBackfill(
              schema,
              repeated ? [...days.slice(0, 3), ...days] : days,
            )) {
              await insertEvents(client, batches.shift() ?? [])
              await run(client, [statement])
            }
            if (crowded) await insertEvents(client, later(question))
            // What is merged, what comes after it, and what is only in one of the two.
            const merge = { query: 'OPTIMIZE TABLE exposures_by_identity FINAL' }
            if (merged) await client.command(merge)
            for (const batch of batches) await insertEvents(client, batch)
            if (merged && repeated) await client.command(merge)

            await expectTheSame(question, events, windows, counting)
            const everything = exposureWindow(question.startMs - 2 * dayMs, question.asOfMs + 2 * dayMs)
            const { identityKey } = counting
            const audited = await audit(client, specOf(question, { identityKey }), everything, schema)
            expect(audited.flatMap(({ mend }) => mend)).toEqual([])
            daysInRollups += audited.length
          },
        ),
        { numRuns },
      )
      expect(daysInRollups).toBeGreaterThan(numRuns)
    },
    timeout,
  )

  test(
    'the audit finds what the view missed and what is gone from the events, and its statements mend it',
    async () => {
      let [missing, surplus] = [0, 0]
      await fc.assert(
        fc.asyncProperty(
          delivery,
          fc.integer({ min: 0, max: 3 }),
          counting,
          async ({ question, events, windows, delivered, before }, dropped, counting) => {
            await startAnew()
            const schema = schemaOf(question.event)
            await run(client, schema.create)
            const seen = delivered.slice(0, Math.round(before * delivered.length))
            const unseen = delivered.slice(seen.length)
            await insertEvents(client, seen)
            // A while without the view: nothing of it is in the rollup.
            await run(client, schema.drop.slice(0, 1))
            await insertEvents(client, unseen)
            await run(client, schema.create)
            // And some identities are erased from the events afterwards, behind the view's back.
            const erased = [...new Set(events.map((e) => e.identity))]
              .filter((identity) => identity !== null)
              .slice(0, dropped)
            await client.command({
              query:
                "ALTER TABLE events DELETE WHERE has({erased:Array(String)}, ifNull(identifier, '')) SETTINGS mutations_sync = 1",
              query_params: { erased },
            })
            const left = events.filter((e) => e.identity === null || !erased.includes(e.identity))

            const everything = exposureWindow(question.startMs - 2 * dayMs, question.asOfMs + 2 * dayMs)
            const spec = specOf(question, { identityKey: counting.identityKey })
            const found = await audit(client, spec, everything, schema)
            expect(
              found.map(({ day, inEvents, inRollup, missing, surplus }) => ({
                day,
                inEvents,
                inRollup,
                missing,
                surplus,
              })),
            ).toEqual(referenceAudit(question, seen, left))
            for (const day of found) {
              missing += day.missing
              surplus += day.surplus
            }
            await run(
              client,
              found.flatMap(({ mend }) => mend),
            )
            const mended = await audit(client, spec, everything, schema)
            expect(mended.filter((day) => day.missing > 0 || day.surplus > 0)).toEqual([])
            await expectTheSame(question, left, windows, { ...counting, timeZone: 'UTC' })
          },
        ),
        { numRuns },
      )
      expect(Math.min(missing, surplus)).toBeGreaterThan(0)
    },
    timeout,
  )
})

/** Identities whose first exposures are after every window. */
const later = (question: Asked): ExposureEvent[] =>
  Array.from({ length: 100 }, (_, index) => ({
    ...question,
    timestampMs: question.asOfMs + 4 * dayMs,
    identity: `later-${index}`,
    variant: 'later',
  }))

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** The first exposure of each identity to each variant, at any time, by its pair. */
function leastInstants(question: Asked, events: readonly ExposureEvent[]): ReadonlyMap<string, number> {
  const always = { ...question, startMs: -Infinity, asOfMs: Infinity }
  return new Map(
    [...new Set(events.map((e) => e.variant))].flatMap((variant) =>
      referenceIdentities(
        events.filter((e) => e.variant === variant),
        always,
      ).map(({ identity, firstMs }) => [JSON.stringify([identity, variant]), firstMs] as const),
    ),
  )
}

/** What the audit has to say, day by day, of what the view saw and what the events are now. */
function referenceAudit(
  question: Asked,
  seen: readonly ExposureEvent[],
  left: readonly ExposureEvent[],
): unknown {
  const [inRollup, inEvents] = [leastInstants(question, seen), leastInstants(question, left)]
  const days = [...new Set([...inRollup.values(), ...inEvents.values()].map(dateOf))].sort()
  return days.map((day) => {
    const on = (pairs: ReadonlyMap<string, number>): [string, number][] =>
      [...pairs].filter(([, first]) => dateOf(first) === day)
    const notIn = (pairs: [string, number][], others: ReadonlyMap<string, number>): number =>
      pairs.filter(([pair, first]) => first < (others.get(pair) ?? Infinity)).length
    return {
      day,
      inEvents: on(inEvents).length,
      inRollup: on(inRollup).length,
      missing: notIn(on(inEvents), inRollup),
      surplus: notIn(on(inRollup), inEvents),
    }
  })
}
