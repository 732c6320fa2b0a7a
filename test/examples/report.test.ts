import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ExposuresSummary } from 'first-exposure'
import { reportArguments, type ReportArguments } from '../../examples/report/arguments.js'
import { runReport } from '../../examples/report/run-report.js'
import { engineAvailable } from '../engine/availability.js'

const root = resolve(import.meta.dirname, '../..')
const realLog = join(root, '../shared/data/ab_data.csv.gz')

let folder = ''
/** Where the program makes its temporary files, so that what it leaves behind is seen. */
let temporary = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-exposure-test-'))
  temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  vi.stubEnv('TMPDIR', temporary)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const left = (): string[] => readdirSync(temporary).filter((name) => name.startsWith('first-exposure'))

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** The report as its user runs it: a process of its own, which takes longer to start than most reports. */
function spawnReport(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((settle) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', join(root, 'examples/report/main.ts'), ...args],
      { cwd: root, env: { PATH: process.env['PATH'], TMPDIR: temporary, ...env } },
      (_, stdout, stderr) => {
        settle({ exitCode: child.exitCode ?? -1, stdout, stderr })
      },
    )
  })
}

/** The same program in this process, with an engine of its own each time. */
async function report(args: readonly string[]): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  const exitCode = await runReport(args, {
    print: (text) => (stdout += text),
    say: (text) => (stderr += text),
    width: 80,
    colour: false,
  })
  return { exitCode, stdout, stderr }
}

async function summaryOf(args: readonly string[]): Promise<ExposuresSummary> {
  const { exitCode, stdout, stderr } = await report([...args, '--json'])
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  return JSON.parse(stdout) as ExposuresSummary
}

function totals({ timeseries }: ExposuresSummary): Record<string, number> {
  const sums = new Map<string, number>()
  for (const [variant, count] of timeseries.points.flatMap(({ newIdentities }) =>
    Object.entries(newIdentities),
  )) {
    sums.set(variant, (sums.get(variant) ?? 0) + count)
  }
  return Object.fromEntries(sums)
}

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

const columns = ['--identity', 'user', '--variant', 'arm', '--timestamp', 'at']

// 007 and 7 are two identities; x crosses over; the row without a user is nobody.
const events = [
  ['007', 'control', '2026-06-01 09:00:00.000001'],
  ['007', 'control', '2026-06-01 09:00:00.000001'],
  ['7', 'blue', '2026-06-01 10:30:00'],
  ['x', 'control', '2026-06-01 11:00:00'],
  ['x', 'blue', '2026-06-01 12:00:00.999999'],
  ['', 'blue', '2026-06-02 12:00:00'],
] as const
const expected = {
  excludedIdentities: 1,
  timeseries: {
    granularity: 'hour',
    timeZone: 'UTC',
    points: [
      { bucket: '2026-06-01T09:00:00.000Z', newIdentities: { control: 1 } },
      { bucket: '2026-06-01T10:00:00.000Z', newIdentities: { blue: 1 } },
    ],
  },
}
const separated = (separator: string, end = '\n'): string =>
  [['user', 'arm', 'at'], ...events].map((row) => row.join(separator) + end).join('')
const jsonLines = events
  .map(([user, arm, at]) => `${JSON.stringify({ user: user === '' ? null : user, arm, at })}\n`)
  .join('')

describe.skipIf(!engineAvailable)('the report of a file (needs the embedded ClickHouse)', () => {
  test.each([
    ['events.csv', separated(',')],
    ['events.tsv', separated('\t')],
    ['events.jsonl', jsonLines],
    ['events.csv.gz', gzipSync(separated(','))],
    ['events.tsv.gz', gzipSync(separated('\t'))],
    ['events.ndjson.gz', gzipSync(jsonLines)],
    ['windows.csv', `\ufeff${separated(',', '\r\n')}`],
    ['windows.tsv', `\ufeff${separated('\t', '\r\n')}`],
    ['odd * {name} é😀 ::.csv', separated(',')],
  ])('%s', async (name, content) => {
    expect(await summaryOf(['--file', write(name, content), ...columns])).toEqual(expected)
  })

  test('Parquet, with timestamps as text, of every precision and as numbers', async () => {
    const client = await embeddedClient()
    const path = join(folder, 'events.parquet')
    await client.command({
      query: `INSERT INTO FUNCTION file({path:String}, 'Parquet')
        SELECT
          user,
          arm,
          text,
          toDateTime64(text, 6, 'UTC') AS micros,
          toDateTime64(text, 9, 'Asia/Tokyo') - toIntervalHour(0) AS tokyo,
          toUnixTimestamp64Micro(toDateTime64(text, 6, 'UTC')) AS epoch
        FROM format(JSONEachRow, 'user String, arm String, text String', {rows:String})`,
      query_params: {
        path,
        rows: events.map(([user, arm, text]) => JSON.stringify({ user, arm, text })).join('\n'),
      },
    })
    await client.close()
    const of = (timestamp: string): Promise<ExposuresSummary> =>
      summaryOf(['--file', path, '--identity', 'user', '--variant', 'arm', '--timestamp', timestamp])
    expect(await of('text')).toEqual(expected)
    expect(await of('micros')).toEqual(expected)
    expect(await of('epoch')).toEqual(expected)
    // Nine hours ahead of UTC, the same clocks show nine hours earlier instants.
    expect((await of('tokyo')).timeseries.points[0]?.bucket).toBe('2026-06-01T00:00:00.000Z')
  })

  test('timestamps as people and programs write them', async () => {
    const at = [
      '2026-06-01',
      '2026-06-01 00:00',
      '2026-06-01T00:00:00Z',
      '2026-06-01T02:00:00.000+02:00',
      '2026-05-31T20:30:00-0330',
      '2026/06/01 00:00:00',
      '1780272000',
      '1780272000.0',
      '1780272000000',
      '1780272000000000',
      '1780272000000000000',
    ]
    const path = write(
      'times.csv',
      `user,arm,at\n${at.map((text, user) => `${user},control,${text}\n`).join('')}`,
    )
    expect((await summaryOf(['--file', path, ...columns])).timeseries.points).toEqual([
      { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control: at.length } },
    ])
  })

  test('numbers of JSON keep every digit, and keys any text', async () => {
    const path = write(
      'numbers.jsonl',
      ['18446744073709551615', '18446744073709551614', '123456789012345678901234567890', '"__proto__"']
        .map((user) => `{"user": ${user}, "arm": "__proto__", "at": 1780272000}\n`)
        .join(''),
    )
    const { stdout } = await report(['--file', path, ...columns, '--json'])
    expect(stdout).toContain('"__proto__": 4')
  })

  test('column names with quotes, backticks, spaces, dots, emoji and SQL in them', async () => {
    const names = ['the "user"', '`arm`; DROP', 'a.t 🕑']
    const header = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(',')
    const path = write('headers.csv', `${header}\n1,control,2026-06-01\n2,blue,2026-06-01\n`)
    const [identity = '', variant = '', timestamp = ''] = names
    const mapped = ['--identity', identity, '--variant', variant, '--timestamp', timestamp]
    const summary = await summaryOf(['--file', path, ...mapped])
    expect(totals(summary)).toEqual({ control: 1, blue: 1 })
  })

  test('one experiment of a file that holds several', async () => {
    const path = write(
      'several.csv',
      'user,arm,at,test\n1,control,2026-06-01,a\n1,blue,2026-06-01,b\n2,blue,2026-06-01,a\n3,blue,no time,b\n',
    )
    const restricted = [...columns, '--feature-column', 'test', '--feature']
    expect(totals(await summaryOf(['--file', path, ...restricted, 'a']))).toEqual({ control: 1, blue: 1 })
    expect((await report(['--file', path, ...restricted, 'c'])).stderr).toBe(
      'report: several.csv has no row whose "test" is "c"; it has "a", "b"\n',
    )
  })

  test('a window, a time zone and a policy', async () => {
    const path = write('window.csv', separated(','))
    const from = (...options: string[]): Promise<ExposuresSummary> =>
      summaryOf(['--file', path, ...columns, ...options])
    const firstSeen = await from('--policy', 'first-seen')
    expect([firstSeen.excludedIdentities, totals(firstSeen)]).toEqual([0, { control: 2, blue: 1 }])
    expect(totals(await from('--start', '2026-06-01 10:30', '--as-of', '2026-06-01T11:00:00Z'))).toEqual({
      blue: 1,
    })
    expect(totals(await from('--start', '2026-06-01T10:30:00.001Z', '--as-of', '2026-06-01T12:00'))).toEqual({
      control: 1,
    })
    const madrid = await from(
      '--time-zone',
      'Europe/Madrid',
      '--start',
      '2026-05-01',
      '--as-of',
      '2026-06-10',
    )
    expect(madrid.timeseries.points.map(({ bucket }) => bucket)).toEqual(['2026-05-31T22:00:00.000Z'])
  })

  test('people get a page of plain text where the output is no terminal, never wider than 80', async () => {
    const path = write(
      'page.csv',
      'user,arm,at\n' +
        Array.from({ length: 400 }, (_, user) => {
          const arm = ['control', 'blue', '', '\u001b[31mred'][user % 4]
          return `${user},"${arm}",${1780272000 + user * 3600}\n`
        }).join(''),
    )
    const { exitCode, stdout, stderr } = await spawnReport(['--file', path, ...columns])
    expect([exitCode, stderr]).toEqual([0, ''])
    // oxlint-disable-next-line no-control-regex -- no control character may reach a terminal
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(stdout).toContain('Window       2026-06-01 00:00:00 to 2026-06-17 15:00:00.001')
    expect(stdout).toContain('Granularity  day')
    expect(stdout).toContain('400 identities entered, in 4 variants.')
    const table = stdout.split('\n').filter((line) => /^\S.*  +100 +25\.00%$/.test(line))
    expect(table.map((line) => line.split('  ')[0])).toEqual(['control', '(empty)', '\\u001b[31mred', 'blue'])
    expect(stdout).toMatch(/All variants +400 +100\.00%\nExcluded +0 +0\.00%/)
    expect(stdout).toMatch(/^100 [┤┼].*[╭╔┏─═┄━]$/m)
    expect(stdout).toContain('── control   ══ (empty)')
  })

  test('the generated experiment is the same on every run, and looks like one', async () => {
    const [one, two] = [await summaryOf([]), await summaryOf([])]
    expect(one).toEqual(two)
    const { control = 0, green = 0, orange = 0 } = totals(one)
    const counted = control + green + orange
    expect(counted).toBeGreaterThan(250_000)
    expect(control / counted).toBeCloseTo(0.5, 2)
    expect(green / counted).toBeCloseTo(0.25, 2)
    expect(one.excludedIdentities / counted).toBeCloseTo(0.01, 2)
    expect(one.timeseries.points).toHaveLength(14)
  })

  test.skipIf(!existsSync(realLog))(
    'a real log of 294,478 rows (needs ../shared/data/ab_data.csv.gz)',
    async () => {
      const args = [
        '--file',
        realLog,
        '--identity',
        'user_id',
        '--variant',
        'group',
        '--timestamp',
        'timestamp',
      ]
      const summary = await summaryOf(args)
      expect(totals(summary)).toEqual({ control: 144_300, treatment: 144_389 })
      expect(summary.excludedIdentities).toBe(1895)
      expect(summary.timeseries.points).toHaveLength(23)
      expect(summary.timeseries.points[0]).toEqual({
        bucket: '2017-01-02T00:00:00.000Z',
        newIdentities: { control: 2854, treatment: 2861 },
      })
      const firstSeen = await summaryOf([...args, '--policy', 'first-seen'])
      expect(totals(firstSeen)).toEqual({ control: 145_294, treatment: 145_290 })
      expect(firstSeen.excludedIdentities).toBe(0)
    },
  )

  test.each([
    ['none.csv', undefined, expect.stringMatching(/^report: there is no file .*none\.csv \(looked in .*\)$/)],
    [
      'data.xyz',
      'x',
      expect.stringMatching(/^report: data\.xyz: the name does not say what it holds; known are \.csv, /),
    ],
    ['zero.csv', '', 'report: zero.csv is empty: there is nothing to report'],
    ['zero.csv.gz', gzipSync(''), 'report: zero.csv.gz is empty: there is nothing to report'],
    ['header.csv', 'user,arm,at\n', 'report: header.csv is empty: there is nothing to report'],
    ['zero.jsonl', '\n', 'report: zero.jsonl is empty: there is nothing to report'],
    [
      'fake.parquet',
      'no parquet at all',
      expect.stringMatching(/^report: fake\.parquet cannot be read as Parquet: /),
    ],
    ['fake.csv.gz', 'user,arm,at\n', expect.stringMatching(/^report: fake\.csv\.gz cannot be read as CSV: /)],
    [
      'column.csv',
      'user,"Arm",at\n1,a,1\n',
      'report: column.csv has no column "arm" (--variant); it has "user", "Arm", "at"',
    ],
    [
      'ragged.csv',
      'user,arm,at\n1,a,1780272000\n2\n',
      expect.stringMatching(/^report: ragged\.csv cannot be read as CSV: /),
    ],
    ['nobody.csv', 'user,arm,at\n,a,1780272000\n', 'report: nobody.csv has no exposure in the window'],
  ])('%s: one line and exit code 1', async (name, content, line) => {
    if (content !== undefined) write(name, content)
    const { exitCode, stdout, stderr } = await report(['--file', join(folder, name), ...columns])
    expect(stderr).toMatch(/^[^\n]+\n$/)
    expect(stderr.trimEnd()).toEqual(line)
    expect([exitCode, stdout]).toEqual([1, ''])
  })

  const good = '1,a,2026-06-01 00:00:00\n'
  test.each([
    ['bad.csv', `user,arm,at\n${good}2,a,soon\n3,a,never\n`, 'line 3: "soon"'],
    ['late.csv', `user,arm,at\n${good.repeat(200_000)}2,a,soon\n`, 'line 200002: "soon"'],
    ['breaks.csv', `user,arm,at,note\n1,a,2026-06-01,"two\r\nlines"\n2,a,"",x\n`, 'line 4: ""'],
    ['february.csv', `user,arm,at\n1,a,2026-02-30\n`, 'line 2: "2026-02-30"'],
    ['hour.csv', `user,arm,at\n1,a,2026-06-01 25:00:00\n`, 'line 2: "2026-06-01 25:00:00"'],
    ['ambiguous.csv', `user,arm,at\n1,a,05/06/2026\n`, 'line 2: "05/06/2026"'],
    ['null.jsonl', '{"user":1,"arm":"a","at":1780272000}\n{"user":1,"arm":"a","at":null}\n', 'line 2: NULL'],
    ['bad.tsv.gz', gzipSync('user\tarm\tat\n1\ta\tx\ty\n'.replace('\ty', '')), 'line 2: "x"'],
  ])('%s: the first timestamp that is none', async (name, content, where) => {
    const { exitCode, stdout, stderr } = await report(['--file', write(name, content), ...columns])
    expect(stderr).toBe(
      `report: ${name}, ${where} in "at" is not a timestamp; write 2026-06-01 09:30:00, ISO 8601 or epoch numbers\n`,
    )
    expect([exitCode, stdout]).toEqual([1, ''])
  })
})

describe.skipIf(!engineAvailable)('what the report leaves behind (needs the embedded ClickHouse)', () => {
  test('nothing, whether it went well or not', () => {
    expect(left()).toEqual([])
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('nothing after %s either', async (signal) => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples/report/main.ts')], {
      cwd: root,
      env: { PATH: process.env['PATH'], TMPDIR: temporary },
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    // Its data has a place of its own once the engine runs.
    await vi.waitUntil(() => left().some((name) => existsSync(join(temporary, name, 'data'))), 30_000)
    child.kill(signal)
    expect(await ended).toBe(signal === 'SIGINT' ? 130 : 143)
    await vi.waitUntil(() => left().length === 0, 30_000)
  })
})

describe('the command line of the report', () => {
  test.each([
    [['--fil', 'x'], /unknown option '--fil' \(Did you mean --file\?\)/],
    [['stray'], /too many arguments/],
    [['--policy', 'all'], /Allowed choices are quarantine, first-seen/],
    [['--start', 'yesterday'], /Pass ISO 8601/],
    [['--start', '2026-06-02', '--as-of', '2026-06-01'], /--start must lie before --as-of/],
    [['--time-zone', 'Mars/Olympus'], /--time-zone is not usable: received "Mars\/Olympus"/],
    [['--file', 'x.csv', '--url', 'http://localhost'], /cannot be used with/],
    [['--file', 'x.csv', '--table', 'y'], /--table goes with --url/],
    [['--identity', 'user'], /--identity goes with --file or --url/],
    [['--file', 'x.csv', '--feature-column', 'y'], /--feature says which one/],
    [['--url', 'localhost:8123'], /Pass http:\/\/host:port/],
    [['--url', 'http://localhost'], /--url needs --feature/],
    [['--url', 'http://localhost', '--feature', 'x'], /--url needs --environment/],
  ])('%j: one line and exit code 1', async (args, line) => {
    const { exitCode, stdout, stderr } = await report(args)
    expect(stderr).toMatch(/^report: [^\n]+\n$/)
    expect(stderr).toMatch(line)
    expect([exitCode, stdout]).toEqual([1, ''])
  })

  test('a process ends with exit code 1, and says why on standard error', async () => {
    expect(await spawnReport(['stray'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(/^report: too many arguments[^\n]+\n$/),
    })
  })

  test.each([
    [['--expected', 'control'], /--expected.*Pass shares by variant/],
    [['--expected', 'control=1,blue=-1'], /Pass shares by variant/],
    [['--expected', 'control=1,blue=0'], /at least two above it/],
    [['--expected', 'a=1,a=1,b=1'], /A variant is listed twice/],
    [['--expected', '{"a":1,'], /Pass shares by variant/],
    [['--expected', 'a=1,b=1', '--json'], /--expected changes nothing in --json/],
    [['--control', 'a', '--json'], /--control changes nothing in --json/],
    [['--html', '/no/such/folder/out.html'], /There is no folder \/no\/such\/folder/],
    [['--html', '/'], /It is a folder: name a file in it/],
  ])('%j is refused before anything is counted', (args, line) => {
    expect(() => reportArguments(args)).toThrow(line)
  })

  test.each([
    [['control=0.5,treatment=0.5'], { control: 0.5, treatment: 0.5 }],
    [['a=b=1, c =3'], { 'a=b': 1, c: 3 }],
    [['=1,b=0,c=2'], { '': 1, b: 0, c: 2 }],
    [['{"a,b":1,"c":1}'], { 'a,b': 1, c: 1 }],
    [
      ['__proto__=1,b=1'],
      Object.fromEntries([
        ['__proto__', 1],
        ['b', 1],
      ]),
    ],
  ])('--expected %j', ([text = ''], shares) => {
    const { expectedShares } = reportArguments(['--expected', text]) as ReportArguments
    expect(Object.entries(expectedShares ?? {})).toEqual(Object.entries(shares))
  })

  test('a password in the address is refused and not repeated', async () => {
    const { exitCode, stdout, stderr } = await report(['--url', 'http://me:hunter2@localhost'])
    expect(exitCode).toBe(1)
    expect(stdout + stderr).toContain('CLICKHOUSE_PASSWORD')
    expect(stdout + stderr).not.toContain('hunter2')
  })

  test('--help says how, with examples', async () => {
    const { exitCode, stdout, stderr } = await spawnReport(['--help'])
    expect([exitCode, stderr]).toEqual([0, ''])
    for (const word of ['--as-of', 'first-seen', 'Examples:', 'Without a zone they are UTC']) {
      expect(stdout).toContain(word)
    }
  })
})

describe('the report of a server', () => {
  const asked = ['--feature', 'checkout', '--environment', 'prod']

  test('a server that is not there', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    expect(await report(['--url', `http://127.0.0.1:${port}`, ...asked])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `report: the server at 127.0.0.1:${port} cannot be reached: nothing listens there (ECONNREFUSED)\n`,
    })
  })

  test('what it asks: the window, then the exposures, with credentials from the environment', async () => {
    const requests: { url: URL; user: string; query: string }[] = []
    const answers = [
      '{"first_ms":"1780272000000","last_ms":"1780275600000","events":"3"}\n',
      '{"quarantined":0,"variant":"control","bucket":"2026-06-01 00:00:00","new_identities":"2"}\n',
    ]
    const server = createServer((request, response) => {
      let query = ''
      request.on('data', (chunk: Buffer) => (query += chunk.toString()))
      request.on('end', () => {
        const user = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString()
        requests.push({ url: new URL(request.url ?? '', 'http://server'), user, query })
        response.end(answers[requests.length - 1])
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const { stdout, stderr } = await spawnReport(
      ['--url', `http://127.0.0.1:${port}`, ...asked, '--no-event-column', '--table', 'shown', '--json'],
      { CLICKHOUSE_USER: 'reader', CLICKHOUSE_PASSWORD: 'pass' },
    )
    await new Promise((resolve) => server.close(resolve))
    expect(stderr).toBe('')
    expect(totals(JSON.parse(stdout) as ExposuresSummary)).toEqual({ control: 2 })
    expect(requests.map(({ user }) => user)).toEqual(['reader:pass', 'reader:pass'])
    expect(requests[0]?.url.searchParams.get('param_feature_name')).toBe('checkout')
    expect(requests[1]?.url.searchParams.get('param_start_ms')).toBe('1780272000000')
    expect(requests[1]?.url.searchParams.get('param_as_of_ms')).toBe('1780275600001')
    expect(requests[1]?.query).toContain('FROM `shown`')
    expect(requests[1]?.query).not.toContain('event_name')
  })

  test('a server that refuses', async () => {
    const server = createServer((_, response) => {
      response.writeHead(403, { 'X-ClickHouse-Exception-Code': '516' })
      response.end(
        'Code: 516. DB::Exception: default: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED) (version 26.7)\n',
      )
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const { exitCode, stdout, stderr } = await report(['--url', `http://127.0.0.1:${port}`, ...asked])
    await new Promise((resolve) => server.close(resolve))
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(
      /^report: the server at .* does not know this user and password: set CLICKHOUSE_USER .*\n$/,
    )
  })
})

async function embeddedClient(): Promise<ReturnType<typeof createClient>> {
  const { createChdbConnection } = await import('chdb/connection')
  return createClient({ connection: createChdbConnection({ path: ':memory:' }) as never })
}
