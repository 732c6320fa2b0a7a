import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { decodeRefreshState, encodeRefreshState, refreshDecision } from 'first-exposure'
import { memoryRefreshStore, type ExposureClient, type RefreshStore } from 'first-exposure/clickhouse'
import type { ExposuresAnswer } from 'first-exposure/panel'
import { sqliteRefreshStore } from 'first-exposure/stores'
import { backgroundRefreshes } from '../../examples/host/background-refreshes.js'
import { experiments } from '../../examples/host/experiments.js'
import { openDatabase } from '../../examples/host/open-database.js'
import { engineAvailable } from '../engine/availability.js'

const root = resolve(import.meta.dirname, '../..')

let folder = ''
/** Where the service makes its temporary files, so that what it leaves behind is seen. */
let temporary = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-exposure-host-test-'))
  temporary = join(folder, 'tmp')
  mkdirSync(temporary)
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Service {
  readonly url: string
  readonly output: () => string
  /** Sends a signal, and tells how the process ended. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: string | null }>
}

const started = new Set<Service>()
afterEach(async () => {
  for (const service of started) await service.end('SIGKILL')
})

/** Starts the service as its user does, on a free port, and waits until it listens. */
async function start(...args: readonly string[]): Promise<Service> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(root, 'examples/from-source/host.ts'), '--port', '0', ...args],
    {
      cwd: root,
      env: { PATH: process.env['PATH'], TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = once(child, 'exit')
  let output = ''
  const url = await new Promise<string>((listening, failed) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const [, address] = /^Listening on (http:\S+)$/m.exec(output) ?? []
        if (address !== undefined) listening(address)
      })
    }
    child.once('exit', () => {
      failed(new Error(`The service did not come up:\n${output}`))
    })
  })
  const service: Service = {
    url,
    output: () => output,
    end: async (signal) => {
      started.delete(service)
      child.kill(signal)
      const [code, endedBy] = (await ended) as [number | null, string | null]
      return { code, signal: endedBy }
    },
  }
  started.add(service)
  return service
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: ExposuresAnswer
}

async function ask(url: string, method: 'GET' | 'POST' = 'GET'): Promise<Answer> {
  const response = await fetch(url, { method })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as ExposuresAnswer,
  }
}

const exposures = ({ url }: Service, id: string): Promise<Answer> => ask(`${url}/experiments/${id}/exposures`)
const refresh = ({ url }: Service, id: string): Promise<Answer> =>
  ask(`${url}/experiments/${id}/exposures/refresh`, 'POST')

/** Asks again until the experiment has the status. */
async function reaches(service: Service, id: string, status: string): Promise<ExposuresAnswer> {
  return await vi.waitFor(
    async () => {
      const { body } = await exposures(service, id)
      expect(body.status.type).toBe(status)
      return body
    },
    { timeout: 30_000, interval: 20 },
  )
}

describe.skipIf(!engineAvailable)('the host service over HTTP (needs the embedded ClickHouse)', () => {
  test('answers from the store, and refreshes in the background', async () => {
    const service = await start()
    const list = (await (await fetch(`${service.url}/experiments`)).json()) as { id: string }[]
    expect(list.map(({ id }) => id)).toEqual(['checkout-button', 'pricing-page', 'welcome-tour'])

    const before = await exposures(service, 'checkout-button')
    expect(before.status).toBe(200)
    expect(before.headers.get('cache-control')).toBe('no-store')
    expect(before.body).toMatchObject({
      status: { type: 'empty' },
      decision: { type: 'due' },
      window: null,
      verdicts: null,
    })

    expect((await refresh(service, 'checkout-button')).status).toBe(202)
    const { status, window, variants, verdicts, experiment } = await reaches(
      service,
      'checkout-button',
      'loaded',
    )
    const success = 'success' in status ? status.success : null
    expect(window).toEqual({ startMs: experiment.startedAt, asOfMs: success?.asOf })
    expect(variants).toEqual(['control', 'green', 'orange'])
    const counted = (success?.summary.timeseries.points ?? [])
      .flatMap(({ newIdentities }) => Object.values(newIdentities))
      .reduce((sum, count) => sum + count, 0)
    expect(verdicts?.sampleRatio.arms.reduce((sum, { observed }) => sum + observed, 0)).toBe(counted)
    // Of 40,000 visitors in three days and a part of this one, at least half have come by now.
    expect(counted).toBeGreaterThan(20_000)
    expect(success?.summary.excludedIdentities).toBeGreaterThan(0)

    const throttled = await refresh(service, 'checkout-button')
    expect(throttled.status).toBe(429)
    const retryAfter = Number(throttled.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThan(200)
    expect(retryAfter).toBeLessThanOrEqual(300)
    expect(throttled.body.decision).toMatchObject({ type: 'throttled' })

    expect((await refresh(service, 'pricing-page')).status).toBe(202)
    const final = await reaches(service, 'pricing-page', 'final')
    expect(final.window?.asOfMs).toBe(final.experiment.endedAt)
    expect((await refresh(service, 'pricing-page')).status).toBe(409)

    const early = await refresh(service, 'welcome-tour')
    expect(early.status).toBe(409)
    expect(early.body.decision).toEqual({ type: 'not-started' })

    for (const path of [
      '/',
      '/experiments/nothing/exposures',
      '/experiments/%00/exposures',
      '/experiments/__proto__/exposures',
    ]) {
      expect((await fetch(service.url + path)).status).toBe(404)
    }
    expect((await refresh(service, 'nothing')).status).toBe(404)

    expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(readdirSync(temporary).filter((name) => name.startsWith('first-exposure'))).toEqual([])
  })

  test('SIGTERM in the middle of a refresh gives the claim back, and the next start takes it up', async () => {
    const path = join(folder, 'terminated.db')
    const service = await start('--store', path, '--pause', '600000')
    expect((await refresh(service, 'checkout-button')).body.status.type).toBe('refreshing')
    // Whoever asks now is told that it is under way.
    const again = await refresh(service, 'checkout-button')
    expect([again.status, again.body.decision.type]).toEqual([202, 'in-flight'])

    expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(service.output()).toContain('checkout-button: aborted, the claim is given back')
    expect(readdirSync(temporary).filter((name) => name.startsWith('first-exposure'))).toEqual([])
    await expect(fetch(service.url)).rejects.toThrow('fetch failed')

    const database = openDatabase(path)
    const state = (await sqliteRefreshStore(database).load('checkout-button'))?.state
    database.close()
    if (state === undefined) throw new Error('nothing is stored')
    expect(decodeRefreshState(encodeRefreshState(state))).toEqual(state)
    expect(state.failure?.error.code).toBe('aborted')
    const running = experiments(Date.now())[0]?.experiment ?? {
      startedAt: 0,
      endedAt: null,
    }
    expect(refreshDecision(state, running, Date.now()).type).toBe('throttled')

    const next = await start('--store', path)
    const { window } = await reaches(next, 'checkout-button', 'loaded')
    expect(window?.asOfMs).toBeGreaterThan(state.failure?.asOf ?? Infinity)
    expect(await next.end('SIGINT')).toEqual({ code: 0, signal: null })
  })

  test('two services on one store: one computes, both show it; what dies keeps its claim for a while', async () => {
    const path = join(folder, 'shared.db')
    const [one, other] = await Promise.all([
      start('--store', path, '--pause', '600000'),
      start('--store', path, '--pause', '600000'),
    ])
    const answers = await Promise.all([refresh(one, 'checkout-button'), refresh(other, 'checkout-button')])
    expect(answers.map(({ status }) => status)).toEqual([202, 202])
    const requests = await Promise.all([
      exposures(one, 'checkout-button'),
      exposures(other, 'checkout-button'),
    ])
    const [first, second] = requests.map(({ body }) => body.status)
    expect(first).toMatchObject({ type: 'refreshing' })
    expect(second).toEqual(first)

    // Stopping both, whichever has the claim gives it back, and the other has none to give.
    await Promise.all([one.end('SIGTERM'), other.end('SIGTERM')])
    expect((one.output() + other.output()).match(/the claim is given back/g)).toHaveLength(1)

    const dying = await start('--store', path, '--pause', '600000')
    expect((await exposures(dying, 'checkout-button')).body.status.type).toBe('refreshing')
    expect(await dying.end('SIGKILL')).toEqual({
      code: null,
      signal: 'SIGKILL',
    })
    const heir = await start('--store', path)
    const told = await refresh(heir, 'checkout-button')
    expect([told.status, told.body.status.type]).toEqual([202, 'refreshing'])
    expect((await refresh(heir, 'pricing-page')).status).toBe(202)
    await reaches(heir, 'pricing-page', 'final')
  })

  test.each(['--port=x', '--pause=-1', '--nonsense'])('refuses %s', async (argument) => {
    await expect(start(argument)).rejects.toThrow(/error: /)
  })
})

describe('background refreshes', () => {
  const now = Date.now()
  const running = experiments(now)[0] as ReturnType<typeof experiments>[number]
  const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:8123'), { code: 'ECONNREFUSED' })

  /** Fails as told, then succeeds. */
  const failing = (...failures: readonly Error[]): ExposureClient & { asked: number } => {
    const client = {
      asked: 0,
      query: async ({ query }: { query: string }) => {
        if (query.startsWith('KILL')) return { json: async () => [] }
        const failure = failures[client.asked++]
        if (failure !== undefined) throw failure
        return { json: async () => [] }
      },
    }
    return client
  }

  const lines: string[] = []
  const begin = (
    client: ExposureClient,
    store: RefreshStore = memoryRefreshStore(),
  ): {
    store: RefreshStore
    refreshes: ReturnType<typeof backgroundRefreshes>
  } => {
    lines.length = 0
    return {
      store,
      refreshes: backgroundRefreshes({
        client,
        store,
        policy: {},
        log: (line) => void lines.push(line),
      }),
    }
  }

  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('what may pass is tried again, after retryAfterMs and without the normal interval', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.001)
    const client = failing(refused, refused, refused)
    const { refreshes, store } = begin(client)
    expect(await refreshes.start(running)).toEqual({ type: 'claimed' })
    await vi.waitFor(() => {
      expect(lines).toHaveLength(4)
    })
    expect(lines.slice(0, 3)).toEqual(
      [1, 2, 4].map((ms) => `checkout-button: ClickHouse does not accept connections. Next try in ${ms} ms.`),
    )
    expect(lines[3]).toMatch(/^checkout-button: refreshed as of /)
    expect(client.asked).toBe(4)
    expect((await store.load('checkout-button'))?.state.failure).toBeNull()
  })

  test('it gives up after six tries, and what somebody must mend is not tried again', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const client = failing(...Array.from({ length: 9 }, () => refused))
    const { refreshes } = begin(client)
    await refreshes.start(running)
    await vi.waitFor(() => {
      expect(lines.at(-1)).toMatch(/Gave up\.$/)
    })
    expect(client.asked).toBe(6)

    const unknownTable = failing(Object.assign(new Error('no such table'), { code: '60' }))
    const again = begin(unknownTable)
    await again.refreshes.start(running)
    await vi.waitFor(() => {
      expect(lines.at(-1)).toMatch(/Gave up\.$/)
    })
    expect(unknownTable.asked).toBe(1)
    expect(await again.refreshes.start(running)).toMatchObject({
      type: 'throttled',
    })
  })

  test('stopping does not wait for the next try', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { refreshes } = begin(failing(...Array.from({ length: 9 }, () => refused)))
    await refreshes.start(running)
    await vi.waitFor(() => {
      expect(lines).toHaveLength(1)
    })
    expect(await refreshes.start(running)).toEqual({ type: 'in-flight' })
    await refreshes.stop()
    expect(lines).toEqual(['checkout-button: ClickHouse does not accept connections. Next try in 1000 ms.'])
  })

  test('stopping waits until a slow store has taken the claim back', async () => {
    const memory = memoryRefreshStore()
    const slow: RefreshStore<number> = {
      load: (key) => memory.load(key),
      save: async (...args) => {
        await new Promise((resolve) => setTimeout(resolve, 50))
        return await memory.save(...args)
      },
    }
    const { refreshes } = begin(
      {
        query: ({ query }) =>
          query.startsWith('KILL') ? Promise.resolve({ json: async () => [] }) : new Promise(() => {}),
      },
      slow,
    )
    expect(await refreshes.start(running)).toEqual({ type: 'claimed' })
    await refreshes.stop()
    expect((await memory.load('checkout-button'))?.state.failure?.error.code).toBe('aborted')
  })

  test('what the store throws reaches the caller, and no message of it the log', async () => {
    const broken: RefreshStore = {
      load: () =>
        Promise.reject(
          Object.assign(new Error('password of db-7'), {
            code: 'SQLITE_IOERR',
          }),
        ),
      save: () => Promise.resolve({ type: 'conflict' }),
    }
    const { refreshes } = begin(failing(), broken)
    await expect(refreshes.start(running)).rejects.toThrow('password of db-7')
    expect(lines).toEqual(['checkout-button: the store failed (SQLITE_IOERR)'])
    // And the next call tries anew.
    await expect(refreshes.start(running)).rejects.toThrow('password of db-7')
    await refreshes.stop()
  })
})

const executablePath = '/usr/bin/chromium'

describe.skipIf(!engineAvailable || !existsSync(executablePath))(
  `the host's panel in a browser (needs the embedded ClickHouse and ${executablePath})`,
  () => {
    test('its button asks for a refresh, and the page follows it to the figures', async () => {
      const service = await start('--pause', '400')
      const browser = await chromium.launch({
        executablePath,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-background-networking',
          '--disable-component-update',
        ],
      })
      try {
        const page = await browser.newPage()
        const faults: string[] = []
        const asked = new Set<string>()
        page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
        page.on('pageerror', ({ message }) => faults.push(message))
        page.on('request', (request) => asked.add(new URL(request.url()).origin))
        await page.goto(`${service.url}/experiments/checkout-button`)
        expect((await exposures(service, 'checkout-button')).body.status.type).toBe('empty')

        await page.getByRole('button', { name: 'Refresh' }).click()
        const { status } = await reaches(service, 'checkout-button', 'loaded')
        const success = 'success' in status ? status.success : null
        const excluded = (success?.summary.excludedIdentities ?? 0).toLocaleString('en')
        await page.getByText(excluded, { exact: true }).first().waitFor({ timeout: 20_000 })
        // The request is too recent for another.
        expect(await page.getByRole('button', { name: 'Refresh' }).isEnabled()).toBe(false)
        expect(faults).toEqual([])
        expect([...asked]).toEqual([service.url])

        const unknown = await fetch(`${service.url}/experiments/no-such`)
        expect(unknown.status).toBe(404)
      } finally {
        await browser.close()
        await service.end('SIGTERM')
      }
    })
  },
)
