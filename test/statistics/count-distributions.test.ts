import { describe, expect, test } from 'vitest'
// Inside the package only: the distributions that all tests of counts are made of.
import {
  binomial,
  deviance,
  hypergeometric,
  logLowerTail,
  logPoisson,
  logUpperTail,
  stirlingError,
  type CountDistribution,
} from '../../src/statistics/count-distributions.js'

const choose = (n: number, k: number): bigint => {
  let ways = 1n
  for (let i = 1; i <= k; i++) ways = (ways * BigInt(n - k + i)) / BigInt(i)
  return ways
}
const factorial = (n: number): bigint => (n < 2 ? 1n : BigInt(n) * factorial(n - 1))
/** A quotient to about 17 digits. */
const quotient = (a: bigint, b: bigint): number => Number((a * 10n ** 80n) / b) / 1e80

/** Binomial with p = part / whole, by whole numbers. */
const binomialByHand = (trials: number, part: number, whole: number) => (count: number) =>
  quotient(
    choose(trials, count) * BigInt(part) ** BigInt(count) * BigInt(whole - part) ** BigInt(trials - count),
    BigInt(whole) ** BigInt(trials),
  )
const hypergeometricByHand = (drawn: number, marked: number, others: number) => (count: number) =>
  quotient(choose(marked, count) * choose(others, drawn - count), choose(marked + others, drawn))

const close = (actual: number, expected: number) => {
  expect(Math.abs(actual - expected)).toBeLessThan(1e-12 * Math.max(1, Math.abs(expected)))
}

describe.each<
  [string, CountDistribution, (count: number) => number, least: number, most: number, mean: number]
>([
  ['binomial(7, 3/10)', binomial(7, 0.3, 0.7), binomialByHand(7, 3, 10), 0, 7, 2.1],
  ['binomial(60, 9/10)', binomial(60, 0.9, 0.1), binomialByHand(60, 9, 10), 0, 60, 54],
  ['binomial(4, 1/2)', binomial(4, 0.5, 0.5), binomialByHand(4, 1, 2), 0, 4, 2],
  ['hypergeometric(5, 4, 6)', hypergeometric(5, 4, 6), hypergeometricByHand(5, 4, 6), 0, 4, 2],
  ['hypergeometric(8, 5, 6)', hypergeometric(8, 5, 6), hypergeometricByHand(8, 5, 6), 2, 5, 40 / 11],
  ['hypergeometric(40, 30, 30)', hypergeometric(40, 30, 30), hypergeometricByHand(40, 30, 30), 10, 30, 20],
])('%s is as counted by hand', (_, distribution, byHand, least, most, mean) => {
  const counts = Array.from({ length: most - least + 1 }, (__, more) => least + more)
  const sumOf = (some: readonly number[]) => some.reduce((sum, count) => sum + byHand(count), 0)

  test('every probability, and how one grows to the next', () => {
    expect([distribution.least, distribution.most]).toEqual([least, most])
    close(distribution.mean, mean)
    for (const count of counts) close(distribution.logProbability(count), Math.log(byHand(count)))
    for (const count of counts.slice(1)) {
      close(distribution.growth(count - 1), byHand(count) / byHand(count - 1))
    }
    expect(distribution.logProbability(least - 1)).toBe(-Infinity)
    expect(distribution.logProbability(most + 1)).toBe(-Infinity)
  })

  test('both tails, from below the least count to above the greatest', () => {
    for (const count of counts) {
      close(
        logLowerTail(distribution, count),
        Math.log(Math.min(1, sumOf(counts.filter((each) => each <= count)))),
      )
      close(
        logUpperTail(distribution, count),
        Math.log(Math.min(1, sumOf(counts.filter((each) => each >= count)))),
      )
    }
    for (const outside of [least - 1, least - 100]) {
      expect(logLowerTail(distribution, outside)).toBe(-Infinity)
      expect(logUpperTail(distribution, outside)).toBe(0)
    }
    for (const outside of [most + 1, most + 100]) {
      expect(logLowerTail(distribution, outside)).toBe(0)
      expect(logUpperTail(distribution, outside)).toBe(-Infinity)
    }
    expect(logLowerTail(distribution, most)).toBe(0)
    expect(logUpperTail(distribution, least)).toBe(0)
  })
})

test('a probability of 0 or 1 leaves one count', () => {
  expect(binomial(5, 0, 1)).toMatchObject({ least: 0, most: 0, mean: 0 })
  expect(binomial(5, 1, 0)).toMatchObject({ least: 5, most: 5, mean: 5 })
  for (const [trials, p] of [
    [5, 0],
    [5, 1],
    [0, 0.3],
  ] as const) {
    expect(binomial(trials, p, 1 - p).logProbability(trials * p)).toBeCloseTo(0, 15)
  }
})

test('a share so small that the rest rounds to 1 is not lost', () => {
  // (1 − 1e-18)^1e15 is e^-0.001.
  close(binomial(1e15, 1e-18, 1).logProbability(0), -1e-3)
  close(binomial(1e15, 1, 1e-18).logProbability(1e15), -1e-3)
  close(binomial(10, 0.25, 0.75).logProbability(0), 10 * Math.log(0.75))
  close(binomial(10, 0.75, 0.25).logProbability(10), 10 * Math.log(0.75))
})

test.each([0.001, 0.4, 1, 3, 17, 200])('Poisson with a mean of %d', (mean) => {
  for (let count = 0; count <= 40; count++) {
    close(logPoisson(count, mean), count * Math.log(mean) - mean - Math.log(Number(factorial(count))))
  }
})

test.each([0, 1, 2, 15, 16, 17, 40, 170])('the error of Stirling’s formula for %d', (n) => {
  const stirling = n === 0 ? 0 : (n + 0.5) * Math.log(n) - n + Math.log(2 * Math.PI) / 2
  const own = n === 0 ? 0 : Math.log(Number(factorial(n))) - stirling
  expect(Math.abs(stirlingError(n) - own)).toBeLessThan(2e-13)
})

test('the deviance of a mean that is next to nothing is finite', () => {
  // x / mean is beyond a double.
  close(deviance(1e9, 5e-324), 1e9 * (Math.log(1e9) - Math.log(5e-324)) - 1e9)
  close(deviance(2, 0.5), 2 * Math.log(4) + 0.5 - 2)
  close(deviance(10, 1), 10 * Math.log(10) + 1 - 10)
  expect(deviance(3, 3)).toBe(0)
})
