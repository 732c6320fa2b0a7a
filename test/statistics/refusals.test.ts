import { runInNewContext } from 'node:vm'
import {
  assignedRatio,
  crossoverBias,
  excludedRatio,
  exposureHealth,
  quarantineOverTime,
  sampleRatio,
  sampleRatioBySlice,
  sampleRatioOnset,
  sampleRatioWithin,
  sequentialSampleRatio,
  uniformPValues,
} from 'first-exposure/statistics'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const even = { a: 1, b: 1 }
const from = '2026-06-02T00:00:00.000Z'
const ramp = [{ shares: { a: 9, b: 1 } }, { from, shares: even }]
const step = { start: '2026-06-01T00:00:00.000Z', end: from, newIdentities: { a: 1 } }
// The first place has nothing, not even undefined.
const holed: (typeof step)[] = []
holed[1] = step
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
const health = (options: object) => exposureHealth([step], even, options)
const nothing = { slices: [], other: null }

const number = 'Pass a plain object of numbers by variant key.'
const rows = 'Pass a plain object of counts, by the variant of the other experiment.'
const threshold = 'Pass a number above 0 and below 1.'
const minimum = 'Pass a whole number from 0 to 2^53 - 1.'
const steps = 'Pass an array of steps, a view or a summary.'
const ends = 'With phases, silences or a window pass where each step ends, as the points of a view say.'
const own = 'Give each phase a from of its own; only one may leave it out.'
const timed = 'With phases pass a summary, a view or steps: each identity is judged by its time.'
const instant = 'Pass whole epoch milliseconds, at most 8.64e15 either side of 1970.'

describe('what a test of the split is refused with', () => {
  test.each<[argument: string, received: string, advice: string, ask: () => unknown]>([
    ['observed', 'null', number, () => ofCounts(null)],
    ['observed', '7', number, () => ofCounts(7)],
    ['observed', 'an object', number, () => ofCounts(new Map())],
    ['observed', 'an object', number, () => ofCounts(Promise.resolve({ a: 500, b: 1 }))],
    ['observed', '1970-01-01T00:00:00.000Z', number, () => ofCounts(new Date(0))],
    ['observed', 'an object', number, () => ofCounts(Object.create({ a: 500, b: 1 }))],
    ['observed', 'an object', number, () => ofCounts(new Error('no counts'))],
    ['expected', 'an object', number, () => ofCounts(even, Promise.resolve(even))],
    [
      'points[0].newIdentities',
      'an object',
      number,
      () => inSequence([{ ...step, newIdentities: Promise.resolve() }]),
    ],
    ['observed of variant "a"', '"5"', 'Pass a number.', () => ofCounts({ a: '5' })],
    ['expected', 'undefined', number, () => sampleRatio(even, undefined as never)],
    ['expected of variant "b"', '"50%"', 'Pass a number.', () => ofCounts(even, { a: 1, b: '50%' })],
    ['expected', 'an array of 0', 'Pass shares, or one phase or more.', () => ofCounts([step], [])],
    ['expected[0]', 'null', 'Pass phases with from and shares.', () => ofCounts([step], [null])],
    ['expected[0]', '7', 'Pass phases with from and shares.', () => ofCounts([step], [7])],
    ['expected[1].from', 'undefined', own, () => ofCounts([step], [{ shares: even }, { shares: even }])],
    [
      'expected[2].from',
      JSON.stringify(from),
      own,
      () => ofCounts([step], [...ramp, { from, shares: even }]),
    ],
    ['expected[1].shares', 'null', number, () => ofCounts([step], [ramp[0], { from, shares: null }])],
    [
      'expected[0].shares of variant "b"',
      '"1"',
      'Pass a number.',
      () => ofCounts([step], [{ shares: { a: 9, b: '1' } }]),
    ],
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
    ['points[0]', 'null', 'Pass an object.', () => inSequence([null])],
    ['points[0]', '5', 'Pass an object.', () => inSequence([5])],
    ['points[0]', 'undefined', 'Pass an object.', () => inSequence(holed)],
    ['points[0]', 'undefined', 'Pass an object.', () => sampleRatioOnset(holed, even)],
    ['points[0]', 'undefined', 'Pass an object.', () => exposureHealth(holed, even)],
    ['points[0]', 'undefined', 'Pass an object.', () => ofCounts(holed, ramp)],
    [
      'points[0]',
      'undefined',
      'Pass an object.',
      () => quarantineOverTime(holed, { timeseries: { points: [] } }),
    ],
    [
      'points[1].start',
      '"2026-06-01T00:00:00.000Z"',
      'Pass each bucket once, in the order of time.',
      () => inSequence([step, step]),
    ],
    ['points[0].end', 'undefined', ends, () => inSequence([{ ...step, end: undefined }], ramp)],
    ['points[0].end', 'undefined', ends, () => ofCounts([{ ...step, end: undefined }], ramp)],
    [
      'points[0].end',
      'undefined',
      ends,
      () => sampleRatioOnset([{ ...step, end: undefined as never }], ramp),
    ],
    [
      'points[0].end',
      '"2026-06-01T00:00:00.000Z"',
      'Pass an end after the start.',
      () => inSequence([{ ...step, end: step.start }], ramp),
    ],
    ['points[0].newIdentities', 'undefined', number, () => inSequence([{ start: step.start }])],
    [
      'concentration',
      '0',
      'Pass a number above 0 and up to 1e9, or a list of them.',
      () => inSequence([step], even, { concentration: 0 }),
    ],
    [
      'concentration',
      '1000000001',
      'Pass a number above 0 and up to 1e9, or a list of them.',
      () => inSequence([step], even, { concentration: 1e9 + 1 }),
    ],
    [
      'concentration',
      '"1"',
      'Pass a number above 0 and up to 1e9, or a list of them.',
      () => inSequence([step], even, { concentration: '1' }),
    ],

    [
      'summary.timeseries.granularity',
      '"week"',
      "Pass 'hour' or 'day'.",
      () => ofSummary({ granularity: 'week' }),
    ],
    ['summary.timeseries.points', 'an object', 'Pass an array.', () => ofSummary({ points: {} })],
    [
      'summary.timeseries.timeZone',
      'undefined',
      "Pass an IANA name such as 'UTC' or 'Europe/Madrid'.",
      () => ofSummary({ timeZone: undefined }),
    ],
    [
      'summary.timeseries.timeZone',
      '"Mars/Olympus"',
      "Pass an IANA name such as 'UTC' or 'Europe/Madrid'.",
      () => ofSummary({ timeZone: 'Mars/Olympus' }),
    ],

    ['breakdown', 'null', 'Pass a breakdown: { slices, other }.', () => bySlice(null)],
    ['threshold', '5', threshold, () => bySlice(nothing, { threshold: 5 })],
    ['minimumTotal', '-1', minimum, () => bySlice(nothing, { minimumTotal: -1 })],
    [
      'options',
      'null',
      'Pass an object with the fields threshold, warningThreshold, minimumTotal, leaveOut.',
      () => crossoverBias(counts, null as never),
    ],
    ['breakdown', 'an object', 'Pass a breakdown: { slices, other }.', () => bySlice({ slices: {} })],
    [
      'breakdown.slices[0].summary',
      'an object',
      'Pass a summary for each slice.',
      () => bySlice({ slices: [{ value: 'web', summary: {} }], other: null }),
    ],
    [
      'breakdown.slices[0].summary',
      'undefined',
      'Pass a summary for each slice.',
      () => bySlice({ slices: [{ value: 'web' }], other: null }),
    ],
    [
      'breakdown.other',
      'an object',
      'Pass a summary for each slice.',
      () => bySlice({ slices: [{ value: 'web', summary: { timeseries: day } }], other: {} }),
    ],

    [
      'breakdown.slices[0].value',
      '7',
      'Pass a text, or null for no value.',
      () => bySlice({ slices: [{ value: 7, summary: { timeseries: day } }], other: null }),
    ],

    [
      'options.window',
      'undefined',
      'Pass the window that the summary was asked for: it says whether the last bucket is over.',
      () => inSequence({ timeseries: day }),
    ],
    [
      'concentration',
      'an array of 0',
      'Pass one concentration at least.',
      () => inSequence([step], even, { concentration: [] }),
    ],
    ['leaveOut', '"off"', 'Pass an array.', () => ofCounts(even, even, { leaveOut: 'off' })],
    ['leaveOut[1]', '7', 'Pass the keys of variants.', () => ofCounts(even, even, { leaveOut: ['off', 7] })],
    [
      'window',
      'an object',
      'Pass what exposureWindow returned.',
      () => ofCounts(even, even, { window: { startMs: 2, asOfMs: 2 } }),
    ],
    ['window.asOfMs', 'Infinity', instant, () => ofCounts(even, even, { window: { asOfMs: Infinity } })],
    ['window.asOfMs', 'undefined', instant, () => ofCounts(even, even, { window: {} })],
    ['window.asOfMs', '8640000000000001', instant, () => health({ window: { asOfMs: 8640000000000001 } })],
    ['window.asOfMs', '0.5', instant, () => inSequence([step], even, { window: { asOfMs: 0.5 } })],
    ['window.startMs', '-Infinity', instant, () => health({ window: { startMs: -Infinity, asOfMs: 2 } })],
    ['window.asOfMs', 'NaN', instant, () => sampleRatio({ points: [step], window: { asOfMs: NaN } }, even)],
    ['warningThreshold', '2', threshold, () => ofCounts(even, even, { warningThreshold: 2 })],
    ['quarantined', 'undefined', number, () => assignedRatio({ counted: even } as never, even)],
    ['quarantined', 'an object', timed, () => assignedRatio({ counted: [step], quarantined: even }, ramp)],
    ['counted', 'an object', timed, () => assignedRatio({ counted: even, quarantined: [step] }, ramp)],
    ['quarantined', 'undefined', timed, () => assignedRatio({ counted: [step] } as never, ramp)],
    ['fallenBelow', '1', threshold, () => health({ fallenBelow: 1 })],
    ['fallenBelow', '0', threshold, () => health({ fallenBelow: 0 })],
    ['fallenBelow', '-0.5', threshold, () => health({ fallenBelow: -0.5 })],
    ['fallenBelow', '"0.5"', threshold, () => health({ fallenBelow: '0.5' })],
    ['periodHours', '0', 'Pass a number from 1 to 1e6.', () => health({ periodHours: 0 })],
    ['periodHours', '1e-9', 'Pass a number from 1 to 1e6.', () => health({ periodHours: 1e-9 })],
    ['periodHours', '0.999', 'Pass a number from 1 to 1e6.', () => health({ periodHours: 0.999 })],
    ['periodHours', '1000001', 'Pass a number from 1 to 1e6.', () => health({ periodHours: 1e6 + 1 })],
    ['periodHours', 'NaN', 'Pass a number from 1 to 1e6.', () => health({ periodHours: NaN })],
    ['periodHours', '"24"', 'Pass a number from 1 to 1e6.', () => health({ periodHours: '24' })],
    ['table', 'an array of 0', rows, () => sampleRatioWithin([] as never, even)],
    ['table', 'null', rows, () => sampleRatioWithin(null as never, even)],
    ['table', 'an object', rows, () => sampleRatioWithin(new Map([['x', even]]) as never, even)],
    ['table', 'an object', rows, () => sampleRatioWithin(Promise.resolve({ x: even }) as never, even)],
    ['table of "x"', '5', number, () => sampleRatioWithin({ x: 5 } as never, even)],
    ['expected', 'an array of 0', number, () => sampleRatioWithin({ x: even }, [] as never)],
    ['pValues', '5', 'Pass an array.', () => uniformPValues(5 as never)],
    ['pValues[1]', 'NaN', 'Pass numbers from 0 to 1.', () => uniformPValues([0.5, NaN])],
    ['crossovers', 'null', 'Pass an object.', () => quarantineOverTime([step], null as never)],
    ['pValues[0]', '-0.001', 'Pass numbers from 0 to 1.', () => uniformPValues([-0.001])],
    ['pValues[0]', '1.001', 'Pass numbers from 0 to 1.', () => uniformPValues([1.001])],
    ['pValues[0]', '"0.5"', 'Pass numbers from 0 to 1.', () => uniformPValues(['0.5' as never])],
    ['pValues[0]', 'null', 'Pass numbers from 0 to 1.', () => uniformPValues([null as never])],
    ['crossovers.timeseries', 'undefined', 'Pass an object.', () => quarantineOverTime([step], {} as never)],
    [
      'crossovers.timeseries.points',
      'undefined',
      'Pass an array.',
      () => quarantineOverTime([step], { timeseries: {} } as never),
    ],
    [
      'newIdentities of 2026-06-01T00:00:00.000Z',
      'an array of 1',
      'Pass whole numbers from 0.',
      () => quarantineOverTime([{ ...step, newIdentities: { a: -1 } }], { timeseries: { points: [] } }),
    ],
    [
      'crossovers.timeseries.points[0].identities',
      '1.5',
      minimum,
      () => quarantineOverTime([step], { timeseries: { points: [{ bucket: from, identities: 1.5 }] } }),
    ],

    [
      'counts',
      'null',
      'Pass an object with the fields counted, quarantined.',
      () => crossoverBias(null as never),
    ],
    [
      'counts',
      'null',
      'Pass an object with the fields counted, quarantined.',
      () => assignedRatio(null as never, even),
    ],
    ['counted', 'undefined', number, () => crossoverBias({} as never)],
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
      message: `${argument} is ${received === 'undefined' ? 'required' : `not usable: received ${received}`}. ${advice}`,
      details: { path: argument, received },
    })
  })

  test.each<[name: string, fields: string, ask: () => unknown]>([
    [
      'treshold',
      'threshold, warningThreshold, minimumTotal, leaveOut, window',
      () => ofCounts(even, even, { treshold: 0.05 }),
    ],
    [
      'treshold',
      'concentration, threshold, leaveOut, window',
      () => inSequence([step], even, { treshold: 0.05 }),
    ],
    [
      'treshold',
      'threshold, minimumTotal',
      () => excludedRatio({ total: 1, excludedIdentities: 1 }, { treshold: 1 } as never),
    ],
    [
      'treshold',
      'threshold, leaveOut, window',
      () => sampleRatioOnset([step], even, { treshold: 0.05 } as never),
    ],
    [
      'treshold',
      'threshold, warningThreshold, minimumTotal, leaveOut',
      () => sampleRatioWithin({ x: even }, even, { treshold: 0.05 } as never),
    ],
    ['treshold', 'threshold, minimumTotal', () => uniformPValues([], { treshold: 0.05 } as never)],
  ])('options.%s: the fields are %s', (name, fields, ask) => {
    expect(refusalOf(ask)).toMatchObject({
      code: 'invalid-statistics',
      message: `Unknown field options.${name}; did you mean options.threshold? The fields are ${fields}.`,
    })
  })

  test.each<[problem: string, fields: string, ask: () => unknown]>([
    [
      'expected[1].form; did you mean expected[1].from?',
      'from, shares',
      () =>
        ofCounts(
          [step],
          [
            { from, shares: { a: 9, b: 1 } },
            { form: from, shares: even },
          ],
        ),
    ],
    ['expected[0].name.', 'from, shares', () => ofCounts([step], [{ name: 'first', shares: even }])],
    ['typo.', 'counted, quarantined', () => crossoverBias({ ...counts, typo: 1 } as never)],
    ['typo.', 'counted, quarantined', () => assignedRatio({ ...counts, typo: 1 } as never, even)],
  ])('unknown field %s The fields are %s', (problem, fields, ask) => {
    expect(refusalOf(ask)).toMatchObject({
      code: 'invalid-statistics',
      message: `Unknown field ${problem} The fields are ${fields}.`,
    })
  })

  test.each<[name: string, ask: () => unknown]>([
    ['points[0].start', () => inSequence([{ ...step, start: 'June' }])],
    ['points[0].end', () => inSequence([{ ...step, end: 'June' }], ramp)],
    ['expected[0].from', () => ofCounts([step], [{ from: 'June', shares: even }])],
    [
      'crossovers.timeseries.points[0].bucket',
      () => quarantineOverTime([step], { timeseries: { points: [{ bucket: 'June', identities: 1 }] } }),
    ],
  ])('a %s that is no instant', (name, ask) => {
    expect(refusalOf(ask)).toMatchObject({
      code: 'invalid-instant',
      message: expect.stringContaining(`${name} is not an instant: received "June". `),
      details: { path: name, received: '"June"' },
    })
  })

  test('a record is one whatever its prototype, as long as the counts are its own', () => {
    class Row {
      readonly a = 500
      readonly b = 500
    }
    for (const record of [
      Object.assign(Object.create(null) as object, { a: 500, b: 500 }),
      runInNewContext('({ a: 500, b: 500 })'),
      new Row(),
    ]) {
      expect(ofCounts(record)).toEqual(ofCounts({ a: 500, b: 500 }))
    }
    for (const nobody of [{}, Object.create(null), runInNewContext('({})')]) {
      expect(ofCounts(nobody)).toMatchObject({ status: 'not-enough-traffic' })
    }
    expect(refusalOf(() => ofCounts(runInNewContext('Promise.resolve()')))).toMatchObject({
      code: 'invalid-statistics',
    })
  })

  test('what is at the edge is taken', () => {
    expect(inSequence([step], even, { concentration: 1e9 }).status).toBe('consistent')
    expect(ofCounts(even, even, { minimumTotal: 0 }).status).toBe('consistent')
    expect(crossoverBias(counts, { minimumTotal: 0 }).status).toBe('consistent')
  })

  test('a window of null is none, as in a view', () => {
    expect(ofCounts([step], ramp, { window: null })).toEqual(ofCounts([step], ramp))
  })
})

// From there on, one more identity changes nothing, and a sum term by term would never end.
describe('counts that are safe one by one, and no longer in sum', () => {
  const half = 2 ** 52
  const most = { a: half, b: half - 1 }
  const more = { a: half, b: half }
  const days = (...counts: Record<string, number>[]) =>
    counts.map((newIdentities, at) => ({
      start: new Date(Date.UTC(2026, 5, 1 + at)).toISOString(),
      end: new Date(Date.UTC(2026, 5, 2 + at)).toISOString(),
      newIdentities,
    }))
  const reason = 'The counts add up to 9007199254740992, which cannot be a number of identities.'

  test.each<[name: string, ask: (counts: { a: number; b: number }) => { status: string; reason?: string }]>([
    ['sampleRatio', (given) => ofCounts(given)],
    ['sampleRatio of days', ({ a, b }) => ofCounts(days({ a }, { b }))],
    ['sequentialSampleRatio', ({ a, b }) => inSequence(days({ a }, { b }))],
    ['crossoverBias', ({ a, b }) => crossoverBias({ counted: { a, b: 1 }, quarantined: { b: b - 1 } })],
    ['sampleRatioOnset', ({ a, b }) => sampleRatioOnset(days({ a }, { b }), even)],
    ['exposureHealth', ({ a, b }) => exposureHealth(days({ a }, { b }), even)],
  ])('%s', (_, ask) => {
    expect(ask(more)).toMatchObject({ status: 'not-computable', reason })
    expect(ask(most).status).not.toBe('not-computable')
  })

  test('sampleRatioWithin', () => {
    const independence = ({ a, b }: { a: number; b: number }) =>
      sampleRatioWithin({ one: { a, b: 1 }, other: { a: 1, b: b - 2 } }, even).independence.pValue
    expect(independence(more)).toBe(null)
    expect(independence(most)).toBe(0)
  })
})
