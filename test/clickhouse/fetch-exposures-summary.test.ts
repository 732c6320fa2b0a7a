import { exposureSpec, exposureWindow, firstExposuresQuery } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'

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
      query,
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
})
