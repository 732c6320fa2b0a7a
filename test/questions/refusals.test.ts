import {
  exposuresBreakdownQuery,
  exposureLedgerQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  identityTimelineQuery,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf, refused } from '../refusal-of.js'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')

describe('what a query is refused with', () => {
  const wait = 'Pass a whole number from 0 to 2^53 - 1.'
  const limit = 'Pass a whole number from 1 to 10,000.'
  const identity = 'Pass its identifier as well-formed text.'

  test.each<[path: string, received: string, advice: string, build: () => unknown, problem?: string]>([
    [
      'breakdown',
      'null',
      "Name the column in the spec: exposureSpec({ …, breakdown: { column: 'country' } }).",
      () => exposuresBreakdownQuery(spec, window),
    ],
    ['latenessMs', '-1', wait, () => exposureLedgerQuery(spec, window, { latenessMs: -1 })],
    ['latenessMs', '0.5', wait, () => exposureLedgerQuery(spec, window, { latenessMs: 0.5 })],
    ['identity', '7', identity, () => identityTimelineQuery(spec, window, 7 as never)],
    ['identity', '"\\ud800"', identity, () => identityTimelineQuery(spec, window, '\ud800')],
    ['limit', '0', limit, () => identityTimelineQuery(spec, window, 'ann', { limit: 0 })],
    ['limit', '1.5', limit, () => identityTimelineQuery(spec, window, 'ann', { limit: 1.5 })],
    ['limit', '10001', limit, () => identityTimelineQuery(spec, window, 'ann', { limit: 10_001 })],
  ])('%s: received %s. %s', (path, received, advice, build, problem) => {
    expect(refusalOf(build)).toEqual(refused('invalid-spec', path, received, advice, problem))
  })

  test.each<[field: string, received: string, message: string, build: () => unknown]>([
    [
      'options.partitions',
      'a number',
      'Unknown field options.partitions; did you mean options.partition? The fields are partition.',
      () => firstExposuresQuery(spec, window, { partitions: 8 } as object),
    ],
    [
      'options.late',
      'a number',
      'Unknown field options.late. The fields are latenessMs.',
      () => exposureLedgerQuery(spec, window, { late: 5 } as object),
    ],
    [
      'options.Limit',
      'undefined',
      'Unknown field options.Limit; did you mean options.limit? The fields are limit.',
      () => identityTimelineQuery(spec, window, 'ann', { Limit: undefined } as object),
    ],
  ])('an unknown field: %s', (path, received, message, build) => {
    expect(refusalOf(build)).toEqual({ code: 'invalid-spec', message, details: { path, received } })
  })

  test('what lies at the edge is taken', () => {
    expect(exposureLedgerQuery(spec, window, { latenessMs: 0 }).query_params).toMatchObject({
      lateness_ms: 0,
    })
    for (const limit of [1, 10_000])
      expect(identityTimelineQuery(spec, window, '', { limit }).query).toContain('LIMIT')
  })
})
