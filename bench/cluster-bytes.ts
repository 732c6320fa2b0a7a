import type { ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, type ExposureSourceInput } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { startCluster } from '../test/engine/cluster.js'
import { median } from './median.js'
import { createEvents, generateEvents, shapeWindow, usualShape } from './shape.js'

/** What one form costs the queried node, for a table on three shards. */
export interface ClusterCost {
  readonly form: string
  readonly seconds: number
  /** Received by the queried node over the network: from the shards, and the requests of its clients. */
  readonly receivedBytes: number
}

/** Queries a table on three shards on loopback, sharded by identity, in each form. Throws if the results differ. */
export async function measureCluster(
  identities: number,
  rounds: number,
  step: (title: string) => void,
): Promise<readonly ClusterCost[]> {
  step('starting a cluster')
  const cluster = await startCluster(3)
  try {
    for (const [shard, client] of cluster.clients.entries()) {
      step(`filling shard ${shard + 1} of 3`)
      const shape = { ...usualShape, events: identities * usualShape.exposuresEach }
      await client.command({ query: createEvents('events') })
      await client.command({ query: generateEvents('events', shape, `cityHash64(visitor) % 3 = ${shard}`) })
    }
    await cluster.initiator.command({
      query: `CREATE TABLE all_events AS events ENGINE = Distributed('${cluster.name}', 'exposures', 'events')`,
    })
    const table = { database: 'exposures', table: 'events' }
    const sources: readonly (readonly [string, ExposureSourceInput])[] = [
      ['Distributed table', { table: 'all_events' }],
      ['cluster', { table, cluster: cluster.name }],
      ['cluster, shardedByIdentity', { table, cluster: cluster.name, shardedByIdentity: true }],
    ]
    const measured = sources.map(([form, source]) => ({ form, source, rounds: [] as ClusterCost[] }))
    const answers = new Set<string>()
    for (let round = 0; round < rounds; round++) {
      for (const { form, source, rounds } of measured) {
        step(form)
        const received = await receivedBytes(cluster.initiator)
        const start = performance.now()
        const summary = await fetchExposuresSummary(
          cluster.initiator,
          exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source }),
          exposureWindow(shapeWindow.startMs, shapeWindow.asOfMs),
        )
        const seconds = (performance.now() - start) / 1000
        rounds.push({ form, seconds, receivedBytes: (await receivedBytes(cluster.initiator)) - received })
        answers.add(JSON.stringify(summary))
      }
    }
    if (answers.size > 1) throw new Error('The results on the cluster differ: one of the forms is wrong.')
    return measured.map(({ form, rounds }) => ({
      form,
      seconds: median(rounds.map(({ seconds }) => seconds)),
      receivedBytes: median(rounds.map(({ receivedBytes }) => receivedBytes)),
    }))
  } finally {
    await cluster.stop()
  }
}

async function receivedBytes(client: ClickHouseClient): Promise<number> {
  const result = await client.query({
    query: "SELECT sum(value) AS bytes FROM system.events WHERE event = 'NetworkReceiveBytes'",
    format: 'JSONEachRow',
  })
  const [row] = await result.json<{ bytes: string | number }>()
  return Number(row?.bytes)
}
