import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quoted } from './quoted.js'
import { anyKey } from '../arbitraries/exposure-events.js'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'

describe('identifier', () => {
  test.each([
    ['value', '`value`'],
    ['a b', '`a b`'],
    ['a`b', '`a\\`b`'],
    ['a\\b', '`a\\\\b`'],
    ['\\`', '`\\\\\\``'],
  ])('%s is written %s', (name, written) => {
    expect(quoted(name)).toBe(written)
  })

  test.skipIf(!engineAvailable)('ClickHouse reads any name back as it was', async () => {
    const client = openInProcess()
    try {
      await fc.assert(
        fc.asyncProperty(anyKey, async (name) => {
          const result = await client.query({
            query: `SELECT 1 AS ${quoted(name)}`,
            format: 'JSONEachRow',
          })
          expect(Object.keys((await result.json<object>())[0] ?? {})).toEqual([name])
        }),
        { numRuns: runs(300) },
      )
    } finally {
      await client.close()
    }
  })
})
