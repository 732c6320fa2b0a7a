import { crossoversQuery, exposuresBreakdownQuery, exposureSpec, exposureWindow } from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposuresBreakdown,
  fetchIdentityTimeline,
  type ExposureClient,
} from 'first-exposure/clickhouse'
import { describe, expect, test, vi } from 'vitest'

const spec = exposureSpec({
  environmentKey: 'prod',
  featureName: 'checkout',
  maxRows: 2,
  breakdown: { column: 'country' },
})
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const crossover = (first: string, bucket = '2026-06-03 00:00:00'): unknown => ({
  first_variant: first,
  next_variant: 'z',
  identities: 1,
  median_ms: 5,
  buckets: [bucket],
  bucket_identities: [1],
})
const entered = (value: string, bucket = '2026-06-03 00:00:00'): unknown => ({
  other: 0,
  value,
  quarantined: 0,
  variant: 'control',
  bucket,
  new_identities: 1,
})
const answering = (rows: unknown): { query: () => Promise<{ json: () => Promise<unknown> }> } => ({
  query: async () => ({ json: async () => rows }),
})

describe.each([
  ['fetchCrossovers', fetchCrossovers, crossoversQuery, crossover],
  ['fetchExposuresBreakdown', fetchExposuresBreakdown, exposuresBreakdownQuery, entered],
] as const)('%s', (_, fetch, queryOf, row) => {
  test('asks once, what the query says, and no more than it was given', async () => {
    const asked: unknown[] = []
    const client = {
      query: async (params: unknown) => {
        asked.push(params)
        return { json: async () => [row('a')] }
      },
    }
    await fetch(client, spec, window)
    const { signal } = new AbortController()
    await fetch(client, spec, window, { signal, queryId: 'q', settings: { max_threads: 2 } })
    const query = queryOf(spec, window)
    expect(asked).toEqual([
      { ...query, query_id: expect.stringMatching(/^first-exposure-/) as unknown },
      { ...query, abort_signal: signal, query_id: 'q', clickhouse_settings: { max_threads: 2 } },
    ])
  })

  test('a row more than maxRows is too-many-buckets, without the rows being read', async () => {
    await expect(fetch(answering([row('a'), row('b')]), spec, window)).resolves.toBeDefined()
    await expect(fetch(answering([row('a'), row('b'), 'junk']), spec, window)).rejects.toMatchObject({
      code: 'too-many-buckets',
    })
  })

  test.each([undefined, { data: [] }, ['junk']])('an answer that is %j is malformed-rows', async (rows) => {
    await expect(fetch(answering(rows), spec, window)).rejects.toMatchObject({ code: 'malformed-rows' })
  })

  test('an answer to another query of this library is malformed-rows, and is read all the same', async () => {
    let read = 0
    const answeringAs = (id: string): ExposureClient => ({
      query: async () => ({
        json: async () => {
          read++
          return [row('a')]
        },
        response_headers: { 'X-ClickHouse-Query-Id': id },
      }),
    })
    const [theirs, ours] = ['first-exposure-theirs', 'first-exposure-ours']
    await expect(fetch(answeringAs(theirs), spec, window, { queryId: ours })).rejects.toMatchObject({
      code: 'malformed-rows',
      message: 'The answer has the id of another query. Check what sits between the host and ClickHouse.',
    })
    expect(read).toBe(1)
    await expect(fetch(answeringAs(theirs), spec, window, { queryId: theirs })).resolves.toBeDefined()
    // Where the caller names no query, the library does. A proxy may name them all.
    await expect(fetch(answeringAs(theirs), spec, window)).rejects.toMatchObject({ code: 'malformed-rows' })
    await expect(
      fetch(answeringAs('17A3F5C0DEADBEEF'), spec, window, { queryId: ours }),
    ).resolves.toBeDefined()
  })

  test('an unknown option is refused', async () => {
    const query = vi.fn<ExposureClient['query']>(async () => ({ json: async () => [row('a')] }))
    await expect(fetch({ query }, spec, window, { queryID: 'ours' } as object)).rejects.toMatchObject({
      code: 'invalid-spec',
      details: { path: 'options.queryID' },
    })
    expect(query).not.toHaveBeenCalled()
  })

  test('a bucket outside the window is malformed-rows', async () => {
    for (const bucket of ['2026-06-15 00:00:00', '2026-05-29 00:00:00']) {
      await expect(fetch(answering([row('a', bucket)]), spec, window)).rejects.toMatchObject({
        code: 'malformed-rows',
        details: { column: 'bucket' },
      })
    }
  })

  test('an abort rejects with the signal’s reason, also for a client that is deaf to it', async () => {
    const reason = new Error('nobody waits any more')
    const deaf = new AbortController()
    const waiting = fetch({ query: async () => await new Promise<never>(() => undefined) }, spec, window, {
      signal: deaf.signal,
    })
    deaf.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})

test('fetchIdentityTimeline refuses more rows than the statement can give', async () => {
  const event = (at_ms: number): unknown => ({
    shown: 0,
    disposition: 'before-window',
    variant: `v${at_ms}`,
    at_ms,
    events: 1,
  })
  const fetch = async (rows: number, limit?: number): Promise<unknown> =>
    await fetchIdentityTimeline(
      answering(Array.from({ length: rows }, (_, index) => event(index))),
      spec,
      window,
      'ann',
      limit === undefined ? {} : { limit },
    )
  // maxRows is 2: as many dispositions, and no more events shown than that.
  await expect(fetch(4)).resolves.toBeDefined()
  await expect(fetch(3, 1)).resolves.toBeDefined()
  for (const asked of [fetch(5), fetch(4, 1)]) {
    await expect(asked).rejects.toMatchObject({
      code: 'too-many-buckets',
      message: expect.stringContaining('more than 2 rows (dispositions × variants)') as unknown,
    })
  }
})
