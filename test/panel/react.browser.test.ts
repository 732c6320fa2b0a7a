import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { exposureSpec, initialRefreshState, reduceRefresh, summarizeExposures } from 'first-exposure'
import { exposuresAnswer } from 'first-exposure/panel'
import { askedState } from './asked-state.js'
import { chromiumInstalled, executablePath, openChromium } from './open-chromium.js'

const project = resolve(import.meta.dirname, '../..')
const startedAt = Date.UTC(2026, 5, 1)
const asOf = Date.UTC(2026, 5, 2, 12)
const success = {
  type: 'succeeded',
  asOf,
  at: asOf,
  summary: summarizeExposures(
    ['control', 'blue'].map((variant) => ({
      quarantined: false as const,
      variant,
      bucketMs: startedAt,
      newIdentities: 500,
    })),
    { granularity: 'hour' },
  ),
} as const
const error = { code: 'timeout', transient: true, message: 'The query took too long.' }
const requested = { type: 'requested', at: asOf + 1_000_000 } as const
const states = {
  empty: initialRefreshState,
  refreshing: reduceRefresh(initialRefreshState, requested),
  loaded: reduceRefresh(initialRefreshState, success),
  stale: reduceRefresh(reduceRefresh(initialRefreshState, success), {
    type: 'failed',
    asOf: asOf + 1000,
    at: asOf + 1000,
    error,
  }),
  failed: reduceRefresh(initialRefreshState, { type: 'failed', asOf, at: asOf, error }),
} as const

describe.skipIf(!chromiumInstalled)(`the React example (needs ${executablePath})`, () => {
  let folder = ''
  let browser: Browser
  let page: Page
  let server: Server
  let url = ''
  const complaints: string[] = []
  const asked: string[] = []
  let answers: readonly (keyof typeof states | 'final' | 'nothing')[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'first-exposure-react-test-'))
    await build({
      root: join(project, 'examples/react'),
      logLevel: 'error',
      build: { outDir: folder, emptyOutDir: true },
      resolve: { alias: { 'first-exposure/panel': join(project, 'src/panel/index.ts') } },
    })
    browser = await openChromium()
    server = createServer((request, response) => {
      const path = request.url ?? '/'
      if (path.startsWith('/experiments/')) {
        asked.push(`${request.method} ${path}`)
        const [next = 'empty', ...others] = answers
        if (others.length > 0) answers = others
        if (next === 'nothing') response.writeHead(502).end('<p>Bad gateway</p>')
        else {
          response.end(
            JSON.stringify(
              exposuresAnswer(
                askedState({
                  state: next === 'final' ? states.loaded : states[next],
                  experiment: { startedAt, endedAt: next === 'final' ? asOf : null },
                  policy: { settleMs: 0 },
                  spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
                  now: asOf + 1_001_000,
                }),
              ),
            ),
          )
        }
        return
      }
      const file = path === '/' ? 'index.html' : path
      const type = { '.js': 'text/javascript', '.css': 'text/css' }[extname(file)] ?? 'text/html'
      response.setHeader('content-type', type)
      // The strictest that an application can do with.
      response.setHeader('content-security-policy', "default-src 'self'; img-src data:")
      response.end(readFileSync(join(folder, file)))
    })
    server.listen(0, '127.0.0.1')
    await new Promise((listening) => server.once('listening', listening))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    complaints.length = 0
    asked.length = 0
  })
  afterEach(async () => {
    await page.close()
    expect(complaints).toEqual([])
  })

  const open = async (...saying: typeof answers): Promise<void> => {
    answers = saying
    page = await browser.newPage()
    page.on('console', (message) => {
      // The browser itself says that an answer was 502, and React's development build, which mounts twice, what else it has.
      if (!/502|React DevTools/.test(message.text())) complaints.push(message.text())
    })
    page.on('pageerror', ({ message }) => complaints.push(message))
    await page.goto(url)
  }
  const badge = (text: string): Promise<void> => page.locator('.badge.status', { hasText: text }).waitFor()

  test('asks for the count, shows it once under StrictMode, and follows a refresh to its end', async () => {
    await open('empty', 'refreshing', 'refreshing', 'loaded')
    await badge('Nothing yet')
    // The panel that StrictMode throws away at once has asked nothing.
    expect(asked).toEqual(['GET /experiments/checkout-button/exposures'])
    expect(await page.locator('.panel').count()).toBe(1)
    await page.getByRole('button', { name: 'Refresh' }).click()
    await badge('Refreshing')
    await badge('Loaded')
    expect(await page.locator('.figure .value').first().textContent()).toBe('1,000')
    expect(asked.filter((each) => each.startsWith('POST'))).toEqual([
      'POST /experiments/checkout-button/exposures/refresh',
    ])
  })

  test.each([
    ['stale', 'Stale', 'The query took too long (timeout).'],
    ['failed', 'Failed', 'There is no earlier count to show.'],
    ['refreshing', 'Refreshing', 'A refresh is running.'],
    ['final', 'Final', 'These numbers do not change any more.'],
  ] as const)('%s: says so', async (state, label, sentence) => {
    await open(state)
    await badge(label)
    await page.getByText(sentence).first().waitFor()
    expect(await page.getByRole('button', { name: /^Refresh/ }).count()).toBe(state === 'final' ? 0 : 1)
  })

  test('a service that does not answer: says so, tries again, and then shows the count', async () => {
    await open('nothing', 'nothing', 'nothing', 'loaded')
    await page.getByText('This panel cannot be shown').waitFor()
    await page.getByText('The service does not answer as it should').first().waitFor()
    await badge('Loaded')
    expect(await page.getByText('The service does not answer as it should').isVisible()).toBe(false)
  })
})
