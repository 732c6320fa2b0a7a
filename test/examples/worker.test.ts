import { afterEach, describe, expect, test, vi } from 'vitest'
import { memoryRefreshStore, type ExposureClient, type RefreshStore } from 'first-exposure/clickhouse'
import { refreshWorker, type RefreshWorkerInput } from '../../examples/worker/refresh-worker.js'
import { workerExperiments } from '../../examples/worker/worker-experiment.js'

const dayMs = 86_400_000
const start = new Date(Math.floor(Date.now() / dayMs) * dayMs - 2 * dayMs).toISOString()

/** Experiments that started two days ago, as a file lists them. */
const listed = (...keys: readonly string[]): string =>
  JSON.stringify(
    keys.map((key) => ({
      key,
      environmentKey: 'prod',
      featureName: key,
      startedAt: start,
    })),
  )

type Query = Parameters<ExposureClient['query']>[0]

/** A client that answers each query about a feature as told; what ends a query is nobody's concern here. */
const answering = (answer: (feature: string, signal: AbortSignal | undefined) => Promise<unknown>) => ({
  asked: [] as string[],
  query(this: { asked: string[] }, { query, query_params, abort_signal }: Query) {
    if (query.startsWith('KILL')) return Promise.resolve({ json: async () => [] })
    const feature = Object.values(query_params).find((value) => String(value).startsWith('exp-')) as string
    this.asked.push(feature)
    return answer(feature, abort_signal).then(() => ({ json: async () => [] }))
  },
})

const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:8123'), {
  code: 'ECONNREFUSED',
})

/** Waits until it is told to stop. */
const never = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
  })

type Event = Readonly<Record<string, unknown>>

function worker(client: ExposureClient, json: string, input: Partial<RefreshWorkerInput> = {}) {
  const events: Event[] = []
  const stopping = new AbortController()
  const done = refreshWorker({
    client,
    store: memoryRefreshStore(),
    experiments: async () => workerExperiments(json),
    everyMs: 300_000,
    concurrency: 2,
    rounds: 1,
    signal: stopping.signal,
    log: (event) => void events.push(event),
    ...input,
  })
  return { events, done, stop: () => stopping.abort() }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the worker', () => {
  test('refreshes every experiment, not more at once than allowed, one line each', async () => {
    let running = 0
    let most = 0
    const client = answering(async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
    })
    const keys = ['exp-a', 'exp-b', 'exp-c', 'exp-d', 'exp-e']
    const { events, done } = worker(client, listed(...keys))
    expect(await done).toBe(0)
    expect(most).toBe(2)
    expect(client.asked.toSorted()).toEqual(keys)
    expect(events.map(({ key, type }) => `${String(key)} ${String(type)}`).toSorted()).toEqual(
      keys.map((key) => `${key} refreshed`),
    )
  })

  test('several on one store: one computes, the others are told', async () => {
    const store = memoryRefreshStore()
    const client = answering(() => new Promise((resolve) => setTimeout(resolve, 5)))
    const workers = [1, 2, 3].map(() => worker(client, listed('exp-a', 'exp-b'), { store }))
    await Promise.all(workers.map(({ done }) => done))
    expect(client.asked.toSorted()).toEqual(['exp-a', 'exp-b'])
    const types = workers.flatMap(({ events }) => events.map(({ type }) => type))
    expect(types.filter((type) => type === 'refreshed')).toHaveLength(2)
    expect(types.filter((type) => type === 'in-flight' || type === 'throttled')).toHaveLength(4)
  })

  test('what may pass is tried again after retryAfterMs, six times in all', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.001)
    const client = answering(() => Promise.reject(refused))
    const { events, done } = worker(client, listed('exp-a'))
    expect(await done).toBe(1)
    expect(events.map(({ retryAfterMs, retries }) => [retryAfterMs, retries])).toEqual(
      [1, 2, 4, 8, 16, 32].map((ms, index) => [ms, index < 5]),
    )
    // Neither the address nor any other word of the client's own.
    expect(JSON.stringify(events)).not.toMatch(/10\.0\.0\.1|ECONNREFUSED/)
  })

  test('what somebody must mend is not tried again, and holds up nobody else', async () => {
    const client = answering(async (feature) => {
      if (feature === 'exp-a') throw Object.assign(new Error('no such table'), { code: '60' })
    })
    const { events, done } = worker(client, listed('exp-a', 'exp-b'), {
      concurrency: 1,
    })
    expect(await done).toBe(1)
    expect(events.map(({ key, type }) => [key, type])).toEqual([
      ['exp-a', 'failed'],
      ['exp-b', 'refreshed'],
    ])
  })

  test('stopped in the middle it gives its claims back, and the next takes them up at once', async () => {
    const store = memoryRefreshStore()
    const first = worker(
      answering((_, signal) => never(signal)),
      listed('exp-a', 'exp-b', 'exp-c'),
      {
        store,
        rounds: Infinity,
      },
    )
    await vi.waitFor(async () => {
      expect((await store.load('exp-b'))?.state.requestedAt).toBeTypeOf('number')
    })
    first.stop()
    await first.done
    // The third was never begun.
    expect(first.events.map(({ key, type }) => `${String(key)} ${String(type)}`).toSorted()).toEqual([
      'exp-a aborted',
      'exp-b aborted',
    ])
    expect((await store.load('exp-a'))?.state.failure?.error.code).toBe('aborted')

    const next = worker(
      answering(async () => {}),
      listed('exp-a', 'exp-b', 'exp-c'),
      { store },
    )
    expect(await next.done).toBe(0)
    expect(next.events.map(({ type }) => type)).toEqual(['refreshed', 'refreshed', 'refreshed'])
  })

  test('stopping does not wait for the next try, nor for the next round', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const waiting = worker(
      answering(() => Promise.reject(refused)),
      listed('exp-a'),
      { rounds: Infinity },
    )
    const resting = worker(
      answering(async () => {}),
      listed('exp-a'),
      { rounds: Infinity },
    )
    await vi.waitFor(() => {
      expect([waiting.events.length, resting.events.length]).toEqual([1, 1])
    })
    waiting.stop()
    resting.stop()
    await Promise.all([waiting.done, resting.done])
    expect([...waiting.events, ...resting.events].map(({ type }) => type)).toEqual(['failed', 'refreshed'])
  })

  test('a store that fails is logged by its code alone, and the round goes on', async () => {
    const memory = memoryRefreshStore()
    const store: RefreshStore<number> = {
      load: (key) =>
        key === 'exp-a'
          ? Promise.reject(Object.assign(new Error('password of db-7'), { code: '08006' }))
          : memory.load(key),
      save: (...args) => memory.save(...args),
    }
    const { events, done } = worker(
      answering(async () => {}),
      listed('exp-a', 'exp-b'),
      { store, concurrency: 1 },
    )
    expect(await done).toBe(1)
    expect(events[0]).toEqual({
      key: 'exp-a',
      type: 'store-failed',
      code: '08006',
    })
    expect(events[1]).toMatchObject({ key: 'exp-b', type: 'refreshed' })
  })

  test('a list that cannot be read leaves the experiments known before', async () => {
    const lists = [listed('exp-a'), '[{', listed('exp-a', 'exp-b')]
    const client = answering(async () => {})
    const { events, done } = worker(client, '', {
      experiments: async () => workerExperiments(lists.shift() ?? ''),
      rounds: 3,
      everyMs: 1,
    })
    await done
    expect(events.filter(({ type }) => type === 'experiments-unreadable')).toHaveLength(1)
    expect(events.filter(({ key }) => key === 'exp-a')).toHaveLength(3)
    expect(events.filter(({ key }) => key === 'exp-b')).toHaveLength(1)
  })
})

describe('the list of experiments', () => {
  const one = {
    key: 'a',
    environmentKey: 'prod',
    featureName: 'a',
    startedAt: '2026-06-01T00:00:00Z',
  }

  test('is what the library calls a spec, and when each ran', () => {
    const [first] = workerExperiments(
      JSON.stringify([
        {
          ...one,
          endedAt: '2026-06-15T00:00:00+02:00',
          timeZone: 'Europe/Madrid',
        },
      ]),
    )
    expect(first?.experiment).toEqual({
      startedAt: Date.UTC(2026, 5, 1),
      endedAt: Date.UTC(2026, 5, 14, 22),
    })
    expect(first?.spec).toMatchObject({
      environmentKey: 'prod',
      featureName: 'a',
      timeZone: 'Europe/Madrid',
    })
  })

  test.each([
    ['{}', /not a list/],
    ['[null]', /Experiment 0 is not an object/],
    ['[{}]', /Experiment 0 has no key/],
    [JSON.stringify([{ ...one, startedAt: '2026-06-01' }]), /Experiment a: .*not an instant/],
    [JSON.stringify([{ ...one, featureName: undefined }]), /Experiment a: .*featureName/],
    [JSON.stringify([{ ...one, endedAt: '2026-05-01T00:00:00Z' }]), /Experiment a: /],
    [JSON.stringify([one, one]), /same key/],
    ['[', /JSON/],
  ])('%s is refused', (json, words) => {
    expect(() => workerExperiments(json)).toThrow(words)
  })
})
