import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { summarizeExposures } from 'first-exposure'
import { sampleRatio } from 'first-exposure/statistics'
import { exposuresView } from 'first-exposure/view'
// Inside the package only: the tail that the published values are of.
import { chiSquaredUpperTail } from '../../src/statistics/chi-squared-upper-tail.js'
import { binomial, logUpperTail } from '../../src/statistics/count-distributions.js'

const bothEqual = { a: 1, b: 1 }

describe('sampleRatio', () => {
  // The first: R. Kohavi, D. Tang and Y. Xu, "Trustworthy Online Controlled Experiments" (2020), chapter 3, gives 1.8e-6.
  // The others are the values that public implementations of the check are tested with.
  test.each([
    [{ a: 821588, b: 815482 }, { a: 0.5, b: 0.5 }, 1.8217928726191858e-6],
    [{ a: 600, b: 400 }, { a: 0.5, b: 0.5 }, 2.5396285894708634e-10],
    [{ a: 1000, b: 950, c: 1050, d: 1000 }, { a: 0.25, b: 0.25, c: 0.25, d: 0.25 }, 0.1717971442967335],
    [{ a: 850, b: 150 }, { a: 0.9, b: 0.1 }, 1.3608022911357298e-7],
    [{ a: 310, b: 98 }, { a: 0.75, b: 0.25 }, 0.647434185701797],
    [{ a: 0, b: 10, c: 10 }, { a: 0.34, b: 0.33, c: 0.33 }, 0.0057906244034232005],
    [{ a: 3123, b: 6877 }, { a: 0.5, b: 0.5 }, 2.051357801920511e-308],
  ] as [Record<string, number>, Record<string, number>, number][])(
    'published: %j of %j',
    (observed, expected, published) => {
      const { pValue, status, method, statistic, degreesOfFreedom } = sampleRatio(observed, expected, {
        minimumTotal: 20,
      })
      const tail = chiSquaredUpperTail(statistic ?? NaN, degreesOfFreedom ?? NaN)
      expect(Math.abs(tail / published - 1)).toBeLessThan(1e-12)
      // Twenty identities on three arms are too few for that tail; the fixtures have the exact value.
      expect(method).toBe(observed['a'] === 0 ? 'exact' : 'chi-squared')
      const own = method === 'exact' ? 0.004084928966789848 : tail
      expect(Math.abs((pValue ?? NaN) / own - 1)).toBeLessThan(1e-12)
      expect(status).toBe(published < 0.001 ? 'mismatch' : 'consistent')
    },
  )

  test('gives the evidence arm by arm, in the order of the expected variants', () => {
    const result = sampleRatio({ c: 800, a: 2000, z: 0 }, { b: 20, a: 50, c: 30 })
    const statistic = 560 + 600 ** 2 / 1400 + 40 ** 2 / 840
    expect(result).toEqual({
      status: 'mismatch',
      reason:
        'If the expected shares were true, a split at least this far from them would have a probability of 1.4e-178, ' +
        'below 0.001.',
      severity: 'mismatch',
      statistic: expect.closeTo(statistic, 11),
      degreesOfFreedom: 2,
      // With 2 degrees of freedom the tail is exponential.
      pValue: expect.closeTo(Math.exp(-statistic / 2), 189),
      logPValue: expect.closeTo(-statistic / 2, 10),
      method: 'chi-squared',
      arms: [
        {
          variant: 'b',
          observed: 0,
          expected: 560,
          statisticShare: expect.closeTo(560 / statistic, 12),
          share: 0,
          expectedShare: 0.2,
          interval: { low: 0, high: expect.closeTo(-Math.log(0.0005) / 2800, 5) },
          detectable: { below: expect.any(Number), above: expect.any(Number) },
        },
        expect.objectContaining({ variant: 'a', observed: 2000, expected: 1400, expectedShare: 0.5 }),
        expect.objectContaining({ variant: 'c', observed: 800, expected: expect.closeTo(840, 10) }),
      ],
      impliedLoss: { variant: 'b', share: 1 },
      // 13.8155 is the 0.001 quantile with 2 degrees of freedom.
      neededTotal: Math.ceil((13.815510557964274 * 1.8 ** 2) / 0.16),
      strays: { status: 'none', identities: 0, share: 0, variants: [] },
      leftOut: [],
    })
  })

  test('a split without a mismatch has no reason, and says what would have been one', () => {
    const result = sampleRatio({ a: 50, b: 50 }, { a: 1, b: 1 })
    expect(result).toMatchObject({
      status: 'consistent',
      severity: 'none',
      statistic: 0,
      degreesOfFreedom: 1,
      pValue: 1,
      logPValue: 0,
      method: 'exact',
      neededTotal: 98,
      impliedLoss: { share: 0 },
    })
    expect(result).not.toHaveProperty('reason')
    // One phase has one test.
    expect(result).not.toHaveProperty('components')
    for (const { detectable } of result.arms) expect(detectable).toEqual({ below: 0.33, above: 0.67 })
    expect(sampleRatio({ a: 66, b: 34 }, { a: 1, b: 1 }).status).toBe('consistent')
    expect(sampleRatio({ a: 67, b: 33 }, { a: 1, b: 1 }).status).toBe('mismatch')
  })

  test('what is detectable is what is a mismatch, for any sizes', () => {
    for (const [total, weights] of [
      [40, [9, 1]],
      [700, [99, 1]],
      [5000, [3, 1]],
      [1_000_000, [1, 1]],
      // One identity is a mismatch.
      [500, [1_000_000, 1]],
      [500, [1, 1e-300]],
    ] as const) {
      const shares = { a: weights[0], b: weights[1] }
      const expected = Math.round((total * weights[1]) / (weights[0] + weights[1]))
      const { arms } = sampleRatio({ a: total - expected, b: expected }, shares)
      const { below, above } = arms[1]?.detectable ?? {}
      // Of two arms, what one has too many of is missing in the other.
      const rest = (share?: number | null) =>
        typeof share === 'number' ? expect.closeTo(1 - share, 12) : null
      expect(arms[0]?.detectable).toEqual({ below: rest(above), above: rest(below) })
      const isMismatch = (share: number, more = 0) => {
        const b = Math.round(share * total) + more
        return sampleRatio({ a: total - b, b }, shares).status === 'mismatch'
      }
      expect(isMismatch(above ?? NaN)).toBe(true)
      expect(isMismatch(above ?? NaN, -1)).toBe(false)
      if (below === null || below === undefined) expect(isMismatch(0)).toBe(false)
      else {
        expect(isMismatch(below)).toBe(true)
        expect(isMismatch(below, 1)).toBe(false)
      }
    }
  })

  // The statistic of a deviation d is d² / (n · 2/3), and 13.8155 is the 0.001 quantile with 2 degrees of freedom.
  test.each([
    [1000, 96],
    [10, 10],
  ])('of three equal arms of %d, the nearest mismatches are %d away', (each, away) => {
    for (const { detectable } of sampleRatio({ a: each, b: each, c: each }, { a: 1, b: 1, c: 1 }).arms) {
      expect(detectable).toEqual({ below: (each - away) / (3 * each), above: (each + away) / (3 * each) })
    }
  })

  test('a count whose probability is the threshold itself is not detectable', () => {
    // All ten in one arm, either of them: 2 / 1024.
    const detectable = (threshold: number) =>
      sampleRatio({ a: 5, b: 5 }, bothEqual, { threshold }).arms[0]?.detectable
    expect(detectable(2 ** -9)).toEqual({ below: null, above: null })
    expect(detectable(2 ** -9 * (1 + 1e-12))).toEqual({ below: 0, above: 1 })
    // Thirty more than 200 of 400, with the others in proportion, are a statistic of 9: e^(−9 / 2) with 2 degrees.
    const shares = { a: 1, b: 1, c: 2 }
    const threshold = Math.exp(-9 / 2)
    expect(sampleRatio({ a: 85, b: 85, c: 230 }, shares)).toMatchObject({
      statistic: 9,
      pValue: expect.closeTo(threshold, 15),
    })
    const { arms } = sampleRatio({ a: 100, b: 100, c: 200 }, shares, { threshold })
    expect(arms[2]?.detectable).toEqual({ below: 169 / 400, above: 231 / 400 })
  })

  test('an amber light between the two thresholds, and beside them how large the loss would be', () => {
    const amber = sampleRatio({ a: 545, b: 455 }, bothEqual)
    expect(amber).toMatchObject({ status: 'consistent', severity: 'warning' })
    expect(amber.pValue).toBeGreaterThan(0.001)
    expect(amber.pValue).toBeLessThan(0.01)
    expect(amber.impliedLoss).toEqual({ variant: 'b', share: 1 - 455 / 545 })
    expect(sampleRatio({ a: 545, b: 455 }, bothEqual, { warningThreshold: 0.002 }).severity).toBe('none')
    expect(sampleRatio({ a: 545, b: 455 }, bothEqual, { threshold: 0.02 })).toMatchObject({
      severity: 'mismatch',
    })
    expect(sampleRatio({ a: 530, b: 470 }, bothEqual, { threshold: 0.02 }).severity).toBe('none')
    expect(() => sampleRatio({ a: 1 }, bothEqual, { threshold: 0.02, warningThreshold: 0.01 })).toThrow(
      'warningThreshold is not usable: received 0.01. Pass a number from the threshold, 0.02, up.',
    )
    // Millions of identities: a mismatch, of four in a thousand.
    const many = sampleRatio({ a: 5_010_000, b: 4_990_000 }, bothEqual)
    expect(many.status).toBe('mismatch')
    expect(many.impliedLoss?.share).toBeCloseTo(0.004, 4)
    // Too few to be green, but not to be amber.
    expect(sampleRatio({ a: 123, b: 5 }, { a: 99, b: 1 })).toMatchObject({
      status: 'not-enough-traffic',
      severity: 'warning',
    })
  })

  test('an interval covers the shares that would not be rejected', () => {
    const [arm] = sampleRatio({ a: 600, b: 400 }, { a: 1, b: 1 }).arms
    const low = arm?.interval?.low ?? NaN
    // Wilson's interval is Pearson's test turned round.
    const pValue = (share: number) => sampleRatio({ a: 600, b: 400 }, { a: share, b: 1 - share }).pValue
    expect(pValue(low)).toBeCloseTo(0.001, 9)
    expect(pValue(arm?.interval?.high ?? NaN)).toBeCloseTo(0.001, 9)
  })

  test('identities in no configured arm are reported beside the verdict, and never touch it', () => {
    const broken = sampleRatio({ a: 1000, b: 400, qa: 1 }, { a: 1, b: 1 })
    expect(broken).toMatchObject({
      ...sampleRatio({ a: 1000, b: 400 }, { a: 1, b: 1 }),
      strays: {
        status: 'few',
        reason: '1 identity is in no configured arm: "qa" (1).',
        identities: 1,
        share: 1 / 1401,
        variants: [{ variant: 'qa', identities: 1 }],
      },
    })
    expect(broken.reason).toContain('probability of 7.2e-58')
    const right = sampleRatio({ a: 1_000_000, b: 1_000_000, qa: 1 }, { a: 1, b: 1 })
    expect(right).toMatchObject({ status: 'consistent', pValue: 1, strays: { status: 'few' } })
    expect(sampleRatio({ y: 30, a: 500, x: 2, b: 500, off: 7 }, { a: 1, b: 1, off: 0 }).strays).toEqual({
      status: 'many',
      reason: '39 identities are in no configured arm: "off" (7), "x" (2), "y" (30).',
      identities: 39,
      share: 39 / 1039,
      variants: [
        { variant: 'off', identities: 7 },
        { variant: 'x', identities: 2 },
        { variant: 'y', identities: 30 },
      ],
    })
  })

  test('variants that are left out are neither arms nor strays, and the others share what was theirs', () => {
    const counts = { a: 600, b: 600, holdout: 130, off: 5 }
    const result = sampleRatio(
      counts,
      { a: 45, b: 45, holdout: 10 },
      { leaveOut: ['holdout', 'off', 'none'] },
    )
    expect(result).toEqual({
      ...sampleRatio({ a: 600, b: 600 }, { a: 1, b: 1 }),
      leftOut: [
        { variant: 'holdout', identities: 130 },
        { variant: 'off', identities: 5 },
      ],
    })
    expect(sampleRatio(counts, { a: 1, b: 1 }, { leaveOut: ['a', 'b'] })).toMatchObject({
      status: 'not-computable',
    })
    expect(() => sampleRatio(counts, { a: 1, b: 1 }, { leaveOut: 'off' as never })).toThrow('leaveOut')
    expect(() => sampleRatio(counts, { a: 1, b: 1 }, { leaveOut: [5] as never })).toThrow('leaveOut[0]')
  })

  test('a probability too small for a number has a logarithm, and a sentence', () => {
    const result = sampleRatio({ a: 1_000_000, b: 1_500_000 }, { a: 1, b: 1 })
    expect(result.pValue).toBe(0)
    // √(2 / π x) exp(−x / 2), x = 100,000, the first term of the tail; the next is 1 / x of it.
    expect(result.logPValue).toBeCloseTo(-50_000 + Math.log(2 / Math.PI / 100_000) / 2, 4)
    expect(result.reason).toContain('a probability of 4.76e-21718, below 0.001.')
  })

  test('a probability just below the threshold is written so that it is', () => {
    // Pearson's statistic is 1000² / 92,352, a hair above the 0.001 quantile of 10.8276.
    const { reason, pValue } = sampleRatio({ a: 46_676, b: 45_676 }, { a: 1, b: 1 })
    expect(pValue).toBeGreaterThan(0.0009995)
    expect(reason).toContain('a probability of 0.0009997, below 0.001.')
  })

  test('a view and a summary do as well as their totals', () => {
    const buckets = [
      { quarantined: false as const, variant: 'a', bucketMs: Date.UTC(2026, 5, 1), newIdentities: 300 },
      { quarantined: false as const, variant: 'b', bucketMs: Date.UTC(2026, 5, 2), newIdentities: 310 },
    ]
    const exposures = summarizeExposures(buckets, { granularity: 'day' })
    const expected = sampleRatio({ a: 300, b: 310 }, { a: 1, b: 1 })
    expect(expected.status).toBe('consistent')
    expect(sampleRatio(exposures, { a: 1, b: 1 })).toEqual(expected)
    expect(sampleRatio(exposuresView(exposures), { a: 1, b: 1 })).toEqual(expected)
    expect(sampleRatio(exposuresView(exposures).points, { a: 1, b: 1 })).toEqual(expected)
    // A variant may be called as a field of theirs.
    expect(sampleRatio({ points: 300, timeseries: 310 }, { points: 1, timeseries: 1 })).toMatchObject({
      status: 'consistent',
      pValue: expected.pValue,
    })
  })

  test('a variant with share 0 and without identities is no degree of freedom', () => {
    const three = sampleRatio({ a: 300, b: 330 }, { a: 1, b: 1, off: 0 })
    const two = sampleRatio({ a: 300, b: 330 }, { a: 1, b: 1 })
    expect(three).toMatchObject({ degreesOfFreedom: 1, pValue: two.pValue, statistic: two.statistic })
  })

  test('a mismatch is one at any size; no mismatch is consistent only where half of an arm could be seen missing', () => {
    const expected = { a: 1, b: 1 }
    expect(sampleRatio({ a: 99, b: 0 }, expected).status).toBe('mismatch')
    expect(sampleRatio({ a: 10, b: 0 }, expected)).toMatchObject({
      status: 'not-enough-traffic',
      reason:
        '10 identities were counted, and a verdict needs 98: fewer could not show that "a" lost half of its own.',
      pValue: 2 / 1024,
    })
    expect(sampleRatio({ a: 11, b: 0 }, expected)).toMatchObject({ status: 'mismatch', pValue: 2 / 2048 })
    expect(sampleRatio({ a: 49, b: 48 }, expected).status).toBe('not-enough-traffic')
    expect(sampleRatio({ a: 49, b: 49 }, expected).status).toBe('consistent')
    expect(sampleRatio({ a: 1, b: 0 }, expected).reason).toMatch(/^1 identity was counted/)
    expect(sampleRatio({}, expected, { minimumTotal: 0 })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '0 identities were counted, and a verdict needs 1.',
      statistic: null,
      pValue: null,
      logPValue: null,
      method: null,
      impliedLoss: null,
    })
    expect(sampleRatio({}, expected).reason).toBe('0 identities were counted, and a verdict needs 98.')
    const needed = (...weights: number[]) =>
      sampleRatio({}, Object.fromEntries(weights.map((weight, i) => [i, weight]))).neededTotal
    expect([needed(1, 1), needed(9, 1), needed(99, 1), needed(995, 5)]).toEqual([98, 435, 4332, 8663])
    expect(needed(...Array.from({ length: 10 }, () => 1))).toBe(1119)
  })

  test.each<[expected: Record<string, number>, smallest: string]>([
    [{ a: 9, b: 1 }, 'b'],
    [{ a: 1, b: 9 }, 'a'],
    [{ b: 1, a: 9 }, 'b'],
    // Of two as small, the first by key.
    [{ b: 1, a: 1 }, 'a'],
    [{ c: 9, b: 1, a: 1 }, 'a'],
  ])('the arm whose loss could not be shown is the smallest: of %j, %s', (expected, smallest) => {
    const { status, reason } = sampleRatio({ a: 5, b: 5 }, expected, { threshold: 1e-9 })
    expect(status).toBe('not-enough-traffic')
    expect(reason).toContain(`: fewer could not show that "${smallest}" lost half of its own.`)
  })

  test('without identities, an arm has no share, no interval and nothing that is detectable', () => {
    expect(sampleRatio({}, bothEqual).arms).toEqual(
      ['a', 'b'].map((variant) => ({
        variant,
        observed: 0,
        expected: 0,
        statisticShare: null,
        share: null,
        expectedShare: null,
        interval: null,
        detectable: { below: null, above: null },
      })),
    )
  })

  test('below a minimum that was asked for there is no verdict at all', () => {
    const expected = { a: 1, b: 1 }
    expect(sampleRatio({ a: 99, b: 0 }, expected, { minimumTotal: 100 })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '99 identities were counted, and a verdict needs 100.',
      severity: null,
    })
    expect(sampleRatio({ a: 99, b: 0 }, expected, { minimumTotal: 99 }).status).toBe('mismatch')
    expect(sampleRatio({ a: 5, b: 5 }, expected, { minimumTotal: 10 }).status).toBe('consistent')
  })

  // How large a count must be for the chi-squared distribution, and which way is taken to the exact tail.
  test.each([
    [{ a: 260, b: 260 }, bothEqual, 1e-4, 'exact'],
    [{ a: 280, b: 280 }, bothEqual, 1e-4, 'chi-squared'],
    [{ a: 150_000, b: 150_000, c: 3 }, { a: 50_000, b: 50_000, c: 1 }, 0.001, 'exact'],
    [{ a: 4_999_998, b: 4_999_999, c: 3 }, { a: 2e6, b: 2e6, c: 1 }, 0.001, 'exact'],
    [{ a: 6e6, b: 6e6, c: 3 }, { a: 2e6, b: 2e6, c: 1 }, 0.001, 'mixed'],
    // One large arm is no group.
    [{ a: 2e7, b: 3 }, { a: 1e7, b: 1 }, 0.001, 'exact'],
    [{ a: 5000, b: 5100, c: 4900, d: 12 }, { a: 1000, b: 1000, c: 1000, d: 1 }, 0.001, 'mixed'],
  ] as [Record<string, number>, Record<string, number>, number, string][])(
    '%j of %j, compared with %d, has a p-value that is %s',
    (counts, shares, threshold, method) => {
      expect(sampleRatio(counts, shares, { threshold }).method).toBe(method)
    },
  )

  test('a share too small for a statistic is bounded by its own binomial', () => {
    // ln C(505, 5) + 5 ln 1e-310, and twice, for two arms.
    const { logPValue, statistic, method } = sampleRatio({ a: 5, b: 500 }, { a: 1e-310, b: 1 })
    expect(statistic).toBeNull()
    expect(logPValue).toBeCloseTo(-3541.99831, 4)
    expect(method).toBe('bound')
    // The surplus of another arm is less probable still: 5000 or more of 5001 at one half. Three arms.
    const other = sampleRatio({ a: 1, b: 5000 }, { a: 1e-313, b: 1, c: 1 })
    expect(other.statistic).toBeNull()
    expect(other.logPValue).toBeCloseTo(Math.log(3) + Math.log(5002) - 5001 * Math.LN2, 6)
  })

  test('the implied loss is that of the arm with the fewest identities for its share', () => {
    // For 900 in "a" there should be 100 in "b"; for 50 in "b" there should be 450 in "a".
    const shares = { a: 9, b: 1 }
    const loss = (a: number, b: number) => sampleRatio({ a, b }, shares).impliedLoss
    expect(loss(900, 50)).toEqual({ variant: 'b', share: expect.closeTo(1 / 2, 12) })
    expect(loss(300, 50)).toEqual({ variant: 'a', share: expect.closeTo(1 / 3, 12) })
  })

  test('strays of exactly 1 % are few, and of two arms that miss as much the first by key is named', () => {
    expect(sampleRatio({ a: 495, b: 495, x: 10 }, bothEqual).strays.status).toBe('few')
    expect(sampleRatio({ a: 494, b: 495, x: 11 }, bothEqual).strays.status).toBe('many')
    expect(sampleRatio({ b: 50, a: 50 }, { b: 1, a: 1 }).impliedLoss?.variant).toBe('a')
  })

  test('the threshold is exclusive', () => {
    const { pValue } = sampleRatio({ a: 520, b: 480 }, { a: 1, b: 1 })
    const p = pValue ?? NaN
    expect(sampleRatio({ a: 520, b: 480 }, { a: 1, b: 1 }, { threshold: p }).status).toBe('consistent')
    expect(sampleRatio({ a: 520, b: 480 }, { a: 1, b: 1 }, { threshold: p * (1 + 1e-12) }).status).toBe(
      'mismatch',
    )
  })

  test.each([
    [
      { a: NaN, b: 500 },
      { a: 1, b: 1 },
      'The count of variant "a" is NaN, which cannot be a count of identities.',
    ],
    [
      { a: -1, b: 500 },
      { a: 1, b: 1 },
      'The count of variant "a" is -1, which cannot be a count of identities.',
    ],
    [
      { a: 1.5, b: 500 },
      { a: 1, b: 1 },
      'The count of variant "a" is 1.5, which cannot be a count of identities.',
    ],
    [
      { a: Infinity },
      { a: 1, b: 1 },
      'The count of variant "a" is Infinity, which cannot be a count of identities.',
    ],
    [{ a: 500 }, { a: NaN, b: 1 }, 'The expected share of variant "a" is NaN, which cannot be a share.'],
    [{ a: 500 }, { a: 1, b: -0.1 }, 'The expected share of variant "b" is -0.1, which cannot be a share.'],
    [
      { a: 500 },
      { a: Infinity, b: 1 },
      'The expected share of variant "a" is Infinity, which cannot be a share.',
    ],
    [{ a: 500 }, { a: 0, b: 0 }, 'No variant has an expected share above 0.'],
    [{ a: 500 }, {}, 'No variant has an expected share above 0.'],
    [{ a: 500 }, { a: 1 }, 'Only one variant has an expected share above 0: there is no ratio to test.'],
    [
      { a: 500 },
      { a: 1, b: 0 },
      'Only one variant has an expected share above 0: there is no ratio to test.',
    ],
  ] as [Record<string, number>, Record<string, number>, string][])(
    'not computable: %o of %o',
    (observed, expected, reason) => {
      expect(sampleRatio(observed, expected)).toEqual({
        status: 'not-computable',
        reason,
        severity: null,
        statistic: null,
        degreesOfFreedom: null,
        pValue: null,
        logPValue: null,
        method: null,
        arms: [],
        impliedLoss: null,
        neededTotal: null,
        strays: { status: 'none', identities: 0, share: 0, variants: [] },
        leftOut: [],
      })
    },
  )

  test('prototype keys are ordinary variants', () => {
    const keys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']
    const record = (value: number) => Object.fromEntries(keys.map((key) => [key, value]))
    const result = sampleRatio(record(100), record(1))
    expect(result.status).toBe('consistent')
    expect(result.arms.map(({ variant }) => variant)).toEqual(keys)
    // Not inherited: an empty object has seen no constructor.
    expect(sampleRatio({}, record(1)).arms.map(({ observed }) => observed)).toEqual([0, 0, 0, 0, 0])
    const strays = sampleRatio(record(100), { a: 1, b: 1 }).strays.variants
    expect(strays.map(({ variant }) => variant)).toEqual(keys.toSorted())
  })

  test('shares of any size, and as far apart as doubles are', () => {
    expect(sampleRatio({ a: 500, b: 500 }, { a: 1.7e308, b: 1.7e308 }).pValue).toBe(1)
    expect(sampleRatio({ a: 500, b: 500 }, { a: 5e-324, b: 5e-324 }).pValue).toBe(1)
    expect(sampleRatio({ a: 500, b: 500 }, { a: 1e-300, b: 1 })).toMatchObject({
      status: 'mismatch',
      pValue: 0,
    })
    expect(sampleRatio({ a: 0, b: 500 }, { a: 1e-300, b: 1 })).toMatchObject({
      status: 'not-enough-traffic',
      pValue: 1,
      neededTotal: Number.MAX_SAFE_INTEGER,
    })
    expect(sampleRatio({ a: 1, b: 500 }, { a: 5e-324, b: 1e300 })).toMatchObject({ status: 'not-computable' })
  })

  test.each([
    [null, { a: 1, b: 1 }, {}],
    [new Map([['a', 1]]), { a: 1, b: 1 }, {}],
    [[1, 2], { a: 1, b: 1 }, {}],
    [{ a: '5' }, { a: 1, b: 1 }, {}],
    [{ a: 5n }, { a: 1, b: 1 }, {}],
    [{ a: 5 }, undefined, {}],
    [{ a: 5 }, { a: '50%' }, {}],
    [{ a: 5 }, { a: 1, b: 1 }, { threshold: 0 }],
    [{ a: 5 }, { a: 1, b: 1 }, { threshold: 1 }],
    [{ a: 5 }, { a: 1, b: 1 }, { threshold: NaN }],
    [{ a: 5 }, { a: 1, b: 1 }, { minimumTotal: -1 }],
    [{ a: 5 }, { a: 1, b: 1 }, { minimumTotal: NaN }],
  ])('misuse throws: %o %o %o', (observed, expected, options) => {
    expect(() => sampleRatio(observed as never, expected as never, options)).toThrow(
      expect.objectContaining({ code: 'invalid-statistics' }),
    )
  })
})

describe('sampleRatio with phases', () => {
  /** One step a day from 1 June 2026, UTC, with its end. */
  const daily = (...increments: readonly Readonly<Record<string, number>>[]) =>
    increments.map((newIdentities, day) => ({
      start: new Date(Date.UTC(2026, 5, 1 + day)).toISOString(),
      end: new Date(Date.UTC(2026, 5, 2 + day)).toISOString(),
      newIdentities,
    }))
  const summary = (
    granularity: 'hour' | 'day',
    timeZone: string,
    points: readonly (readonly [bucket: string, newIdentities: Readonly<Record<string, number>>])[],
  ) => ({
    timeseries: {
      granularity,
      timeZone,
      points: points.map(([bucket, newIdentities]) => ({ bucket, newIdentities })),
    },
  })
  const ramp = [
    { shares: { control: 90, treatment: 10 } },
    { from: '2026-06-03T00:00:00Z', shares: { control: 50, treatment: 50 } },
  ]

  test('a ramp: each identity by its own split, where the plain test reports a false mismatch', () => {
    const steps = daily(
      { control: 900, treatment: 100 },
      { control: 1815, treatment: 185 },
      { control: 990, treatment: 1010 },
      { control: 505, treatment: 495 },
    )
    const totals = { control: 4210, treatment: 1790 }
    for (const { shares } of ramp) expect(sampleRatio(totals, shares).status).toBe('mismatch')
    // With 2 degrees of freedom the tail is exponential. Together the phases have 10 more than expected in control.
    const statistic = 15 ** 2 / 2700 + 15 ** 2 / 300 + 2 * (5 ** 2 / 1500)
    const together = 10 ** 2 / (3000 * 0.09 + 3000 * 0.25)
    const phases = Math.exp(-statistic / 2)
    const pooled = chiSquaredUpperTail(together, 1)
    expect(sampleRatio(steps, ramp)).toMatchObject({
      status: 'consistent',
      statistic: expect.closeTo(statistic, 12),
      degreesOfFreedom: 2,
      pValue: Math.min(1, 2 * Math.min(phases, pooled)),
      method: 'bound',
      components: {
        phases: { degreesOfFreedom: 2, pValue: expect.closeTo(phases, 12), method: 'chi-squared' },
        pooled: {
          statistic: expect.closeTo(together, 12),
          degreesOfFreedom: 1,
          pValue: expect.closeTo(pooled, 12),
          method: 'chi-squared',
        },
      },
      arms: [
        { variant: 'control', observed: 4210, expected: 4200, statisticShare: expect.any(Number) },
        { variant: 'treatment', observed: 1790, expected: 1800, statisticShare: expect.any(Number) },
      ],
    })
  })

  test('a steady loss of two standard deviations in each phase is found by all of them together', () => {
    const shares = [1, 5, 20, 50]
    const steps = daily(...[172, 938, 3887, 9859].map((treated) => ({ control: 20_000 - treated, treated })))
    const phases = shares.map((share, i) => ({
      from: Date.UTC(2026, 5, 1 + i),
      shares: { control: 100 - share, treated: share },
    }))
    const result = sampleRatio(steps, phases)
    expect(result.status).toBe('mismatch')
    expect(result.components?.phases.pValue).toBeCloseTo(0.00306, 5)
    expect(result.components?.phases.degreesOfFreedom).toBe(4)
    expect(result.components?.pooled.pValue).toBeCloseTo(3.7377e-4, 8)
    expect(result.pValue).toBeCloseTo(2 * (result.components?.pooled.pValue ?? NaN), 15)
  })

  test('the pooled test agrees with numpy, and where few are expected with sums in rational arithmetic', () => {
    const { rows } = JSON.parse(
      readFileSync(new URL('../fixtures/statistics/pooled-phases.json', import.meta.url), 'utf8'),
    ) as {
      rows: [phases: [weights: number[], counts: number[]][], statistic: number, rank: number, p: number][]
    }
    expect(rows).toHaveLength(10)
    const methods = new Set<unknown>()
    const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))
    for (const [phases, statistic, degreesOfFreedom, pValue] of rows) {
      const { components } = sampleRatio(
        daily(...phases.map(([, counts]) => byArm(counts))),
        phases.map(([weights], day) => ({ from: Date.UTC(2026, 5, 1 + day), shares: byArm(weights) })),
      )
      const pooled = components?.pooled
      methods.add(pooled?.method)
      expect(pooled?.degreesOfFreedom).toBe(degreesOfFreedom)
      expect(Math.abs((pooled?.statistic ?? NaN) / statistic - 1)).toBeLessThan(1e-9)
      expect(Math.abs((pooled?.pValue ?? NaN) / pValue - 1)).toBeLessThan(1e-9)
    }
    expect(methods).toEqual(new Set(['chi-squared', 'exact']))
  })

  test.each([1e3, 1e6, 1e7, 1e9, 1e12])(
    'the pooled test of small arms, one in %d, has one degree of freedom less than arms',
    (whole) => {
      const pooledOf = (counts: Record<string, number>, shares: Record<string, number>) =>
        sampleRatio(daily(counts, counts), [{ shares }, { from: Date.UTC(2026, 5, 2), shares }]).components
          ?.pooled
      // Each phase brings 500 for a small arm, and 560 come.
      const two = pooledOf({ a: 500 * (whole - 1), b: 560 }, { a: whole - 1, b: 1 })
      const total = 1000 * (whole - 1) + 1120
      const statistic = (1120 - total / whole) ** 2 / ((total / whole) * (1 - 1 / whole))
      expect(two).toMatchObject({ degreesOfFreedom: 1, statistic: expect.closeTo(statistic, 9) })
      expect((two?.pValue ?? NaN) / chiSquaredUpperTail(statistic, 1)).toBeCloseTo(1, 9)
      const three = pooledOf({ a: 500 * (whole - 2), b: 560, c: 500 }, { a: whole - 2, b: 1, c: 1 })
      expect(three?.degreesOfFreedom).toBe(2)
    },
  )

  test('agrees with scipy, phase by phase', () => {
    const { rows } = JSON.parse(
      readFileSync(new URL('../fixtures/statistics/phased-sample-ratio.json', import.meta.url), 'utf8'),
    ) as {
      rows: [phases: [weights: number[], counts: number[]][], statistic: number, df: number, p: number][]
    }
    expect(rows).toHaveLength(36)
    let compared = 0
    const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))
    for (const [phases, statistic, degreesOfFreedom, pValue] of rows) {
      const result = sampleRatio(
        daily(...phases.map(([, counts]) => byArm(counts))),
        phases.map(([weights], day) => ({ from: Date.UTC(2026, 5, 1 + day), shares: byArm(weights) })),
      )
      expect(Math.abs((result.statistic ?? NaN) / statistic - 1)).toBeLessThan(1e-10)
      expect(result.degreesOfFreedom).toBe(degreesOfFreedom)
      // A phase of few identities is judged exactly, and the phases are then put together after Fisher.
      const found = result.components?.phases ?? result
      if (found.method !== 'chi-squared') continue
      compared++
      expect(Math.abs((found.pValue ?? NaN) / pValue - 1)).toBeLessThan(1e-9)
      if (result.components === undefined) expect(result.status === 'mismatch').toBe(pValue < 0.001)
    }
    expect(compared).toBeGreaterThan(24)
  })

  test('two phases that are wrong in opposite directions do not make up for each other', () => {
    const phases = [{ shares: { a: 1, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 1, b: 1 } }]
    expect(sampleRatio({ a: 1000, b: 1000 }, { a: 1, b: 1 }).pValue).toBe(1)
    const result = sampleRatio(daily({ a: 600, b: 400 }, { a: 400, b: 600 }), phases)
    expect(result).toMatchObject({ status: 'mismatch', statistic: 80, degreesOfFreedom: 2 })
    expect(result.arms.map(({ observed, expected }) => [observed, expected])).toEqual([
      [1000, 1000],
      [1000, 1000],
    ])
  })

  test('a summary, a view and its points say the same', () => {
    const increments = [
      { control: 900, treatment: 100 },
      { control: 905, treatment: 95 },
      { control: 490, treatment: 510 },
    ]
    const steps = daily(...increments)
    const points = steps.map(({ start, newIdentities }) => [start, newIdentities] as const)
    const expected = sampleRatio(steps, ramp)
    expect(expected.status).toBe('consistent')
    expect(sampleRatio({ points: steps }, ramp)).toEqual(expected)
    expect(sampleRatio(summary('day', 'UTC', points), ramp)).toEqual(expected)
  })

  test('what summarizeExposures and exposuresView make', () => {
    const buckets = [
      { day: 1, control: 180, treatment: 20 },
      { day: 2, control: 450, treatment: 50 },
      { day: 3, control: 300, treatment: 320 },
    ].flatMap(({ day, ...newIdentities }) =>
      Object.entries(newIdentities).map(([variant, count]) => ({
        quarantined: false as const,
        variant,
        bucketMs: Date.UTC(2026, 5, day),
        newIdentities: count,
      })),
    )
    const exposures = summarizeExposures(buckets, { granularity: 'day' })
    const expected = sampleRatio(exposures, ramp)
    expect(expected).toMatchObject({ status: 'consistent', degreesOfFreedom: 2 })
    expect(sampleRatio(exposuresView(exposures), ramp)).toEqual(expected)
  })

  test('a bucket in which the split changed is left out and reported', () => {
    const steps = daily({ a: 500, b: 500 }, { a: 700, b: 300 }, { a: 900, b: 100 })
    const at = (from: number) =>
      sampleRatio(steps, [{ shares: { a: 1, b: 1 } }, { from, shares: { a: 9, b: 1 } }])
    const noon = at(Date.UTC(2026, 5, 2, 12))
    expect(noon).toMatchObject({
      status: 'consistent',
      statistic: expect.closeTo(0, 20),
      degreesOfFreedom: 2,
    })
    expect(noon.unjudgedIdentities).toBe(1000)
    expect(noon.arms.map(({ observed }) => observed)).toEqual([1400, 600])
    // One millisecond decides, at both ends.
    expect(at(Date.UTC(2026, 5, 2)).unjudgedIdentities).toBeUndefined()
    expect(at(Date.UTC(2026, 5, 2) + 1).unjudgedIdentities).toBe(1000)
    expect(at(Date.UTC(2026, 5, 3) - 1).unjudgedIdentities).toBe(1000)
    expect(at(Date.UTC(2026, 5, 3)).unjudgedIdentities).toBeUndefined()
    expect(at(Date.UTC(2026, 5, 2)).status).toBe('mismatch')
  })

  test('with shares as far apart as doubles are, a verdict still needs a whole number', () => {
    const phases = [
      { shares: { a: 5e-324, b: 1 } },
      { from: Date.UTC(2026, 5, 2), shares: { b: 1, c: 5e-324 } },
    ]
    const { neededTotal } = sampleRatio(daily({ b: 500 }, { b: 500 }), phases)
    expect(neededTotal).toSatisfy(Number.isSafeInteger)
  })

  test('a stray of a bucket in which the split changed is one of no phase', () => {
    const steps = daily({ a: 500, b: 500, qa: 1 }, { a: 500, b: 500, qa: 2 }, { a: 900, b: 100 })
    const phases = [{ shares: bothEqual }, { from: '2026-06-02T12:00:00Z', shares: { a: 9, b: 1 } }]
    expect(sampleRatio(steps, phases)).toMatchObject({
      status: 'consistent',
      unjudgedIdentities: 1000,
      strays: {
        status: 'few',
        reason: '3 identities are in no configured arm: "qa" (2), "qa" in the first phase (1).',
        identities: 3,
        variants: [{ variant: 'qa', identities: 3 }],
      },
    })
  })

  test('what is before the window is left out, though nothing comes after it', () => {
    const window = { startMs: Date.UTC(2026, 5, 5), asOfMs: Date.UTC(2026, 5, 8) }
    const before = ['2026-06-01T00:00:00.000Z', { a: 900, b: 100 }] as const
    const within = ['2026-06-06T00:00:00.000Z', { a: 505, b: 495 }] as const
    const nobody = { status: 'not-enough-traffic', statistic: null }
    expect(sampleRatio(summary('day', 'UTC', [before]), bothEqual, { window })).toMatchObject(nobody)
    expect(sampleRatio(summary('day', 'UTC', [before, within]), bothEqual, { window })).toEqual(
      sampleRatio({ a: 505, b: 495 }, bothEqual),
    )
    // Steps without ends: the next one says that one is over, and of the last nothing does.
    const [first, second] = [before, within].map(([start, newIdentities]) => ({ start, newIdentities }))
    const ofSteps = (...steps: (typeof first)[]) =>
      sampleRatio(
        steps.filter((step) => step !== undefined),
        bothEqual,
        { window: { ...window, startMs: Date.UTC(2026, 5, 6) } },
      )
    expect(ofSteps(first, second)).toEqual(sampleRatio({ a: 505, b: 495 }, bothEqual))
    expect(() => ofSteps(first)).toThrow('points[0].end is required.')
  })

  test('a summary needs no time zone where nothing ends inside a bucket', () => {
    const { granularity, points } = summary('day', '', [
      ['2026-06-01T00:00:00Z', { a: 300, b: 310 }],
    ]).timeseries
    expect(sampleRatio({ timeseries: { granularity, points } as never }, bothEqual)).toEqual(
      sampleRatio({ a: 300, b: 310 }, bothEqual),
    )
  })

  test('a change between two sparse buckets splits neither', () => {
    const points = [
      ['2026-06-01T00:00:00.000Z', { a: 500, b: 500 }],
      ['2026-06-05T00:00:00.000Z', { a: 900, b: 100 }],
    ] as const
    const phases = [{ shares: { a: 1, b: 1 } }, { from: '2026-06-02T07:00:00Z', shares: { a: 9, b: 1 } }]
    const result = sampleRatio(summary('day', 'UTC', points), phases)
    expect(result.status).toBe('consistent')
    expect(result.unjudgedIdentities).toBeUndefined()
  })

  test('where clocks move by half an hour, the last hour of the day ends where the next begins', () => {
    // Lord Howe, 5 April 2026: the day lasts from 13:00 UTC to 13:30 of the next, and so does its last hour.
    const points = [
      ['2026-04-05T13:00:00.000Z', { a: 500, b: 500 }],
      ['2026-04-05T13:30:00.000Z', { a: 900, b: 100 }],
    ] as const
    const from = (instant: string) =>
      sampleRatio(summary('hour', 'Australia/Lord_Howe', points), [
        { shares: { a: 1, b: 1 } },
        { from: instant, shares: { a: 9, b: 1 } },
      ])
    expect(from('2026-04-05T13:29:59.999Z').unjudgedIdentities).toBe(1000)
    expect(from('2026-04-05T13:30:00.000Z')).toMatchObject({ status: 'consistent' })
    expect(from('2026-04-05T13:30:00.000Z').unjudgedIdentities).toBeUndefined()
    // In the second bucket, and no more in the first.
    expect(from('2026-04-05T13:45:00.000Z').unjudgedIdentities).toBe(1000)
  })

  test('days of 23 and 25 hours end when they end', () => {
    const unjudged = (timeZone: string, start: string, from: number) =>
      sampleRatio(summary('day', timeZone, [[start, { a: 500, b: 500 }]]), [
        { shares: { a: 1, b: 1 } },
        { from, shares: { a: 9, b: 1 } },
      ]).unjudgedIdentities
    for (const [timeZone, start, hours] of [
      ['Europe/Berlin', '2026-03-28T23:00:00.000Z', 23],
      ['Europe/Berlin', '2026-05-31T22:00:00.000Z', 24],
      ['Europe/Berlin', '2026-10-24T22:00:00.000Z', 25],
      ['America/St_Johns', '2010-11-06T02:30:00.000Z', 25],
    ] as const) {
      const end = Date.parse(start) + hours * 3_600_000
      expect(unjudged(timeZone, start, end - 1), `${timeZone} ${start}`).toBe(1000)
      expect(unjudged(timeZone, start, end), `${timeZone} ${start}`).toBeUndefined()
    }
    // The clock that was set back from 00:01 showed the next date for a minute, an hour before the day was over.
    expect(unjudged('America/St_Johns', '2010-11-06T02:30:00.000Z', Date.UTC(2010, 10, 7, 2, 30, 30))).toBe(
      1000,
    )
  })

  test('the phases may come in any order, and the earliest holds from the beginning', () => {
    const steps = daily({ a: 900, b: 100 }, { a: 500, b: 500 }, { a: 100, b: 900 })
    const phases = [
      { from: '2026-06-03T00:00:00Z', shares: { a: 1, b: 9 } },
      { from: new Date('2026-06-02T00:00:00Z'), shares: { a: 1, b: 1 } },
      { shares: { a: 9, b: 1 } },
    ]
    expect(sampleRatio(steps, phases)).toMatchObject({
      status: 'consistent',
      statistic: expect.closeTo(0, 20),
      degreesOfFreedom: 3,
    })
    expect(sampleRatio(steps, phases.toReversed())).toEqual(sampleRatio(steps, phases))
    const dated = phases.map((phase) => ({ from: '2026-06-01T12:00:00Z', ...phase }))
    expect(sampleRatio(steps, dated)).toEqual(sampleRatio(steps, phases))
  })

  test('a phase of few identities is judged exactly: it neither alarms by itself nor hides a loss', () => {
    // One identity where 0.05 are expected would be a statistic of 18 by itself.
    const phases = [{ shares: { a: 99, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 1, b: 1 } }]
    const result = sampleRatio(daily({ a: 4, b: 1 }, { a: 510, b: 490 }), phases)
    expect(result).toMatchObject({ status: 'consistent', degreesOfFreedom: 2 })
    expect(result.unjudgedIdentities).toBeUndefined()
    // Fisher: −2 ln(p₁ p₂) with 4 degrees of freedom, p₁ = 1 − 0.99⁵ and p₂ the second phase's own.
    const product = (1 - 0.99 ** 5) * (sampleRatio({ a: 510, b: 490 }, { a: 1, b: 1 }).pValue ?? NaN)
    expect(result.components?.phases.pValue).toBeCloseTo(product * (1 - Math.log(product)), 12)
    expect(sampleRatio(daily({ a: 0, b: 5 }, { a: 510, b: 490 }), phases).status).toBe('mismatch')
  })

  test('an arm whose phase has not come yet changes nothing', () => {
    const later = [{ shares: bothEqual }, { from: Date.UTC(2026, 5, 6), shares: { a: 1, b: 1, c: 1 } }]
    const counts = { a: 50, b: 50 }
    const { arms, ...result } = sampleRatio(daily(counts), later)
    const { arms: plain, ...expected } = sampleRatio(counts, bothEqual)
    expect(result).toEqual(expected)
    expect(arms.slice(0, 2)).toEqual(plain)
    expect(arms[2]).toMatchObject({ variant: 'c', expected: 0, detectable: { below: null, above: null } })
    expect(sampleRatio(daily({ a: 5, b: 5 }), later).reason).toBe(
      '10 identities were counted, and a verdict needs 98: fewer could not show that "a" lost half of its own.',
    )
  })

  // The second test alone, on phases that the first finds nothing in. In rational arithmetic where it is exact.
  const pooledCases = [
    [
      daily({ a: 8, b: 2, c: 2 }, { a: 9, b: 6, c: 9 }),
      { a: 1, b: 1, c: 1 },
      { a: 1, b: 1, c: 2 },
      0.0416190414016,
      'bound',
    ],
    [
      daily({ a: 580, b: 480, c: 2 }, { a: 950, b: 830, c: 3 }),
      { a: 500, b: 500, c: 1 },
      { a: 500, b: 500, c: 2 },
      1.0801257541e-4,
      'bound',
    ],
    [daily({ a: 60, b: 60 }, { a: 65, b: 55 }), bothEqual, bothEqual, 0.5613667386935, 'exact'],
  ] as const
  test.each(pooledCases)('the pooled test of %j', (steps, first, second, pValue, method) => {
    const { components } = sampleRatio(steps, [
      { shares: first },
      { from: Date.UTC(2026, 5, 2), shares: second },
    ])
    expect(components?.pooled.pValue).toBeCloseTo(pValue, 6)
    expect(Math.abs((components?.pooled.pValue ?? NaN) / pValue - 1)).toBeLessThan(1e-5)
    expect(components?.pooled.method).toBe(method)
  })

  test('each of the two tests is held to half of the threshold', () => {
    const { components } = sampleRatio(daily({ a: 120, b: 120 }, { a: 125, b: 115 }), [
      { shares: bothEqual },
      { from: Date.UTC(2026, 5, 2), shares: bothEqual },
    ])
    // At 0.001 a count of 120 would do for the chi-squared distribution; at 0.0005 it does not.
    expect(components?.phases.method).toBe('bound')
  })

  /** The pooled test of days that all have the same shares, each day a phase. */
  const pooledOf = (
    steps: ReturnType<typeof daily>,
    shares: Readonly<Record<string, number>>,
    threshold = 0.001,
  ) => {
    const phases = steps.map(({ start }) => ({ from: start, shares }))
    return sampleRatio(steps, phases, { threshold }).components?.pooled
  }

  test.each([
    ['far above what is expected', daily({ a: 300, b: 200 }, { a: 410, b: 40 }), { a: 9, b: 1 }, 0.001],
    ['a little above it', daily({ a: 400, b: 40 }, { a: 400, b: 60 }), { a: 9, b: 1 }, 0.001],
    ['below it', daily({ a: 400, b: 30 }, { a: 400, b: 20 }), { a: 9, b: 1 }, 0.001],
    ['one expected, and 105 more', daily({ a: 459, b: 53 }, { a: 459, b: 53 }), { a: 1023, b: 1 }, 0.001],
    ['an arm of hardly any share', daily({ a: 1000, b: 3 }, { a: 3000, b: 0 }), { a: 1e12, b: 1 }, 0.001],
    ['an arm of billions', daily({ a: 5e9 - 3, b: 3 }, { a: 5e9 - 4, b: 4 }), { a: 1e9, b: 1 }, 0.001],
    // A count as far below is a tie, and ties count.
    ['two thousand expected', daily({ a: 19_307, b: 2256 }, { a: 1009, b: 118 }), { a: 9, b: 1 }, 1e-11],
  ])(
    'of phases with the same shares, the pooled test is that of the totals: %s',
    (_, steps, shares, threshold) => {
      const totals = { a: 0, b: 0 }
      for (const { newIdentities } of steps) {
        totals.a += newIdentities['a'] ?? 0
        totals.b += newIdentities['b'] ?? 0
      }
      const expected = sampleRatio(totals, shares, { threshold })
      const pooled = pooledOf(steps, shares, threshold)
      expect([pooled?.method, expected.method]).toEqual(['exact', 'exact'])
      expect(pooled?.logPValue).toBeCloseTo(expected.logPValue ?? NaN, 9)
    },
  )

  test.each([
    // One is expected, and 106 more came.
    [1024, 107, { a: 1023, b: 1 }],
    [440, 430, { a: 35, b: 9 }],
    // No double holds the probability of it.
    [2050, 50, { a: 1e12, b: 1 }],
  ])('a pooled deviation too great to add up, %d with %d, has Chernoff’s bound', (total, count, shares) => {
    const half = { a: (total - count) / 2, b: count / 2 }
    const [first, second] = [
      { a: Math.ceil(half.a), b: Math.floor(half.b) },
      { a: Math.floor(half.a), b: Math.ceil(half.b) },
    ]
    const rest = total - count
    const [p, q] = [shares.b / (shares.a + shares.b), shares.a / (shares.a + shares.b)]
    const divergence = count * Math.log(count / total / p) + rest * Math.log(rest / total / q)
    const pooled = pooledOf(daily(first, second), shares)
    expect(pooled?.method).toBe('bound')
    // Twice, for both sides.
    expect(pooled?.logPValue).toBeCloseTo(Math.LN2 - divergence, 6)
  })

  test('an arm that expects exactly enough is judged by the chi-squared distribution beside a smaller one', () => {
    const counts = { a: 70, b: 25, c: 190, d: 115 }
    const pooled = pooledOf(daily(counts, counts), { a: 2, b: 1, c: 8, d: 5 }, 0.002)
    // 140 of 800 where an eighth is expected, 100, and three other arms that deviate less.
    const tail = chiSquaredUpperTail(40 ** 2 / (800 * (1 / 8) * (7 / 8)), 1)
    expect(pooled?.method).toBe('bound')
    expect(pooled?.pValue).toBeCloseTo(4 * tail, 12)
  })

  /** The ways to give a phase its identities, each with its probability, but for about one in 10⁸. */
  const outcomesOf = (
    total: number,
    shares: Readonly<Record<string, number>>,
  ): { readonly counts: Readonly<Record<string, number>>; readonly probability: number }[] => {
    const weight = Object.values(shares).reduce((sum, share) => sum + share, 0)
    // The most frequent arm gets what the others leave.
    const [last = ['', 0], ...others] = Object.entries(shares).toSorted(([, a], [, b]) => b - a)
    const after = (
      [first, ...rest]: typeof others,
      left: number,
      of: number,
    ): ReturnType<typeof outcomesOf> => {
      if (first === undefined) return [{ counts: { [last[0]]: left }, probability: 1 }]
      const [variant, share] = first
      const { logProbability } = binomial(left, share / of, 1 - share / of)
      return Array.from({ length: left + 1 }, (_, count) => ({
        count,
        chance: Math.exp(logProbability(count)),
      }))
        .filter(({ chance }) => chance > 1e-9)
        .flatMap(({ count, chance }) =>
          after(rest, left - count, of - share).map(({ counts, probability }) => ({
            counts: { ...counts, [variant]: count },
            probability: chance * probability,
          })),
        )
        .filter(({ probability }) => probability > 1e-9)
    }
    return after(others, total, weight)
  }

  // Each arm expects many identities in all, and at least one of them can hardly deviate. The tail of the chi-squared
  // distribution would report between 0.0012 and 0.004 of the right splits.
  test.each([
    ['two rare arms of three', [500, { a: 5, b: 5, c: 9990 }], [500, { a: 5, b: 5, c: 9990 }]],
    ['nearly nobody, then nearly everybody', [1000, { a: 99.9, b: 0.1 }], [1000, { a: 0.1, b: 99.9 }]],
    ['one in a hundred, then all but one', [200, { a: 99, b: 1 }], [200, { a: 1, b: 99 }]],
    ['an arm that has nearly everybody, and leaves', [200, { a: 99.5, b: 0.5 }], [400, { b: 1, c: 1 }]],
    ['the same with more for the other', [300, { a: 99, b: 1 }], [400, { b: 1, c: 1 }]],
  ] as [string, [number, Record<string, number>], [number, Record<string, number>]][])(
    'of all outcomes of a right split, those that are a mismatch have at most the probability of the threshold: %s',
    (_, first, second) => {
      const phases = [{ shares: first[1] }, { from: Date.UTC(2026, 5, 2), shares: second[1] }]
      let [all, mismatches] = [0, 0]
      const later = outcomesOf(...second)
      for (const one of outcomesOf(...first)) {
        for (const other of later) {
          const probability = one.probability * other.probability
          if (probability < 1e-9) continue
          all += probability
          const { status } = sampleRatio(daily(one.counts, other.counts), phases)
          if (status === 'mismatch') mismatches += probability
        }
      }
      expect(all).toBeGreaterThan(0.99999)
      // What was left out could be a mismatch.
      expect(mismatches + 1 - all).toBeLessThan(0.001)
    },
  )

  test('arms that can deviate, but hardly together, are judged one by one', () => {
    const day2 = Date.UTC(2026, 5, 2)
    const shares = { a: 0.4995, b: 0.4995, c: 0.001 }
    const { components } = sampleRatio(daily({ a: 498, b: 497, c: 5 }, { c: 496, d: 504 }), [
      { shares },
      { from: day2, shares: { c: 1, d: 1 } },
    ])
    // Of 1000, five are in neither a nor b, where one is expected. No arm by itself is far from what it expects.
    expect(components?.pooled).toMatchObject({ degreesOfFreedom: 3, pValue: 1, method: 'bound' })
  })

  describe('an arm that had one in a thousand of 1000, and then all but one in a thousand', () => {
    const ramp = [{ shares: { a: 999, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 1, b: 999 } }]
    const pooledWith = (first: Record<string, number>, second: Record<string, number>) =>
      sampleRatio(daily(first, second), ramp).components?.pooled
    const rare = binomial(1000, 0.001, 0.999)
    /** A rare count is this much above another one. */
    const logApart = (gap: number) =>
      Math.log(
        Array.from({ length: 10 }, (_, count) =>
          Math.exp(rare.logProbability(count) + logUpperTail(rare, count + gap)),
        ).reduce((all, each) => all + each, 0),
      )
    const divergence = (count: number) =>
      count * Math.log(count) + (1000 - count) * Math.log((1000 - count) / 999)
    // Of all ways to be so far apart, the bound is that of the nearest one.
    const nearest = Math.min(
      ...Array.from(
        { length: 100_000 },
        (_, i) => divergence(499 + (i + 1) / 1e6) + divergence((i + 1) / 1e6),
      ),
    )

    test.each([
      ['added up', 6, logApart(5), 'exact'],
      ['far, and added up', 100, logApart(99), 'exact'],
      ['too far to add up', 500, -nearest, 'bound'],
    ])('deviates above and below with the same probability: %s', (_, count, logPValue, method) => {
      const above = pooledWith({ a: 1000 - count, b: count }, { a: 1, b: 999 })
      expect(above?.method).toBe(method)
      expect(above?.logPValue).toBeCloseTo(Math.LN2 + logPValue, 6)
      const below = pooledWith({ a: 999, b: 1 }, { a: count, b: 1000 - count })
      expect(below?.method).toBe(method)
      expect(below?.logPValue).toBeCloseTo(above?.logPValue ?? NaN, 9)
    })
  })

  test('an arm that had nearly everybody falls short as often as the others have too many', () => {
    // Nine in ten, or one in ten of the other: one test.
    const both = daily({ a: 490, b: 10 }, { a: 480, b: 20 })
    const three = pooledOf(daily({ a: 490, b: 5, c: 5 }, { a: 480, b: 10, c: 10 }), { a: 18, b: 1, c: 1 })
    const two = pooledOf(both, { a: 9, b: 1 })
    expect(two?.method).toBe('exact')
    expect((three?.pValue ?? NaN) / (3 * (two?.pValue ?? NaN))).toBeCloseTo(1, 9)
  })

  test('an arm that gets everybody has no deviation to judge', () => {
    // Beside 1e-310 its share is 1.
    expect(pooledOf(daily({ a: 500 }, { a: 500 }), { a: 1, b: 1e-310, c: 1e-310 })).toMatchObject({
      pValue: 1,
      logPValue: 0,
      method: 'bound',
    })
  })

  test('an arm of hardly any share leaves the pooled degrees of freedom as they are', () => {
    const steps = daily({ b: 5000, c: 6000 }, { b: 5100, c: 6200 })
    expect(pooledOf(steps, { a: 3, b: 8e7, c: 3e7 })?.degreesOfFreedom).toBe(2)
  })

  test('the order of the variants does not change a digit of the pooled test', () => {
    const increments = [
      { a: 147, b: 317, c: 487, d: 380 },
      { a: 307, b: 430, c: 420, d: 227 },
      { a: 291, b: 291, c: 154, d: 454 },
    ]
    const weights = [
      { a: 11, b: 5, c: 17, d: 12 },
      { a: 6, b: 7, c: 7, d: 7 },
      { a: 20, b: 19, c: 19, d: 12 },
    ]
    const inOrder = ({ a, b, c, d }: { a: number; b: number; c: number; d: number }) => ({ c, a, d, b })
    const steps = daily(...increments)
    const evidence = (reordered: typeof weights | ReturnType<typeof inOrder>[]) =>
      sampleRatio(
        steps,
        steps.map(({ start }, day) => ({ from: start, shares: reordered[day] ?? {} })),
      ).components
    expect(evidence(weights.map(inOrder))).toEqual(evidence(weights))
  })

  test('a sum of phases too improbable for a number has a logarithm', () => {
    const rare = { a: 1e7, b: 1 }
    const { components, logPValue } = sampleRatio(daily({ a: 100_000, b: 1 }, { a: 100, b: 900 }), [
      { shares: rare },
      { from: Date.UTC(2026, 5, 2), shares: rare },
    ])
    const pooled = components?.pooled.logPValue ?? NaN
    // ln C(101101, 901) + 901 ln 1e-7, to the precision that a bound has.
    expect(pooled).toBeGreaterThan(-9700)
    expect(pooled).toBeLessThan(-9300)
    expect(components?.pooled.method).toBe('bound')
    expect(logPValue).toBeGreaterThan(-20_000)
  })

  test('a phase without identities takes no degree of freedom', () => {
    const phases = [{ shares: { a: 1, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 9, b: 1 } }]
    const result = sampleRatio(daily({ a: 99 }), phases)
    expect(result).toMatchObject({ status: 'mismatch', statistic: 99, degreesOfFreedom: 1 })
    expect(result.components).toBeUndefined()
    expect(sampleRatio([], phases)).toMatchObject({
      status: 'not-enough-traffic',
      statistic: null,
      pValue: null,
      degreesOfFreedom: 2,
    })
  })

  test('a phase before the experiment, with one variant for all, has no ratio to test', () => {
    const phases = [
      { shares: { control: 100, treatment: 0 } },
      { from: Date.UTC(2026, 5, 2), shares: { control: 1, treatment: 1 } },
    ]
    const steps = daily({ control: 5000 }, { control: 300, treatment: 310 })
    expect(sampleRatio(steps, phases)).toEqual({
      ...sampleRatio({ control: 300, treatment: 310 }, { control: 1, treatment: 1 }),
      unjudgedIdentities: 5000,
    })
    expect(sampleRatio(daily({ control: 5000 }), phases)).toMatchObject({
      status: 'not-enough-traffic',
      statistic: null,
      unjudgedIdentities: 5000,
    })
    // Its identities do not make up for those that a verdict needs.
    expect(sampleRatio(daily({ control: 5000 }, { control: 3, treatment: 3 }), phases)).toMatchObject({
      status: 'not-enough-traffic',
      reason: expect.stringMatching(/^6 identities were counted, and a verdict needs 98:/),
    })
  })

  test('identities where the split of their time has none are strays of that phase', () => {
    const phases = [
      { shares: { control: 100, treatment: 0 } },
      { from: Date.UTC(2026, 5, 2), shares: { control: 1, treatment: 1 } },
    ]
    const steps = daily({ control: 50, treatment: 2 }, { control: 300, treatment: 310, stray: 1 })
    const result = sampleRatio(steps, phases)
    expect(result).toMatchObject({
      status: 'consistent',
      unjudgedIdentities: 50,
      strays: {
        status: 'few',
        reason:
          '3 identities are in no configured arm: "stray" in the phase from 2026-06-02T00:00:00.000Z (1), ' +
          '"treatment" in the first phase (2).',
        identities: 3,
        variants: [
          { variant: 'stray', identities: 1 },
          { variant: 'treatment', identities: 2 },
        ],
      },
    })
    expect(result.arms.map(({ variant, observed, expected }) => [variant, observed, expected])).toEqual([
      ['control', 300, 305],
      ['treatment', 310, 305],
    ])
  })

  test('a window that starts inside a bucket, where a phase does, loses nobody', () => {
    const from = '2026-06-01T10:30:00Z'
    const phases = [{ shares: { a: 9, b: 1 } }, { from, shares: { a: 1, b: 1 } }]
    const window = { startMs: Date.parse(from), asOfMs: Date.UTC(2026, 5, 3) }
    const points = daily({ a: 5000, b: 5050 }, { a: 480, b: 520 })
    const whole = sampleRatio({ a: 5480, b: 5570 }, { a: 1, b: 1 })
    expect(sampleRatio({ points }, phases).unjudgedIdentities).toBe(10_050)
    for (const result of [
      sampleRatio({ points, window }, phases),
      sampleRatio(points, phases, { window }),
      sampleRatio(
        summary(
          'day',
          'UTC',
          points.map(({ start, newIdentities }) => [start, newIdentities] as const),
        ),
        phases,
        { window },
      ),
    ]) {
      expect(result).toEqual(whole)
    }
    // A change after the window's start still splits the bucket; one after its end splits nothing.
    const later = [phases[0], { from: '2026-06-01T11:00:00Z', shares: { a: 1, b: 1 } }] as typeof phases
    expect(sampleRatio({ points, window }, later).unjudgedIdentities).toBe(10_050)
    const noon = { ...window, asOfMs: Date.UTC(2026, 5, 2, 12) }
    const after = [{ shares: { a: 1, b: 1 } }, { from: '2026-06-02T12:00:00Z', shares: { a: 9, b: 1 } }]
    expect(sampleRatio({ points, window: noon }, after)).toEqual(whole)
    expect(() => sampleRatio(points, phases, { window: { startMs: 5, asOfMs: 5 } })).toThrow('window')
  })

  test('a variant that joins later has no share before, and is expected by its own phases', () => {
    const phases = [{ shares: { a: 1, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 1, b: 1, c: 2 } }]
    const result = sampleRatio(daily({ a: 100, b: 100 }, { a: 50, b: 50, c: 100 }), phases)
    expect(result).toMatchObject({ status: 'consistent', statistic: 0, degreesOfFreedom: 3, pValue: 1 })
    expect(result.components?.pooled).toMatchObject({ statistic: 0, degreesOfFreedom: 2, pValue: 1 })
    expect(result.arms.map(({ observed, expected }) => [observed, expected])).toEqual([
      [150, 150],
      [150, 150],
      [100, 100],
    ])
  })

  test.each([
    [[{ shares: { a: 1 } }], 'Only one variant has an expected share above 0: there is no ratio to test.'],
    [
      [{ shares: { a: 1 } }, { from: 0, shares: { b: 1 } }],
      'Only one variant has an expected share above 0: there is no ratio to test.',
    ],
    [
      [{ shares: { a: 1, b: 1 } }, { from: 0, shares: {} }],
      'No variant has an expected share above 0, in the phase from 1970-01-01T00:00:00.000Z.',
    ],
    [
      [{ shares: { a: NaN, b: 1 } }, { from: 0, shares: { a: 1, b: 1 } }],
      'The expected share of variant "a" is NaN, which cannot be a share, in the first phase.',
    ],
    [
      [{ shares: { 'v1.5': -0.5, b: 1 } }, { from: 0, shares: { a: 1, b: 1 } }],
      'The expected share of variant "v1.5" is -0.5, which cannot be a share, in the first phase.',
    ],
  ] as [{ from?: number; shares: Record<string, number> }[], string][])(
    'not computable: %j',
    (phases, reason) => {
      expect(sampleRatio(daily({ a: 500, b: 500 }), phases)).toMatchObject({
        status: 'not-computable',
        reason,
      })
    },
  )

  test('not computable: a bucket without counts, wherever it is', () => {
    expect(sampleRatio(daily({ a: 500, b: 500 }, { a: -1 }), ramp)).toMatchObject({
      status: 'not-computable',
      reason:
        'In the bucket 2026-06-02T00:00:00.000Z the count of variant "a" is -1, which cannot be a count of identities.',
    })
  })

  const [step] = daily({ a: 1 })
  const even = { shares: { a: 1, b: 1 } }
  const two = [even, { ...even, from: '2026-06-02T00:00:00Z' }]
  const good = summary('day', 'UTC', [])
  test.each([
    ['invalid-statistics', { a: 1 }, [even]],
    ['invalid-statistics', null, [even]],
    ['invalid-statistics', [{ ...step, end: undefined }], two],
    ['invalid-statistics', [{ ...step, end: step?.start }], two],
    ['invalid-statistics', [step, step], [even]],
    ['invalid-statistics', daily({ a: 1 }, { a: 1 }).toReversed(), [even]],
    ['invalid-statistics', daily({ a: '1' } as never), [even]],
    ['invalid-statistics', [step], []],
    ['invalid-statistics', [step], [null]],
    ['invalid-statistics', [step], [{ a: 1, b: 1 }]],
    ['invalid-statistics', [step], [even, even]],
    ['invalid-statistics', [step], [even, { from: 5, ...even }, { from: new Date(5), ...even }]],
    ['invalid-statistics', { timeseries: null }, [even]],
    ['invalid-statistics', { timeseries: { ...good.timeseries, granularity: 'week' } }, [even]],
    ['invalid-statistics', { timeseries: { ...good.timeseries, timeZone: 'Europe/Nowhere' } }, two],
    ['invalid-statistics', { timeseries: { ...good.timeseries, timeZone: undefined } }, two],
    ['invalid-statistics', { timeseries: { ...good.timeseries, points: {} } }, [even]],
    ['invalid-instant', { timeseries: { ...good.timeseries, points: [null] } }, [even]],
    ['invalid-instant', [{ ...step, start: '2026-06-01' }], [even]],
    ['invalid-instant', [{ ...step, end: '2026-06-02' }], two],
    ['invalid-instant', [step], [even, { ...even, from: '2026-06-01' }]],
    ['invalid-instant', [step], [even, { ...even, from: NaN }]],
  ])('misuse throws %s: %j %j', (code, observed, expected) => {
    expect(() => sampleRatio(observed as never, expected as never)).toThrow(expect.objectContaining({ code }))
  })

  test('an hour ends after an hour, whether or not the next one is there', () => {
    // Hours of a zone that is half an hour apart from UTC.
    const steps = [
      { start: '2026-06-01T00:30:00Z', end: '2026-06-01T01:30:00Z', newIdentities: { a: 500, b: 500 } },
      { start: '2026-06-01T05:30:00Z', end: '2026-06-01T06:30:00Z', newIdentities: { a: 900, b: 100 } },
    ]
    const phases = [even, { from: Date.UTC(2026, 5, 1, 1, 30), shares: { a: 9, b: 1 } }]
    expect(sampleRatio(steps, phases)).toMatchObject({
      status: 'consistent',
      statistic: expect.closeTo(0, 20),
    })
    const hours = summary(
      'hour',
      'Asia/Kolkata',
      steps.map(({ start, newIdentities }) => [start, newIdentities] as const),
    )
    expect(sampleRatio(hours, phases)).toEqual(sampleRatio(steps, phases))
    const within = [even, { from: Date.UTC(2026, 5, 1, 1, 30) - 1, shares: { a: 9, b: 1 } }]
    expect(sampleRatio(hours, within).unjudgedIdentities).toBe(1000)
  })
})
