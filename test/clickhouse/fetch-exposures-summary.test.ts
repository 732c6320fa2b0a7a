import { exposureSpec, exposureWindow, firstExposuresQuery } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { describe, expect, test, vi } from 'vitest'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', maxRows: 2 })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const row = { quarantined: 0, variant: 'control', bucket: '2026-06-01 00:00:00', new_identities: 7 }
const answering = (rows: unknown): { query: () => Promise<{ json: () => Promise<unknown> }> } => ({
  query: async () => ({ json: async () => rows }),
})

describe('fetchExposuresSummary', () => {
  test('asks once, what firstExposuresQuery says, and no more than it was given', async () => {
    const asked: unknown[] = []
    const client = {
      query: async (params: unknown) => {
        asked.push(params)
        return { json: async () => [row] }
      },
    }
    await fetchExposuresSummary(client, spec, window)
    const { signal } = new AbortController()
    await fetchExposuresSummary(client, spec, window, { signal, queryId: 'q', settings: { max_threads: 2 } })
    const query = firstExposuresQuery(spec, window)
    expect(asked).toEqual([
      { ...query, query_id: expect.stringMatching(/^first-exposure-/) as unknown },
      { ...query, abort_signal: signal, query_id: 'q', clickhouse_settings: { max_threads: 2 } },
    ])
  })

  test('a row more than maxRows is too-many-buckets, without the rows being read', async () => {
    const rows = [row, { ...row, variant: 'b' }]
    await expect(fetchExposuresSummary(answering(rows), spec, window)).resolves.toMatchObject({
      excludedIdentities: 0,
    })
    await expect(fetchExposuresSummary(answering([...rows, 'junk']), spec, window)).rejects.toMatchObject({
      code: 'too-many-buckets',
    })
    // A spec that exposureSpec did not make is bounded all the same.
    const { maxRows: _, ...unbounded } = spec
    await expect(
      fetchExposuresSummary(
        answering(Array.from({ length: 100_001 }, () => row)),
        unbounded as never,
        window,
      ),
    ).rejects.toMatchObject({ code: 'too-many-buckets' })
  })

  test('a bucket may begin up to two days before the window, where its day does, and no earlier', async () => {
    const began = (bucket: string) => fetchExposuresSummary(answering([{ ...row, bucket }]), spec, window)
    await expect(began('2026-05-30 00:00:00')).resolves.toMatchObject({ excludedIdentities: 0 })
    await expect(began('2026-05-29 23:00:00')).rejects.toMatchObject({
      code: 'malformed-rows',
      details: { row: 0, column: 'bucket' },
    })
  })

  test.each([undefined, null, {}, { data: [row] }, 'rows'])(
    'an answer that is %s is malformed-rows',
    async (answer) => {
      await expect(fetchExposuresSummary(answering(answer), spec, window)).rejects.toMatchObject({
        code: 'malformed-rows',
      })
    },
  )

  test.each(['query', 'json'])('an error of the client’s %s passes through untouched', async (where) => {
    const error = Object.assign(new Error('the client’s own'), { code: '241' })
    const fail = async (): Promise<never> => await Promise.reject(error)
    const client = { query: where === 'query' ? fail : async () => ({ json: fail }) }
    await expect(fetchExposuresSummary(client, spec, window)).rejects.toBe(error)
    await expect(
      fetchExposuresSummary(client, spec, window, { signal: new AbortController().signal }),
    ).rejects.toBe(error)
  })

  test('an aborted call asks nothing', async () => {
    const client = { query: async () => await Promise.reject(new Error('asked')) }
    await expect(
      fetchExposuresSummary(client, spec, window, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  test('it leaves no listener on the signal', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    await fetchExposuresSummary(answering([row]), spec, window, { signal })
    expect(listeners).toBe(0)
  })

  describe('in parts', () => {
    interface Asked {
      readonly query_params: Record<string, unknown>
      readonly query_id?: string
      readonly abort_signal?: AbortSignal
    }
    const unbounded = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })

    test('asks for every part once, one after another, each under an id of its own', async () => {
      const asked: unknown[] = []
      const progress: unknown[] = []
      let running = 0
      const client = {
        query: async ({ query_params, query_id }: Asked) => {
          expect(++running).toBe(1)
          asked.push([query_params['partition_index'], query_params['partition_count'], query_id])
          await new Promise((resolve) => setTimeout(resolve, 1))
          running--
          return { json: async () => [row] }
        },
      }
      const summary = await fetchExposuresSummary(client, unbounded, window, {
        partitions: 3,
        queryId: 'q',
        onProgress: (step) => progress.push(step),
      })
      expect(asked).toEqual([
        [0, 3, 'q-0'],
        [1, 3, 'q-1'],
        [2, 3, 'q-2'],
      ])
      expect(progress).toEqual([1, 2, 3].map((answered) => ({ answered, of: 3 })))
      expect(summary.timeseries.points).toEqual([
        { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control: 21 } },
      ])
    })

    test('asks no more at a time than concurrency says, and no more than there are', async () => {
      let running = 0
      let most = 0
      const client = {
        query: async () => {
          most = Math.max(most, ++running)
          await new Promise((resolve) => setTimeout(resolve, 1))
          running--
          return { json: async () => [] }
        },
      }
      await fetchExposuresSummary(client, unbounded, window, { partitions: 7, concurrency: 3 })
      expect(most).toBe(3)
      await fetchExposuresSummary(client, unbounded, window, { partitions: 2, concurrency: 50 })
      expect(most).toBe(3)
    })

    test('an abort ends every part with the signal’s reason, and none is asked after it', async () => {
      const reason = new Error('nobody waits any more')
      const abort = new AbortController()
      const signals: (AbortSignal | undefined)[] = []
      const deaf = {
        query: async ({ abort_signal }: Asked) => {
          signals.push(abort_signal)
          return await new Promise<never>(() => undefined)
        },
      }
      const waiting = fetchExposuresSummary(deaf, unbounded, window, {
        partitions: 9,
        concurrency: 2,
        signal: abort.signal,
      })
      abort.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      expect(signals.map((signal) => signal?.aborted)).toEqual([true, true])
    })

    test('every part has a signal of its own: many listeners on one look like a leak', async () => {
      const { signal } = new AbortController()
      const added = vi.spyOn(signal, 'addEventListener')
      const removed = vi.spyOn(signal, 'removeEventListener')
      const signals = new Set<AbortSignal | undefined>()
      const client = {
        query: async ({ abort_signal }: Asked) => {
          signals.add(abort_signal)
          return { json: async () => [row] }
        },
      }
      await fetchExposuresSummary(client, unbounded, window, { partitions: 20, concurrency: 20, signal })
      expect(signals.size).toBe(20)
      expect(signals).not.toContain(signal)
      expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 1])
    })

    test.each([1, 3])(
      'an abort in progress report %i of 3 is an abort, and no part is asked after it',
      async (at) => {
        const abort = new AbortController()
        const reason = new Error('enough')
        let asked = 0
        const client = {
          query: async () => {
            asked++
            return { json: async () => [row] }
          },
        }
        await expect(
          fetchExposuresSummary(client, unbounded, window, {
            partitions: 3,
            signal: abort.signal,
            onProgress: ({ answered }) => {
              if (answered === at) abort.abort(reason)
            },
          }),
        ).rejects.toBe(reason)
        expect(asked).toBe(at)
      },
    )

    test('a part that fails ends the others, and its error passes through untouched', async () => {
      const error = Object.assign(new Error('the client’s own'), { code: '241' })
      const signals: (AbortSignal | undefined)[] = []
      const client = {
        query: async ({ query_params, abort_signal }: Asked) => {
          signals.push(abort_signal)
          if (query_params['partition_index'] === 1) throw error
          return await new Promise<never>(() => undefined)
        },
      }
      await expect(
        fetchExposuresSummary(client, unbounded, window, { partitions: 9, concurrency: 3 }),
      ).rejects.toBe(error)
      expect(signals.map((signal) => signal?.aborted)).toEqual([true, true, true])
    })

    test('maxRows bounds each part, and what they are together', async () => {
      let part = 0
      const client = {
        query: async () => ({ json: async () => [{ ...row, variant: `v${part++ % 3}` }] }),
      }
      await expect(fetchExposuresSummary(client, spec, window, { partitions: 2 })).resolves.toBeDefined()
      part = 0
      await expect(fetchExposuresSummary(client, spec, window, { partitions: 3 })).rejects.toMatchObject({
        code: 'too-many-buckets',
      })
      const long = answering([row, { ...row, variant: 'b' }, { ...row, variant: 'c' }])
      await expect(fetchExposuresSummary(long, spec, window, { partitions: 2 })).rejects.toMatchObject({
        code: 'too-many-buckets',
      })
    })

    test.each([
      { partitions: 0 },
      { partitions: 1.5 },
      { partitions: 65_537 },
      { concurrency: 0 },
      { concurrency: Number.NaN },
    ])('%j is invalid-spec', async (options) => {
      await expect(fetchExposuresSummary(answering([]), spec, window, options)).rejects.toMatchObject({
        code: 'invalid-spec',
      })
    })
  })

  test('the statement’s own guard is shards-missing, and another throwIf is the client’s', async () => {
    const failing = (message: string): Parameters<typeof fetchExposuresSummary>[0] => ({
      query: async () => await Promise.reject(Object.assign(new Error(message), { code: '395' })),
    })
    await expect(
      fetchExposuresSummary(failing('first-exposure: not every shard answered: while …'), spec, window),
    ).rejects.toMatchObject({ code: 'shards-missing', cause: { code: '395' } })
    await expect(fetchExposuresSummary(failing('else'), spec, window)).rejects.toMatchObject({ code: '395' })
  })
})
