import { execFile, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { createClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ExposuresSummary } from 'first-exposure'
import { reportArguments, type ReportArguments } from '../../src/command/arguments.js'
import { runReport } from '../../src/command/run-report.js'
import { engineAvailable } from '../engine/availability.js'
import { startServer } from '../engine/server.js'

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
      ['--import', 'tsx', join(root, 'src/command/main.ts'), 'report', ...args],
      {
        cwd: root,
        env: { PATH: process.env['PATH'], TMPDIR: temporary, ...env },
      },
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
  expect(stderr.replace(sevensNote, '')).toBe('')
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

// 007 and 7 are two identities, as a note says; x crosses over; the row without a user is nobody.
const events = [
  ['007', 'control', '2026-06-01 09:00:00.000001'],
  ['007', 'control', '2026-06-01 09:00:00.000001'],
  ['7', 'blue', '2026-06-01 10:30:00'],
  ['x', 'control', '2026-06-01 11:00:00'],
  ['x', 'blue', '2026-06-01 12:00:00.999999'],
  ['', 'blue', '2026-06-02 12:00:00'],
] as const
const sevensNote =
  'Note: 1 identity is written in several ways that are the same number, such as "007" and "7", and count apart; ' +
  'if they are the same, write them alike in the file.\n'
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
      {
        bucket: '2026-06-01T00:00:00.000Z',
        newIdentities: { control: at.length },
      },
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
      'report: several.csv has no row whose "test" is "c" (--feature); it has "a", "b"\n',
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

  describe('dates without a time of day', () => {
    const days = (from: string, count: number): readonly string[] =>
      Array.from({ length: count }, (_, day) =>
        new Date(Date.parse(from) + day * 86_400_000).toISOString().slice(0, 10),
      )
    const file = (name: string, at: readonly string[]): string =>
      write(name, `user,arm,at\n${at.map((text, user) => `${user},control,${text}\n`).join('')}`)
    const july = days('2026-07-03', 8)
    const headOf = async (path: string, ...options: string[]): Promise<string> => {
      const { stdout, stderr } = await report(['--file', path, ...columns, ...options])
      expect(stderr).toBe('')
      return stdout.split('\n').slice(0, 6).join('\n')
    }
    const daysOf = async (path: string, ...options: string[]): Promise<Record<string, number>> => {
      const { timeseries } = await summaryOf(['--file', path, ...columns, ...options])
      expect(timeseries.granularity).toBe('day')
      return Object.fromEntries(
        timeseries.points.map(({ bucket, newIdentities }) => [bucket, newIdentities['control'] ?? 0]),
      )
    }

    test('3 to 10 July are eight whole days', async () => {
      const head = await headOf(file('july.csv', july))
      expect(head).toContain('july.csv, 8 events, dated by day')
      expect(head).toContain('2026-07-03 00:00:00 to 2026-07-11 00:00:00\n')
      expect(head).toContain('8 days in UTC, end not included')
    })

    test('one date is one day, also on the days that have 23 and 25 hours', async () => {
      const path = file('one.csv', ['2026-07-03', '2026-07-03'])
      const head = await headOf(path)
      expect(head).toContain('2026-07-03 00:00:00 to 2026-07-04 00:00:00\n')
      expect(head).toContain('1 day in UTC, end not included')
      expect(head).toContain('Granularity  day')
      expect(await daysOf(path)).toEqual({ '2026-07-03T00:00:00.000Z': 2 })
      for (const day of ['2026-03-29', '2026-10-25']) {
        const change = await headOf(file('change.csv', [day]), '--time-zone', 'Europe/Madrid')
        expect(change).toContain('1 day in Europe/Madrid')
      }
    })

    // Behind UTC, ahead of it, with half an hour, and on a day that has no midnight.
    test.each([
      ['America/New_York', july, '2026-07-03T04:00:00.000Z', '2026-07-10T04:00:00.000Z'],
      ['Asia/Tokyo', july, '2026-07-02T15:00:00.000Z', '2026-07-09T15:00:00.000Z'],
      ['Asia/Kolkata', july, '2026-07-02T18:30:00.000Z', '2026-07-09T18:30:00.000Z'],
      ['America/Sao_Paulo', days('2018-11-03', 2), '2018-11-03T03:00:00.000Z', '2018-11-04T03:00:00.000Z'],
    ])('they are local days in %s', async (zone, dates, first, last) => {
      const path = file('zone.csv', dates)
      const counted = await daysOf(path, '--time-zone', zone)
      expect(Object.values(counted)).toEqual(dates.map(() => 1))
      expect(Object.keys(counted)[0]).toBe(first)
      expect(Object.keys(counted).at(-1)).toBe(last)
      expect(await headOf(path, '--time-zone', zone)).toMatch(
        new RegExp(`${dates.length} days in|${dates.length * 24 - 1} hours in`),
      )
    })

    test.each(['America/New_York', 'Asia/Tokyo'])(
      'so are the dates of a window that the user gives, in %s',
      async (zone) => {
        const path = file('given.csv', july)
        const of = async (...options: string[]): Promise<number> =>
          Object.keys(await daysOf(path, '--time-zone', zone, ...options)).length
        expect(await of('--start', '2026-07-04', '--as-of', '2026-07-09')).toBe(5)
        expect(await of('--start', '2026-07-04')).toBe(7)
        expect(await of('--as-of', '2026-07-09')).toBe(6)
        expect(await of('--start', '2026-07-10')).toBe(1)
        expect(await headOf(path, '--time-zone', zone, '--start', '2026-07-04')).toContain(
          '2026-07-04 00:00:00 to 2026-07-11 00:00:00',
        )
      },
    )

    test('midnight without a zone is a date, in some rows or in all', async () => {
      const zone = ['--time-zone', 'America/New_York'] as const
      const expected = {
        '2026-07-03T04:00:00.000Z': 1,
        '2026-07-04T04:00:00.000Z': 1,
      }
      expect(await daysOf(file('some.csv', ['2026-07-03', '2026-07-04 00:00:00']), ...zone)).toEqual(expected)
      expect(await daysOf(file('all.csv', ['2026-07-03T00:00:00.000', '2026/7/4 00:00']), ...zone)).toEqual(
        expected,
      )
    })

    test.each([
      ['another time of day', '2026-07-04 00:00:01'],
      ['a zone', '2026-07-04T00:00:00Z'],
      ['a count of seconds', '1783123200'],
    ])('%s in one row makes all of them instants', async (_, text) => {
      const path = file('instants.csv', ['2026-07-03', text])
      const { timeseries } = await summaryOf(['--file', path, ...columns, '--time-zone', 'America/New_York'])
      // A clock without a zone is one of the report's zone.
      expect(timeseries.points[0]?.bucket).toBe('2026-07-03T04:00:00.000Z')
      expect(await headOf(path)).not.toContain('dated by day')
    })

    test('only the rows of the experiment decide', async () => {
      const path = write(
        'others.csv',
        'user,arm,at,test\n1,control,2026-07-03,a\n2,control,2026-07-04 10:00:00,b\n',
      )
      const of = (feature: string): Promise<string> =>
        headOf(path, '--feature-column', 'test', '--feature', feature)
      expect(await of('a')).toContain('1 day in UTC')
      expect(await of('b')).toContain('1 millisecond in UTC')
    })

    test('the explanation counts by day too, and an arrival on a later date is late by days', async () => {
      const path = write(
        'explained.csv',
        'user,arm,at,seen\n1,control,2026-07-03,2026-07-03\n2,blue,2026-07-03,2026-07-05\n' +
          'x,control,2026-07-03,2026-07-03\nx,blue,2026-07-04,2026-07-04\n',
      )
      const zone = ['--time-zone', 'America/New_York']
      const given = ['--file', path, ...columns, '--arrival', 'seen', ...zone]
      const { stdout } = await report([...given, '--explain', '--json'])
      const { timeseries, explain } = JSON.parse(stdout) as ExposuresSummary & {
        explain: {
          ledger: { lateness: { maxSeconds: number } | null }
          crossovers: { timeseries: ExposuresSummary['timeseries'] }
        }
      }
      expect(timeseries.granularity).toBe('day')
      expect(explain.crossovers.timeseries.granularity).toBe('day')
      expect(explain.ledger.lateness?.maxSeconds).toBe(2 * 86_400)
    })

    test('Parquet: dates are local days, and its instants at midnight stay instants', async () => {
      const client = await embeddedClient()
      const path = join(folder, 'dates.parquet')
      await client.command({
        query: `INSERT INTO FUNCTION file({path:String}, 'Parquet')
          SELECT toString(number) AS user, 'control' AS arm, toDate32('2026-07-03') + number AS day,
            if(number = 0, NULL, day) AS maybe, toDateTime64(day, 6, 'UTC') AS midnight
          FROM numbers(2)`,
        query_params: { path },
      })
      await client.close()
      const bucketsOf = async (timestamp: string): Promise<readonly string[]> => {
        const mapped = ['--identity', 'user', '--variant', 'arm', '--timestamp', timestamp]
        const { timeseries } = await summaryOf(['--file', path, ...mapped, '--time-zone', 'America/New_York'])
        return timeseries.points.map(({ bucket }) => bucket)
      }
      expect(await bucketsOf('day')).toEqual(['2026-07-03T04:00:00.000Z', '2026-07-04T04:00:00.000Z'])
      expect(await bucketsOf('midnight')).toEqual(['2026-07-03T00:00:00.000Z', '2026-07-04T00:00:00.000Z'])
      const mapped = ['--identity', 'user', '--variant', 'arm', '--timestamp', 'maybe']
      const { stderr } = await report(['--file', path, ...mapped])
      expect(stderr).toContain('row 1: NULL in "maybe" is not a timestamp')
    })

    test('before 1970: named, and left out of a window that starts later', async () => {
      const path = file('old.csv', ['1969-07-20', '1900-01-01', ...july])
      const { stderr } = await report(['--file', path, ...columns])
      expect(stderr).toMatch(
        /the events run from 1900-01-01T00:00:00\.000Z to 2026-07-11T00:00:00\.000Z, but/,
      )
      expect(Object.keys(await daysOf(path, '--start', '2026-07-01'))).toHaveLength(8)
    })
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
      expect(totals(summary)).toEqual({
        control: 144_300,
        treatment: 144_389,
      })
      expect(summary.excludedIdentities).toBe(1895)
      expect(summary.timeseries.points).toHaveLength(23)
      expect(summary.timeseries.points[0]).toEqual({
        bucket: '2017-01-02T00:00:00.000Z',
        newIdentities: { control: 2854, treatment: 2861 },
      })
      const firstSeen = await summaryOf([...args, '--policy', 'first-seen'])
      expect(totals(firstSeen)).toEqual({
        control: 145_294,
        treatment: 145_290,
      })
      expect(firstSeen.excludedIdentities).toBe(0)
    },
  )

  test.skipIf(!existsSync(realLog))(
    'the conversions of a real log, by variant of who entered (needs ../shared/data/ab_data.csv.gz)',
    async () => {
      const who = join(folder, 'real.parquet')
      const mapped = ['--identity', 'user_id', '--variant', 'group', '--timestamp', 'timestamp']
      await report(['--file', realLog, ...mapped, '--assignments', who])
      const rows = await embeddedRows<Record<string, unknown>>({
        query: `
          SELECT arm, count() AS n, sum(conversion) AS conversions
          FROM
          (
            SELECT any(who.variant) AS arm, maxIf(log.converted, log.timestamp >= who.first_exposure) AS conversion
            FROM file({who:String}, 'Parquet') AS who
            LEFT JOIN file({log:String}, 'CSVWithNames', {columns:String}) AS log
              ON log.user_id = who.identity
            GROUP BY who.identity
          )
          GROUP BY arm
          ORDER BY arm`,
        query_params: {
          who,
          log: realLog,
          columns:
            "user_id String, timestamp DateTime64(6, 'UTC'), group String, landing_page String, converted UInt8",
        },
      })
      const numbers = rows.map(({ arm, n, conversions }) => [arm, Number(n), Number(conversions)])
      // The last are the 1,895 quarantined, in no variant: 290,584 identities in all.
      expect(numbers).toEqual([
        ['control', 144_300, 17_468],
        ['treatment', 144_389, 17_268],
        [null, 1895, 437],
      ])
    },
  )

  test.each([
    ['none.csv', undefined, expect.stringMatching(/^report: there is no file .*none\.csv \(looked in .*\)$/)],
    [
      'data.xyz',
      'x',
      expect.stringMatching(/^report: data\.xyz: unknown file type; known types are \.csv, /),
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
    ['plain.csv.gz', 'user,arm,at\n', 'report: plain.csv.gz is empty: there is nothing to report'],
    [
      'cut.csv.gz',
      gzipSync(separated(',').repeat(10_000)).subarray(0, 400),
      expect.stringMatching(/^report: cut\.csv\.gz cannot be read as CSV: /),
    ],
    [
      'nobody.csv',
      'user,arm,at\n,a,1780272000\n',
      'report: nobody.csv has no row with both an identity and a variant',
    ],
  ])('%s: one line and exit code 1', async (name, content, line) => {
    if (content !== undefined) write(name, content)
    const { exitCode, stdout, stderr } = await report(['--file', join(folder, name), ...columns])
    expect(stderr).toMatch(/^[^\n]+\n$/)
    expect(stderr.trimEnd()).toEqual(line)
    expect([exitCode, stdout]).toEqual([1, ''])
  })

  const good = '1,a,2026-06-01 00:00:00\n'
  test.each<[string, string | Uint8Array, string]>([
    ['bad.csv', `user,arm,at\n${good}2,a,soon\n3,a,never\n`, 'line 3: "soon"'],
    ['late.csv', `user,arm,at\n${good.repeat(200_000)}2,a,soon\n`, 'line 200002: "soon"'],
    ['breaks.csv', `user,arm,at,note\n1,a,2026-06-01,"two\r\nlines"\n2,a,"",x\n`, 'line 4: ""'],
    ['february.csv', `user,arm,at\n1,a,2026-02-30\n`, 'line 2: "2026-02-30"'],
    ['hour.csv', `user,arm,at\n1,a,2026-06-01 25:00:00\n`, 'line 2: "2026-06-01 25:00:00"'],
    // ClickHouse reads year 0 as this year, month 0 as January and day 0 as the first.
    ...[
      '0000-00-00 10:00:00',
      '0000-12-31 10:00:00',
      '2026-00-10',
      '2026-6-0 09:00:00',
      '2026-13-01',
      '2026-06-31 10:00:00',
      '2026-02-29',
      '2026-06-01 24:00:00',
      '9999-12-31',
    ].map((at): [string, string, string] => [
      `${at.replaceAll(/\W/g, '-')}.csv`,
      `user,arm,at\n${good}2,a,${at}\n`,
      `line 3: "${at}"`,
    ]),
    ['zero-among-dates.csv', 'user,arm,at\n1,a,2026-06-01\n2,a,0000-00-00\n', 'line 3: "0000-00-00"'],
    ['31-june-among-dates.csv', 'user,arm,at\n1,a,2026-06-30\n2,a,2026-06-31\n', 'line 3: "2026-06-31"'],
    ['null.jsonl', '{"user":1,"arm":"a","at":1780272000}\n{"user":1,"arm":"a","at":null}\n', 'line 2: NULL'],
    ['bad.tsv.gz', gzipSync('user\tarm\tat\n1\ta\tx\ty\n'.replace('\ty', '')), 'line 2: "x"'],
  ])('%s: the first timestamp that is none', async (name, content, where) => {
    const { exitCode, stdout, stderr } = await report(['--file', write(name, content), ...columns])
    const [first, second] = stderr.split('\n')
    expect(first).toMatch(
      new RegExp(`^report: [12] of [0-9,]+ rows? of ${name.replaceAll('.', '\\.')} cannot be read$`),
    )
    expect(second).toBe(`  ${where} in "at" is not a timestamp`)
    expect([exitCode, stdout]).toEqual([1, ''])
  })
})

describe.skipIf(!engineAvailable)('the assignments (needs the embedded ClickHouse)', () => {
  const who = [
    {
      identity: '007',
      variant: 'control',
      first_exposure: '2026-06-01T09:00:00.000001000Z',
      first_variant: 'control',
    },
    {
      identity: '7',
      variant: 'blue',
      first_exposure: '2026-06-01T10:30:00.000000000Z',
      first_variant: 'blue',
    },
    {
      identity: 'x',
      variant: null,
      first_exposure: '2026-06-01T11:00:00.000000000Z',
      first_variant: 'control',
    },
  ].map((row) => ({ ...row, quarantined: Number(row.variant === null) }))

  test.each([
    ['who.csv', 'CSVWithNames'],
    ['who.tsv', 'TSVWithNames'],
    ['who.jsonl', 'JSONEachRow'],
    ['who.ndjson.gz', 'JSONEachRow'],
    ['who é😀.csv.GZ', 'CSVWithNames'],
    ['who.parquet', 'Parquet'],
  ])('%s: one row for each identity', async (name, format) => {
    const path = write(name, 'what was there before')
    const file = write('events.csv', separated(','))
    const { exitCode, stdout, stderr } = await report([
      '--file',
      file,
      ...columns,
      '--json',
      '--assignments',
      path,
    ])
    expect([exitCode, stderr]).toEqual([
      0,
      `${sevensNote}Wrote ${path} (${format === 'Parquet' ? 3 : 1} kB): one row for each identity.\n`,
    ])
    expect(JSON.parse(stdout)).toEqual(expected)
    expect(readdirSync(folder).filter((each) => each.includes('partial'))).toEqual([])

    const plain = join(folder, 'read-back')
    writeFileSync(plain, /\.gz$/i.test(name) ? gunzipSync(readFileSync(path)) : readFileSync(path))
    const instant = format === 'Parquet' ? "DateTime64(9, 'UTC')" : 'String'
    const rows = await embeddedRows({
      query: `
        SELECT identity, variant, ${format === 'Parquet' ? "concat(replaceOne(toString(first_exposure), ' ', 'T'), 'Z') AS first_exposure" : 'first_exposure'}, quarantined, first_variant
        FROM file({plain:String}, {format:String}, {structure:String})
        ORDER BY identity`,
      query_params: {
        plain,
        format,
        structure: `identity String, variant Nullable(String), first_exposure ${instant}, quarantined UInt8, first_variant String`,
      },
    })
    expect(rows).toEqual(who)
  })

  test('are those of the policy and of the window, beside a story too', async () => {
    const path = join(folder, 'policy.csv')
    const file = write('events.csv', separated(','))
    const { exitCode, stdout } = await report([
      '--file',
      file,
      ...columns,
      '--policy',
      'first-seen',
      '--start',
      '2026-06-01 10:00',
      '--assignments',
      path,
      '--identity-story',
      'x',
    ])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('2026-06-01')
    expect(readFileSync(path, 'utf8').trim().split('\n').sort()).toEqual([
      '"7","blue","2026-06-01T10:30:00.000000000Z",0,"blue"',
      '"identity","variant","first_exposure","quarantined","first_variant"',
      '"x","control","2026-06-01T11:00:00.000000000Z",0,"control"',
    ])
  })

  test.each([
    ['who.xls', /who\.xls: unknown file type; known types are \.csv, .*\.parquet, .*each also as \.gz/],
    ['who', /who: unknown file type/],
    ['no-such-folder/who.csv', /There is no folder .*no-such-folder/],
    ['events.csv/who.csv', /There is no folder .*events\.csv/],
    ['folder.csv', /This is a folder. Name a file in it/],
    ['events.csv', /--assignments needs a file of its own/],
    ['link.csv', /--assignments needs a file of its own/],
  ])('%s is refused before anything is counted', (name, line) => {
    const file = write('events.csv', separated(','))
    mkdirSync(join(folder, 'folder.csv'), { recursive: true })
    if (!existsSync(join(folder, 'link.csv'))) symlinkSync(file, join(folder, 'link.csv'))
    expect(() => reportArguments(['--file', file, ...columns, '--assignments', join(folder, name)])).toThrow(
      line,
    )
    expect(readFileSync(file, 'utf8')).toBe(separated(','))
  })

  test('a file that cannot be written is named', async () => {
    const file = write('events.csv', separated(','))
    const { exitCode, stderr } = await report(['--file', file, ...columns, '--assignments', '/proc/who.csv'])
    expect(stderr).toMatch(/^report: .*\/proc.* (cannot be written \(E\w+\)|cannot be written to\.).*\n$/)
    expect(exitCode).toBe(1)
  })

  test('a server gives them too, and one that breaks off leaves what was there', async () => {
    const server = await startServer()
    const client = createClient({ url: server.url })
    try {
      await client.command({
        query: `CREATE TABLE shown (feature_name String, identifier UInt64, value String, timestamp DateTime64(3))
          ENGINE = MergeTree ORDER BY timestamp
          AS SELECT 'checkout', number % 50000, if(number % 50000 = 7, toString(number < 50000), 'a'), fromUnixTimestamp64Milli(1780272000000 + toInt64(number))
          FROM numbers(100000)`,
      })
      const path = join(folder, 'server.csv')
      const asked = [
        '--url',
        server.url,
        '--feature',
        'checkout',
        '--table',
        'shown',
        '--no-environment-column',
        '--no-event-column',
        '--assignments',
        path,
      ]
      // As a user who may change no setting.
      vi.stubEnv('CLICKHOUSE_USER', 'reader')
      expect(await report(asked)).toMatchObject({ exitCode: 0 })
      const lines = readFileSync(path, 'utf8').trim().split('\n')
      expect(lines).toHaveLength(50_001)
      expect(lines.filter((line) => line.includes('\\N'))).toEqual([
        '7,\\N,"2026-06-01T00:00:00.007000000Z",1,"1"',
      ])

      const broken = createProxy(server.httpPort)
      await new Promise((resolve) => broken.once('listening', resolve))
      const { port } = broken.address() as AddressInfo
      const { exitCode, stderr } = await report(
        asked.map((each) => each.replace(server.url, `http://127.0.0.1:${port}`)),
      )
      await new Promise((resolve) => broken.close(resolve))
      expect(exitCode).toBe(1)
      expect(stderr).toMatch(/^report: the server at 127\.0\.0\.1:\d+ [^\n]+\n$/)
      expect(readFileSync(path, 'utf8').trim().split('\n')).toEqual(lines)
      expect(readdirSync(folder).filter((each) => each.includes('partial'))).toEqual([])
    } finally {
      await client.close()
      await server.stop()
    }
  }, 60_000)

  /** A server before another that breaks off in the middle of an answer that is a file. */
  function createProxy(upstream: number): ReturnType<typeof createServer> {
    return createServer((request, response) => {
      const passed = httpRequest(
        {
          port: upstream,
          host: '127.0.0.1',
          path: request.url,
          method: request.method,
          headers: request.headers,
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers)
          let isFile = false
          answer.on('data', (chunk: Buffer) => {
            isFile ||= chunk.toString().startsWith('"identity"')
            response.write(chunk)
            if (isFile) response.destroy()
          })
          answer.on('end', () => response.end())
        },
      )
      request.pipe(passed)
    }).listen(0, '127.0.0.1')
  }
})

describe.skipIf(!engineAvailable)('what the report leaves behind (needs the embedded ClickHouse)', () => {
  test('nothing, whether it went well or not', () => {
    expect(left()).toEqual([])
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('nothing after %s either', async (signal) => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'src/command/main.ts'), 'report'], {
      cwd: root,
      env: { PATH: process.env['PATH'], TMPDIR: temporary },
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => child.once('exit', (_code, by) => resolve(by)))
    // Its data has a place of its own once the engine runs.
    await vi.waitUntil(() => left().some((name) => existsSync(join(temporary, name, 'data'))), 30_000)
    child.kill(signal)
    expect(await ended).toBe(signal)
    await vi.waitUntil(() => left().length === 0, 30_000)
  })
})

describe('the command line of the report', () => {
  test.each([
    [['--fil', 'x'], /unknown option '--fil' \(Did you mean --file\?\)/],
    [['--policy', 'all'], /Allowed choices are quarantine, first-seen/],
    [['--start', 'yesterday'], /Pass ISO 8601/],
    [['--start', '2026-06-02', '--as-of', '2026-06-01'], /--start must be before --as-of/],
    [['--time-zone', 'Mars/Olympus'], /--time-zone is not usable: received "Mars\/Olympus"/],
    [['--file', 'x.csv', '--url', 'http://localhost'], /--url cannot be used with a file/],
    [['--file', 'x.csv', '--table', 'y'], /--table works only with --url/],
    [['--identity', 'user'], /--identity works only with --file or --url/],
    [['--file', 'x.csv', '--feature-column', 'y'], /--feature-column needs --feature <name>/],
    [['--url', 'localhost:8123'], /pass http:\/\/host:port/],
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
      stderr: expect.stringMatching(/^report: there is no file stray \(looked in [^\n]+\n$/),
    })
  })

  test.each([
    [['--expected', 'control'], /--expected.*Pass a share of 0 or more for each variant/],
    [['--expected', 'control=1,blue=-1'], /Pass a share of 0 or more/],
    [['--expected', 'control=1,blue=0'], /at least two above 0/],
    [['--expected', 'control=50%'], /It has a share for "control" only. Name the other variants too/],
    [['--expected', 'a=1,a=1,b=1'], /A variant is listed twice/],
    [['--expected', '{"a":1,"b:":1,"a" :2}'], /A variant is listed twice/],
    [['--expected', '{"a":1,"a":2}'], /A variant is listed twice/],
    [['--expected', '{"a":1,'], /Pass a share of 0 or more/],
    [['--expected', 'a=1,b=1', '--json'], /--expected has no effect with --json/],
    [['--control', 'a', '--json'], /--control has no effect with --json/],
    [['--html', '/no/such/folder/out.html'], /There is no folder \/no\/such\/folder/],
    [['--html', '-'], /Standard output is for the report\. Name a file/],
    [['--html', '/'], /This is a folder. Name a file in it/],
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

  test.each([
    ['--url', 'tcp://default:secret@host:9000', /^report: --url is not usable: pass http:/],
    ['--url', 'default:secret@host:8123', /^report: --url is not usable: pass http:/],
    ['--url', 'http://[secret', /^report: --url is not usable: pass http:/],
    ['--url', 'http://host:8123/?password=secret', /^report: --url is not usable with what follows the \?/],
    ['--password=secret', '', /^report: unknown option '--password'/],
    ['--ulr=http://u:secret@host', '', /^report: unknown option '--ulr' \(--help/],
    ['--file', 's3://key:secret@bucket/x.csv', /^report: an address of s3 cannot be fetched/],
    ['--file', 'http://[x/x.csv?key=secret', /^report: what begins with http is not an address/],
  ])('%s %s: no message repeats what may be a secret', async (option, address, line) => {
    const { exitCode, stderr } = await report([
      option,
      address,
      ...(option === '--url' ? ['--environment', 'prod', '--feature', 'checkout'] : []),
    ])
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(line)])
    expect(stderr).not.toContain('secret')
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
    for (const word of ['--as-of', 'first-seen', 'Examples:', 'a zone they are in --time-zone']) {
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
      stderr: `report: the server at 127.0.0.1:${port} cannot be reached: nothing listens at this address (ECONNREFUSED)\n`,
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
        requests.push({
          url: new URL(request.url ?? '', 'http://server'),
          user,
          query,
        })
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
    expect(totals(JSON.parse(stdout) as ExposuresSummary)).toEqual({
      control: 2,
    })
    expect(requests.map(({ user }) => user)).toEqual(['reader:pass', 'reader:pass'])
    expect(requests[0]?.url.searchParams.get('param_feature_name')).toBe('checkout')
    expect(requests[1]?.url.searchParams.get('param_start_ms')).toBe('1780272000000')
    expect(requests[1]?.url.searchParams.get('param_as_of_ms')).toBe('1780275600001')
    expect(requests[1]?.query).toContain('FROM `shown`')
    expect(requests[1]?.query).not.toContain('event_name')
  })

  test.skipIf(!engineAvailable)('a column that is not an instant is named, with its type', async () => {
    const server = await startServer()
    const client = createClient({ url: server.url })
    try {
      await client.command({
        query: `CREATE TABLE others (ms Int64, text String, day Date32, feature_name String, identifier String, value String)
          ENGINE = MergeTree ORDER BY () AS SELECT 1780308000000, '2026-06-01T10:00:00Z', '2026-06-01', 'checkout', 'ann', 'control'`,
      })
      const of = async (column: string): Promise<string> => {
        const mapped = [
          '--table',
          'others',
          '--timestamp',
          column,
          '--no-environment-column',
          '--no-event-column',
        ]
        return (await report(['--url', server.url, '--feature', 'checkout', ...mapped])).stderr
      }
      for (const [column, type] of Object.entries({
        ms: 'Int64',
        text: 'String',
        day: 'Date32',
      })) {
        expect(await of(column)).toContain(
          `the column "${column}" has the type ${type}, and --url needs a DateTime`,
        )
      }
    } finally {
      await client.close()
      await server.stop()
    }
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
  return createClient({
    connection: createChdbConnection({ path: ':memory:' }) as never,
  })
}

/** Asks an engine of its own, which is closed whatever happens: a process has room for one. */
async function embeddedRows<Row>(asked: {
  readonly query: string
  readonly query_params: Record<string, unknown>
}): Promise<readonly Row[]> {
  const client = await embeddedClient()
  try {
    return await (await client.query({ ...asked, format: 'JSONEachRow' })).json<Row>()
  } finally {
    await client.close()
  }
}
