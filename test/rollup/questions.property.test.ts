import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  flagsmithEvents,
  type ExposedIdentity,
  type ExposureSpec,
  type ExposureSpecInput,
  type ExposureWindow,
} from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresBreakdown,
  fetchExposuresSummaries,
  fetchExposuresSummary,
  fetchIdentityTimeline,
  fetchOverlap,
  streamExposedIdentities,
} from 'first-exposure/clickhouse'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aliasesOf, createAliasesTable, replaceAliases } from '../arbitraries/aliases.js'
import {
  insertDiagnosedEvents,
  questionWithDiagnosedEvents,
  replaceDiagnosedEvents,
} from '../arbitraries/diagnosed-events.js'
import { runs, timeFor } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { expectAgreement } from '../questions/exposed-identities/who-and-how-many.js'
import { exposuresByIdentity } from '../reference-model.js'
import { run } from './rollup-of-events.js'

const event = '$flag_exposure'
const rollup = { table: 'exposures_by_identity', columns: ['sdk_language'] }
const schema = rollupSchema({ source: flagsmithEvents(), rollup })
const throughRollup = rolledUp(flagsmithEvents(), rollup)

/** With several identities, because otherwise little is asked about. */
const questionWithIdentities = questionWithDiagnosedEvents.filter(
  ({ question, events }) => exposuresByIdentity(events, question).size > 1,
)

/** A question, its events, and a window that starts up to its whole length later. */
const asking = questionWithIdentities.chain(({ question, events }) =>
  fc.record({
    question: fc.constant({ ...question, event }),
    // A rollup holds one event.
    events: fc.constant(
      events.map((each) => ({ ...each, event: each.event === question.event ? event : 'other' })),
    ),
    window: fc
      .constantFrom(0, 0, 0.1, 0.25, 0.5, 0.75)
      .map((late) =>
        exposureWindow(
          question.startMs + Math.floor(late * (question.asOfMs - question.startMs)),
          question.asOfMs,
        ),
      ),
    merged: fc.boolean(),
    aliases: fc.option(aliasesOf(events), { freq: 3 }),
    multiVariant: fc.constantFrom('quarantine' as const, 'first-seen' as const),
    identityKey: fc.constantFrom('hash' as const, 'exact' as const),
    filtered: fc.boolean(),
  }),
)

describe.skipIf(!engineAvailable)(
  '9. every question is answered through the rollup as from the events',
  () => {
    let client: ClickHouseClient
    beforeAll(async () => {
      client = openInProcess()
      await client.command({ query: 'CREATE DATABASE questions_rolled_up' })
      await client.command({ query: 'USE questions_rolled_up' })
      await createEventsTable(client)
      await createAliasesTable(client)
      await run(client, schema.create)
    })
    afterAll(async () => {
      await client.close()
    })

    const who = async (
      spec: ExposureSpec,
      window: ExposureWindow,
      options: Parameters<typeof exposedIdentitiesQuery>[2],
    ): Promise<readonly ExposedIdentity[]> => {
      const rows = await client.query(exposedIdentitiesQuery(spec, window, options))
      return [...decodeExposedIdentityRows(await rows.json<object>())].sort((a, b) =>
        a.identity < b.identity ? -1 : 1,
      )
    }
    const streamed = async (
      spec: ExposureSpec,
      window: ExposureWindow,
    ): Promise<readonly ExposedIdentity[]> => {
      const found: ExposedIdentity[] = []
      for await (const each of streamExposedIdentities(client, spec, window)) found.push(each)
      return found.sort((a, b) => (a.identity < b.identity ? -1 : 1))
    }

    test(
      'with and without aliases, filters, partitions and dimensions, and in windows that start late',
      async () => {
        let [several, late] = [0, 0]
        await fc.assert(
          fc.asyncProperty(asking, async ({ question, events, window, merged, aliases, ...how }) => {
            const half = Math.ceil(events.length / 2)
            await client.command({ query: 'TRUNCATE TABLE exposures_by_identity' })
            await replaceDiagnosedEvents(client, events.slice(0, half))
            if (merged) await client.command({ query: 'OPTIMIZE TABLE exposures_by_identity FINAL' })
            await insertDiagnosedEvents(client, events.slice(half))
            await replaceAliases(client, aliases ?? [])
            const { multiVariant, identityKey, filtered } = how
            const input: ExposureSpecInput = {
              environmentKey: question.environment,
              featureName: question.feature,
              multiVariant,
              identityKey,
              filters: filtered ? [{ column: 'sdk_language', equals: 'web' }] : [],
              breakdown: { column: 'sdk_language', top: 1 },
              ...(aliases === null ? {} : { aliases: { table: 'aliases', from: 'anonymous', to: 'person' } }),
            }
            const [raw, rolled] = [
              exposureSpec({ ...input, source: flagsmithEvents() }),
              exposureSpec({ ...input, source: throughRollup }),
            ] as const

            for (const fetch of [
              fetchExposuresSummary,
              fetchCrossovers,
              fetchExposuresBreakdown,
              fetchExposureLedger,
            ]) {
              expect(await fetch(client, rolled, window), fetch.name).toEqual(
                await fetch(client, raw, window),
              )
            }
            const summary = await fetchExposuresSummary(client, raw, window)
            expect(await fetchExposuresSummary(client, rolled, window, { partitions: 3 })).toEqual(summary)
            const dimensions = ['sdk_language']
            const identities = await who(raw, window, { dimensions })
            expect(await who(rolled, window, { dimensions })).toEqual(identities)
            expect(await streamed(rolled, window)).toEqual(await streamed(raw, window))
            const partition = { index: 1, of: 2 }
            expect(await who(rolled, window, { partition })).toEqual(await who(raw, window, { partition }))
            await expectAgreement(client, rolled, window)
            const ledger = await fetchExposureLedger(client, rolled, window)
            expect(ledger.excludedIdentities).toBe(summary.excludedIdentities)

            const [one] = identities
            if (one !== undefined) {
              expect(await fetchIdentityTimeline(client, rolled, window, String(one.identity))).toEqual(
                await fetchIdentityTimeline(client, raw, window, String(one.identity)),
              )
            }
            const batch = [raw, rolled].map((spec) => [
              { spec, window },
              { spec, window: longer(window) },
            ])
            const [ofRaw, ofRolled] = await Promise.all(
              batch.map(async (experiments) => await fetchExposuresSummaries(client, experiments)),
            )
            expect(ofRolled).toEqual(ofRaw)
            const other = (spec: ExposureSpec): ExposureSpec =>
              exposureSpec({ ...spec, featureName: 'other' })
            expect(await fetchOverlap(client, rolled, other(rolled), window)).toEqual(
              await fetchOverlap(client, raw, other(raw), window),
            )
            several += identities.length > 1 ? 1 : 0
            late += window.startMs > question.startMs && identities.length > 0 ? 1 : 0
          }),
          { numRuns: runs(15), endOnFailure: true },
        )
        expect(Math.min(several, late)).toBeGreaterThan(2)
      },
      timeFor(900_000),
    )
  },
)

const longer = ({ startMs, asOfMs }: ExposureWindow): ExposureWindow => exposureWindow(startMs, asOfMs + 1)
