import { describe, expect, test } from 'vitest'
// Inside the package only: no public function takes a distribution or a level.
import { binomial } from '../../src/statistics/count-distributions.js'
import { multinomialTail, trustedExpectation } from '../../src/statistics/evidence.js'

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
const sharesOf = (weights: readonly number[]) => weights.map((weight) => weight / sum(weights))
const statisticOf = (counts: readonly number[], shares: readonly number[]) =>
  sum(counts.map((n, i) => (n - sum(counts) * (shares[i] ?? 0)) ** 2 / (sum(counts) * (shares[i] ?? 0))))

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
      expect(Math.abs(Math.exp(logPValue) / tail(statistic) - 1), JSON.stringify(counts)).toBeLessThan(1e-9)
    }
  })
})
