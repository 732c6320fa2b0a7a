import type { ClickHouseClient } from '@clickhouse/client'
import { createClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  mergeExposuresSummaries,
  trustedSql,
  type ExposedIdentity,
  type ExposureSourceInput,
  type ExposureSpec,
  type ExposureSpecInput,
  type ExposuresSummary,
} from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposuresBreakdown,
  fetchExposuresSummary,
  type FetchExposuresOptions,
} from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { questionWithEvents, type Asked, type ExposureEvent } from '../../arbitraries/exposure-events.js'
import { runs } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { startCluster, type EngineCluster } from '../../engine/cluster.js'
import { createEventsTable, replaceEvents } from '../../engine/events-table.js'
import { referenceCrossovers, referenceIdentities, referenceSummary } from '../../reference-model.js'

const shards = 3
type ColumnNames = NonNullable<ExposureSourceInput['columns']>

describe.skipIf(!engineAvailable)('a cluster of three shards', () => {
  let cluster: EngineCluster
  let sources: Readonly<Record<'distributed' | 'cluster' | 'sharded', ExposureSourceInput>>
  beforeAll(async () => {
    cluster = await startCluster(shards)
    for (const client of cluster.clients) await createEventsTable(client)
    await cluster.initiator.command({
      query: `CREATE TABLE all_events AS events ENGINE = Distributed('${cluster.name}', 'exposures', 'events')`,
    })
    const table = { database: 'exposures', table: 'events' }
    sources = {
      distributed: { table: 'all_events' },
      cluster: { table, cluster: cluster.name },
      sharded: { table, cluster: cluster.name, shardedByIdentity: true },
    }
  }, 120_000)
  afterAll(async () => {
    await cluster.stop()
  })

  const shardOf = (identity: string | null): number => [...(identity ?? '')].length % shards
  const spread = async (
    events: readonly ExposureEvent[],
    by: (event: ExposureEvent, index: number) => number = ({ identity }) => shardOf(identity),
  ): Promise<void> => {
    await Promise.all(
      cluster.clients.map(async (client, shard) => {
        await replaceEvents(
          client,
          events.filter((event, index) => by(event, index) === shard),
        )
      }),
    )
  }
  const ask = async (
    question: Asked,
    input: Partial<ExposureSpecInput>,
    options: FetchExposuresOptions = {},
    client: ClickHouseClient = cluster.initiator,
  ): Promise<ExposuresSummary> =>
    await fetchExposuresSummary(
      client,
      exposureSpec({
        environmentKey: question.environment,
        eventName: question.event,
        featureName: question.feature,
        ...input,
      }),
      exposureWindow(question.startMs, question.asOfMs),
      options,
    )

  test(
    'every form gives the reference model’s answer: a Distributed table, the cluster, shards that count by themselves',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents,
          fc.constantFrom('quarantine', 'first-seen'),
          fc.constantFrom('hash', 'exact'),
          fc.constantFrom(0, 1),
          async ({ question, events }, multiVariant, identityKey, analyzer) => {
            await spread(events)
            const expected = referenceSummary(events, question, multiVariant)
            const settings = { allow_experimental_analyzer: analyzer }
            for (const source of Object.values(sources)) {
              expect(await ask(question, { multiVariant, identityKey, source }, { settings })).toEqual(
                expected,
              )
            }
            expect(
              await ask(question, { multiVariant, identityKey, source: sources.sharded }, { partitions: 3 }),
            ).toEqual(expected)
          },
        ),
        { numRuns: runs(25) },
      )
    },
    runs(300_000),
  )

  test('the exposed identities are the reference model’s on every form, with their dimensions', async () => {
    await fc.assert(
      fc.asyncProperty(
        questionWithEvents,
        fc.constantFrom('quarantine', 'first-seen'),
        fc.constantFrom(undefined, { index: 1, of: 2 }),
        async ({ question, events }, multiVariant, partition) => {
          await spread(events)
          const answers = await Promise.all(
            Object.values(sources).map(async (source) => {
              const query = exposedIdentitiesQuery(
                exposureSpec({
                  environmentKey: question.environment,
                  eventName: question.event,
                  featureName: question.feature,
                  multiVariant,
                  source,
                }),
                exposureWindow(question.startMs, question.asOfMs),
                {
                  dimensions: [trustedSql`length(identifier)`],
                  ...(partition === undefined ? {} : { partition }),
                },
              )
              const rows = await (await cluster.initiator.query(query)).json<object>()
              return [...decodeExposedIdentityRows(rows)].sort((a, b) => (a.identity < b.identity ? -1 : 1))
            }),
          )
          for (const answer of answers) expect(answer).toEqual(answers[0])
          if (partition !== undefined) return
          const expected = referenceIdentities(events, question).map((each) => ({
            identity: each.identity,
            variant: each.multiVariant && multiVariant === 'quarantine' ? null : each.firstVariant,
            firstVariant: each.firstVariant,
            firstExposure: new Date(each.firstMs).toISOString().replace('Z', '000000Z'),
            quarantined: each.multiVariant && multiVariant === 'quarantine',
            dimensions: { dimension_1: String(Buffer.byteLength(each.identity)) },
          }))
          expect(answers[0]).toEqual(expected.sort((a, b) => (a.identity < b.identity ? -1 : 1)))
        },
      ),
      { numRuns: runs(15) },
    )
  }, 300_000)

  test('crossovers and breakdowns are the same on every form, for a readonly = 1 user', async () => {
    const reader = createClient({
      url: cluster.servers[0]?.url ?? '',
      username: 'reader',
      database: 'exposures',
    })
    try {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents,
          fc.constantFrom('hash', 'exact'),
          async ({ question, events }, identityKey) => {
            await spread(events)
            const window = exposureWindow(question.startMs, question.asOfMs)
            for (const source of Object.values(sources)) {
              const spec = exposureSpec({
                environmentKey: question.environment,
                eventName: question.event,
                featureName: question.feature,
                identityKey,
                source,
                // Whose value is known without a column: how many bytes the identifier has.
                breakdown: { column: trustedSql`length(identifier)`, top: 2 },
              })
              expect(await fetchCrossovers(reader, spec, window)).toEqual(
                referenceCrossovers(events, question),
              )
              const whole = referenceSummary(events, question, 'quarantine') as ExposuresSummary
              const empty = {
                ...whole,
                excludedIdentities: 0,
                timeseries: { ...whole.timeseries, points: [] },
              }
              const { slices, other } = await fetchExposuresBreakdown(reader, spec, window)
              const parts = [
                empty,
                ...slices.map(({ summary }) => summary),
                ...(other === null ? [] : [other]),
              ]
              expect(mergeExposuresSummaries(...parts)).toEqual(whole)
              for (const { value, summary } of slices) {
                const own = events.filter((e) => String(Buffer.byteLength(e.identity ?? '')) === value)
                expect(summary).toEqual(referenceSummary(own, question, 'quarantine'))
              }
            }
          },
        ),
        { numRuns: runs(10) },
      )
    } finally {
      await reader.close()
    }
  }, 300_000)

  const question: Asked = {
    environment: 'prod',
    event: '$flag_exposure',
    feature: 'checkout',
    startMs: Date.UTC(2026, 5, 1),
    asOfMs: Date.UTC(2026, 5, 15),
  }
  const exposure = (identity: string, variant: string, day = 1): ExposureEvent => ({
    ...question,
    timestampMs: Date.UTC(2026, 5, day, 12),
    identity,
    variant,
  })
  const events = [
    exposure('a', 'control'),
    exposure('bb', 'blue', 2),
    exposure('ccc', 'control', 3),
    exposure('ccc', 'green', 4),
  ]

  test('each shard may know other variants than the next', async () => {
    await spread(events)
    expect(await ask(question, { source: sources.sharded })).toEqual(
      referenceSummary(events, question, 'quarantine'),
    )
  })

  test('it answers for a readonly = 1 user, in every zone’s days', async () => {
    await spread(events)
    const reader = createClient({
      url: cluster.servers[0]?.url ?? '',
      username: 'reader',
      database: 'exposures',
    })
    try {
      for (const source of Object.values(sources)) {
        for (const timeZone of ['UTC', 'Asia/Kolkata']) {
          expect(await ask(question, { source, timeZone }, {}, reader)).toEqual(
            await ask(question, { source: sources.distributed, timeZone }),
          )
        }
      }
    } finally {
      await reader.close()
    }
  })

  test('of a table that is not sharded by identity the law is broken, and only where it is said to be', async () => {
    // The two exposures of one identity lie on two shards: each shard counts it, in its own variant.
    await spread(events, (_, index) => index % shards)
    const expected = referenceSummary(events, question, 'quarantine')
    expect(await ask(question, { source: sources.distributed })).toEqual(expected)
    expect(await ask(question, { source: sources.cluster })).toEqual(expected)
    const wrong = await ask(question, { source: sources.sharded })
    expect(wrong.excludedIdentities).toBe(0)
    expect(wrong.timeseries.points.map(({ newIdentities }) => newIdentities)).toEqual([
      { control: 1 },
      { blue: 1 },
      { control: 1 },
      { green: 1 },
    ])
  })

  test('columns may bear the statement’s own names', async () => {
    const names = [
      ['in_many', 'variant_hash', 'shard_rows', 'local_bucket', 'variant_name', 'shards_asked'],
      ['key_scanned', 'hashes_and', 'hashes_or', 'first_second', 'first_nano_and_key', 'counted'],
      ['variant', 'bucket', 'named', 'quarantined', 'shard_row', 'new_identities'],
    ]
    // Every name in the place of every other.
    const turned = names.flatMap((some) =>
      some.map((_, turn) => [...some.slice(turn), ...some.slice(0, turn)]),
    )
    for (const [environment, feature, event, timestamp, identity, variant] of turned) {
      await Promise.all(
        cluster.clients.map(async (client, shard) => {
          await client.command({
            query: `CREATE OR REPLACE TABLE named ENGINE = MergeTree ORDER BY tuple() AS
              SELECT 'prod' AS ${environment}, '$flag_exposure' AS ${event}, 'checkout' AS ${feature},
                toDateTime64('2026-06-02 12:00:00', 3, 'UTC') + toIntervalDay(${shard}) AS ${timestamp},
                concat('user', toString(intDiv(number, 2) + 10 * ${shard})) AS ${identity},
                if(number = 0, 'b', 'a') AS ${variant}
              FROM numbers(4)`,
          })
        }),
      )
      const columns = { environment, feature, event, timestamp, identity, variant } as ColumnNames
      for (const multiVariant of ['quarantine', 'first-seen'] as const) {
        for (const analyzer of [0, 1]) {
          const source = { ...sources.sharded, table: { database: 'exposures', table: 'named' }, columns }
          const settings = { allow_experimental_analyzer: analyzer }
          const summary = await ask(question, { multiVariant, source }, { settings })
          expect(summary.excludedIdentities).toBe(multiVariant === 'quarantine' ? 3 : 0)
          expect(summary.timeseries.points.map(({ newIdentities }) => newIdentities)).toEqual(
            [0, 1, 2].map(() => ({ a: multiVariant === 'quarantine' ? 1 : 2 })),
          )
        }
      }
    }
  }, 300_000)

  test('maxRows bounds what all shards say together', async () => {
    await spread(events)
    await expect(ask(question, { source: sources.sharded, maxRows: 2 })).rejects.toMatchObject({
      code: 'too-many-buckets',
    })
    await expect(ask(question, { source: sources.sharded, maxRows: 3 })).resolves.toBeDefined()
  })

  test('where nobody was exposed the answer is empty', async () => {
    await spread([])
    for (const source of Object.values(sources)) {
      expect(await ask(question, { source })).toEqual(referenceSummary([], question, 'quarantine'))
    }
  })

  // Last, because it takes a shard away.
  test('a shard that is down fails the answer, also where the server skips such shards', async () => {
    await spread(events)
    await cluster.servers[2]?.kill()
    for (const source of Object.values(sources)) {
      // 279 is ALL_CONNECTION_TRIES_FAILED.
      await expect(ask(question, { source })).rejects.toMatchObject({ code: '279' })
    }
    for (const analyzer of [0, 1]) {
      const settings = { skip_unavailable_shards: 1, allow_experimental_analyzer: analyzer }
      for (const feature of ['checkout', 'nobody was exposed to it']) {
        await expect(
          ask({ ...question, feature }, { source: sources.sharded }, { settings }),
        ).rejects.toMatchObject({ code: 'shards-missing' })
        await expect(
          ask({ ...question, feature }, { source: sources.cluster }, { settings }),
        ).rejects.toMatchObject({ code: '279' })
      }
    }
  })
})

// One shard, because an exception makes the embedded engine close its connections to other shards with a fatal error.
describe.skipIf(!engineAvailable)('shards that count their own identities', () => {
  let cluster: EngineCluster
  beforeAll(async () => {
    cluster = await startCluster(1)
    await createEventsTable(cluster.initiator)
  }, 120_000)
  afterAll(async () => {
    await cluster.stop()
  })

  test('refuse two variants with the same hash, under the policy that needs it', async () => {
    // Made by inverting cityHash64.
    const [one, other] = ['variant-a-000001', 'VFH0=Jzuqx93s6ca'] as const
    const at = Date.UTC(2026, 5, 2)
    const event = { environment: 'prod', event: '$flag_exposure', feature: 'checkout', identity: 'ann' }
    await replaceEvents(cluster.initiator, [
      { ...event, timestampMs: at, variant: one },
      { ...event, timestampMs: at + 1, variant: other },
    ])
    const hashes = await cluster.initiator.query({
      query: 'SELECT DISTINCT cityHash64(value) AS hash FROM events',
      format: 'JSONEachRow',
    })
    expect(await hashes.json()).toHaveLength(1)

    const table = { database: 'exposures', table: 'events' }
    const source = { table, cluster: cluster.name, shardedByIdentity: true }
    const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
    for (const allow_experimental_analyzer of [0, 1] as const) {
      const settings = { allow_experimental_analyzer }
      const specOf = (input: Partial<ExposureSpecInput>): ExposureSpec =>
        exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source, ...input })
      const summary = async (input: Partial<ExposureSpecInput>): Promise<unknown> =>
        await fetchExposuresSummary(cluster.initiator, specOf(input), window, { settings })
      const identities = async (input: Partial<ExposureSpecInput>): Promise<readonly ExposedIdentity[]> => {
        const query = exposedIdentitiesQuery(specOf(input), window)
        const answer = await cluster.initiator.query({ ...query, clickhouse_settings: settings })
        return decodeExposedIdentityRows(await answer.json<object>())
      }
      await expect(summary({})).rejects.toThrow('two variants have the same hash')
      await expect(identities({})).rejects.toThrow('two variants have the same hash')
      const unhashed = { source: { ...source, shardedByIdentity: false } }
      expect(await summary(unhashed)).toMatchObject({ excludedIdentities: 1 })
      expect(await identities(unhashed)).toMatchObject([{ quarantined: true }])
      expect(await identities({ multiVariant: 'first-seen' })).toMatchObject([{ variant: one }])
    }
  })
})
