import {
  crossoversQuery,
  exposureSpec,
  exposureWindow,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const start = Date.UTC(2026, 5, 1)
const hours = (n: number): number => n * 3_600_000

function queryOf(input: Partial<ExposureSpecInput>, lengthMs = hours(24 * 14)): ExposuresQuery {
  return crossoversQuery(
    exposureSpec({ environmentKey: 'prod', featureName: 'checkout', ...input }),
    exposureWindow(start, start + lengthMs),
  )
}

describe('crossoversQuery', () => {
  test.each<[string, Partial<ExposureSpecInput>, number]>([
    [
      'hour-exact-cluster',
      {
        identityKey: 'exact',
        source: { table: { database: 'analytics', table: 'crossovers' }, cluster: 'warehouse' },
      },
      hours(72),
    ],
  ])('is this SQL, to the letter: %s', async (name, input, lengthMs) => {
    await expect(`${queryOf(input, lengthMs).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test('neither the policy nor the breakdown changes it', () => {
    expect(queryOf({ multiVariant: 'first-seen', breakdown: { column: 'sdk_language' } })).toEqual(
      queryOf({}),
    )
  })

  test('every value is a bound parameter', () => {
    const { query, query_params } = queryOf({ maxRows: 77, timeZone: 'Europe/Madrid' })
    expect(query_params).toMatchObject({ time_zone: 'Europe/Madrid', row_limit: 78 })
    for (const value of ['Madrid', '77', '78', 'prod', 'checkout']) expect(query).not.toContain(value)
  })
})
