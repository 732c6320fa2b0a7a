import {
  decodeRefreshState,
  encodeRefreshState,
  exposureFingerprint,
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  refreshQuestion,
  type RefreshState,
} from 'first-exposure'
import {
  refreshExposures,
  refreshStoredExposures,
  type ExposureClient,
  type RefreshInput,
} from 'first-exposure/clickhouse'
import { describe, expect, test, vi } from 'vitest'

const minute = 60_000
const start = Date.UTC(2026, 5, 1)
const now = Date.UTC(2026, 5, 4)
const running = { startedAt: start, endedAt: null }
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const row = { quarantined: 0, variant: 'b', bucket: '2026-06-01 00:00:00', new_identities: 7 }

type Asked = Parameters<ExposureClient['query']>[0]
interface Scripted extends ExposureClient {
  readonly asked: Asked[]
}
/** A client that answers, or fails, as told, and remembers what it was asked. */
function scripted(answer: () => unknown = () => [row]): Scripted {
  const asked: Asked[] = []
  return {
    asked,
    query: async (params) => {
      asked.push(params)
      if (params.query.startsWith('KILL')) return { json: async () => [] }
      const rows = await answer()
      return { json: async () => rows }
    },
  }
}
const failing = (code: string): Scripted =>
  scripted(() => {
    throw Object.assign(new Error('secret'), { code })
  })
const question = refreshQuestion(initialRefreshState, {
  ...running,
  fingerprint: exposureFingerprint(spec, start),
})
const requested = (at: number, state: RefreshState = initialRefreshState): RefreshState =>
  reduceRefresh(state, { type: 'requested', at, question })
const refreshed = async (at: number): Promise<RefreshState> =>
  (
    await refreshExposures({
      client: scripted(),
      spec,
      experiment: running,
      state: initialRefreshState,
      now: at,
    })
  ).state
const kills = ({ asked }: Scripted): readonly Asked[] => asked.filter(({ query }) => query.startsWith('KILL'))

describe('refreshExposures', () => {
  test('asks for the window to now under an id of its own, and keeps what came', async () => {
    const client = scripted()
    const input = { client, spec, experiment: running, state: initialRefreshState, now }
    const { state, outcome } = await refreshExposures({ ...input, settings: { max_threads: 2 } })
    await refreshExposures(input)
    expect(outcome).toStrictEqual({ type: 'refreshed', asOf: now })
    expect(state).toMatchObject({ requestedAt: now, success: { asOf: now, at: now }, failure: null })
    const [one, other] = client.asked
    expect(one).toMatchObject({
      query_params: { start_ms: start, as_of_ms: now },
      clickhouse_settings: { max_threads: 2 },
    })
    expect(one?.query_id).toMatch(/^first-exposure-[0-9a-f-]{36}$/)
    expect(one?.query_id).not.toBe(other?.query_id)
    expect(decodeRefreshState(encodeRefreshState(state))).toStrictEqual(state)
    for (const part of [outcome, state, state.success, state.success?.summary.timeseries.points[0]]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  test.each([
    ['not-started', initialRefreshState, { startedAt: now, endedAt: null }, {}],
    ['in-flight', requested(now - 1), running, {}],
    ['in-flight', requested(now + 5 * minute), running, {}],
    ['due', requested(now - 10 * minute), running, {}],
    ['due', requested(now + 10 * minute), running, {}],
    ['due', requested(now - 1), running, { presumedLostAfterMs: 1, throttleMs: 0 }],
  ] as const)('%s: %o', async (type, state, experiment, policy) => {
    const client = scripted()
    const result = await refreshExposures({ client, spec, experiment, state, now, policy })
    expect(result.outcome.type).toBe(type === 'due' ? 'refreshed' : type)
    expect(client.asked).toHaveLength(type === 'due' ? 1 : 0)
    if (type !== 'due') expect(result.state).toBe(state)
    expect(Object.isFrozen(result) && Object.isFrozen(result.outcome)).toBe(true)
  })

  test('throttled and final change nothing', async () => {
    const state = await refreshed(now)
    const client = scripted()
    const throttled = await refreshExposures({ client, spec, experiment: running, state, now: now + minute })
    expect(throttled.outcome).toStrictEqual({ type: 'throttled', retryAfterMs: 4 * minute })
    const ended = { startedAt: start, endedAt: now }
    const policy = { settleMs: 0 }
    const final = await refreshExposures({
      client,
      spec,
      experiment: ended,
      state,
      now: now + 9 * minute,
      policy,
    })
    expect(final.outcome).toStrictEqual({ type: 'final' })
    expect([throttled.state, final.state]).toEqual([state, state])
    expect(throttled.state).toBe(state)
    expect(final.state).toBe(state)
    expect(client.asked).toHaveLength(0)
  })

  describe('the instant of a claim', () => {
    const policy = { throttleMs: 0 }
    test.each([
      ['the clock’s, where it is ahead of all that is known', -10 * minute, now],
      ['one more than the latest request, where that is the same millisecond', 0, now + 1],
      ['one more than the latest request, where this clock is behind', 3 * minute, now + 3 * minute + 1],
      [
        'the clock’s, where the request lies too far ahead to be believed: it is asked anew',
        10 * minute,
        now,
      ],
    ])('%s', async (_, ahead, at) => {
      // Answered, so that it is not in flight.
      const state = reduceRefresh(requested(now + ahead), {
        type: 'failed',
        asOf: now + ahead,
        at: now + ahead,
        error: { code: 'network', transient: true, message: '…' },
        question,
      })
      const client = scripted()
      const next = await refreshExposures({ client, spec, experiment: running, state, now, policy })
      expect(next.outcome).toStrictEqual({ type: 'refreshed', asOf: at })
      expect(next.state.success).toMatchObject({ asOf: at, at })
      expect(next.state.requestedAt).toBe(at)
    })
  })

  describe('the window', () => {
    const asOf = async (
      endedAt: number | null,
      state: RefreshState = initialRefreshState,
      at = now,
    ): Promise<unknown> => {
      const client = scripted()
      await refreshExposures({
        client,
        spec,
        experiment: { startedAt: start, endedAt },
        state,
        now: at,
        policy: { throttleMs: 0 },
      })
      return client.asked[0]?.query_params['as_of_ms']
    }
    test('ends with the experiment', async () => {
      expect(await asOf(now - 1)).toBe(now - 1)
      expect(await asOf(now + 1)).toBe(now)
      expect(await asOf(null)).toBe(now)
    })
    test('ends with the experiment, wherever its end is moved to', async () => {
      const state = await refreshed(now)
      const end = now - 30 * minute
      // At once: what was computed beyond the end delays nobody.
      expect(await asOf(end, state, now + 1)).toBe(end)
      expect(await asOf(now + minute, state, now + 10 * minute)).toBe(now + minute)
      expect(await asOf(now + 20 * minute, state, now + 10 * minute)).toBe(now + 10 * minute)
    })
    test('and the state is then final after the settle time', async () => {
      const state = await refreshed(now)
      const ended = { startedAt: start, endedAt: now - 30 * minute }
      const input = { client: scripted(), spec, experiment: ended }
      const next = await refreshExposures({ ...input, state, now: now + 30 * minute })
      expect(next.outcome.type).toBe('refreshed')
      expect(
        (await refreshExposures({ ...input, state: next.state, now: now + 60 * minute })).outcome.type,
      ).toBe('final')
    })
  })

  describe('after a failure', () => {
    test('the last good summary stays, and the error holds nothing of what was thrown', async () => {
      const state = await refreshed(now)
      const at = now + 10 * minute
      const next = await refreshExposures({
        client: failing('241'),
        spec,
        experiment: running,
        state,
        now: at,
        random: () => 0.5,
      })
      expect(next.outcome).toStrictEqual({
        type: 'failed',
        kind: 'transient',
        error: {
          code: 'memory-limit',
          transient: true,
          message: 'The query needs more memory than ClickHouse allows.',
        },
        retryAfterMs: 500,
      })
      expect(next.state.success).toBe(state.success)
      expect(next.state.failure).toMatchObject({ asOf: at, at, error: { code: 'memory-limit' } })
      expect(JSON.stringify(next)).not.toContain('secret')
    })

    test('the wait grows with the attempts, has a cap, and is drawn from all of the range', async () => {
      const wait = async (attempt: number, random: number, policy = {}): Promise<unknown> => {
        const client = failing('241')
        const { outcome } = await refreshExposures({
          client,
          spec,
          experiment: running,
          state: initialRefreshState,
          now,
          attempt,
          policy,
          random: () => random,
        })
        return outcome.type === 'failed' ? outcome.retryAfterMs : outcome
      }
      expect(
        await Promise.all([0, 1, 2, 3, 8, 9, 60, 2000].map(async (attempt) => await wait(attempt, 1))),
      ).toEqual([1000, 2000, 4000, 8000, 256_000, 300_000, 300_000, 300_000])
      expect(await Promise.all([0, 0.25, 0.999].map(async (random) => await wait(2, random)))).toEqual([
        0, 1000, 3996,
      ])
      expect(await wait(5, 1, { throttleMs: 1234 })).toBe(1234)
      // In whole milliseconds, rounded down.
      expect(await wait(0, 0.9999)).toBe(999)
    })

    test('what somebody has to correct waits as long as any refresh', async () => {
      const { outcome } = await refreshExposures({
        client: failing('60'),
        spec,
        experiment: running,
        state: initialRefreshState,
        now,
        policy: { throttleMs: 7777 },
        attempt: 3,
      })
      expect(outcome).toMatchObject({
        kind: 'permanent',
        error: { code: 'unknown-table' },
        retryAfterMs: 7777,
      })
    })

    test('a retry need not wait for throttleMs, after a transient failure only', async () => {
      for (const [code, type] of [
        ['241', 'refreshed'],
        ['60', 'throttled'],
      ] as const) {
        const { state } = await refreshExposures({
          client: failing(code),
          spec,
          experiment: running,
          state: initialRefreshState,
          now,
        })
        const input = { client: scripted(), spec, experiment: running, state, now: now + 1 }
        expect((await refreshExposures(input)).outcome.type).toBe('throttled')
        expect((await refreshExposures({ ...input, attempt: 1 })).outcome.type).toBe(type)
      }
      // Nor while another retry is in flight.
      const { state } = await refreshExposures({
        client: failing('241'),
        spec,
        experiment: running,
        state: initialRefreshState,
        now,
      })
      const input = {
        client: scripted(),
        spec,
        experiment: running,
        state: requested(now + 1, state),
        now: now + 2,
        attempt: 1,
      }
      expect((await refreshExposures(input)).outcome.type).toBe('in-flight')
      const other = { ...input, state: await refreshed(now), now: now + 2 }
      expect((await refreshExposures(other)).outcome.type).toBe('throttled')
    })
  })

  describe('an abort', () => {
    const outOfTime = {
      type: 'failed',
      kind: 'transient',
      error: { code: 'timeout', transient: true, message: 'The refresh took longer than its host allows.' },
      retryAfterMs: 4000,
    }
    test.each([
      ['an abort', undefined, { type: 'aborted' }],
      ['lack of time', new DOMException('…', 'TimeoutError'), outOfTime],
    ])('before anything, for %s: nothing is asked, and the state is the same', async (_, reason, outcome) => {
      const client = scripted()
      const result = await refreshExposures({
        client,
        spec,
        experiment: running,
        state: initialRefreshState,
        now,
        signal: AbortSignal.abort(reason),
        attempt: 2,
        random: () => 1,
      })
      expect(result).toStrictEqual({ state: initialRefreshState, outcome, costs: [] })
      expect(result.state).toBe(initialRefreshState)
      expect(client.asked).toHaveLength(0)
    })

    test.each([
      ['an abort', undefined, { type: 'aborted' }],
      ['a reason of the host’s', new Error('shutting down'), { type: 'aborted' }],
      [
        'lack of time',
        new DOMException('…', 'TimeoutError'),
        { type: 'failed', kind: 'transient', error: { code: 'timeout' }, retryAfterMs: 1000 },
      ],
    ])('while it waits, for %s: the query is ended, the claim given back', async (_, reason, outcome) => {
      const host = new AbortController()
      const client = scripted(async () => await new Promise<never>(() => undefined))
      const state = await refreshed(now)
      const at = now + 10 * minute
      const waiting = refreshExposures({
        client,
        spec,
        experiment: running,
        state,
        now: at,
        signal: host.signal,
        random: () => 1,
        queryId: 'mine',
      })
      host.abort(reason)
      const result = await waiting
      expect(result.outcome).toMatchObject(outcome)
      expect(result.state.success).toBe(state.success)
      expect(result.state.failure?.error.code).toBe(outcome.type === 'aborted' ? 'aborted' : 'timeout')
      expect(kills(client)).toMatchObject([
        { query: 'KILL QUERY WHERE query_id = {query_id:String} ASYNC', query_params: { query_id: 'mine' } },
      ])
      const next = { client: scripted(), spec, experiment: running, state: result.state, now: at + 1 }
      expect((await refreshExposures(next)).outcome.type).toBe('throttled')
      expect((await refreshExposures({ ...next, attempt: 1 })).outcome.type).toBe('refreshed')
    })

    test('a server that does not answer KILL QUERY is waited for 5 s, and no timer stays', async () => {
      vi.useFakeTimers()
      try {
        const host = new AbortController()
        const client = { query: async () => await new Promise<never>(() => undefined) }
        let done = false
        const waiting = refreshExposures({
          client,
          spec,
          experiment: running,
          state: initialRefreshState,
          now,
          signal: host.signal,
        }).then((result) => {
          done = true
          return result
        })
        host.abort()
        await vi.advanceTimersByTimeAsync(4999)
        expect(done).toBe(false)
        await vi.advanceTimersByTimeAsync(1)
        expect((await waiting).outcome).toEqual({ type: 'aborted' })
        expect(vi.getTimerCount()).toBe(0)

        const quick = new AbortController()
        const answering = scripted(async () => await new Promise<never>(() => undefined))
        const second = refreshExposures({
          client: answering,
          spec,
          experiment: running,
          state: initialRefreshState,
          now,
          signal: quick.signal,
        })
        quick.abort()
        await second
        expect(vi.getTimerCount()).toBe(0)
      } finally {
        vi.useRealTimers()
      }
    })
  })

  test.each([
    ['241', 0],
    ['60', 0],
    ['ECONNREFUSED', 0],
    ['ECONNRESET', 1],
    ['ETIMEDOUT', 1],
    ['HPE_HEADER_OVERFLOW', 1],
    ['EWHATEVER', 1],
  ])('after %s, a query that may still run is ended %d times', async (code, times) => {
    const client = failing(code)
    await refreshExposures({ client, spec, experiment: running, state: initialRefreshState, now })
    expect(kills(client)).toHaveLength(times)
  })

  test('a user who may not end the query changes nothing', async () => {
    const client = {
      query: async () => await Promise.reject(Object.assign(new Error('…'), { code: 'ECONNRESET' })),
    }
    const { outcome } = await refreshExposures({
      client,
      spec,
      experiment: running,
      state: initialRefreshState,
      now,
    })
    expect(outcome).toMatchObject({ kind: 'transient', error: { code: 'connection-reset' } })
  })

  test('in parts: as many queries as told, each ended by its own id', async () => {
    const client = scripted()
    const input = { client, spec, experiment: running, state: initialRefreshState, now, queryId: 'mine' }
    await refreshExposures({ ...input, partitions: 3, concurrency: 2 })
    expect(client.asked.map(({ query_id }) => query_id)).toEqual(['mine-0', 'mine-1', 'mine-2'])

    // ClickHouse gave one of them up; those beside it go on until they are ended.
    for (const [concurrency, ended] of [
      [2, 1],
      [1, 0],
    ] as const) {
      const exhausted = failing('241')
      await refreshExposures({ ...input, client: exhausted, partitions: 3, concurrency })
      expect(kills(exhausted)).toHaveLength(ended)
    }

    const host = new AbortController()
    const silent = scripted(async () => await new Promise<never>(() => undefined))
    const waiting = refreshExposures({ ...input, client: silent, partitions: 3, signal: host.signal })
    host.abort()
    await waiting
    expect(kills(silent)).toMatchObject([
      {
        query: expect.stringContaining("query_id = concat({query_id:String}, '-', toString(part))"),
        query_params: { query_id: 'mine', partitions: 3 },
      },
    ])
  })

  test.each([
    ['invalid-spec', { spec: { ...spec, featureName: '' } }],
    ['invalid-instant', { now: NaN }],
    ['invalid-instant', { experiment: { startedAt: 1.5, endedAt: null } }],
    ['invalid-window', { experiment: { startedAt: -1, endedAt: null } }],
    ['invalid-policy', { policy: { throttleMs: -1 } }],
    ['invalid-policy', { attempt: -1 }],
    ['invalid-policy', { attempt: 0.5 }],
    ['invalid-policy', { queryId: '' }],
    ['invalid-policy', { client: undefined }],
    ['invalid-policy', { client: { ask: () => [] } }],
    ['invalid-spec', { partitions: 0 }],
    ['invalid-spec', { concurrency: 0.5 }],
  ] as const)('misuse is %s, before anything is asked: %o', async (code, wrong) => {
    const client = scripted()
    const input = { client, spec, experiment: running, state: initialRefreshState, now }
    await expect(refreshExposures({ ...input, ...(wrong as object) })).rejects.toMatchObject({ code })
    // Also where nothing is due.
    if (!('now' in wrong)) {
      const state = requested(now - 1)
      await expect(refreshExposures({ ...input, state, ...(wrong as object) })).rejects.toMatchObject({
        code,
      })
    }
    expect(client.asked).toHaveLength(0)
  })

  test.each<[path: string, meant: string | null, wrong: object]>([
    ['polcy', 'policy', { polcy: { throttleMs: 0 } }],
    ['querId', 'queryId', { querId: 'mine' }],
    ['policy.throttlems', 'policy.throttleMs', { policy: { throttlems: 0 } }],
    ['onProgress', null, { onProgress: () => undefined }],
  ])('an unknown field is refused, before anything is asked or loaded: %s', async (path, meant, wrong) => {
    const client = scripted()
    const store = { load: vi.fn<() => never>(), save: vi.fn<() => never>() }
    const input = { client, spec, experiment: running, now }
    const refusal = {
      code: 'invalid-policy',
      message: expect.stringContaining(
        `Unknown field ${path}${meant === null ? '.' : `; did you mean ${meant}?`} The fields are `,
      ),
      details: expect.objectContaining({ path }),
    }
    await expect(refreshExposures({ ...input, state: initialRefreshState, ...wrong })).rejects.toMatchObject(
      refusal,
    )
    if (!path.includes('.')) {
      await expect(
        refreshStoredExposures({ ...input, store, key: 'checkout', ...wrong }),
      ).rejects.toMatchObject(refusal)
    }
    expect(store.load).not.toHaveBeenCalled()
    expect(client.asked).toHaveLength(0)
  })

  test.each([-0.1, 1.1, NaN, 'x'])('random() that gives %s is misuse', async (drawn) => {
    const client = failing('241')
    const input: RefreshInput = { client, spec, experiment: running, now, random: () => drawn as number }
    await expect(refreshExposures({ ...input, state: initialRefreshState })).rejects.toMatchObject({
      code: 'invalid-policy',
    })
    expect(client.asked).toHaveLength(0)
  })
})
