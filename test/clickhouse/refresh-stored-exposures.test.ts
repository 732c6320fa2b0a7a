import {
  encodeRefreshState,
  exposureFingerprint,
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  refreshQuestion,
  refreshStatus,
  type RefreshState,
} from 'first-exposure'
import {
  memoryRefreshStore,
  refreshStoredExposures,
  type ExposureClient,
  type RefreshStore,
} from 'first-exposure/clickhouse'
import { describe, expect, test, vi } from 'vitest'

const minute = 60_000
const start = Date.UTC(2026, 5, 1)
const now = Date.UTC(2026, 5, 4)
const key = 'checkout'
const base = {
  spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
  experiment: { startedAt: start, endedAt: null },
  key,
  now,
}
const question = refreshQuestion(initialRefreshState, {
  ...base.experiment,
  fingerprint: exposureFingerprint(base.spec, start),
})
const answering = (rows: () => unknown = () => []): ExposureClient & { readonly asked: () => number } => {
  let asked = 0
  return {
    asked: () => asked,
    query: async ({ query }) => {
      if (!query.startsWith('KILL')) asked++
      const answer = await rows()
      return { json: async () => answer }
    },
  }
}
const stateAt = async (store: RefreshStore<number>): Promise<RefreshState | undefined> =>
  (await store.load(key))?.state

/** A store into which somebody else saves between a load and the save that follows it. */
function interrupted(
  store: RefreshStore<number>,
  change: (state: RefreshState, save: number) => RefreshState | null,
): RefreshStore<number> {
  let saves = 0
  return {
    load: async (key) => await store.load(key),
    save: async (key, state, version) => {
      const stored = await store.load(key)
      const changed = change(stored?.state ?? initialRefreshState, saves++)
      if (changed !== null) await store.save(key, changed, stored?.version ?? null)
      return await store.save(key, state, version)
    },
  }
}

describe('refreshStoredExposures', () => {
  test('claims before it asks, and saves what came', async () => {
    const store = memoryRefreshStore()
    const client = answering(async () => {
      expect(await stateAt(store)).toStrictEqual({
        question,
        requestedAt: now,
        success: null,
        failure: null,
      })
      return []
    })
    const { state, outcome } = await refreshStoredExposures({ ...base, client, store })
    expect(outcome).toStrictEqual({ type: 'refreshed', asOf: now })
    expect(await store.load(key)).toStrictEqual({ state, version: 2 })
  })

  test('of twenty at once, one computes and the others are told', async () => {
    const store = memoryRefreshStore()
    const client = answering()
    const results = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, i) => await refreshStoredExposures({ ...base, client, store, now: now - (i % 5) * minute }),
      ),
    )
    expect(client.asked()).toBe(1)
    const types = results.map(({ outcome }) => outcome.type)
    expect(types.filter((type) => type === 'refreshed')).toHaveLength(1)
    expect(types.filter((type) => type === 'in-flight' || type === 'throttled')).toHaveLength(19)
  })

  test('nothing is saved where nothing is due, or where it was aborted before the claim', async () => {
    const store = memoryRefreshStore()
    const client = answering()
    await refreshStoredExposures({ ...base, client, store })
    const again = { ...base, client, store, now: now + 1 }
    expect((await refreshStoredExposures(again)).outcome).toStrictEqual({
      type: 'throttled',
      retryAfterMs: 5 * minute - 1,
    })
    const later = { ...again, now: now + 10 * minute, signal: AbortSignal.abort() }
    expect((await refreshStoredExposures(later)).outcome).toStrictEqual({ type: 'aborted' })
    expect((await store.load(key))?.version).toBe(2)
    expect(client.asked()).toBe(1)
  })

  test('an abort at the claim: it is given back, and nothing is asked, not even to end a query', async () => {
    const host = new AbortController()
    const store = memoryRefreshStore()
    const aborting = interrupted(store, () => {
      host.abort()
      return null
    })
    const client = {
      query: async (): Promise<never> => expect.fail('asked'),
    }
    const asked = vi.spyOn(client, 'query')
    const input = { ...base, client, store: aborting, signal: host.signal }
    expect((await refreshStoredExposures(input)).outcome).toStrictEqual({ type: 'aborted' })
    expect(asked).not.toHaveBeenCalled()
    expect(await stateAt(store)).toMatchObject({ requestedAt: now, failure: { error: { code: 'aborted' } } })
  })

  test('a conflict at the claim: decides again, by what is stored by then', async () => {
    const store = memoryRefreshStore()
    const client = answering()
    const other = interrupted(store, (state, save) =>
      save === 0 ? reduceRefresh(state, { type: 'requested', at: now - 1, question }) : null,
    )
    const result = await refreshStoredExposures({ ...base, client, store: other })
    expect(result.outcome).toStrictEqual({ type: 'in-flight' })
    expect(result.state.requestedAt).toBe(now - 1)
    expect(client.asked()).toBe(0)
    // A conflict that leaves it due only costs another try.
    const stale = interrupted(memoryRefreshStore(), (state, save) =>
      save < 3 ? reduceRefresh(state, { type: 'requested', at: now - (40 - save) * minute, question }) : null,
    )
    expect((await refreshStoredExposures({ ...base, client, store: stale })).outcome.type).toBe('refreshed')
  })

  describe('a report by a clock that was far ahead', () => {
    const day = 86_400_000
    const failed = {
      type: 'failed',
      asOf: now + day,
      at: now + day,
      question,
      error: { code: 'network', transient: true, message: '…' },
    } as const
    test.each([
      ['a request', { type: 'requested', at: now + day, question }],
      ['a failure', failed],
    ] as const)('%s: of two hosts one computes, and the next waits for throttleMs', async (_, ahead) => {
      const store = memoryRefreshStore()
      await store.save(key, reduceRefresh(initialRefreshState, ahead), null)
      let answer = (): void => undefined
      const client = answering(async () => {
        await new Promise<void>((resolve) => (answer = resolve))
        return []
      })
      const one = refreshStoredExposures({ ...base, client, store })
      await expect.poll(client.asked).toBe(1)
      const other = { ...base, client: answering(), store, now: now + 10 }
      expect((await refreshStoredExposures(other)).outcome).toEqual({ type: 'in-flight' })
      answer()
      const { state, outcome } = await one
      expect(outcome).toEqual({ type: 'refreshed', asOf: now })
      expect((await refreshStoredExposures({ ...other, now: now + minute })).outcome).toEqual({
        type: 'throttled',
        retryAfterMs: 4 * minute,
      })
      const asked = { ...base.experiment, fingerprint: exposureFingerprint(base.spec, start) }
      expect(refreshStatus(state, asked, now + minute).type).toBe('loaded')
      expect(state.question?.revision).toBe(2)
      // From then on, it is as if nothing had been.
      const next = await refreshStoredExposures({ ...other, now: now + 5 * minute })
      expect([next.outcome.type, next.state.question?.revision]).toEqual(['refreshed', 2])
    })

    test('a request counts as one of its moment when the clocks get there', async () => {
      const store = memoryRefreshStore()
      const client = answering()
      const at = async (ms: number): Promise<string> =>
        (await refreshStoredExposures({ ...base, client, store, now: now + ms })).outcome.type
      const ahead = { type: 'requested', at: now + day, question } as const
      await store.save(key, reduceRefresh(initialRefreshState, ahead), null)
      expect(await at(0)).toBe('refreshed')
      expect(await at(day + minute)).toBe('in-flight')
      expect(await at(day + 10 * minute)).toBe('refreshed')
      expect(await at(day + 11 * minute)).toBe('throttled')
    })
  })

  test('a conflict at the report: joins, and overwrites nothing', async () => {
    const store = memoryRefreshStore()
    const newer = {
      type: 'succeeded',
      asOf: now + 9,
      at: now + 9,
      question,
      summary: { excludedIdentities: 3, timeseries: { granularity: 'day', timeZone: 'UTC', points: [] } },
    } as const
    const other = interrupted(store, (state, save) => (save === 1 ? reduceRefresh(state, newer) : null))
    const { state, outcome } = await refreshStoredExposures({ ...base, client: answering(), store: other })
    expect(outcome).toStrictEqual({ type: 'refreshed', asOf: now })
    expect(state.success).toMatchObject({ asOf: now + 9, summary: { excludedIdentities: 3 } })
    expect(await stateAt(store)).toStrictEqual(state)

    const failed = memoryRefreshStore()
    const noisy = interrupted(failed, (state, save) =>
      save === 0 || save > 5 ? null : reduceRefresh(state, { type: 'requested', at: now + save, question }),
    )
    const joined = await refreshStoredExposures({ ...base, client: answering(), store: noisy })
    expect(joined.state).toMatchObject({ requestedAt: now + 5, success: { asOf: now } })
    expect(await stateAt(failed)).toStrictEqual(joined.state)
  })

  test('what was deleted in between is stored anew', async () => {
    const store = memoryRefreshStore()
    let other = memoryRefreshStore()
    const forgetful: RefreshStore<number> = {
      load: async (key) => await other.load(key),
      save: async (key, state, version) => {
        if (version === 1) other = store
        return await other.save(key, state, version)
      },
    }
    const { state } = await refreshStoredExposures({ ...base, client: answering(), store: forgetful })
    expect(await stateAt(store)).toStrictEqual(state)
    expect(state.success?.asOf).toBe(now)
  })

  test('a lost worker’s claim expires, and its late report still joins', async () => {
    const store = memoryRefreshStore()
    let answer: (rows: unknown) => void = () => undefined
    const slow = answering(async () => await new Promise((resolve) => (answer = resolve)))
    const lost = refreshStoredExposures({ ...base, client: slow, store })
    await expect.poll(() => slow.asked()).toBe(1)
    const at = async (ms: number): Promise<string> =>
      (await refreshStoredExposures({ ...base, client: answering(), store, now: now + ms })).outcome.type
    expect(await at(10 * minute - 1)).toBe('in-flight')
    expect(await at(10 * minute)).toBe('refreshed')
    answer([])
    expect((await lost).outcome).toStrictEqual({ type: 'refreshed', asOf: now })
    expect((await stateAt(store))?.success?.asOf).toBe(now + 10 * minute)
  })

  test.each(['load', 'claim', 'report'])('what the store throws at the %s passes untouched', async (step) => {
    const store = memoryRefreshStore()
    const error = new Error('the disk is full')
    let saves = 0
    const broken: RefreshStore<number> = {
      load: async (key) => (step === 'load' ? await Promise.reject(error) : await store.load(key)),
      save: async (...args) =>
        step === (saves++ === 0 ? 'claim' : 'report')
          ? await Promise.reject(error)
          : await store.save(...args),
    }
    await expect(refreshStoredExposures({ ...base, client: answering(), store: broken })).rejects.toBe(error)
  })

  test.each([
    ['undefined', undefined],
    ['true', true],
    ['an object', { type: 'ok' }],
  ])('a save that returns %s is refused, at the claim and at the report', async (received, saved) => {
    for (const at of [0, 1]) {
      const memory = memoryRefreshStore()
      let saves = 0
      const store: RefreshStore<number> = {
        load: async (key) => await memory.load(key),
        save: async (...args) => (saves++ === at ? (saved as never) : await memory.save(...args)),
      }
      await expect(refreshStoredExposures({ ...base, client: answering(), store })).rejects.toMatchObject({
        code: 'invalid-policy',
        message:
          `store.save returned ${received}. ` +
          "Let it return { type: 'saved', version } or { type: 'conflict' }.",
        details: { path: 'store.save' },
      })
      expect(saves).toBe(at + 1)
    }
  })

  test('a store that never saves is refused, at the claim and at the report, even if nothing else can run', async () => {
    for (const at of [0, 1]) {
      const memory = memoryRefreshStore()
      let saves = 0
      const store: RefreshStore<number> = {
        load: async (key) => await memory.load(key),
        save: async (...args) => {
          if (saves > 5000) throw new Error('It would be asked for ever.')
          return saves++ >= at ? { type: 'conflict' } : await memory.save(...args)
        },
      }
      await expect(refreshStoredExposures({ ...base, client: answering(), store })).rejects.toMatchObject({
        code: 'invalid-policy',
        message: expect.stringMatching(/^store.save returned a conflict 300 times in a row\./) as unknown,
        details: { path: 'store.save' },
      })
      expect(saves).toBe(at + 300)
    }
  })

  test('misuse throws before anything is saved or asked', async () => {
    const store = memoryRefreshStore()
    const client = answering()
    for (const wrong of [
      { now: NaN },
      { attempt: -1 },
      { policy: { settleMs: 0.5 } },
      { spec: { ...base.spec, featureName: '' } },
    ]) {
      await expect(refreshStoredExposures({ ...base, client, store, ...wrong })).rejects.toMatchObject({
        name: 'ExposureError',
      })
    }
    expect(await store.load(key)).toBeNull()
    expect(client.asked()).toBe(0)
  })
})

describe('memoryRefreshStore', () => {
  test('compares and sets, each key for itself', async () => {
    const store = memoryRefreshStore()
    expect(await store.load('a')).toBeNull()
    const state = reduceRefresh(initialRefreshState, { type: 'requested', at: 7 })
    expect(await store.save('a', state, 1)).toStrictEqual({ type: 'conflict' })
    expect(await store.save('a', state, null)).toStrictEqual({ type: 'saved', version: 1 })
    expect(await store.save('a', initialRefreshState, null)).toStrictEqual({ type: 'conflict' })
    expect(await store.save('b', state, 1)).toStrictEqual({ type: 'conflict' })
    expect(await store.save('a', state, 1)).toStrictEqual({ type: 'saved', version: 2 })
    expect(await store.save('a', initialRefreshState, 1)).toStrictEqual({ type: 'conflict' })
    expect(await store.load('a')).toStrictEqual({ state, version: 2 })
    expect(await store.load('__proto__')).toBeNull()
  })
  test('keeps text: what cannot be stored is refused, and what was is not shared', async () => {
    const store = memoryRefreshStore()
    await expect(store.save('a', { requestedAt: 0.5 } as never, null)).rejects.toMatchObject({
      code: 'malformed-state',
    })
    const state = { requestedAt: 1, success: null, failure: null }
    await store.save('a', state, null)
    state.requestedAt = 2
    const loaded = await store.load('a')
    expect(encodeRefreshState(loaded?.state ?? initialRefreshState)).toContain('"requestedAt":1')
  })
})
