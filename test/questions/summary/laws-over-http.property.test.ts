import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { runs } from '../../arbitraries/runs.js'
import { startServer } from '../../engine/server.js'
import { describeLawsOfCounting } from './laws-of-counting.js'

// The laws are asked more often in process: here a server answers alike, from a MergeTree.
describeLawsOfCounting('over HTTP', runs(10), async () => {
  const server = await startServer()
  const client = createClient({ url: server.url, log: { level: ClickHouseLogLevel.OFF } })
  return {
    client,
    close: async () => {
      await client.close()
      await server.stop()
    },
  }
})
