// Does a copy of each example work, with the package as published? Packs the package, copies each folder alone to the
// system's temporary folder, installs it there from the registry, checks its types, starts it and talks to it.
// `npm run check:examples` checks all of them, `npm run check:examples -- worker` one.
import { strict as assert } from 'node:assert'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { chromium, type Page } from 'playwright-core'
import {
  decodeRefreshState,
  exposureFingerprint,
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  refreshQuestion,
  summarizeExposures,
  type ExposuresSummary,
} from 'first-exposure'
import { exposuresAnswer, type ExposuresAnswer } from 'first-exposure/panel'
import {
  postgresAvailable,
  startPostgres,
  type PostgresServer,
} from '../../../examples/worker/local-postgres.js'
import { engineAvailable } from '../../engine/availability.js'

const project = resolve(import.meta.dirname, '../../..')
const chromiumPath = '/usr/bin/chromium'
const patienceMs = 120_000

const examples: Readonly<Record<string, (copy: Copy) => Promise<void>>> = { host, worker, browser, react }

/** An example where it was copied to. */
interface Copy {
  readonly folder: string
  /** Where it makes its temporary files, so that what it leaves behind is seen. */
  readonly temporary: string
  readonly say: (line: string) => void
}

/** What a process inherits: nothing of the script that this one was started by. */
function environment({ temporary }: Pick<Copy, 'temporary'>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_OPTIONS$|NODE_ENV$|DATABASE_URL$|CLICKHOUSE_URL$)/.test(name),
  )
  return { ...Object.fromEntries(own), TMPDIR: temporary }
}

async function run(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
  const options = { cwd, env: environment({ temporary: tmpdir() }), maxBuffer: 1 << 26 }
  try {
    return (await promisify(execFile)(command, args, options)).stdout
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** A started example. */
interface Running {
  readonly output: () => string
  /** Waits for words in its output. */
  prints(words: RegExp): Promise<RegExpExecArray>
  /** Asks it to end, and waits until it has. */
  end(): Promise<void>
  readonly ended: Promise<number | null>
}

const running = new Set<number>()

/** `npm start` in a process group of its own. */
function start(copy: Copy, args: readonly string[] = [], more: NodeJS.ProcessEnv = {}): Running {
  const child = spawn('npm', ['start', '--', ...args], {
    cwd: copy.folder,
    env: { ...environment(copy), ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const group = child.pid
  if (group === undefined) throw new Error('npm cannot be started')
  running.add(group)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  // Not `exit`: by then npm is gone, but what it started may not be.
  const ended = once(child, 'close').then(([code]) => {
    running.delete(group)
    return code as number | null
  })
  return {
    output: () => output,
    ended,
    prints: (words) =>
      waitFor(() => {
        const match = words.exec(output)
        assert(match !== null, `${basename(copy.folder)} did not print ${String(words)}:\n${output}`)
        return Promise.resolve(match)
      }),
    end: async () => {
      if (running.has(group)) process.kill(-group, 'SIGTERM')
      await ended
    },
  }
}

/** Tries until it no longer throws. */
async function waitFor<Result>(attempt: () => Promise<Result>): Promise<Result> {
  const until = Date.now() + patienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > until) throw error
      await delay(100)
    }
  }
}

/** Opens a page in Chromium; anything that it complains about is an error. */
async function withPage(copy: Copy, url: string, look: (page: Page) => Promise<void>): Promise<void> {
  if (!existsSync(chromiumPath)) {
    copy.say(`skipped in a browser: there is no ${chromiumPath}`)
    return
  }
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  })
  try {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', ({ message }) => complaints.push(message))
    await page.route(url, async (route) => {
      const response = await route.fetch()
      const headers = response.headers()
      // The strictest that such a page can do with, unless it brings its own.
      const policy = /Content-Security-Policy/.test(await response.text())
        ? {}
        : { 'content-security-policy': "default-src 'self'; img-src data:" }
      await route.fulfill({ response, headers: { ...headers, ...policy } })
    })
    await page.goto(url)
    await look(page)
    assert.deepEqual(complaints, [])
  } finally {
    await browser.close()
  }
}

function leavesNothing({ temporary }: Copy): void {
  assert.deepEqual(
    readdirSync(temporary).filter((name) => name.startsWith('first-exposure')),
    [],
  )
}

async function host(copy: Copy): Promise<void> {
  if (!engineAvailable) {
    copy.say('skipped: there is no embedded ClickHouse for this platform')
    return
  }
  const service = start(copy, ['--port', '0'])
  const [, url = ''] = await service.prints(/^Listening on (http:\S+)$/m)
  const exposures = `${url}/experiments/checkout-button/exposures`
  assert.equal((await fetch(`${exposures}/refresh`, { method: 'POST' })).status, 202)
  const summary = await waitFor(async () => {
    const { status } = (await (await fetch(exposures)).json()) as ExposuresAnswer
    assert(status.type === 'loaded')
    return status.success.summary
  })
  const total = summary.timeseries.points
    .flatMap(({ newIdentities }) => Object.values(newIdentities))
    .reduce((sum, count) => sum + count, 0)
  assert(total > 20_000 && summary.excludedIdentities > 0)
  copy.say(`its service counts ${total} identities`)

  await withPage(copy, `${url}/experiments/checkout-button`, async (page) => {
    await page.getByText(total.toLocaleString('en'), { exact: true }).first().waitFor()
    copy.say('its panel shows them')
  })
  await service.end()
  assert.match(service.output(), /^Stopping$/m)
  leavesNothing(copy)
}

async function worker(copy: Copy): Promise<void> {
  if (!engineAvailable || !postgresAvailable) {
    copy.say('skipped: there is no embedded ClickHouse for this platform, or no PostgreSQL installed')
    return
  }
  const server = await startPostgres()
  const database = new Client(server.config)
  try {
    await database.connect()
    const { host, port } = server.config
    const DATABASE_URL = `postgres://postgres:a-secret@${host}:${port}/postgres`
    const round = start(copy, ['--once'], { DATABASE_URL })
    assert.equal(await round.ended, 0, round.output())
    assert.doesNotMatch(round.output(), /a-secret/)

    const { rows } = await database.query<{ key: string; state: string }>(
      'SELECT key, state FROM refresh_state ORDER BY key',
    )
    assert.deepEqual(
      rows.map(({ key }) => key),
      ['checkout-button', 'pricing-page'],
    )
    for (const { key, state } of rows) {
      const { success } = decodeRefreshState(state)
      const counted = (success?.summary.timeseries.points ?? [])
        .flatMap(({ newIdentities }) => Object.values(newIdentities))
        .reduce((sum, count) => sum + count, 0)
      assert.equal(counted + (success?.summary.excludedIdentities ?? 0), 19_990)
      copy.say(`${key} is stored, with ${counted} identities`)
    }
    const again = start(copy, ['--once'], { DATABASE_URL })
    assert.equal(await again.ended, 0, again.output())
    assert.match(again.output(), /"key":"checkout-button","type":"throttled"/)
    assert.match(again.output(), /"key":"pricing-page","type":"final"/)
    await stoppedInTheMiddle(copy, database, server.config)
  } finally {
    await database.end()
    await server.stop()
  }

  const demo = start(copy)
  await demo.prints(/"key":"pricing-page","type":"refreshed"/)
  await demo.prints(/"key":"checkout-button","type":"refreshed"/)
  await demo.end()
  assert.match(demo.output(), /"type":"stopped"/)
  leavesNothing(copy)
  copy.say('it starts a PostgreSQL of its own, and ends in good order')
}

/** A worker whose ClickHouse never answers gives its claim back when it is asked to end. */
async function stoppedInTheMiddle(
  copy: Copy,
  database: Client,
  { host, port }: PostgresServer['config'],
): Promise<void> {
  const asked = { queries: 0 }
  const silent = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      if (body.startsWith('KILL')) response.end()
      else asked.queries++
    })
  }).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  try {
    await database.query('DELETE FROM refresh_state')
    const stopped = start(copy, [], {
      DATABASE_URL: `postgres://postgres:a-secret@${host}:${port}/postgres`,
      CLICKHOUSE_URL: `http://someone:a-secret@127.0.0.1:${(silent.address() as AddressInfo).port}`,
    })
    await waitFor(async () => {
      assert.equal(asked.queries, 2, stopped.output())
    })
    await stopped.end()
    assert.equal(stopped.output().match(/"type":"aborted"/g)?.length, 2, stopped.output())
    assert.doesNotMatch(stopped.output(), /a-secret|someone/)
    const { rows } = await database.query<{ state: string }>('SELECT state FROM refresh_state')
    assert.deepEqual(
      rows.map(({ state }) => decodeRefreshState(state).failure?.error.code),
      ['aborted', 'aborted'],
    )
    copy.say('stopped in the middle, it gives its claims back')
  } finally {
    silent.closeAllConnections()
    silent.close()
  }
}

async function browser(copy: Copy): Promise<void> {
  const server = start(copy, ['--host', '127.0.0.1', '--port', '0'])
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+\//)
  await withPage(copy, url, async (page) => {
    const table = page.getByRole('table', { name: 'Identities by variant', exact: true })
    await table.waitFor()
    assert.equal(await page.locator('.badge.status').textContent(), 'Final')
    const { success } = decodeRefreshState(readFileSync(join(copy.folder, 'public/state.json'), 'utf8'))
    const points = success?.summary.timeseries.points ?? []
    const expected = ['control Control', 'green', 'orange'].map((name) => [
      name,
      points
        .reduce((sum, { newIdentities }) => sum + (newIdentities[name.split(' ')[0] ?? ''] ?? 0), 0)
        .toLocaleString('en'),
    ])
    const rows = await table
      .locator('tbody tr')
      .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent ?? '')))
    assert.deepEqual(
      rows.map((row) => row.slice(0, 2)),
      expected,
    )
    assert.equal(await page.locator('svg.chart path').count(), 3)
    assert.equal(await page.locator('.verdict').first().textContent(), 'No mismatch found')
    copy.say(`its page shows ${rows.map((row) => row.slice(0, 2).join(' ')).join(', ')}`)
  })
  await server.end()
}

async function react(copy: Copy): Promise<void> {
  // In the place of the host service: one that has counted, and starts a refresh when it is asked to.
  const startedAt = Date.UTC(2026, 5, 1)
  const asOf = Date.UTC(2026, 5, 3)
  const spec = exposureSpec({ environmentKey: 'production', featureName: 'checkout-button' })
  const experiment = { startedAt, endedAt: null }
  const question = refreshQuestion(initialRefreshState, {
    ...experiment,
    fingerprint: exposureFingerprint(spec, startedAt),
  })
  const bucket = { quarantined: false, bucketMs: startedAt } as const
  const summary = summarizeExposures(
    [
      { ...bucket, variant: 'control', newIdentities: 5100 },
      { ...bucket, variant: 'green', newIdentities: 4900 },
    ],
    { granularity: 'hour' },
  )
  let state = reduceRefresh<ExposuresSummary>(initialRefreshState, {
    type: 'succeeded',
    asOf,
    at: asOf,
    summary,
    question,
  })
  const service = createServer((request, response) => {
    if (request.method === 'POST')
      state = reduceRefresh(state, { type: 'requested', at: asOf + 600_000, question })
    response.end(JSON.stringify(exposuresAnswer({ state, experiment, spec, now: asOf + 601_000 })))
  }).listen(0, '127.0.0.1')
  await once(service, 'listening')
  try {
    const SERVICE_URL = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    const server = start(copy, ['--host', '127.0.0.1', '--port', '0'], { SERVICE_URL })
    const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+\//)
    await withPage(copy, url, async (page) => {
      await page.locator('.figure .value', { hasText: '10,000' }).waitFor()
      assert.equal(await page.locator('.badge.status').textContent(), 'Loaded')
      await page.getByRole('button', { name: 'Refresh' }).click()
      await page.locator('.badge.status', { hasText: 'Refreshing' }).waitFor()
      copy.say('its page shows 10,000 identities, and asks for a refresh')
    })
    await server.end()
  } finally {
    service.closeAllConnections()
    service.close()
  }
}

/** Is the registry there? Where not, nothing can be installed, and nothing is checked. */
async function registryAnswers(): Promise<boolean> {
  try {
    await run(project, 'npm', 'view', 'tsx', 'version', '--fetch-retries=0', '--fetch-timeout=20000')
    return true
  } catch {
    return false
  }
}

async function check(name: string, tarball: string, base: string): Promise<void> {
  const say = (line: string): void => {
    process.stdout.write(`${name.padEnd(8)} ${line}\n`)
  }
  // Beside it there is nothing but the tarball, two folders up, as in a clone.
  const folder = join(base, name, 'examples', name)
  const temporary = join(base, name, 'tmp')
  mkdirSync(temporary, { recursive: true })
  cpSync(join(project, 'examples', name), folder, {
    recursive: true,
    filter: (path) => !['node_modules', 'dist'].includes(basename(path)),
  })
  cpSync(tarball, join(base, name, basename(tarball)))
  say('installing …')
  await run(folder, 'npm', 'install', '--no-audit', '--no-fund')
  say('checking its types …')
  await run(folder, 'npm', 'run', 'types')
  say('starting …')
  await examples[name]?.({ folder, temporary, say })
  say('works')
  // The engine alone takes half a gigabyte.
  rmSync(join(base, name), { recursive: true, force: true, maxRetries: 5 })
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in examples))
if (unknown.length > 0) {
  throw new Error(
    `There is no example ${unknown.join(', ')}. There are: ${Object.keys(examples).join(', ')}.`,
  )
}
if (await registryAnswers()) {
  const base = mkdtempSync(join(tmpdir(), 'first-exposure-examples-'))
  // PostgreSQL runs as another user than root, and must find its way through.
  chmodSync(base, 0o755)
  try {
    process.stdout.write('package  building and packing …\n')
    await run(project, 'npm', 'run', 'build')
    const packed = await run(project, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', base)
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
    for (const name of asked.length > 0 ? asked : Object.keys(examples)) {
      await check(name, join(base, filename), base)
    }
  } finally {
    for (const group of running) process.kill(-group, 'SIGKILL')
    rmSync(base, { recursive: true, force: true, maxRetries: 5 })
  }
} else {
  process.stdout.write('skipped: the package registry does not answer, and the examples install from it\n')
}
