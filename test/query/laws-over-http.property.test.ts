import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { describe, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { startServer } from '../engine/server.js'
import { describeLawsOfCounting } from './laws-of-counting.js'

if (engineAvailable) {
  describeLawsOfCounting('over HTTP', runs(20), async () => {
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
} else {
  describe('the laws of counting, over HTTP', () => {
    test.skip('no embedded ClickHouse for this platform', () => undefined)
  })
}
