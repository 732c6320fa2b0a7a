import { getEventListeners } from 'node:events'
import { exposureSpec, type ExposureSpecInput, type RefreshState } from 'first-exposure'
import {
  memoryRefreshStore,
  refreshDueExposures,
  refreshStoredExposures,
  refreshStoredExposuresBatch,
  type ExposureClient,
  type ListedExperiment,
  type RefreshBatchInput,
  type RefreshReport,
  type RefreshStore,
} from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'

const startedAt = Date.UTC(2026, 5, 1)
const now = Date.UTC(2026, 5, 2)
const listed = (name: string, input: Partial<ExposureSpecInput> = {}): ListedExperiment => ({
  key: `key of ${name}`,
  spec: exposureSpec({ environmentKey: 'prod', featureName: name, ...input }),
  experiment: { startedAt, endedAt: null },
})
const clickHouseError = (code: number): Error => Object.assign(new Error('refused'), { code: String(code) })

interface Sent {
  readonly features: readonly string[]
  readonly id: string
  readonly killed?: number
}

/** A row for each feature of a statement: as many identities as the number in its name. */
function clientOf(
  answer: (features: readonly string[]) => Error | undefined | Promise<undefined> = () => undefined,
): {
  readonly client: ExposureClient
  readonly sent: Sent[]
} {
  const sent: Sent[] = []
  return {
    sent,
    client: {
      query: async ({ query, query_params: params, query_id = '' }) => {
        if (query.startsWith('KILL')) {
          sent.push({
            features: [],
            id: String(params['query_id']),
            killed: Number(params['partitions'] ?? 1),
          })
          return { json: async () => await Promise.resolve([]) }
        }
        const features = (params['feature_names'] ?? [params['feature_name']]) as readonly string[]
        sent.push({ features, id: query_id })
        const failure = await answer(features)
        if (failure !== undefined) throw failure
        const rows = features.map((feature, experiment) => ({
          experiment,
          quarantined: 0,
          variant: 'a',
          bucket: '2026-06-01 00:00:00',
          new_identities: Number(feature.slice(1)),
        }))
        return { json: async () => await Promise.resolve(rows) }
      },
    },
  }
}
const typesOf = (reports: readonly RefreshReport[]): readonly string[] =>
  reports.map(({ outcome }) =>
    'error' in outcome && outcome.type === 'failed' ? outcome.error.code : outcome.type,
  )
const identitiesOf = (state: RefreshState | null | undefined): number | undefined =>
  state?.success?.summary.timeseries.points[0]?.newIdentities['a']

describe('refreshStoredExposuresBatch', () => {
  const names = ['f1', 'f2', 'f3', 'f4', 'f5']
  const batch = async (
    client: ExposureClient,
    store: RefreshStore,
    more: Partial<RefreshBatchInput<unknown>> = {},
  ): Promise<readonly RefreshReport[]> =>
    await refreshStoredExposuresBatch({
      client,
      store,
      experiments: names.map((name) => listed(name)),
      now: () => now,
      ...more,
    })

  test('asks once, and stores each state as one refresh would', async () => {
    const { client, sent } = clientOf()
    const [store, oneByOne] = [memoryRefreshStore(), memoryRefreshStore()]
    const progress: (string | null)[] = []
    const reports = await batch(client, store, {
      onOutcome: ({ key }) => {
        progress.push(key)
      },
    })
    expect(typesOf(reports)).toEqual(names.map(() => 'refreshed'))
    expect(progress).toEqual(names.map((name) => `key of ${name}`))
    expect(sent.map(({ features }) => features)).toEqual([names])
    await refreshDueExposures({
      client,
      store: oneByOne,
      experiments: names.map((name) => listed(name)),
      now: () => now,
    })
    for (const [index, name] of names.entries()) {
      const stored = await store.load(`key of ${name}`)
      expect(stored?.state).toEqual((await oneByOne.load(`key of ${name}`))?.state)
      expect(identitiesOf(stored?.state)).toBe(index + 1)
      expect(reports[index]).toMatchObject({ key: `key of ${name}`, state: stored?.state, nextAt: null })
    }
    expect(typesOf(await batch(client, store))).toEqual(names.map(() => 'throttled'))
    expect(sent).toHaveLength(6)
  })

  test('claims no group before the reports of the one before', async () => {
    const store = memoryRefreshStore()
    const claimed: number[] = []
    const { client, sent } = clientOf(async () => {
      const states = await Promise.all(names.map(async (name) => await store.load(`key of ${name}`)))
      claimed.push(states.filter((stored) => stored != null).length)
      return undefined
    })
    expect(typesOf(await batch(client, store, { groupSize: 2 }))).toEqual(names.map(() => 'refreshed'))
    expect(sent.map(({ features }) => features.join())).toEqual(['f1,f2', 'f3,f4', 'f5'])
    expect(claimed).toEqual([2, 4, 5])
  })

  test('what another host has claimed or refreshed is left to it', async () => {
    const { client, sent } = clientOf()
    const store = memoryRefreshStore()
    await refreshStoredExposures({ client, store, now, ...listed('f2') })
    let other: Promise<readonly RefreshReport[]> | undefined
    const slow = clientOf(async () => {
      // Another host begins while this one computes.
      other ??= batch(client, store)
      await other
      return undefined
    })
    expect(typesOf(await batch(slow.client, store))).toEqual([
      'refreshed',
      'throttled',
      'refreshed',
      'refreshed',
      'refreshed',
    ])
    expect(typesOf((await other) ?? [])).toEqual([
      'in-flight',
      'throttled',
      'in-flight',
      'in-flight',
      'in-flight',
    ])
    expect(sent.map(({ features }) => features)).toEqual([['f2']])
  })

  test('a host that dies leaves claims that expire, and the last good summaries', async () => {
    const store = memoryRefreshStore()
    await batch(clientOf().client, store)
    const later = now + 3_600_000
    // It never comes back.
    const dead = clientOf(async () => await new Promise(() => undefined))
    void batch(dead.client, store, { now: () => later })
    while (dead.sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    for (const [index, name] of names.entries()) {
      const { state } = (await store.load(`key of ${name}`)) ?? {}
      expect([identitiesOf(state), state?.requestedAt]).toEqual([index + 1, later])
    }
    const { client } = clientOf()
    expect(typesOf(await batch(client, store, { now: () => later + 60_000 }))).toEqual(
      names.map(() => 'in-flight'),
    )
    expect(typesOf(await batch(client, store, { now: () => later + 600_000 }))).toEqual(
      names.map(() => 'refreshed'),
    )
  })

  test('one that is too large fails alone', async () => {
    const store = memoryRefreshStore()
    const { client } = clientOf((features) => (features.includes('f3') ? clickHouseError(241) : undefined))
    const reports = await batch(client, store)
    expect(typesOf(reports)).toEqual(['refreshed', 'refreshed', 'memory-limit', 'refreshed', 'refreshed'])
    expect(reports.map(({ failures }) => failures)).toEqual([0, 0, 1, 0, 0])
    expect((await store.load('key of f3'))?.state.failure?.error.code).toBe('memory-limit')
  })

  test('an entry that cannot be used, and a store that fails for one, stop no other', async () => {
    const { client, sent } = clientOf()
    const store = memoryRefreshStore()
    const failing: RefreshStore = {
      load: async (key) => {
        if (key === 'key of f4') throw new Error('no store')
        return await store.load(key)
      },
      save: async (...saved) => await store.save(...(saved as Parameters<typeof store.save>)),
    }
    const reports = await batch(client, failing, {
      experiments: [
        listed('f1'),
        { ...listed('f2'), key: '' },
        { ...listed('f3'), spec: { featureName: '' } as never },
        listed('f4'),
        { ...listed('f5'), experiment: { startedAt: now + 1, endedAt: null } },
      ],
    })
    expect(typesOf(reports)).toEqual(['refreshed', 'refused', 'refused', 'store-failed', 'not-started'])
    expect(sent.map(({ features }) => features)).toEqual([['f1']])
  })

  test('one with settings or partitions of its own is asked by itself, and sources apart', async () => {
    const { client, sent } = clientOf()
    const reports = await batch(client, memoryRefreshStore(), {
      experiments: [
        listed('f1'),
        { ...listed('f2'), settings: { max_threads: 1 } },
        { ...listed('f3'), partitions: 2 },
        listed('f4', { environmentKey: 'test' }),
        listed('f5'),
      ],
    })
    expect(typesOf(reports)).toEqual(names.map(() => 'refreshed'))
    expect(sent.map(({ features }) => features.join()).sort()).toEqual(['f1,f5', 'f2', 'f3', 'f3', 'f4'])
  })

  test('an abort gives the claims back, ends the statements, and begins no more', async () => {
    const store = memoryRefreshStore()
    const controller = new AbortController()
    const { client, sent } = clientOf(async () => {
      controller.abort(new Error('stopping'))
      return await new Promise(() => undefined)
    })
    const reports = await batch(client, store, { groupSize: 2, signal: controller.signal })
    expect(typesOf(reports)).toEqual(['aborted', 'aborted'])
    const [asked, killed] = sent
    expect(killed).toEqual({ features: [], id: asked?.id.replace(/-0$/, ''), killed: 4 })
    expect(sent).toHaveLength(2)
    expect(await store.load('key of f3')).toBeNull()
    // The claims were given back.
    const next = clientOf()
    expect(typesOf(await batch(next.client, store, { now: () => now + 300_000 }))).toEqual(
      names.map(() => 'refreshed'),
    )
    expect(await batch(client, store, { signal: controller.signal })).toEqual([])
  })

  test('no listener is left on the signal, however many calls it has', async () => {
    const { signal } = new AbortController()
    const store = memoryRefreshStore()
    const { client } = clientOf()
    for (const at of [now, now + 1, now + 600_000]) {
      await batch(client, store, { now: () => at, groupSize: 2, signal })
      expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    }
    await batch(client, store, { experiments: [{ ...listed('f1'), key: '' }], signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('what has failed waits for throttleMs at later calls, because none knows of the one before', async () => {
    const store = memoryRefreshStore()
    const down = clientOf(() => Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
    const at = async (ms: number): Promise<readonly string[]> =>
      typesOf(
        await batch(down.client, store, {
          experiments: [listed('f1')],
          now: () => now + ms,
          random: () => 0,
        }),
      )
    expect(await at(0)).toEqual(['connection-refused'])
    expect(await at(299_999)).toEqual(['throttled'])
    expect(await at(300_000)).toEqual(['connection-refused'])
  })

  test('a list of any length is answered, also where none of it can be used', async () => {
    // Without stacks, which take most of the time.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    try {
      const experiments = Array.from({ length: 150_000 }, () => null as never)
      const reports = await batch(clientOf().client, memoryRefreshStore(), { experiments })
      expect(reports).toHaveLength(150_000)
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  })

  test.each([
    ['500 where groupSize is left out', {}, [500, 1]],
    ['all of a group, however many', { groupSize: 1000 }, [501]],
  ] as const)('one statement asks about %s', async (_, more, sizes) => {
    const { client, sent } = clientOf()
    const experiments = Array.from({ length: 501 }, (__, index) => listed(`f${index + 1}`))
    await batch(client, memoryRefreshStore(), { experiments, ...more })
    expect(sent.map(({ features }) => features.length)).toEqual(sizes)
  })

  test.each([
    ['of two environments', [listed('f1'), listed('f2', { environmentKey: 'test' })]],
    [
      'of two with settings of their own',
      ['f1', 'f2'].map((name) => ({ ...listed(name), settings: { max_threads: 1 } })),
    ],
  ])('as many statements are in flight as told: %s', async (_, experiments) => {
    for (const concurrency of [1, 2]) {
      let [inFlight, most] = [0, 0]
      const { client } = clientOf(async () => {
        most = Math.max(most, ++inFlight)
        await new Promise((resolve) => setTimeout(resolve, 1))
        inFlight--
        return undefined
      })
      await batch(client, memoryRefreshStore(), { experiments, concurrency })
      expect(most).toBe(concurrency)
    }
  })

  test('a group that takes too long has failed with timeout', async () => {
    const { client } = clientOf(async () => await new Promise(() => undefined))
    const reports = await batch(client, memoryRefreshStore(), { timeoutMs: 20 })
    expect(typesOf(reports)).toEqual(names.map(() => 'timeout'))
  })

  test('what onOutcome throws ends the call after the group', async () => {
    const { client, sent } = clientOf()
    const failing = batch(client, memoryRefreshStore(), {
      groupSize: 2,
      onOutcome: () => {
        throw new Error('mine')
      },
    })
    await expect(failing).rejects.toThrow('mine')
    expect(sent).toHaveLength(1)
  })

  test.each<[path: string, input: object]>([
    ['groupSize', { groupSize: 0 }],
    ['groupSize', { groupSize: 1001 }],
    ['concurrency', { concurrency: 0 }],
    ['experiments', { experiments: {} }],
    ['client', { client: {} }],
    ['keys', { keys: [] }],
  ])('misuse is refused before anything is asked: %s', async (path, input) => {
    const { client, sent } = clientOf()
    await expect(batch(client, memoryRefreshStore(), input)).rejects.toMatchObject({
      code: 'invalid-policy',
      details: { path },
    })
    expect(sent).toEqual([])
  })
})
