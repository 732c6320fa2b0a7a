import {
  exposuresBreakdownQuery,
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const start = Date.UTC(2026, 5, 1)
const hours = (n: number): number => n * 3_600_000

function queryOf(input: Partial<ExposureSpecInput>, lengthMs = hours(24 * 14)): ExposuresQuery {
  return exposuresBreakdownQuery(
    exposureSpec({
      environmentKey: 'prod',
      featureName: 'checkout',
      breakdown: { column: 'sdk_language', top: 5 },
      ...input,
    }),
    exposureWindow(start, start + lengthMs),
  )
}

describe('exposuresBreakdownQuery', () => {
  test.each<[string, Partial<ExposureSpecInput>, number]>([
    [
      'hour-first-seen-cluster-expression',
      {
        multiVariant: 'first-seen',
        source: { table: { database: 'analytics', table: 'slices' }, cluster: 'warehouse' },
        breakdown: { column: trustedSql`JSONExtractString(traits, ${'plan'})` },
        filters: [{ column: 'sdk_version', like: '3.%' }],
      },
      hours(72),
    ],
  ])('is this SQL, to the letter: %s', async (name, input, lengthMs) => {
    await expect(`${queryOf(input, lengthMs).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test('every value is a bound parameter', () => {
    const { query, query_params } = queryOf({
      breakdown: { column: trustedSql`traits = ${'gold'}`, top: 7 },
      maxRows: 77,
    })
    expect(query_params).toMatchObject({ breakdown_value_1: 'gold', top_values: 7, row_limit: 78 })
    for (const value of ['gold', '77', '78', 'prod']) expect(query).not.toContain(value)
  })

  test('a spec without a breakdown is refused', () => {
    expect(() => queryOf({ breakdown: null })).toThrow(
      expect.objectContaining({
        code: 'invalid-spec',
        message: expect.stringContaining("breakdown: { column: 'country' }") as unknown,
      }),
    )
  })
})
