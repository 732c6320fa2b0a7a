import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  exposureFingerprint,
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  summarizeCrossovers,
  summarizeExposureLedger,
  summarizeExposures,
  summarizeExposuresBreakdown,
  type RefreshSuccess,
} from 'first-exposure'
import {
  exposuresAnswer,
  type ExposuresAnswer,
  type ExposuresAnswerInput,
  type Panel,
  type PanelOptions,
} from 'first-exposure/panel'
import { askedState } from './asked-state.js'
import { chromiumInstalled, executablePath, openChromium } from './open-chromium.js'

/** The bundle's own global, in the page. */
interface PageGlobal {
  readonly firstExposure: {
    readonly mountPanel: (target: Element, answer: unknown, options?: PanelOptions) => Panel
  }
  panel: Panel
}

const project = resolve(import.meta.dirname, '../..')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const startedAt = Date.UTC(2026, 5, 1)
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const dayMs = 86_400_000

interface Made {
  readonly days?: number
  /** How much of the last day is over, 0 to 1. */
  readonly lastDay?: number
  readonly excluded?: number
  readonly total?: (key: string, day: number) => number
}

/** An answer about some variants, each with as many identities on each day. */
function answerOf(
  keys: readonly string[],
  { days = 6, lastDay = 1, excluded = 0, total = () => 100 }: Made = {},
  more: Partial<ExposuresAnswerInput> = {},
): ExposuresAnswer {
  const asOf = startedAt + (days - 1 + lastDay) * dayMs
  const summary = summarizeExposures(
    [
      ...Array.from({ length: days }, (_, day) =>
        keys.map((variant) => ({
          quarantined: false as const,
          variant,
          bucketMs: startedAt + day * dayMs,
          newIdentities: total(variant, day),
        })),
      ).flat(),
      { quarantined: true as const, variant: null, bucketMs: startedAt, newIdentities: excluded },
    ].filter(({ newIdentities }) => newIdentities > 0),
    { granularity: 'day' },
  )
  return exposuresAnswer(
    askedState({
      state: reduceRefresh(initialRefreshState, { type: 'succeeded', asOf, at: asOf, summary }),
      experiment: { startedAt, endedAt: null },
      spec,
      now: asOf + 60_000,
      ...more,
    }),
  )
}

function successIn({ status }: ExposuresAnswer): RefreshSuccess {
  if (!('success' in status) || status.success === null) throw new Error('no success')
  return status.success
}

const letters = (count: number): string[] =>
  Array.from({ length: count }, (_, place) => String.fromCharCode(97 + place))
const longNames = ['control', 'a', 'b'].map((key) =>
  key === 'control' ? key : `checkout-redesign-2026-with-express-payment-and-a-very-long-suffix-${key}`,
)

const explained = (keys: readonly string[], scale = 1): Partial<ExposuresAnswerInput> => ({
  ledger: summarizeExposureLedger(
    [
      { entry: 'before-window', variant: keys[0], events: 7 * scale },
      ...keys.map((variant) => ({ entry: 'exposure', variant, events: 900 * scale })),
      ...keys.map((variant) => ({
        entry: 'counted',
        variant,
        events: 600 * scale,
        identities: 600 * scale,
      })),
    ].map((row) => ({ identities: 0, lateness_seconds: [], ...row })),
    { variants: [...keys] },
  ),
  crossovers: summarizeCrossovers(
    keys.slice(1).map((next_variant, place) => ({
      first_variant: keys[0],
      next_variant,
      identities: 20 * (place + 1) * scale,
      median_ms: 86_400_000,
      buckets: ['2026-06-02 00:00:00'],
      bucket_identities: [20 * (place + 1) * scale],
    })),
    { granularity: 'day' },
  ),
  breakdown: {
    column: 'platform',
    ...summarizeExposuresBreakdown(
      ['web', 'a value that is so long that it needs a line of its own, and then another one'].flatMap(
        (value) =>
          keys.map((variant) => ({
            other: 0,
            value,
            quarantined: 0,
            variant,
            bucket: '2026-06-02 00:00:00',
            new_identities: 300 * scale,
          })),
      ),
      { granularity: 'day' },
    ),
  },
})

describe.skipIf(!chromiumInstalled)(`a mounted panel (needs ${executablePath})`, () => {
  let browser: Browser
  let page: Page
  let script = ''
  let complaints: string[] = []
  let server: Server
  let policy = ''
  let url = ''

  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [resolve(project, 'src/panel/index.ts')],
      absWorkingDir: project,
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'firstExposure',
      // As an application would: the page around it may forbid eval.
      footer: { js: 'globalThis.firstExposure = firstExposure' },
    })
    script = outputFiles[0]?.text ?? ''
    browser = await openChromium('--js-flags=--expose-gc')
    server = createServer((request, response) => {
      if (request.url === '/panel.js') response.setHeader('content-type', 'text/javascript').end(script)
      else {
        if (policy !== '') response.setHeader('content-security-policy', policy)
        response.setHeader('content-type', 'text/html')
        response.end(
          '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Page</title><body style="margin:8px"><main><h1>Page</h1><div id="place"></div></main><script src="/panel.js"></script>',
        )
      }
    })
    server.listen(0, '127.0.0.1')
    await new Promise((listening) => server.once('listening', listening))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
  })
  afterEach(async () => {
    await page.context().close()
    policy = ''
    expect(complaints).toEqual([])
  })

  const open = async (options: BrowserContextOptions = {}): Promise<void> => {
    complaints = []
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      timezoneId: 'America/New_York',
      ...options,
    })
    page = await context.newPage()
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', ({ message }) => complaints.push(message))
    await page.goto(url)
  }
  const mount = (answer: unknown, options: PanelOptions = {}): Promise<void> =>
    page.evaluate(
      ([answer, options]) => {
        const all = globalThis as unknown as PageGlobal
        const place = document.querySelector('#place')
        if (place !== null) all.panel = all.firstExposure.mountPanel(place, answer, options)
      },
      [answer, options] as const,
    )
  const update = (answer: unknown): Promise<void> =>
    page.evaluate((answer) => {
      ;(globalThis as unknown as PageGlobal).panel.update(answer as ExposuresAnswer)
    }, answer)
  const violations = async (): Promise<string[]> => {
    await page.evaluate(axe)
    return page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
      }
      const { violations } = await axe.run()
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`,
      )
    })
  }
  /** What is wider than its place, or lies over its neighbour, and does not say that it scrolls. */
  const overflows = (): Promise<string[]> =>
    page.evaluate(() => {
      const root = document.querySelector('#place > div')?.shadowRoot
      const found: string[] = []
      if (document.documentElement.scrollWidth > innerWidth) found.push('the page')
      for (const box of root?.querySelectorAll<HTMLElement>('.figure, .card, .banner, header, .readout') ??
        []) {
        if (box.scrollWidth > box.clientWidth + 1)
          found.push(`${box.className}: ${box.innerText.slice(0, 60)}`)
      }
      for (const place of root?.querySelectorAll<HTMLElement>('.scroll') ?? []) {
        const says = place.parentElement?.querySelector<HTMLElement>('.hint')?.offsetParent !== null
        if (place.scrollWidth > place.clientWidth + 1 && !says) found.push(`no hint: ${place.ariaLabel}`)
      }
      for (const row of root?.querySelectorAll('tr') ?? []) {
        const cells = [...row.children].map((cell) => {
          const range = document.createRange()
          range.selectNodeContents(cell)
          return range.getBoundingClientRect()
        })
        cells.forEach((one, place) => {
          for (const other of cells.slice(place + 1)) {
            const across = Math.min(one.right, other.right) - Math.max(one.left, other.left)
            const along = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top)
            if (across > 1 && along > 1 && one.width * other.width > 0)
              found.push(`over one another: ${row.textContent}`)
          }
        })
      }
      return found
    })

  describe.each([320, 390, 768, 1280])('%i pixels wide', (width) => {
    test.each<[string, ExposuresAnswer]>([
      ['long names', answerOf(longNames, {}, explained(longNames))],
      [
        'figures of 15 digits',
        answerOf(
          ['control', 'blue'],
          { total: () => 20_000_000_000_000 },
          explained(['control', 'blue'], 1e11),
        ),
      ],
      ['25 billion', answerOf(['control', 'blue'], { total: () => 2_083_333_333 })],
      [
        '30 variants',
        answerOf(
          Array.from({ length: 30 }, (_, place) => String(place + 1)),
          {},
          explained(Array.from({ length: 30 }, (_, place) => String(place + 1))),
        ),
      ],
      [
        'a title and an error without a space',
        exposuresAnswer(
          askedState({
            title: 'x'.repeat(200),
            origin: 'y'.repeat(200),
            state: reduceRefresh(initialRefreshState, {
              type: 'failed',
              asOf: startedAt + dayMs,
              at: startedAt + dayMs,
              error: { code: 'c'.repeat(64), transient: true, message: 'm'.repeat(500) },
            }),
            experiment: { startedAt, endedAt: null },
            spec,
            now: startedAt + 2 * dayMs,
          }),
        ),
      ],
    ])('%s: nothing is cut or lies over another, unless it says that it scrolls', async (_, answer) => {
      await open({ viewport: { width, height: 900 } })
      await mount(answer)
      expect(await overflows()).toEqual([])
      for (const details of await page.locator('.numbers summary:visible').all()) await details.click()
      expect(await overflows()).toEqual([])
      expect(await violations()).toEqual([])
    })
  })

  describe('the lines', () => {
    test.each([true, false])('are eight, each with a pen of its own (control: %s)', async (hasControl) => {
      await open()
      await mount(answerOf(hasControl ? ['control', ...letters(9)] : letters(10)))
      const pens = await page.locator('.chart path.line').evaluateAll((paths) =>
        paths.map((path) => {
          const { stroke, strokeDasharray } = getComputedStyle(path)
          return `${stroke} ${strokeDasharray}`
        }),
      )
      expect(pens).toHaveLength(8)
      expect(new Set(pens).size).toBe(8)
      expect(pens.filter((pen) => pen.startsWith('none'))).toEqual([])
      expect(await page.locator('.readout svg.swatch line').count()).toBe(8)
    })

    test('are those of the largest variants, and the control’s, wherever they stand', async () => {
      await open()
      const keys = ['control', ...letters(12)]
      const total = (key: string): number => (key === 'control' ? 1 : 100 + 10 * keys.indexOf(key))
      await mount(answerOf(keys, { total }))
      expect(await page.locator('.readout .variant').allTextContents()).toEqual([
        'control',
        ...keys.slice(-7),
      ])
      expect(await page.locator('.notes').textContent()).toContain('5 smaller variants are not drawn.')
    })
  })

  test('names that share a prefix are told apart in the legend, and whole in the table', async () => {
    await open({ viewport: { width: 390, height: 900 } })
    await mount(answerOf(longNames, {}, explained(longNames)))
    const legend = await page.locator('.readout .variant').allTextContents()
    expect(new Set(legend).size).toBe(3)
    expect(Math.max(...legend.map(({ length }) => length))).toBeLessThanOrEqual(28)
    expect(await page.locator('.variants .variant').allTextContents()).toEqual(longNames)
  })

  test('the variants come in the order of people, with their sum in sight', async () => {
    await open()
    const keys = Array.from({ length: 30 }, (_, place) => String(place + 1))
    await mount(answerOf(keys))
    const rows = page.locator('.variants tbody th')
    expect((await rows.allTextContents()).map((text) => text.trim())).toEqual(keys)
    const place = page.locator('.variants .scroll')
    expect(await place.evaluate((box) => box.scrollHeight - box.clientHeight)).toBeLessThanOrEqual(1)
  })

  test.each([
    ['open', 0.4, 1],
    ['closed', 1, 0],
  ])('the last day, %s, looks so: in both modes, also where it is chosen', async (_, lastDay, open_) => {
    await open()
    await mount(answerOf(['control', 'blue'], { lastDay }))
    for (const mode of ['Cumulative', 'New per day']) {
      await page.getByLabel(mode).check()
      expect(await page.locator('.chart .open').count()).toBe(open_)
      expect(await page.locator('.chart .dot.partial').count()).toBe(2 * open_)
      expect(await page.locator('.chart .dot:not(.partial)').count()).toBeGreaterThan(open_ === 1 ? -1 : 1)
      // What marks the chosen bucket is a ring, so that the dot shows through.
      expect(
        await page
          .locator('.chart .mark')
          .first()
          .evaluate((mark) => getComputedStyle(mark).fill),
      ).toBe('none')
    }
    expect(await page.locator('.readout .bucket').textContent()).toMatch(
      open_ === 1 ? /^Jun 6, 2026, up to 9:36\sAM so far$/ : /^Jun 6, 2026$/,
    )
  })

  test('nobody entered, but one was excluded', async () => {
    await open()
    await mount(answerOf([], { excluded: 1 }))
    expect(await page.locator('.nobody').textContent()).toBe(
      'Nobody has entered so far: the 1 identity seen was in several variants and is excluded.',
    )
  })

  test('a silent arm and a fallen rate are said beside the verdict', async () => {
    await open()
    const total = (key: string, day: number): number => (day < 4 ? 1000 : key === 'control' ? 50 : 0)
    await mount(answerOf(['control', 'blue'], { total }, { expectedShares: { control: 1, blue: 1 } }))
    const said = await page.locator('p.warning').allTextContents()
    expect(said.join(' ')).toContain('blue has no identity any more')
  })

  describe('from right to left', () => {
    test.each(['the page', 'the option'])(
      'by %s: the heights stand left of the lines, signs before figures',
      async (by) => {
        await open()
        if (by === 'the page') await page.evaluate(() => document.documentElement.setAttribute('dir', 'rtl'))
        const total = (key: string): number => (key === 'blue' ? 283 : 100)
        await mount(answerOf(['control', 'blue'], { total }), by === 'the page' ? {} : { dir: 'rtl' })
        const [labels, lines] = await page
          .locator('svg.chart')
          .evaluate((svg) => [
            Math.max(
              ...[...svg.querySelectorAll('text[text-anchor=end]')].map(
                (text) => text.getBoundingClientRect().right,
              ),
            ),
            Math.min(
              ...[...svg.querySelectorAll('line.grid')].map((line) => line.getBoundingClientRect().left),
            ),
          ])
        expect(labels).toBeLessThan(lines ?? 0)
        // The sign is drawn before its digits: what is left of the middle holds it.
        const difference = page.locator('bdi', { hasText: /^\+/ }).first()
        expect(await difference.evaluate((cell) => getComputedStyle(cell).direction)).toBe('ltr')
        const [sign, digit] = await difference.evaluate((cell) => {
          const at = (from: number): number => {
            const range = document.createRange()
            range.setStart(cell.firstChild ?? cell, from)
            range.setEnd(cell.firstChild ?? cell, from + 1)
            return range.getBoundingClientRect().left
          }
          return [at(0), at(1)]
        })
        expect(sign).toBeLessThan(digit ?? 0)
        expect(await violations()).toEqual([])
      },
    )
  })

  describe('its language', () => {
    test('is the locale’s and the labels’', async () => {
      await open()
      await mount(answerOf(['control', 'blue'], { total: () => 12_345 }), {
        locale: 'de',
        timeZone: 'Europe/Berlin',
        labels: {
          entered: 'Erfasste',
          inVariants: { one: 'in {count} Variante', other: 'in {count} Varianten' },
        },
      })
      expect(await page.locator('.figure').first().innerText()).toMatch(
        /^Erfasste\s+148\.140\s+in 2 Varianten$/,
      )
      expect(await page.locator('.figure time').textContent()).toBe('07.06.2026, 02:00')
      expect(await page.locator('.panel').getAttribute('lang')).toBe('de')
      expect(await page.getByLabel('Europe/Berlin').isChecked()).toBe(true)
    })

    test.each<[string, object]>([
      ['locale', { locale: 'not a locale' }],
      ['timeZone', { timeZone: 'Mars/Olympus' }],
      ['dir', { dir: 'up' }],
      ['headingLevel', { headingLevel: 9 }],
      ['labels.refrsh', { labels: { refrsh: 'x' } }],
      ['onpoll', { onpoll: 1 }],
    ])('refuses an odd %s by its name', async (path, options) => {
      await open()
      await expect(mount(answerOf([]), options)).rejects.toThrow(path)
      expect(await page.locator('#place > *').count()).toBe(0)
    })
  })

  test('refuses a place that is no element before anything starts; takes one of another realm', async () => {
    await open()
    const seen = await page.evaluate(
      (answer) => {
        const { mountPanel } = (globalThis as unknown as PageGlobal).firstExposure
        let started = 0
        const original = { setInterval: setInterval.bind(globalThis), ResizeObserver }
        Object.assign(globalThis, {
          setInterval: (run: () => void, ms?: number) => {
            started++
            return original.setInterval(run, ms)
          },
          ResizeObserver: class extends original.ResizeObserver {
            constructor(run: ResizeObserverCallback) {
              super(run)
              started++
            }
          },
        })
        const frame = document.createElement('iframe')
        document.body.append(frame)
        const inFrame = frame.contentDocument?.createElement('div')
        document.querySelector('#place')?.attachShadow({ mode: 'open' })
        const places: unknown[] = [
          document.getElementById('missing'),
          undefined,
          'place',
          document.createTextNode('place'),
          document,
          [document.body],
          inFrame,
          document.querySelector('#place')?.shadowRoot,
        ]
        const outcomes = places.map((place) => {
          started = 0
          try {
            mountPanel(place as Element, answer).dispose()
            return 'mounted'
          } catch (error) {
            const { code, message } = error as { readonly code?: string; readonly message: string }
            return [code, message, started]
          }
        })
        Object.assign(globalThis, original)
        return outcomes
      },
      answerOf(['control']),
    )
    const refused = (problem: string): unknown => [
      'invalid-panel',
      `target is ${problem} Pass an element of the page.`,
      0,
    ]
    expect(seen).toEqual([
      refused('not usable: received null.'),
      refused('required.'),
      refused('not usable: received "place".'),
      refused('not usable: received an object.'),
      refused('not usable: received an object.'),
      refused('not usable: received an array of 1.'),
      'mounted',
      'mounted',
    ])
  })

  test('before the first success, times are in the zone of what is asked', async () => {
    await open()
    const madrid = exposureSpec({ ...spec, timeZone: 'Europe/Madrid' })
    await mount(answerOf(['control', 'blue'], {}, { state: initialRefreshState, spec: madrid }))
    expect(await page.locator('.zones').textContent()).toContain('Europe/Madrid')
  })

  describe('a first answer that cannot be shown', () => {
    const damaged = (): unknown => ({
      ...answerOf(['control', 'blue']),
      origin: 'from somewhere',
      slices: {},
    })

    test('leaves no part of it', async () => {
      await open()
      await mount(damaged())
      expect(await page.locator('.panel h2').textContent()).toBe('This panel cannot be shown')
      const lines = (await page.locator('.panel').innerText()).split('\n').filter((line) => line !== '')
      // The second one is there for the eye and for screen readers.
      expect(new Set(lines)).toEqual(
        new Set(['This panel cannot be shown', 'What came is not an answer of exposuresAnswer.']),
      )
      expect(await page.locator('.about *').filter({ hasText: /\S/ }).count()).toBe(0)
      await update(answerOf(['control', 'blue']))
      expect(await page.locator('.zones').textContent()).toContain('Times in')
      expect(await page.locator('.about .note').first().textContent()).toContain('Jun 1, 2026')
    })

    test.each<[string, () => unknown]>([
      ['of another version', () => ({ ...answerOf(['control']), version: 99 })],
      ['damaged', damaged],
      ['not loaded yet', () => undefined],
    ])('%s: the panel says so, and asks for the next one', async (_, first) => {
      await open()
      await page.evaluate(
        ([first, next]) => {
          const all = globalThis as unknown as PageGlobal
          const place = document.querySelector('#place') ?? document.body
          all.panel = all.firstExposure.mountPanel(place, first, {
            onPoll: () => {
              // The host has its panel by now.
              all.panel.update(next)
            },
          })
        },
        [first(), answerOf(['control', 'blue'])] as const,
      )
      await page.locator('.badge.status', { hasText: 'Loaded' }).waitFor()
      expect(await page.locator('.banner.warning').first().isVisible()).toBe(false)
    })
  })

  test('the focus does not leave the panel with the button that a final count hides', async () => {
    await open()
    const keys = ['control', 'blue']
    const asOf = startedAt + 6 * dayMs
    const final = answerOf(keys, {}, { experiment: { startedAt, endedAt: asOf }, policy: { settleMs: 0 } })
    await page.evaluate(
      ([first, final]) => {
        const all = globalThis as unknown as PageGlobal
        const place = document.querySelector('#place') ?? document.body
        all.panel = all.firstExposure.mountPanel(place, first, { onRefresh: async () => final })
      },
      [answerOf(keys, {}, { now: asOf + dayMs }), final] as const,
    )
    await page.getByRole('button').focus()
    await page.keyboard.press('Enter')
    await page.locator('.badge.status', { hasText: 'Final' }).waitFor()
    const focused = (): Promise<string | undefined> =>
      page.evaluate(() => document.querySelector('#place > div')?.shadowRoot?.activeElement?.tagName)
    expect(await focused()).toBe('H2')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('INPUT')
  })

  test('the age of a first answer from a cache is that of the count, whatever the server said then', async () => {
    await open()
    const answer = answerOf(['control', 'blue'])
    const madeAt = Date.now() - 2 * 3_600_000
    const success = { ...successIn(answer), asOf: madeAt }
    await page.evaluate(
      (answer) => {
        const all = globalThis as unknown as PageGlobal
        const place = document.querySelector('#place') ?? document.body
        all.panel = all.firstExposure.mountPanel(place, answer, { onPoll: () => {} })
      },
      { ...answer, nowMs: madeAt, status: { ...answer.status, success } },
    )
    expect(await page.locator('.figure .age').textContent()).toBe('2 hours ago')
  })

  describe('a strict content security policy', () => {
    test.each<[string, string, PanelOptions]>([
      ['without styles', "default-src 'none'; script-src 'self'", {}],
      [
        'with a nonce',
        "default-src 'none'; script-src 'self'; style-src 'nonce-abc123'",
        { nonce: 'abc123' },
      ],
    ])('%s', async (_, strict, options) => {
      policy = strict
      await open()
      // What the test's page itself breaks.
      complaints = []
      await mount(answerOf(['control', 'blue']), options)
      expect(
        await page
          .locator('.card')
          .first()
          .evaluate((card) => getComputedStyle(card).borderTopStyle),
      ).toBe('solid')
      await page.getByLabel('New per day').check()
      await page.locator('.chart-frame').hover()
      expect(await page.locator('[style]:not(body)').count()).toBe(0)
    })
  })

  test('no style of the page reaches it, and none of its own leaves it; its colours can be changed', async () => {
    await open()
    await page.addStyleTag({
      content: `* { color: rgb(255, 0, 0) !important; display: block } table { display: none }
        #place { --first-exposure-accent: rgb(1, 2, 3); --first-exposure-card: rgb(4, 5, 6) }`,
    })
    const before = await page.evaluate(() => getComputedStyle(document.body).fontSize)
    await mount(answerOf(['control', 'blue']))
    expect(await page.locator('table').first().isVisible()).toBe(true)
    expect(await page.evaluate(() => getComputedStyle(document.body).fontSize)).toBe(before)
    expect(
      await page
        .locator('.card')
        .first()
        .evaluate((card) => getComputedStyle(card).backgroundColor),
    ).toBe('rgb(4, 5, 6)')
    expect(await page.locator('.numbers summary').evaluate((each) => getComputedStyle(each).color)).toBe(
      'rgb(1, 2, 3)',
    )
  })

  test('light or dark is the page’s choice, not the machine’s', async () => {
    await open({ colorScheme: 'dark' })
    await page.evaluate(() => document.documentElement.style.setProperty('color-scheme', 'light'))
    await mount(answerOf(['control', 'blue']))
    const paper = (): Promise<string> =>
      page
        .locator('.card')
        .first()
        .evaluate((card) => getComputedStyle(card).backgroundColor)
    expect(await paper()).toBe('rgb(255, 255, 255)')
    await page.evaluate(() => document.documentElement.style.setProperty('color-scheme', 'dark'))
    expect(await paper()).toBe('rgb(25, 29, 36)')
  })

  test('in forced colours everything is drawn in them, and lines differ by their dashes', async () => {
    await open({ forcedColors: 'active' })
    await mount(answerOf(['control', 'blue'], { lastDay: 0.5 }, explained(['control', 'blue'])))
    const strokes = await page
      .locator('.chart path.line')
      .evaluateAll((lines) => lines.map((line) => getComputedStyle(line).stroke))
    expect(new Set(strokes).size).toBe(1)
    const canvas = await page
      .locator('.card')
      .first()
      .evaluate((card) => getComputedStyle(card).backgroundColor)
    expect(strokes[0]).not.toBe(canvas)
    expect(await violations()).toEqual([])
  })

  test('on paper it has no switches, and whole tables', async () => {
    await open({ viewport: { width: 700, height: 900 } })
    await mount(answerOf(longNames, {}, explained(longNames)))
    await page.emulateMedia({ media: 'print' })
    expect(await page.locator('.switch').first().isVisible()).toBe(false)
    expect(await page.locator('.hint').first().isVisible()).toBe(false)
    expect(
      await page
        .locator('.scroll')
        .first()
        .evaluate((box) => getComputedStyle(box).overflow),
    ).toBe('visible')
  })

  test('the keyboard reaches everything that acts, in the order in which it is read', async () => {
    await open({ viewport: { width: 390, height: 900 } })
    await mount(answerOf(longNames, {}, explained(longNames)))
    const stops: string[] = []
    for (let stop = 0; stop < 12; stop++) {
      await page.keyboard.press('Tab')
      stops.push(
        await page.evaluate(() => {
          const at = document.querySelector('#place > div')?.shadowRoot?.activeElement
          return at === null || at === undefined
            ? 'the page'
            : `${at.tagName.toLowerCase()} ${at.getAttribute('aria-label') ?? at.getAttribute('name') ?? at.textContent ?? ''}`
        }),
      )
    }
    expect(stops.slice(0, 7)).toEqual([
      'input time-zone',
      'input chart-mode',
      'div Bucket of the chart; use the arrow keys to move',
      'summary The numbers as a table',
      'div Events from scanned to counted',
      'div Identities by their first variant and the next one',
      'div Pairs of variants: how long between, and when',
    ])
    await expect
      .poll(() => page.locator('h2, h3').allTextContents())
      .toEqual([
        'checkout',
        'Identities entered',
        'Variants',
        'Can the split be trusted?',
        'Where the events went',
        'Who crossed over',
        'Slices by platform',
      ])
  })

  test('an update leaves the focus, a selection, open details, the chosen bucket and scrolled places', async () => {
    await open({ viewport: { width: 390, height: 900 } })
    const keys = longNames
    await mount(answerOf(keys, {}, explained(keys)))
    await page.locator('.numbers summary').click()
    await page.locator('.chart-frame').focus()
    await page.keyboard.press('Home')
    const scrolled = page.locator('.ledger .scroll')
    await scrolled.focus()
    await scrolled.evaluate((box) => {
      box.scrollLeft = 30
    })
    const selected = (): Promise<string> => page.evaluate(() => getSelection()?.toString() ?? '')
    await page.locator('.card h3', { hasText: 'Where' }).evaluate((heading) => {
      getSelection()?.selectAllChildren(heading)
    })
    const before = await selected()
    await update(answerOf(keys, { days: 7, total: () => 130 }, explained(keys, 2)))
    expect(await page.locator('.figure .value').first().textContent()).toBe('2,730')
    expect(await page.locator('.numbers').getAttribute('open')).not.toBeNull()
    expect(await page.locator('.numbers tbody tr').count()).toBe(7)
    expect(await page.locator('.readout .bucket').textContent()).toBe('Up to the end of Jun 1, 2026')
    expect(await scrolled.evaluate((box) => box.scrollLeft)).toBe(30)
    expect(await scrolled.evaluate((box) => (box.getRootNode() as ShadowRoot).activeElement === box)).toBe(
      true,
    )
    expect(await selected()).toBe(before)
  })

  test('an answer of another version leaves the one before it, and says so', async () => {
    await open()
    await mount(answerOf(['control', 'blue']))
    await update({ ...answerOf(['control']), version: 99 })
    expect(await page.locator('.banner.warning').first().textContent()).toBe(
      'The answer has version 99, and this panel reads version 1. Use the same version of first-exposure on the server and in the page. You see its last answer.',
    )
    expect(await page.locator('.figure .value').first().textContent()).toBe('1,200')
    await update(answerOf(['control', 'blue'], { days: 7 }))
    expect(await page.locator('.banner.warning').first().isVisible()).toBe(false)
  })

  test('the old answer to another question is shown as old, with its own window', async () => {
    await open()
    const keys = ['control', 'blue']
    const before = answerOf(keys)
    const success = successIn(before)
    const known = askedState({
      state: reduceRefresh(initialRefreshState, { type: 'succeeded', ...success }),
      experiment: { startedAt, endedAt: null },
      spec,
      now: success.asOf + 60_000,
    })
    const later = { startedAt: startedAt + 3 * dayMs, endedAt: null }
    await mount(exposuresAnswer({ ...known, experiment: later }))
    expect(await page.locator('.title .badge:visible').allTextContents()).toEqual(['Outdated'])
    expect(await page.locator('.banner.warning').last().textContent()).toContain('You see an old count')
    expect(await page.locator('.about .note').first().textContent()).toMatch(
      /^Jun 1, 2026, 12:00\sAM to Jun 7/,
    )
    expect(await page.locator('.figure .value').first().textContent()).toBe('1,200')
    const state = reduceRefresh(known.state, {
      type: 'requested',
      at: success.asOf + 59_000,
      question: {
        revision: 2,
        fingerprint: exposureFingerprint(spec, later.startedAt),
        startedAt: later.startedAt,
      },
    })
    await update(exposuresAnswer({ ...known, state, experiment: later }))
    expect(await page.locator('.title .badge:visible').allTextContents()).toEqual(['Refreshing', 'Outdated'])
    expect(await violations()).toEqual([])
  })

  test('two panels in one element do not know of each other; each leaves alone what is not its own', async () => {
    await open()
    const states = await page.evaluate(
      (answers) => {
        const { mountPanel } = (globalThis as unknown as PageGlobal).firstExposure
        const place = document.querySelector('#place')
        if (place === null) return []
        place.append('kept')
        const [one, other] = answers.map((answer) => mountPanel(place, answer))
        const seen = [place.children.length]
        one?.dispose()
        one?.dispose()
        one?.update(answers[0] as never)
        seen.push(place.children.length)
        other?.dispose()
        return [...seen, place.children.length, place.textContent]
      },
      [answerOf(['control']), answerOf(['control', 'blue'])],
    )
    expect(states).toEqual([2, 1, 0, 'kept'])
  })

  test('1,000 mounts leave no node, no listener, no timer and no memory behind', async () => {
    await open()
    const client = await page.context().newCDPSession(page)
    await client.send('HeapProfiler.enable')
    const answer = answerOf(['control', 'blue'], {}, { now: startedAt + 7 * dayMs })
    const mounts = (times: number): Promise<{ timers: number; left: number }> =>
      page.evaluate(
        async ([answer, times]) => {
          const { mountPanel } = (globalThis as unknown as PageGlobal).firstExposure
          const place = document.querySelector('#place') ?? document.body
          const timers = new Set<unknown>()
          const original = {
            setInterval: setInterval.bind(globalThis),
            setTimeout: setTimeout.bind(globalThis),
            clearInterval: clearInterval.bind(globalThis),
            clearTimeout: clearTimeout.bind(globalThis),
          }
          const counted =
            (start: (run: () => void, ms?: number) => unknown) =>
            (run: () => void, ms?: number): unknown => {
              const id = start(() => {
                run()
              }, ms)
              timers.add(id)
              return id
            }
          const cleared =
            (stop: (id?: number) => void) =>
            (id?: number): void => {
              timers.delete(id)
              stop(id)
            }
          Object.assign(globalThis, {
            setInterval: counted(original.setInterval),
            setTimeout: counted(original.setTimeout),
            clearInterval: cleared(original.clearInterval),
            clearTimeout: cleared(original.clearTimeout),
          })
          const firsts: unknown[] = [
            answer,
            answer,
            null,
            { ...answer, version: 99 },
            { ...answer, slices: {} },
          ]
          let left = 0
          for (let time = 0; time < times; time++) {
            const isLeft = time % 2 === 0
            const panel = mountPanel(place, firsts[time % firsts.length], {
              onPoll: async () => answer,
              // Every other panel goes while its refresh is on its way.
              onRefresh: () => {
                left++
                return new Promise<undefined>(() => {})
              },
            })
            panel.update(answer)
            if (isLeft) place.querySelector('div')?.shadowRoot?.querySelector('button')?.click()
            panel.dispose()
            try {
              mountPanel(null as unknown as Element, answer)
            } catch {
              // Refused, and nothing of it is left.
            }
          }
          Object.assign(globalThis, original)
          await new Promise((settle) => original.setTimeout(settle, 50))
          return { timers: timers.size, left }
        },
        [answer, times] as const,
      )
    const left = async (): Promise<{ nodes: number; listeners: number; heap: number }> => {
      await client.send('HeapProfiler.collectGarbage')
      await client.send('HeapProfiler.collectGarbage')
      const { nodes, jsEventListeners } = await client.send('Memory.getDOMCounters')
      const { usedSize } = await client.send('Runtime.getHeapUsage')
      return { nodes, listeners: jsEventListeners, heap: usedSize }
    }
    await mounts(50)
    const before = await left()
    expect(await mounts(1000)).toEqual({ timers: 0, left: 500 })
    const after = await left()
    expect(after.nodes - before.nodes).toBeLessThanOrEqual(5)
    expect(after.listeners - before.listeners).toBeLessThanOrEqual(0)
    // A kilobyte for each mount would be one megabyte.
    expect(after.heap - before.heap).toBeLessThan(500_000)
  }, 600_000)
})
