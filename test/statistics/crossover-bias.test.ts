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
    expect(rows.filter(([, , , , pValue]) => pValue > 0.001).length).toBeGreaterThan(8)
    for (const [counted, quarantined, statistic, degreesOfFreedom, pValue] of rows) {
      const counts = { counted: byArm(counted), quarantined: byArm(quarantined) }
      const result = crossoverBias(counts, { minimumTotal: 1 })
      expect(Math.abs((result.statistic ?? NaN) / statistic - 1)).toBeLessThan(1e-9)
      expect(result.degreesOfFreedom).toBe(degreesOfFreedom)
      // The tail falls as fast as the statistic is great.
      const tolerance = 1e-9 * (1 + statistic)
      expect(pValue < 1e-300 || Math.abs((result.pValue ?? NaN) / pValue - 1) < tolerance).toBe(true)
      expect(result.status).toBe(pValue < 0.001 ? 'mismatch' : 'consistent')
    }
  })

  test('gives the evidence arm by arm, in the order of the counted variants', () => {
    const result = crossoverBias({
      counted: { b: 700, a: 1200, none: 0 },
      quarantined: { d: 100, c: 0, a: 200, b: 300 },
    })
    // 600 of 2500 are quarantined, 0.24.
    const statistic = 60 ** 2 / 240 + 136 ** 2 / 336 + 76 ** 2 / 24
    const counterpart = 60 ** 2 / 760 + 136 ** 2 / 1064 + 76 ** 2 / 76
    expect(result).toEqual({
      status: 'mismatch',
      reason: expect.stringContaining(
        'A quarantine spread this unevenly over the arms has a probability of ',
      ),
      statistic: expect.closeTo(statistic + counterpart, 10),
      degreesOfFreedom: 2,
      pValue: expect.closeTo(Math.exp(-(statistic + counterpart) / 2), 90),
      arms: [
        { variant: 'b', observed: 300, expected: 240, statisticShare: expect.any(Number) },
        { variant: 'a', observed: 200, expected: 336, statisticShare: expect.any(Number) },
        { variant: 'none', observed: 0, expected: 0, statisticShare: 0 },
        { variant: 'c', observed: 0, expected: 0, statisticShare: 0 },
        { variant: 'd', observed: 100, expected: 24, statisticShare: expect.any(Number) },
      ],
    })
    const [first] = result.arms
    expect(first?.statisticShare).toBeCloseTo((15 + 60 ** 2 / 760) / (statistic + counterpart), 12)
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
    expect(crossoverBias({ counted, quarantined: { a: 99 } })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '99 identities were quarantined, and a verdict needs 100.',
      degreesOfFreedom: 1,
    })
    expect(crossoverBias({ counted, quarantined: { a: 100 } }).status).toBe('mismatch')
    expect(crossoverBias({ counted, quarantined: { a: 99 } }, { minimumTotal: 20 }).status).toBe('mismatch')
    expect(crossoverBias({ counted, quarantined: {} }, { minimumTotal: 0 })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '0 identities were quarantined, and a verdict needs 1.',
      statistic: null,
      pValue: null,
    })
  })

  test('everyone quarantined is even, too', () => {
    expect(crossoverBias({ counted: {}, quarantined: { a: 500, b: 100 } })).toMatchObject({
      status: 'consistent',
      statistic: 0,
      pValue: 1,
    })
  })

  test('the threshold is exclusive', () => {
    const counts = { counted: { a: 5000, b: 5000 }, quarantined: { a: 120, b: 80 } }
    const p = crossoverBias(counts).pValue ?? NaN
    expect(crossoverBias(counts, { threshold: p }).status).toBe('consistent')
    expect(crossoverBias(counts, { threshold: p * (1 + 1e-12) }).status).toBe('mismatch')
  })

  test.each([
    [{ a: NaN, b: 5 }, { a: 500 }, 'The count of variant "a" is NaN, which is no count of identities.'],
    [
      { a: 5, b: 5 },
      { a: 0.5 },
      'The quarantined count of variant "a" is 0.5, which is no count of identities.',
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
        statistic: null,
        degreesOfFreedom: null,
        pValue: null,
        arms: [],
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
