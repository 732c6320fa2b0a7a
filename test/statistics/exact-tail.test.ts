import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crossoverBias, sampleRatio } from 'first-exposure/statistics'
// Inside the package only: no public function takes a distribution or a level.
import {
  binomial,
  hypergeometric,
  logLowerTail,
  logUpperTail,
} from '../../src/statistics/count-distributions.js'
import { multinomialTail, shareInterval, shown } from '../../src/statistics/evidence.js'
import { enumeratedTail, exactTail, gridTail } from '../../src/statistics/exact-tail.js'
import { hypergeometricLottery, multinomialLottery } from '../../src/statistics/lottery.js'
import { deviation } from '../../src/statistics/phase-evidence.js'
import { runs } from '../arbitraries/runs.js'

const recorded = <Row>(name: string): Row[] =>
  (
    JSON.parse(readFileSync(new URL(`../fixtures/statistics/${name}.json`, import.meta.url), 'utf8')) as {
      rows: Row[]
    }
  ).rows
const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
const sharesOf = (weights: readonly number[]) => weights.map((weight) => weight / sum(weights))
const statisticOf = (counts: readonly number[], shares: readonly number[]) =>
  sum(counts.map((n, i) => (n - sum(counts) * (shares[i] ?? 0)) ** 2 / (sum(counts) * (shares[i] ?? 0))))

function expectNear(actual: number | null, expected: number, tolerance: number, what: unknown): void {
  expect(Math.abs((actual ?? NaN) / expected - 1), JSON.stringify(what)).toBeLessThan(tolerance)
}

describe('against sums in rational arithmetic', () => {
  test('the exact multinomial test, from two to six arms', () => {
    const rows = recorded<[counts: number[], weights: number[], probability: number]>('exact-multinomial')
    expect(rows.length).toBeGreaterThan(50)
    for (const [counts, weights, probability] of rows) {
      const { pValue, method } = sampleRatio(byArm(counts), byArm(weights), { minimumTotal: 1 })
      expect(method).toBe('exact')
      expectNear(pValue, probability, 1e-10, [counts, weights])
    }
  })

  test('Fisher’s exact test, from two to four arms', () => {
    const rows = recorded<[quarantined: number[], counted: number[], probability: number]>('exact-tables')
    expect(rows.length).toBeGreaterThan(20)
    for (const [quarantined, counted, probability] of rows) {
      const counts = { counted: byArm(counted), quarantined: byArm(quarantined) }
      const { pValue, method } = crossoverBias(counts, { minimumTotal: 1 })
      expect(method).toBe('exact')
      expectNear(pValue, probability, 1e-10, [quarantined, counted])
    }
  })

  // The inputs of the report that this replaced Pearson's tail for, with their exact values.
  test.each([
    [[155, 1], [9995, 5], 0.0750536161013277],
    [[107, 3], [199, 1], 0.0181471234812652],
    [[123, 5], [99, 1], 0.00960626532045903],
  ])('%j of %j is no mismatch', (counts, weights, probability) => {
    const result = sampleRatio(byArm(counts), byArm(weights))
    expectNear(result.pValue, probability, 1e-10, counts)
    expect(result.status).toBe('not-enough-traffic')
    expect(sampleRatio(byArm(counts), byArm(weights), { minimumTotal: 100 }).status).toBe('consistent')
  })

  test.each([
    [{ a: 99_900, b: 100 }, { a: 119, b: 2 }, 0.00689513406769394],
    [{ a: 99_405, b: 495 }, { a: 107, b: 3 }, 0.0178850563187177],
  ])('counted %j with %j quarantined is no mismatch', (counted, quarantined, probability) => {
    const result = crossoverBias({ counted, quarantined }, { minimumTotal: 100 })
    expectNear(result.pValue, probability, 1e-10, quarantined)
    expect(result).toMatchObject({ status: 'consistent', method: 'exact' })
  })
})

describe('against mpmath and scipy', () => {
  test('the tails of a binomial, for up to 10⁹ trials', () => {
    const rows =
      recorded<[count: number, trials: number, share: number, lower: number, upper: number]>('binomial-tails')
    expect(rows.length).toBeGreaterThan(150)
    for (const row of rows) {
      const [count, trials, share, lower, upper] = row
      const distribution = binomial(trials, share, 1 - share)
      // A difference of logarithms is a relative one of probabilities.
      expect(Math.abs(logLowerTail(distribution, count) - lower), JSON.stringify(row)).toBeLessThan(1e-10)
      expect(Math.abs(logUpperTail(distribution, count) - upper), JSON.stringify(row)).toBeLessThan(1e-10)
    }
  })

  test('intervals of shares: Clopper and Pearson’s, and Wilson’s', () => {
    const rows =
      recorded<[count: number, total: number, outside: number, low: number, high: number]>('share-intervals')
    expect(rows).toHaveLength(22)
    for (const row of rows) {
      const [count, total, outside, low, high] = row
      const interval = shareInterval(count, total, outside)
      expect(Math.abs(interval.low - low), JSON.stringify(row)).toBeLessThanOrEqual(1e-10 * low + 1e-16)
      expect(Math.abs(interval.high - high), JSON.stringify(row)).toBeLessThanOrEqual(1e-10 * high)
    }
    expect(shareInterval(0, 0, 0.05)).toEqual({ low: 0, high: 1 })
  })

  test.each([1e-222, 1e-230, 1e-240, 1e-250, 1e-260, 1e-270, 1e-280, 1e-290, 1e-300])(
    'an interval that misses with a probability of %d has a low end above 0',
    (outside) => {
      // One of ten, or more, has a probability of ten times so small a share.
      expect(shareInterval(1, 10, outside).low / (outside / 20)).toBeCloseTo(1, 10)
    },
  )
})

test('a hypergeometric distribution adds up to 1, and is symmetric in what was drawn and what was marked', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.nat(60), fc.nat(60), (marked, others, some) => {
      const drawn = Math.min(some, marked + others)
      fc.pre(marked + others > 0)
      const { least, most, logProbability, growth } = hypergeometric(drawn, marked, others)
      const probabilities = Array.from({ length: most - least + 1 }, (_, i) =>
        Math.exp(logProbability(least + i)),
      )
      expect(sum(probabilities)).toBeCloseTo(1, 12)
      for (let count = least; count < most; count++) {
        expectNear(growth(count), Math.exp(logProbability(count + 1) - logProbability(count)), 1e-10, count)
      }
      const swapped = hypergeometric(marked, drawn, marked + others - drawn)
      expectNear(swapped.logProbability(least) - logProbability(least) + 1, 1, 1e-11, [marked, others, drawn])
    }),
    { numRuns: runs(200) },
  )
})

describe('both ways to add up outcomes', () => {
  const arms = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 9 }), count: fc.nat(25) }), {
    minLength: 3,
    maxLength: 5,
  })

  test('the grid is never below the sum over all outcomes, and not far above; for equal shares it is the same', () => {
    fc.assert(
      fc.property(arms, fc.boolean(), (given, areEqual) => {
        const sorted = given
          .map(({ weight, count }) => ({ weight: areEqual ? 1 : weight, count }))
          .sort((a, b) => a.weight - b.weight)
        const counts = sorted.map(({ count }) => count)
        fc.pre(sum(counts) > 0)
        const shares = sharesOf(sorted.map(({ weight }) => weight))
        const lottery = multinomialLottery(shares, sum(counts))
        const far = statisticOf(counts, shares) * (1 - 1e-9)
        fc.pre(far > 0)
        const whole = enumeratedTail(lottery, far)
        fc.pre(whole !== null)
        const onGrid = gridTail(lottery, far)
        fc.pre(onGrid !== null)
        const ratio = (onGrid?.pValue ?? NaN) / (whole ?? NaN)
        expect(ratio).toBeGreaterThan(1 - 1e-9)
        expect(ratio).toBeLessThan(onGrid?.exact ? 1 + 1e-9 : 1.5)
        if (areEqual) expect(onGrid?.exact).toBe(true)
      }),
      { numRuns: runs(150) },
    )
  })

  test('with large arms as a group, among which the distance is chi-squared', () => {
    const small = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 9 }), count: fc.nat(15) }), {
      minLength: 2,
      maxLength: 3,
    })
    fc.assert(
      fc.property(small, fc.integer({ min: 2, max: 6 }), fc.nat(40), (given, large, surplus) => {
        const sorted = given.toSorted((a, b) => a.weight - b.weight)
        const weights = [...sorted.map(({ weight }) => weight), 100 * large]
        const counts = [...sorted.map(({ count }) => count), 100 * large + surplus]
        const shares = sharesOf(weights)
        const lottery = multinomialLottery(shares, sum(counts), large)
        const far = statisticOf(counts, shares) + 1
        const whole = enumeratedTail(lottery, far)
        fc.pre(whole !== null)
        const onGrid = gridTail(lottery, far)
        fc.pre(onGrid !== null)
        const ratio = (onGrid?.pValue ?? NaN) / (whole ?? NaN)
        expect(ratio).toBeGreaterThan(1 - 1e-9)
        expect(ratio).toBeLessThan(1.5)
        expect(onGrid?.exact).toBe(false)
      }),
      { numRuns: runs(50) },
    )
  })

  test('of tables too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(12)), { minLength: 3, maxLength: 4 }),
        (given) => {
          const cells = given
            .map(([stayed, left]) => ({ size: stayed + left, left }))
            .sort((a, b) => a.size - b.size)
          const drawn = sum(cells.map(({ left }) => left))
          fc.pre(drawn > 0)
          const lottery = hypergeometricLottery(
            cells.map(({ size }) => size),
            drawn,
          )
          const distance = sum(cells.map(({ left }, arm) => lottery.distance(arm, left)))
          const far = distance - 1e-9 * Math.abs(distance)
          const whole = exactTail(lottery, far)
          fc.pre(whole !== null && lottery.leastDistance(0, cells.length, drawn) < far)
          const onGrid = gridTail(lottery, far)
          fc.pre(onGrid !== null)
          const ratio = (onGrid?.pValue ?? NaN) / Math.exp(whole?.logPValue ?? NaN)
          expect(ratio).toBeGreaterThan(1 - 1e-7)
          expect(ratio).toBeLessThan(2)
        },
      ),
      { numRuns: runs(100) },
    )
  })
})

test('what is small beside what is large: the sum over the small arms, chi-squared among the large', () => {
  // Of four large arms and one small, the exact tail is that of the small arm where the large ones fit by chance.
  const counts = [5000, 5100, 4900, 5050, 12]
  const weights = [1000, 1000, 1000, 1000, 1]
  const result = sampleRatio(byArm(counts), byArm(weights))
  expect(result.method).toBe('mixed')
  // Four million simulated experiments gave 0.00799, with a standard deviation of 0.00005; chi-squared alone says 0.00699.
  expect(Math.abs((result.pValue ?? NaN) - 0.00799)).toBeLessThan(4 * 0.00005)
})

test('an arm just too small for the chi-squared distribution beside large ones: nearly the sum over all outcomes', () => {
  // The small arm has the most identities.
  const [counts, shares] = [[100, 100, 100, 110], sharesOf([105, 105, 105, 95])]
  const tail = (level: number) => multinomialTail(counts, shares, statisticOf(counts, shares), level)
  const [mixed, whole] = [tail(0.001), tail(1e-9)]
  expect([mixed.method, whole.method]).toEqual(['mixed', 'exact'])
  expectNear(Math.exp(mixed.logPValue), Math.exp(whole.logPValue), 0.005, counts)
})

describe('what a result shows', () => {
  test.each([
    [-1, { pValue: Math.exp(-1), logPValue: -1 }],
    // Rounding may exceed 1.
    [1e-12, { pValue: 1, logPValue: 0 }],
    // JSON has neither a negative zero nor an infinite number.
    [-0, { pValue: 1, logPValue: 0 }],
    [-Infinity, { pValue: 0, logPValue: -Number.MAX_VALUE }],
  ])('of the logarithm %d', (logPValue, expected) => {
    expect(shown(logPValue)).toEqual(expected)
  })

  test('identities where none are possible deviate without limit, and no identities not at all', () => {
    expect([deviation(3, 0), deviation(0, 0), deviation(3, 2)]).toEqual([Infinity, 0, 0.5])
  })
})
