import {
  crossoversQuery,
  exposuresBreakdownQuery,
  exposureLedgerQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  identityTimelineQuery,
  trustedSql,
  type ExposureSpec,
  type ExposuresQuery,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const input = { environmentKey: 'prod', featureName: 'checkout', breakdown: { column: 'country' } }
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const timeline = (spec: ExposureSpec, limit: number): ExposuresQuery =>
  identityTimelineQuery(spec, window, 'ann', { limit })

describe.each<[name: string, ask: (spec: ExposureSpec) => ExposuresQuery]>([
  ['firstExposuresQuery', (spec) => firstExposuresQuery(spec, window)],
  ['exposuresBreakdownQuery', (spec) => exposuresBreakdownQuery(spec, window)],
  ['crossoversQuery', (spec) => crossoversQuery(spec, window)],
  ['exposureLedgerQuery', (spec) => exposureLedgerQuery(spec, window)],
  ['identityTimelineQuery', (spec) => timeline(spec, 7)],
])('%s', (_, ask) => {
  test('asks for the rows that are decoded', () => {
    expect(ask(exposureSpec(input)).format).toBe('JSONEachRow')
  })

  test('names its cluster by a bound parameter, and only where there is one', () => {
    const source = { table: { database: 'analytics', table: 'exposures' }, cluster: 'warehouse' }
    const asked = ask(exposureSpec({ ...input, source }))
    expect(asked.query).toContain('cluster({cluster:String}, `analytics`.`exposures`)')
    expect(asked.query_params).toMatchObject({ cluster: 'warehouse' })
    expect(ask(exposureSpec(input)).query_params).not.toHaveProperty('cluster')
  })

  test('puts an expression in parentheses, without the space about it', () => {
    const filters = [
      trustedSql`
      is_bot = 0 OR sdk = ${'web'}
    `,
    ]
    expect(ask(exposureSpec({ ...input, filters })).query).toMatch(/\(is_bot = 0 OR sdk = {\w+:String}\)/)
  })
})

test.each([
  [[1, 2], 'Array(Int64)'],
  [[1, 0.5], 'Array(Float64)'],
  [['a'], 'Array(String)'],
])('a list %j is bound as %s', (list, type) => {
  const filters = [trustedSql`a IN ${list}`]
  expect(firstExposuresQuery(exposureSpec({ ...input, filters }), window).query).toContain(`:${type}})`)
})

test('a timeline lists no more events than the answer may have rows', () => {
  expect(timeline(exposureSpec({ ...input, maxRows: 50 }), 51).query_params).toMatchObject({
    event_limit: 50,
  })
  expect(timeline(exposureSpec({ ...input, maxRows: 50 }), 49).query_params).toMatchObject({
    event_limit: 49,
  })
})
