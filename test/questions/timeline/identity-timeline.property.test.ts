import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  type IdentityTimeline,
  type IdentityVerdict,
  type MultiVariantPolicy,
} from 'first-exposure'
import { fetchExposuresSummary, fetchIdentityTimeline } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  questionWithDiagnosedEvents,
  replaceDiagnosedEvents,
  type DiagnosedEvent,
} from '../../arbitraries/diagnosed-events.js'
import { runs, timeFor } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { referenceStory, referenceVerdict } from '../../reference-verdict.js'

describe.skipIf(!engineAvailable)('the laws of an identity’s story', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
  })
  afterAll(async () => {
    await client.close()
  })

  test(
    'its verdict is the reference model’s, whatever is shown, and all verdicts add up to the summary',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithDiagnosedEvents,
          fc.constantFrom<MultiVariantPolicy>('quarantine', 'first-seen'),
          fc.boolean(),
          fc.constantFrom(1, 3, 100),
          async ({ question, events }, multiVariant, filtered, limit) => {
            await replaceDiagnosedEvents(client, events)
            const spec = exposureSpec({
              environmentKey: question.environment,
              eventName: question.event,
              featureName: question.feature,
              multiVariant,
              filters: filtered ? [{ column: 'sdk_language', equals: 'web' }] : [],
            })
            const filter = (e: DiagnosedEvent): boolean => !filtered || e.sdk === 'web'
            const window = exposureWindow(question.startMs, question.asOfMs)
            const verdicts: IdentityVerdict[] = []
            for (const identity of new Set(['nobody', '', ...events.map((e) => e.identity ?? '')])) {
              const timeline = await fetchIdentityTimeline(client, spec, window, identity, { limit })
              verdicts.push(timeline.verdict)
              const story = referenceStory(events, question, identity, filter)
              expect(timeline.verdict).toEqual(referenceVerdict(story, multiVariant))

              const isOutside = ({ disposition }: IdentityTimeline['events'][number]): boolean =>
                disposition.endsWith('-window')
              const ofWindowFirst = [...story.filter((e) => !isOutside(e)), ...story.filter(isOutside)]
              const listed = new Set(ofWindowFirst.slice(0, limit))
              expect(timeline).toMatchObject({ scanned: story.length, truncated: story.length > limit })
              // Events that agree in all that is shown are the same here.
              expect(timeline.events).toEqual(story.filter((e) => listed.has(e)))
            }
            const summary = await fetchExposuresSummary(client, spec, window)
            const counted = new Map<string, number>()
            for (const { newIdentities } of summary.timeseries.points)
              for (const [variant, count] of Object.entries(newIdentities))
                counted.set(variant, (counted.get(variant) ?? 0) + count)
            const told = new Map<string, number>()
            for (const verdict of verdicts)
              if (verdict.type === 'counted') told.set(verdict.variant, (told.get(verdict.variant) ?? 0) + 1)
            expect(told).toEqual(counted)
            expect(verdicts.filter(({ type }) => type === 'quarantined').length).toBe(
              summary.excludedIdentities,
            )
          },
        ),
        { numRuns: runs(40) },
      )
    },
    timeFor(300_000),
  )
})
