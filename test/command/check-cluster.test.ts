import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEvents, generateEvents, usualShape } from '../../bench/shape.js'
import { runCommand } from '../../src/command/run-command.js'
import { engineAvailable } from '../engine/availability.js'
import { startCluster, type EngineCluster } from '../engine/cluster.js'

describe.skipIf(!engineAvailable)('check-cluster', () => {
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

  async function check(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ['', '']
    const code = await runCommand(
      [
        'check-cluster',
        `--url=${cluster.servers[0]?.url}`,
        `--cluster=${cluster.name}`,
        '--database=exposures',
        '--environment=prod',
        '--start=2026-06-01T00:00:00Z',
        '--as-of=2026-06-15T00:00:00Z',
        ...args,
      ],
      { print: (text) => (out += text), say: (text) => (err += text), width: 80, colour: false },
    )
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
    expect(err).toMatch(/^check-cluster: the server at 127\.0\.0\.1:\d+ refused \(UNKNOWN_TABLE\): .*\n$/)
    expect(code).toBe(2)
  })

  test('so is what is asked wrongly, in the words of its options', async () => {
    const wrong = async (...args: readonly string[]): Promise<string> => {
      const { code, out, err } = await check(...args)
      expect([code, out]).toEqual([2, ''])
      return err
    }
    expect(await wrong()).toBe('check-cluster: needs --feature (--help lists the options)\n')
    let err = ''
    const say = (text: string): unknown => (err += text)
    await runCommand(['check-cluster', '--cluster', 'c'], { print: say, say, width: 80, colour: false })
    expect(err).toBe(
      'check-cluster: needs --url, --database, --feature, --start, --as-of and --environment (or --no-environment-column) ' +
        '(--help lists the options)\n',
    )
    expect(await wrong('--feature', 'checkout', '--no-environment-column')).toBe(
      'check-cluster: The source has no environment column, so --environment has no effect. Leave it out.\n',
    )
    expect(await wrong('--feature', 'checkout', '--start', '2026-07-01')).toBe(
      'check-cluster: --start must be before --as-of\n',
    )
  })
})
