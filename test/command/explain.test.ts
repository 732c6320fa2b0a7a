import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  summarizeCrossovers,
  summarizeExposures,
  summarizeExposureLedger,
  type Crossovers,
  type ExposureLedger,
  type ExposuresSummary,
  type IdentityTimeline,
} from 'first-exposure'
import type { CrossoverBiasResult, SampleRatioResult } from 'first-exposure/statistics'
import { exposuresView } from 'first-exposure/view'
import { reportArguments } from '../../src/command/arguments.js'
import { explanationText } from '../../src/command/print-explanation.js'
import { identityStoryText } from '../../src/command/print-identity-story.js'
import { runReport } from '../../src/command/run-report.js'
import { sparkline } from '../../src/command/sparkline.js'
import { engineAvailable } from '../engine/availability.js'

const root = resolve(import.meta.dirname, '../..')
const realLog = join(root, '../shared/data/ab_data.csv.gz')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-exposure-explain-test-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Explained extends ExposuresSummary {
  readonly explain: {
    readonly ledger: ExposureLedger
    readonly crossovers: Crossovers
    readonly crossoverBias: CrossoverBiasResult
    readonly sampleRatio: SampleRatioResult
    readonly sampleRatioBySlice?: {
      readonly slices: readonly { readonly value: string | null }[]
    }
    readonly identityStory?: IdentityTimeline & { readonly identity: string }
  }
}

async function report(...args: readonly string[]): Promise<string> {
  let [stdout, stderr] = ['', '']
  const exitCode = await runReport(args, {
    print: (text) => (stdout += text),
    say: (text) => (stderr += text),
    width: 80,
    colour: false,
  })
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  return stdout
}
const explained = async (...args: readonly string[]): Promise<Explained> =>
  JSON.parse(await report(...args, '--explain', '--json')) as Explained

function eventsOf({ parts }: ExposureLedger): Record<string, number> {
  return Object.fromEntries(parts.flatMap(({ part, events }) => (events === 0 ? [] : [[part, events]])))
}

// Every way that an event can go, and one row of another experiment.
const log = `user,arm,at,seen,platform,test
u1,control,2026-06-01 09:00:00,2026-06-01 09:00:30,web,a
u1,control,2026-06-01 09:05:00,2026-06-01 09:05:40,web,a
u2,blue,2026-06-01 10:00:00,2026-06-02 10:00:00,ios,a
u3,stray,2026-06-01 10:30:00,,ios,a
x,control,2026-06-01 11:00:00,2026-06-01 11:00:00,web,a
x,blue,2026-06-01 13:00:00,2026-06-01 13:00:00,web,a
,blue,2026-06-01 12:00:00,2026-06-01 12:00:00,web,a
u4,\\N,2026-06-01 12:00:00,2026-06-01 12:00:00,web,a
u5,blue,2026-05-31 12:00:00,2026-06-01 12:00:00,web,a
u6,blue,2026-06-02 12:00:00,2026-06-02 12:00:00,web,a
u7,blue,2026-06-01 12:00:00,2026-06-01 12:00:00,web,b
`
const columns = ['--identity', 'user', '--variant', 'arm', '--timestamp', 'at']
const window = ['--start', '2026-06-01', '--as-of', '2026-06-02']
const experiment = ['--feature-column', 'test', '--feature', 'a']

describe.skipIf(!engineAvailable)('an explained report of a file (needs the embedded ClickHouse)', () => {
  test('where every row went, as text and as data', async () => {
    const path = join(folder, 'log.csv')
    writeFileSync(path, log)
    const asked = ['--file', path, ...columns, ...window, ...experiment, '--arrival', 'seen']
    const configured = ['--expected', 'control=1,blue=1', '--breakdown', 'platform']
    const text = await report(...asked, ...configured, '--explain')
    const table = text.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(table.find(([label]) => label === 'Scanned')).toEqual(['Scanned', '10', '100.00%'])
    expect(table.find(([label]) => label === '− without a variant')).toEqual([
      '− without a variant',
      '1',
      '10.00%',
      '0',
      '0',
      '0',
    ])
    expect(table.find(([label]) => label === 'First exposures')).toEqual([
      'First exposures',
      '3',
      '30.00%',
      '1',
      '1',
      '1',
    ])
    const words = text.replaceAll(/\s+/g, ' ')
    expect(words).toContain(
      '10 scanned = 2 quarantined + 1 duplicates + 3 first exposures + 1 without an identity + ' +
        '1 without a variant + 1 after the window + 1 before the window.',
    )
    expect(words).toContain('Not configured: stray with 1 exposure and 1 identity counted.')
    expect(words).toContain('Of 5 exposures whose arrival is known, half arrived within 30 seconds')
    expect(words).toContain('1 of them (20.00%) arrived after the end of its bucket.')
    expect(words).toContain('"a"; 1 row belongs to other experiments.')
    expect(words).toContain('control blue 1 2 hours')
    expect(words).toMatch(/ ios 2 0\.00% .* too few web 1 50\.00% .* too few /)
    expect(words).toContain('Slices by platform: the slices cannot be judged')
    expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80)
    // oxlint-disable-next-line no-control-regex -- no control character may reach a pipe
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)

    const { explain, ...summary } = await explained(...asked, ...configured, '--identity-story', 'x')
    const { ledger, crossovers, identityStory } = explain
    expect(ledger.scanned).toBe(10)
    expect(eventsOf(ledger)).toEqual({
      'before-window': 1,
      'after-window': 1,
      'no-variant': 1,
      'no-identity': 1,
      'first-exposure': 3,
      duplicate: 1,
      quarantined: 2,
    })
    expect([ledger.excludedIdentities, crossovers.identities]).toEqual([
      summary.excludedIdentities,
      summary.excludedIdentities,
    ])
    expect(explain.sampleRatioBySlice?.slices.map(({ value }) => value)).toEqual(['ios', 'web'])
    expect(identityStory?.verdict).toEqual({
      type: 'quarantined',
      variant: 'control',
      at: Date.UTC(2026, 5, 1, 11),
      by: 'blue',
      byAt: Date.UTC(2026, 5, 1, 13),
    })
    expect(await report(...asked.slice(0, -2), '--identity-story', 'u5')).toMatch(
      /^Identity u5\nNever counted: its events are before the window\.\n\nWhen[^\n]*\n2026-05-31T12:00:00\.000Z +blue +before window\n$/,
    )
  })

  test.skipIf(!existsSync(realLog))(
    'a real log: all of its 294,478 rows and 1,895 crossovers (needs ../shared/data/ab_data.csv.gz)',
    async () => {
      const mapped = ['--identity', 'user_id', '--variant', 'group', '--timestamp', 'timestamp']
      const { explain, excludedIdentities } = await explained('--file', realLog, ...mapped)
      const { ledger, crossovers } = explain
      expect(ledger.scanned).toBe(294_478)
      expect(eventsOf(ledger)).toEqual({
        'first-exposure': 288_689,
        duplicate: 1999,
        quarantined: 3790,
      })
      expect([excludedIdentities, ledger.excludedIdentities, crossovers.identities]).toEqual([
        1895, 1895, 1895,
      ])
      expect(
        crossovers.pairs.map(({ firstVariant, nextVariant, identities }) => [
          firstVariant,
          nextVariant,
          identities,
        ]),
      ).toEqual([
        ['control', 'treatment', 994],
        ['treatment', 'control', 901],
      ])
      expect([explain.crossoverBias.status, explain.sampleRatio.status]).toEqual(['consistent', 'consistent'])
    },
  )
})

describe('the words of an explanation', () => {
  const keys = ['control', ...Array.from({ length: 11 }, (_, n) => `a variant with a long name, no. ${n}`)]
  const bucket = '2026-06-01 00:00:00'
  const bucketMs = Date.UTC(2026, 5, 1)
  const summary = summarizeExposures(
    [
      {
        quarantined: true,
        variant: null,
        bucketMs,
        newIdentities: 11 * 40 + 60,
      },
      ...keys.map((variant) => ({
        quarantined: false as const,
        variant,
        bucketMs,
        newIdentities: 1000,
      })),
    ],
    { granularity: 'day' },
  )
  const crossovers = summarizeCrossovers(
    keys.map((first, place) => ({
      first_variant: first,
      next_variant: keys[(place + 1) % keys.length],
      identities: place === 0 ? 60 : 40,
      median_ms: 0,
      buckets: [bucket],
      bucket_identities: [place === 0 ? 60 : 40],
    })),
    { granularity: 'day' },
  )
  const ledger = summarizeExposureLedger(
    keys.flatMap((variant) => {
      const row = {
        variant,
        events: 2000,
        identities: 0,
        lateness_seconds: [],
      }
      return [
        { ...row, entry: 'exposure' },
        { ...row, entry: 'counted', identities: 1000 },
      ]
    }),
    { variants: keys.slice(0, 10) },
  )
  const sections = (width: number): string[] =>
    explanationText(
      { ledger, crossovers },
      {
        view: exposuresView(summary),
        overTime: exposuresView(summary),
        multiVariant: 'quarantine',
        expectedShares: undefined,
        scanned: 'Scanned: all.',
      },
      { width, colour: false },
    ).map((lines) => lines.join('\n'))

  test.each([80, 100, 120])('stay inside %i columns, however many variants and long their keys', (width) => {
    const text = sections(width)
    expect(
      Math.max(
        ...text
          .join('\n')
          .split('\n')
          .map(({ length }) => length),
      ),
    ).toBeLessThanOrEqual(width)
    const crossed = text.find((section) => section.startsWith('Who crossed over')) ?? ''
    expect(crossed.replaceAll(/\s+/g, ' ')).toContain('500 of 12,500 identities seen (4.00%)')
    // All of them, also those of the variants without a row.
    expect(crossed).toMatch(/^All .* 500 +4\.00%$/m)
    expect(text.join('\n')).toContain('24,000 scanned = 12,000 duplicates + 12,000 first exposures.')
    // What has no room says so.
    const shown = text.map((section) => section.replaceAll(/\s+/g, ' '))
    expect(shown[0]).toMatch(/\d+ smaller variants? ha(s|ve) no column here; the sums include (it|them)\./)
    expect(shown[1]).toMatch(/\d+ smaller variants have no column here, and \d+ of them no row; the sums/)
  })

  test('a story says when it is truncated, and shows local times beside UTC', () => {
    const at = Date.UTC(2026, 5, 1, 9)
    const text = identityStoryText(
      'u\u001b[31m1',
      {
        verdict: { type: 'counted', variant: 'control', at },
        scanned: 250,
        events: [
          { at, variant: 'control', disposition: 'exposure' },
          { at: null, variant: null, disposition: 'no-timestamp' },
        ],
        truncated: true,
        resolved: null,
      },
      'Europe/Madrid',
      { width: 80, colour: false },
    ).join('\n')
    expect(text).toContain('Identity u\\u001b[31m1\nCounted in control at 2026-06-01T09:00:00.000Z.')
    expect(text).toMatch(/2026-06-01T09:00:00\.000Z +2026-06-01 11:00:00 +control +exposure/)
    expect(text).toContain('Truncated: only the first 2 of 250 events are shown.')
  })

  test.each([
    [[0, 1, 4, 8], 10, '·▁▄█'],
    [[1, 1, 0, 0, 3, 1], 3, '▄·█'],
    [[0, 0], 10, '··'],
  ])('a sparkline of %j in %i columns', (counts, width, drawn) => {
    expect(sparkline(counts, width)).toBe(drawn)
  })

  test.each([
    [['--arrival', 'seen'], /--arrival works only with --file or --url/],
    [['--file', 'x.csv', '--arrival', 'seen'], /--arrival has no effect without --explain/],
    [['--identity-story', ''], /--identity-story needs an identifier/],
  ])('%j is refused before anything is counted', (args, line) => {
    expect(() => reportArguments(args)).toThrow(line)
  })
})
