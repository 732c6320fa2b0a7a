import { exposureSpec, exposureWindow, initialRefreshState } from 'first-exposure'
import {
  fetchExposureLedger,
  fetchExposuresSummaries,
  fetchExposuresSummary,
  memoryRefreshStore,
  refreshDueExposures,
  refreshExposures,
  refreshStoredExposures,
  refreshStoredExposuresBatch,
  streamExposedIdentities,
  type ExposureClient,
  type QueryCost,
} from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')

type Headers = Awaited<ReturnType<ExposureClient['query']>>['response_headers']

/** A client whose answers have these headers; it remembers the ids that it was asked with. */
function answering(
  headers: Headers | ((asked: number) => Headers),
): ExposureClient & { readonly ids: string[] } {
  const ids: string[] = []
  return {
    ids,
    query: async ({ query, query_id = 'none' }) => {
      if (query.startsWith('KILL')) return { json: async () => [] }
      ids.push(query_id)
      const each = typeof headers === 'function' ? headers(ids.length) : headers
      return { json: async () => [], query_id, ...(each === undefined ? {} : { response_headers: each }) }
    },
  }
}

async function costsOf(client: ExposureClient, options: object = {}): Promise<QueryCost[]> {
  const costs: QueryCost[] = []
  await fetchExposuresSummary(client, spec, window, { ...options, onCost: (cost) => void costs.push(cost) })
  return costs
}

const summary = (fields: object): Headers => ({ 'x-clickhouse-summary': JSON.stringify(fields) })
const nothing = { readRows: null, readBytes: null, elapsedMs: null }

describe('what a statement cost', () => {
  test('is what the server says, whatever the case of the header', async () => {
    const told = { read_rows: '4000000', read_bytes: '89693957', result_rows: '0', elapsed_ns: '5898239700' }
    for (const name of ['x-clickhouse-summary', 'X-ClickHouse-Summary']) {
      const [cost, ...others] = await costsOf(answering({ [name]: JSON.stringify(told) }), { queryId: 'a' })
      expect(others).toEqual([])
      expect(cost).toEqual({ queryId: 'a', readRows: 4_000_000, readBytes: 89_693_957, elapsedMs: 5898.2397 })
      expect(Object.isFrozen(cost)).toBe(true)
    }
  })

  test('has the id that the server gave, if it is another', async () => {
    const client = answering({ 'x-clickhouse-query-id': 'of-a-proxy', ...summary({ read_rows: '1' }) })
    expect(await costsOf(client, { queryId: 'a' })).toEqual([
      { queryId: 'of-a-proxy', ...nothing, readRows: 1 },
    ])
  })

  test.each([
    ['no header', undefined],
    ['no headers', null as unknown as undefined],
    ['no summary', {}],
    ['several', { 'x-clickhouse-summary': ['{"read_rows":"1"}', '{"read_rows":"2"}'] }],
    ['no JSON', { 'x-clickhouse-summary': '{"read_rows":' }],
    ['no object', { 'x-clickhouse-summary': 'null' }],
    ['a list', { 'x-clickhouse-summary': '["1"]' }],
    ['no counts', summary({ read_rows: '-1', read_bytes: 1.5, elapsed_ns: 'soon' })],
    ['other counts', summary({ read_rows: null, read_bytes: '', elapsed_ns: {} })],
    ['too many digits', summary({ read_rows: '1'.repeat(21) })],
  ] as const)('is null for %s', async (_, headers) => {
    expect(await costsOf(answering(headers), { queryId: 'a' })).toEqual([{ queryId: 'a', ...nothing }])
  })

  test('the most that the server can count is read', async () => {
    const [cost] = await costsOf(answering(summary({ read_rows: '18446744073709551615' })))
    expect(cost?.readRows).toBe(18446744073709552000)
  })

  test('a field that is missing leaves the others; numbers may be numbers', async () => {
    expect(await costsOf(answering(summary({ read_bytes: 12 })), { queryId: 'a' })).toEqual([
      { queryId: 'a', ...nothing, readBytes: 12 },
    ])
  })

  test('is told for each part, before its progress', async () => {
    const calls: string[] = []
    await fetchExposuresSummary(answering(undefined), spec, window, {
      queryId: 'a',
      partitions: 2,
      onCost: ({ queryId }) => void calls.push(`cost of ${queryId}`),
      onProgress: ({ answered }) => void calls.push(`${answered} answered`),
    })
    expect(calls).toEqual(['cost of a-0', '1 answered', 'cost of a-1', '2 answered'])
  })

  test('is told for every question; an error of the hook ends the call', async () => {
    const costs: QueryCost[] = []
    await fetchExposureLedger(answering(undefined), spec, window, { onCost: (cost) => void costs.push(cost) })
    expect(costs).toHaveLength(1)
    const failing = fetchExposureLedger(answering(undefined), spec, window, {
      onCost: () => {
        throw new Error('of the host')
      },
    })
    await expect(failing).rejects.toThrow('of the host')
  })
})

describe('what a stream and a batch cost', () => {
  test('a stream tells it after the last identity, from the statistics at the end of the answer', async () => {
    const names = ['identity', 'variant', 'first_exposure', 'quarantined', 'first_variant']
    const meta = JSON.stringify(names.map((name) => ({ name })))
    const statistics = { elapsed: 1.5, rows_read: 4_000_000, bytes_read: 12 }
    const rest = `\n\t],\n\n\t"rows": 1,\n\n\t"statistics":\n\t${JSON.stringify(statistics)}\n}\n`
    const row = '["ann", "control", "2026-06-01 08:00:00.250000000", 0, "control"]'
    const body = `{\n\t"meta":\n\t${meta},\n\n\t"data":\n\t[\n\t\t${row}${rest}`
    const client = {
      query: async () => ({ json: async () => [] }),
      exec: async () => ({ stream: new Blob([body]).stream() }),
    }
    const costs: QueryCost[] = []
    const onCost = (cost: QueryCost): void => void costs.push(cost)
    const told: number[] = []
    for await (const _ of streamExposedIdentities(client, spec, window, {
      queryId: 'a',
      partitions: 2,
      onCost,
    })) {
      told.push(costs.length)
    }
    expect(told).toEqual([0, 1])
    expect(costs).toEqual(
      ['a-0', 'a-1'].map((queryId) => ({ queryId, readRows: 4_000_000, readBytes: 12, elapsedMs: 1500 })),
    )
    const cut = { ...client, exec: async () => ({ stream: new Blob([body.slice(0, -20)]).stream() }) }
    await expect(
      (async () => {
        for await (const _ of streamExposedIdentities(cut, spec, window, { onCost })) told.push(0)
      })(),
    ).rejects.toMatchObject({ code: 'malformed-rows' })
    expect(costs).toHaveLength(2)
  })

  test('a stream whose answer ends without statistics tells nothing of its cost', async () => {
    const names = ['identity', 'variant', 'first_exposure', 'quarantined', 'first_variant']
    const meta = JSON.stringify(names.map((name) => ({ name })))
    const body = `{\n\t"meta":\n\t${meta},\n\n\t"data":\n\t[\n\n\t],\n\n\t"rows": 0\n}\n`
    const client = {
      query: async () => ({ json: async () => [] }),
      exec: async () => ({ stream: new Blob([body]).stream() }),
    }
    const costs: QueryCost[] = []
    const options = { queryId: 'a', onCost: (cost: QueryCost) => void costs.push(cost) }
    for await (const identity of streamExposedIdentities(client, spec, window, options))
      expect.fail(String(identity.identity))
    expect(costs).toEqual([{ queryId: 'a', ...nothing }])
  })

  test('a batch tells it once for each statement; an error of the hook ends the call', async () => {
    const asked = ['a', 'b'].map((featureName) => ({
      spec: exposureSpec({ environmentKey: 'prod', featureName }),
      window,
    }))
    const costs: QueryCost[] = []
    const results = await fetchExposuresSummaries(answering(summary({ read_rows: '7' })), asked, {
      onCost: (cost) => void costs.push(cost),
    })
    expect(results).toHaveLength(2)
    expect(costs.map(({ readRows }) => readRows)).toEqual([7])
    const failing = fetchExposuresSummaries(answering(undefined), asked, {
      onCost: () => {
        throw new Error('of the host')
      },
    })
    await expect(failing).rejects.toThrow('of the host')
  })
})

describe('the id of a statement', () => {
  test('is new for each and tells whose it is, unless the caller gives one', async () => {
    const client = answering(undefined)
    await costsOf(client, { partitions: 2 })
    await costsOf(client)
    expect(new Set(client.ids).size).toBe(3)
    for (const id of client.ids) expect(id).toMatch(/^first-exposure-[0-9a-f]{8}-[0-9a-f-]{27}$/)
    await costsOf(client, { queryId: 'mine' })
    expect(client.ids.at(-1)).toBe('mine')
  })

  // A page that is not secure has no crypto.randomUUID.
  test('is random where a page has no random UUIDs, and a refresh, a group and a stream have one too', async () => {
    const { crypto } = globalThis
    const getRandomValues = crypto.getRandomValues.bind(crypto)
    Object.defineProperty(globalThis, 'crypto', { value: { getRandomValues }, configurable: true })
    try {
      const client = answering(undefined)
      await costsOf(client)
      await costsOf(client)
      const experiment = { startedAt: window.startMs, endedAt: null }
      const input = { client, spec, experiment, now: window.asOfMs, store: memoryRefreshStore(), key: 'a' }
      expect((await refreshStoredExposures(input)).outcome).toMatchObject({ type: 'refreshed' })
      const experiments = ['b', 'c'].map((key) => ({ key, spec, experiment }))
      const many = { client, store: memoryRefreshStore(), experiments, now: () => window.asOfMs }
      const reports = await refreshStoredExposuresBatch(many)
      expect(reports.map(({ outcome }) => outcome.type)).toEqual(['refreshed', 'refreshed'])
      const streaming = {
        ...client,
        exec: async ({ query_id = 'none' }) => {
          client.ids.push(query_id)
          return { stream: new Blob([]).stream() }
        },
      }
      await expect(
        streamExposedIdentities(streaming, spec, window)[Symbol.asyncIterator]().next(),
      ).rejects.toMatchObject({ code: 'malformed-rows' })
      expect(client.ids).toHaveLength(6)
      expect(new Set(client.ids).size).toBe(6)
      for (const id of client.ids) {
        expect(id).toMatch(
          /^first-exposure-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}(-\d)?$/,
        )
      }
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true })
    }
  })

  test.each<object>([{ queryId: '' }, { queryId: '', partitions: 2 }, { queryId: 7 }])(
    'is refused as %j',
    async (options) => {
      const client = answering(undefined)
      await expect(costsOf(client, options)).rejects.toMatchObject({
        code: 'invalid-spec',
        details: { path: 'queryId' },
      })
      expect(() =>
        streamExposedIdentities(
          { ...client, exec: async () => await Promise.reject(new Error()) },
          spec,
          window,
          options as never,
        ),
      ).toThrow(
        expect.objectContaining({
          code: 'invalid-spec',
          details: expect.objectContaining({ path: 'queryId' }) as unknown,
        }) as Error,
      )
      expect(client.ids).toEqual([])
    },
  )
})

describe('what a refresh cost', () => {
  const experiment = { startedAt: Date.UTC(2026, 5, 1), endedAt: null }
  const now = Date.UTC(2026, 5, 2)
  const rows = (asked: number): Headers => summary({ read_rows: String(asked) })

  test('is in its result: of every part that was answered, also where another failed', async () => {
    const done = await refreshExposures({
      client: answering(rows),
      spec,
      experiment,
      state: initialRefreshState,
      now,
      partitions: 3,
      queryId: 'a',
    })
    expect(done.costs.map(({ queryId, readRows }) => [queryId, readRows])).toEqual([
      ['a-0', 1],
      ['a-1', 2],
      ['a-2', 3],
    ])
    expect(Object.isFrozen(done.costs)).toBe(true)
    const good = answering(rows)
    const failed = await refreshExposures({
      client: {
        query: async (params) => {
          if (params.query_id === 'a-1') throw Object.assign(new Error('too much memory'), { code: '241' })
          return await good.query(params)
        },
      },
      spec,
      experiment,
      state: initialRefreshState,
      now,
      partitions: 3,
      queryId: 'a',
    })
    expect(failed.outcome.type).toBe('failed')
    expect(failed.costs.map(({ queryId }) => queryId)).toEqual(['a-0'])
  })

  test('is nothing where nothing was due; the loop reports it too', async () => {
    const store = memoryRefreshStore()
    const refresh = { client: answering(rows), spec, experiment, store, key: 'a', now }
    expect((await refreshStoredExposures(refresh)).costs.map(({ readRows }) => readRows)).toEqual([1])
    expect((await refreshStoredExposures(refresh)).costs).toEqual([])
    const reports = await refreshDueExposures({
      client: answering(rows),
      store,
      experiments: [
        { key: 'a', spec, experiment },
        { key: 'b', spec, experiment },
        { key: '', spec, experiment },
      ],
      now: () => now,
    })
    expect(reports.map(({ costs }) => costs.map(({ readRows }) => readRows))).toEqual([[], [1], []])
  })
})
