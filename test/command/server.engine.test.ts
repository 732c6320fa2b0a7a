import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { promisify } from 'node:util'
import { createClient, type ClickHouseClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runCommand } from '../../src/command/run-command.js'
import { codeBlocks } from '../checks/docs/code-blocks.js'
import { insertDocumentedEvents } from '../checks/docs/documented-events.js'
import { engineAvailable } from '../engine/availability.js'
import { startServer, type EngineServer } from '../engine/server.js'

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function command(...args: readonly string[]): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  const exitCode = await runCommand(args, {
    print: (text) => (stdout += text),
    say: (text) => (stderr += text),
    width: 80,
    colour: false,
  })
  return { exitCode, stdout, stderr }
}

describe.skipIf(!engineAvailable)('the command on a server', () => {
  let server: EngineServer
  let client: ClickHouseClient
  beforeAll(async () => {
    server = await startServer()
    client = createClient({ url: server.url })
    await insertDocumentedEvents(client)
    await client.command({ query: 'CREATE DATABASE exposures' })
    await client.command({
      query: `CREATE TABLE exposures.ours ENGINE = MergeTree ORDER BY () AS
        SELECT identifier AS user_id, value AS arm, timestamp AS seen_at, toString(timestamp) AS at_text FROM events`,
    })
    await client.command({
      query: `INSERT INTO events (environment_key, event, feature_name, timestamp, identifier, value) VALUES
        ('prod', 'click', 'checkout', '2026-06-01 10:00:00', 'eve', 'control'),
        ('prod', '$flag_exposure', 'search', '2026-06-02 10:00:00', 'eve', 'on'),
        ('prod', '$flag_exposure', 'nobody', '2026-06-02 10:00:00', '', 'on'),
        ('prod', '$flag_exposure', 'nobody', '2026-06-02 10:00:00', 'eve', NULL),
        ('staging', 'click', 'checkout', '2026-06-01 10:00:00', 'eve', 'control')`,
    })
  })
  afterAll(async () => {
    await client.close()
    await server.stop()
  })

  /** What is said beside a report that is not there. */
  async function refused(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await command('report', '--url', server.url, ...args)
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^report: [^\n]+\n$/)
    return stderr
  }
  const asked = ['--environment', 'prod', '--feature', 'checkout']
  const ours = ['--database', 'exposures', '--table', 'ours', '--no-environment-column', '--no-event-column']
  const mapped = [...ours, '--identity', 'user_id', '--variant', 'arm', '--timestamp', 'seen_at']
  const at = ['--start', '2026-06-01', '--as-of', '2026-06-15']

  test('a feature that is not there: those that are', async () => {
    expect(await refused('--environment', 'prod', '--feature', 'chekout')).toBe(
      'report: the server has no exposure of "chekout" in the environment "prod": there is no feature "chekout" there. ' +
        'Choose one with --feature, or pass --no-feature-column if the table holds one experiment. ' +
        'The features there, by number of rows: "checkout" (5), "nobody" (2), "search" (1).\n',
    )
  })

  test('an environment that is not there', async () => {
    expect(await refused('--environment', 'production', '--feature', 'checkout')).toContain(
      'there is no environment "production". Choose one with --environment, or pass --no-environment-column to count ' +
        'them all. Its environments, by number of rows: "prod" (9), "staging" (1).',
    )
  })

  test('an event that is not there, and the usual one by name', async () => {
    expect(await refused(...asked, '--event', 'exposed')).toContain(
      'there is no event "exposed" there. Choose one with --event; without it, "$flag_exposure" is asked. The events ' +
        'there, by number of rows: "$flag_exposure" (8), "click" (1).',
    )
    expect(await refused('--environment', 'staging', '--feature', 'checkout')).toContain(
      'there is no event "$flag_exposure" there. Choose the one that is an exposure with --event, or pass ' +
        '--no-event-column if every row is one. The events there, by number of rows: "click" (1).',
    )
  })

  test('a feature whose events are no exposures, and an empty table', async () => {
    expect(await refused('--environment', 'prod', '--feature', 'nobody')).toContain(
      '"nobody" has 2 events, but none has both a variant and an identity: are --variant and --identity the right columns?',
    )
    await client.command({ query: 'CREATE TABLE nothing AS events' })
    expect(await refused(...asked, '--table', 'nothing')).toContain('the table nothing is empty')
  })

  test('a window without exposures: when they were', async () => {
    expect(await refused(...asked, '--start', '2026-07-01')).toContain(
      'the exposures of "checkout" run from 2026-06-01 12:00:00 to 2026-06-01 12:00:00 in UTC; none is in the window.',
    )
    // With both ends given, the empty answer is an answer; the reason is said beside it.
    const { exitCode, stdout, stderr } = await command(
      'report',
      '--url',
      server.url,
      '--environment',
      'prod',
      '--feature',
      'chekout',
      '--json',
      ...at,
    )
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ excludedIdentities: 0, timeseries: { points: [] } })
    expect(stderr).toContain('there is no feature "chekout" there.')
  })

  test('columns, tables and databases that are not there', async () => {
    expect(await refused('--feature', 'checkout', ...ours)).toBe(
      'report: the table "ours" has no column "feature_name" (--feature-column or --no-feature-column), and no column ' +
        '"timestamp" (--timestamp), and no column "identifier" (--identity), and no column "value" (--variant). ' +
        'Its columns: "user_id", "arm", "seen_at", "at_text".\n',
    )
    expect(await refused(...asked, '--environment-column', 'env')).toContain(
      'has no column "env" (--environment-column or --no-environment-column).',
    )
    expect(await refused(...asked, '--table', 'ours')).toContain(
      'the server has no table "ours" in the user\'s database. A table of this name is in "exposures": choose it with --database.',
    )
    expect(await refused(...asked, '--table', 'evnts', '--database', 'exposures')).toContain(
      'the server has no table "evnts" in the database "exposures". Its tables: "ours". Choose one with --table.',
    )
    expect(await refused(...asked, '--database', 'analytics')).toMatch(
      /the server has no database "analytics"\. Its databases: .*"exposures".* Choose one with --database\./,
    )
  })

  test('a table of one experiment needs no feature column', async () => {
    const { exitCode, stdout, stderr } = await command(
      'report',
      '--url',
      server.url,
      ...mapped,
      '--no-feature-column',
      '--explain',
      '--breakdown',
      'at_text',
    )
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ours\n/)
    expect(stdout).toContain('3 identities entered, in 2 variants; 1 (25.00%) excluded.')
    const named = await command(
      'report',
      '--url',
      server.url,
      ...mapped,
      '--no-feature-column',
      '--feature',
      'mine',
    )
    expect(named.stdout).toMatch(/^mine\n/)
  })

  test('a type that cannot be read is told in the words of options', async () => {
    const { stderr } = await command(
      'report',
      '--url',
      server.url,
      ...ours,
      '--no-feature-column',
      '--identity',
      'user_id',
      '--variant',
      'arm',
      '--timestamp',
      'at_text',
      ...at,
    )
    expect(stderr).toBe(
      'report: the column "at_text" (--timestamp) has the type String; make a view that converts it, as docs/recipes.md ' +
        'shows, and name the view with --table\n',
    )
  })

  test('what a user may not see is not told, and the first error stays', async () => {
    vi.stubEnv('CLICKHOUSE_USER', 'granted_least')
    try {
      expect(await refused(...asked, '--database', 'secret')).toMatch(
        /UNKNOWN_DATABASE|ACCESS_DENIED|no database "secret"/,
      )
      expect(await refused('--feature', 'x', ...ours)).toContain('Its columns: "user_id"')
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('https to a port of HTTP, and http to one of the native protocol', async () => {
    const to = async (url: string): Promise<string> =>
      (await command('report', '--url', url, ...asked)).stderr
    expect(await to(`https://127.0.0.1:${server.httpPort}`)).toBe(
      `report: the server at 127.0.0.1:${server.httpPort} cannot be reached: it does not speak TLS at this port; use ` +
        'http://, or the port of HTTPS (usually 8443) (EPROTO)\n',
    )
    expect(await to(`http://127.0.0.1:${server.tcpPort}`)).toContain(
      `You must use port ${server.httpPort} for HTTP`,
    )
  })

  test.each(['summary', 'exposed-identities', 'batch'])('%s, as it is sent by HTTP', async (name) => {
    const { stdout } = await command('sql', name, ...asked, ...at, '--as', 'http')
    const [line = '', ...query] = stdout.split('\n')
    const response = await fetch(`${server.url}/?${line}`, { method: 'POST', body: query.join('\n') })
    expect(response.status).toBe(200)
    const json = JSON.parse((await command('sql', name, ...asked, ...at)).stdout) as {
      query: string
      query_params: object
    }
    const answer = await client.query({
      query: json.query,
      query_params: json.query_params as Record<string, unknown>,
      format: 'TabSeparated',
    })
    const lines = (text: string): readonly string[] => text.split('\n').sort()
    expect(lines(await response.text())).toEqual(lines(await answer.text()))
  })
})

describe.skipIf(!engineAvailable || spawnSync('python3', ['--version']).status !== 0)('the guide', () => {
  test('its program in Python asks what the library asks (needs python3)', async () => {
    const blocks = await codeBlocks('docs/command.md')
    const [program, spec] = ['python', 'json'].map(
      (name) => blocks.find(({ language }) => language === name)?.code,
    )
    const folder = mkdtempSync(join(tmpdir(), 'first-exposure-test-'))
    const server = await startServer()
    const client = createClient({ url: server.url })
    try {
      await client.command({ query: 'CREATE DATABASE analytics' })
      await client.command({
        query: `CREATE TABLE analytics.exposures ENGINE = MergeTree ORDER BY () AS SELECT
          'checkout' AS experiment, toString(number) AS user_id, if(number % 3 = 0, 'it''s', 'blue') AS arm,
          toDateTime64('2026-06-02 10:00:00', 3, 'UTC') AS timestamp, number = 0 AS is_bot FROM numbers(10)`,
      })
      // One of two variants, and one who comes when the program no longer counts.
      await client.command({
        query: `INSERT INTO analytics.exposures
          VALUES ('checkout', '1', 'red', '2026-06-03 10:00:00', 0), ('checkout', '2', 'red', '2026-06-08 22:00:00', 0),
            ('checkout', '11', 'blue', '2026-06-08 22:00:00', 0)`,
      })
      writeFileSync(join(folder, 'checkout.json'), spec ?? '')
      const { stdout } = await command('sql', '--spec', join(folder, 'checkout.json'), '--as', 'http')
      writeFileSync(join(folder, 'checkout.http'), stdout)
      const code = program?.replace('http://localhost:8123', server.url) ?? ''
      const { stdout: printed, stderr } = await promisify(execFile)('python3', ['-c', code], { cwd: folder })
      expect(stderr).toBe('')
      expect(JSON.parse(printed)).toEqual({
        excluded: 1,
        points: { '2026-06-01 22:00:00': { blue: 5, "it's": 3 } },
      })
    } finally {
      await client.close()
      await server.stop()
      rmSync(folder, { recursive: true })
    }
  })
})

describe('what answers at the address is no server of this kind', () => {
  const asked = ['--environment', 'prod', '--feature', 'checkout']

  test('http to a port of TLS', async () => {
    const server = createTlsServer({})
      .on('tlsClientError', () => undefined)
      .listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const { stderr } = await command('report', '--url', `http://127.0.0.1:${port}`, ...asked)
    await new Promise((resolve) => server.close(resolve))
    expect(stderr).toContain('If it speaks TLS there, use https:// (ECONNRESET)')
  })

  test('not HTTP', async () => {
    const server = createServer((socket) => socket.resume().end('SSH-2.0-x\r\n')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const { stderr } = await command('report', '--url', `http://127.0.0.1:${port}`, ...asked)
    await new Promise((resolve) => server.close(resolve))
    expect(stderr).toContain(
      'what it answers is not HTTP; the HTTP port is usually 8123, and 8443 with https:// (HPE_',
    )
  })
})
