import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sampleRatio } from 'first-exposure/statistics'
// Inside the package only: no public function takes a distance.
import { binomial, logUpperTail } from '../../src/statistics/count-distributions.js'
import { enumeratedTail, exactTail } from '../../src/statistics/exact-tail.js'
import { exponentialBound } from '../../src/statistics/exponential-bound.js'
import { hypergeometricLottery, multinomialLottery } from '../../src/statistics/lottery.js'
import { runs } from '../arbitraries/runs.js'

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
const sharesOf = (weights: readonly number[]) => weights.map((weight) => weight / sum(weights))
const ascending = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)

const further = fc.double({ min: 0, max: 60, noNaN: true })

describe('the bound is never below the sum over all outcomes, and not far above', () => {
  test('of a multinomial', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 3, maxLength: 5 }).map(ascending)
    fc.assert(
      fc.property(weights, fc.integer({ min: 5, max: 300 }), further, (given, total, beyond) => {
        const lottery = multinomialLottery(sharesOf(given), total)
        const far = given.length - 1 + beyond
        const { logPValue, exact } = exactTail(lottery, far)
        fc.pre(exact && logPValue > -200)
        const more = exponentialBound(lottery, far) - logPValue
        expect(more).toBeGreaterThanOrEqual(0)
        expect(more).toBeLessThan(15)
      }),
      { numRuns: runs(200) },
    )
  })

  test('of a table', () => {
    const sizes = fc.array(fc.integer({ min: 3, max: 90 }), { minLength: 3, maxLength: 5 }).map(ascending)
    fc.assert(
      fc.property(sizes, fc.double({ min: 0.05, max: 0.95, noNaN: true }), further, (given, part, beyond) => {
        const drawn = Math.round(part * sum(given))
        fc.pre(drawn > 2)
        const lottery = hypergeometricLottery(given, drawn)
        const far = lottery.leastDistance(0, given.length, drawn) + given.length / 2 + beyond / 2
        const { logPValue, exact } = exactTail(lottery, far)
        fc.pre(exact && logPValue > -200)
        const more = exponentialBound(lottery, far) - logPValue
        expect(more).toBeGreaterThanOrEqual(-1e-12)
        expect(more).toBeLessThan(15)
      }),
      { numRuns: runs(200) },
    )
  })

  test('with large arms as a group', () => {
    const small = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 2 }).map(ascending)
    fc.assert(
      fc.property(
        small,
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        further,
        (given, grouped, times, beyond) => {
          const weights = [...given, 100 * grouped]
          const lottery = multinomialLottery(sharesOf(weights), times * sum(weights), grouped)
          const far = weights.length + grouped - 2 + beyond
          const whole = enumeratedTail(lottery, far)
          fc.pre(whole !== null)
          const more = exponentialBound(lottery, far) - Math.log(whole ?? NaN)
          expect(more).toBeGreaterThanOrEqual(0)
          expect(more).toBeLessThan(15)
        },
      ),
      { numRuns: runs(100) },
    )
  })
})

test('a distance that no outcome has reached is bounded too, whatever a double holds', () => {
  // Two arms that expect 50 each, and one of them got 1,000.
  const alone = logUpperTail(binomial(100_000, 0.0005, 0.9995), 1000)
  expect(alone).toBeLessThan(-2000)
  const result = sampleRatio({ a: 98_950, b: 1000, c: 50 }, { a: 999, b: 0.5, c: 0.5 })
  expect(result).toMatchObject({ status: 'mismatch', method: 'bound', pValue: 0 })
  expect(result.logPValue).toBeGreaterThan(alone)
  expect(result.logPValue).toBeLessThan(alone + 15)
  // Where the sum over all outcomes loses its first terms, it does not lose the others: the logarithm of the sum in
  // logarithms is -495.1077.
  const lost = sampleRatio({ a: 1480, b: 385, c: 385 }, equalOf('abc'), { threshold: 1e-9 })
  expect(lost.method).toBe('exact')
  expect(lost.logPValue).toBeCloseTo(-495.1077, 3)
})

describe('a distance up to which the counts are too many to sample is bounded by its arms', () => {
  test.each([
    { observed: { a: 900_000_000_000, b: 0, c: 0 }, shares: { a: 95, b: 3e11, c: 23 } },
    { observed: { a: 10_000_000, b: 0, c: 0 }, shares: { a: 1, b: 10_000_000, c: 5_000_000 } },
    { observed: { a: 9e15, b: 0, c: 0 }, shares: { a: 1, b: 1e15, c: 1e15 } },
    // A group of large arms beside it.
    { observed: { a: 1e10, b: 1e12, c: 1e12, d: 1e12 }, shares: { a: 1, b: 1e12, c: 1e12, d: 1e12 } },
    // It is the group that is far away.
    { observed: { a: 1, b: 1e10, c: 0, d: 0 }, shares: { a: 1, b: 3e9, c: 3e9, d: 4e9 } },
  ])('$observed', ({ observed, shares }) => {
    const result = sampleRatio(observed, shares)
    expect(result).toMatchObject({ status: 'mismatch', method: 'bound', pValue: 0 })
    // No more probable than that, and not so improbable as the surplus of one arm alone.
    expect(result.logPValue).toBeLessThan(-1e5)
    const total = sum(Object.values(observed))
    const alone = sharesOf(Object.values(shares)).map((share, arm) =>
      logUpperTail(binomial(total, share, 1 - share), Object.values(observed)[arm] ?? NaN),
    )
    expect(result.logPValue).toBeGreaterThanOrEqual(Math.min(...alone))
  })

  test('one identity in an arm that hardly anybody should be in is further away, and more probable', () => {
    const result = sampleRatio({ a: 9e11 }, { a: 95, b: 3e11, c: 6e-133, d: 4e-295, e: 3e-195, f: 23 })
    expect(result.method).toBe('bound')
    expect(result.logPValue).toBeCloseTo(Math.log((9e11 * 6e-133) / 3e11), 6)
  })
})

function equalOf(arms: string): Record<string, number> {
  return Object.fromEntries([...arms].map((arm) => [arm, 1]))
}
