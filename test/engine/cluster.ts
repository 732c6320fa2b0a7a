import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { freePorts, startServer, type EngineServer } from './server.js'

/** A real ClickHouse cluster on loopback: each shard a process of its own, and one of them the one that is asked. */
export interface EngineCluster {
  /** Its name in `system.clusters`, as every shard knows it. */
  readonly name: string
  readonly servers: readonly EngineServer[]
  /** One client for each shard, in the database `exposures`. */
  readonly clients: readonly ClickHouseClient[]
  /** The shard that is asked, which is the first. */
  readonly initiator: ClickHouseClient
  stop(): Promise<void>
}

/** Starts a cluster of as many shards, with the database `exposures` on each. */
export async function startCluster(shards: number): Promise<EngineCluster> {
  const name = 'shards'
  const ports: [number, number][] = []
  for (let shard = 0; shard < shards; shard++) ports.push(await freePorts())
  const config = `<remote_servers><${name}>${ports
    .map(([, tcp]) => `<shard><replica><host>127.0.0.1</host><port>${tcp}</port></replica></shard>`)
    .join('')}</${name}></remote_servers>`
  const servers: EngineServer[] = []
  const clients: ClickHouseClient[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(clients.map(async (client) => await client.close()))
    await Promise.all(servers.map(async (server) => await server.stop()))
  }
  try {
    for (const [http, tcp] of ports) {
      const server = await startServer({ config, ports: { http, tcp } })
      servers.push(server)
      const setUp = createClient({ url: server.url, log: { level: ClickHouseLogLevel.OFF } })
      await setUp.command({ query: 'CREATE DATABASE exposures' })
      await setUp.close()
      clients.push(
        createClient({
          url: server.url,
          database: 'exposures',
          // Filling a large table takes longer than the half minute that a client waits by default.
          request_timeout: 3_600_000,
          log: { level: ClickHouseLogLevel.OFF },
        }),
      )
    }
  } catch (error) {
    await stop()
    throw error
  }
  const [initiator] = clients
  if (initiator === undefined) throw new Error('A cluster has one shard at least.')
  return { name, servers, clients, initiator, stop }
}
