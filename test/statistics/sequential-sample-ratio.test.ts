import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { exposureWindow, summarizeExposures } from 'first-exposure'
import { sequentialSampleRatio, type SampleRatioStep } from 'first-exposure/statistics'
import { exposuresView } from 'first-exposure/view'
// Inside the package only: the authors' example has a prior that is not centred on the shares.
import { logMean, multinomialLogBayesFactor } from '../../src/statistics/multinomial-log-bayes-factor.js'

const even = { a: 1, b: 1 }

/** One step a day from 1 June 2026. */
function daily(...increments: readonly Readonly<Record<string, number>>[]): SampleRatioStep[] {
  return increments.map((newIdentities, day) => ({
    start: new Date(Date.UTC(2026, 5, 1 + day)).toISOString(),
    newIdentities,
  }))
}

describe('sequentialSampleRatio', () => {
  // Both from the reference implementation of Lindon and Malek (2022).
  test('published: one identity at a time', () => {
    const units = ['c', 'c', 'c', 'c', 'a', 'c', 'c', 'a', 'b', 'c']
    const shares = { a: 0.1, b: 0.5, c: 0.4 }
    const points = daily(...units.map((unit) => ({ [unit]: 1 })))
    const result = sequentialSampleRatio(points, shares, { concentration: 10_000 })
    expect(Math.exp(result.logBayesFactor ?? NaN)).toBeCloseTo(1.0017496120131435, 9)
    expect(result.pValue).toBeCloseTo(0.9980534145723241, 9)
    // The least p-value was reached at (2, 0, 6) and is kept.
    expect(result.path.map(({ pValue }) => pValue).indexOf(result.pValue ?? NaN)).toBe(7)
    expect(result).toMatchObject({ status: 'consistent', firstCrossedAt: null, openBucket: null })
    expect(result.path.map(({ total }) => total)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test.each([
    [[20, 17, 9], -2.950560785451813],
    [[38, 38, 17], -3.681900877259011],
    [[42, 44, 21], -3.8606584307127036],
    [[60, 63, 32], -4.183813982367695],
  ])('published: cumulative counts %j with a flat prior', (counts, logBayesFactor) => {
    const shares = [0.4, 0.4, 0.2]
    const arms = counts.map((count, i) => ({ count, alpha: 1, share: shares[i] ?? NaN }))
    expect(multinomialLogBayesFactor(arms)).toBeCloseTo(logBayesFactor, 9)
  })

  test('agrees with scipy over magnitudes, arms and concentrations', () => {
    const { rows } = JSON.parse(
      readFileSync(new URL('../fixtures/statistics/log-bayes-factor.json', import.meta.url), 'utf8'),
    ) as { rows: [concentration: number, weights: number[], counts: number[], logBayesFactor: number][] }
    expect(rows.length).toBeGreaterThan(60)
    for (const [concentration, weights, counts, logBayesFactor] of rows) {
      const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))
      const result = sequentialSampleRatio(daily(byArm(counts)), byArm(weights), { concentration })
      expect(Math.abs((result.logBayesFactor ?? NaN) - logBayesFactor)).toBeLessThan(1e-7)
    }
  })

  test('a mismatch stays, from the first bucket after which it showed', () => {
    const points = daily(
      { a: 500, b: 500 },
      { a: 9000, b: 6000 },
      { a: 6000, b: 9000 },
      { a: 50_000, b: 50_000 },
    )
    const result = sequentialSampleRatio(points, even)
    expect(result).toMatchObject({
      status: 'mismatch',
      reason: 'Since 2026-06-02T00:00:00.000Z the running p-value is below 0.001.',
      firstCrossedAt: '2026-06-02T00:00:00.000Z',
    })
    expect(result.logBayesFactor).toBeLessThan(0)
    expect(result.pValue).toBe(result.path[1]?.pValue)
  })

  test('the threshold itself is not below the threshold', () => {
    const points = daily({ a: 600, b: 450 })
    const p = sequentialSampleRatio(points, even).pValue ?? NaN
    expect(p).toBeLessThan(0.5)
    expect(sequentialSampleRatio(points, even, { threshold: p })).toMatchObject({
      status: 'consistent',
      firstCrossedAt: null,
    })
    expect(sequentialSampleRatio(points, even, { threshold: p * (1 + 1e-12) })).toMatchObject({
      status: 'mismatch',
      firstCrossedAt: '2026-06-01T00:00:00.000Z',
    })
  })

  test('the last bucket is left out while it is open, and only the last', () => {
    const [first, second, third] = daily({ a: 10, b: 10 }, { a: 20, b: 20 }, { a: 9000, b: 10 })
    const partial = (step: SampleRatioStep | undefined) => ({ ...(step as SampleRatioStep), partial: true })
    const points = [partial(first), second as SampleRatioStep, partial(third)]
    const result = sequentialSampleRatio(points, even)
    expect(result).toMatchObject({ status: 'consistent', openBucket: '2026-06-03T00:00:00.000Z' })
    expect(result.path.map(({ total }) => total)).toEqual([20, 60])
    const closed = sequentialSampleRatio(
      [...points.slice(0, 2), { ...points[2], partial: false } as never],
      even,
    )
    expect(closed).toMatchObject({ status: 'mismatch', openBucket: null })
    expect(sequentialSampleRatio([partial(first)], even)).toMatchObject({
      status: 'not-enough-traffic',
      logBayesFactor: null,
      pValue: null,
      openBucket: '2026-06-01T00:00:00.000Z',
      path: [],
    })
  })

  test('of a view, a bucket that the window only begins in is closed', () => {
    const [only] = daily({ a: 5000, b: 1000 })
    const points = [{ ...(only as SampleRatioStep), end: '2026-06-02T00:00:00.000Z', partial: true }]
    const asOfMs = Date.parse('2026-06-02T00:00:00.000Z')
    expect(sequentialSampleRatio({ points, window: { asOfMs } }, even)).toMatchObject({
      status: 'mismatch',
      openBucket: null,
    })
    const open = { status: 'not-enough-traffic', openBucket: '2026-06-01T00:00:00.000Z' }
    expect(sequentialSampleRatio({ points, window: { asOfMs: asOfMs - 1 } }, even)).toMatchObject(open)
    expect(sequentialSampleRatio({ points, window: null }, even)).toMatchObject(open)
    expect(sequentialSampleRatio(points, even)).toMatchObject(open)
  })

  const withEnds = (steps: readonly SampleRatioStep[]) =>
    steps.map((step) => ({ ...step, end: new Date(Date.parse(step.start) + 86_400_000).toISOString() }))

  test('a bucket that is not over when the window ends is left out, and so is one outside of it', () => {
    const points = withEnds(daily({ a: 1, b: 1 }, { a: 2, b: 2 }, { a: 9000 }, { a: 9000 }))
    const judged = (window: { startMs?: number; asOfMs: number }) => {
      const { openBucket, path } = sequentialSampleRatio(points, even, { window })
      return [openBucket, path.map(({ total }) => total)]
    }
    expect(judged({ asOfMs: Date.UTC(2026, 5, 2, 12) })).toEqual(['2026-06-02T00:00:00.000Z', [2]])
    expect(judged({ asOfMs: Date.UTC(2026, 5, 3) })).toEqual([null, [2, 6]])
    expect(judged({ startMs: Date.UTC(2026, 5, 1, 12), asOfMs: Date.UTC(2026, 5, 3) })).toEqual([
      null,
      [2, 6],
    ])
    expect(judged({ startMs: Date.UTC(2026, 5, 2), asOfMs: Date.UTC(2026, 5, 3) })).toEqual([null, [4]])
  })

  test('a window needs the ends of the steps: without them nobody knows which are over', () => {
    const points = daily({ a: 1, b: 1 }, { a: 9000 })
    const window = { asOfMs: Date.UTC(2026, 5, 2, 12) }
    const refusal =
      'points[0].end is required. With phases, silences or a window pass where each step ends, as the points of a view say.'
    expect(() => sequentialSampleRatio(points, even, { window })).toThrow(refusal)
    expect(() => sequentialSampleRatio({ points, window }, even)).toThrow(refusal)
  })

  test('a start that is a Date or a number is told as text, and stays the caller’s', () => {
    const start = new Date(Date.UTC(2026, 5, 1))
    const points = [
      { start, newIdentities: { a: 500 } },
      { start: Date.UTC(2026, 5, 2), newIdentities: { a: 1, x: 1 } },
      { start: '2026-06-03T02:00:00+02:00', newIdentities: { a: 1 } },
      { start: Date.UTC(2026, 5, 4), newIdentities: {}, partial: true },
    ]
    const result = sequentialSampleRatio(points as never, even)
    expect(result).toMatchObject({
      firstCrossedAt: '2026-06-01T00:00:00.000Z',
      openBucket: '2026-06-04T00:00:00.000Z',
      strays: { since: '2026-06-02T00:00:00.000Z' },
    })
    expect(result.path.map((look) => look.start)).toEqual([
      '2026-06-01T00:00:00.000Z',
      '2026-06-02T00:00:00.000Z',
      '2026-06-03T02:00:00+02:00',
    ])
    expect(Object.isFrozen(start)).toBe(false)
  })

  test('a view does as well as its points', () => {
    const points = daily({ a: 10, b: 12 }, {}, { b: 3 })
    expect(sequentialSampleRatio({ points }, even)).toEqual(sequentialSampleRatio(points, even))
  })

  test('identities in no configured arm are reported beside the verdict, with since when', () => {
    const points = daily({ a: 10, b: 10, off: 0 }, { a: 1, off: 1, qa: 3 }, { b: 1, stray: 2 })
    const result = sequentialSampleRatio(points, { ...even, off: 0 }, { leaveOut: ['qa'] })
    expect(result).toMatchObject({
      status: 'consistent',
      strays: {
        status: 'many',
        reason:
          '3 identities are in no configured arm: "off" since 2026-06-02T00:00:00.000Z, ' +
          '"stray" since 2026-06-03T00:00:00.000Z.',
        identities: 3,
        share: 3 / 25,
        variants: [
          { variant: 'off', identities: 1 },
          { variant: 'stray', identities: 2 },
        ],
        since: '2026-06-02T00:00:00.000Z',
      },
      leftOut: [{ variant: 'qa', identities: 3 }],
    })
    expect(result.path).toEqual(sequentialSampleRatio(daily({ a: 10, b: 10 }, { a: 1 }, { b: 1 }), even).path)
    // One that comes again is there since its first bucket.
    const again = daily({ a: 10, b: 10 }, { off: 1 }, {}, { off: 2 })
    expect(sequentialSampleRatio(again, even).strays).toMatchObject({
      reason: '3 identities are in no configured arm: "off" since 2026-06-02T00:00:00.000Z.',
      since: '2026-06-02T00:00:00.000Z',
    })
  })

  test('the mean of five concentrations agrees with mpmath, and sees what a single one sleeps through', () => {
    const { rows } = JSON.parse(
      readFileSync(new URL('../fixtures/statistics/mixed-log-bayes-factor.json', import.meta.url), 'utf8'),
    ) as { rows: [weights: number[], counts: number[], logBayesFactor: number][] }
    expect(rows).toHaveLength(8)
    for (const [weights, counts, logBayesFactor] of rows) {
      const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))
      const result = sequentialSampleRatio(daily(byArm(counts)), byArm(weights))
      expect(Math.abs((result.logBayesFactor ?? NaN) - logBayesFactor)).toBeLessThan(1e-7)
    }
    for (const counts of [
      { a: 360, b: 0 },
      { a: 650, b: 350 },
    ]) {
      expect(sequentialSampleRatio(daily(counts), even).status).toBe('mismatch')
      expect(sequentialSampleRatio(daily(counts), even, { concentration: 10_000 }).status).toBe('consistent')
    }
    expect(sequentialSampleRatio(daily({ a: 360 }), even, { concentration: 10_000 }).pValue).toBeCloseTo(
      0.00195,
      5,
    )
    expect(sequentialSampleRatio(daily({ a: 22 }), even).status).toBe('consistent')
    expect(sequentialSampleRatio(daily({ a: 23 }), even).status).toBe('mismatch')
  })

  // By mpmath, with sixty digits.
  test.each([
    [[1e13, 1e13], [1, 1], -10.78963631509091],
    [[4e15, 4e15], [1, 1], -13.785368586878054],
    [[916666666666663, 1083333333333329], [11, 13], -13.092223684696268],
    [[1000000100000000, 1e15, 999999900000000], [1, 1, 1], -15.628580380249272],
    [[2000000160000000, 1999999840000000], [1, 1], -0.638794996829217],
  ])('keeps its digits: %j identities of %j', (counts, weights, logBayesFactor) => {
    const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))
    const result = sequentialSampleRatio(daily(byArm(counts)), byArm(weights))
    expect(result.logBayesFactor).toBeCloseTo(logBayesFactor, 6)
  })

  test('an arm that should get next to nothing is no reason to compute nothing', () => {
    const result = sequentialSampleRatio(daily({ a: 500, b: 1 }), { a: 1, b: 1e-320 })
    // By mpmath. The prior expects as little of it as the share does.
    expect(result.logBayesFactor).toBeCloseTo(-0.57969457, 8)
  })

  test('a phase in which everybody is left out judges nobody', () => {
    const points = withEnds(daily({ off: 90 }, { a: 500, b: 510 }))
    const phases = [{ shares: { off: 1 } }, { from: '2026-06-02T00:00:00Z', shares: even }]
    const result = sequentialSampleRatio(points, phases, { leaveOut: ['off'] })
    expect(result).toMatchObject({ status: 'consistent', path: [{ total: 0 }, { total: 1010 }] })
    expect(result.logBayesFactor).toBe(sequentialSampleRatio(daily({ a: 500, b: 510 }), even).logBayesFactor)
  })

  test('a list of concentrations is averaged, and one of one is that one', () => {
    const points = daily({ a: 60, b: 40 }, { a: 61, b: 39 })
    const one = (concentration: number | number[]) => sequentialSampleRatio(points, even, { concentration })
    expect(one([100])).toEqual(one(100))
    const mean = (Math.exp(one(10).logBayesFactor ?? NaN) + Math.exp(one(100).logBayesFactor ?? NaN)) / 2
    expect(one([10, 100]).logBayesFactor).toBeCloseTo(Math.log(mean), 10)
    expect(one([10, 100, 1000, 10_000, 100_000])).toEqual(sequentialSampleRatio(points, even))
  })

  test('a summary does as well as its view, with the window that says whether its last bucket is over', () => {
    const summary = summarizeExposures(
      [1, 2].flatMap((day) =>
        [
          ['a', 500],
          ['b', 400],
        ].map(([variant, newIdentities]) => ({
          quarantined: false as const,
          variant: variant as string,
          bucketMs: Date.UTC(2026, 5, day),
          newIdentities: newIdentities as number,
        })),
      ),
      { granularity: 'day' },
    )
    for (const asOf of ['2026-06-02T12:00:00Z', '2026-06-03T00:00:00Z']) {
      const window = exposureWindow('2026-06-01T00:00:00Z', asOf)
      const expected = sequentialSampleRatio(exposuresView(summary, { window }), even)
      expect(sequentialSampleRatio(summary, even, { window })).toEqual(expected)
      expect(expected.path).toHaveLength(asOf.includes('12') ? 1 : 2)
    }
  })

  test('an even quarantine that takes identities back can turn a mismatch of yesterday into none today', () => {
    // What is promised is for counts that only grow; the answer is of today's counts.
    const before = sequentialSampleRatio(daily({ a: 130, b: 60 }), even)
    const after = sequentialSampleRatio(daily({ a: 100, b: 60 }), even)
    expect([before.status, after.status]).toEqual(['mismatch', 'consistent'])
  })

  test('phases: each has its own prior, and the logarithms of their Bayes factors add up', () => {
    const rampAt = (from: string) => [{ from, shares: even }, { shares: { a: 9, b: 1 } }]
    const ramp = rampAt('2026-06-03T00:00:00Z')
    const before = [
      { a: 900, b: 100 },
      { a: 1830, b: 170 },
    ]
    const after = [
      { a: 990, b: 1010 },
      { a: 520, b: 480 },
    ]
    const points = withEnds(daily(...before, ...after))
    expect(sequentialSampleRatio(points, { a: 9, b: 1 }).status).toBe('mismatch')
    expect(sequentialSampleRatio(points, even).status).toBe('mismatch')
    // For each concentration by itself.
    const single = { concentration: 1000 }
    const result = sequentialSampleRatio(points, ramp, single)
    expect(result).toMatchObject({ status: 'consistent', firstCrossedAt: null })
    const first = sequentialSampleRatio(daily(...before), { a: 9, b: 1 }, single)
    const second = sequentialSampleRatio(daily(...after), even, single)
    expect(result.path.map(({ logBayesFactor }) => logBayesFactor)).toEqual([
      ...first.path.map(({ logBayesFactor }) => logBayesFactor),
      ...second.path.map(({ logBayesFactor }) => (first.logBayesFactor ?? NaN) + logBayesFactor),
    ])
    expect(result.path.map(({ total }) => total)).toEqual([1000, 3000, 5000, 6000])
    expect(result.unjudgedIdentities).toBeUndefined()

    // A bucket in which the split changed is a look like any other, but nothing of it is judged.
    const noon = sequentialSampleRatio(points, rampAt('2026-06-02T12:00:00Z'))
    expect(noon).toMatchObject({ status: 'consistent', unjudgedIdentities: 2000 })
    expect(noon.path.map(({ total }) => total)).toEqual([1000, 1000, 3000, 4000])
    expect(noon.path[1]?.logBayesFactor).toBe(noon.path[0]?.logBayesFactor)

    // Those of the bucket in which the split changed are in the share of the strays, too.
    const between = sequentialSampleRatio(
      withEnds(daily({ a: 50, b: 50 }, { a: 450, b: 450, x: 1 })),
      rampAt('2026-06-02T12:00:00Z'),
    )
    expect(between.strays).toMatchObject({ identities: 1, share: 1 / 1001 })

    // By the split of its time an identity may be in no arm.
    const late = [{ shares: { a: 1, b: 0 } }, { from: '2026-06-02T00:00:00Z', shares: even }]
    expect(sequentialSampleRatio(withEnds(daily({ a: 50, b: 1 }, { a: 40, b: 40 })), late)).toMatchObject({
      status: 'consistent',
      path: [{ logBayesFactor: expect.closeTo(0, 9) }, { total: 130 }],
      strays: { identities: 1, since: '2026-06-01T00:00:00.000Z' },
    })
    expect(() => sequentialSampleRatio(daily({ a: 1 }), ramp)).toThrow(
      'points[0].end is required. With phases, silences or a window pass where each step ends, as the points of a view say.',
    )
  })

  test('prototype keys are ordinary variants', () => {
    const record = (value: number) =>
      Object.fromEntries(['__proto__', 'constructor'].map((key) => [key, value]))
    expect(sequentialSampleRatio(daily(record(50), {}), record(1))).toMatchObject({
      status: 'consistent',
      path: [{ total: 100 }, { total: 100 }],
    })
    expect(sequentialSampleRatio(daily(record(50)), even)).toMatchObject({
      status: 'not-enough-traffic',
      strays: { identities: 100 },
    })
  })

  test('nobody yet is no good news', () => {
    expect(sequentialSampleRatio([], even)).toMatchObject({
      status: 'not-enough-traffic',
      reason: 'No closed bucket has an identity to judge.',
      pValue: null,
      path: [],
    })
    expect(sequentialSampleRatio(daily({}, { a: 0 }), even)).toMatchObject({
      status: 'not-enough-traffic',
      pValue: 1,
      logBayesFactor: 0,
    })
  })

  test.each([
    [
      daily({ a: NaN }),
      even,
      'In the bucket 2026-06-01T00:00:00.000Z the count of variant "a" is NaN, which cannot be',
    ],
    [
      daily({ a: 1 }, { b: -1 }),
      even,
      'In the bucket 2026-06-02T00:00:00.000Z the count of variant "b" is -1',
    ],
    [daily({ a: 1 }), { a: NaN, b: 1 }, 'The expected share of variant "a" is NaN'],
    [daily({ a: 1 }), { a: 1 }, 'Only one variant has an expected share above 0'],
    [
      daily({ a: 1 }),
      { a: 5e-324, b: 1e-10 },
      'The expected shares are too far apart for this concentration.',
    ],
  ])('not computable: %j of %j', (points, expected, reason) => {
    const result = sequentialSampleRatio(points, expected, { concentration: 1e-12 })
    expect(result).toEqual({
      status: 'not-computable',
      reason: expect.stringContaining(reason),
      logBayesFactor: null,
      pValue: null,
      firstCrossedAt: null,
      openBucket: null,
      path: [],
      strays: { status: 'none', identities: 0, share: 0, variants: [], since: null },
      leftOut: [],
    })
  })

  test.each([
    ['invalid-statistics', null, even, {}],
    ['invalid-statistics', { points: 5 }, even, {}],
    ['invalid-statistics', [null], even, {}],
    ['invalid-statistics', daily({ a: 1 }, { a: 1 }).toReversed(), even, {}],
    ['invalid-statistics', [...daily({ a: 1 }), ...daily({ a: 1 })], even, {}],
    ['invalid-statistics', [{ start: '2026-06-01T00:00:00Z' }], even, {}],
    ['invalid-statistics', daily({ a: '1' } as never), even, {}],
    ['invalid-instant', [{ bucket: '2026-06-01T00:00:00Z', newIdentities: {} }], even, {}],
    ['invalid-instant', [{ start: '2026-06-01', newIdentities: {} }], even, {}],
    ['invalid-statistics', daily({ a: 1 }), null, {}],
    ['invalid-statistics', daily({ a: 1 }), even, { concentration: 0 }],
    ['invalid-statistics', daily({ a: 1 }), even, { concentration: 1e10 }],
    ['invalid-statistics', daily({ a: 1 }), even, { threshold: 1 }],
  ])('misuse throws %s: %j %j %j', (code, points, expected, options) => {
    expect(() => sequentialSampleRatio(points as never, expected as never, options)).toThrow(
      expect.objectContaining({ code }),
    )
  })
})

test.each([
  [[Math.log(1), Math.log(2), Math.log(6)], Math.log(3)],
  // Numbers that no double holds.
  [[1000, 1000 + Math.log(3)], 1000 + Math.LN2],
  [[-Infinity, 0], -Math.LN2],
  [[-Infinity, -Infinity], -Infinity],
  [[0, Infinity], Infinity],
])('the logarithm of the mean of numbers with the logarithms %o is %d', (logarithms, mean) => {
  expect(logMean(logarithms)).toBeCloseTo(mean, 12)
})
