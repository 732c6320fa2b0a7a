import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  mergeExposuresSummaries,
  type ExposureSpecInput,
  type ExposuresSummary,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  anyKey,
  asked,
  eventsAround,
  questionWithEvents,
  type Asked,
  type ExposureEvent,
} from '../../arbitraries/exposure-events.js'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable, insertEvents, replaceEvents } from '../../engine/events-table.js'
import { referenceIdentities, referenceSummary } from '../../reference-model.js'

/** The laws of counting, each under its own name, through one door to a real ClickHouse. */
export function describeLawsOfCounting(
  door: string,
  numRuns: number,
  open: () => Promise<{ client: ClickHouseClient; close: () => Promise<void>; engine?: 'Memory' }>,
): void {
  describe.skipIf(!engineAvailable)(`the laws of counting, ${door}`, () => {
    let client: ClickHouseClient
    let close: () => Promise<void>
    beforeAll(async () => {
      const opened = await open()
      ;({ client, close } = opened)
      await createEventsTable(client, 'events', opened.engine)
    })
    afterAll(async () => {
      await close()
    })

    const ask = async (question: Asked, input: Partial<ExposureSpecInput> = {}): Promise<ExposuresSummary> =>
      await fetchExposuresSummary(
        client,
        exposureSpec({
          environmentKey: question.environment,
          eventName: question.event,
          featureName: question.feature,
          ...input,
        }),
        exposureWindow(question.startMs, question.asOfMs),
      )
    const answer = async (
      question: Asked,
      events: readonly ExposureEvent[],
      input: Partial<ExposureSpecInput> = {},
    ): Promise<ExposuresSummary> => {
      await replaceEvents(client, events)
      return await ask(question, input)
    }
    // Several sets of events in one table, each as an experiment of its own: one insert for all of them.
    const answers = async (
      question: Asked,
      eventSets: readonly (readonly ExposureEvent[])[],
      input: Partial<ExposureSpecInput> = {},
    ): Promise<readonly ExposuresSummary[]> => {
      const own = (feature: string, set: number): string => `${feature} ${set}`
      await replaceEvents(
        client,
        eventSets.flatMap((events, set) => events.map((e) => ({ ...e, feature: own(e.feature, set) }))),
      )
      const summaries: ExposuresSummary[] = []
      for (const set of eventSets.keys()) {
        summaries.push(await ask({ ...question, feature: own(question.feature, set) }, input))
      }
      return summaries
    }
    const law = <Values extends [unknown, ...unknown[]]>(
      name: string,
      arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
      holds: (...values: Values) => Promise<void>,
    ): void => {
      test(
        name,
        async () => {
          await fc.assert(
            fc.asyncProperty<Values>(...arbitraries, async (...values) => {
              await holds(...values)
            }),
            { numRuns },
          )
        },
        Math.max(60_000, numRuns * 1000),
      )
    }

    law(
      'the answer is the reference model’s, under both policies and by both identity keys',
      [questionWithEvents, fc.constantFrom('quarantine', 'first-seen'), fc.constantFrom('hash', 'exact')],
      async ({ question, events }, multiVariant, identityKey) => {
        expect(await answer(question, events, { multiVariant, identityKey })).toEqual(
          referenceSummary(events, question, multiVariant),
        )
      },
    )

    law(
      '1. conservation: new identities + excluded = distinct identities exposed in the window',
      [questionWithEvents, fc.constantFrom('quarantine', 'first-seen')],
      async ({ question, events }, multiVariant) => {
        const summary = await answer(question, events, { multiVariant })
        expect(counted(summary) + summary.excludedIdentities).toBe(
          referenceIdentities(events, question).length,
        )
        if (multiVariant === 'first-seen') expect(summary.excludedIdentities).toBe(0)
      },
    )

    law(
      '2. duplicates, order of arrival and batching change nothing',
      [
        questionWithEvents.chain(({ question, events }) =>
          fc
            .tuple(fc.subarray(events), fc.subarray(events))
            .chain(([again, andAgain]) => {
              const delivered = [...events, ...again, ...andAgain]
              return fc.shuffledSubarray(delivered, { minLength: delivered.length })
            })
            .map((delivered) => ({ question, events, delivered })),
        ),
        fc.integer({ min: 1, max: 15 }),
        fc.constantFrom('quarantine', 'first-seen'),
      ],
      async ({ question, events, delivered }, batchSize, multiVariant) => {
        const once = await answer(question, events, { multiVariant })
        await replaceEvents(client, [])
        for (let i = 0; i < delivered.length; i += batchSize) {
          await insertEvents(client, delivered.slice(i, i + batchSize))
        }
        expect(await ask(question, { multiVariant })).toEqual(once)
      },
    )

    law(
      '3. an exposure at start counts, at asOf it does not; one millisecond decides',
      [asked, anyKey, anyKey],
      async (question, identity, variant) => {
        const { environment, event, feature, startMs, asOfMs } = question
        const summaries = await answers(
          question,
          [startMs - 1, startMs, asOfMs - 1, asOfMs].map((timestampMs) => [
            { environment, event, feature, timestampMs, identity, variant },
          ]),
        )
        expect(summaries.map(counted)).toEqual([0, 1, 1, 0])
      },
    )

    law(
      '4. exposing a counted identity to another variant moves exactly one from its bucket to excluded',
      [
        asked.chain((question) =>
          fc.record({
            question: fc.constant(question),
            events: eventsAround(question),
            identity: anyKey,
            variants: fc.uniqueArray(anyKey, { minLength: 2, maxLength: 2 }),
            times: fc.tuple(
              fc.integer({ min: question.startMs, max: question.asOfMs - 1 }),
              fc.integer({ min: question.startMs, max: question.asOfMs - 1 }),
            ),
          }),
        ),
      ],
      async ({ question, events, identity, variants: [variant = '', other = ''], times }) => {
        const { environment, event, feature } = question
        const others = events.filter((e) => e.identity !== identity)
        const exposure = { environment, event, feature, timestampMs: Math.min(...times), identity, variant }
        const crossover = { ...exposure, timestampMs: Math.max(...times), variant: other }
        const summaries = await answers(question, [
          others,
          [...others, exposure],
          [...others, exposure, crossover],
        ])
        const [without, before, after] = summaries as [ExposuresSummary, ExposuresSummary, ExposuresSummary]
        expect(after.excludedIdentities).toBe(before.excludedIdentities + 1)
        expect(after.timeseries).toEqual(without.timeseries)
        expect(counted(before)).toBe(counted(without) + 1)
      },
    )

    law(
      '5. a later asOf never lowers excluded, nor the number of identities seen',
      [questionWithEvents, fc.double({ min: 0, max: 1, noNaN: true })],
      async ({ question, events }, part) => {
        const lengthMs = question.asOfMs - question.startMs
        const asOfMs = question.startMs + Math.max(1, Math.floor(part * lengthMs))
        const earlier = await answer({ ...question, asOfMs }, events)
        const later = await ask(question)
        expect(later.excludedIdentities).toBeGreaterThanOrEqual(earlier.excludedIdentities)
        expect(counted(later) + later.excludedIdentities).toBeGreaterThanOrEqual(
          counted(earlier) + earlier.excludedIdentities,
        )
      },
    )

    law(
      '6. summaries of disjoint identities merge to the summary of the whole',
      [questionWithEvents, fc.integer({ min: 1, max: 4 }), fc.constantFrom('quarantine', 'first-seen')],
      async ({ question, events }, shards, multiVariant) => {
        const shardOf = (identity: string | null): number => [...(identity ?? '')].length % shards
        const sharded = Array.from({ length: shards }, (_, shard) =>
          events.filter((e) => shardOf(e.identity) === shard),
        )
        const [whole, ...parts] = await answers(question, [events, ...sharded], { multiVariant })
        expect(mergeExposuresSummaries(...parts)).toEqual(whole)
        expect(mergeExposuresSummaries(...parts.toReversed())).toEqual(whole)
      },
    )

    law(
      '7. the hourly series added up by day is the daily series, in every time zone',
      [
        asked.chain((question) => {
          const hourly = { ...question, asOfMs: Math.min(question.asOfMs, question.startMs + 72 * 3_600_000) }
          return fc.record({ question: fc.constant(hourly), events: eventsAround(hourly, { inside: true }) })
        }),
        fc.constantFrom(
          'UTC',
          ...Intl.supportedValuesOf('timeZone').filter((zone) => !zone.startsWith('Etc/')),
        ),
      ],
      async ({ question, events }, timeZone) => {
        const hourly = await answer(question, events, { timeZone })
        const daily = await ask({ ...question, asOfMs: question.startMs + 72 * 3_600_000 + 1 }, { timeZone })
        expect(hourly.timeseries.granularity).toBe('hour')
        expect(daily.timeseries.granularity).toBe('day')
        expect(byLocalDate(hourly)).toEqual(byLocalDate(daily))
        const days = daily.timeseries.points.map(({ bucket }) => localDate(bucket, timeZone))
        expect(new Set(days).size).toBe(days.length)
        expect(daily.excludedIdentities).toBe(hourly.excludedIdentities)
      },
    )

    law(
      'first-seen: of several variants at the first instant, the smallest key in byte order counts',
      [asked, anyKey, fc.uniqueArray(anyKey, { minLength: 2, maxLength: 5 }), anyKey],
      async (question, identity, variants, later) => {
        const { environment, event, feature, startMs, asOfMs } = question
        const exposures = variants.map((variant) => ({
          environment,
          event,
          feature,
          timestampMs: startMs,
          identity,
          variant,
        }))
        const afterwards = exposures
          .slice(0, 1)
          .map((e) => ({ ...e, timestampMs: asOfMs - 1, variant: later }))
        const summary = await answer(question, [...afterwards, ...exposures], { multiVariant: 'first-seen' })
        const [smallest] = variants.map((key) => Buffer.from(key)).sort((a, b) => Buffer.compare(a, b))
        // In a window of one millisecond the later exposure ties as well.
        const tied =
          asOfMs - 1 === startMs && smallest !== undefined ? [smallest, Buffer.from(later)] : [smallest]
        const expected = tied.reduce((a, b) => (a && b && Buffer.compare(a, b) > 0 ? b : a))?.toString() ?? ''
        expect(Object.keys(summary.timeseries.points[0]?.newIdentities ?? {})).toEqual([expected])
      },
    )

    law(
      '8. any strings at all are keys, each told from every other',
      [asked, fc.uniqueArray(anyKey, { minLength: 2, maxLength: 6 })],
      async (question, keys) => {
        const { environment, event, feature, startMs } = question
        // Each key is an identity once, in the variant of the same name; all are different, so all are counted.
        const exposures = keys.map((key) => ({
          environment,
          event,
          feature,
          timestampMs: startMs,
          identity: key,
          variant: key,
        }))
        const summary = await answer(question, exposures)
        expect(summary.excludedIdentities).toBe(0)
        expect(Object.entries(summary.timeseries.points[0]?.newIdentities ?? {}).sort(byKey)).toEqual(
          keys.map((key) => [key, 1] as [string, number]).sort(byKey),
        )
        // And each is a place of its own to look in.
        for (const place of ['environment', 'event', 'feature'] as const) {
          const elsewhere = keys.find((key) => key !== question[place]) ?? ''
          expect(counted(await ask({ ...question, [place]: elsewhere }))).toBe(0)
        }
      },
    )
  })
}

function byKey([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}

function counted({ timeseries }: ExposuresSummary): number {
  return timeseries.points
    .flatMap(({ newIdentities }) => Object.values(newIdentities))
    .reduce((sum, count) => sum + count, 0)
}

function localDate(instant: string, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(new Date(instant))
}

/** A series added up by the local date of its buckets. */
function byLocalDate({ timeseries }: ExposuresSummary): Map<string, Map<string, number>> {
  const days = new Map<string, Map<string, number>>()
  for (const { bucket, newIdentities } of timeseries.points) {
    const date = localDate(bucket, timeseries.timeZone)
    const day = days.get(date) ?? new Map<string, number>()
    for (const [variant, count] of Object.entries(newIdentities))
      day.set(variant, (day.get(variant) ?? 0) + count)
    days.set(date, day)
  }
  return days
}
