import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ExposuresSummary } from 'first-exposure'
import { runReport } from '../../src/command/run-report.js'
import { engineAvailable } from '../engine/availability.js'

const folder = resolve(import.meta.dirname, '../fixtures/files')

type Days = Readonly<Record<string, Readonly<Record<string, number>>>>
interface Expected {
  /** What the first try says. */
  readonly first?: readonly string[]
  /** How many commands the first try proposes; 1 if left out. The first of them is run. */
  readonly choices?: number
  /** What the answer says about how the file was read. */
  readonly notes?: readonly string[]
  /** Options that the user adds to the proposed command, because of its notes or of what they know. */
  readonly add?: readonly string[]
  /** Whether the notes stand in the answer without the added options. */
  readonly withoutAdd?: boolean
  /** Names of variants in this file. */
  readonly variants?: Readonly<Record<string, string>>
  readonly only?: Days
  /** Whether there are totals only. */
  readonly totals?: boolean
}
const { answer, files } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
  answer: { excluded: number; days: Days }
  files: Record<string, Expected>
}

/** The answer by a few plain lines: who was in one variant only, and on which day first. */
function plainAnswer(csv: string): { excluded: number; days: Days } {
  const seen = new Map<string, { variants: Set<string>; day: string }>()
  for (const line of csv.trim().split('\n').slice(1)) {
    const [user = '', variant = '', at = ''] = line.split(',')
    const known = seen.get(user) ?? { variants: new Set(), day: at.slice(0, 10) }
    known.variants.add(variant)
    if (at.slice(0, 10) < known.day) known.day = at.slice(0, 10)
    seen.set(user, known)
  }
  const days: Record<string, Record<string, number>> = {}
  let excluded = 0
  for (const { variants, day } of seen.values()) {
    const [variant = ''] = variants
    if (variants.size > 1) excluded++
    else (days[day] ??= {})[variant] = (days[day]?.[variant] ?? 0) + 1
  }
  return { excluded, days }
}

let temporary = ''
beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'first-exposure-test-'))
  vi.stubEnv('TMPDIR', temporary)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(temporary, { recursive: true, force: true })
})

async function report(
  args: readonly string[],
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', '']
  const exitCode = await runReport(args, {
    print: (text) => (stdout += text),
    say: (text) => (stderr += text),
    width: 80,
    colour: false,
  })
  return { exitCode, stdout, stderr }
}

/** The words of a command line that was printed, as a shell takes them. */
function wordsOf(command: string): string[] {
  const script = `npx() { shift 2; printf '%s\\n' "$@"; }\n${command}`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n')
}

function daysOf({ timeseries }: ExposuresSummary): Days {
  return Object.fromEntries(
    timeseries.points.map(({ bucket, newIdentities }) => {
      const day = new Intl.DateTimeFormat('en-CA', { timeZone: timeseries.timeZone }).format(new Date(bucket))
      return [day, newIdentities]
    }),
  )
}

test('the answer beside the files is that of a plain reader', () => {
  expect(plainAnswer(readFileSync(join(folder, 'commas.csv'), 'utf8'))).toEqual(answer)
})

describe.skipIf(!engineAvailable)('files as people have them (needs the embedded ClickHouse)', () => {
  test.each(Object.entries(files))('%s: an answer at the second try', async (name, expected) => {
    const first = await report([join(folder, name)])
    expect(first.exitCode).toBe(1)
    expect(first.stdout).toBe('')
    for (const words of expected.first ?? []) expect(first.stderr).toContain(words)
    const commands = first.stderr
      .split('\n')
      .filter((line) => line.startsWith('  npx first-exposure report '))
    expect(commands).toHaveLength(expected.choices ?? 1)
    const proposed = wordsOf(commands[0] ?? '')

    const asked = [...proposed, ...(expected.add ?? []), '--json']
    const second = await report(asked)
    expect(second.stderr.replaceAll(/^Note: .*\n/gm, '')).toBe('')
    expect(second.exitCode).toBe(0)
    const noted = expected.withoutAdd === true ? await report([...proposed, '--json']) : second
    for (const note of expected.notes ?? []) expect(noted.stderr).toContain(note)
    if (expected.notes === undefined) expect(noted.stderr).toBe('')

    const renamed = (key: string): string => expected.variants?.[key] ?? key
    const days = Object.fromEntries(
      Object.entries(expected.only ?? answer.days).map(([day, counts]) => [
        day,
        Object.fromEntries(Object.entries(counts).map(([key, count]) => [renamed(key), count])),
      ]),
    )
    if (expected.totals === true) {
      const totals = JSON.parse(second.stdout) as Record<string, unknown>
      expect(totals).toEqual({
        excludedIdentities: answer.excluded,
        identities: { control: 2, treatment: 3 },
        crossovers: [{ variants: ['control', 'treatment'], identities: 1 }],
      })
      return
    }
    const summary = JSON.parse(second.stdout) as ExposuresSummary
    expect({ excluded: summary.excludedIdentities, days: daysOf(summary) }).toEqual({
      excluded: answer.excluded,
      days,
    })
  })

  test.each(['-', '/', '.'])(
    'years of two digits that come first, with %j: the third command is right',
    async (mark) => {
      const path = join(temporary, 'years-first.csv')
      const at = (day: string, time: string): string => `26${mark}05${mark}${day} ${time}`
      const rows = [
        `u1,control,${at('30', '10:00:00')}`,
        `u2,b,${at('31', '11:30:15')}`,
        `u3,b,${at('09', '09:00:00')}`,
      ]
      writeFileSync(path, ['user_id,variant,exposed_at', ...rows, ''].join('\n'))
      const first = await report([path])
      const commands = first.stderr
        .split('\n')
        .filter((line) => line.startsWith('  npx first-exposure report '))
      expect(commands).toHaveLength(3)
      const second = await report([...wordsOf(commands[2] ?? ''), '--json'])
      expect(daysOf(JSON.parse(second.stdout) as ExposuresSummary)).toEqual({
        '2026-05-09': { b: 1 },
        '2026-05-30': { control: 1 },
        '2026-05-31': { b: 1 },
      })
    },
  )

  test.each([
    [',', 'csv'],
    ['\t', 'tsv'],
  ])('the types of the columns are no record, between %j', async (mark, ending) => {
    const path = join(temporary, `with-types.${ending}`)
    const rows = [
      ['user_id', 'variant', 'at'],
      ['String', 'LowCardinality(String)', 'DateTime'],
      ['u1', 'a', 'soon'],
      ['u2', 'b', '2026-06-01 10:00:00'],
    ]
    writeFileSync(path, rows.map((row) => `${row.join(mark)}\n`).join(''))
    const columns = [path, '--identity', 'user_id', '--variant', 'variant']
    const totals = await report([...columns, '--no-timestamp', '--json'])
    expect(JSON.parse(totals.stdout)).toMatchObject({ identities: { a: 1, b: 1 } })
    expect(totals.stderr).toContain('the types of its columns')
    const { stderr } = await report([...columns, '--timestamp', 'at'])
    expect(stderr).toContain('line 3: "soon" in "at" is not a timestamp')
  })
})
