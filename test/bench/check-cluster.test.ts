import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEvents, generateEvents, usualShape } from '../../bench/shape.js'
import { engineAvailable } from '../engine/availability.js'
import { startCluster, type EngineCluster } from '../engine/cluster.js'

describe.skipIf(!engineAvailable)('npm run check:cluster', () => {
  let cluster: EngineCluster
  beforeAll(async () => {
    cluster = await startCluster(2)
    const shape = { ...usualShape, events: 4000 }
    for (const [shard, client] of cluster.clients.entries()) {
      await client.command({ query: createEvents('by_identity') })
      await client.command({
        query: generateEvents('by_identity', shape, `cityHash64(visitor) % 2 = ${shard}`),
      })
      await client.command({ query: createEvents('at_random') })
      await client.command({ query: generateEvents('at_random', shape, `cityHash64(number) % 2 = ${shard}`) })
    }
  })
  afterAll(async () => {
    await cluster.stop()
  })

  async function check(
    ...args: readonly string[]
  ): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        'bench/check-cluster.ts',
        `--url=${cluster.servers[0]?.url}`,
        `--cluster=${cluster.name}`,
        '--database=exposures',
        '--environment=prod',
        '--start=2026-06-01T00:00:00Z',
        '--as-of=2026-06-15T00:00:00Z',
        ...args,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { code, out, err }
  }

  test('a table that is sharded by identity passes', async () => {
    const { code, out } = await check('--table', 'by_identity', '--feature', 'checkout')
    expect(out).toContain('Both results are the same')
    expect(code).toBe(0)
  })

  test('a table that is not does not', async () => {
    const { code, out } = await check('--table', 'at_random', '--feature', 'checkout')
    expect(out).toContain('The results differ in 14 buckets')
    expect(code).toBe(1)
  })

  test('an empty answer shows nothing, and says so', async () => {
    const { out } = await check('--table', 'by_identity', '--feature', 'none')
    expect(out).toContain('which proves nothing')
  })

  test('what goes wrong is one line', async () => {
    const { code, err } = await check('--table', 'no_such_table', '--feature', 'checkout')
    expect(err).toMatch(/^check:cluster: UNKNOWN_TABLE: .*\n$/)
    expect(code).toBe(2)
  })
})
