import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  type ExposureSource,
  type ExposureSourceInput,
  type ExposureSpec,
  type ExposureSpecInput,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill, rollupSchema, type RollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { questionWithEvents, type Asked, type ExposureEvent } from '../arbitraries/exposure-events.js'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { startCluster, type EngineCluster } from '../engine/cluster.js'
import { createEventsTable, insertEvents, replaceEvents } from '../engine/events-table.js'
import { referenceSummary } from '../reference-model.js'
import { audit, daysToBackfill, run } from './rollup-of-events.js'

const shards = 3
const dayMs = 86_400_000

describe.skipIf(!engineAvailable)('the rollup on a cluster of three shards', () => {
  let cluster: EngineCluster
  let events: ExposureSourceInput
  beforeAll(async () => {
    cluster = await startCluster(shards)
    for (const client of cluster.clients) await createEventsTable(client)
    events = { table: { database: 'exposures', table: 'events' }, cluster: cluster.name }
  }, 120_000)
  afterAll(async () => {
    await cluster.stop()
  })

  const onEveryShard = async (
    work: (client: ClickHouseClient, shard: number) => Promise<void>,
  ): Promise<void> => {
    await Promise.all(cluster.clients.map(work))
  }
  const rollupOf = (eventName: string): { database: string; table: string; eventName: string } => ({
    database: 'exposures',
    table: 'exposures_by_identity',
    eventName,
  })
  const schemaOf = (question: Asked): RollupSchema =>
    rollupSchema({ source: events, rollup: rollupOf(question.event) })
  const sourceOf = (question: Asked, shardedByIdentity: boolean): ExposureSource =>
    rolledUp({ ...events, shardedByIdentity }, rollupOf(question.event))
  const specOf = (question: Asked, input: Partial<ExposureSpecInput>): ExposureSpec =>
    exposureSpec({
      environmentKey: question.environment,
      eventName: question.event,
      featureName: question.feature,
      ...input,
    })

  /** Rolled up shard by shard: what was there is brought in, what comes after goes through the view. */
  const rollUp = async (
    question: Asked,
    before: readonly ExposureEvent[],
    after: readonly ExposureEvent[],
    shardOf: (event: ExposureEvent) => number,
  ): Promise<void> => {
    const schema = schemaOf(question)
    await onEveryShard(async (client, shard) => {
      const here = (all: readonly ExposureEvent[]): ExposureEvent[] =>
        all.filter((event) => shardOf(event) === shard)
      await run(client, schema.drop)
      await replaceEvents(client, here(before))
      await run(client, schema.create)
      await insertEvents(client, here(after))
      await run(client, rollupBackfill(schema, await daysToBackfill(client, schema)))
    })
  }
  const byIdentity = ({ identity }: ExposureEvent): number => [...(identity ?? '')].length % shards
  const byDay = ({ timestampMs }: ExposureEvent): number => Math.floor(timestampMs / dayMs) % shards

  test('answers as the events do, whichever node is asked: put together there, and by shards that count by themselves', async () => {
    await fc.assert(
      fc.asyncProperty(
        questionWithEvents,
        fc.constantFrom('quarantine', 'first-seen'),
        fc.constantFrom('hash', 'exact'),
        fc.constantFrom(...cluster.clients),
        async ({ question, events: all }, multiVariant, identityKey, client) => {
          const half = Math.floor(all.length / 2)
          await rollUp(question, all.slice(0, half), all.slice(half), byIdentity)
          const expected = referenceSummary(all, question, multiVariant)
          const window = exposureWindow(question.startMs, question.asOfMs)
          for (const shardedByIdentity of [false, true]) {
            const source = sourceOf(question, shardedByIdentity)
            const spec = specOf(question, { multiVariant, identityKey, source })
            expect(await fetchExposuresSummary(client, spec, window)).toEqual(expected)
            expect(await fetchExposuresSummary(client, spec, window, { partitions: 2 })).toEqual(expected)
          }
        },
      ),
      { numRuns: runs(10) },
    )
  }, 300_000)

  const question: Asked = {
    environment: 'prod',
    event: '$flag_exposure',
    feature: 'checkout',
    startMs: Date.UTC(2026, 5, 1, 6),
    asOfMs: Date.UTC(2026, 5, 15, 18),
  }
  const exposure = (identity: string, variant: string, day: number, hour = 12): ExposureEvent => ({
    ...question,
    timestampMs: Date.UTC(2026, 5, day, hour),
    identity,
    variant,
  })
  // The first and the last lie in the partial days, which the events answer.
  const few = [
    exposure('a', 'control', 1),
    exposure('bb', 'blue', 2),
    exposure('ccc', 'control', 3),
    exposure('ccc', 'green', 4),
    exposure('a', 'control', 5),
    exposure('dd', 'green', 15),
  ]
  const window = exposureWindow(question.startMs, question.asOfMs)

  test('the rows come from the rollup, and only those of the partial days from the events', async () => {
    await rollUp(question, few, [], byIdentity)
    await onEveryShard(async (client) => {
      await client.command({
        query: `ALTER TABLE events DELETE WHERE toDayOfMonth(timestamp) NOT IN (1, 15) SETTINGS mutations_sync = 1`,
      })
    })
    const expected = referenceSummary(few, question, 'quarantine')
    for (const shardedByIdentity of [false, true]) {
      const spec = specOf(question, { source: sourceOf(question, shardedByIdentity) })
      expect(await fetchExposuresSummary(cluster.initiator, spec, window)).toEqual(expected)
    }
  })

  test('a table that is not sharded by identity still gives right answers where nobody says that it is', async () => {
    await rollUp(question, few.slice(3), few.slice(0, 3), byDay)
    const expected = referenceSummary(few, question, 'quarantine')
    const asked = async (shardedByIdentity: boolean): Promise<unknown> =>
      await fetchExposuresSummary(
        cluster.initiator,
        specOf(question, { source: sourceOf(question, shardedByIdentity) }),
        window,
      )
    expect(await asked(false)).toEqual(expected)
    expect(await asked(true)).not.toEqual(expected)
  })

  test('the audit sees every shard, and what mends a day is run on each', async () => {
    await rollUp(question, few, [], byIdentity)
    const spec = specOf(question, { source: sourceOf(question, true) })
    const differing = async (): Promise<readonly unknown[]> =>
      (await audit(cluster.initiator, spec, window, schemaOf(question))).filter(({ mend }) => mend.length > 0)
    expect(await differing()).toEqual([])
    // Not the shard that is asked.
    const [, , last] = cluster.clients
    await last?.command({ query: 'DETACH TABLE exposures_by_identity_view' })
    if (last !== undefined) await insertEvents(last, [exposure('ee', 'blue', 7)])
    await last?.command({ query: 'ATTACH TABLE exposures_by_identity_view' })
    const found = await audit(cluster.initiator, spec, window, schemaOf(question))
    expect(found.filter(({ mend }) => mend.length > 0)).toMatchObject([
      { day: '2026-06-07', inEvents: 1, inRollup: 0, missing: 1, surplus: 0 },
    ])
    await onEveryShard(async (client) => {
      await run(
        client,
        found.flatMap(({ mend }) => mend),
      )
    })
    expect(await differing()).toEqual([])
  })

  test('this engine has no keeper: it reads the statements ON CLUSTER and refuses them for that alone', async () => {
    const input = {
      source: events,
      rollup: { ...rollupOf(question.event), table: 'on_cluster' },
      ttlDays: 90,
    }
    const { create, correct, erase, drop } = rollupSchema({ ...input, cluster: cluster.name })
    // Some statements are checked against their table before anything else.
    await run(cluster.initiator, rollupSchema(input).create)
    for (const { query, query_params } of [
      ...create,
      ...[...correct.slice(0, 1), ...erase].map(({ query, query_params }) => ({
        query,
        query_params: {
          ...query_params,
          day: '2026-06-07',
          environment_key: 'prod',
          feature_name: 'checkout',
          identities: ['a'],
        },
      })),
      ...drop,
    ]) {
      await expect(cluster.initiator.command({ query, query_params: { ...query_params } })).rejects.toThrow(
        'Replicated DDL queries are disabled',
      )
    }
  })

  // Last, because it takes a shard away.
  test('a shard that is down fails the answer and the audit, also where the server skips such shards', async () => {
    await rollUp(question, few, [], byIdentity)
    await cluster.servers[2]?.kill()
    const settings = { skip_unavailable_shards: 1 as const }
    for (const [shardedByIdentity, code] of [
      [true, 'shards-missing'],
      [false, '279'],
    ] as const) {
      const spec = specOf(question, { source: sourceOf(question, shardedByIdentity) })
      await expect(
        fetchExposuresSummary(cluster.initiator, spec, window, { settings }),
      ).rejects.toMatchObject({ code })
      await expect(audit(cluster.initiator, spec, window, schemaOf(question))).rejects.toMatchObject({
        code: '279',
      })
    }
  })
})
