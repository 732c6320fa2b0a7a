import {
  exposureBreakdownQuery,
  exposureLedgerQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  identityTimelineQuery,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')

describe('what a query is refused with', () => {
  const wait = 'Pass whole milliseconds, 0 or more.'
  const limit = 'Pass a whole number from 1 to 10,000.'
  const identity = 'Pass its identifier as well-formed text.'

  test.each<[field: string, received: string, advice: string, build: () => unknown]>([
    [
      'breakdown',
      'null',
      "Name the column in the spec: exposureSpec({ …, breakdown: { column: 'country' } }).",
      () => exposureBreakdownQuery(spec, window),
    ],
    [
      'options.partitions',
      '8',
      'The options are partition.',
      () => firstExposuresQuery(spec, window, { partitions: 8 } as object),
    ],
    [
      'options.lateness',
      '5',
      'The options are latenessMs.',
      () => exposureLedgerQuery(spec, window, { lateness: 5 } as object),
    ],
    [
      'options.first',
      '5',
      'The options are limit.',
      () => identityTimelineQuery(spec, window, 'ann', { first: 5 } as object),
    ],
    ['latenessMs', '-1', wait, () => exposureLedgerQuery(spec, window, { latenessMs: -1 })],
    ['latenessMs', '0.5', wait, () => exposureLedgerQuery(spec, window, { latenessMs: 0.5 })],
    ['identity', '7', identity, () => identityTimelineQuery(spec, window, 7 as never)],
    ['identity', '"\\ud800"', identity, () => identityTimelineQuery(spec, window, '\ud800')],
    ['limit', '0', limit, () => identityTimelineQuery(spec, window, 'ann', { limit: 0 })],
    ['limit', '1.5', limit, () => identityTimelineQuery(spec, window, 'ann', { limit: 1.5 })],
    ['limit', '10001', limit, () => identityTimelineQuery(spec, window, 'ann', { limit: 10_001 })],
  ])('%s: received %s. %s', (field, received, advice, build) => {
    expect(refusalOf(build)).toEqual({
      code: 'invalid-spec',
      message: `${field} is not usable: received ${received}. ${advice}`,
      details: { field, received },
    })
  })

  test('what lies at the edge is taken', () => {
    expect(exposureLedgerQuery(spec, window, { latenessMs: 0 }).query_params).toMatchObject({
      lateness_ms: 0,
    })
    for (const limit of [1, 10_000])
      expect(identityTimelineQuery(spec, window, '', { limit }).query).toContain('LIMIT')
  })
})
