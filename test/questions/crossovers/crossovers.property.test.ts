import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import { exposureSpec, exposureWindow, type Crossovers, type ExposureSpecInput } from 'first-exposure'
import { fetchCrossovers, fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anyKey, asked, questionWithEvents, type Asked } from '../../arbitraries/exposure-events.js'
import { runs, timeFor } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable, insertEvents, replaceEvents } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { referenceCrossovers } from '../../reference-model.js'

describe.skipIf(!engineAvailable)('the laws of crossovers', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
  })
  afterAll(async () => {
    await client.close()
  })
  const specOf = (
    question: Asked,
    input: Partial<ExposureSpecInput>,
  ): Parameters<typeof fetchCrossovers>[1] =>
    exposureSpec({
      environmentKey: question.environment,
      eventName: question.event,
      featureName: question.feature,
      ...input,
    })
  const ask = async (question: Asked, input: Partial<ExposureSpecInput> = {}): Promise<Crossovers> =>
    await fetchCrossovers(client, specOf(question, input), exposureWindow(question.startMs, question.asOfMs))

  test(
    'pairs, medians, buckets and first variants are the reference model’s, under both policies and identity keys',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents,
          fc.constantFrom('quarantine', 'first-seen'),
          fc.constantFrom('hash', 'exact'),
          async ({ question, events }, multiVariant, identityKey) => {
            await replaceEvents(client, events)
            expect(await ask(question, { multiVariant, identityKey })).toEqual(
              referenceCrossovers(events, question),
            )
          },
        ),
        { numRuns: runs(60) },
      )
    },
    timeFor(300_000),
  )

  test(
    'the matrix, its time series and its first variants add up to what the summary excludes',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents,
          fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/Sao_Paulo', 'Africa/Cairo'),
          async ({ question, events }, timeZone) => {
            await replaceEvents(client, events)
            const crossovers = await ask(question, { timeZone })
            const window = exposureWindow(question.startMs, question.asOfMs)
            const { excludedIdentities } = await fetchExposuresSummary(
              client,
              specOf(question, { timeZone }),
              window,
            )
            const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)
            expect(crossovers.identities).toBe(excludedIdentities)
            expect(sum(crossovers.pairs.map((pair) => pair.identities))).toBe(excludedIdentities)
            expect(sum(Object.values(crossovers.firstVariants))).toBe(excludedIdentities)
            expect(sum(crossovers.timeseries.points.map((point) => point.identities))).toBe(
              excludedIdentities,
            )
          },
        ),
        { numRuns: runs(30) },
      )
    },
    timeFor(300_000),
  )

  test(
    'duplicates, order of arrival and batching change nothing',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents.chain(({ question, events }) =>
            fc
              .subarray(events)
              .chain((again) =>
                fc.shuffledSubarray([...events, ...again], { minLength: events.length + again.length }),
              )
              .map((delivered) => ({ question, events, delivered })),
          ),
          fc.integer({ min: 1, max: 15 }),
          async ({ question, events, delivered }, batchSize) => {
            await replaceEvents(client, events)
            const once = await ask(question)
            await replaceEvents(client, [])
            for (let i = 0; i < delivered.length; i += batchSize) {
              await insertEvents(client, delivered.slice(i, i + batchSize))
            }
            expect(await ask(question)).toEqual(once)
          },
        ),
        { numRuns: runs(20) },
      )
    },
    timeFor(300_000),
  )

  test(
    'any keys at all: a crossover at one instant goes from the smaller key in byte order, after no time',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          asked,
          anyKey,
          fc.uniqueArray(anyKey, { minLength: 2, maxLength: 2 }),
          async (question, identity, keys) => {
            const { environment, event, feature, startMs: timestampMs } = question
            await replaceEvents(
              client,
              keys.map((variant) => ({ environment, event, feature, timestampMs, identity, variant })),
            )
            const [smaller = '', larger = ''] = keys.toSorted((a, b) =>
              Buffer.compare(Buffer.from(a), Buffer.from(b)),
            )
            const { pairs } = await ask(question)
            expect(pairs).toMatchObject([
              { firstVariant: smaller, nextVariant: larger, identities: 1, medianMs: 0 },
            ])
          },
        ),
        { numRuns: runs(60) },
      )
    },
    timeFor(300_000),
  )
})
