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
import { multinomialTail, shareInterval, trustedExpectation } from '../../src/statistics/evidence.js'
import {
  enumeratedTail,
  exactTail,
  gridTail,
  hypergeometricLottery,
  multinomialLottery,
} from '../../src/statistics/exact-tail.js'
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
          const whole = exactTail(lottery, [], far)
          fc.pre(whole !== null && lottery.leastDistance(0, cells.length, drawn) < far)
          const onGrid = gridTail(lottery, far)
          fc.pre(onGrid !== null)
          const ratio = (onGrid?.pValue ?? NaN) / Math.exp(whole?.logPValue ?? NaN)
          expect(ratio).toBeGreaterThan(1 - 1e-7)
          expect(ratio).toBeLessThan(1.5)
        },
      ),
      { numRuns: runs(100) },
    )
  })
})

describe('the level, by enumeration', () => {
  const level = (weights: readonly number[], total: number, threshold: number): number => {
    const [share = 0] = sharesOf(weights)
    const { logProbability } = binomial(total, share, 1 - share)
    let rejected = 0
    // Farther out there is nothing to add.
    const reach = 10 * Math.sqrt(total * share * (1 - share)) + 20
    const last = Math.min(total, Math.ceil(total * share + reach))
    for (let count = Math.max(0, Math.floor(total * share - reach)); count <= last; count++) {
      const counts = [count, total - count]
      const { logPValue } = multinomialTail(
        counts,
        [share, 1 - share],
        statisticOf(counts, [share, 1 - share]),
        threshold,
      )
      if (logPValue < Math.log(threshold)) rejected += Math.exp(logProbability(count))
    }
    return rejected
  }

  test.each([[[1, 1]], [[9, 1]], [[99, 1]], [[99.5, 0.5]]])('of %j, at every size up to 200', (weights) => {
    let greatest = 0
    for (let total = 1; total <= 200; total++) {
      const found = level(weights, total, 0.001)
      expect(found, String(total)).toBeLessThanOrEqual(0.001)
      greatest = Math.max(greatest, found)
    }
    // It is used: exact is not the same as never.
    expect(greatest).toBeGreaterThan(0.0009)
  })

  // What 20 slices, each a little too hasty, made of 0.001: 0.0377, 0.0234, 0.0054 and 0.0040, by Pearson's tail alone.
  test.each([
    [20, 128, [99, 1]],
    [10, 110, [99.5, 0.5]],
    [20, 1000, [99, 1]],
    [100, 100, [9, 1]],
    [20, 1000, [1, 1]],
  ])('%d slices of %d identities at %j keep 0.001 for the family', (slices, total, weights) => {
    // With the smallest p-value below a threshold's share Holm's correction calls the first mismatch, and only then.
    const one = level(weights, total, 0.001 / slices)
    const family = 1 - (1 - one) ** slices
    expect(family).toBeLessThanOrEqual(0.001)
    expect(family).toBeGreaterThan(0.00001)
  })

  test('just past the switch to the chi-squared distribution it is at most a quarter above', () => {
    for (const [share, threshold] of [
      [0.5, 0.001],
      [0.1, 0.001],
      [0.01, 0.001],
      [0.01, 0.0001],
    ] as const) {
      const least = trustedExpectation(threshold)
      for (let more = 1; more < 1.3; more += 0.1) {
        const found = level([share, 1 - share], Math.ceil((least * more) / share), threshold)
        expect(found / threshold, `${share} ${more}`).toBeLessThan(1.25)
        expect(found / threshold, `${share} ${more}`).toBeGreaterThan(0.7)
      }
    }
  })

  test('of three arms', () => {
    for (const [weights, total] of [
      [[1, 1, 1], 40],
      [[8, 1, 1], 60],
      [[98, 1, 1], 100],
    ] as const) {
      const shares = sharesOf(weights)
      let rejected = 0
      for (let a = 0; a <= total; a++) {
        for (let b = 0; a + b <= total; b++) {
          const counts = [a, b, total - a - b]
          const statistic = statisticOf(counts, shares)
          if (statistic < 8) continue
          const { logPValue } = multinomialTail(counts, shares, statistic, 0.001)
          if (logPValue >= Math.log(0.001)) continue
          const [first = 0, second = 0, third = 0] = shares
          rejected += Math.exp(
            binomial(total, first, 1 - first).logProbability(a) +
              binomial(total - a, second / (second + third), third / (second + third)).logProbability(b),
          )
        }
      }
      expect(rejected).toBeLessThanOrEqual(0.001)
      expect(rejected).toBeGreaterThan(0.0005)
    }
  })

  /**
   * The distribution of Σ n² over equal arms that share what is left beside one other arm, by adding arm to arm. By other
   * arithmetic than the library's: factorials, whole numbers as keys, no bounds.
   */
  function tailsOfEqualArms(arms: number, rest: number, total: number): (statistic: number) => number {
    const share = (1 - rest) / arms
    const factorials = [1]
    for (let n = 1; n <= total; n++) factorials.push((factorials[n - 1] ?? 1) * n)
    let sums = new Map([['0,0', 1]])
    for (let arm = 0; arm < arms; arm++) {
      const next = new Map<string, number>()
      for (const [key, weight] of sums) {
        const [used = 0, squares = 0] = key.split(',').map(Number)
        for (let n = 0; used + n <= total; n++) {
          const added = weight * (share ** n / (factorials[n] ?? 1))
          const to = `${used + n},${squares + n * n}`
          next.set(to, (next.get(to) ?? 0) + added)
        }
      }
      sums = next
    }
    const all = [...sums].flatMap(([key, weight]) => {
      const [used = 0, squares = 0] = key.split(',').map(Number)
      const others = total - used
      if (rest === 0 && others > 0) return []
      const probability = weight * (factorials[total] ?? 1) * (rest ** others / (factorials[others] ?? 1))
      const distance = squares / (total * share) + (rest === 0 ? 0 : others ** 2 / (total * rest)) - total
      return [{ probability, distance }]
    })
    return (statistic) =>
      sum(
        all
          .filter(({ distance }) => distance >= statistic * (1 - 1e-9))
          .map(({ probability }) => probability),
      )
  }

  test.each([
    [10, 0, 24],
    [9, 0.91, 40],
  ])('of ten arms: %d equal ones beside one of %d, %d identities', (arms, rest, total) => {
    const tail = tailsOfEqualArms(arms, rest, total)
    const shares = [...Array.from({ length: arms }, () => (1 - rest) / arms), ...(rest === 0 ? [] : [rest])]
    for (const surplus of [3, 5, 7, 9]) {
      const counts = shares.map((share) => Math.floor(total * share))
      counts[0] = (counts[0] ?? 0) + surplus
      // From the others, one by one.
      for (let at = counts.length - 1; sum(counts) > total; at = at === 1 ? counts.length - 1 : at - 1) {
        counts[at] = Math.max(0, (counts[at] ?? 0) - 1)
      }
      counts[counts.length - 1] = (counts.at(-1) ?? 0) + total - sum(counts)
      const statistic = statisticOf(counts, shares)
      const { logPValue, method } = multinomialTail(counts, shares, statistic, 0.001)
      expect(method).toBe('exact')
      expectNear(Math.exp(logPValue), tail(statistic), 1e-9, counts)
    }
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
