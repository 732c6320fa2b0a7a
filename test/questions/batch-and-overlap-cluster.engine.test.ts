import type { ClickHouseClient } from '@clickhouse/client'
import { createClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  firstExposuresBatchQuery,
  type BatchExperiment,
  type ExposureSourceInput,
  type ExposureSpec,
  type ExposureSpecInput,
  type ExposureWindow,
  type MultiVariantPolicy,
} from 'first-exposure'
import { fetchExposuresSummaries, fetchOverlap, fetchOverlaps } from 'first-exposure/clickhouse'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Asked, ExposureEvent } from '../arbitraries/exposure-events.js'
import { aliasesOf, createAliasesTable, replaceAliases } from '../arbitraries/aliases.js'
import { runs } from '../arbitraries/runs.js'
import { severalExperiments } from '../arbitraries/several-experiments.js'
import { engineAvailable } from '../engine/availability.js'
import { startCluster, type EngineCluster } from '../engine/cluster.js'
import { createEventsTable, replaceEvents } from '../engine/events-table.js'
import { resolvedEvents } from '../reference-aliases.js'
import { referenceSummary } from '../reference-model.js'
import { referenceOverlap, referenceVariants } from '../reference-overlap.js'
import { run } from '../rollup/rollup-of-events.js'

const shards = 3
const event = '$flag_exposure'
const rollup = { database: 'exposures', table: 'exposures_by_identity', eventName: event }
const policy = fc.constantFrom<MultiVariantPolicy[]>('quarantine', 'first-seen')
const ways = fc.array(fc.record({ policy, startsLater: fc.constantFrom(0, 0, 1, 3_600_000) }), {
  minLength: 4,
  maxLength: 4,
})
const identityKeys = fc.constantFrom('hash' as const, 'exact' as const)

describe.skipIf(!engineAvailable)('batches and overlaps on a cluster of three shards', () => {
  let cluster: EngineCluster
  let reader: ClickHouseClient
  let sources: Readonly<Record<'distributed' | 'cluster' | 'sharded' | 'local', ExposureSourceInput>>
  beforeAll(async () => {
    cluster = await startCluster(shards)
    for (const client of cluster.clients) await createEventsTable(client)
    // On the server that is asked, and on no other.
    await createEventsTable(cluster.initiator, 'local_events')
    await cluster.initiator.command({
      query: `CREATE TABLE all_events AS events ENGINE = Distributed('${cluster.name}', 'exposures', 'events')`,
    })
    const table = { database: 'exposures', table: 'events' }
    sources = {
      distributed: { table: 'all_events' },
      cluster: { table, cluster: cluster.name },
      sharded: { table, cluster: cluster.name, shardedByIdentity: true },
      local: { table: 'local_events' },
    }
    for (const client of cluster.clients) {
      await run(client, rollupSchema({ source: sources.cluster, rollup }).create)
    }
    reader = createClient({
      url: cluster.servers[0]?.url ?? '',
      username: 'reader',
      database: 'exposures',
    })
  }, 120_000)
  afterAll(async () => {
    await reader.close()
    await cluster.stop()
  })

  const byIdentity = ({ identity }: ExposureEvent): number => [...(identity ?? '')].length % shards
  const inTurn = (_: ExposureEvent, index: number): number => index % shards
  const spread = async (
    events: readonly ExposureEvent[],
    by: (event: ExposureEvent, index: number) => number = byIdentity,
  ): Promise<void> => {
    await Promise.all([
      ...cluster.clients.map(async (client, shard) => {
        await client.command({ query: 'TRUNCATE TABLE exposures_by_identity' })
        await replaceEvents(
          client,
          events.filter((each, index) => by(each, index) === shard),
        )
      }),
      replaceEvents(cluster.initiator, events, 'local_events'),
    ])
  }
  const specOf = (question: Asked, input: Partial<ExposureSpecInput>): ExposureSpec =>
    exposureSpec({
      environmentKey: question.environment,
      eventName: question.event,
      featureName: question.feature,
      ...input,
    })
  const windowOf = ({ startMs, asOfMs }: Asked, startsLater = 0): ExposureWindow =>
    exposureWindow(Math.min(startMs + startsLater, asOfMs - 1), asOfMs)
  const answered = (summary: unknown): unknown => ({ type: 'answered', summary })

  test('each summary of a batch is the reference model’s, on every form', async () => {
    await fc.assert(
      fc.asyncProperty(
        severalExperiments(4),
        ways,
        identityKeys,
        fc.constantFrom(0, 1),
        async ({ questions, events }, way, identityKey, analyzer) => {
          const settings = { allow_experimental_analyzer: analyzer }
          const windows = questions.map((question, index) => windowOf(question, way[index]?.startsLater))
          const policies = questions.map((_, index) => way[index]?.policy ?? 'quarantine')
          const expected = questions.map((question, index) =>
            answered(
              referenceSummary(events, { ...question, ...windows[index] }, policies[index] ?? 'quarantine'),
            ),
          )
          const expectRight = async (source: ExposureSourceInput): Promise<void> => {
            const experiments = questions.map((question, index): BatchExperiment => ({
              spec: specOf(question, { multiVariant: policies[index], identityKey, source } as never),
              window: windows[index] ?? windowOf(question),
            }))
            expect(await fetchExposuresSummaries(cluster.initiator, experiments, { settings })).toEqual(
              expected,
            )
          }
          // The exposures of one identity on several shards.
          await spread(events, inTurn)
          await expectRight(sources.distributed)
          await expectRight(sources.cluster)
          await spread(events)
          for (const source of Object.values(sources)) await expectRight(source)
        },
      ),
      { numRuns: runs(12) },
    )
  }, 300_000)

  test('each overlap is the reference model’s, on every form and between forms, for a readonly = 1 user', async () => {
    await fc.assert(
      fc.asyncProperty(
        severalExperiments(4),
        fc.array(policy, { minLength: 4, maxLength: 4 }),
        identityKeys,
        fc.shuffledSubarray(['distributed', 'cluster', 'sharded', 'local'] as const, { minLength: 4 }),
        async ({ questions, events }, policies, identityKey, mixed) => {
          const variants = questions.map((question, index) =>
            referenceVariants(events, question, policies[index] ?? 'quarantine'),
          )
          const expected = variants.flatMap((one, place) =>
            variants.slice(place + 1).map((other, after) => ({
              one: place,
              other: place + 1 + after,
              overlap: referenceOverlap(one, other),
            })),
          )
          const expectRight = async (formOf: (index: number) => keyof typeof sources): Promise<void> => {
            const specs = questions.map((question, index) => {
              const source = sources[formOf(index)]
              return specOf(question, { multiVariant: policies[index], identityKey, source } as never)
            })
            const [first] = questions as [Asked]
            expect(await fetchOverlaps(reader, specs, windowOf(first))).toEqual(expected)
          }
          await spread(events, inTurn)
          await expectRight(() => 'distributed')
          await expectRight(() => 'cluster')
          await spread(events)
          for (const form of Object.keys(sources)) await expectRight(() => form as keyof typeof sources)
          await expectRight((index) => mixed[index] ?? 'local')
        },
      ),
      { numRuns: runs(12) },
    )
  }, 300_000)

  test('both are the same through a rollup on every shard, in windows that start late too', async () => {
    await fc.assert(
      fc.asyncProperty(
        severalExperiments(3),
        policy,
        identityKeys,
        fc.constantFrom(0, 0.3),
        async ({ questions, events }, multiVariant, identityKey, late) => {
          const [first] = questions as [Asked]
          const asked = questions.map((question) => ({ ...question, event }))
          const all = events.map((each) => ({ ...each, event: each.event === first.event ? event : 'other' }))
          await spread(all)
          const window = windowOf(first, Math.floor(late * (first.asOfMs - first.startMs)))
          const variants = asked.map((each) => referenceVariants(all, { ...each, ...window }, multiVariant))
          const expected = asked.map((each) =>
            answered(referenceSummary(all, { ...each, ...window }, multiVariant)),
          )
          for (const form of ['cluster', 'sharded'] as const) {
            const source = rolledUp(sources[form], rollup)
            const specs = asked.map((each) => specOf(each, { multiVariant, identityKey, source }))
            const experiments = specs.map((spec) => ({ spec, window }))
            expect(await fetchExposuresSummaries(reader, experiments)).toEqual(expected)
            const [one, other] = specs as [ExposureSpec, ExposureSpec]
            expect(await fetchOverlap(reader, one, other, window)).toEqual(
              referenceOverlap(variants[0] ?? new Map(), variants[1] ?? new Map()),
            )
          }
        },
      ),
      { numRuns: runs(8) },
    )
  }, 300_000)

  test('both apply the aliases, whose table the node that is asked reads, wherever the identifiers are', async () => {
    await createAliasesTable(cluster.initiator)
    await fc.assert(
      fc.asyncProperty(
        severalExperiments(3).chain(({ questions, events }) =>
          fc.record({
            questions: fc.constant(questions),
            events: fc.constant(events),
            aliases: aliasesOf(events),
          }),
        ),
        policy,
        identityKeys,
        async ({ questions, events, aliases }, multiVariant, identityKey) => {
          await spread(events, inTurn)
          await replaceAliases(cluster.initiator, aliases)
          const resolved = resolvedEvents(events, aliases)
          const [first] = questions as [Asked]
          const window = windowOf(first)
          const variants = questions.map((question) => referenceVariants(resolved, question, multiVariant))
          for (const source of Object.values(sources)) {
            const specs = questions.map((question) =>
              specOf(question, {
                multiVariant,
                identityKey,
                source,
                aliases: { table: 'aliases', from: 'anonymous', to: 'person' },
              }),
            )
            const experiments = specs.map((spec) => ({ spec, window }))
            expect(await fetchExposuresSummaries(reader, experiments)).toEqual(
              questions.map((question) => answered(referenceSummary(resolved, question, multiVariant))),
            )
            const [one, other] = specs as [ExposureSpec, ExposureSpec]
            expect(await fetchOverlap(reader, one, other, window)).toEqual(
              referenceOverlap(variants[0] ?? new Map(), variants[1] ?? new Map()),
            )
          }
        },
      ),
      { numRuns: runs(8) },
    )
  }, 300_000)

  const asked = ['checkout', 'search'].map((feature): Asked => ({
    environment: 'prod',
    event,
    feature,
    startMs: Date.UTC(2026, 5, 1),
    asOfMs: Date.UTC(2026, 5, 15),
  }))
  const [checkout, search] = asked as [Asked, Asked]
  const exposure = (of: Asked, identity: string, variant: string, day: number): ExposureEvent => ({
    ...of,
    timestampMs: Date.UTC(2026, 5, day, 12),
    identity,
    variant,
  })
  const few = [
    exposure(checkout, 'a', 'control', 1),
    exposure(search, 'a', 'old', 2),
    exposure(checkout, 'bb', 'blue', 2),
    exposure(search, 'bb', 'old', 3),
    exposure(checkout, 'ccc', 'control', 3),
    exposure(search, 'ccc', 'new', 3),
    exposure(checkout, 'ccc', 'green', 4),
    exposure(checkout, 'dddd', 'blue', 5),
  ]
  const window = windowOf(checkout)
  const experimentsOf = (source: ExposureSourceInput): readonly BatchExperiment[] =>
    asked.map((question) => ({ spec: specOf(question, { source }), window }))
  const counting = (client: ClickHouseClient): { client: ClickHouseClient; statements: () => number } => {
    let statements = 0
    const query = async (...given: Parameters<ClickHouseClient['query']>): Promise<unknown> => {
      statements++
      return await client.query(...given)
    }
    return { client: { query } as never, statements: () => statements }
  }

  test('one pass answers a batch of a Distributed table or of a cluster; shards that count by themselves are asked about each', async () => {
    await spread(few)
    for (const [source, expected] of [
      [sources.distributed, 1],
      [sources.cluster, 1],
      [sources.sharded, 2],
      [rolledUp(sources.cluster, rollup), 2],
    ] as const) {
      const { client, statements } = counting(cluster.initiator)
      expect(await fetchExposuresSummaries(client, experimentsOf(source))).toEqual(
        asked.map((question) => answered(referenceSummary(few, question, 'quarantine'))),
      )
      expect(statements()).toBe(expected)
    }
  })

  test('a batch statement is refused where it could not keep what the source is for, and the refusal says so', () => {
    for (const [source, why] of [
      [sources.sharded, 'its source is shardedByIdentity'],
      [rolledUp(sources.cluster, rollup), 'its source has a rollup'],
    ] as const) {
      const experiments = experimentsOf(source)
      for (const some of [experiments, experiments.slice(0, 1)]) {
        expect(() => firstExposuresBatchQuery(some)).toThrow(
          expect.objectContaining({ code: 'invalid-spec', message: expect.stringContaining(why) as unknown }),
        )
      }
    }
  })

  test('either analyzer answers an overlap of several tables, through a rollup too', async () => {
    await spread(few)
    const [one, other] = asked.map((question) => referenceVariants(few, question, 'quarantine'))
    const expected = referenceOverlap(one ?? new Map(), other ?? new Map())
    for (const [first, second] of [
      [rolledUp(sources.cluster, rollup), rolledUp(sources.cluster, rollup)],
      [sources.sharded, sources.local],
    ] as const) {
      for (const analyzer of [0, 1]) {
        const settings = { allow_experimental_analyzer: analyzer }
        const specs = [specOf(checkout, { source: first }), specOf(search, { source: second })] as const
        expect(await fetchOverlap(cluster.initiator, ...specs, window, { settings })).toEqual(expected)
      }
    }
  }, 120_000)

  test('maxRows bounds what all shards say together', async () => {
    await spread(few)
    for (const source of Object.values(sources)) {
      // Of one, three rows and that of the quarantined; of the other, three. Of both together, eight pairs of variants.
      const ofMaxRows = (maxRows: number): readonly ExposureSpec[] =>
        experimentsOf(source).map(({ spec }) => exposureSpec({ ...spec, maxRows }))
      const batch = ofMaxRows(3).map((spec) => ({ spec, window }))
      expect(await fetchExposuresSummaries(cluster.initiator, batch)).toMatchObject([
        { type: 'failed', error: { code: 'too-many-buckets' } },
        { type: 'answered' },
      ])
      await expect(fetchOverlaps(cluster.initiator, ofMaxRows(7), window)).rejects.toMatchObject({
        code: 'too-many-buckets',
      })
      expect(await fetchOverlaps(cluster.initiator, ofMaxRows(8), window)).toHaveLength(1)
    }
  })

  test('where nobody was exposed the answers are empty', async () => {
    await spread([])
    const none = referenceOverlap(new Map(), new Map())
    for (const source of Object.values(sources)) {
      const experiments = experimentsOf(source)
      expect(await fetchExposuresSummaries(cluster.initiator, experiments)).toEqual(
        asked.map((question) => answered(referenceSummary([], question, 'quarantine'))),
      )
      const [one, other] = experiments.map(({ spec }) => spec) as [ExposureSpec, ExposureSpec]
      expect(await fetchOverlap(cluster.initiator, one, other, window)).toEqual(none)
    }
  })

  test('a readonly = 1 user whose profile skips shards that are down is told which setting it is', async () => {
    const settings = { skip_unavailable_shards: 1, readonly: 1 }
    const refused = { code: 'unsafe-setting', details: { setting: 'skip_unavailable_shards' } }
    const experiments = experimentsOf(sources.cluster)
    expect(await fetchExposuresSummaries(cluster.initiator, experiments, { settings })).toMatchObject(
      experiments.map(() => ({ type: 'failed', error: refused })),
    )
    const [one, other] = experiments.map(({ spec }) => spec) as [ExposureSpec, ExposureSpec]
    await expect(fetchOverlap(cluster.initiator, one, other, window, { settings })).rejects.toMatchObject(
      refused,
    )
  })

  // Last, because it takes a shard away.
  test('a shard that is down fails every answer, also where the server skips such shards', async () => {
    await spread(few)
    await cluster.servers[2]?.kill()
    const rolled = [rolledUp(sources.cluster, rollup), rolledUp(sources.sharded, rollup)] as const
    const skip = { skip_unavailable_shards: 1, allow_experimental_analyzer: 1 }
    const skipping = [skip, { ...skip, allow_experimental_analyzer: 0 }]
    // 279 is ALL_CONNECTION_TRIES_FAILED.
    for (const [source, codeWhereSkipped] of [
      [sources.distributed, null],
      [sources.cluster, '279'],
      [sources.sharded, 'shards-missing'],
      [rolled[0], '279'],
      [rolled[1], 'shards-missing'],
    ] as const) {
      // A Distributed table follows the server's setting. The old analyzer takes seconds to read a statement of a rollup.
      const ways = source === sources.distributed ? [] : 'rollup' in source ? [skip] : skipping
      for (const settings of [{}, ...ways]) {
        const skips = 'skip_unavailable_shards' in settings
        const [one, other] = asked.map((question) => specOf(question, { source })) as [
          ExposureSpec,
          ExposureSpec,
        ]
        const { client, statements } = counting(cluster.initiator)
        expect(
          await fetchExposuresSummaries(
            client,
            [one, other].map((spec) => ({ spec, window })),
            { settings },
          ),
        ).toMatchObject(
          [one, other].map(() => ({
            type: 'failed',
            error: { code: skips ? codeWhereSkipped : '279' },
          })),
        )
        // Halves of it would fail too, and are not asked.
        expect(statements()).toBeLessThanOrEqual(2)
        // Its identities are put together where it arrives, so it turns the setting off on every form.
        await expect(fetchOverlap(client, one, other, window, { settings })).rejects.toMatchObject({
          code: '279',
        })
        // Also if only one of the two lies on the cluster, and nobody is in it.
        const elsewhere = specOf(search, { source: sources.local })
        const empty = specOf({ ...checkout, feature: 'nobody was exposed to it' }, { source })
        for (const pair of [
          [elsewhere, empty],
          [empty, elsewhere],
        ] as const) {
          await expect(fetchOverlap(client, ...pair, window, { settings })).rejects.toMatchObject({
            code: '279',
          })
        }
      }
    }
  }, 120_000)
})
