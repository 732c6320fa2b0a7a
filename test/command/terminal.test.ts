import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fittedColumns } from '../../src/command/fitted-columns.js'
import { opener } from '../../src/command/open-in-browser.js'
import { runReport } from '../../src/command/run-report.js'
import { mainPart } from '../../src/command/strays.js'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { chromiumInstalled, openChromium } from '../panel/open-chromium.js'

const root = resolve(import.meta.dirname, '../..')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-exposure-test-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Outcome {
  readonly stdout: string
  readonly stderr: string
}

async function report(...args: readonly string[]): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  const exitCode = await runReport(args, {
    print: (text) => (stdout += text),
    say: (text) => (stderr += text),
    width: 80,
    colour: false,
  })
  expect([exitCode, stderr.replace(/^(Far from|Wrote).*\n/gm, '')]).toEqual([0, ''])
  return { stdout, stderr }
}

const columns = ['--identity', 'user', '--variant', 'arm', '--timestamp', 'at']
function file(
  name: string,
  rows: readonly (readonly [user: string, arm: string, at: string])[],
): readonly string[] {
  const path = join(folder, name)
  writeFileSync(path, `user,arm,at\n${rows.map((row) => `${row.join(',')}\n`).join('')}`)
  return ['--file', path, ...columns]
}
/** Forty identities within ten days, in two variants. */
const usual = Array.from(
  { length: 40 },
  (_, n) =>
    [
      `u${n}`,
      n % 2 === 0 ? 'control' : 'blue',
      `2026-06-${String(1 + (n % 10)).padStart(2, '0')} 10:00:00`,
    ] as const,
)

const day = 86_400_000
const june = Date.UTC(2026, 5, 1)
const entered = (
  ...days: readonly (readonly [day: number, identities: number])[]
): Parameters<typeof mainPart>[0] =>
  days.map(([at, identities]) => ({ startMs: june + at * day, endMs: june + (at + 1) * day, identities }))
const windowOf = (from: number, to: number): Parameters<typeof mainPart>[1] => ({
  startMs: june + from * day,
  asOfMs: june + to * day,
})

describe('what counts as a stray', () => {
  test.each([
    ['one in ten years', entered([0, 50], [9, 50], [3500, 1]), windowOf(0, 3501), windowOf(0, 10)],
    ['one before all others', entered([-9000, 1], [0, 50], [9, 50]), windowOf(-9000, 10), windowOf(0, 10)],
    ['no new identity, but an event', entered([0, 50], [9, 50]), windowOf(0, 3501), windowOf(0, 10)],
    ['on both sides', entered([-400, 1], [0, 150], [9, 150], [400, 2]), windowOf(-400, 401), windowOf(0, 10)],
    [
      'two far ones, near each other',
      entered([0, 150], [9, 150], [400, 1], [402, 1]),
      windowOf(0, 403),
      windowOf(0, 10),
    ],
  ])('%s', (_, days, window, axis) => {
    expect(mainPart(days, window)).toEqual(axis)
  })

  test.each([
    ['a long experiment', entered([0, 5], [30, 5], [60, 5], [200, 5]), windowOf(0, 201)],
    ['a late one within 30 days', entered([0, 99], [30, 1]), windowOf(0, 31)],
    ['a late one within three times the length', entered([0, 50], [59, 49], [230, 1]), windowOf(0, 231)],
    ['more than one in a hundred', entered([0, 50], [9, 48], [3500, 2]), windowOf(0, 3501)],
    ['too few to know', entered([0, 4], [9, 4], [3500, 1]), windowOf(0, 3501)],
    ['two halves', entered([0, 50], [3500, 50]), windowOf(0, 3501)],
    ['nobody', [], windowOf(0, 3501)],
  ])('not: %s', (_, days, window) => {
    expect(mainPart(days, window)).toBeUndefined()
  })

  test('they are at most one in a hundred, and all others less than a quarter of the window', () => {
    const someDay = fc.tuple(fc.integer({ min: -5000, max: 5000 }), fc.integer({ min: 1, max: 200 }))
    fc.assert(
      fc.property(
        fc.uniqueArray(someDay, { selector: ([at]) => at, minLength: 1, maxLength: 12 }),
        fc.integer({ min: 0, max: 6000 }),
        (days, beyond) => {
          const sorted = entered(...days.toSorted(([a], [b]) => a - b))
          const window = {
            startMs: sorted[0]?.startMs ?? 0,
            asOfMs: (sorted.at(-1)?.endMs ?? 0) + beyond * day,
          }
          const axis = mainPart(sorted, window)
          if (axis === undefined) return
          const all = sorted.reduce((sum, { identities }) => sum + identities, 0)
          const outside = sorted
            .filter(({ startMs, endMs }) => endMs <= axis.startMs || startMs >= axis.asOfMs)
            .reduce((sum, { identities }) => sum + identities, 0)
          expect(outside).toBeLessThanOrEqual(Math.max(1, Math.floor(all / 100)))
          const inside = sorted.filter(
            ({ startMs, endMs }) => startMs >= axis.startMs && endMs <= axis.asOfMs,
          )
          const main = (inside.at(-1)?.endMs ?? 0) - (inside[0]?.startMs ?? 0)
          expect(window.asOfMs - window.startMs).toBeGreaterThan(4 * main)
        },
      ),
      { numRuns: runs(1000) },
    )
  })
})

describe.skipIf(!engineAvailable)('strays in a report', () => {
  test('one in 2036 does not stretch the axis, and the proposed option leaves it out', async () => {
    const given = file('stray.csv', [...usual, ['late', 'blue', '2036-01-02 03:04:05']])
    const { stdout } = await report(...given, '--explain')
    const chart = stdout.slice(stdout.indexOf('(cumulative)'), stdout.indexOf('Where the events went'))
    expect(chart).toMatch(/^ *2026-06-01 .* 2026-06-10$/m)
    expect(chart.replaceAll(/\s+/g, ' ')).toContain(
      'Far from all others: 1 exposure (at 2036-01-02 03:04:05). The chart leaves it out, the numbers do not. To leave it ' +
        'out of these too, add --as-of 2026-06-11T00:00:00Z.',
    )
    expect(stdout).toMatch(/^All variants +41 /m)
    const without = (await report(...given, '--as-of', '2026-06-11T00:00:00Z')).stdout
    expect(without).toMatch(/^All variants +40 /m)
    expect(without).not.toContain('Far from')
  })

  test('ten empty years do not hide that fewer arrive', async () => {
    const many = usual.flatMap(([user, arm, at]) =>
      Array.from({ length: at < '2026-06-10' ? 30 : 1 }, (_, n) => [`${user}.${n}`, arm, at] as const),
    )
    const { stdout } = await report(
      ...file('silence.csv', [...many, ['late', 'blue', '2036-01-02 03:04:05']]),
      '--explain',
    )
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'The last 24 hours brought 4 identities, 3.33% of the usual 120',
    )
  })

  test('an event of a known identity, and one before all others', async () => {
    const given = file('strays.csv', [
      ...usual,
      ['u1', 'blue', '2036-01-02 03:04:05'],
      ['u2', 'control', '1970-01-05 00:00:00'],
    ])
    const { stdout, stderr } = await report(...given, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ excludedIdentities: 0 })
    expect(stderr).toBe(
      'Far from all others: 2 exposures (at 1970-01-05 00:00:00, and at 2036-01-02 03:04:05). The chart leaves them out, ' +
        'the numbers do not. To leave them out of these too, add --start 2026-06-01T00:00:00Z --as-of 2026-06-11T00:00:00Z.\n',
    )
  })

  test('exposures go on after the last identity entered', async () => {
    const again = Array.from({ length: 90 }, (_, n) => {
      const at = new Date(june + (10 + n) * day + 3_600_000)
      return ['u2', 'control', at.toISOString().slice(0, 19).replace('T', ' ')] as const
    })
    expect((await report(...file('again.csv', [...usual, ...again]))).stdout).not.toContain('Far from')
    const { stdout } = await report(
      ...file('again-and-late.csv', [...usual, ...again, ['late', 'blue', '2036-01-02 03:04:05']]),
    )
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'Far from all others: 1 exposure (at 2036-01-02 03:04:05). The chart leaves it out, the numbers do not. To leave it ' +
        'out of these too, add --as-of 2026-09-09T00:00:00Z.',
    )
  })

  test('many who come back after a year are no strays', async () => {
    const back = usual.slice(0, 20).map(([user, arm]) => [user, arm, '2027-07-01 00:00:00'] as const)
    expect((await report(...file('back.csv', [...usual, ...back]))).stdout).not.toContain('Far from')
  })

  test('dates', async () => {
    const rows = usual.map(([user, arm, at]) => [user, arm, at.slice(0, 10)] as const)
    const { stdout } = await report(...file('dates.csv', [...rows, ['late', 'blue', '2036-01-02']]))
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('(at 2036-01-02). The chart leaves it out')
    expect(stdout).toContain('--as-of 2026-06-11.')
  })
})

describe.skipIf(!engineAvailable || !chromiumInstalled)('strays in a page', () => {
  let browser: Awaited<ReturnType<typeof openChromium>>
  beforeAll(async () => {
    browser = await openChromium()
  })
  afterAll(async () => {
    await browser.close()
  })

  /** What the page of a report says. */
  async function pageOf(given: readonly string[]): Promise<{
    readonly figures: readonly string[]
    readonly ticks: string
    readonly buckets: number
    readonly starts: readonly string[]
    readonly notes: readonly string[]
    readonly heads: readonly string[]
    readonly text: string
  }> {
    const path = join(folder, 'strays.html')
    await report(...given, '--html', path)
    const page = await browser.newPage({ viewport: { width: 1000, height: 900 } })
    await page.goto(`file://${path}`)
    await page.locator('.numbers summary').click()
    await page.locator('.numbers table').waitFor()
    const found = {
      figures: await page.locator('.figure .value').allInnerTexts(),
      ticks: (await page.locator('.chart .tick').allTextContents()).join(' '),
      buckets: Number(await page.locator('.chart-frame').getAttribute('aria-valuemax')),
      starts: await page
        .locator('.chart path.line')
        .evaluateAll((lines) => lines.map((line) => line.getAttribute('d')?.split('L')[0] ?? '')),
      notes: await page.locator('.chart-frame + .notes p').allInnerTexts(),
      heads: await page.locator('.numbers tbody th').allInnerTexts(),
      text: await page.locator('.panel').innerText(),
    }
    await page.close()
    return found
  }

  test('one in 2036 does not stretch the axis, and counts', async () => {
    const { figures, ticks, buckets, notes, heads } = await pageOf(
      file('stray.csv', [...usual, ['late', 'blue', '2036-01-02 03:04:05']]),
    )
    expect(figures[0]).toBe('41')
    expect([buckets, ticks.includes('2036')]).toEqual([10, false])
    expect(notes).toEqual([
      'Far from all others: 1 exposure (at 2036-01-02 03:04:05). The chart leaves it out, the numbers do not. To leave it ' +
        'out of these too, add --as-of 2026-06-11T00:00:00Z.',
    ])
    // The years without anybody have no rows.
    expect(heads).toHaveLength(11)
    expect(heads.at(-1)).toContain('2036')
  })

  test('who entered long before are in the running totals from the beginning', async () => {
    const without = await pageOf(file('no-stray.csv', usual))
    expect([without.buckets, without.heads.length]).toEqual([10, 10])
    expect(without.notes.join(' ')).not.toContain('Far from')
    const { figures, buckets, starts } = await pageOf(
      file('early.csv', [...usual, ['early', 'blue', '1970-01-05 00:00:00']]),
    )
    expect([figures[0], buckets]).toEqual(['41', 10])
    const height = (start: string | undefined): number => Number(start?.split(',')[1])
    // The control begins at 0, and blue above it.
    expect(starts).toHaveLength(2)
    expect(height(starts[0])).toBe(height(without.starts[0]))
    expect(height(starts[1])).toBeLessThan(height(starts[0]))
  })

  test('ten empty years do not hide that fewer arrive', async () => {
    const many = usual.flatMap(([user, arm, at]) =>
      Array.from({ length: at < '2026-06-10' ? 30 : 1 }, (_, n) => [`${user}.${n}`, arm, at] as const),
    )
    const { text } = await pageOf(file('silence.csv', [...many, ['late', 'blue', '2036-01-02 03:04:05']]))
    expect(text).toContain('The last 24 hours brought 4 identities, 3.33% of the usual 120')
  })
})

describe.skipIf(!engineAvailable)('a table at 80 columns', () => {
  test('shares sum to 100 as shown', async () => {
    const rows = Array.from({ length: 3 }, (_, n) => [`u${n}`, `arm ${n}`, '2026-06-01 10:00:00'] as const)
    const { stdout } = await report(...file('thirds.csv', rows))
    expect(stdout.match(/ [\d.]+%$/gm)?.slice(0, 4)).toEqual([' 33.34%', ' 33.33%', ' 33.33%', ' 100.00%'])
  })

  test('alike beginnings stay apart, and what has no column is said', async () => {
    const arms = Array.from({ length: 14 }, (_, n) => `checkout-page-with-a-long-name-${n}`)
    const rows = arms.flatMap((arm, place) =>
      Array.from({ length: 30 - place }, (_, n) => [`${arm}.${n}`, arm, '2026-06-01 10:00:00'] as const),
    )
    const { stdout } = await report(...file('many.csv', rows), '--explain', '--breakdown', 'arm')
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80)
    const lines = stdout.split('\n')
    const table = lines.slice(lines.findIndex((line) => line.startsWith('Variant')) + 1).slice(0, 14)
    expect(new Set(table.map((line) => line.split(/ {2,}/)[0])).size).toBe(14)
    const words = stdout.replaceAll(/\s+/g, ' ')
    expect(words.match(/\d+ smaller variants have no column here; the sums include them\./g)).toHaveLength(2)
  })
})

test('labels get shorter before a column goes', () => {
  const keys = ['control', 'treatment-one', 'treatment-two', 'treatment-three']
  const wide = (_: string, label: string): number => label.length
  const sizes = { control: 4, 'treatment-one': 3, 'treatment-two': 2, 'treatment-three': 1 }
  const all = fittedColumns(keys, sizes, 80, wide)
  expect(all.keys.map(all.labelOf)).toEqual(['control', 'treatm…t-one', 'treatm…t-two', 'treatm…three'])
  const less = fittedColumns(keys, sizes, 40, wide)
  expect(less.keys).toEqual(keys)
  expect(less.notes).toEqual([])
  expect(new Set(less.keys.map(less.labelOf)).size).toBe(4)
  const few = fittedColumns(keys, sizes, 15, wide)
  expect(few.keys).toEqual(['control', 'treatment-one'])
  expect(few.notes).toEqual(['2 smaller variants have no column here; the sums include them.'])
})

describe('--open', () => {
  test.each([
    ['linux', ['xdg-open', '/tmp/a b.html']],
    ['darwin', ['open', '/tmp/a b.html']],
    ['win32', ['cmd', '/c', 'start', '""', '/tmp/a b.html']],
  ])('on %s', (platform, command) => {
    expect(opener('/tmp/a b.html', platform)).toEqual(command)
  })

  /** The program with a PATH of its own, and without a terminal. */
  function spawned(path: string, ...args: readonly string[]): Promise<Outcome> {
    return new Promise((settle) => {
      execFile(
        process.execPath,
        ['--import', 'tsx', join(root, 'src/command/main.ts'), 'report', ...args],
        { cwd: root, env: { PATH: path, TMPDIR: folder } },
        (_, stdout, stderr) => settle({ stdout, stderr }),
      )
    })
  }

  test.skipIf(!engineAvailable || process.platform !== 'linux')(
    'shows the page, wherever it is',
    async () => {
      const bin = join(folder, 'bin')
      mkdirSync(bin)
      writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\necho "$1" > ${join(folder, 'opened')}\n`)
      chmodSync(join(bin, 'xdg-open'), 0o755)
      const given = file('open.csv', usual)
      const { stdout, stderr } = await spawned(bin, ...given, '--open')
      const opened = readFileSync(join(folder, 'opened'), 'utf8').trim()
      expect(opened.startsWith(folder)).toBe(true)
      expect(existsSync(opened)).toBe(true)
      expect(stderr).toMatch(/^Wrote .*report\.html \(\d+ kB\): it is in your browser\.\n$/)
      // Into a pipe go no colours and no bars.
      // oxlint-disable-next-line eslint/no-control-regex -- it is what must not be there
      expect(stdout + stderr).not.toMatch(/[\u001b\r]/)
    },
  )

  test.skipIf(!engineAvailable || process.platform !== 'linux')(
    'says so where there is no browser',
    async () => {
      const page = join(folder, 'page.html')
      const { stderr } = await spawned(
        join(folder, 'nothing'),
        ...file('open.csv', usual),
        '--open',
        '--html',
        page,
      )
      expect(stderr).toContain(`Wrote ${page}`)
      expect(stderr).toContain('no browser could be started here, so open it by hand.')
    },
  )
})
