import {
  crossoverBias,
  excludedRatio,
  sampleRatio,
  sampleRatioBySlice,
  sequentialSampleRatio,
} from 'first-exposure/statistics'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const even = { a: 1, b: 1 }
const from = '2026-06-02T00:00:00.000Z'
const ramp = [{ shares: { a: 9, b: 1 } }, { from, shares: even }]
const step = { start: '2026-06-01T00:00:00.000Z', end: from, newIdentities: { a: 1 } }
const counts = { counted: even, quarantined: even }
const day = {
  granularity: 'day',
  timeZone: 'UTC',
  points: [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: { a: 1 } }],
}

const ofCounts = (observed: unknown, expected: unknown = even, options = {}) =>
  sampleRatio(observed as never, expected as never, options)
const ofSummary = (changes: object) => ofCounts({ timeseries: { ...day, ...changes } }, ramp)
const inSequence = (points: unknown, expected: unknown = even, options = {}) =>
  sequentialSampleRatio(points as never, expected as never, options)
const bySlice = (breakdown: unknown, options = {}) => sampleRatioBySlice(breakdown as never, even, options)
const nothing = { slices: [], other: null }

const number = 'Pass a plain object of numbers by variant key.'
const threshold = 'Pass a number above 0 and below 1.'
const minimum = 'Pass a whole number from 0.'
const steps = 'Pass an array of steps, or a view that has one.'
const ends = 'With several phases pass where each step ends, as the points of a view say.'
const own = 'Give each phase a from of its own; only one may leave it out.'

describe('what a test of the split is refused with', () => {
  test.each<[argument: string, received: string, advice: string, ask: () => unknown]>([
    ['observed', 'null', number, () => ofCounts(null)],
    ['observed', '7', number, () => ofCounts(7)],
    ['observed', 'an array of 0', number, () => ofCounts([])],
    ['observed', 'an object', number, () => ofCounts(new Map())],
    ['observed of variant "a"', '"5"', 'Pass a number.', () => ofCounts({ a: '5' })],
    ['expected', 'undefined', number, () => sampleRatio(even, undefined as never)],
    ['expected of variant "b"', '"50%"', 'Pass a number.', () => ofCounts(even, { a: 1, b: '50%' })],
    ['expected', 'an array of 0', 'Pass shares, or one phase or more.', () => ofCounts([step], [])],
    ['expected', 'null', 'Pass phases with from and shares.', () => ofCounts([step], [null])],
    ['expected', '7', 'Pass phases with from and shares.', () => ofCounts([step], [7])],
    ['expected', 'undefined', own, () => ofCounts([step], [{ shares: even }, { shares: even }])],
    ['expected', from, own, () => ofCounts([step], [...ramp, { from, shares: even }])],
    ['threshold', '0', threshold, () => ofCounts(even, even, { threshold: 0 })],
    ['threshold', '1', threshold, () => crossoverBias(counts, { threshold: 1 })],
    [
      'threshold',
      '"0.1"',
      threshold,
      () => excludedRatio({ total: 1, excludedIdentities: 1 }, { threshold: '0.1' as never }),
    ],
    ['minimumTotal', '-1', minimum, () => ofCounts(even, even, { minimumTotal: -1 })],
    ['minimumTotal', '1.5', minimum, () => crossoverBias(counts, { minimumTotal: 1.5 })],

    ['points', 'null', steps, () => inSequence(null)],
    ['points', '5', steps, () => inSequence({ points: 5 })],
    ['points', 'null', 'Pass steps with start and newIdentities.', () => inSequence([null])],
    ['points', '5', 'Pass steps with start and newIdentities.', () => inSequence([5])],
    [
      'points',
      '"2026-06-01T00:00:00.000Z"',
      'Pass each bucket once, in the order of time.',
      () => inSequence([step, step]),
    ],
    ['end', 'undefined', ends, () => inSequence([{ ...step, end: undefined }], ramp)],
    ['end', 'undefined', ends, () => ofCounts([{ ...step, end: undefined }], ramp)],
    [
      'end',
      '"2026-06-01T00:00:00.000Z"',
      'Pass an end after the start.',
      () => inSequence([{ ...step, end: step.start }], ramp),
    ],
    [
      'newIdentities of 2026-06-01T00:00:00.000Z',
      'undefined',
      number,
      () => inSequence([{ start: step.start }]),
    ],
    [
      'concentration',
      '0',
      'Pass a number above 0 and up to 1e9.',
      () => inSequence([step], even, { concentration: 0 }),
    ],
    [
      'concentration',
      '1000000001',
      'Pass a number above 0 and up to 1e9.',
      () => inSequence([step], even, { concentration: 1e9 + 1 }),
    ],
    [
      'concentration',
      '"1"',
      'Pass a number above 0 and up to 1e9.',
      () => inSequence([step], even, { concentration: '1' }),
    ],

    [
      'granularity',
      '"week"',
      "Pass a summary; its granularity is 'hour' or 'day'.",
      () => ofSummary({ granularity: 'week' }),
    ],
    ['points', 'an object', 'Pass a summary; it has a list of points.', () => ofSummary({ points: {} })],
    [
      'timeZone',
      'undefined',
      'Pass a summary; its time zone is an IANA name.',
      () => ofSummary({ timeZone: undefined }),
    ],
    [
      'timeZone',
      '"Mars/Olympus"',
      'Pass a summary; its time zone is an IANA name.',
      () => ofSummary({ timeZone: 'Mars/Olympus' }),
    ],

    ['breakdown', 'null', 'Pass a breakdown: { slices, other }.', () => bySlice(null)],
    ['threshold', '5', threshold, () => bySlice(nothing, { threshold: 5 })],
    ['minimumTotal', '-1', minimum, () => bySlice(nothing, { minimumTotal: -1 })],
    [
      'options.alpha',
      '0.05',
      'The options are threshold, minimumTotal.',
      () => ofCounts(even, even, { alpha: 0.05 }),
    ],
    [
      'options.alpha',
      '0.05',
      'The options are concentration, threshold.',
      () => inSequence([step], even, { alpha: 0.05 }),
    ],
    [
      'options',
      'null',
      'Pass an object with the options threshold, minimumTotal.',
      () => crossoverBias(counts, null as never),
    ],
    ['breakdown', 'an object', 'Pass a breakdown: { slices, other }.', () => bySlice({ slices: {} })],
    [
      'breakdown',
      'an object',
      'Pass a summary for each slice.',
      () => bySlice({ slices: [{ value: 'web', summary: {} }], other: null }),
    ],
    [
      'breakdown',
      'undefined',
      'Pass a summary for each slice.',
      () => bySlice({ slices: [{ value: 'web' }], other: null }),
    ],
    [
      'breakdown',
      'an object',
      'Pass a summary for each slice.',
      () => bySlice({ slices: [{ value: 'web', summary: { timeseries: day } }], other: {} }),
    ],

    ['counted', 'undefined', number, () => crossoverBias(null as never)],
    ['quarantined', 'undefined', number, () => crossoverBias({ counted: even } as never)],
    [
      'quarantined of variant "a"',
      'null',
      'Pass a number.',
      () => crossoverBias({ counted: even, quarantined: { a: null as never } }),
    ],

    ['view', 'null', 'Pass a view, or { total, excludedIdentities }.', () => excludedRatio(null as never)],
    [
      'view',
      'an object',
      'Pass a view, or { total, excludedIdentities }.',
      () => excludedRatio({ total: '5' as never, excludedIdentities: 1 }),
    ],
    [
      'view',
      'an object',
      'Pass a view, or { total, excludedIdentities }.',
      () => excludedRatio({ total: 5 } as never),
    ],
  ])('%s: received %s. %s', (argument, received, advice, ask) => {
    expect(refusalOf(ask)).toEqual({
      code: 'invalid-statistics',
      message: `${argument} is not usable: received ${received}. ${advice}`,
      details: { argument, received },
    })
  })

  test.each<[name: string, ask: () => unknown]>([
    ['start', () => inSequence([{ ...step, start: 'June' }])],
    ['end', () => inSequence([{ ...step, end: 'June' }], ramp)],
    ['from of a phase', () => ofCounts([step], [{ from: 'June', shares: even }])],
  ])('a %s that is no instant', (name, ask) => {
    expect(refusalOf(ask)).toMatchObject({
      code: 'invalid-instant',
      message: expect.stringMatching(new RegExp(`^${name} is not an instant: received "June"\\. `)),
      details: { name, received: '"June"' },
    })
  })

  test('what is at the edge is taken', () => {
    expect(inSequence([step], even, { concentration: 1e9 }).status).toBe('consistent')
    expect(ofCounts(even, even, { minimumTotal: 0 }).status).toBe('consistent')
    expect(crossoverBias(counts, { minimumTotal: 0 }).status).toBe('consistent')
  })
})
