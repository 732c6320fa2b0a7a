import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { exposureSpec, initialRefreshState, reduceRefresh, trustedSql } from 'first-exposure'
import {
  memoryRefreshStore,
  refreshDueExposures,
  runRefreshes,
  type ExposureClient,
  type ListedExperiment,
  type RefreshReport,
  type RefreshStore,
  type RunRefreshesInput,
} from 'first-exposure/clickhouse'
import { refused } from '../refusal-of.js'
import { virtualTime, type VirtualTime } from './virtual-time.js'

const minute = 60_000
const startedAt = Date.UTC(2026, 5, 1)
const begin = startedAt + 60 * minute

const listedAs = (key: string, other: Partial<ListedExperiment> = {}): ListedExperiment => ({
  key,
  spec: exposureSpec({ environmentKey: 'prod', featureName: `exp-${key}` }),
  experiment: { startedAt, endedAt: null },
  ...other,
})

type Query = Parameters<ExposureClient['query']>[0]

/** A client that answers each query about an experiment as told, and remembers when it was asked about which. */
const answering = (
  answer: (key: string, signal: AbortSignal | undefined) => Promise<unknown> = async () => {},
): ExposureClient & { readonly asked: [string, number][] } => {
  const asked: [string, number][] = []
  return {
    asked,
    query: async ({ query, query_params, abort_signal }: Query) => {
      if (query.startsWith('KILL')) return { json: async () => [] }
      const feature = Object.values(query_params).find((value) => String(value).startsWith('exp-'))
      const key = String(feature).slice(4)
      asked.push([key, Date.now() - begin])
      await answer(key, abort_signal)
      return { json: async () => [] }
    },
  }
}

const never = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
  })
const busy = Object.assign(new Error('too much memory'), { code: '241' })
const noTable = Object.assign(new Error('no such table'), { code: '60' })

type Loop = Omit<RunRefreshesInput<number>, 'client'> & { readonly client: ReturnType<typeof answering> }

/** A loop on the test's clock; what it reports, in short, with the minute of it. */
function loop(input: Partial<Loop> = {}) {
  const stopping = new AbortController()
  const reports: RefreshReport[] = []
  const client = input.client ?? answering()
  const store = input.store ?? memoryRefreshStore()
  const done = runRefreshes({
    client,
    store,
    experiments: () => [listedAs('a')],
    now: Date.now,
    signal: stopping.signal,
    onOutcome: (report) => void reports.push(report),
    ...input,
  })
  const told = (): string[] => reports.map(({ key, outcome }) => `${key}: ${outcome.type}`)
  return { done, stop: () => stopping.abort(), stopping, reports, told, client, store }
}

let time: VirtualTime
beforeEach(() => {
  time = virtualTime(begin)
})
afterEach(() => {
  time.end()
})
const pass = async (ms: number): Promise<void> => {
  await time.pass(ms)
}

describe('the loop', () => {
  test('refreshes each experiment at once, and then every throttleMs', async () => {
    const { client, reports, stop, done } = loop({ experiments: () => [listedAs('a'), listedAs('b')] })
    await pass(11 * minute)
    stop()
    await done
    expect(client.asked).toEqual(
      [0, 5, 10].flatMap((at) => [
        ['a', at * minute],
        ['b', at * minute],
      ]),
    )
    expect(reports[0]).toEqual({
      key: 'a',
      outcome: { type: 'refreshed', asOf: begin },
      state: expect.objectContaining({ requestedAt: begin }) as unknown,
      costs: [expect.objectContaining({ readRows: null }) as unknown],
      failures: 0,
      nextAt: begin + 5 * minute,
    })
    expect(Object.isFrozen(reports[0])).toBe(true)
  })

  test('asks about those that are due at the same time in one statement, up to groupSize', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e']
    const sent: string[] = []
    const costs: number[] = []
    const client: ExposureClient = {
      query: async ({ query_params: params }) => {
        const features = (params['feature_names'] ?? [params['feature_name']]) as readonly string[]
        sent.push(`${(Date.now() - begin) / minute}: ${features.map((name) => name.slice(4)).join('')}`)
        // A store and a claim take time, so the claims of a group differ.
        await new Promise((resolve) => setTimeout(resolve, 200))
        return { json: async () => [] }
      },
    }
    const memory = memoryRefreshStore()
    const slowly: RefreshStore<number> = {
      load: async (key) => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        return await memory.load(key)
      },
      save: async (...saved) => await memory.save(...saved),
    }
    const run = loop({
      client: Object.assign(client, { asked: [] }),
      store: slowly,
      experiments: () => keys.map((key) => listedAs(key)),
      groupSize: 3,
      onCost: ({ readRows }) => void costs.push(readRows ?? 0),
    })
    await pass(12 * minute)
    run.stop()
    await run.done
    // All are due together again.
    const asked = [0, 5, 10].map((at) =>
      sent.filter((each) => Number.parseInt(each) === at).map((each) => each.split(': ')[1] ?? ''),
    )
    for (const groups of asked) {
      expect(groups).toHaveLength(2)
      expect(groups.every((group) => group.length <= 3)).toBe(true)
      expect(new Set(groups.join(''))).toEqual(new Set(keys))
    }
    expect(costs).toHaveLength(sent.length)
    expect(run.reports.every(({ costs: own }) => own.length === 0)).toBe(true)
    expect(run.reports).toHaveLength(3 * keys.length)
  })

  test('one that takes too long fails by itself from the second try on', async () => {
    const client = answering(async (key, signal) => (key === 'slow' ? await never(signal) : undefined))
    const shared: ExposureClient = {
      query: async (query) => {
        const features = query.query_params['feature_names'] as readonly string[] | undefined
        if (features?.includes('exp-slow') === true) return await never(query.abort_signal)
        return await client.query(query)
      },
    }
    const { reports, stop, done } = loop({
      client: Object.assign(shared, { asked: [] }),
      experiments: () => [listedAs('slow'), listedAs('a'), listedAs('b')],
      groupSize: 10,
      timeoutMs: minute,
      random: () => 0,
    })
    await pass(4 * minute)
    stop()
    await done
    const outcomes = (key: string): string[] =>
      reports.filter((report) => report.key === key).map(({ outcome }) => outcome.type)
    expect(outcomes('a').slice(0, 2)).toEqual(['failed', 'refreshed'])
    expect(outcomes('b').slice(0, 2)).toEqual(['failed', 'refreshed'])
    expect(outcomes('slow').every((type) => type === 'failed' || type === 'aborted')).toBe(true)
  })

  test('two hosts share the work, and neither asks for what the other has done', async () => {
    const store = memoryRefreshStore()
    const hosts = [loop({ store }), loop({ store })]
    await pass(11 * minute)
    for (const { stop } of hosts) stop()
    await Promise.all(hosts.map(({ done }) => done))
    expect(
      hosts.flatMap(({ client }) => client.asked.map(([, at]) => at / minute)).sort((a, b) => a - b),
    ).toEqual([0, 5, 10])
  })

  test('what may pass is tried again after retryAfterMs, six times in all, and then once in throttleMs', async () => {
    const { client, reports, stop, done } = loop({
      client: answering(() => Promise.reject(busy)),
      random: () => 0.5,
    })
    await pass(16 * minute)
    stop()
    await done
    expect(client.asked.map(([, at]) => at)).toEqual([
      0, 500, 1500, 3500, 7500, 15_500, 315_500, 615_500, 915_500,
    ])
    expect(reports.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(
      reports.map(({ outcome }) => (outcome.type === 'failed' ? outcome.retryAfterMs : outcome.type)),
    ).toEqual([500, 1000, 2000, 4000, 8000, ...Array.from({ length: 4 }, () => 5 * minute)])
  })

  test('hosts that have all failed for long share one try in throttleMs', async () => {
    const store = memoryRefreshStore()
    const hosts = [1, 2, 3].map(() =>
      loop({ store, client: answering(() => Promise.reject(busy)), random: () => 0.5 }),
    )
    await pass(40 * minute)
    const before = hosts.flatMap(({ client }) => client.asked).length
    await pass(20 * minute)
    for (const { stop } of hosts) stop()
    await Promise.all(hosts.map(({ done }) => done))
    expect(hosts.flatMap(({ client }) => client.asked).length - before).toBe(4)
  })

  test('failures are counted until a success', async () => {
    let asked = 0
    const { reports, stop, done } = loop({
      client: answering(async () => {
        if (++asked % 3 !== 0) throw busy
      }),
      random: () => 0.5,
    })
    await pass(6 * minute)
    stop()
    await done
    expect(reports.map(({ failures }) => failures)).toEqual([1, 2, 0, 1, 2, 0])
  })

  test('what somebody must fix is asked for once in throttleMs, and holds up nobody', async () => {
    const { client, stop, done } = loop({
      client: answering(async (key) => {
        if (key === 'a') throw noTable
      }),
      experiments: () => [listedAs('a'), listedAs('b')],
      concurrency: 1,
    })
    await pass(6 * minute)
    stop()
    await done
    expect(client.asked).toEqual([
      ['a', 0],
      ['b', 0],
      ['a', 5 * minute],
      ['b', 5 * minute],
    ])
  })

  test('a query that takes too long is ended, and tried again', async () => {
    const { client, reports, stop, done } = loop({
      client: answering((_, signal) => never(signal)),
      random: () => 0.5,
    })
    await pass(4 * minute + 600)
    expect(reports[0]?.outcome).toMatchObject({
      type: 'failed',
      kind: 'transient',
      error: { code: 'timeout' },
    })
    expect(client.asked.map(([, at]) => at)).toEqual([0, 4 * minute + 500])
    stop()
    await done
  })

  test('a store that takes too long is a failure too, which is counted and tried ever more slowly', async () => {
    const memory = memoryRefreshStore()
    let loadMs = 0
    const store: RefreshStore<number> = {
      load: async (key) => {
        await new Promise((resolve) => setTimeout(resolve, loadMs))
        return await memory.load(key)
      },
      save: (...args) => memory.save(...args),
    }
    const { client, reports, stop, done } = loop({ store, timeoutMs: 20, random: () => 1 })
    await pass(minute)
    loadMs = 60
    await pass(18 * minute)
    loadMs = 0
    await pass(5 * minute)
    stop()
    await done
    const failed = reports.filter(({ outcome }) => outcome.type === 'failed')
    expect(failed.map(({ outcome }) => 'error' in outcome && outcome.error)).toEqual(
      failed.map(() => expect.objectContaining({ code: 'timeout' }) as unknown),
    )
    expect(failed.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    // The waits of the quick tries, and then throttleMs.
    const waits = failed.map(({ nextAt }) => Math.round(((nextAt ?? 0) - begin) / 1000) - 300)
    expect(waits.slice(0, 5)).toEqual([1, 3, 7, 15, 31])
    expect(waits.slice(5)).toEqual([331, 631, 931])
    expect(client.asked.map(([, at]) => Math.round(at / 1000))).toEqual([0, 1231])
    expect(reports.at(-1)).toMatchObject({ outcome: { type: 'refreshed' }, failures: 0 })
  })

  test('the list is read every minute: what is new or has changed is looked at at once, what is gone is left', async () => {
    const lists = [
      [listedAs('a'), listedAs('b')],
      [listedAs('a', { experiment: { startedAt, endedAt: begin } }), listedAs('c')],
    ]
    const { client, told, stop, done } = loop({ experiments: async () => lists[0] ?? [] })
    await pass(1000)
    lists.shift()
    await pass(4 * minute)
    expect(client.asked).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', minute],
    ])
    // It has ended, and its last refresh was made before the settle time was over: not due yet.
    expect(told()).toEqual(['a: refreshed', 'b: refreshed', 'a: throttled', 'c: refreshed'])
    await pass(2 * minute)
    expect(client.asked.slice(3)).toEqual([
      ['a', 5 * minute],
      ['c', 6 * minute],
    ])
    stop()
    await done
  })

  test('a list that the host changes in place is noticed, and a refresh under way does not see the change', async () => {
    const experiment = { startedAt, endedAt: null }
    const settings = { max_threads: 1 }
    const list = [listedAs('a', { experiment, settings })]
    const sent: unknown[] = []
    const client: ExposureClient = {
      query: async ({ query_params: params, clickhouse_settings: used }) => {
        sent.push([(Date.now() - begin) / minute, (Number(params['start_ms']) - startedAt) / minute, used])
        return { json: async () => [] }
      },
    }
    const memory = memoryRefreshStore()
    const store: RefreshStore<number> = {
      load: async (key) => {
        await new Promise((resolve) => setTimeout(resolve, minute / 2))
        return await memory.load(key)
      },
      save: (...args) => memory.save(...args),
    }
    const { stop, done } = loop({
      client: Object.assign(client, { asked: [] }),
      store,
      experiments: () => list,
    })
    await pass(minute / 4)
    experiment.startedAt += minute
    settings.max_threads = 2
    await pass(2 * minute)
    stop()
    await done
    expect(sent).toEqual([
      [0.5, 0, expect.objectContaining({ max_threads: 1 })],
      [1.5, 1, expect.objectContaining({ max_threads: 2 })],
    ])
  })

  test('a spec with trusted SQL stays one', async () => {
    const source = { table: trustedSql`SELECT * FROM events`, columns: { variant: trustedSql`lower(arm)` } }
    const spec = exposureSpec({ environmentKey: 'prod', featureName: 'exp-a', source })
    const { told, stop, done } = loop({ experiments: () => [listedAs('a', { spec })] })
    await pass(minute)
    stop()
    await done
    expect(told()).toEqual(['a: refreshed'])
  })

  test('an entry that is no data is looked at whenever the list is read, and asked for when it is due', async () => {
    const experiments = (): ListedExperiment[] => [listedAs('big', { settings: 7n as never })]
    const { told, stop, done } = loop({ experiments })
    await pass(2 * minute)
    expect(told()).toEqual(['big: refreshed', 'big: throttled', 'big: throttled'])
    await pass(9 * minute)
    stop()
    await done
    // At once, and then every throttleMs.
    expect(told().filter((each) => each === 'big: refreshed')).toHaveLength(3)
  })

  test('an entry that changes while it is refreshed is looked at again at once', async () => {
    let list = [listedAs('a')]
    const { told, stop, done } = loop({
      client: answering(() => new Promise((resolve) => setTimeout(resolve, 1.5 * minute))),
      experiments: () => list,
    })
    await pass(minute / 2)
    list = [listedAs('a', { settings: { max_threads: 1 } })]
    await pass(2 * minute)
    expect(told()).toEqual(['a: refreshed', 'a: throttled'])
    stop()
    await done
  })

  test.each([
    ['rejects', () => Promise.reject(new Error('no database'))],
    [
      'throws',
      () => {
        throw new Error('no database')
      },
    ],
    ['gives no list', () => 'none' as never],
  ])('a list that %s is reported, and those known before stay', async (_, fails) => {
    let failing = true
    const { reports, client, told, stop, done } = loop({
      experiments: () => (failing ? fails() : [listedAs('a')]),
      random: () => 1,
    })
    await pass(1500)
    expect(told()).toEqual(['null: list-failed'])
    expect(reports[0]).toMatchObject({ state: null, failures: 1, nextAt: begin + 2000 })
    failing = false
    await pass(1500)
    failing = true
    await pass(5 * minute)
    expect(client.asked.map(([key]) => key)).toEqual(['a', 'a'])
    expect(told().slice(1, 3)).toEqual(['a: refreshed', 'null: list-failed'])
    stop()
    await done
  })

  test('entries that cannot be used are reported and hold up nobody', async () => {
    const { reports, client, stop, done } = loop({
      experiments: () => [
        listedAs('a'),
        listedAs('twice'),
        listedAs('twice', { spec: exposureSpec({ environmentKey: 'prod', featureName: 'exp-other' }) }),
        listedAs(''),
        null as never,
        { ...listedAs('extra'), title: 'Extra' } as ListedExperiment,
        listedAs('bad', { spec: { featureName: 7 } as never }),
        listedAs('big', { settings: 7n as never }),
      ],
    })
    await pass(1)
    stop()
    await done
    expect(client.asked.map(([key]) => key)).toEqual(['a', 'big'])
    expect(
      reports.map(({ key, outcome }) => [
        key,
        outcome.type === 'refused' ? outcome.error.message : outcome.type,
      ]),
    ).toEqual([
      [
        'twice',
        'Several experiments have the key "twice". Give each a key of its own, because one would overwrite the state of the other.',
      ],
      [
        'twice',
        'Several experiments have the key "twice". Give each a key of its own, because one would overwrite the state of the other.',
      ],
      [
        null,
        'experiments[3].key is not usable: received "". Pass text that is not empty and has no lone surrogates.',
      ],
      [null, 'experiments[4] is not usable: received null. Pass an object.'],
      [
        'extra',
        'Unknown field experiments[5].title. The fields are key, spec, experiment, settings, partitions, concurrency.',
      ],
      ['bad', expect.stringMatching(/^environmentKey is required/) as unknown],
      ['a', 'refreshed'],
      ['big', 'refreshed'],
    ])
  })

  test('what has ended or has not started costs one look in throttleMs', async () => {
    const { client, reports, stop, done } = loop({
      experiments: () => [
        listedAs('over', { experiment: { startedAt, endedAt: begin - 30 * minute } }),
        listedAs('soon', { experiment: { startedAt: begin + minute, endedAt: null } }),
        listedAs('later', { experiment: { startedAt: begin + 7 * minute, endedAt: null } }),
        listedAs('empty', { experiment: { startedAt, endedAt: startedAt } }),
      ],
      policy: { settleMs: 0 },
    })
    await pass(7 * minute + 1)
    stop()
    await done
    expect(client.asked).toEqual([
      ['over', 0],
      ['soon', minute + 1],
      ['soon', 6 * minute + 1],
      ['later', 7 * minute + 1],
    ])
    expect(
      reports
        .filter(({ outcome }) => outcome.type === 'final' || outcome.type === 'not-started')
        .map(({ key, nextAt }) => [key, ((nextAt ?? 0) - begin) / minute]),
    ).toEqual([
      ['soon', 1 + 1 / minute],
      ['later', 5],
      ['empty', 5],
      ['later', 7 + 1 / minute],
      ['empty', 10],
      ['over', 10],
    ])
  })

  test('a claim that a stopped host gave back is taken up at once', async () => {
    const store = memoryRefreshStore()
    const first = loop({ store, client: answering((_, signal) => never(signal)) })
    await pass(1000)
    first.stop()
    await first.done
    expect(first.told()).toEqual(['a: aborted'])
    expect(first.reports[0]?.nextAt).toBeNull()
    const next = loop({ store })
    await pass(1000)
    expect(next.told()).toEqual(['a: refreshed'])
    next.stop()
    await next.done
  })

  test('a claim of a host that died is taken up when it counts as lost', async () => {
    const store = memoryRefreshStore()
    await store.save(
      'a',
      reduceRefresh<never>(initialRefreshState, { type: 'requested', at: begin - 1000 }),
      null,
    )
    const { client, told, stop, done } = loop({ store, policy: { presumedLostAfterMs: 7 * minute } })
    await pass(10 * minute)
    stop()
    await done
    expect(told()).toEqual(['a: in-flight', 'a: in-flight', 'a: refreshed'])
    expect(client.asked).toEqual([['a', 7 * minute - 1000]])
  })

  test('a store that fails is asked again, ever more slowly, and holds up nobody', async () => {
    const memory = memoryRefreshStore()
    const store: RefreshStore<number> = {
      load: (key) => (key === 'a' ? Promise.reject(new Error('of the store')) : memory.load(key)),
      save: (...args) => memory.save(...args),
    }
    const { client, reports, stop, done } = loop({
      store,
      experiments: () => [listedAs('a'), listedAs('b')],
      concurrency: 1,
      random: () => 1,
    })
    await pass(35_000)
    stop()
    await done
    expect(client.asked).toEqual([['b', 0]])
    const failed = reports.filter(({ key }) => key === 'a')
    expect(failed.map(({ nextAt }) => (nextAt ?? 0) - begin)).toEqual([2000, 6000, 14_000, 30_000, 62_000])
    expect(failed[0]?.outcome).toEqual({ type: 'store-failed', error: new Error('of the store') })
    expect(failed[0]).toMatchObject({ state: null, failures: 1 })
    expect(reports.every(({ costs }) => Object.isFrozen(costs))).toBe(true)
  })

  test.each([
    ['list', { experiments: () => Promise.reject(new Error('down')) }],
    [
      'store',
      {
        store: {
          load: () => Promise.reject(new Error('down')),
          save: () => Promise.reject(new Error('down')),
        },
      },
    ],
  ])('a %s that fails is not asked again within a second', async (what, input) => {
    const stopping = new AbortController()
    const told: unknown[] = []
    const { done } = loop({
      ...input,
      random: () => 0,
      signal: stopping.signal,
      onOutcome: ({ outcome, nextAt }) => {
        told.push([outcome.type, (nextAt ?? 0) - begin])
        if (told.length === 2) stopping.abort()
      },
    })
    await pass(1000)
    await done
    expect(told).toEqual([
      [`${what}-failed`, 1000],
      [`${what}-failed`, 2000],
    ])
  })

  test('those that share statements are due at the same tenth of throttleMs, whenever they were refreshed', async () => {
    time.end()
    time = virtualTime(begin + 10_000)
    const { reports, stop, done } = loop({ groupSize: 2 })
    await pass(1000)
    stop()
    await done
    // After 310 s, at the end of a slot of 30 s.
    expect(reports.map(({ nextAt }) => (nextAt ?? 0) - begin)).toEqual([330_000])
  })

  test('a policy by which every claim counts as lost at once is taken, too', async () => {
    const { told, stop, done } = loop({ policy: { presumedLostAfterMs: 0 } })
    await pass(1000)
    stop()
    await done
    expect(told()).toEqual(['a: refreshed'])
  })

  test('a policy that waits for nothing still rests a second', async () => {
    const { client, stop, done } = loop({ policy: { throttleMs: 0 } })
    await pass(3500)
    stop()
    await done
    expect(client.asked.map(([, at]) => at)).toEqual([0, 1000, 2000, 3000])
  })

  test('a clock that is set back or jumps ahead delays nothing', async () => {
    let skew = 0
    const { client, stop, done } = loop({ now: () => Date.now() + skew })
    await pass(minute)
    skew = -60 * minute
    await pass(10 * minute)
    skew = 60 * minute
    await pass(10 * minute)
    stop()
    await done
    const at = client.asked.map(([, ms]) => ms / minute)
    expect(at.length).toBeGreaterThanOrEqual(4)
    for (const [index, each] of at.entries()) expect(each - (at[index - 1] ?? 0)).toBeLessThanOrEqual(10)
  })

  test('the longest overdue comes first', async () => {
    const { client, stop, done } = loop({
      client: answering(async (key) => {
        if (key === 'a') throw busy
        await new Promise((resolve) => setTimeout(resolve, 10_000))
      }),
      experiments: () => ['a', 'b', 'c', 'd'].map((key) => listedAs(key)),
      concurrency: 1,
      random: () => 0,
    })
    await pass(minute)
    stop()
    await done
    // Its next tries are due at once, but after those that have waited longer.
    expect(client.asked.slice(0, 5).map(([key]) => key)).toEqual(['a', 'b', 'c', 'd', 'a'])
  })
})

describe('the end of the loop', () => {
  test.each(['before it', 'in a query', 'in a list', 'at rest', 'in onOutcome'])(
    'an abort %s leaves nothing',
    async (where) => {
      const stopping = new AbortController()
      let release = (): void => {}
      const client = answering((_, signal) => (where === 'in a query' ? never(signal) : Promise.resolve()))
      if (where === 'before it') stopping.abort()
      let ended = false
      let reports = 0
      const done = runRefreshes({
        client,
        store: memoryRefreshStore(),
        experiments: () =>
          where === 'in a list' ? new Promise<never>(() => {}) : [listedAs('a'), listedAs('b')],
        now: Date.now,
        signal: stopping.signal,
        onOutcome: () =>
          ++reports > 0 && where === 'in onOutcome'
            ? new Promise<void>((resolve) => {
                release = resolve
              })
            : undefined,
        concurrency: 1,
      }).finally(() => {
        ended = true
      })
      await pass(1000)
      expect(ended).toBe(where === 'before it')
      stopping.abort()
      await pass(0)
      if (where === 'in onOutcome') {
        expect(ended).toBe(false)
        release()
      }
      await done
      expect(reports).toBe({ 'before it': 0, 'in a list': 0, 'at rest': 2 }[where] ?? 1)
      expect(client.asked).toHaveLength({ 'before it': 0, 'in a list': 0, 'at rest': 2 }[where] ?? 1)
      expect(time.timers()).toBe(0)
      expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(0)
    },
  )

  test.each(['throws', 'rejects'])(
    'an onOutcome that %s ends the loop with its error, and the claims are given back',
    async (how) => {
      const store = memoryRefreshStore()
      const { done, stopping, client } = loop({
        store,
        client: answering((key, signal) => (key === 'a' ? Promise.resolve() : never(signal))),
        experiments: () => [listedAs('a'), listedAs('b')],
        onOutcome: ({ key }) => {
          if (key !== 'a') return undefined
          if (how === 'rejects') return Promise.reject(new Error('of the host'))
          throw new Error('of the host')
        },
      })
      await expect(done).rejects.toThrow('of the host')
      expect(client.asked).toHaveLength(2)
      expect((await store.load('b'))?.state.failure?.error.code).toBe('aborted')
      expect(time.timers()).toBe(0)
      expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(0)
    },
  )

  test('so does a clock that stops telling the time', async () => {
    let clock: () => number = Date.now
    const { done } = loop({ now: () => clock() })
    const thrown = done.catch((error: unknown) => error)
    await pass(1000)
    clock = () => Number.NaN
    await pass(5 * minute)
    expect(await thrown).toMatchObject({ code: 'invalid-instant' })
    expect(time.timers()).toBe(0)
  })

  test('one signal and many experiments make no leak', async () => {
    const warned = vi.fn<() => void>()
    process.on('warning', warned)
    const { done, stop, client } = loop({
      experiments: () => Array.from({ length: 50 }, (_, index) => listedAs(`${index}`)),
      concurrency: 50,
    })
    await pass(6 * minute)
    stop()
    await done
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warned)
    expect(client.asked).toHaveLength(100)
    expect(warned).not.toHaveBeenCalled()
  })
})

describe('one round', () => {
  const round = (
    experiments: readonly ListedExperiment[],
    input: Partial<Parameters<typeof refreshDueExposures<number>>[0]> = {},
  ): Promise<readonly RefreshReport[]> =>
    refreshDueExposures({
      client: answering(),
      store: memoryRefreshStore(),
      experiments,
      now: Date.now,
      random: () => 0.5,
      ...input,
    })

  test('gives the last report of each, in the order of the list', async () => {
    const reports: RefreshReport[] = []
    const asked = answering(async (key) => {
      if (key === 'slow') await new Promise((resolve) => setTimeout(resolve, 1000))
      if (key === 'bad') throw noTable
      if (key === 'busy' && asked.asked.filter(([each]) => each === 'busy').length < 3) throw busy
      if (key === 'down') throw busy
    })
    const done = round(
      [
        listedAs('slow'),
        listedAs(''),
        listedAs('bad'),
        listedAs('busy'),
        listedAs('down'),
        listedAs('soon', { experiment: { startedAt: begin + 1, endedAt: null } }),
      ],
      { client: asked, onOutcome: (report) => void reports.push(report) },
    )
    await pass(minute)
    const last = await done
    expect(last.map(({ key, outcome, failures, nextAt }) => [key, outcome.type, failures, nextAt])).toEqual([
      ['slow', 'refreshed', 0, null],
      [null, 'refused', 0, null],
      ['bad', 'failed', 1, null],
      ['busy', 'refreshed', 0, null],
      ['down', 'failed', 6, null],
      ['soon', 'not-started', 0, null],
    ])
    expect(asked.asked.filter(([key]) => key === 'busy').map(([, at]) => at)).toEqual([0, 500, 1500])
    expect(reports.filter(({ key }) => key === 'busy').map(({ nextAt }) => nextAt)).toEqual([
      begin + 500,
      begin + 1500,
      null,
    ])
    expect(Object.isFrozen(last)).toBe(true)
    expect(time.timers()).toBe(0)
  })

  test('a clock that stands still, as in a test of the host’s, waits for nothing for ever', async () => {
    const client = answering(() => Promise.reject(busy))
    const done = round([listedAs('a')], { client, now: () => begin })
    await pass(minute)
    expect((await done).map(({ failures }) => failures)).toEqual([6])
    expect(client.asked.map(([, at]) => at)).toEqual([0, 500, 1500, 3500, 7500, 15_500])
  })

  test.each([
    ['longer than a timer can wait', 90 * 24 * 60 * minute, 2_147_483_647],
    ['10 minutes', 10 * minute, 4 * minute],
    ['2 seconds', 2000, 1000],
    ['nothing', 0, 1000],
  ])('where claims count as lost after %s, one refresh has its time', async (_, presumedLostAfterMs, ms) => {
    const client = answering((__, signal) => never(signal))
    const stopping = new AbortController()
    const reports: RefreshReport[] = []
    const done = round([listedAs('a')], {
      client,
      policy: { presumedLostAfterMs },
      signal: stopping.signal,
      onOutcome: (report) => {
        reports.push(report)
        stopping.abort()
      },
    })
    await pass(ms - 1)
    expect(reports).toEqual([])
    await pass(1)
    await done
    expect(reports).toMatchObject([{ outcome: { type: 'failed', error: { code: 'timeout' } } }])
  })

  test('nothing to do is nothing done', async () => {
    expect(await round([])).toEqual([])
  })

  test('a store that fails is not asked again', async () => {
    const store = {
      load: () => Promise.reject(new Error('down')),
      save: () => Promise.reject(new Error('down')),
    }
    expect((await round([listedAs('a')], { store })).map(({ outcome }) => outcome.type)).toEqual([
      'store-failed',
    ])
  })

  test('an abort ends it; those not begun are not in the answer', async () => {
    const stopping = new AbortController()
    const done = round([listedAs('a'), listedAs('b')], {
      client: answering((_, signal) => never(signal)),
      concurrency: 1,
      signal: stopping.signal,
    })
    await pass(1000)
    stopping.abort()
    expect((await done).map(({ key, outcome }) => `${key}: ${outcome.type}`)).toEqual(['a: aborted'])
    expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(0)
    expect(time.timers()).toBe(0)
  })
})

describe('misuse', () => {
  const good = {
    client: answering(),
    store: memoryRefreshStore(),
    experiments: () => [],
    now: Date.now,
    signal: new AbortController().signal,
  }
  test.each([
    ['client', {}, 'an object', 'Pass a ClickHouse client.'],
    ['client', 'http://default:hunter2@ch.internal', 'a string', 'Pass a ClickHouse client.'],
    ['store', undefined, 'undefined', 'Pass a store with load and save, such as memoryRefreshStore().'],
    ['now', 1780272000000, 'a number', 'Pass the clock itself: now: Date.now.'],
    [
      'signal',
      new AbortController(),
      'an object',
      'Pass an AbortSignal, such as the signal of an AbortController.',
    ],
    ['concurrency', 0, '0', 'Pass a whole number from 1 to 2^53 - 1.'],
    ['timeoutMs', 0, '0', 'Pass a whole number from 1 to 2,147,483,647.'],
    ['onOutcome', 'log', 'a string', 'Pass a function.'],
    ['random', 0.5, 'a number', 'Pass a function.'],
    ['experiments', [], 'an array', 'Pass a function that lists the experiments.'],
  ])('%s', async (field, value, received, advice) => {
    const error = await runRefreshes({ ...good, [field]: value }).catch((thrown: unknown) => thrown)
    const { code, message, details } = error as { code: string; message: string; details: unknown }
    expect({ code, message, details }).toEqual(refused('invalid-policy', field, received, advice))
  })

  test('a signal left out, an unknown field, a policy, a list that is none', async () => {
    const { signal, ...without } = good
    expect(signal.aborted).toBe(false)
    await expect(runRefreshes(without as never)).rejects.toMatchObject({
      message: expect.stringMatching(/^signal is required/) as unknown,
    })
    await expect(runRefreshes({ ...good, every: 5 } as never)).rejects.toMatchObject({
      details: { path: 'every' },
    })
    await expect(runRefreshes({ ...good, policy: { throttleMs: -1 } })).rejects.toMatchObject({
      details: { path: 'policy.throttleMs' },
    })
    await expect(
      refreshDueExposures({ ...without, experiments: good.experiments as never }),
    ).rejects.toMatchObject({
      details: { path: 'experiments' },
    })
    await expect(
      refreshDueExposures({ ...without, experiments: [], now: (() => 'soon') as never }),
    ).resolves.toEqual([])
  })
})
