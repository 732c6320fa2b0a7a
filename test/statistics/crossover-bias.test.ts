import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { crossoverBias, sampleRatio } from 'first-exposure/statistics'

const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))

describe('crossoverBias', () => {
  test('agrees with scipy over magnitudes, arms and shares of quarantine', () => {
    const { rows } = JSON.parse(
      readFileSync(new URL('../fixtures/statistics/crossover-bias.json', import.meta.url), 'utf8'),
    ) as {
      rows: [counted: number[], quarantined: number[], statistic: number, df: number, pValue: number][]
    }
    expect(rows).toHaveLength(36)
    let compared = 0
    expect(rows.filter(([, , , , pValue]) => pValue > 0.001).length).toBeGreaterThan(8)
    for (const [counted, quarantined, statistic, degreesOfFreedom, pValue] of rows) {
      const counts = { counted: byArm(counted), quarantined: byArm(quarantined) }
      const result = crossoverBias(counts, { minimumTotal: 1 })
      expect(Math.abs((result.statistic ?? NaN) / statistic - 1)).toBeLessThan(1e-9)
      expect(result.degreesOfFreedom).toBe(degreesOfFreedom)
      // The tail falls as fast as the statistic is great.
      const tolerance = 1e-9 * (1 + statistic)
      // Where few are expected the test is exact, or bounds the exact one.
      if (result.method !== 'chi-squared') continue
      compared++
      expect(pValue < 1e-300 || Math.abs((result.pValue ?? NaN) / pValue - 1) < tolerance).toBe(true)
      expect(result.status).toBe(pValue < 0.001 ? 'mismatch' : 'consistent')
    }
    expect(compared).toBeGreaterThan(18)
  })

  test('gives the evidence arm by arm, in the order of the counted variants', () => {
    const result = crossoverBias({
      counted: { b: 7000, a: 12_000, none: 0 },
      quarantined: { d: 1000, c: 0, a: 2000, b: 3000 },
    })
    // 6000 of 25,000 are quarantined, 0.24.
    const statistic = 600 ** 2 / 2400 + 1360 ** 2 / 3360 + 760 ** 2 / 240
    const counterpart = 600 ** 2 / 7600 + 1360 ** 2 / 10_640 + 760 ** 2 / 760
    const nobody = {
      seen: 0,
      quarantined: 0,
      observed: 0,
      expected: 0,
      statisticShare: 0,
      share: null,
      interval: null,
    }
    expect(result).toEqual({
      status: 'mismatch',
      reason: expect.stringContaining(
        'If quarantine took the same share of every arm, one at least this uneven would have a probability of ',
      ),
      severity: 'mismatch',
      statistic: expect.closeTo(statistic + counterpart, 9),
      degreesOfFreedom: 2,
      pValue: 0,
      logPValue: expect.closeTo(-(statistic + counterpart) / 2, 8),
      method: 'chi-squared',
      neededTotal: expect.any(Number),
      arms: [
        {
          variant: 'b',
          seen: 10_000,
          quarantined: 3000,
          observed: 3000,
          expected: 2400,
          statisticShare: expect.closeTo((150 + 600 ** 2 / 7600) / (statistic + counterpart), 12),
          share: 0.3,
          interval: { low: expect.any(Number), high: expect.any(Number) },
        },
        expect.objectContaining({ variant: 'a', seen: 14_000, quarantined: 2000, expected: 3360 }),
        { variant: 'none', ...nobody },
        { variant: 'c', ...nobody },
        expect.objectContaining({ variant: 'd', seen: 1000, quarantined: 1000, share: 1 }),
      ],
    })
  })

  test('a variant without identities changes nothing, however improbable the others are', () => {
    const counted = { b: 1_000_000 }
    const quarantined = { a: 99, b: 1 }
    const { arms, ...expected } = crossoverBias({ counted, quarantined })
    // No double holds it.
    expect(expected).toMatchObject({ status: 'mismatch', method: 'exact', pValue: 0 })
    const { arms: more, ...result } = crossoverBias({ counted: { ...counted, none: 0 }, quarantined })
    expect(result).toEqual(expected)
    expect(more).toHaveLength(arms.length + 1)
  })

  test('where all are quarantined, no arm has a larger share of them', () => {
    expect(crossoverBias({ counted: {}, quarantined: { a: 50, b: 60 } })).toMatchObject({
      status: 'not-enough-traffic',
      // 10.83 (2 − p)² / (p (1 − p)) where the smaller arm has p = 50 / 110.
      reason: '0 identities were counted, and a verdict needs 105.',
      statistic: 0,
      pValue: 1,
      logPValue: 0,
      method: 'exact',
    })
  })

  test('a public log: its quarantine falls evenly', () => {
    // 145,294 and 145,290 began in the two, 144,300 and 144,389 stayed.
    const result = crossoverBias({
      counted: { control: 144_300, treatment: 144_389 },
      quarantined: { control: 994, treatment: 901 },
    })
    expect(result.status).toBe('consistent')
    expect(result.pValue).toBeCloseTo(0.0321, 3)
  })

  test('what a right sample ratio cannot show: the arms lose alike, of unlike sizes', () => {
    const counted = { control: 9000, treatment: 9000 }
    const quarantined = { control: 400, treatment: 600 }
    expect(sampleRatio(counted, { control: 1, treatment: 1 }).pValue).toBe(1)
    expect(crossoverBias({ counted, quarantined }).status).toBe('mismatch')
  })

  test('the number of quarantined decides whether there is enough traffic', () => {
    const counted = { a: 50_000, b: 50_000 }
    expect(crossoverBias({ counted, quarantined: { a: 49, b: 40 } })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '89 identities were quarantined, and a verdict needs 98.',
      degreesOfFreedom: 1,
    })
    expect(crossoverBias({ counted, quarantined: { a: 49, b: 49 } }).status).toBe('consistent')
    expect(crossoverBias({ counted, quarantined: { a: 20 } }).status).toBe('mismatch')
    expect(crossoverBias({ counted, quarantined: { a: 20 } }, { minimumTotal: 21 }).status).toBe(
      'not-enough-traffic',
    )
    expect(crossoverBias({ counted, quarantined: { a: 30, b: 10 } })).toMatchObject({ severity: 'warning' })
    expect(crossoverBias({ counted, quarantined: {} }, { minimumTotal: 0 })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '0 identities were quarantined, and a verdict needs 1.',
      statistic: null,
      pValue: null,
      method: null,
      arms: [{ statisticShare: null }, { statisticShare: null }],
    })
  })

  test('the number that is left decides where it is the smaller one', () => {
    const quarantined = { a: 50_000, b: 50_000 }
    const check = (counted: Record<string, number>, options = {}) =>
      crossoverBias({ counted, quarantined }, options)
    // Of two that are left both are in one arm with a probability of a half: no counts could be a mismatch.
    expect(check({ a: 2 })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '2 identities were counted, and a verdict needs 98.',
      pValue: expect.closeTo(0.5, 4),
    })
    expect(check({ a: 49, b: 48 }).status).toBe('not-enough-traffic')
    expect(check({ a: 49, b: 49 })).toMatchObject({ status: 'consistent', neededTotal: 98 })
    expect(check({ a: 20 }).status).toBe('mismatch')
    expect(check({ a: 20 }, { minimumTotal: 21 }).status).toBe('not-enough-traffic')
    expect(check({ a: 2 }, { minimumTotal: 2 }).status).toBe('consistent')
    expect(check({}, { minimumTotal: 0 })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '0 identities were counted, and a verdict needs 1.',
      pValue: 1,
    })
    expect(crossoverBias({ counted: { a: 30 }, quarantined: { b: 30 } }).status).toBe('mismatch')
    expect(crossoverBias({ counted: { a: 6, b: 6 }, quarantined: { a: 6, b: 6 } }).reason).toBe(
      '12 identities were quarantined, and a verdict needs 98.',
    )
  })

  test('few counted identities need the exact test as few quarantined ones do', () => {
    expect(crossoverBias({ counted: { a: 5, b: 9 }, quarantined: { a: 900, b: 1000 } }).method).toBe('exact')
  })

  test('the interval of a share has the confidence that the threshold says', () => {
    const counts = { counted: { a: 9000, b: 9000 }, quarantined: { a: 1000, b: 1000 } }
    expect(crossoverBias(counts).arms[0]?.interval).toEqual({
      low: expect.closeTo(0.0905569, 7),
      high: expect.closeTo(0.1103084, 7),
    })
  })

  test('a variant that is left out is not compared', () => {
    const counts = { counted: { a: 900, b: 900, off: 9 }, quarantined: { a: 100, b: 100, off: 90 } }
    expect(crossoverBias(counts).status).toBe('mismatch')
    expect(crossoverBias(counts, { leaveOut: ['off'] })).toMatchObject({ status: 'consistent', statistic: 0 })
  })

  test('everyone quarantined is even, and nobody is left to show otherwise', () => {
    expect(crossoverBias({ counted: {}, quarantined: { a: 9000, b: 1000 } })).toMatchObject({
      status: 'not-enough-traffic',
      statistic: 0,
      pValue: 1,
      arms: [{ statisticShare: 0 }, { statisticShare: 0 }],
    })
  })

  test('the threshold is exclusive', () => {
    const counts = { counted: { a: 5000, b: 5000 }, quarantined: { a: 120, b: 80 } }
    const p = crossoverBias(counts).pValue ?? NaN
    expect(crossoverBias(counts, { threshold: p }).status).toBe('consistent')
    expect(crossoverBias(counts, { threshold: p * (1 + 1e-12) }).status).toBe('mismatch')
  })

  test.each([
    [{ a: NaN, b: 5 }, { a: 500 }, 'The count of variant "a" is NaN, which cannot be a count of identities.'],
    [
      { a: 5, b: 5 },
      { a: 0.5 },
      'The quarantined count of variant "a" is 0.5, which cannot be a count of identities.',
    ],
    [{ a: 5000 }, { a: 500 }, 'Fewer than two variants have an identity: there is nothing to compare.'],
    [{ a: 5000, b: 0 }, { a: 500 }, 'Fewer than two variants have an identity: there is nothing to compare.'],
    [{}, {}, 'Fewer than two variants have an identity: there is nothing to compare.'],
  ] as [Record<string, number>, Record<string, number>, string][])(
    'not computable: %o, quarantined %o',
    (counted, quarantined, reason) => {
      expect(crossoverBias({ counted, quarantined })).toEqual({
        status: 'not-computable',
        reason,
        severity: null,
        statistic: null,
        degreesOfFreedom: null,
        pValue: null,
        logPValue: null,
        method: null,
        arms: [],
        neededTotal: null,
      })
    },
  )

  test('prototype keys are ordinary variants', () => {
    const record = (value: number) =>
      Object.fromEntries(['__proto__', 'constructor', ''].map((key) => [key, value]))
    const result = crossoverBias({ counted: record(900), quarantined: record(100) })
    expect(result).toMatchObject({ status: 'consistent', statistic: 0 })
    expect(result.arms.map(({ variant }) => variant)).toEqual(['__proto__', 'constructor', ''])
    // Not inherited.
    expect(crossoverBias({ counted: record(900), quarantined: { a: 100 } }).arms[1]?.observed).toBe(0)
  })

  test.each([
    [undefined, {}],
    [{ counted: { a: 1 } }, {}],
    [{ counted: { a: 1 }, quarantined: 5 }, {}],
    [{ counted: new Map(), quarantined: {} }, {}],
    [{ counted: { a: '1' }, quarantined: {} }, {}],
    [{ counted: { a: 1 }, quarantined: {} }, { threshold: 0 }],
    [{ counted: { a: 1 }, quarantined: {} }, { minimumTotal: -1 }],
  ])('misuse throws: %o %o', (counts, options) => {
    expect(() => crossoverBias(counts as never, options)).toThrow(
      expect.objectContaining({ code: 'invalid-statistics' }),
    )
  })
})
