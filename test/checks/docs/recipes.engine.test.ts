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
describe.skipIf(!engineAvailable)('the recipes', () => {
  test.each(['America/New_York', 'Asia/Tokyo'])('say what happens on a server in %s', async (zone) => {
    // The engine takes its zone from the environment that it starts in.
    vi.stubEnv('TZ', zone)
    const server = await startServer()
    vi.unstubAllEnvs()
    const client = createClient({ url: server.url, log: { level: ClickHouseLogLevel.OFF } })
    try {
      const result = await client.query({ query: 'SELECT timezone() AS zone', format: 'JSONEachRow' })
      expect(await result.json()).toEqual([{ zone }])
      const program = await guideProgram('docs/recipes.md')
      if (program === undefined) throw new Error('The guide has no example.')
      const modules = { ...entryPoints, '@clickhouse/client': { createClient: () => client } }
      expect(await runExample(program, modules)).toBeGreaterThan(12)
    } finally {
      await client.close()
      await server.stop()
    }
  })
})
