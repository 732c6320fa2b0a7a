import fc from 'fast-check'
import {
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposureSourceInput,
} from 'first-exposure'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runs } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { startCluster, type EngineCluster } from '../../engine/cluster.js'
import { createEventsTable } from '../../engine/events-table.js'
import { run } from '../../rollup/rollup-of-events.js'
import { crowdedQuestion, expectAgreement, insertInTwoBatches } from './who-and-how-many.js'

const shards = 3
const counting = fc.record({
  multiVariant: fc.constantFrom('quarantine', 'first-seen'),
  identityKey: fc.constantFrom('hash', 'exact'),
  timeZone: fc.constantFrom('UTC', 'America/St_Johns', 'Asia/Kathmandu', 'Africa/Cairo'),
})
const asking = fc.record({
  dimensions: fc.subarray(['sdk_language', trustedSql`length(value)`]),
  partition: fc.option(fc.record({ index: fc.nat(1), of: fc.constant(2) }), { nil: undefined }),
})

describe.skipIf(!engineAvailable).each(['America/New_York', 'Asia/Kolkata'])(
  '10. who and how many agree on a cluster in %s',
  (zone) => {
    let cluster: EngineCluster
    let sources: readonly ExposureSourceInput[]
    beforeAll(async () => {
      // The engine takes its zone from the environment that it starts in.
      vi.stubEnv('TZ', zone)
      cluster = await startCluster(shards)
      vi.unstubAllEnvs()
      const { name, clients, initiator } = cluster
      // Of any event, because one rollup must hold whatever is asked for.
      const table = { database: 'exposures', table: 'events' }
      const columns = { event: null }
      const rollup = { database: 'exposures', table: 'exposures_by_identity' }
      const schema = rollupSchema({ source: { table, columns }, rollup })
      for (const client of clients) {
        await createEventsTable(client, 'events', undefined, 'DateTime64(3)')
        await run(client, schema.create)
      }
      await initiator.command({
        query: `CREATE TABLE all_events AS events ENGINE = Distributed('${name}', 'exposures', 'events')`,
      })
      const onCluster = { table, columns, cluster: name }
      const sharded = { ...onCluster, shardedByIdentity: true }
      sources = [
        { table: 'all_events', columns },
        onCluster,
        sharded,
        rolledUp(onCluster, rollup),
        rolledUp(sharded, rollup),
      ]
    }, 120_000)
    afterAll(async () => {
      await cluster.stop()
    })

    test('counted by bucket and variant, the exposed identities are the summary, on every form', async () => {
      const asked = await cluster.initiator.query({
        query: 'SELECT timezone() AS zone',
        format: 'JSONEachRow',
      })
      expect(await asked.json()).toEqual([{ zone }])
      await fc.assert(
        fc.asyncProperty(
          crowdedQuestion,
          counting,
          asking,
          async ({ question, events }, policies, { dimensions, partition }) => {
            await Promise.all(
              cluster.clients.map(async (client, shard) => {
                await client.command({ query: 'TRUNCATE TABLE events' })
                await client.command({ query: 'TRUNCATE TABLE exposures_by_identity' })
                const here = events.filter(({ identity }) => [...(identity ?? '')].length % shards === shard)
                await insertInTwoBatches(client, here)
              }),
            )
            const window = exposureWindow(question.startMs, question.asOfMs)
            const answers: unknown[] = []
            for (const source of sources) {
              const spec = exposureSpec({
                environmentKey: question.environment,
                featureName: question.feature,
                source,
                ...policies,
                // A rollup keeps the hash, and a part of the hashes is not a part of the identifiers.
                ...(partition === undefined ? {} : { identityKey: 'exact' }),
              })
              const options = { dimensions, ...(partition === undefined ? {} : { partition }) }
              answers.push(await expectAgreement(cluster.initiator, spec, window, options))
            }
            for (const answer of answers) expect(answer).toEqual(answers[0])
          },
        ),
        { numRuns: runs(12) },
      )
    }, 300_000)

    // Last, because it takes a shard away.
    test('a shard that is down fails the relation inside another statement too, also where the server skips such shards', async () => {
      await cluster.servers[2]?.kill()
      for (const source of sources.slice(1)) {
        const { query, query_params } = exposedIdentitiesQuery(
          exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source }),
          exposureWindow('2026-06-01T06:00:00Z', '2026-06-15T00:00:00Z'),
        )
        await expect(
          cluster.initiator.query({
            query: `SELECT count() AS identities FROM (${query})`,
            query_params: { ...query_params },
            clickhouse_settings: { skip_unavailable_shards: 1 },
            format: 'JSONEachRow',
          }),
        ).rejects.toMatchObject({ code: '279' })
      }
    }, 60_000)
  },
)
