import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { engineAvailable } from '../../engine/availability.js'
import { startServer } from '../../engine/server.js'
import { runExample } from './code-blocks.js'
import { entryPoints } from './entry-points.js'
import { guideProgram } from './guide-program.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

// A recipe that reads an instant in the zone of the server is right only where that is UTC, as pages.test.ts has it.
describe.skipIf(!engineAvailable)('the guides that make tables', () => {
  test.each([
    ['docs/recipes.md', 'America/New_York', 13],
    ['docs/recipes.md', 'Asia/Tokyo', 13],
    ['docs/metrics.md', 'Asia/Tokyo', 10],
  ])('%s says what happens on a server in %s', async (page, zone, checks) => {
    // The engine takes its zone from the environment that it starts in.
    vi.stubEnv('TZ', zone)
    const server = await startServer()
    vi.unstubAllEnvs()
    const client = createClient({ url: server.url, log: { level: ClickHouseLogLevel.OFF } })
    try {
      const result = await client.query({ query: 'SELECT timezone() AS zone', format: 'JSONEachRow' })
      expect(await result.json()).toEqual([{ zone }])
      const program = await guideProgram(page)
      if (program === undefined) throw new Error('The guide has no example.')
      const modules = { ...entryPoints, '@clickhouse/client': { createClient: () => client } }
      expect(await runExample(program, modules)).toBeGreaterThanOrEqual(checks)
    } finally {
      await client.close()
      await server.stop()
    }
  })
})
