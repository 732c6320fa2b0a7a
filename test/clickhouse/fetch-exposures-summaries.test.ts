import { exposureSpec, exposureWindow, flagsmithEvents, type BatchExperiment } from 'first-exposure'
import {
  fetchExposuresSummaries,
  type ExposureClient,
  type ExposuresResult,
  type FetchExposuresSummariesOptions,
} from 'first-exposure/clickhouse'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const of = (featureName: string, input: object = {}): BatchExperiment => ({
  spec: exposureSpec({ environmentKey: 'prod', featureName, ...input }),
  window,
})
const row = (experiment: number, identities: number, more: object = {}): object => ({
  experiment,
  quarantined: 0,
  variant: 'control',
  bucket: '2026-06-01 00:00:00',
  new_identities: identities,
  ...more,
})
const clickHouseError = (code: number): Error => Object.assign(new Error('refused'), { code: String(code) })

interface Sent {
  readonly features: readonly string[]
  readonly id: string | undefined
}

/** Answers each statement for its features, or throws. */
function clientOf(answer: (features: readonly string[]) => readonly object[] | Error): {
  readonly client: ExposureClient
  readonly sent: Sent[]
} {
  const sent: Sent[] = []
  return {
    sent,
    client: {
      query: async ({ query_params, query_id }) => {
        const { feature_names, feature_name } = query_params
        const features = (feature_names ?? [feature_name]) as readonly string[]
        sent.push({ features, id: query_id })
        const rows = answer(features)
        if (rows instanceof Error) throw rows
        await Promise.resolve()
        return { json: async () => await Promise.resolve(rows) }
      },
    },
  }
}
const each = (features: readonly string[]): readonly object[] =>
  features.map((feature, place) => row(place, Number(feature.slice(1))))
const countsOf = (results: readonly ExposuresResult[]): readonly unknown[] =>
  results.map((result) =>
    result.type === 'answered'
      ? (result.summary.timeseries.points[0]?.newIdentities['control'] ?? 0)
      : ((result.error as { code?: unknown }).code ?? result.error),
  )

describe('fetchExposuresSummaries', () => {
  test('asks in groups, with their ids and progress, and answers in the order of the question', async () => {
    const { client, sent } = clientOf(each)
    const experiments = [of('f1'), of('f2', { environmentKey: 'test' }), of('f3'), of('f4'), of('f3')]
    const progress: unknown[] = []
    const results = await fetchExposuresSummaries(client, experiments, {
      groupSize: 2,
      queryId: 'q',
      onProgress: (each) => progress.push(each),
    })
    expect(countsOf(results)).toEqual([1, 2, 3, 4, 3])
    expect(sent).toEqual([
      { features: ['f1', 'f3'], id: 'q-0' },
      { features: ['f4'], id: 'q-1' },
      { features: ['f2'], id: 'q-2' },
      { features: ['f3'], id: 'q-3' },
    ])
    expect(progress).toEqual([2, 3, 4, 5].map((answered) => ({ answered, of: 5 })))
    expect([Object.isFrozen(results), Object.isFrozen(results[0])]).toEqual([true, true])
  })

  test('takes 500 experiments in one statement, and no experiment at all', async () => {
    const { client, sent } = clientOf(each)
    const many = Array.from({ length: 501 }, (_, n) => of(`f${n + 1}`))
    expect(countsOf(await fetchExposuresSummaries(client, many))).toEqual(many.map((_, n) => n + 1))
    expect(sent.map(({ features }) => features.length)).toEqual([500, 1])
    expect(await fetchExposuresSummaries(client, [])).toEqual([])
  })

  test('asks together about similar windows: none reads more than twice its own time', async () => {
    const { client, sent } = clientOf(each)
    const until = (days: number): BatchExperiment['window'] =>
      exposureWindow(window.asOfMs - days * 86_400_000, window.asOfMs)
    const days = [1, 90, 2, 7, 45, 60, 30, 3, 14]
    const results = await fetchExposuresSummaries(
      client,
      days.map((n) => ({ spec: of(`f${n}`).spec, window: until(n) })),
    )
    expect(sent.map(({ features }) => features.join())).toEqual([
      'f90,f60,f45',
      'f30',
      'f14,f7',
      'f3,f2',
      'f1',
    ])
    // The rows are of 1 June.
    expect(countsOf(results).map((count, place) => [days[place], count])).toContainEqual([14, 14])
    // Windows that follow each other have at most the time of two in common.
    const followed = clientOf(each)
    const day = (n: number): BatchExperiment['window'] =>
      exposureWindow(window.startMs + n * 86_400_000, window.startMs + (n + 1) * 86_400_000)
    const five = [0, 1, 2, 3, 4].map((n) => ({ spec: of(`f${n}`).spec, window: day(n) }))
    await fetchExposuresSummaries(followed.client, five)
    expect(followed.sent.map(({ features }) => features.join())).toEqual(['f0,f1', 'f2,f3', 'f4'])
  })

  test('asks about a rollup, and about shards that count by themselves, one by one', async () => {
    const { client, sent } = clientOf(each)
    const source = rolledUp(flagsmithEvents(), 'exposures_by_identity')
    const sharded = {
      source: { table: { database: 'd', table: 't' }, cluster: 'c', shardedByIdentity: true },
    }
    const experiments = [of('f1', { source }), of('f2', { source }), of('f3', sharded), of('f4', sharded)]
    await fetchExposuresSummaries(client, experiments)
    expect(sent.map(({ features }) => features)).toEqual([['f1'], ['f2'], ['f3'], ['f4']])
  })

  test('an experiment whose rows are too many, wrong or outside its window fails alone', async () => {
    const { client } = clientOf(() => [
      row(0, 1),
      row(1, 1),
      row(1, 1, { bucket: '2026-06-02 00:00:00' }),
      row(2, -1),
      row(3, 1, { bucket: '2027-06-02 00:00:00' }),
      row(4, 5),
    ])
    const experiments = [of('a'), of('b', { maxRows: 1 }), of('c'), of('d'), of('e')]
    expect(countsOf(await fetchExposuresSummaries(client, experiments))).toEqual([
      1,
      'too-many-buckets',
      'malformed-rows',
      'malformed-rows',
      5,
    ])
  })

  test.each([
    ['a memory limit', 241],
    ['a time limit', 159],
    ['a limit on what is read', 158],
    ['an experiment that the server cannot answer', 691],
  ])('halves a statement that runs into %s', async (_, code) => {
    const { client, sent } = clientOf((features) =>
      features.includes('f3') ? clickHouseError(code) : each(features),
    )
    const results = await fetchExposuresSummaries(
      client,
      [1, 2, 3, 4, 5].map((n) => of(`f${n}`)),
    )
    expect(countsOf(results)).toEqual([1, 2, String(code), 4, 5])
    expect(sent.map(({ features }) => features.join())).toEqual([
      'f1,f2,f3,f4,f5',
      'f1,f2,f3',
      'f1,f2',
      'f3',
      'f4,f5',
    ])
  })

  test.each<readonly [what: string, error: Error]>([
    ['the server does not answer', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
    ['the table is not there', clickHouseError(60)],
    ['the user may not read it', clickHouseError(497)],
    ...[516, 81, 47, 164, 704, 372].map(
      (code) => [`ClickHouse says ${code}`, clickHouseError(code)] as const,
    ),
    ...[254, 289, 369, 500, 903].map(
      (code) => [`a replica or a disk is not ready: ${code}`, clickHouseError(code)] as const,
    ),
    ...['ENOTFOUND', 'CERT_HAS_EXPIRED'].map(
      (code) => [`the connection fails: ${code}`, Object.assign(new Error('refused'), { code })] as const,
    ),
  ])('asks no further if %s', async (_, error) => {
    const { client, sent } = clientOf((features) => (features.length > 1 ? error : each(features)))
    const results = await fetchExposuresSummaries(client, [of('f1'), of('f2'), of('f9', { maxRows: 1 })])
    expect(results).toEqual([1, 2, 3].map(() => ({ type: 'failed', error })))
    expect(sent).toHaveLength(1)
  })

  test('an answer about experiments that were not asked about is nobody’s', async () => {
    const { client } = clientOf(() => [row(2, 1)])
    expect(countsOf(await fetchExposuresSummaries(client, [of('f1'), of('f2')]))).toEqual([
      'malformed-rows',
      'malformed-rows',
    ])
  })

  test('an abort ends the call with its reason', async () => {
    const controller = new AbortController()
    const { client, sent } = clientOf((features) => {
      controller.abort(new Error('enough'))
      return each(features)
    })
    const asked = fetchExposuresSummaries(client, [of('f1'), of('f2'), of('f3')], {
      groupSize: 2,
      signal: controller.signal,
    })
    await expect(asked).rejects.toThrow('enough')
    expect(sent).toHaveLength(1)
  })

  test.each<[path: string, experiments: unknown, options: object]>([
    ['experiments', {}, {}],
    ['experiments[0]', [7], {}],
    ['experiments[0].feature', [{ ...of('f1'), feature: 'x' }], {}],
    ['groupSize', [of('f1')], { groupSize: 0 }],
    ['groupSize', [of('f1')], { groupSize: 1001 }],
    ['concurrency', [of('f1')], { concurrency: 0.5 }],
    ['options.partitions', [of('f1')], { partitions: 2 }],
  ])('misuse is refused before anything is asked: %s', async (path, experiments, options) => {
    const { client, sent } = clientOf(each)
    await expect(
      fetchExposuresSummaries(client, experiments as never, options as FetchExposuresSummariesOptions),
    ).rejects.toMatchObject({ code: 'invalid-spec', details: { path } })
    expect(sent).toEqual([])
    await expect(fetchExposuresSummaries(undefined as never, [])).rejects.toMatchObject({
      details: { path: 'client' },
    })
  })
})
