import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  flagsmithEvents,
  mergeExposuresSummaries,
  trustedSql,
  type ExposedIdentity,
  type ExposureSpec,
  type ExposureSpecInput,
  type ExposuresSummary,
  type ExposureWindow,
  type IdentityPartition,
} from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresBreakdown,
  fetchExposuresSummary,
  fetchIdentityTimeline,
} from 'first-exposure/clickhouse'
import { rolledUp } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aliasesOf, createAliasesTable, replaceAliases, type AliasRow } from '../arbitraries/aliases.js'
import {
  questionWithDiagnosedEvents,
  replaceDiagnosedEvents,
  type DiagnosedEvent,
} from '../arbitraries/diagnosed-events.js'
import { anyKey, type Asked } from '../arbitraries/exposure-events.js'
import { runs, timeFor } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { isAmbiguous, resolvedEvents, resolver } from '../reference-aliases.js'
import { referenceLedger } from '../reference-ledger.js'
import {
  exposuresByIdentity,
  referenceCrossovers,
  referenceIdentities,
  referenceSummary,
} from '../reference-model.js'
import { referenceStory, referenceVerdict } from '../reference-verdict.js'
import { run, schemaOf } from '../rollup/rollup-of-events.js'

const numRuns = runs(100)

/** Mostly with several identities, because only then is anything joined. */
const questionWithIdentities = fc.oneof(
  {
    arbitrary: questionWithDiagnosedEvents.filter(
      ({ question, events }) => exposuresByIdentity(events, question).size > 1,
    ),
    weight: 5,
  },
  { arbitrary: questionWithDiagnosedEvents, weight: 1 },
)

/** A question, the events about it, aliases among their identities, and how they are asked about. */
const asking = questionWithIdentities.chain(({ question, events }) =>
  fc.record({
    question: fc.constant(question),
    events: fc.constant(events),
    aliases: aliasesOf(events),
    multiVariant: fc.constantFrom('quarantine' as const, 'first-seen' as const),
    identityKey: fc.constantFrom('hash' as const, 'exact' as const),
    filtered: fc.boolean(),
    settings: fc.record({
      // The old one takes five times as long to plan a statement, so it is asked less often.
      allow_experimental_analyzer: fc.constantFrom(0 as const, ...Array<1>(7).fill(1)),
      join_use_nulls: fc.constantFrom(0 as const, 1 as const),
      session_timezone: fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/St_Johns'),
    }),
  }),
)

describe.skipIf(!engineAvailable)('the laws of aliases', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
    await createAliasesTable(client)
  })
  afterAll(async () => {
    await client.close()
  })

  const fill = async (events: readonly DiagnosedEvent[], aliases: readonly AliasRow[]): Promise<void> => {
    await replaceDiagnosedEvents(client, events)
    await replaceAliases(client, aliases)
  }
  const specOf = (question: Asked, input: Partial<ExposureSpecInput> = {}): ExposureSpec =>
    exposureSpec({
      environmentKey: question.environment,
      eventName: question.event,
      featureName: question.feature,
      aliases: { table: 'aliases', from: 'anonymous', to: 'person' },
      ...input,
    })
  const windowOf = ({ startMs, asOfMs }: Asked): ExposureWindow => exposureWindow(startMs, asOfMs)
  const filters = [{ column: 'sdk_language', equals: 'web' }]
  const identitiesOf = async (
    spec: ExposureSpec,
    window: ExposureWindow,
    settings: Readonly<Record<string, string | number>>,
    partition?: IdentityPartition,
    dimensions?: readonly ReturnType<typeof trustedSql>[],
  ): Promise<readonly ExposedIdentity[]> => {
    const query = exposedIdentitiesQuery(spec, window, {
      ...(partition === undefined ? {} : { partition }),
      ...(dimensions === undefined ? {} : { dimensions }),
    })
    const result = await client.query({ ...query, clickhouse_settings: settings })
    return [...decodeExposedIdentityRows(await result.json<object>())].sort((a, b) =>
      a.identity < b.identity ? -1 : 1,
    )
  }

  test(
    'every question is answered as the reference model answers it on resolved events',
    async () => {
      await fc.assert(
        fc.asyncProperty(asking, async ({ question, events, aliases, settings, ...how }) => {
          await fill(events, aliases)
          const { multiVariant, identityKey, filtered } = how
          const spec = specOf(question, { multiVariant, identityKey, filters: filtered ? filters : [] })
          const window = windowOf(question)
          const filter = (e: DiagnosedEvent): boolean => !filtered || e.sdk === 'web'
          const raw = events.filter(filter)
          const resolved = resolvedEvents(raw, aliases)

          expect(await fetchExposuresSummary(client, spec, window, { settings })).toEqual(
            referenceSummary(resolved, question, multiVariant),
          )
          expect(await fetchCrossovers(client, spec, window, { settings })).toEqual(
            referenceCrossovers(resolved, question),
          )
          expect(await identitiesOf(spec, window, settings)).toEqual(
            expectedIdentities(resolved, question, multiVariant),
          )

          const exposed = [...exposuresByIdentity(raw, question)]
          const resolve = resolver(aliases)
          const joined = exposed
            .map(([identity]) => identity)
            .filter((identity) => resolve(identity) !== identity)
          const alone = new Set(
            exposed.flatMap(([identity, own]) =>
              new Set(own.map(({ variant }) => variant)).size > 1 ? [resolve(identity)] : [],
            ),
          )
          const excluded = referenceIdentities(resolved, question).filter((each) => each.multiVariant)
          expect(await fetchExposureLedger(client, spec, window, { settings })).toEqual({
            ...(referenceLedger(resolvedEvents(events, aliases), question, multiVariant, {
              filter,
            }) as object),
            aliases: {
              joinedIdentifiers: joined.length,
              ambiguousIdentifiers: exposed.filter(([identity]) => isAmbiguous(identity, aliases)).length,
              chainedIdentifiers: joined.filter((each) => resolve(resolve(each)) !== resolve(each)).length,
              quarantinedByJoining:
                multiVariant === 'first-seen'
                  ? 0
                  : excluded.filter(({ identity }) => !alone.has(identity)).length,
            },
          })
        }),
        { numRuns },
      )
    },
    timeFor(600_000),
  )

  test(
    'a breakdown’s slices and dimensions are those of the first exposure of all identifiers',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          asking,
          async ({ question, events, aliases, settings, multiVariant, identityKey }) => {
            await fill(events, aliases)
            const spec = specOf(question, {
              multiVariant,
              identityKey,
              breakdown: { column: 'sdk_language', top: 5 },
            })
            const window = windowOf(question)
            const valueOf = new Map<string, string>()
            for (const [identity, own] of exposuresByIdentity(resolvedEvents(events, aliases), question)) {
              const firstMs = Math.min(...own.map((e) => e.timestampMs))
              const [value = ''] = own
                .filter((e) => e.timestampMs === firstMs)
                .map(({ sdk }) => sdk)
                .sort()
              valueOf.set(identity, value)
            }
            const { slices, other } = await fetchExposuresBreakdown(client, spec, window, { settings })
            expect(other).toBeNull()
            for (const { value, summary } of slices) {
              const own = resolvedEvents(events, aliases).filter(
                (e) => valueOf.get(e.identity ?? '') === value,
              )
              expect(summary).toEqual(referenceSummary(own, question, multiVariant))
            }
            const dimensions = [trustedSql`sdk_language`]
            const identities = await identitiesOf(spec, window, settings, undefined, dimensions)
            expect(identities.map(({ identity, dimensions: of }) => [identity, of])).toEqual(
              [...valueOf]
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([identity, value]) => [identity, { dimension_1: value }]),
            )
          },
        ),
        { numRuns },
      )
    },
    timeFor(600_000),
  )

  test(
    '10. who and how many agree, in partitions: all identifiers of an identity are in one of them',
    async () => {
      await fc.assert(
        fc.asyncProperty(asking, fc.integer({ min: 1, max: 4 }), async (asked, of) => {
          const { question, events, aliases, settings, multiVariant, identityKey } = asked
          await fill(events, aliases)
          const spec = specOf(question, { multiVariant, identityKey })
          const window = windowOf(question)
          const all: ExposedIdentity[] = []
          for (let index = 0; index < of; index++) {
            all.push(...(await identitiesOf(spec, window, settings, { index, of })))
          }
          const resolved = resolvedEvents(events, aliases)
          expect(all.sort((a, b) => (a.identity < b.identity ? -1 : 1))).toEqual(
            expectedIdentities(resolved, question, multiVariant),
          )
          const summary = await fetchExposuresSummary(client, spec, window, { settings, partitions: of })
          expect(summary).toEqual(referenceSummary(resolved, question, multiVariant))
          expect(countOf(all, summary)).toEqual(summary)
        }),
        { numRuns },
      )
    },
    timeFor(600_000),
  )

  test(
    'the story of an identity has the events of all its identifiers, and lists them',
    async () => {
      await fc.assert(
        fc.asyncProperty(asking, async ({ question, events, aliases, settings, multiVariant }) => {
          await fill(events, aliases)
          const spec = specOf(question, { multiVariant })
          const resolve = resolver(aliases)
          const resolved = resolvedEvents(events, aliases)
          for (const asked of new Set(['nobody', ...events.map((e) => e.identity ?? '')])) {
            const identity = asked === '' ? '' : resolve(asked)
            const story = referenceStory(resolved, question, identity, () => true)
            const timeline = await fetchIdentityTimeline(client, spec, windowOf(question), asked, {
              settings,
            })
            expect(timeline).toMatchObject({
              verdict: referenceVerdict(story, multiVariant),
              scanned: story.length,
              truncated: false,
            })
            expect(timeline.events.map(({ at }) => at)).toEqual(story.map(({ at }) => at))
            const own = events.filter(
              (e) =>
                e.environment === question.environment &&
                e.event === question.event &&
                e.feature === question.feature &&
                e.identity !== null &&
                (e.identity === '' ? '' : resolve(e.identity)) === identity,
            )
            const identifiers = own.map((e) => e.identity ?? '').sort()
            expect(timeline.events.map(({ identifier }) => identifier ?? '?').sort()).toEqual(identifiers)
            expect(timeline.resolved).toEqual(
              own.length === 0 ? null : { identity, identifiers: [...new Set(identifiers)] },
            )
          }
        }),
        { numRuns: runs(50) },
      )
    },
    timeFor(600_000),
  )

  test(
    'a rollup answers with aliases as the events do',
    async () => {
      const event = '$flag_exposure'
      const schema = schemaOf(event)
      await run(client, schema.create)
      try {
        await fc.assert(
          fc.asyncProperty(asking, fc.constantFrom(1, 3), async (asked, of) => {
            const { aliases, settings, multiVariant, identityKey } = asked
            // A rollup holds one event.
            const question = { ...asked.question, event }
            const events = asked.events.map((e) => ({
              ...e,
              event: e.event === asked.question.event ? event : 'other',
            }))
            await client.command({ query: 'TRUNCATE TABLE exposures_by_identity' })
            await fill(events, aliases)
            const spec = specOf(question, {
              multiVariant,
              identityKey,
              source: rolledUp(flagsmithEvents(), 'exposures_by_identity'),
            })
            const resolved = resolvedEvents(events, aliases)
            const summary = await fetchExposuresSummary(client, spec, windowOf(question), {
              settings,
              partitions: of,
            })
            expect(summary).toEqual(referenceSummary(resolved, question, multiVariant))
            expect(await identitiesOf(spec, windowOf(question), settings)).toEqual(
              expectedIdentities(resolved, question, multiVariant),
            )
          }),
          { numRuns: runs(50) },
        )
      } finally {
        await run(client, schema.drop)
      }
    },
    timeFor(600_000),
  )

  describe('11.', () => {
    const summaryOf = async (
      question: Asked,
      input: Partial<ExposureSpecInput> = {},
    ): Promise<ExposuresSummary> =>
      await fetchExposuresSummary(client, specOf(question, input), windowOf(question))

    test(
      'with no alias everything is as without',
      async () => {
        await fc.assert(
          fc.asyncProperty(asking, async ({ question, events, multiVariant, identityKey }) => {
            await fill(events, [])
            const spec = specOf(question, { multiVariant, identityKey })
            const without = exposureSpec({ ...spec, aliases: null })
            const window = windowOf(question)
            expect(await summaryOf(question, { multiVariant, identityKey })).toEqual(
              await fetchExposuresSummary(client, without, window),
            )
            expect(await fetchCrossovers(client, spec, window)).toEqual(
              await fetchCrossovers(client, without, window),
            )
            const { aliases, ...ledger } = await fetchExposureLedger(client, spec, window)
            expect(aliases).toEqual({
              joinedIdentifiers: 0,
              ambiguousIdentifiers: 0,
              chainedIdentifiers: 0,
              quarantinedByJoining: 0,
            })
            expect({ ...ledger, aliases: null }).toEqual(await fetchExposureLedger(client, without, window))
          }),
          { numRuns },
        )
      },
      timeFor(300_000),
    )

    test(
      'renaming identifiers by a bijection changes no count',
      async () => {
        await fc.assert(
          fc.asyncProperty(
            asking,
            anyKey,
            async ({ question, events, aliases, multiVariant, identityKey }, by) => {
              const rename = (id: string | null): string | null =>
                id === null || id === '' ? id : `${by}${id}`
              await fill(events, aliases)
              const before = await summaryOf(question, { multiVariant, identityKey })
              await fill(
                events.map((e) => ({ ...e, identity: rename(e.identity) })),
                aliases.map(({ from, to }) => ({ from: rename(from), to: rename(to) })),
              )
              expect(await summaryOf(question, { multiVariant, identityKey })).toEqual(before)
            },
          ),
          { numRuns },
        )
      },
      timeFor(300_000),
    )

    test(
      'resolving is idempotent where there is no chain',
      async () => {
        await fc.assert(
          fc.asyncProperty(asking, async ({ question, events, aliases: some, multiVariant, identityKey }) => {
            // Without the rows whose target stands for another one itself.
            const aliases = some.filter(({ to }) => !some.some(({ from }) => from === to))
            await fill(events, aliases)
            const once = await summaryOf(question, { multiVariant, identityKey })
            await fill(resolvedEvents(events, aliases), aliases)
            expect(await summaryOf(question, { multiVariant, identityKey })).toEqual(once)
          }),
          { numRuns },
        )
      },
      timeFor(300_000),
    )

    test(
      'one more alias never raises identities + excluded, and moves only the identities it joins',
      async () => {
        await fc.assert(
          fc.asyncProperty(asking, anyKey, async (asked, other) => {
            const { question, events, aliases, settings, multiVariant } = asked
            // Of an identifier that has none, and for which no other one stands: it makes no chain.
            const identifiers = [other, ...events.map((e) => e.identity ?? '')].filter((each) => each !== '')
            const from = identifiers.find(
              (each) => !aliases.some((row) => row.from === each || row.to === each),
            )
            const to = identifiers.find((each) => each !== from) ?? other
            fc.pre(from !== undefined && from !== to)
            await fill(events, aliases)
            const spec = specOf(question, { multiVariant })
            const before = await identitiesOf(spec, windowOf(question), settings)
            const summaryBefore = await summaryOf(question, { multiVariant })
            await replaceAliases(client, [...aliases, { from, to }])
            const after = await identitiesOf(spec, windowOf(question), settings)
            const summaryAfter = await summaryOf(question, { multiVariant })

            expect(after.length).toBeLessThanOrEqual(before.length)
            expect(total(summaryAfter)).toBe(after.length)
            expect(total(summaryBefore)).toBe(before.length)
            const joins = new Set<unknown>([from, resolver(aliases)(to), to])
            const others = (all: readonly ExposedIdentity[]): readonly ExposedIdentity[] =>
              all.filter(({ identity }) => !joins.has(identity))
            expect(others(after)).toEqual(others(before))
          }),
          { numRuns },
        )
      },
      timeFor(300_000),
    )
  })
})

function expectedIdentities(
  events: readonly DiagnosedEvent[],
  question: Asked,
  multiVariant: 'quarantine' | 'first-seen',
): readonly ExposedIdentity[] {
  return referenceIdentities(events, question)
    .map((each) => {
      const quarantined = each.multiVariant && multiVariant === 'quarantine'
      return {
        identity: each.identity,
        variant: quarantined ? null : each.firstVariant,
        firstExposure: new Date(each.firstMs).toISOString().replace('Z', '000000Z'),
        quarantined,
        firstVariant: each.firstVariant,
        dimensions: {},
      }
    })
    .sort((a, b) => (a.identity < b.identity ? -1 : 1))
}

/** The summary that some exposed identities are, in UTC. */
function countOf(identities: readonly ExposedIdentity[], { timeseries }: ExposuresSummary): ExposuresSummary {
  const widthMs = timeseries.granularity === 'hour' ? 3_600_000 : 86_400_000
  const summaryOfOne = ({ variant, firstExposure }: ExposedIdentity): ExposuresSummary => ({
    excludedIdentities: variant === null ? 1 : 0,
    timeseries: {
      ...timeseries,
      points:
        variant === null
          ? []
          : [
              {
                bucket: new Date(Math.floor(Date.parse(firstExposure) / widthMs) * widthMs).toISOString(),
                newIdentities: Object.fromEntries([[variant, 1]]),
              },
            ],
    },
  })
  const nobody: ExposuresSummary = { excludedIdentities: 0, timeseries: { ...timeseries, points: [] } }
  return mergeExposuresSummaries(nobody, ...identities.map(summaryOfOne))
}

function total({ excludedIdentities, timeseries }: ExposuresSummary): number {
  return timeseries.points
    .flatMap(({ newIdentities }) => Object.values(newIdentities))
    .reduce((sum, count) => sum + count, excludedIdentities)
}
