import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import * as core from 'first-exposure'
import {
  rollupAudit,
  rolledUp,
  rollupErasure,
  rollupMigration,
  rollupSchema,
  rollupBackfill,
} from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/command/run-command.js'
import { parameterText, printedStatements } from '../../src/command/sql-forms.js'
import { sqlStatements } from '../../src/command/sql-statements.js'
import { runs } from '../arbitraries/runs.js'
import { insertDocumentedEvents } from '../checks/docs/documented-events.js'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function sql(...args: readonly string[]): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  const exitCode = await runCommand(['sql', ...args], {
    print: (text) => (stdout += text),
    say: (text) => (stderr += text),
    width: 80,
    colour: false,
  })
  return { exitCode, stdout, stderr }
}

async function printed(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await sql(...args)
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  return stdout
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-exposure-test-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})
function specFile(spec: unknown): string {
  const path = join(folder, 'spec.json')
  writeFileSync(path, typeof spec === 'string' ? spec : JSON.stringify(spec))
  return path
}

const input = { environmentKey: 'prod', featureName: 'checkout' }
const spec = core.exposureSpec(input)
const search = core.exposureSpec({ ...input, featureName: 'search' })
const window = core.exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const at = ['--start', '2026-06-01', '--as-of', '2026-06-15']
const about = ['--environment', 'prod', '--feature', 'checkout', ...at]
const schema = rollupSchema({ source: core.flagsmithEvents(), rollup: 'by_day' })
const day = '2026-06-01'
const sliced = core.exposureSpec({ ...input, breakdown: { column: 'sdk_language', top: 5 } })
const throughRollup = core.exposureSpec({ ...input, source: rolledUp(core.flagsmithEvents(), 'by_day') })
const window2 = { start: '2026-06-01T00:00:00Z', asOf: '2026-06-15T00:00:00Z' }

/** Each statement: from options, from a spec, and as the library makes it. */
const cases: Readonly<Record<string, readonly [args: readonly string[], json: object, made: unknown]>> = {
  summary: [about, { spec: input, window: window2 }, core.firstExposuresQuery(spec, window)],
  'exposed-identities': [
    [...about, '--dimension', 'sdk_language', '--prefix', 'p_', '--partition', '1/4'],
    {
      spec: input,
      window: window2,
      options: { dimensions: ['sdk_language'], prefix: 'p_', partition: { index: 1, of: 4 } },
    },
    core.exposedIdentitiesQuery(spec, window, {
      dimensions: ['sdk_language'],
      prefix: 'p_',
      partition: { index: 1, of: 4 },
    }),
  ],
  ledger: [
    [...about, '--lateness-ms', '60000'],
    { spec: input, window: window2, options: { latenessMs: 60_000 } },
    core.exposureLedgerQuery(spec, window, { latenessMs: 60_000 }),
  ],
  crossovers: [about, { spec: input, window: window2 }, core.crossoversQuery(spec, window)],
  breakdown: [
    [...about, '--breakdown', 'sdk_language', '--top', '5'],
    { spec: { ...input, breakdown: { column: 'sdk_language', top: 5 } }, window: window2 },
    core.exposuresBreakdownQuery(sliced, window),
  ],
  timeline: [
    [...about, '--identity-story', 'dan', '--limit', '3'],
    { spec: input, window: window2, identity: 'dan', options: { limit: 3 } },
    core.identityTimelineQuery(spec, window, 'dan', { limit: 3 }),
  ],
  batch: [
    [...about, '--feature', 'search'],
    {
      experiments: [{ spec: input }, { spec: { ...input, featureName: 'search' }, window: window2 }],
      window: window2,
    },
    core.firstExposuresBatchQuery([
      { spec, window },
      { spec: search, window },
    ]),
  ],
  overlap: [
    [...about, '--feature', 'search'],
    { experiments: [{ spec: input }, { spec: { ...input, featureName: 'search' } }], window: window2 },
    core.overlapQuery(spec, search, window),
  ],
  overlaps: [
    [...about, '--feature', 'search'],
    { experiments: [{ spec: input }, { spec: { ...input, featureName: 'search' } }], window: window2 },
    core.overlapsQuery([spec, search], window),
  ],
  'rollup-create': [
    ['--rollup', 'by_day'],
    { rollup: { source: 'flagsmith', rollup: 'by_day' } },
    schema.create,
  ],
  'rollup-days': [['--rollup', 'by_day'], { rollup: { source: 'flagsmith', rollup: 'by_day' } }, schema.days],
  'rollup-backfill': [
    ['--rollup', 'by_day', '--day', day, '--day', '2026-06-02'],
    { rollup: { source: 'flagsmith', rollup: 'by_day' }, days: [day, '2026-06-02'] },
    rollupBackfill(schema, [day, '2026-06-02']),
  ],
  'rollup-migrate': [
    ['--rollup', 'by_identity', '--from', 'by_day'],
    { rollup: { source: 'flagsmith', rollup: 'by_identity' }, from: 'by_day' },
    rollupMigration({ source: core.flagsmithEvents(), rollup: 'by_identity' }, 'by_day'),
  ],
  'rollup-erase': [
    ['--rollup', 'by_day', '--keep', 'sdk_language', '--erase', 'ann', '--erase', "o'brien"],
    {
      rollup: { source: 'flagsmith', rollup: 'by_day', columns: ['sdk_language'] },
      identities: ['ann', "o'brien"],
    },
    rollupErasure(
      rollupSchema({ source: core.flagsmithEvents(), rollup: 'by_day', columns: ['sdk_language'] }),
      ['ann', "o'brien"],
    ),
  ],
  'rollup-drop': [['--rollup', 'by_day'], { rollup: { source: 'flagsmith', rollup: 'by_day' } }, schema.drop],
  'rollup-audit': [
    [...about, '--rollup', 'by_day'],
    { spec: { ...input, source: { layout: 'flagsmith', rollup: 'by_day' } }, window: window2 },
    rollupAudit(throughRollup, window),
  ],
}

test('every statement of the library is one of the command', () => {
  expect(Object.keys(sqlStatements)).toEqual(Object.keys(cases))
  // Old names are not printed.
  const queries = Object.keys(core).filter((name) => name.endsWith('Query'))
  expect(queries.length - 2).toBe(Object.keys(cases).filter((name) => !name.startsWith('rollup-')).length)
})

describe.each(Object.entries(cases))('%s', (name, [args, json, made]) => {
  test('from options it is that of the library', async () => {
    expect(JSON.parse(await printed(name, ...args))).toEqual(made)
  })
  test('from a spec too, named in it or beside it', async () => {
    expect(JSON.parse(await printed('--spec', specFile({ statement: name, ...json })))).toEqual(made)
    expect(JSON.parse(await printed(name, '--spec', specFile(json)))).toEqual(made)
  })
  test('each form is about the same text', async () => {
    const all = (Array.isArray(made) ? made : [made]) as core.ExposuresQuery[]
    // One alone goes into parentheses.
    const end = all.length === 1 ? '\n' : ';\n'
    expect(await printed(name, ...args, '--inline')).toBe(
      all.map((each) => `${core.inlineParameters(each)}${end}`).join('\n'),
    )
    const set = await printed(name, ...args, '--as', 'set')
    for (const { query, query_params } of all) {
      expect(set).toContain(`${query};\n`)
      for (const param of Object.keys(query_params)) expect(set).toContain(`SET param_${param} = '`)
    }
  })
})

test('a view keeps the parameters that are named', async () => {
  const text = await printed('exposed-identities', ...about, '--inline', '--except', 'start_ms, as_of_ms')
  expect(text).toContain('{start_ms:Int64}')
  expect(text).toContain("'checkout'")
})

describe.skipIf(!engineAvailable)('on the engine', () => {
  const client = engineAvailable ? openInProcess() : undefined
  beforeAll(async () => {
    if (client === undefined) return
    await insertDocumentedEvents(client)
    for (const each of schema.create) await client.command(each)
    for (const each of rollupBackfill(schema, [day])) await client.command(each)
  })
  afterAll(async () => {
    await client?.close()
  })
  const rows = async (
    query: string,
    query_params?: Record<string, unknown>,
  ): Promise<readonly string[] | undefined> => {
    const result = await client?.query({
      query,
      format: 'JSONEachRow',
      ...(query_params === undefined ? {} : { query_params }),
    })
    // Their order is no part of the answer.
    return (await result?.json<object>())?.map((row) => JSON.stringify(row)).sort()
  }

  test('docs/command.md names the columns of each', async () => {
    const described = /^\| (`[^|]*`) +\|[^|]*\| ([^|]*)\|$/gm
    const [, section = ''] = readFileSync('docs/command.md', 'utf8').split('### The rows')
    const names = (text: string): string[] =>
      [...text.matchAll(/`([a-z_-]+)`/g)].map(([, name]) => name ?? '')
    const columns = new Map(
      [...(section.split('\n### ')[0] ?? '').matchAll(described)].flatMap(
        ([, statements = '', listed = '']) =>
          names(statements).map((statement) => [statement, names(listed.split(/, and|;/)[0] ?? '')] as const),
      ),
    )
    expect([...columns.keys()].sort()).toEqual(selects.filter((name) => name !== 'rollup-days').sort())
    for (const [statement, listed] of columns) {
      const [args = []] = cases[statement] ?? []
      const plain = args.filter((_, place) => ![args[place], args[place - 1]].includes('--dimension'))
      const result = await client?.query({
        query: `DESCRIBE (${await printed(statement, ...plain, '--inline')})`,
        format: 'JSONEachRow',
      })
      const answered = (await result?.json<{ readonly name: string }>())?.map(({ name }) => name)
      expect(listed, statement).toEqual(answered)
    }
  })

  const selects = Object.keys(cases).filter((name) => !/-(create|backfill|migrate|erase|drop)$/.test(name))
  test.each(selects)('%s answers as the library does, with its values printed', async (name) => {
    const [args, , made] = cases[name] ?? [[], {}, {}]
    const { query, query_params } = made as core.ExposuresQuery
    const answer = await rows(query, query_params)
    expect(answer).not.toEqual([])
    const json = JSON.parse(await printed(name, ...args)) as core.ExposuresQuery
    expect(await rows(json.query, json.query_params)).toEqual(answer)
    expect(await rows(`SELECT * FROM (${await printed(name, ...args, '--inline')})`)).toEqual(answer)
    const lines = (await printed(name, ...args, '--as', 'set')).split('\n')
    const settings = lines.filter((line) => line.startsWith('SET param_'))
    for (const line of settings) await client?.command({ query: line.replace(/;$/, '') })
    expect(await rows(lines.slice(settings.length).join('\n').replace(/;\n$/, ''))).toEqual(answer)
  })

  test('any text and any list arrive as they are', async () => {
    const wellFormed = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed())
    await fc.assert(
      fc.asyncProperty(
        wellFormed,
        fc.array(wellFormed, { minLength: 1, maxLength: 4 }),
        async (text, list) => {
          const query = 'SELECT hex({t:String}) AS t, arrayMap(x -> hex(x), {l:Array(String)}) AS l'
          const set = printedStatements([{ query, query_params: { t: text, l: list } }], 'set')
          const [one = '', other = ''] = set.split('\n')
          expect(`${one}\n${other}`.match(/^SET/gm)).toHaveLength(2)
          for (const line of [one, other]) await client?.command({ query: line.replace(/;$/, '') })
          const hex = (each: string): string => Buffer.from(each).toString('hex').toUpperCase()
          expect(await rows(query)).toEqual([JSON.stringify({ t: hex(text), l: list.map(hex) })])
        },
      ),
      { numRuns: runs(200) },
    )
  })
})

test('a value is one line in every form', () => {
  expect(parameterText('a\tb\n\r\0\\')).toBe('a\\tb\\n\\r\\0\\\\')
  expect(parameterText(["a'b\\", 'c'])).toBe(String.raw`['a\'b\\','c']`)
  expect(parameterText([1, 2.5])).toBe('[1,2.5]')
  expect(parameterText(false)).toBe('false')
})

describe('expressions in a spec', () => {
  const filters = [{ sql: 'is_bot = 0' }]
  const withSql = { statement: 'summary', spec: { ...input, filters }, window: window2 }

  test('are refused unless the caller trusts them', async () => {
    const { exitCode, stdout, stderr } = await sql('--spec', specFile(withSql))
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      'sql: invalid-spec: the spec has an expression, {"sql": "…"}: its text becomes part of the statement. If you ' +
        'trust whoever wrote it, add --trusted-sql\n',
    )
    const made = core.firstExposuresQuery(
      core.exposureSpec({ ...input, filters: [core.trustedSql`is_bot = 0`] }),
      window,
    )
    expect(JSON.parse(await printed('--spec', specFile(withSql), '--trusted-sql'))).toEqual(made)
  })

  test('as a column, with quotes and backslashes, and as the table', async () => {
    const source = {
      table: { sql: "SELECT * FROM `raw` WHERE x != '\\''" },
      columns: { environment: null, event: null, variant: { sql: "replaceRegexpOne(v, '\\\\d', '')" } },
    }
    const made = core.firstExposuresQuery(
      core.exposureSpec({
        featureName: 'f',
        source: {
          table: core.trustedSql`SELECT * FROM \`raw\` WHERE x != '\''`,
          columns: {
            environment: null,
            event: null,
            variant: core.trustedSql(
              Object.assign(["replaceRegexpOne(v, '\\\\d', '')"], {
                raw: ["replaceRegexpOne(v, '\\\\d', '')"],
              }),
            ),
          },
        },
      }),
      window,
    )
    const json = { statement: 'summary', spec: { featureName: 'f', source }, window: window2 }
    const { query } = JSON.parse(
      await printed('--spec', specFile(json), '--trusted-sql'),
    ) as core.ExposuresQuery
    expect(query).toContain("replaceRegexpOne(v, '\\\\d', '')")
    expect(query.length).toBeGreaterThan(made.query.length - 10)
  })

  test('a layout of the library brings its own', async () => {
    const json = {
      statement: 'summary',
      spec: {
        environmentKey: '2',
        featureName: 'f',
        source: {
          layout: 'posthog',
          identity: 'distinct_id',
          cluster: 'c',
          table: { database: 'd', table: 'e' },
        },
      },
      window: window2,
    }
    const source = core.postHogEvents({ identity: 'distinct_id', table: { database: 'd', table: 'e' } })
    expect(JSON.parse(await printed('--spec', specFile(json)))).toEqual(
      core.firstExposuresQuery(
        core.exposureSpec({ environmentKey: '2', featureName: 'f', source: { ...source, cluster: 'c' } }),
        window,
      ),
    )
  })
})

describe('what it refuses, in its own words', () => {
  const here = (...args: readonly string[]): readonly string[] => args
  test.each([
    [here(), 'invalid-options: name a statement: summary, '],
    [
      here('smmary'),
      'invalid-options: there is no statement "smmary" (did you mean summary?); the statements are summary, ',
    ],
    [here('toString'), 'invalid-options: there is no statement "toString"'],
    [here('summary', ...at), 'invalid-options: summary needs --feature'],
    [
      here('summary'),
      'invalid-options: summary needs --feature, --start, --as-of and --environment (or --no-environment-column)\n',
    ],
    [
      here('summary', '--no-environment-column', '--feature', 'a'),
      'invalid-options: summary needs --start and --as-of\n',
    ],
    [
      here('batch', '--layout', 'growthbook', '--start', '2026-06-01'),
      'invalid-options: batch needs --feature and --as-of\n',
    ],
    [
      here('rollup-audit', '--environment', 'prod', '--feature', 'a', '--start', '2026-06-01'),
      'invalid-options: rollup-audit needs --as-of and --rollup\n',
    ],
    [here('rollup-migrate'), 'invalid-options: rollup-migrate needs --from and --rollup\n'],
    [
      here('summary', '--feature', 'a', '--feature', 'b', ...at),
      'invalid-options: summary is about one experiment',
    ],
    [
      here('summary', '--feature', 'a', ...at),
      'invalid-spec: --environment is required. Pass it, or --no-environment-column if the table has no environment column.',
    ],
    [
      here('summary', ...about, '--time-zone', 'Mars'),
      'invalid-spec: --time-zone is not usable: received "Mars".',
    ],
    [
      here('summary', ...about, '--variant', 'lower(v)'),
      'invalid-spec: --variant is the name of a column, and "lower(v)" looks like SQL. An expression is passed as {"sql": "…"} in a --spec.',
    ],
    [here('summary', ...about, '--max-rows', '0'), 'invalid-spec: --max-rows is not usable: received 0.'],
    [
      here('summary', ...about, '--day', day),
      'invalid-options: --day has no effect on the statement summary',
    ],
    [
      here('rollup-drop', ...about, '--rollup', 'r'),
      'invalid-options: --start has no effect on the statement',
    ],
    [here('rollup-drop'), 'invalid-options: rollup-drop needs --rollup'],
    [
      here('rollup-backfill', '--rollup', 'r', '--day', '2026-02-30'),
      'invalid-instant: --day is not a UTC day from',
    ],
    [here('overlap', ...about), 'invalid-options: overlap is about two experiments'],
    [
      here('overlaps', ...about),
      'invalid-spec: experiments is not usable: received an array of 1. Pass 2 to 50',
    ],
    [here('breakdown', ...about), 'invalid-options: breakdown needs --breakdown'],
    [here('timeline', ...about), 'invalid-options: timeline needs --identity-story'],
    [
      here('timeline', ...about, '--identity-story', 'a', '--limit', '0'),
      'invalid-spec: --limit is not usable',
    ],
    [
      here('summary', ...about, '--start', 'soon'),
      "invalid-options: option '--start <instant>' argument 'soon'",
    ],
    [here('summary', ...about, '--start', '2026-07-01'), 'invalid-options: --start must be before --as-of'],
    [here('summary', ...about, '--except', 'a'), 'invalid-options: --except has no effect without --inline'],
    [
      here('summary', ...about, '--inline', '--except', 'nothing'),
      'invalid-spec: --except is not usable: received "nothing". Pass names of parameters of the statement.',
    ],
    [
      here('summary', ...about, '--trusted-sql'),
      'invalid-options: --trusted-sql has no effect without --spec',
    ],
    [
      here('summary', ...about, '--layout', 'posthog', '--variant', 'v'),
      'invalid-options: --layout posthog has columns of',
    ],
    [
      here('summary', ...about, '--sharded-by-identity'),
      'invalid-spec: --sharded-by-identity is about the shards of a cluster, and --cluster names none. Name the cluster, or leave --sharded-by-identity out.',
    ],
  ])('%j', async (args, message) => {
    const { exitCode, stdout, stderr } = await sql(...args)
    expect(exitCode).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain(`sql: ${message}`)
    expect(stderr.split('\n')).toHaveLength(2)
  })

  test.each([
    ['no JSON', 'invalid-spec: the spec is not JSON: '],
    ['[]', 'the spec must be one object of JSON'],
    [{ statment: 'summary' }, 'the spec has an unknown field "statment"; it takes statement, spec,'],
    [{ spec: input, window: window2 }, 'name the statement: as "statement" in the spec, or before --spec'],
    [{ statement: 'summary', spec: input }, 'invalid-spec: summary needs "window"'],
    [{ statement: 'timeline' }, 'invalid-spec: timeline needs "spec", "window" and "identity"'],
    [
      { statement: 'summary', spec: input, window: { from: 1 } },
      '"window" has an unknown field "from"; it takes start, asOf',
    ],
    [
      { statement: 'summary', spec: input, window: window2, identity: 'x' },
      'summary has no use for "identity"; it takes spec, window',
    ],
    [
      { statement: 'crossovers', spec: input, window: window2, options: {} },
      'crossovers has no use for "options"',
    ],
    [{ statement: 'summary', spec: { ...input, featurename: 'x' }, window: window2 }, 'invalid-spec: '],
    [
      { statement: 'summary', spec: { ...input, source: 'mixpanel' }, window: window2 },
      '"source" is not a layout: "mixpanel"; the layouts are flagsmith, growthbook, posthog',
    ],
    [
      {
        statement: 'summary',
        spec: { ...input, source: { table: 't', columns: { variant: 'lower(v)' } } },
        window: window2,
      },
      'An expression is passed as {"sql": "…"} with --trusted-sql.',
    ],
    [{ statement: 'batch', experiments: {} }, '"experiments" must be a list'],
    [{ statement: 'batch', experiments: [{ spec: input }] }, 'batch needs "window"'],
    [
      { statement: 'batch', experiments: [{ spec: input, window: window2 }], window: window2 },
      'batch has no use for "window": each of the experiments has its own',
    ],
    ...['overlap', 'overlaps'].map((statement): [object, string] => [
      { statement, experiments: [{ spec: input }, { spec: input, window: window2 }], window: window2 },
      `${statement} has no use for "experiments[1].window"`,
    ]),
    [
      { statement: 'rollup-backfill', rollup: { source: 'flagsmith', rollup: 'r' }, days: day },
      '"days" must be a list of days',
    ],
  ])('%j', async (json, message) => {
    const { exitCode, stdout, stderr } = await sql('--spec', specFile(json))
    expect(exitCode).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('trustedSql')
  })

  test('two statements, options beside a spec, and a file that is not there', async () => {
    const path = specFile({ statement: 'summary', spec: input, window: window2 })
    expect((await sql('ledger', '--spec', path)).stderr).toContain(
      'the spec is of the statement "summary", not ledger',
    )
    expect((await sql('--spec', path, '--feature', 'x')).stderr).toContain(
      '--feature has no effect with --spec',
    )
    expect((await sql('--spec', path, '--no-event-column')).stderr).toContain('has no effect with --spec')
    expect((await sql('--spec', join(folder, 'none.json'))).stderr).toContain('there is no file')
  })
})
