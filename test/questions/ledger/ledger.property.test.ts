import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import { exposureSpec, exposureWindow, type ExposureSpec, type ExposuresSummary } from 'first-exposure'
import { fetchExposureLedger, fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  questionWithDiagnosedEvents,
  replaceDiagnosedEvents,
  type DiagnosedEvent,
} from '../../arbitraries/diagnosed-events.js'
import type { Asked } from '../../arbitraries/exposure-events.js'
import { runs, timeFor } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { referenceLedger } from '../../reference-ledger.js'

const numRuns = runs(60)

describe.skipIf(!engineAvailable)('the laws of the ledger', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
  })
  afterAll(async () => {
    await client.close()
  })

  const specOf = (question: Asked, input: Partial<ExposureSpec>): ExposureSpec =>
    exposureSpec({
      environmentKey: question.environment,
      eventName: question.event,
      featureName: question.feature,
      ...input,
    })

  test(
    'it is the reference ledger: every event in one part, under both policies, with a filter and without',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithDiagnosedEvents,
          fc.constantFrom('quarantine', 'first-seen'),
          fc.constantFrom('hash', 'exact'),
          fc.boolean(),
          fc.constantFrom(0, 1, 3_600_000, 30 * 3_600_000),
          async ({ question, events }, multiVariant, identityKey, filtered, latenessMs) => {
            await replaceDiagnosedEvents(client, events)
            const filters = filtered ? [{ column: 'sdk_language', equals: 'web' }] : []
            const spec = specOf(question, { multiVariant, identityKey, filters })
            const window = exposureWindow(question.startMs, question.asOfMs)
            const ledger = await fetchExposureLedger(client, spec, window, { latenessMs })
            const filter = (e: DiagnosedEvent): boolean => !filtered || e.sdk === 'web'
            expect(ledger).toEqual(referenceLedger(events, question, multiVariant, { filter, latenessMs }))
          },
        ),
        { numRuns },
      )
    },
    timeFor(300_000),
  )

  test(
    'its identities are the summary’s, and its parts add up to the scanned events',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithDiagnosedEvents,
          fc.constantFrom('quarantine', 'first-seen'),
          async ({ question, events }, multiVariant) => {
            await replaceDiagnosedEvents(client, events)
            const spec = specOf(question, {
              multiVariant,
              filters: [{ column: 'sdk_language', in: ['web', 'android'] }],
            })
            const window = exposureWindow(question.startMs, question.asOfMs)
            const ledger = await fetchExposureLedger(client, spec, window)
            const summary = await fetchExposuresSummary(client, spec, window)
            expect(ledger.excludedIdentities).toBe(summary.excludedIdentities)
            const first = ledger.parts.find(({ part }) => part === 'first-exposure')
            expect(first?.byVariant).toEqual(countedByVariant(summary))
            expect(first?.events).toBe(ledger.countedIdentities)
            const answer = await client.query({
              query: `SELECT count() AS scanned FROM events WHERE environment_key = {e:String} AND event = {n:String}
              AND feature_name = {f:String}`,
              query_params: { e: question.environment, n: question.event, f: question.feature },
              format: 'JSONEachRow',
            })
            const [counted] = await answer.json<{ scanned: string | number }>()
            expect(ledger.parts.reduce((sum, { events: each }) => sum + each, 0)).toBe(
              Number(counted?.scanned),
            )
            expect(ledger.scanned).toBe(Number(counted?.scanned))
          },
        ),
        { numRuns },
      )
    },
    timeFor(300_000),
  )
})

function countedByVariant({ timeseries }: ExposuresSummary): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { newIdentities } of timeseries.points)
    for (const [variant, count] of Object.entries(newIdentities))
      counts.set(variant, (counts.get(variant) ?? 0) + count)
  return Object.fromEntries(counts)
}
