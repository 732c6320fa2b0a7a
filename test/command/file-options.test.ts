import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ExposuresSummary } from 'first-exposure'
import { reportArguments, type ReportArguments } from '../../src/command/arguments.js'
import { embeddedClickHouse } from '../../src/command/embedded-clickhouse.js'
import { inputFiles } from '../../src/command/input-files.js'
import { runCommand } from '../../src/command/run-command.js'
import { runReport } from '../../src/command/run-report.js'
import { engineAvailable } from '../engine/availability.js'

const fixtures = resolve(import.meta.dirname, '../fixtures/files')
const mapped = ['--identity', 'user_id', '--variant', 'variant', '--timestamp', 'exposed_at']

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-exposure-test-'))
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  vi.stubEnv('TMPDIR', temporary)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** Has the engine write a file of types, from a SELECT. */
async function writeParquet(path: string, select: string, structure: string = 'auto'): Promise<void> {
  const engine = await embeddedClickHouse()
  try {
    await engine.client.command({
      query: `INSERT INTO FUNCTION file({path:String}, 'Parquet', {structure:String}) ${select}`,
      query_params: { path, structure },
    })
  } finally {
    await engine.close()
  }
}

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

async function report(
  args: readonly string[],
  answers?: string[],
): Promise<{ exitCode: number; stdout: string; stderr: string; asked: readonly string[] }> {
  let [stdout, stderr] = ['', '']
  const asked: string[] = []
  const exitCode = await runReport(args, {
    print: (text) => (stdout += text),
    say: (text) => (stderr += text),
    width: 80,
    colour: false,
    ...(answers === undefined
      ? {}
      : {
          ask: async (question: string) => {
            asked.push(question)
            return answers.shift() ?? ''
          },
        }),
  })
  return { exitCode, stdout, stderr, asked }
}

async function totals(
  args: readonly string[],
): Promise<{ excluded: number; totals: Record<string, number> }> {
  const { exitCode, stdout, stderr } = await report([...args, '--json'])
  expect([exitCode, stderr.replaceAll(/^Note: .*\n/gm, '')]).toEqual([0, ''])
  const { timeseries, excludedIdentities } = JSON.parse(stdout) as ExposuresSummary
  const sums: Record<string, number> = {}
  for (const { newIdentities } of timeseries.points) {
    for (const [variant, count] of Object.entries(newIdentities)) sums[variant] = (sums[variant] ?? 0) + count
  }
  return { excluded: excludedIdentities, totals: sums }
}

const answer = { excluded: 1, totals: { control: 2, treatment: 3 } }
const fixture = (name: string): string => join(fixtures, name)

describe.skipIf(!engineAvailable)('names (need the embedded ClickHouse)', () => {
  test('every missing column is told at once, with all columns and what may be meant', async () => {
    const { exitCode, stderr } = await report([
      fixture('commas.csv'),
      '--identity',
      'userid',
      '--variant',
      'Variant',
      '--timestamp',
      'when',
    ])
    expect(exitCode).toBe(1)
    expect(stderr).toBe(
      'report: commas.csv has no column "userid" (--identity; did you mean "user_id"?), nor "Variant" (--variant; did you mean "variant"?), nor "when" (--timestamp)\n' +
        'Its columns: "user_id", "variant", "exposed_at"\n',
    )
  })

  test('what is said is kept, and the rest is proposed', async () => {
    const { stderr } = await report([fixture('commas.csv'), '--variant', 'variant'])
    expect(stderr).toContain(
      `npx first-exposure report ${fixture('commas.csv')} --variant variant --identity user_id --timestamp exposed_at\n`,
    )
  })

  test('a file behind --, whose name may begin with a dash, can be reported with what is proposed', async () => {
    const proposed = `npx first-exposure report --file ${fixture('commas.csv')} ${mapped.join(' ')}\n`
    expect((await report(['--', fixture('commas.csv')])).stderr).toContain(
      `If this is right, run:\n  ${proposed}`,
    )
  })

  test('a -- is for the report, and not for the command around it', async () => {
    let said = ''
    const say = (text: string): string => (said += text)
    await runCommand(['report', '--', '-none.csv'], { print: say, say, width: 80, colour: false })
    expect(said).toContain('report: there is no file -none.csv (looked in ')
  })

  test('of very many columns, those with a name that says something are looked at', async () => {
    const many = Array.from({ length: 500 }, (_, index) => `c${index}`)
    const records = ['u1,control,2026-06-01', 'u2,blue,2026-06-02'].map(
      (each) => `${many.join(',')},${each}\n`,
    )
    const path = write('wide.csv', `${many.join(',')},user_id,variant,exposed_at\n${records.join('')}`)
    expect((await report([path])).stderr).toContain(`wide.csv ${mapped.join(' ')}\n`)
  })

  test('a line of names of any length is read, also where a name is there twice', async () => {
    const wide = Array.from({ length: 40_000 }, (_, index) => `metric_${index}`).join(',')
    const values = wide.replaceAll(/[^,]+/g, '0')
    const csv = `${wide},user_id,user_id,variant,exposed_at\n${values},u1,x,a,2026-06-01\n${values},u2,x,b,2026-06-01\n`
    for (const path of [write('names.csv', csv), write('names.csv.gz', gzipSync(csv))])
      expect((await totals([path, ...mapped])).totals).toEqual({ a: 1, b: 1 })
    const { stderr } = await report([write('line.csv', 'x,'.repeat(3_000_000)), ...mapped])
    expect(stderr).toBe(
      'report: line.csv has a first line of more than 4 MB, which is too long for the names of columns\n',
    )
  })

  test('a file with nothing in it that fits says so', async () => {
    const { stderr } = await report([write('prices.csv', 'price,weight\n1.5,2\n2.5,3\n3.5,4\n')])
    expect(stderr).toContain('identity   no column looks like one')
    expect(stderr).toContain('Its columns: "price", "weight"')
    expect(stderr).toContain('--identity <column> --variant <column> --no-timestamp')
  })

  test('fields of JSON in a text are no columns, and that is said', async () => {
    const posthog = write(
      'posthog.csv',
      'event,properties,timestamp,distinct_id\n$feature_flag_called,"{""$feature_flag_response"": ""a""}",2026-06-01T10:00:00Z,u1\n' +
        '$feature_flag_called,"{""$feature_flag_response"": ""b""}",2026-06-01T11:00:00Z,u2\n',
    )
    expect((await report([posthog])).stderr).toContain(
      '\n"properties" holds JSON as text, and its fields are no columns: if what is missing is in it, export that field as a column of its own.\n',
    )
  })

  test('a field with its type as its last part, as DynamoDB exports it', async () => {
    const dynamo = write(
      'dynamo.json',
      ['u1', 'u2', 'u3']
        .map((user, index) =>
          JSON.stringify({
            Item: {
              exposedAt: { N: String(1780272000 + 7 * index * index) },
              userId: { S: user },
              variant: { S: index === 0 ? 'control' : 'treatment' },
            },
          }),
        )
        .join('\n'),
    )
    expect((await report([dynamo])).stderr).toContain(
      ' --identity Item.userId.S --variant Item.variant.S --timestamp Item.exposedAt.N\n',
    )
  })

  test('a key of JSON with a dot in it is no column in a column, and both may be there', async () => {
    const people = ['u1', 'u2', 'u3'].map((id, index) => ({
      'user.id': id,
      'test.arm': index === 0 ? 'control' : 'treatment',
      'geo.country': index === 2 ? 'ES' : 'FR',
      geo: { city: 'x' },
      'at.': `2026-06-0${index + 1}T10:00:00Z`,
    }))
    const lines = (name: string, records: readonly object[]): string =>
      write(name, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const path = lines('dotted.ndjson', people)
    const columns = ['--identity', 'user.id', '--variant', 'test.arm', '--timestamp', 'at.']
    expect((await report([path])).stderr).toContain(` ${columns.join(' ')}\n`)
    const where = ['--where', 'geo.country=FR', '--where', 'geo.city=x']
    expect((await totals([path, ...columns, ...where])).totals).toEqual({ control: 1, treatment: 1 })
    const { stdout } = await report([path, ...columns, '--breakdown', 'geo.country'])
    expect(stdout).toMatch(/^FR +2 /m)
    const nested = { user: { id: 'u4' }, test: { arm: 'control' }, 'at.': '2026-06-04T10:00:00Z' }
    const mixed = lines('dotted-and-nested.ndjson', [...people, nested])
    expect((await totals([mixed, ...columns])).totals).toEqual({ control: 2, treatment: 2 })
  })

  test('a column with the name of a timestamp is not passed over in silence', async () => {
    const path = write(
      'zones.csv',
      'user_id,variant,timestamp\nu1,control,2026-06-01 10h00\nu2,blue,2026-06-02 10h00\n',
    )
    const { stderr, asked } = await report([path], [])
    expect(asked).toEqual([])
    expect(stderr).toContain('2026-06-01 10h00, 2026-06-02 10h00 (in no form that is known)\n')
    const given = ['--identity', 'user_id', '--variant', 'variant']
    expect(stderr).toContain(
      `npx first-exposure report ${path} ${given.join(' ')} --timestamp timestamp --timestamp-format <format>\n` +
        `If they are not, run, for totals without a chart:\n  npx first-exposure report ${path} ${given.join(' ')} --no-timestamp\n`,
    )
    const format = ['--timestamp', 'timestamp', '--timestamp-format', '%Y-%m-%d %Hh%M']
    expect((await totals([path, ...given, ...format])).totals).toEqual({ control: 1, blue: 1 })
  })

  test.each([
    [
      'forty variants',
      ['user_id', 'variant'],
      Array.from({ length: 400 }, (_, n) => `u${n},${(n * 7) % 40}`),
      '--identity user_id --variant variant',
    ],
    [
      'yes and no',
      ['user_id', 'is_treated'],
      Array.from({ length: 20 }, (_, n) => `u${n},${n % 2 === 0}`),
      '--identity user_id --variant is_treated',
    ],
    [
      'a name in another language',
      ['identité', 'variante'],
      Array.from({ length: 60 }, (_, n) => `u${n % 20},${n % 2 === 0 ? 'témoin' : 'traité'}`),
      "--identity 'identité' --variant variante",
    ],
  ])('columns of %s are proposed', async (_, names, rows, options) => {
    const path = write('proposed.csv', [names.join(','), ...rows, ''].join('\n'))
    expect((await report([path])).stderr).toContain(
      `npx first-exposure report ${path} ${options} --no-timestamp\n`,
    )
  })

  test('files with other columns cannot be one experiment, and no command pretends it', async () => {
    const first = write('first.csv', 'user_id,variant,exposed_at\n1,control,2026-06-01\n2,blue,2026-06-01\n')
    const second = write('second.csv', 'uid,arm,exposed_at\n1,control,2026-06-01\n')
    const { stderr, asked } = await report([first, second], [])
    expect(asked).toEqual([])
    expect(stderr).toContain(
      'second.csv has no column "user_id" (--identity), nor "variant" (--variant)\n' +
        'Its columns: "uid", "arm", "exposed_at"\n' +
        'Files of one report need the same names for these columns: rename them in the files, or report each file by itself.\n' +
        'Put that right first, and then run:\n',
    )
    expect(stderr).not.toContain('If this is right')
  })

  test.each([
    ['{"data": [{"u": 1}, {"u": 2}], "count": 2}', '"data"', '.data[]'],
    ['{\n "page": 1,\n "a b": {"rows": [{"u": 1}, {"u": 2}]}\n}\n', '"a b.rows"', '.["a b"].rows[]'],
    ['{"links": [{"a": 1}, {"a": 2}], "data": [{"u": 1}, {"u": 2}, {"u": 3}]}', '"data"', '.data[]'],
    // ClickHouse's FORMAT JSON: with its columns first, of which there may be more than records.
    [
      '{"meta": [{"name": "u", "type": "String"}, {"name": "v", "type": "String"}, {"name": "t", "type": "Date"}], "data": [{"u": 1}, {"u": 2}]}',
      '"data"',
      '.data[]',
    ],
    [
      `{"meta": [{"name": "u", "type": "String"}, {"name": "v", "type": "String"}],\n "rows": [${Array.from({ length: 9000 }, (_, n) => `\n {"user_id": "u${n}", "variant": "a"}`).join(',')}\n]}`,
      '"rows"',
      '.rows[]',
    ],
  ])('records in an object around them: %#', async (text, where, filter) => {
    const file = write('around.json', text)
    const { exitCode, stderr } = await report([file])
    expect([exitCode, stderr]).toEqual([
      1,
      `report: around.json is one object around its records, which are in ${where}\n` +
        'Write each record on a line of its own, and report that file:\n' +
        `  jq -c '${filter}' ${file} > records.ndjson\n`,
    ])
  })

  const people = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'].map((user_id, index) => ({
    user_id,
    variant: index % 2 === 0 ? 'control' : 'treatment',
    exposed_at: `2026-06-0${index + 1} 10:00:00`,
  }))
  const lists = people.map((each) => Object.values(each))
  const columnNames = Object.keys(people[0] ?? {})
  const column = (name: string): unknown[] =>
    people.map((each) => Object.entries(each).find(([key]) => key === name)?.[1])
  const byColumn = Object.fromEntries(columnNames.map((name) => [name, column(name)]))
  const all = { excluded: 0, totals: { control: 3, treatment: 3 } }
  const json = JSON.stringify
  test.skipIf(spawnSync('jq', ['--version']).status !== 0).each<[string, string]>([
    [
      'lists with names beside them, as pandas and services write them',
      json({ columns: columnNames, data: lists }),
    ],
    [
      'FORMAT JSONCompact',
      json({ meta: columnNames.map((name) => ({ name, type: 'String' })), data: lists, rows: 6 }),
    ],
    ['lists in an object in another', json({ result: { 'the columns': columnNames, rows: lists } })],
    ['lists, the first of names', json([columnNames, ...lists])],
    ['a list in each line', [columnNames, ...lists].map((list) => `${json(list)}\n`).join('')],
    ['a list for each column', json(byColumn)],
    [
      'the columns of pandas',
      json(Object.fromEntries(Object.entries(byColumn).map(([name, values]) => [name, { ...values }]))),
    ],
    [
      'a record for each key',
      json(Object.fromEntries(people.map(({ user_id, ...rest }) => [user_id, rest]))),
    ],
    [
      'a variant for each key',
      json(Object.fromEntries(people.map(({ user_id, variant }) => [user_id, variant]))),
    ],
    [
      'NaN',
      people
        .map(
          (each) =>
            `${json({ ...each, paid: 0.5, n: 1 })
              .replace('0.5', 'NaN')
              .replace(':1}', ':-Infinity}')}\n`,
        )
        .join(''),
    ],
    [
      'quotes behind backslashes',
      [
        'user_id,variant,exposed_at,note',
        ...lists.map((list) => `${list.join(',')},"say \\"hi\\", twice"`),
      ].join('\n'),
    ],
    [
      'single quotes',
      [columnNames, ...lists].map((list) => list.map((each) => `'${each}'`).join(',')).join('\n'),
    ],
    ['two carriage returns', [columnNames, ...lists].map((list) => `${list.join(',')}\r\r\n`).join('')],
  ])('%s: the command that is printed makes a file that can be read', async (_, text) => {
    const made = mkdtempSync(join(folder, "it's made "))
    const name = /^[[{]/.test(text) ? 'export.json' : 'export.csv'
    writeFileSync(join(made, name), text)
    const first = await report([join(made, name)])
    const command = /^  ((?:jq|sed|perl) .*)$/m.exec(first.stderr)?.[1] ?? ''
    expect([first.exitCode, first.stderr.split('\n').length, command]).toEqual([
      1,
      4,
      expect.stringMatching(/./),
    ])
    execFileSync('sh', ['-c', command], { cwd: made })
    const written = join(made, / > (.*)$/.exec(command)?.[1] ?? '')
    const { stderr } = await report([written])
    const option = (role: string): string => new RegExp(` --${role} (\\S+)`).exec(stderr)?.[1] ?? ''
    const { stdout } = await report([
      written,
      '--identity',
      option('identity'),
      '--variant',
      option('variant'),
      '--no-timestamp',
      '--json',
    ])
    expect(JSON.parse(stdout)).toEqual({
      excludedIdentities: all.excluded,
      identities: all.totals,
      crossovers: [],
    })
  })

  test('a compressed file is decompressed first', async () => {
    const file = write('lists.json.gz', gzipSync(json(lists)))
    expect((await report([file])).stderr).toContain(`  gzip -dc ${file} | jq -r '.[] | @csv' > records.csv\n`)
  })

  const many = Array.from({ length: 50_000 }, (_, n) => n)
  test.each([
    ['under each of its keys', Object.fromEntries(many.map((n) => [`u${n}`, { variant: 'a', at: n }]))],
    ['has its columns one after the other', { user_id: many, variant: many }],
    ['has its columns one after the other', { user_id: { ...many }, variant: { ...many } }],
    ['has lists for its records, which are in "data"', { data: many.map((n) => [n, 'a']) }],
    ['has lists for its records', many.map((n) => [n, 'a'])],
  ])('a large file with its end out of sight: %s', async (is, value) => {
    expect((await report([write('many.json', json(value))])).stderr).toContain(is)
  })

  test.each([
    ['the fields of one record', json({ user: { id: 'u1', country: 'ES' }, test: { arm: 'a', name: 'x' } })],
    ['one record', json(people[0])],
    ['records with lists in them', people.map((each) => `${json({ ...each, tags: ['a', 'b'] })}\n`).join('')],
    [
      'quotes at the end of a path',
      'user_id,variant,exposed_at,path\nu1,a,2026-06-01,"C:\\"\nu2,b,2026-06-01,"D:\\"\n',
    ],
    [
      'JSON in a field',
      'user_id,variant,exposed_at,more\nu1,a,2026-06-01,"{""a"": ""\\""b\\""""}"\nu2,b,2026-06-01,"{}"\n',
    ],
    ['NaN in a text', people.map((each) => `${json({ ...each, note: 'x: NaN, y' })}\n`).join('')],
  ])('%s: nothing is to be rewritten', async (_, text) => {
    const { stderr } = await report([write(/^[[{]/.test(text) ? 'plain.json' : 'plain.csv', text)])
    expect(stderr).toMatch(/^report: which column holds what/)
  })

  test('a date and a time of day in two columns are proposed together, and read', async () => {
    const rows = (date: string, times: readonly string[]): string =>
      times.map((time, n) => `u${n % 2},${n % 2 === 0 ? 'control' : 'b'},${date},${time}\n`).join('')
    const first = 'identity   user_id: u0, u1\n  variant    variant: control, b\n'
    for (const [name, head, date, times, shown] of [
      ['iso', 'date,time', '2026-06-01', ['10:00:00', '11:30:00', '23:59:59'], '2026-06-01 10:00:00'],
      ['dots', 'Datum,Uhrzeit', '01.06.2026', ['10:00', '11:30', '23:59'], '01.06.2026 10:00'],
      ['hours', 'day,hour', '2026-06-01 00:00:00', ['10', '11', '23'], '2026-06-01 00:00:00 10'],
      ['pm', 'date,at_time', '2026/06/01', ['10:00 AM', '11:30 am', '9:00 PM'], '2026/06/01 10:00 AM'],
    ] as const) {
      const path = write(`${name}.csv`, `user_id,variant,${head}\n${rows(date, times)}`)
      const both = head.replace(',', '+')
      const { exitCode, stderr } = await report([path])
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringContaining(`${first}  timestamp  ${both}: ${shown}`),
      ])
      expect(stderr).toContain(`--timestamp ${both}\n`)
      const answered = await report([path], ['y'])
      expect(answered.stdout).toContain('2026-06-01 1')
      expect(
        JSON.parse((await report([path, ...mapped.slice(0, 4), '--timestamp', both, '--json'])).stdout),
      ).toMatchObject({
        timeseries: {
          granularity: 'hour',
          points: [{ bucket: '2026-06-01T10:00:00.000Z' }, { bucket: '2026-06-01T11:00:00.000Z' }],
        },
      })
    }
  })

  test('date+time: a part that is not there, a row that cannot be read, and JSON', async () => {
    const path = write(
      'parts.csv',
      'user_id,variant,date,time\nu,a,2026-06-01,10:00\nv,b,2026-06-01,soon\n,,,\n',
    )
    const asked = (timestamp: string): string[] => [path, ...mapped.slice(0, 4), '--timestamp', timestamp]
    expect((await report(asked('date+hour'))).stderr).toContain('has no column "date+hour" (--timestamp')
    const { stderr } = await report(asked('date+time'))
    expect(stderr).toContain('line 3: "2026-06-01 soon" in "date+time" is not a timestamp')
    const json = write(
      'parts.ndjson',
      '{"user_id":"u","variant":"a","at":{"day":"2026-06-01","clock":"10:00"}}\n{"user_id":"v","variant":"b","at":{"day":"2026-06-02","clock":"11:00"}}\n',
    )
    const { totals: sums } = await totals([json, ...mapped.slice(0, 4), '--timestamp', 'at.day+at.clock'])
    expect(sums).toEqual({ a: 1, b: 1 })
    const plus = write('plus.csv', 'user_id,variant,date,time,date+time\nu,a,x,y,2026-06-01 10:00\n')
    expect((await totals([plus, ...mapped.slice(0, 4), '--timestamp', 'date+time'])).totals).toEqual({ a: 1 })
  })

  test('a time of day without a date is no timestamp', async () => {
    const path = write('clock.csv', 'user_id,variant,time\nu,a,10:00:00\nv,b,11:00:00\n')
    const { stderr } = await report([path])
    expect(stderr).toContain('timestamp  time: 10:00:00, 11:00:00 (times of day without a date)')
    expect(stderr).toContain(`If this is right, run:\n  npx first-exposure report ${path}`)
    expect(stderr).not.toContain('--timestamp-format')
  })

  test('times of day of Parquet, which the engine reads as times of 1970, are no timestamps alone', async () => {
    const [path, alone] = [join(folder, 'times.parquet'), join(folder, 'times-alone.parquet')]
    for (const [file, date] of [
      [path, `toDate32('2026-06-01') + number AS "day",`],
      [alone, ''],
    ] as const)
      await writeParquet(
        file,
        `SELECT concat('u', toString(number)) AS user_id, ['control', 'b'][number % 2 + 1] AS variant, ${date}
          toDateTime64('1970-01-01 10:30:00', 6, 'UTC') + number AS at_time
        FROM numbers(4)`,
      )
    const proposal = 'times.parquet --identity user_id --variant variant --timestamp day+at_time\n'
    expect((await report([path])).stderr).toContain(proposal)
    const asked = [path, ...mapped.slice(0, 4), '--timestamp', 'day+at_time']
    expect((await report(asked)).stdout).toContain('2026-06-01 10:30:00 to 2026-06-04 10:30:03.001')
    expect((await report([alone])).stderr).toMatch(/ at_time: .*\(times of day without a date\)\n/)
  })

  test('the name of a zone: read and said, or asked for', async () => {
    const zoned = (zone: string): string =>
      write(
        `${zone}.csv`,
        `user_id,variant,seen\nu,a,2026-06-01 10:00:00 ${zone}\nv,b,2026-06-01 11:00:00 ${zone}\n`,
      )
    const asked = [...mapped.slice(0, 4), '--timestamp', 'seen']
    const { stdout } = await report([zoned('CEST'), ...asked])
    expect(stdout).toContain('Times with CEST are read as +02:00.')
    expect(stdout).toMatch(/^Window +2026-06-01 08:00:00/m)
    expect(stdout).not.toContain('without a zone')
    const { stderr } = await report([zoned('BST'), ...asked])
    const pattern = "--timestamp-format '%Y-%m-%d %H:%M:%S BST'"
    expect(stderr).toContain(
      `BST is the name of several zones. Say which, and how the times are written: --time-zone Europe/London ${pattern}`,
    )
    const timestamped = write(
      'bst.csv',
      'user_id,variant,seen_at\nu,a,2026-06-01 10:00:00 BST\nv,b,2026-06-01 11:00:00 BST\n',
    )
    expect((await report([timestamped])).stderr).toContain(
      `BST is the name of several zones. Say which, such as Europe/London, and run:\n  npx first-exposure report ${timestamped} ` +
        `--identity user_id --variant variant --timestamp seen_at ${pattern} --time-zone <zone>`,
    )
    const said = ['--time-zone', 'Europe/London', '--timestamp-format', '%Y-%m-%d %H:%M:%S BST']
    expect((await report([zoned('BST'), ...asked, ...said])).stdout).toMatch(/^Window +2026-06-01 10:00:00/m)
  })

  test('counts are no exposures, and nobody is made up of them', async () => {
    for (const [name, content] of [
      ['by-variant', 'variant,users,conversions\ncontrol,10412,1204\ntreatment,10388,1290\n'],
      ['by-day', 'date,control,treatment\n2026-06-01,1002,990\n2026-06-02,1010,1001\n2026-06-03,950,999\n'],
    ] as const) {
      const { exitCode, stderr } = await report([write(`${name}.csv`, content)])
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('identity   no column looks like one')])
      expect(stderr).toContain(
        'It seems to hold counts of identities. A report needs a row for each exposure',
      )
    }
    // Two rows of two variants, of identities that are numbers.
    const few = write('few.csv', 'user_id,variant\n10412,control\n10388,treatment\n')
    expect((await report([few])).stderr).not.toContain('counts')
    const answered = write('answered.csv', 'user_id,control,treatment\nu1,1,0\nu2,0,1\nu3,1,0\n')
    expect((await report([answered])).stderr).not.toContain('counts')
  })

  test('on a terminal the proposal is a question', async () => {
    const yes = await report([fixture('commas.csv')], ['y'])
    expect(yes.asked).toEqual(['Report it like this? [Y/n] '])
    expect(yes.exitCode).toBe(0)
    expect(yes.stdout).toContain('5 identities entered, in 2 variants; 1 (16.67%) excluded.')
    const no = await report([fixture('commas.csv')], ['n'])
    expect([no.exitCode, no.stdout]).toEqual([1, ''])
    const second = await report([fixture('ambiguous.csv')], ['2'])
    expect(second.asked).toEqual(['Report it like this? [1/2/n] '])
    expect(second.stdout).toContain('2026-01-06')
  })

  test('a control or a split of variants that are not there is refused', async () => {
    const control = await report([fixture('commas.csv'), ...mapped, '--control', 'Contro'])
    expect(control.exitCode).toBe(1)
    expect(control.stderr).toBe(
      'report: --control names a variant that no exposure has: "Contro" (did you mean "control"?)\nThe variants: "control", "treatment"\n',
    )
    const expected = await report([fixture('commas.csv'), ...mapped, '--expected', 'Control=1,treatment=1'])
    expect(expected.stderr).toContain(
      'report: --expected names a variant that no exposure has: "Control" (did you mean "control"?)',
    )
    const zero = await report([
      fixture('commas.csv'),
      ...mapped,
      '--expected',
      'control=50%,treatment=50 %,blue=0',
    ])
    expect(zero.exitCode).toBe(0)
  })

  test('Control is the control where nothing else is, and first', async () => {
    const { stdout } = await report([fixture('capital-control.csv'), ...mapped])
    expect(stdout).toContain('"Control" is taken as the control')
    expect(stdout.indexOf('Control  ')).toBeLessThan(stdout.indexOf('treatment  '))
  })

  test('--rename joins and names variants, and --fold-case both', async () => {
    expect(
      await totals([fixture('commas.csv'), ...mapped, '--rename', 'control=A', '--rename', 'treatment=B=C']),
    ).toEqual({ excluded: 1, totals: { A: 2, 'B=C': 3 } })
    expect(
      await totals([fixture('mixed-case.csv'), ...mapped, '--fold-case', '--rename', 'CONTROL=Off']),
    ).toEqual({ excluded: 1, totals: { Off: 2, treatment: 3 } })
  })

  test('--rename of a variant that is not there is refused', async () => {
    const { exitCode, stderr } = await report([fixture('commas.csv'), ...mapped, '--rename', 'contrl=A'])
    expect([exitCode, stderr]).toEqual([
      1,
      'report: --rename names a variant that no exposure has: "contrl" (did you mean "control"?)\n' +
        'The variants: "control", "treatment"\n',
    ])
    const swapped = ['--rename', 'control=treatment', '--rename', 'treatment=control']
    expect(await totals([fixture('commas.csv'), ...mapped, ...swapped])).toEqual({
      excluded: 1,
      totals: { treatment: 2, control: 3 },
    })
  })

  test('several experiments that count together are told', async () => {
    const { stdout } = await report([fixture('two-experiments.csv'), ...mapped])
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      '"experiment" has several values, such as "checkout" and "search", and all count together; if they are experiments, ' +
        'report one at a time: --feature-column experiment --feature checkout.',
    )
    for (const one of [
      ['--where', 'experiment=checkout'],
      ['--feature-column', 'experiment', '--feature', 'checkout'],
    ])
      expect((await report([fixture('two-experiments.csv'), ...mapped, ...one])).stdout).not.toContain(
        'count together',
      )
  })

  test('also where a file is sorted by experiment, and between files', async () => {
    const rows = (experiment: string, many: number): string =>
      Array.from({ length: many }, (_, n) => `${experiment}${n},a,2026-06-01 10:00,${experiment}\n`).join('')
    const head = 'user_id,variant,exposed_at,experiment\n'
    const note = '"experiment" has several values, such as "checkout" and "search", and all count together'
    const sorted = write('sorted.csv', `${head}${rows('checkout', 5000)}${rows('search', 3)}`)
    for (const more of [[], ['--explain']]) {
      const { stdout } = await report([sorted, ...mapped, ...more])
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(note)
    }
    // An identity with the same variant in both.
    const both = write('both.csv', `${head}u,a,2026-06-01 10:00,checkout\nu,a,2026-06-01 11:00,search\n`)
    expect((await report([both, ...mapped])).stdout.replaceAll(/\s+/g, ' ')).toContain(note)
    const parts = [
      write('part-1.csv', `${head}${rows('checkout', 3)}`),
      write('part-2.csv', `${head}${rows('search', 2)}`),
      write('part-3.csv', 'user_id,variant,exposed_at\nx,a,2026-06-01 10:00\n'),
    ]
    expect((await report([...parts, ...mapped])).stdout.replaceAll(/\s+/g, ' ')).toContain(note)
    const alone = [write('one.csv', `${head}${rows('checkout', 3)}x,a,2026-06-01 10:00,\n`), ...mapped]
    expect((await report(alone)).stdout).not.toContain('count together')
    const many = Array.from({ length: 60 }, (_, n) => rows(`campaign-${n}`, 1)).join('')
    expect((await report([write('60.csv', head + many), ...mapped])).stdout).not.toContain('count together')
  })

  test('the same number in two spellings is told, of identities and of variants', async () => {
    const rows = ['7,0', '7.0,0', '007,0', '8.0,1', '9,1.0', '0,1', '00,1']
    const path = write(
      'numbers.csv',
      `user_id,variant,exposed_at\n${rows.map((row) => `${row},2026-06-01 10:00\n`).join('')}`,
    )
    const { stdout } = await report([path, ...mapped])
    const text = stdout.replaceAll(/\s+/g, ' ')
    expect(text).toMatch(
      /2 identities are written in several ways that are the same number, such as "(007" and "7.0|0" and "00)", and count apart/,
    )
    expect(text).toContain(
      'The variants "1" (3 events) and "1.0" (1 event) are the same number, and count apart; to join them, add --rename "1.0=1".',
    )
    const thousands = write(
      'thousands.csv',
      'user_id,variant,exposed_at\n"1,200,997",a,2026-06-01\n1200997,a,2026-06-01\n1.000,b,2026-06-01\n',
    )
    expect((await report([thousands, ...mapped])).stdout.replaceAll(/\s+/g, ' ')).toContain(
      '1 identity is written in several ways that are the same number, such as "1,200,997" and "1200997", and count apart',
    )
    const alike = write('fractions.csv', 'user_id,variant,exposed_at\n7.0,a,2026-06-01\n08,b,2026-06-01\n')
    expect((await report([alike, ...mapped])).stdout).not.toContain('same number')
  })

  test('numbers that a spreadsheet rounded are told', async () => {
    const path = write(
      'rounded.csv',
      'user_id,variant,exposed_at\n1.23457E+12,a,2026-06-01\n1.23458E+12,b,2026-06-01\nE+1,b,2026-06-01\n',
    )
    const { stdout } = await report([path, ...mapped])
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /2 events have identities such as "1\.2345[78]E\+12": a spreadsheet, or a program that takes them for fractions, has rounded these numbers, so several identities may count as one/,
    )
    const pandas = write('pandas.csv', 'user_id,variant,exposed_at\n1.2345678901234568e+18,a,2026-06-01\n')
    expect((await report([pandas, ...mapped])).stdout).toContain('"1.2345678901234568e+18"')
  })

  test('columns of the same name', async () => {
    const path = write(
      'twice.csv',
      'user_id,variant,user_id,exposed_at\n1,control,x,2026-06-01\n2,blue,x,2026-06-01\n',
    )
    const { stdout } = await report([path, ...mapped])
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'twice.csv has several columns called "user_id": this is the first; the next is "user_id (2)".',
    )
  })

  test('a break in the name of a column, or in a title, costs no row', async () => {
    const records = 'u1,control,2026-06-01 10:00,x\nu2,blue,2026-06-01 10:00,y\n'
    for (const [name, above] of [
      ['first.csv', '"user\nid",variant,exposed_at,note\n'],
      ['another.csv', 'user id,variant,exposed_at,"some\r\nnote"\n'],
      ['twice.csv', 'user id,variant,exposed_at,"some\nnote"\n'.replace('variant', 'variant,variant')],
      ['titled.csv', '"Exposures\nof June"\nuser id,variant,exposed_at,"some\nnote"\n'],
    ] as const) {
      const text = name === 'twice.csv' ? records.replaceAll(/,(control|blue)/g, ',$1,$1') : records
      const path = write(name, above + text)
      const columns = ['--identity', 'user id', '--variant', 'variant', '--timestamp', 'exposed_at']
      expect((await report([path])).stderr).toContain('identity   user id: u1, u2\n')
      expect((await totals([path, ...columns])).totals).toEqual({ control: 1, blue: 1 })
      const bad = write(name, `${above}${text}${text.split('\n')[0]?.replace(/2026\S+ /, '') ?? ''}\n`)
      const line = above.split('\n').length + 2
      expect((await report([bad, ...columns])).stderr).toContain(`  line ${line}: "10:00" in "exposed_at"`)
    }
    const json = write('break.ndjson', '{"user_id":"u1","variant":"a","exposed_at":"2026-06-01","a\\nb":1}\n')
    expect((await report([json])).stderr).toContain('identity   user_id: u1\n')
    expect((await report([json, ...mapped, '--breakdown', 'a\nb'])).stderr).toBe(
      'report: break.ndjson: a column with a backslash, a tab or a line break in its name cannot be read; rename "a\\nb"\n',
    )
  })

  test('signs that are not seen: told, and joined by --fold-case', async () => {
    const write3 = (name: string, spellings: readonly string[]): string =>
      write(
        name,
        `user_id,variant,exposed_at\n${spellings.map((spelling, n) => `${n},${spelling},2026-06-01\n${spelling},b,2026-06-01\n`).join('')}`,
      )
    const path = write3('unseen.csv', ['té', 'te\u0301', 'té\u200b', '\u00a0Té'])
    const { stdout } = await report([path, ...mapped])
    const text = stdout.replaceAll(/\s+/g, ' ')
    expect(text).toContain('"te\\u0301" (1 event)')
    expect(text).toContain('"té\\u200b" (1 event)')
    expect(text).toContain(
      'differ only in case, spaces or signs that are not seen, and count apart; to join them, add --fold-case.',
    )
    expect(text).toContain('1 identity is written in several ways')
    expect((await totals([path, ...mapped, '--fold-case'])).totals).toEqual({ té: 4, b: 1 })
  })

  test('lines of column names between the rows are no rows', async () => {
    const rows = ['user_id,variant,exposed_at', '1,control,2026-06-01', '2,blue,2026-06-01']
    const path = write('twice-named.csv', [...rows, ...rows, '3,blue,soon', ''].join('\n'))
    const { stderr } = await report([path, ...mapped])
    expect(stderr).toContain('1 of 5 rows of twice-named.csv cannot be read\n  line 7: "soon"')
    for (const options of [
      [...mapped, '--skip-bad-rows'],
      [...mapped.slice(0, 4), '--no-timestamp'],
    ]) {
      const { stdout } = await report([path, ...options])
      expect(stdout).toContain('1 line of column names between the rows is skipped.')
      expect(stdout).toMatch(/^control +1 /m)
      expect(stdout).not.toMatch(/^variant +1 /m)
    }
  })

  test.each([
    ['pipes', '|'],
    ['semicolons', ';'],
    ['tabs', '\t'],
    ['commas', ','],
  ])('a row with too few fields between %s', async (name, delimiter) => {
    const rows = [
      ['user_id', 'variant', 'exposed_at'],
      ['1', '"a b"', '2026-06-01'],
      ['2', 'blue'],
      ['3', 'blue', '2026-06-01'],
    ]
    const path = write(`few-${name}.csv`, rows.map((row) => `${row.join(delimiter)}\n`).join(''))
    const { stderr } = await report([path, ...mapped])
    expect(stderr).toMatch(
      /^report: 1 of 3 rows of few-\w+.csv cannot be read\n  line 3: "2.blue" does not have the fields of the other lines\n/,
    )
    expect((await totals([path, ...mapped, '--skip-bad-rows'])).totals).toEqual({ 'a b': 1, blue: 1 })
  })

  test('the numbers of rows that R writes have no name', async () => {
    const rows = [
      '"user_id" "variant" "exposed_at"',
      '"1" "u1" "control" "2026-06-01"',
      '"2" "u2" "blue" "2026-06-01"',
    ]
    for (const [name, delimiter] of [
      ['table.txt', ' '],
      ['table.csv', ','],
    ] as const) {
      const path = write(name, `${rows.join('\n').replaceAll(' ', delimiter)}\n`)
      expect((await totals([path, ...mapped, '--delimiter', delimiter])).totals).toEqual({
        control: 1,
        blue: 1,
      })
    }
    // A delimiter at the end of each row is no column.
    const trailing = write(
      'end.csv',
      'user_id,variant,exposed_at\n1,control,2026-06-01,\n2,blue,2026-06-01,\n',
    )
    expect((await totals([trailing, ...mapped])).totals).toEqual({ control: 1, blue: 1 })
  })

  // The command gives these names to what it makes of the columns, or the engine does to what it knows of a file.
  test.each(
    [
      ['_row_number', 'row_index', 'is_broken', 'line_text', '_path', '_file'],
      ['first_exposure_time', 'first_exposure_arrival', 'timestamp_value', 'arrival_value', 'is_late', 'row'],
      [
        'first_exposure_identity',
        'first_exposure_variant',
        'first_exposure_instant',
        'value',
        'asked_value',
        'others',
      ],
      [
        'first_exposure_status',
        'first_exposure_unread',
        'first_exposure_slice',
        'first_exposure_arrived',
        'events',
        'asked_rows',
      ],
      [
        'first_exposure_value',
        'first_exposure_parts',
        'column_of_identity',
        'number_of_row',
        'line',
        'sampled_0',
      ],
    ].flatMap((names) => [names, names.toReversed()].map((each) => [each.join(', '), each] as const)),
  )('columns may be called %s', async (_, names) => {
    const [identity = '', arrival = '', timestamp = '', breakdown = '', variant = '', shown = ''] = names
    const rows = [
      ['u1', '13/06/2026 11:00', '13/06/2026 10:00', 'de', 'a', 'yes'],
      ['u2', '15/06/2026 11:00', '14/06/2026 10:00', 'fr', 'b', 'yes'],
      ['u3', '15/06/2026 11:00', 'later', 'fr', 'b', 'yes'],
      ['u4', '15/06/2026 11:00', '14/06/2026 10:00', 'fr', 'b', 'no'],
    ]
    const csv = write('names.csv', [names, ...rows].map((row) => `${row.join(',')}\n`).join(''))
    const parquet = join(folder, 'names.parquet')
    rmSync(parquet, { force: true })
    const structure = names.map((name) => `${name} String`).join(', ')
    await writeParquet(parquet, `SELECT * FROM file('${csv}', 'CSVWithNames', '${structure}')`, structure)
    for (const [path, where] of [
      [csv, 'line 4'],
      [parquet, 'row 3'],
    ] as const) {
      const asked = [path, '--identity', identity, '--variant', variant, '--timestamp', timestamp]
      const whole = [...asked, '--arrival', arrival, '--breakdown', breakdown, '--skip-bad-rows', '--explain']
      const { stdout, stderr } = await report([...whole, '--where', `${shown}=yes`])
      expect(stderr).toBe('')
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
        `${where}: "later" in "${timestamp}" is not a timestamp`,
      )
      expect(stdout).toMatch(
        /, 2 events,[^]*\nde +1 +0.00% +100.00% +0.00%[^]*\nfr +1 +0.00% +0.00% +100.00%/,
      )
      expect((await report([...asked, '--skip-bad-rows', '--where', `${shown}=maybe`])).stderr).toContain(
        `whose "${shown}" is "maybe" (--where); it has "yes", "no"`,
      )
    }
  })

  test('names that differ only in case are two columns', async () => {
    const path = write(
      'case.csv',
      'ID,variant,id,exposed_at\nu1,control,1,2026-06-01\nu2,blue,1,2026-06-01\n',
    )
    const of = async (identity: string): Promise<unknown> =>
      (await totals([path, '--identity', identity, ...mapped.slice(2)])).totals
    expect(await of('ID')).toEqual({ control: 1, blue: 1 })
    expect(await of('id')).toEqual({})
  })

  test('a window without exposures says when they are', async () => {
    const { stderr } = await report([fixture('commas.csv'), ...mapped, '--as-of', '2020-01-01'])
    expect(stderr).toMatch(
      /^report: commas.csv has no exposure in the window; its exposures are from 2026-05-13 \S+ to 2026-05-\S+ \S+, so change --start or --as-of\n$/,
    )
    const nobody = write('nobody.csv', 'user_id,variant,exposed_at\n,control,2026-06-01\n')
    expect((await report([nobody, ...mapped])).stderr).toBe(
      'report: nobody.csv has no row with both an identity and a variant\n',
    )
  })

  test('--null: words, and an empty text', async () => {
    const path = write(
      'empty.csv',
      'user_id,variant,exposed_at\n1,control,2026-06-01 10:00\n2,,2026-06-01 10:00\n3,N/A,2026-06-01 10:00\n',
    )
    expect((await totals([path, ...mapped])).totals).toEqual({ control: 1, '': 1, 'N/A': 1 })
    expect((await totals([path, ...mapped, '--null', 'N/A'])).totals).toEqual({ control: 1, '': 1 })
    expect((await totals([path, ...mapped, '--null', 'N/A,'])).totals).toEqual({ control: 1 })
    expect((await totals([path, ...mapped, '--null', 'N/A', '--null', ''])).totals).toEqual({ control: 1 })
  })

  test('--where: values of one column are alternatives, columns must all hold', async () => {
    const path = write(
      'where.csv',
      'user_id,variant,exposed_at,country,a=b\n1,control,2026-06-01 10:00,ES,x\n2,blue,2026-06-01 10:00,FR,x\n' +
        '3,blue,2026-06-01 10:00,DE,x\n4,blue,soon,US,x\n5,blue,2026-06-01 10:00,ES,y=z\n',
    )
    const of = async (...where: string[]): Promise<Record<string, number>> =>
      (await totals([path, ...mapped, ...where.flatMap((each) => ['--where', each])])).totals
    expect(await of('country=ES', 'country=FR')).toEqual({ control: 1, blue: 2 })
    expect(await of('country=ES', 'a=b=x')).toEqual({ control: 1 })
    expect(await of('a=b=y=z')).toEqual({ blue: 1 })
    const none = await report([path, ...mapped, '--where', 'country=XX'])
    expect(none.stderr).toBe(
      'report: where.csv has no row whose "country" is "XX" (--where); it has "ES", "DE", "FR", "US"\n',
    )
    const one = await report([path, ...mapped, '--where', 'country=ES', '--where', 'country=XX'])
    expect(one.stderr).toBe(none.stderr)
    const together = await report([path, ...mapped, '--where', 'country=FR', '--where', 'a=b=y=z'])
    expect(together.stderr).toBe('report: where.csv has no row where country=FR and a=b=y=z\n')
    const unknown = await report([path, ...mapped, '--where', 'Country=XX'])
    expect(unknown.stderr).toContain('has no column "Country" (--where; did you mean "country"?)')
    const rows = write('rows.csv', 'user_id,variant,exposed_at,rows\n1,a,2026-06-01,5\n')
    expect((await report([rows, ...mapped, '--where', 'rows=6'])).stderr).toBe(
      'report: rows.csv has no row whose "rows" is "6" (--where); it has "5"\n',
    )
  })

  test('an arrival that cannot be read is told, as a timestamp is', async () => {
    const path = write(
      'arrival.csv',
      'user_id,variant,exposed_at,seen\n1,control,2026-06-01 10:00,2026-06-01 10:05\n2,blue,2026-06-01 10:00,later\n3,blue,2026-06-01 10:00,\n',
    )
    const { exitCode, stderr } = await report([path, ...mapped, '--arrival', 'seen', '--explain'])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('report: 1 of 3 rows of arrival.csv cannot be read\n')
    expect(stderr).toContain('  line 3: "later" in "seen" is not a timestamp\n')
    expect(
      (await report([path, ...mapped, '--arrival', 'seen', '--explain', '--skip-bad-rows'])).exitCode,
    ).toBe(0)
  })
})

describe.skipIf(!engineAvailable)('files (need the embedded ClickHouse)', () => {
  test('several files, in any order of columns and any format, are one experiment', async () => {
    const turned = write(
      'turned.csv',
      'exposed_at;variant;user_id\n2026-05-27 23:59:59;treatment;u-104\n2026-05-28 00:00:00;control;u-105\n' +
        '2026-05-29 18:30:00;control;u-101\n2026-05-31 12:00:00;treatment;u-106\n',
    )
    expect(await totals([fixture('parts/part-1.csv'), turned, ...mapped])).toEqual(answer)
    expect(await totals(['--file', fixture('parts/part-1.csv'), '--file', turned, ...mapped])).toEqual(answer)
  })

  test('dates in one file and instants in another are all instants', async () => {
    const dates = write('dates-1.csv', 'user_id,variant,exposed_at\n1,control,2026-06-01\n')
    const times = write('times-2.csv', 'user_id,variant,exposed_at\n2,control,2026-06-01 10:00\n')
    const { stdout } = await report([dates, times, ...mapped])
    expect(stdout).toContain('2 files, 2 events, times without a zone read as UTC')
    expect(stdout).toContain('2026-06-01 00:00:00 to 2026-06-01 10:00:00.001')
  })

  test('the same file twice would count twice', async () => {
    const path = fixture('parts/part-1.csv')
    expect((await report([path, path, ...mapped])).stderr).toMatch(
      /^report: part-1\.csv is named twice, and its rows would count twice/,
    )
  })

  test('standard input, by its content', async () => {
    const content = 'user_id;variant\n1;a\n'
    const directory = mkdtempSync(join(folder, 'input-'))
    const [file] = await inputFiles(['-'], directory, Readable.from([Buffer.from(content)]))
    expect(file).toMatchObject({ name: 'standard input', bytes: content.length })
  })

  test('a pipe such as that of <(…) is read once, and no answer reads it again', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('sh', ['-c', 'mkfifo "$1"', '-', pipe])
    const pour = (): void => void spawn('sh', ['-c', 'cat "$1" > "$2"', '-', fixture('commas.csv'), pipe])
    pour()
    expect(await totals([pipe, ...mapped])).toEqual(answer)
    pour()
    const { exitCode, stderr, asked } = await report([pipe], ['y'])
    expect([exitCode, asked]).toEqual([1, []])
    expect(stderr).toContain('--identity user_id --variant variant --timestamp exposed_at')
  })

  test('an address, and what it answers', async () => {
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/data/may.csv') === true) {
        response.end('user_id,variant,exposed_at\n1,control,2026-06-01 10:00\n2,blue,2026-06-01 10:00\n')
      } else if (request.url === '/page') response.end('<!doctype html><title>Sign in</title>')
      else response.writeHead(404).end()
    }).listen(0, '127.0.0.1')
    await new Promise((settle) => server.once('listening', settle))
    const { port } = server.address() as AddressInfo
    try {
      const at = (path: string): string => `http://127.0.0.1:${port}${path}`
      expect((await totals([at('/data/may.csv?token=secret'), ...mapped])).totals).toEqual({
        control: 1,
        blue: 1,
      })
      const { stdout } = await report([at('/data/may.csv?token=secret'), ...mapped])
      expect(stdout).toContain('may.csv, 2 events')
      expect(stdout).not.toContain('secret')
      expect((await report([at('/page'), ...mapped])).stderr).toMatch(
        /^report: page is a web page or XML, not a table/,
      )
      expect((await report([at('/other.csv'), ...mapped])).stderr).toMatch(
        /^report: other\.csv cannot be fetched: 127\.0\.0\.1:\d+ answered 404/,
      )
    } finally {
      await new Promise((settle) => server.close(settle))
    }
    expect((await report([`http://127.0.0.1:${port}/x.csv`, ...mapped])).stderr).toMatch(
      /^report: x\.csv cannot be fetched from 127\.0\.0\.1:\d+: ECONNREFUSED/,
    )
  })

  test.each([
    [
      'book.xlsx',
      'PK\u0003\u0004....[Content_Types].xml',
      'book.xlsx is an Excel workbook: save the sheet as CSV',
    ],
    ['files.zip', 'PK\u0003\u0004....events.csv', 'files.zip is a zip archive: unpack it'],
    ['files.tar', `events.csv${'\0'.repeat(247)}ustar`, 'files.tar is a tar archive: unpack it'],
    [
      'files.tar.gz',
      gzipSync(`events.csv${'\0'.repeat(247)}ustar`),
      'files.tar.gz is a tar archive: unpack it',
    ],
    ['events.csv.bz2', 'BZh91AY&SY', 'events.csv.bz2 is compressed with bzip2'],
    [
      'cut.csv.gz',
      gzipSync(`user,arm\n${Array.from({ length: 9000 }, (_, n) => `${n * n},a\n`).join('')}`).subarray(
        0,
        20_000,
      ),
      'cut.csv.gz cannot be read as CSV: its compression (gz) is damaged or cut off',
    ],
    [
      'postgres.sql',
      '--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n',
      'postgres.sql is a script of SQL',
    ],
    [
      'mysql.sql',
      '-- MySQL dump 10.13\n\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `a`;\n',
      'mysql.sql is a script of SQL',
    ],
    ['sqlite.sql', 'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n', 'sqlite.sql is a script of SQL'],
    ['page.csv', '<!DOCTYPE html>\n<html>', 'page.csv is a web page or XML'],
    ['paper.pdf', '%PDF-1.7', 'paper.pdf is a PDF'],
    [
      'dump.csv',
      "-- MySQL dump\n\n/*!40101 SET NAMES utf8 */;\nINSERT INTO `t` VALUES ('u', 'a');\n",
      'dump.csv is a script of SQL',
    ],
    ['data.bin', '\u0001\u0000\u0002\u0000\u0000\u0003', 'data.bin: unknown file type'],
    ['words.txt', 'one\ntwo\n', 'words.txt: unknown file type'],
  ])('%s is refused with what to do', async (name, content, line) => {
    const { exitCode, stderr } = await report([write(name, content), ...mapped])
    expect([exitCode, stderr.includes(`report: ${line}`)]).toEqual([1, true])
  })

  test.each(['html', 'assignments'])('--%s does not replace a file that is reported', async (option) => {
    const parts = join(folder, `parts-${option}`)
    mkdirSync(parts)
    const part = write(`parts-${option}/part.csv`, 'user_id,variant,exposed_at\nu1,a,2026-06-01\n')
    for (const named of [part, parts, join(parts, '*.csv')]) {
      const { exitCode, stderr } = await report([named, ...mapped, `--${option}`, part])
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(`^report: --${option} needs a file of its own`),
      ])
    }
    expect(readFileSync(part, 'utf8')).toBe('user_id,variant,exposed_at\nu1,a,2026-06-01\n')
  })

  test('a pattern and a folder without files', async () => {
    expect((await report([join(folder, 'none-*.csv')])).stderr).toMatch(
      /^report: no file matches .*none-\*\.csv/,
    )
    mkdirSync(join(folder, 'nothing'))
    expect((await report([join(folder, 'nothing')])).stderr).toMatch(
      /^report: the folder .* has no file of a known type/,
    )
  })

  test('what of a folder is not read is told', async () => {
    const path = join(folder, 'exports')
    mkdirSync(join(path, 'older'), { recursive: true })
    for (const name of ['may.csv', 'june.txt', '_SUCCESS'])
      writeFileSync(join(path, name), 'user_id,variant,exposed_at\n1,a,2026-06-01\n')
    const { stdout } = await report([path, ...mapped])
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /Not read of the folder \S+, because of no known type or a folder: june\.txt, older\/; name what belongs to it too\./,
    )
  })

  test('--delimiter, --format and --encoding have the last word', async () => {
    const carets = write(
      'carets',
      'user_id^variant^exposed_at\n1^control^2026-06-01 10:00\n2^blue^2026-06-01 10:00\n',
    )
    expect((await totals([carets, ...mapped, '--delimiter', '^'])).totals).toEqual({ control: 1, blue: 1 })
    const one = write('one.dat', '{"user_id":1,"variant":"a","exposed_at":1780272000}\n')
    expect((await totals([one, ...mapped, '--format', 'jsonl'])).totals).toEqual({ a: 1 })
    const late = write(
      'late.csv',
      Buffer.concat([
        Buffer.from('user_id,variant,exposed_at\n' + '1,control,2026-06-01 10:00\n'.repeat(20_000)),
        Buffer.from('2,caf\u00e9,2026-06-01 10:00\n', 'latin1'),
      ]),
    )
    expect((await report([late, ...mapped])).stderr).toContain('--encoding latin1')
    expect((await totals([late, ...mapped, '--encoding', 'latin1'])).totals).toEqual({ control: 1, café: 1 })
  })

  test('a form of timestamps that only later rows have is found too', async () => {
    const path = write(
      'mixed.csv',
      `user_id,variant,exposed_at\n${'1,control,2026-06-01 10:00\n'.repeat(2000)}2,blue,1780272000000\n3,blue,Jun 2 2026 9:00 AM\n`,
    )
    expect((await totals([path, ...mapped])).totals).toEqual({ control: 1, blue: 2 })
  })

  test('years of two digits beside others of four: the example has two', async () => {
    const path = write(
      'years.csv',
      'user_id,variant,exposed_at\nu1,a,13/06/2026 10:00\nu2,b,14/06/26 11:00\n',
    )
    expect((await report([path, ...mapped])).stderr).toContain(
      `have years of two digits, and it is not clear where: "14/06/26 11:00"; say how`,
    )
  })

  test('times are those of --time-zone, also in the options, and the report says so', async () => {
    const { stdout } = await report([
      fixture('commas.csv'),
      ...mapped,
      '--time-zone',
      'Asia/Tokyo',
      '--start',
      '2026-05-27 23:59:59',
    ])
    expect(stdout).toContain('times without a zone read as Asia/Tokyo')
    expect(stdout).toContain('2026-05-27 23:59:59 to 2026-05-31 12:00:00.001')
  })

  test.each([
    ['ms', '1780272000000', false],
    ['%d.%m.%Y %H:%M %z', '01.06.2026 10:00 +0200', false],
    ['%d.%m.%Y %H:%M', '01.06.2026 10:00', true],
    ['%Y%m%d%H', '2026060109', true],
  ])(
    '--timestamp-format %j: a count, or a time with its zone, is read as none',
    async (form, at, isNaive) => {
      const path = write('zone.csv', `user_id,variant,exposed_at\n1,a,${at}\n2,a,${at}\n`)
      const { exitCode, stdout } = await report([path, ...mapped, '--timestamp-format', form])
      expect([exitCode, stdout.includes('times without a zone')]).toEqual([0, isNaive])
    },
  )

  test('line numbers hold after quoted breaks, comments and blank lines', async () => {
    const path = write(
      'lines.csv',
      '# a comment\nuser_id,note,variant,exposed_at\n1,"two\nlines, ""quoted""",a,2026-06-01 10:00\n\n2,x,a,soon\n3,y\n',
    )
    const { stderr } = await report([path, ...mapped])
    expect(stderr).toContain('report: 2 of 3 rows of lines.csv cannot be read\n')
    expect(stderr).toContain('  line 6: "soon" in "exposed_at" is not a timestamp\n')
    expect(stderr).toContain('  line 7: "3,y" does not have the fields of the other lines\n')
  })
})

const rows = (of: string, count: number, rest: string): string =>
  Array.from({ length: count }, (_, row) => `${of}${row},control,2026-06-01 10:00${rest}\n`).join('')

describe.skipIf(!engineAvailable)('quotes (need the embedded ClickHouse)', () => {
  // Of the last column, the engine takes the end of the file for the end of the field.
  test.each([
    ['the first column', 'user_id,variant,exposed_at\n', '"x,control,2026-06-01 10:00\n', ''],
    ['the last column', 'user_id,variant,exposed_at,note\n', 'x,control,2026-06-01 10:00,"5 inch\n', ',y'],
  ])('one that is never closed, in %s, is told with its line', async (_, names, row, rest) => {
    const text = `${names}${rows('a', 1000, rest)}${row}${rows('b', 10, rest)}`
    for (const path of [write('open.csv', text), write('open.csv.gz', gzipSync(text))]) {
      const { exitCode, stderr } = await report([path, ...mapped, '--skip-bad-rows'])
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringContaining('has a quote in line 1,002 that is never closed, so all lines after it'),
      ])
    }
  })

  test('one that a later row’s quote closes takes the lines between, and all of these are named', async () => {
    const open = (of: string): string => `${of},"5 inch,2026-06-01 10:00\n`
    const path = write(
      'closed.csv',
      `user_id,variant,exposed_at\n${rows('a', 2, '')}${open('x')}${rows('b', 2, '')}${open('y')}${rows('c', 2, '')}`,
    )
    const where = `lines 4 to 7: ${JSON.stringify('x,"5 inch,2026-06-01 10:00')} does not have the fields`
    const { stderr } = await report([path, ...mapped])
    expect(stderr).toContain(`report: 1 of 5 rows of closed.csv cannot be read\n  ${where}`)
    expect((await totals([path, ...mapped, '--skip-bad-rows'])).totals).toEqual({ control: 4 })
  })

  test('one that stands alone in a line is closed, and so is one in the last line', async () => {
    const path = write(
      'alone.csv',
      'user_id,note,variant,exposed_at\n1,"text\n",a,2026-06-01\n2,y,b,2026-06-01\n3,"z",b,2026-06-01\n4,"\n",b,2026-06-01\n',
    )
    expect((await totals([path, ...mapped])).totals).toEqual({ a: 1, b: 3 })
  })

  test('text after a closed one, also in the first row, is told with its line', async () => {
    const path = write('after.csv', `user_id,variant,exposed_at\n"u"1,a,2026-06-01\n2,b,2026-06-01\n`)
    expect((await report([path, ...mapped])).stderr).toContain(
      'line 2: "\\"u\\"1,a,2026-06-01" does not have the fields of the other lines',
    )
    expect((await totals([path, ...mapped, '--skip-bad-rows'])).totals).toEqual({ b: 1 })
  })

  test('Excel writes them only where it must, which may be in a late line of a text with tabs', async () => {
    const tabs = (text: string): string => text.replaceAll(',', '\t')
    const path = write(
      'late-quotes.tsv',
      `${tabs(`user_id,variant,exposed_at\n${rows('a', 300, '')}`)}x\t"one, two"\t2026-06-01 10:00\n`,
    )
    expect((await totals([path, ...mapped])).totals).toEqual({ control: 300, 'one, two': 1 })
  })
})

describe.skipIf(!engineAvailable)('files of programs (need the embedded ClickHouse)', () => {
  test('a byte order mark is no part of a value or of a name', async () => {
    const places = ['--identity', 'column 1', '--variant', 'column 2', '--timestamp', 'column 3']
    for (const [name, delimiter, quote] of [
      ['mark.csv', ',', ''],
      ['mark.csv', ',', '"'],
      ['mark.tsv', '\t', ''],
    ] as const) {
      const row = [`${quote}u1${quote}`, 'a', '2026-06-01'].join(delimiter)
      expect((await totals([write(name, `\ufeff${row}\n${row}\n`), ...places])).totals).toEqual({ a: 1 })
    }
    const part = (user: string): string => `\ufeffuser_id,variant,exposed_at\n${user},a,2026-06-01\n`
    const path = write('joined.csv', part('u1') + part('u2'))
    expect((await totals([path, ...mapped])).totals).toEqual({ a: 2 })
  })

  test('a text with tabs whose lines end as those of an old Mac', async () => {
    const path = write('mac.tsv', 'user_id\tvariant\texposed_at\r1\ta\t2026-06-01\r2\tb\t2026-06-01\r')
    expect((await totals([path, ...mapped])).totals).toEqual({ a: 1, b: 1 })
  })

  test('dates with an hour in ten digits are not taken for seconds', async () => {
    const path = write('hours.csv', 'user_id,variant,exposed_at\n1,a,2026060109\n2,b,2026060210\n')
    expect((await report([path, ...mapped])).stderr).toMatch(
      /can be read in two ways: 2026060109 is 2026-06-01 09:00, or 2034-03-15 18:28 \(seconds since 1970\)/,
    )
    const { stdout, asked } = await report([path], ['1'])
    expect(asked).toEqual(['Report it like this? [1/2/n] '])
    expect(stdout).toContain('2026-06-01 09:00:00 to 2026-06-02 10:00:00.001')
    const seconds = write('seconds.csv', 'user_id,variant,exposed_at\n1,a,2026060109\n2,b,2026060199\n')
    expect((await report([seconds, ...mapped])).stdout).toContain('2034-03-15 18:28:29')
  })

  test('a year that has no nanoseconds, in a file with types, is a row that cannot be read', async () => {
    const path = join(folder, 'ages.parquet')
    await writeParquet(
      path,
      `SELECT number AS user_id, 'a' AS variant,
        toDateTime64(if(number = 1, '9999-12-31 00:00:00', '2026-06-01 10:00:00.25'), 3, 'UTC') AS exposed_at
      FROM numbers(3)`,
    )
    expect((await report([path, ...mapped])).stderr).toContain('row 2: "9999-12-31 00:00:00')
    expect((await totals([path, ...mapped, '--skip-bad-rows'])).totals).toEqual({ a: 2 })
  })

  test('a date and an hour, in a file with types, that are no timestamp are told with their row', async () => {
    const path = join(folder, 'hours.parquet')
    await writeParquet(
      path,
      `SELECT number AS user_id, 'a' AS variant, toDate('2026-06-01') AS date, number * 12 + 1 AS hour
      FROM numbers(3)`,
    )
    const { stderr } = await report([path, ...mapped.slice(0, 4), '--timestamp', 'date+hour'])
    expect(stderr).toContain('row 3: "2026-06-01 25:00" in "date+hour" is not a timestamp')
  })

  test('JSON: a file that was cut off late, and half a sign', async () => {
    const line = (user: string): string =>
      `{"user_id":"${user}","variant":"a","exposed_at":"2026-06-01 10:00:00"}\n`
    const lines = Array.from({ length: 30_000 }, (_, user) => line(String(user))).join('')
    const path = write('late.ndjson', `${lines}{"user_id":"x","var`)
    expect((await report([path, ...mapped])).stderr).toContain('line 30001: ')
    expect((await totals([path, ...mapped, '--skip-bad-rows'])).totals).toEqual({ a: 30_000 })
    const half = write('half.ndjson', line('x') + line('\\ud800'))
    expect((await totals([half, ...mapped])).totals).toEqual({ a: 2 })
    const none = write('none.json', '[\n]\n')
    expect((await report([none])).stderr).toBe('report: none.json is empty: there is nothing to report\n')
  })

  test.each([
    ['a line that cannot be read', '{"user_id"'],
    ['an object where others have a text', '{"user_id":"x","variant":"b","exposed_at":{"at":"x"}}'],
  ])('JSON: numbers are as they were written, also beside %s', async (_, line) => {
    const numbers = ['1', '1.0', '1.10', '1.1', '1e3', '1000', '-0', '0', '18446744073709551616', '"2 -3"']
    const lines = numbers.map(
      (each) => `{"user_id": ${each},"variant":"a","exposed_at":"2026-06-01 10:00:00"}\n`,
    )
    const path = write('numbers.ndjson', `${lines.join('')}${line}\n`)
    const skipped = [path, ...mapped, '--skip-bad-rows']
    expect((await totals(skipped)).totals).toEqual({ a: numbers.length })
    for (const identity of ['1.10', '-0', '18446744073709551616', '2 -3'])
      expect((await report([...skipped, '--identity-story', identity])).stdout).toContain(' a ')
  })

  test('JSON: a line that is nested too deeply, or has half a sign in it, is not called something else', async () => {
    const line = (value: string): string =>
      `{"user_id":1,"variant":"a","exposed_at":"2026-06-01 10:00:00","x":${value}}\n`
    const path = write(
      'deep.ndjson',
      `${line('1')}${line('['.repeat(2000) + ']'.repeat(2000))}${line('"\\ud800"')}{"us\n`,
    )
    const { stderr } = await report([path, ...mapped])
    expect(stderr).toMatch(/line 2: .* is nested more deeply than can be read\n/)
    expect(stderr).toMatch(/line 3: .* has half a sign in it\n/)
    expect(stderr).toMatch(/line 4: .* is not an object of JSON\n/)
  })

  test('a file with types and without rows is empty at the first try too, and keeps no other file from being read', async () => {
    const path = join(folder, 'none.parquet')
    const engine = await embeddedClickHouse()
    try {
      const { stream } = await engine.client.exec({
        query: `SELECT '' AS user_id, '' AS variant, now() AS exposed_at LIMIT 0 FORMAT Parquet`,
      })
      writeFileSync(path, Buffer.concat((await stream.toArray()) as Buffer[]))
    } finally {
      await engine.close()
    }
    expect((await report([path])).stderr).toBe('report: none.parquet is empty: there is nothing to report\n')
    expect((await report([path, fixture('commas.csv')])).stderr).toContain(`commas.csv ${mapped.join(' ')}\n`)
  })

  test('a row that cannot be read does not keep others from saying whether the day comes first', async () => {
    const csv = write('days.csv', 'user_id,variant,exposed_at\n1,a,13/05/2026\n2,b\n3,b,01/05/2026\n')
    const json = write(
      'days.ndjson',
      '{"user_id":1,"variant":"a","exposed_at":"13/05/2026","test":"x"}\n{"user_id"\n{"user_id":3,"variant":"b","exposed_at":"01/05/2026","test":"x"}\n',
    )
    for (const path of [csv, json]) {
      expect((await report([path, ...mapped])).stderr).toMatch(
        /1 of 3 rows .* cannot be read\n {2}line [23]: /,
      )
      expect((await totals([path, ...mapped, '--skip-bad-rows'])).totals).toEqual({ a: 1, b: 1 })
    }
    const skipped = [json, ...mapped, '--skip-bad-rows', '--feature-column', 'test']
    expect((await report([...skipped, '--feature', 'x', '--explain'])).exitCode).toBe(0)
    expect((await report([...skipped, '--feature', 'y'])).stderr).toContain('it has "x"')
  })
})

describe.skipIf(!engineAvailable)('a file without timestamps (needs the embedded ClickHouse)', () => {
  const asked = [
    fixture('no-timestamps.csv'),
    '--identity',
    'userid',
    '--variant',
    'version',
    '--no-timestamp',
  ]

  test('totals, crossovers, the split and slices, and nothing over time', async () => {
    const { exitCode, stdout } = await report([
      ...asked,
      '--expected',
      'control=50%,treatment=50%',
      '--breakdown',
      'sum_gamerounds',
    ])
    expect(exitCode).toBe(0)
    for (const words of ['none: the file has no timestamps', 'control + treatment', 'sum_gamerounds']) {
      expect(stdout).toContain(words)
    }
    expect(stdout).not.toMatch(/Window|Granularity|cumulative|20[0-9]{2}-|silent|day|hour/)
  })

  test.each([
    [['--policy', 'first-seen'], '--policy first-seen needs timestamps'],
    [['--start', '2026-06-01'], '--start needs timestamps'],
    [['--html', 'x.html'], '--html, whose charts are over time, needs timestamps'],
    [['--identity-story', 'x'], '--identity-story needs timestamps'],
  ])('%j has no meaning without them', async (options, line) => {
    expect((await report([...asked, ...options])).stderr).toContain(line)
  })
})

describe('options that would quietly give another answer', () => {
  test.each([
    [['x.csv', '--feature', 'checkout'], /--feature checkout needs --feature-column <name>/],
    [
      ['x.csv', '--identity', 'a', '--identity', 'b'],
      /--identity is given twice, or after its opposite: the second would replace/,
    ],
    [
      ['x.csv', '--timestamp', 'at', '--no-timestamp'],
      /--no-timestamp is given twice, or after its opposite/,
    ],
    [['x.csv', '--url', 'http://localhost', '--feature', 'x'], /--url cannot be used with a file/],
    [['--where', 'a=b'], /--where works only with files/],
    [['--no-timestamp'], /--no-timestamp works only with files/],
    [['x.csv', '--delimiter', '||'], /Pass one character/],
    [['x.csv', '--format', 'xls'], /Known formats are csv, tsv/],
    [['x.csv', '--encoding', 'ebcdic'], /Known encodings are/],
    [['x.csv', '--timestamp-format', 'sometimes'], /Pass day-first, month-first/],
    [['x.csv', '--rename', 'a'], /--rename a needs old=new/],
    [['x.csv', '--where', 'variant'], /--where variant needs column=value/],
    [['x.csv', '--rename', 'a=b', '--rename', 'a=c'], /--rename gives "a" two names/],
  ])('%j is refused', (args, line) => {
    expect(() => reportArguments(args)).toThrow(line)
  })

  test('--expected takes percentages', () => {
    const { expectedShares } = reportArguments([
      '--expected',
      'control=50%,treatment= 50 %',
    ]) as ReportArguments
    expect(expectedShares).toEqual({ control: 50, treatment: 50 })
  })
})
