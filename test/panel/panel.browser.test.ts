import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import * as fc from 'fast-check'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  summarizeExposuresBreakdown,
  summarizeCrossovers,
  summarizeExposures,
  summarizeExposureLedger,
  type ExposureBucket,
  type ExposuresSummary,
  type RefreshState,
} from 'first-exposure'
import {
  exposuresAnswer,
  type ExposuresAnswer,
  type ExposuresAnswerInput,
  type PanelService,
  panelPage,
  type PanelPageOptions,
} from 'first-exposure/panel'
import { embeddedJson } from '../../src/panel/page-html.js'
import { exposuresSummary } from '../arbitraries/exposures-summary.js'
import { askedState } from './asked-state.js'
import { runs } from '../arbitraries/runs.js'
import { variantKey } from '../arbitraries/variant-key.js'
import { engineAvailable } from '../engine/availability.js'
import { chromiumInstalled, executablePath, openChromium } from './open-chromium.js'
import { installFromSource } from './install-from-source.js'

const root = resolve(import.meta.dirname, '../..')
const realLog = join(root, '../shared/data/ab_data.csv.gz')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const run = promisify(execFile)

const hourMs = 3_600_000
const startedAt = Date.UTC(2026, 5, 1, 9)
const asOf = Date.UTC(2026, 5, 12, 15, 20)

/** Some days of some variants, each day with fewer than the one before. */
function daily(
  keys: readonly string[],
  timeZone = 'UTC',
  scale: (key: string) => number = () => 1,
  excluded = 7,
): ExposuresSummary {
  const buckets: ExposureBucket[] = [
    {
      quarantined: true,
      variant: null,
      bucketMs: Date.UTC(2026, 5, 1),
      newIdentities: excluded,
    },
  ]
  const midnight = timeZone === 'Europe/Madrid' ? -2 * hourMs : 0
  for (let day = 0; day < 12; day++) {
    for (const variant of keys) {
      const newIdentities = Math.round((1000 - 50 * day) * scale(variant))
      buckets.push({
        quarantined: false,
        variant,
        bucketMs: Date.UTC(2026, 5, 1 + day) + midnight,
        newIdentities,
      })
    }
  }
  return summarizeExposures(buckets, { granularity: 'day', timeZone })
}

const summary = daily(['control', 'blue'])
const now = asOf + 900_000
const failed = (transient = true) =>
  ({
    type: 'failed',
    asOf: asOf + 600_000,
    at: asOf + 660_000,
    error: { code: 'memory-limit', transient, message: 'The query ran out of memory.' },
  }) as const
const requested = { type: 'requested', at: asOf + 840_000 } as const
/** The state after a success, and what came after it. */
const after = (
  summary: ExposuresSummary | null,
  ...events: readonly Parameters<typeof reduceRefresh<ExposuresSummary>>[1][]
): RefreshState =>
  events.reduce<RefreshState>(
    reduceRefresh,
    summary === null
      ? initialRefreshState
      : reduceRefresh(initialRefreshState, { type: 'succeeded', asOf, at: asOf + 4000, summary }),
  )
const base = {
  experiment: { startedAt, endedAt: null },
  spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout-button' }),
  now,
  expectedShares: { control: 1, blue: 1 },
}
const answerOf = (state: RefreshState, more: Partial<ExposuresAnswerInput> = {}): ExposuresAnswer =>
  exposuresAnswer(askedState({ ...base, state, ...more }))
const success = { asOf, at: asOf + 4000, summary }
const loaded = answerOf(after(summary))
const { expectedShares: _, ...withoutShares } = base

/** What the page shows where it is given: 17,414 identities, of which 210 crossed over, mostly from blue. */
const explained = answerOf(after(daily(['control', 'blue'], 'UTC', () => 1, 210)), {
  ledger: summarizeExposureLedger(
    [
      { entry: 'before-window', variant: 'control', events: 100 },
      { entry: 'no-identity', variant: 'stray', events: 11 },
      { entry: 'exposure', variant: 'control', events: 9800 },
      { entry: 'exposure', variant: 'blue', events: 9900 },
      { entry: 'counted', variant: 'control', events: 9600, identities: 8700 },
      { entry: 'counted', variant: 'blue', events: 9600, identities: 8700 },
      { entry: 'quarantined', variant: null, events: 500, identities: 210 },
      {
        entry: 'arrived',
        variant: null,
        events: 19_700,
        lateness_seconds: [60, 600, 7200, 90_000],
      },
      { entry: 'arrived-late', variant: null, events: 197 },
    ].map((row) => ({ identities: 0, lateness_seconds: [], ...row })),
    { variants: ['control', 'blue'] },
  ),
  crossovers: summarizeCrossovers(
    [
      ['control', 'blue', 40],
      ['blue', 'control', 170],
    ].map(([first_variant, next_variant, identities]) => ({
      first_variant,
      next_variant,
      identities,
      median_ms: 172_800_000,
      buckets: ['2026-06-04 00:00:00'],
      bucket_identities: [identities],
    })),
    { granularity: 'day' },
  ),
  breakdown: {
    column: 'platform',
    ...summarizeExposuresBreakdown(
      [
        ['web', 'control', 7000],
        ['web', 'blue', 7000],
        [null, 'control', 900],
        [null, 'blue', 900],
        ['<b>ios</b>', 'control', 800],
        ['<b>ios</b>', 'blue', 600],
      ].map(([value, variant, new_identities]) => ({
        other: 0,
        value,
        quarantined: 0,
        variant,
        bucket: '2026-06-02 00:00:00',
        new_identities,
      })),
      { granularity: 'day' },
    ),
  },
})
const service: PanelService = {
  exposuresUrl: '/exposures',
  refreshUrl: '/refresh',
}

/** The counts of a summary by plain addition, in the order in which the panel shows them. */
function totalsOf({ timeseries }: ExposuresSummary): [string, number][] {
  const totals = new Map<string, number>()
  for (const { newIdentities } of timeseries.points) {
    for (const [key, count] of Object.entries(newIdentities)) totals.set(key, (totals.get(key) ?? 0) + count)
  }
  const { compare } = new Intl.Collator('en-US', { numeric: true })
  return [...totals].sort(
    ([a], [b]) =>
      Number(b === 'control') - Number(a === 'control') || compare(a, b) || (a < b ? -1 : Number(a > b)),
  )
}

describe('data inside a page', () => {
  test('comes back as it was, and no text of it ends its element', () => {
    fc.assert(
      fc.property(fc.jsonValue(), variantKey(), (value, key) => {
        const data = { value, [key]: '</script><!--', ['__proto__']: key }
        const text = embeddedJson(data)
        expect(text).not.toMatch(/[<>&\u2028\u2029]/)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(data)))
      }),
      { numRuns: runs(200) },
    )
  })
})

describe.skipIf(!chromiumInstalled)(`the panel in a browser (needs ${executablePath})`, () => {
  let folder = ''
  let browser: Browser
  let page: Page
  let complaints: string[] = []
  let requests: string[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'first-exposure-panel-test-'))
    await installFromSource(folder)
    browser = await openChromium()
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    complaints = []
    requests = []
  })
  afterEach(async () => {
    await page?.context().close()
    expect(complaints).toEqual([])
    // The page itself, and what a live page asks of its own server.
    expect(
      requests.filter((url) => !url.startsWith('file:') && !url.startsWith('http://127.0.0.1:')),
    ).toEqual([])
  })

  async function blank(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      timezoneId: 'America/New_York',
      ...options,
    })
    page = await context.newPage()
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('dialog', (dialog) => complaints.push(dialog.message()))
    page.on('request', (request) => requests.push(request.url()))
    return page
  }

  async function open(
    answer: ExposuresAnswer,
    options: BrowserContextOptions = {},
    pageOptions: PanelPageOptions = {},
  ): Promise<Page> {
    const path = join(folder, 'page.html')
    writeFileSync(path, panelPage(answer, pageOptions))
    await blank(options)
    await page.goto(`file://${path}`)
    return page
  }

  /** A table's rows as they are read: the head's text, then the cells'. */
  const rows = (caption: string | RegExp, part: 'tbody' | 'tfoot' = 'tbody'): Promise<string[][]> =>
    page
      .getByRole('table', { name: caption, exact: true })
      .locator(`${part} tr`)
      .evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent ?? '')))

  const violations = async (): Promise<string[]> => {
    await page.evaluate(axe)
    return page.evaluate(async () => {
      const { violations } = await (
        globalThis as unknown as {
          axe: {
            run(): Promise<{
              violations: { id: string; nodes: { html: string }[] }[]
            }>
          }
        }
      ).axe.run()
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`,
      )
    })
  }

  describe.each([
    [
      'wide and light',
      { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
      'rgb(246, 247, 249)',
    ],
    ['narrow and dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }, 'rgb(16, 19, 24)'],
  ] as const)('%s', (_, options, paper) => {
    test.each<[string, ExposuresAnswer, string, RegExp, string]>([
      ['loaded', loaded, 'Snapshot', /^$/, 'No mismatch found'],
      ['explained', explained, 'Snapshot', /^$/, 'No mismatch found'],
      [
        'final',
        answerOf(after(summary), { experiment: { startedAt, endedAt: asOf }, policy: { settleMs: 0 } }),
        'Final',
        /counted completely\. These numbers do not change any more/,
        'No mismatch found',
      ],
      [
        'stale',
        answerOf(after(summary, failed())),
        'Stale',
        /failed at Jun 12, 2026, 3:31\sPM \(UTC\): The query ran out of memory \(memory-limit\)\..*see the last good count/,
        'No mismatch found',
      ],
      [
        'refreshing',
        answerOf(after(summary, requested)),
        'Refreshing',
        /requested at Jun 12, 2026, 3:34\sPM \(UTC\).*see the last good count/,
        'No mismatch found',
      ],
      [
        'failed',
        answerOf(after(null, failed(false))),
        'Failed',
        /no earlier count to show\.Somebody must fix the cause/,
        '–',
      ],
      [
        'outdated',
        exposuresAnswer({
          ...askedState({ ...base, state: after(summary) }),
          experiment: { startedAt: startedAt + 48 * hourMs, endedAt: null },
        }),
        'Outdated',
        /see an old count: the experiment, or the way to count it, may have changed since\./,
        'The split cannot be checked',
      ],
      [
        // The request does not say what it is about, so it may be about this.
        'outdated, of 0.1, and refreshing',
        exposuresAnswer({ ...base, state: after(summary, requested) }),
        'Refreshing',
        /Until it ends, you see an old count/,
        'The split cannot be checked',
      ],
      ['empty', answerOf(after(null)), 'Nothing yet', /Nothing has been counted yet/, '–'],
      ['nobody', answerOf(after(daily([]))), 'Snapshot', /^$/, 'Too early to judge the split'],
      [
        'mismatch',
        answerOf(after(daily(['control', 'blue'], 'UTC', (key) => (key === 'blue' ? 1.2 : 1)))),
        'Snapshot',
        /^$/,
        'Sample ratio mismatch',
      ],
    ])(
      '%s: what it says, accessible, and no wider than the screen',
      async (_, data, badge, banner, split) => {
        await open(data, options)
        expect(await page.locator('.badge.status').textContent()).toBe(badge)
        expect((await page.locator('.banner:visible').allTextContents()).join('')).toMatch(banner)
        const figures = await page.locator('.figure').allInnerTexts()
        expect(figures.find((figure) => figure.startsWith('Split'))).toMatch(new RegExp(split))
        await page
          .locator('details')
          .evaluateAll((all) => all.forEach((details) => details.setAttribute('open', '')))
        expect(await violations()).toEqual([])
        const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
        expect(needed).toBeLessThanOrEqual(there ?? 0)
        expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(paper)
      },
    )
  })

  test('every number is the summary’s, whatever the keys', async () => {
    await blank()
    const path = join(folder, 'property.html')
    await fc.assert(
      fc.asyncProperty(exposuresSummary(), async (summary) => {
        const window = {
          startedAt: Date.UTC(2026, 4, 31, 12),
          asOf: Date.UTC(2026, 5, 8),
        }
        const experiment = { startedAt: window.startedAt, endedAt: null }
        const state = reduceRefresh(initialRefreshState, {
          type: 'succeeded',
          asOf: window.asOf,
          at: window.asOf,
          summary,
        })
        writeFileSync(path, panelPage(exposuresAnswer(askedState({ ...withoutShares, experiment, state }))))
        await page.goto(`file://${path}`)
        const totals = totalsOf(summary)
        const number = (text = ''): number => Number(text.replaceAll(',', ''))

        const counted = totals.reduce((sum, [, total]) => sum + total, 0)
        const seen = counted + summary.excludedIdentities
        // Half of the last digit is rounded to either side: 3 of 160 is 1.87% or 1.88%.
        const expectShare = (text: string | undefined, part: number, whole: number): void => {
          if (whole === 0) {
            expect(text).toBe('–')
            return
          }
          expect(Math.abs(Number(text?.replaceAll(/[%<>]/g, '')) - (100 * part) / whole)).toBeLessThan(0.0101)
          expect(text === '0.00%').toBe(part === 0)
          expect(text === '100.00%').toBe(part === whole)
        }
        const variants = await rows('Identities by variant')
        expect(variants.map(([, total]) => number(total))).toEqual(totals.map(([, total]) => total))
        const shares = variants.map(([, , share = '']) => Number(share.replaceAll(/[%<>]/g, '')))
        if (counted > 0 && variants.every(([, , share = '']) => !/[<>]/.test(share))) {
          expect(shares.reduce((sum, each) => sum + each, 0)).toBeCloseTo(100, 6)
        }
        totals.forEach(([, total], place) => {
          if (counted === 0) expect(variants[place]?.[2]).toBe('–')
          else expect(Math.abs((shares[place] ?? 0) - (100 * total) / counted)).toBeLessThan(0.0101)
          expect(variants[place]?.[2] === '0.00%').toBe(counted > 0 && total === 0)
        })
        const [all, excluded] = await rows('Identities by variant', 'tfoot')
        expect(all?.slice(0, 2)).toEqual(['All variants', counted.toLocaleString('en-US')])
        expectShare(all?.[2], counted, counted)
        expect(excluded?.slice(0, 2)).toEqual([
          'Excluded',
          summary.excludedIdentities.toLocaleString('en-US'),
        ])
        expectShare(excluded?.[2], summary.excludedIdentities, seen)
        const figure = await page.locator('.figure .value').allTextContents()
        expect(figure.slice(0, 2).map(number)).toEqual([counted, summary.excludedIdentities])
        if (counted === 0) return

        await page.getByText('The numbers as a table').click()
        await page.locator('.numbers table').waitFor()
        const running = await rows(/up to the end of each/)
        expect(running.at(-1)?.slice(1).map(number)).toEqual(totals.map(([, total]) => total))
        await page.getByLabel(/^New per/).check()
        const increments = (await rows(/New identities in each/)).map((row) => row.slice(1).map(number))
        expect(
          totals.map((_, column) => increments.reduce((sum, row) => sum + (row[column] ?? 0), 0)),
        ).toEqual(totals.map(([, total]) => total))
      }),
      { numRuns: runs(12), endOnFailure: true },
    )
  })

  test('keys that are markup, prototype keys, empty, long or right-to-left are text', async () => {
    const keys = [
      'control',
      '</script><script>alert(1)</script>',
      '<img src=x onerror=alert(2)>',
      '__proto__',
      'constructor',
      '',
      '\u2028',
      'שלום',
      '&amp;',
      'long '.repeat(40),
    ]
    await open(
      answerOf(after(daily(keys)), {
        title: '</title><img src=x onerror=alert(3)>',
        origin: '<b>events</b>',
        expectedShares: Object.fromEntries(keys.map((key) => [key, 1])),
      }),
    )
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.locator('h1').textContent()).toBe('</title><img src=x onerror=alert(3)>')
    const names = await page.locator('[aria-label="Identities by variant"] .variant').allTextContents()
    expect(names.slice(0, 9)).toEqual([...keys.slice(0, 5), '(empty)', '\\u2028', 'שלום', '&amp;'])
    expect(await page.locator('.verdict').textContent()).toBe('No mismatch found')
    expect(await violations()).toEqual([])
  })

  test('the control comes first and bears a badge; a variant nobody configured bears another', async () => {
    await open(answerOf(after(summary), { control: 'blue', expectedShares: { zero: 1, blue: 1 } }))
    expect(await rows('Identities by variant')).toEqual([
      ['blue Control', '8,700', '50.00%', '50.00%'],
      ['zero', '0', '0.00%', '50.00%'],
      ['control Not configured', '8,700', '50.00%', 'none'],
    ])
    expect(await page.locator('.verdict').textContent()).toBe('Sample ratio mismatch')
    expect(await page.locator('.card', { hasText: 'Can the split' }).innerText()).toContain(
      'A variant has identities although none are expected in it: control.',
    )
  })

  describe('variants beyond count', () => {
    /** The last two are the control and a configured one, which are the smallest. */
    const many = (most: number): readonly string[] => [
      ...Array.from({ length: most - 2 }, (_, index) => `v${index + 1}`),
      'control',
      'blue',
    ]
    const summaryOf = (keys: readonly string[]): ExposuresSummary =>
      daily(keys, 'UTC', (key) => (key.startsWith('v') ? Number(key.slice(1)) / 1000 : 0.0005))

    test('one hundred have a row, the control and the configured ones always; the others have one together', async () => {
      await open(answerOf(after(summaryOf(many(101)))))
      const lines = await rows('Identities by variant')
      expect(lines).toHaveLength(101)
      expect(lines.slice(0, 3).map(([name]) => name)).toEqual([
        'control Control',
        'blue',
        'v2 Not configured',
      ])
      expect(lines.at(-1)?.slice(0, 2)).toEqual(['1 more variant', '11'])
      expect(await page.locator('.notes').innerText()).toContain(
        '93 smaller variants are not drawn. The table of variants counts them.',
      )
    })

    test('every table says how many it leaves out', async () => {
      const keys = many(120)
      const row = { identities: 0, lateness_seconds: [] }
      await open(
        exposuresAnswer(
          askedState({
            ...withoutShares,
            state: after(summaryOf(keys)),
            ledger: summarizeExposureLedger(
              [...keys, 'junk'].map((variant) => ({ ...row, entry: 'exposure', variant, events: 1 })),
            ),
            breakdown: {
              column: 'platform',
              ...summarizeExposuresBreakdown(
                keys.map((variant) => ({
                  other: 0,
                  value: 'web',
                  quarantined: 0,
                  variant,
                  bucket: '2026-06-02 00:00:00',
                  new_identities: 10,
                })),
                { granularity: 'day' },
              ),
            },
          }),
        ),
      )
      const least = new Set(['blue', ...Array.from({ length: 19 }, (_, index) => `v${index + 1}`)])
      const rest = totalsOf(summaryOf(keys)).reduce(
        (sum, [key, total]) => sum + (least.has(key) ? total : 0),
        0,
      )
      const split = await rows('Counted and expected identities by variant')
      expect(split).toHaveLength(101)
      const figures = split.map((cells) =>
        cells.slice(1).map((text) => Number(text.replaceAll(/[,%+]/g, '').replace('−', '-'))),
      )
      expect(split.at(-1)?.[0]).toBe('20 more variants')
      expect(figures.at(-1)?.[0]).toBe(rest)
      expect(figures.reduce((sum, [, expected = 0]) => sum + expected, 0)).toBeCloseTo(
        figures.reduce((sum, [counted = 0]) => sum + counted, 0),
        -1,
      )
      await page.getByText('The numbers as a table').click()
      await page.locator('.numbers table').waitFor()
      expect((await rows(/up to the end of each/))[0]).toHaveLength(101)
      const left = (selector: string): Promise<string> =>
        page.locator(selector).getByText('in this table').innerText()
      expect(await left('.numbers')).toBe('20 more variants have no column in this table.')
      expect(await left('.card:has-text("Where the events went")')).toBe(
        '113 more variants have no column in this table.',
      )
      expect(await left('.card:has-text("Slices by")')).toBe(
        '112 more variants have no column in this table.',
      )
    })

    test('the work for each of them does not grow with their number', async () => {
      await blank()
      await page.addInitScript(() => {
        const format = Object.getOwnPropertyDescriptor(Intl.NumberFormat.prototype, 'format')
        Object.defineProperty(Intl.NumberFormat.prototype, 'format', {
          get(this: Intl.NumberFormat) {
            document.documentElement.dataset['figures'] = String(
              Number(document.documentElement.dataset['figures'] ?? 0) + 1,
            )
            return format?.get?.call(this) as Intl.NumberFormat['format']
          },
        })
      })
      const figuresOf = async (most: number): Promise<number> => {
        const path = join(folder, 'many.html')
        const state = after(summaryOf(many(most)))
        writeFileSync(path, panelPage(exposuresAnswer(askedState({ ...withoutShares, state }))))
        await page.goto(`file://${path}`)
        expect(await rows('Identities by variant')).toHaveLength(101)
        return Number(await page.locator('html').getAttribute('data-figures'))
      }
      // A figure or two for each.
      expect((await figuresOf(500)) - (await figuresOf(300))).toBeLessThan(1000)
    })
  })

  test('the ledger, the crossovers and the slices, where they are given', async () => {
    await open(explained)
    expect(await rows('Events from scanned to counted')).toEqual([
      ['Scanned', '19,811', '100.00%', '', ''],
      ['Without a timestamp', '0', '0.00%', '0', '0'],
      ['Before the window', '−100', '0.50%', '100', '0'],
      ['After the window', '0', '0.00%', '0', '0'],
      ['Filtered out', '0', '0.00%', '0', '0'],
      ['Without a variant', '0', '0.00%', '0', '0'],
      ['Without an identity', '−11', '0.06%', '0', '0'],
      ['Exposures', '19,700', '99.44%', '9,800', '9,900'],
      ['Duplicates', '−1,800', '9.09%', '900', '900'],
      ['Quarantined', '−500', '2.52%', '', ''],
      ['First exposures', '17,400', '87.83%', '8,700', '8,700'],
    ])
    const ledger = await page.locator('.card', { hasText: 'Where the events went' }).innerText()
    expect(ledger).toContain('197 of them (1.00%) arrived after the end of their bucket.')
    expect(await rows(/^Identities by their first variant/)).toEqual([
      ['control', '–', '40', '40', '0.46%'],
      ['blue', '170', '–', '170', '1.92%'],
    ])
    expect(await rows(/^Identities by their first variant/, 'tfoot')).toEqual([
      ['All', '170', '40', '210', '1.19%'],
    ])
    expect(await rows(/^Pairs of variants/)).toEqual([
      ['blue → control', '170', '2 days', 'Jun 4, 2026'],
      ['control → blue', '40', '2 days', 'Jun 4, 2026'],
    ])
    const crossovers = await page.locator('.card', { hasText: 'Who crossed over' }).innerText()
    expect(crossovers).toMatch(/Quarantine falls unevenly on the variants \(p\s\d/)
    expect(crossovers).toMatch(/in their first variant/)
    expect((await rows('The split by slice')).map((cells) => cells.slice(0, 4))).toEqual([
      ['<b>ios</b>', 'mismatch', expect.stringMatching(/^2\.\d × 10⁻⁷$/), '1,400'],
      ['web', 'none found', '1', '14,000'],
      ['(no value)', 'none found', '1', '1,800'],
    ])
    await open(loaded)
    for (const name of ['Where the events went', 'Who crossed over', 'Slices by']) {
      expect(await page.locator('.card:visible', { hasText: name }).count()).toBe(0)
    }
  })

  test('without a configured split it assumes equal shares, and says so', async () => {
    const state = after(daily(['control', 'blue'], 'UTC', (key) => (key === 'blue' ? 0.5 : 1)))
    await open(exposuresAnswer(askedState({ ...withoutShares, state })))
    const card = await page.locator('.card', { hasText: 'Can the split' }).innerText()
    expect(card).toContain('No split was given, so this assumes equal shares.')
    expect(card).toContain('Not an equal split')
    expect(card).toContain('If another split was configured')
    expect(card).toMatch(/p = \d\.\d × 10⁻/)
  })

  test('the chart by keyboard: arrows, ends, the switch, and what is said of it', async () => {
    await open(loaded)
    const slider = page.getByRole('slider')
    const value = (): Promise<string | null> => slider.getAttribute('aria-valuetext')
    expect(await value()).toBe('Up to Jun 12, 2026, 3:20 PM: control 8,700, blue 8,700')
    await slider.focus()
    await page.keyboard.press('ArrowLeft')
    expect(await value()).toBe('Up to the end of Jun 11, 2026: control 8,250, blue 8,250')
    await page.keyboard.press('Home')
    expect(await value()).toBe('Up to the end of Jun 1, 2026: control 1,000, blue 1,000')
    await page.keyboard.press('ArrowLeft')
    expect(await slider.getAttribute('aria-valuenow')).toBe('1')
    await page.keyboard.press('ArrowRight')
    await page.getByLabel('Cumulative').focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.getByLabel(/^New per/).isChecked()).toBe(true)
    expect(await value()).toBe('Jun 2, 2026: control 950, blue 950')
    expect(await page.locator('.readout').innerText()).toMatch(/^Jun 2, 2026\n+control\n+950\n+blue\n+950$/)
    await slider.focus()
    await page.keyboard.press('End')
    expect(await slider.getAttribute('aria-valuenow')).toBe('12')
  })

  test('the chart by pointer: the bucket under it, and the last one when it is gone', async () => {
    await open(loaded)
    const box = await page.locator('.chart-frame').boundingBox()
    if (box === null) throw new Error('no chart')
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
    const middle = await page.locator('.readout .bucket').textContent()
    expect(middle).toMatch(/^Up to the end of Jun [67], 2026$/)
    await page.mouse.move(box.x + 1, box.y + 10)
    expect(await page.locator('.readout .bucket').textContent()).toBe('Up to the end of Jun 1, 2026')
    await page.mouse.move(1, 1)
    expect(await page.locator('.readout .bucket').textContent()).toBe('Up to Jun 12, 2026, 3:20 PM')
  })

  test('times in the experiment’s zone, in the reader’s and in UTC', async () => {
    await open(answerOf(after(daily(['control', 'blue'], 'Europe/Madrid'))))
    const upTo = (): Promise<string> => page.locator('.figure time').innerText()
    const bucket = (): Promise<string | null> => page.locator('.readout .bucket').textContent()
    const spaces = /[\u202f\u00a0]/g
    expect((await upTo()).replace(spaces, ' ')).toBe('Jun 12, 2026, 5:20 PM')
    expect(await bucket()).toBe('Up to Jun 12, 2026, 5:20 PM')
    await page.getByLabel('America/New York (you)').check()
    expect((await upTo()).replace(spaces, ' ')).toBe('Jun 12, 2026, 11:20 AM')
    expect(await bucket()).toBe('Up to Jun 12, 2026, 11:20 AM')
    await page.getByLabel(/^New per/).check()
    expect(await bucket()).toBe(
      'Jun 11, 2026, 6:00 PM – Jun 12, 2026, 6:00 PM, up to Jun 12, 2026, 11:20 AM so far',
    )
    await page.getByLabel('Cumulative').check()
    await page.getByLabel('UTC').check()
    expect((await upTo()).replace(spaces, ' ')).toBe('Jun 12, 2026, 3:20 PM')
    expect(await page.locator('.figure time').getAttribute('datetime')).toBe('2026-06-12T15:20:00.000Z')
  })

  test('an answer that cannot be read is a sentence, not a blank page', async () => {
    const broken = JSON.parse(JSON.stringify(loaded)) as {
      status: { success: { summary: { excludedIdentities: number } } }
    }
    broken.status.success.summary.excludedIdentities = -1
    for (const [answer, words] of [
      [broken, /This panel cannot be shown.*The answer is damaged: .*excludedIdentities/s],
      [{ ...loaded, version: 2 }, /The answer has version 2, and this panel reads version 1/],
      [{ ...loaded, verdicts: {} }, /not an answer of exposuresAnswer/],
      [{ title: 'x' }, /not an answer of exposuresAnswer/],
      [[], /not an answer of exposuresAnswer/],
    ] as const) {
      await open(answer as unknown as ExposuresAnswer)
      expect(await page.locator('.panel').innerText()).toMatch(words)
      expect(await violations()).toEqual([])
      await page.context().close()
    }
  })

  test('its policy lets it ask nobody, and a live page its own server only', () => {
    const policy = (html: string): string =>
      /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? ''
    expect(policy(panelPage(loaded))).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; img-src data:; base-uri 'none'; form-action 'none'$/,
    )
    expect(policy(panelPage(loaded, { service }))).toContain("connect-src 'self';")
    expect(panelPage(loaded)).toContain('d3-shape 3.2.0 (ISC)')
  })

  describe('served live', () => {
    let server: Server
    let answers: (ExposuresAnswer | { readonly status: number; readonly body: string })[] = []
    let asked: string[] = []

    beforeAll(async () => {
      server = createServer((request, response) => {
        if (request.url === '/') {
          response.setHeader('content-type', 'text/html; charset=utf-8')
          response.end(panelPage(answerOf(after(null)), { service }))
          return
        }
        asked.push(`${request.method} ${request.url}`)
        // The last answer is what the service goes on saying.
        const answer = answers.length > 1 ? answers.shift() : answers[0]
        if (answer !== undefined && 'body' in answer) response.writeHead(answer.status).end(answer.body)
        else response.end(JSON.stringify(answer))
      })
      server.listen(0, '127.0.0.1')
      await new Promise((settle) => server.once('listening', settle))
    })
    afterAll(async () => {
      server?.closeAllConnections()
      await new Promise((settle) => server?.close(settle))
    })
    const serve = async (...saying: typeof answers): Promise<void> => {
      answers = saying
      asked = []
      await blank()
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    }
    const badge = (text: string): Promise<void> => page.locator('.badge.status', { hasText: text }).waitFor()
    const button = (): ReturnType<Page['getByRole']> => page.getByRole('button')
    const refreshing = answerOf(after(null, requested))
    const due = loaded

    test('a refresh from nothing to a count that is throttled, by keyboard, said aloud', async () => {
      await serve(refreshing, refreshing, {
        ...loaded,
        decision: { type: 'throttled', retryAfterMs: 240_000 },
      })
      await badge('Nothing yet')
      await button().focus()
      await page.keyboard.press('Enter')
      await badge('Refreshing')
      expect(await button().textContent()).toBe('Refreshing…')
      expect(await button().getAttribute('aria-disabled')).toBe('true')
      expect(await page.getByRole('status').textContent()).toContain('A refresh is running')
      await badge('Loaded')
      expect(await page.locator('.figure .value').first().textContent()).toBe('17,400')
      expect(await page.locator('.figure', { hasText: 'Counted up to' }).innerText()).toContain(
        '15 minutes ago',
      )
      expect(await page.locator('#refresh-wait').textContent()).toMatch(/^Possible again in (4:00|3:5\d)$/)
      // The keyboard is where it was, and the button does nothing while it may not.
      expect(
        await button().evaluate((element) => element === (element.getRootNode() as ShadowRoot).activeElement),
      ).toBe(true)
      await page.keyboard.press('Enter')
      expect(asked).toEqual(['POST /refresh', 'GET /exposures', 'GET /exposures'])
      expect(await violations()).toEqual([])
    })

    test('a refresh that fails leaves the last good count; the next one may be asked for', async () => {
      await serve(answerOf(after(summary, failed())))
      await button().click()
      await badge('Stale')
      expect(await page.locator('.figure .value').first().textContent()).toBe('17,400')
      expect(await button().getAttribute('aria-disabled')).toBe('false')
    })

    test('a final count has no button', async () => {
      await serve(
        answerOf(after(summary), { experiment: { startedAt, endedAt: asOf }, policy: { settleMs: 0 } }),
      )
      await button().click()
      await badge('Final')
      expect(await button().count()).toBe(0)
    })

    test('an answer that is none leaves what is shown, and says so', async () => {
      await serve(
        due,
        { status: 200, body: '<p>Sign in</p>' },
        {
          ...loaded,
          status: {
            type: 'loaded',
            success: { ...success, summary: { ...summary, excludedIdentities: -1 } },
          },
        },
        due,
      )
      await button().click()
      await badge('Loaded')
      const trouble = page.locator('.banner.warning').first()
      expect(await trouble.isVisible()).toBe(false)
      await button().click()
      await trouble.getByText('HTTP 200').waitFor()
      expect(await page.getByRole('status').textContent()).toContain('HTTP 200')
      await button().click()
      await trouble.getByText('excludedIdentities').waitFor()
      expect(await page.locator('.figure .value').first().textContent()).toBe('17,400')
      await button().click()
      await trouble.waitFor({ state: 'hidden' })
    })
  })

  test('the built entry points say the same in Node, as ESM and as CommonJS, and in the browser', async () => {
    const names = {
      'first-exposure': ['summarizeExposures', 'exposureWindow', 'refreshStatus', 'initialRefreshState'],
      'first-exposure/view': ['exposuresView', 'formatBucket'],
      'first-exposure/statistics': ['sampleRatio', 'sequentialSampleRatio', 'excludedRatio'],
    }
    const program = `
      const summary = JSON.parse(${JSON.stringify(JSON.stringify(daily(['control', 'blue', '__proto__'], 'Europe/Madrid')))})
      const view = exposuresView(summary, { window: exposureWindow(${startedAt}, ${asOf}), fillGaps: true })
      const shares = { control: 3, blue: 3, ['__proto__']: 3 }
      const answer = JSON.stringify([
        view,
        view.points.map((point) => [formatBucket(point), formatBucket(point, { timeZone: 'America/St_Johns' })]),
        sampleRatio({ a: 3123, b: 6877 }, { a: 1, b: 1 }),
        sequentialSampleRatio(view, shares),
        excludedRatio(view),
        refreshStatus(initialRefreshState, { startedAt: 0, endedAt: null }, 1),
        // Engines of different age differ in the last digit of an exponential.
      ], (_, value) => (typeof value === 'number' ? Number(value.toPrecision(12)) : value))`
    const load = (statement: (names: string, from: string) => string): string =>
      Object.entries(names)
        .map(([from, names]) => statement(`{ ${names.join(', ')} }`, from))
        .join('\n')
    const esm = load((names, from) => `import ${names} from '${from}'`) + program
    const cjs = load((names, from) => `const ${names} = require('${from}')`) + program
    const node = async (type: string, code: string): Promise<string> => {
      const args = [`--input-type=${type}`, '--eval', `${code}\nprocess.stdout.write(answer)`]
      return (await run(process.execPath, args, { cwd: folder })).stdout
    }
    const bundle = await build({
      stdin: {
        contents: `${esm}\nglobalThis.answer = answer`,
        resolveDir: folder,
      },
      bundle: true,
      write: false,
      platform: 'browser',
      logLevel: 'error',
      tsconfigRaw: {},
    })
    await blank({ timezoneId: 'Asia/Kathmandu' })
    await page.evaluate(bundle.outputFiles[0]?.text ?? '')
    const inBrowser = await page.evaluate(() => (globalThis as unknown as { answer: string }).answer)
    const [asEsm, asCjs] = await Promise.all([node('module', esm), node('commonjs', cjs)])
    expect(asEsm).toContain('2.0513578019')
    expect(asCjs).toBe(asEsm)
    expect(inBrowser).toBe(asEsm)
  })

  describe.skipIf(!engineAvailable)('written by the report (needs the embedded ClickHouse)', () => {
    const report = async (...args: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
      run(process.execPath, ['--import', 'tsx', join(root, 'src/command/main.ts'), 'report', ...args], {
        cwd: root,
      })

    test('a file with --expected and --control', async () => {
      const [log, html] = [join(folder, 'log.csv'), join(folder, 'log.html')]
      writeFileSync(
        log,
        `identifier,value,timestamp\n${Array.from({ length: 400 }, (_, n) => `${n},${n % 4 === 0 ? 'a=b' : 'c'},2026-06-0${1 + (n % 7)}\n`).join('')}`,
      )
      const args = ['--file', log, '--expected', 'a=b=25,c=75', '--control', 'c', '--html', html]
      const { stdout, stderr } = await report(...args)
      expect(stderr).toMatch(/^Wrote .*log\.html \(\d+ kB\): open it in a browser\.\n$/)
      expect(stdout).toContain('No mismatch found (p 1)')
      await blank()
      await page.goto(`file://${html}`)
      expect(await rows('Identities by variant')).toEqual([
        ['c Control', '300', '75.00%', '75.00%'],
        ['a=b', '100', '25.00%', '25.00%'],
      ])
      expect(await violations()).toEqual([])
    })

    test.skipIf(!existsSync(realLog))('a real log (needs ../shared/data/ab_data.csv.gz)', async () => {
      const html = join(folder, 'real.html')
      const columns = ['--identity', 'user_id', '--variant', 'group', '--timestamp', 'timestamp']
      await report('--file', realLog, ...columns, '--html', html)
      await blank()
      await page.goto(`file://${html}`)
      expect((await page.locator('.figure .value').allTextContents()).slice(0, 3)).toEqual([
        '288,689',
        '1,895',
        'No mismatch with an equal split found',
      ])
      expect(await page.getByRole('slider').getAttribute('aria-valuetext')).toEqual(
        expect.stringMatching(/^Up to Jan 24, 2017, 1:41\sPM: control 144,300, treatment 144,389$/),
      )
    })
  })
})
