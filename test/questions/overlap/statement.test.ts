import {
  exposureSpec,
  exposureWindow,
  flagsmithEvents,
  overlapQuery,
  overlapsQuery,
  trustedSql,
  type ExposureSpec,
  type ExposureSpecInput,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../refusal-of.js'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const of = (featureName: string, input: Partial<ExposureSpecInput> = {}): ExposureSpec =>
  exposureSpec({ environmentKey: 'prod', featureName, ...input })

describe('overlapQuery', () => {
  test.each<[string, ExposureSpec, ExposureSpec]>([
    ['one-table-both-policies', of('checkout'), of('search', { multiVariant: 'first-seen', maxRows: 7 })],
    [
      'exact-cluster-and-rollup',
      of('checkout', { source: rolledUp(flagsmithEvents(), 'exposures_by_identity') }),
      exposureSpec({
        featureName: 'search',
        identityKey: 'exact',
        filters: [{ column: 'sdk', equals: 'web' }],
        source: {
          table: { database: 'analytics', table: 'overlap_pairs' },
          cluster: 'warehouse',
          columns: { environment: null, event: null, identity: trustedSql`lower(${'x'})` },
        },
      }),
    ],
  ])('is this SQL, to the letter: %s', async (name, one, other) => {
    await expect(`${overlapQuery(one, other, window).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test('neither the zone nor the breakdown changes it', () => {
    const other = of('search', { timeZone: 'Europe/Madrid', breakdown: { column: 'sdk_language' } })
    expect(overlapQuery(of('checkout'), other, window)).toEqual(
      overlapQuery(of('checkout'), of('search'), window),
    )
  })

  test('the greater limit counts, and one row more shows that there were more', () => {
    const { query_params } = overlapQuery(
      of('checkout', { maxRows: 3 }),
      of('search', { maxRows: 5 }),
      window,
    )
    expect(query_params).toMatchObject({ row_limit: 6 })
  })

  test('two questions about one feature are two experiments if their filters differ', () => {
    const { query_params } = overlapQuery(
      of('checkout', { filters: [{ column: 'sdk', equals: 'web' }] }),
      of('checkout', { filters: [{ column: 'sdk', equals: 'ios' }] }),
      window,
    )
    expect(query_params).toMatchObject({ pass_1_filter_1_equals: 'web', pass_2_filter_1_equals: 'ios' })
  })

  test('the same experiment twice is refused', () => {
    expect(
      refusalOf(() => overlapQuery(of('checkout'), of('checkout', { timeZone: 'Asia/Tokyo' }), window)),
    ).toEqual({
      code: 'invalid-spec',
      message: 'other is the same experiment as one. Pass each experiment once.',
      details: { path: 'other', received: 'an object' },
    })
    expect(
      refusalOf(() => overlapsQuery([of('a'), of('b'), of('a', { multiVariant: 'first-seen' })], window)),
    ).toMatchObject({
      message: 'experiments[2] is the same experiment as experiments[0]. Pass each experiment once.',
    })
  })
})

describe('overlapsQuery', () => {
  test('asks about two experiments as overlapQuery does', () => {
    expect(overlapsQuery([of('a'), of('b')], window)).toEqual(overlapQuery(of('a'), of('b'), window))
  })

  test.each<[received: string, experiments: unknown, advice: string]>([
    ['an object', {}, 'Pass an array.'],
    ['an array of 1', [of('a')], 'Pass 2 to 50 specs.'],
    ['an array of 51', Array.from({ length: 51 }, (_, n) => of(`f${n}`)), 'Pass 2 to 50 specs.'],
  ])('refuses %s', (received, experiments, advice) => {
    expect(refusalOf(() => overlapsQuery(experiments as never, window))).toMatchObject({
      code: 'invalid-spec',
      message: `experiments is not usable: received ${received}. ${advice}`,
    })
  })

  test('takes 50, of several environments and tables', () => {
    const specs = Array.from({ length: 50 }, (_, n) =>
      of(`f${n}`, {
        environmentKey: n % 2 === 0 ? 'prod' : 'test',
        ...(n === 49 ? { source: { table: 'others' } } : {}),
      }),
    )
    const { query, query_params } = overlapsQuery(specs, window)
    expect(query_params['pass_1_feature_names']).toHaveLength(25)
    expect(query_params['pass_2_places']).toHaveLength(24)
    expect(query_params['pass_3_feature_name']).toBe('f49')
    expect(query.match(/UNION ALL/g)).toHaveLength(2)
  })
})
