import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
// Inside the package only: no public function takes a statistic.
import {
  chiSquaredCriticalValue,
  chiSquaredUpperTail,
  logChiSquaredUpperTail,
} from '../../src/statistics/chi-squared-upper-tail.js'

const { rows } = JSON.parse(
  readFileSync(new URL('../fixtures/statistics/chi-squared-upper-tail.json', import.meta.url), 'utf8'),
) as { rows: [degreesOfFreedom: number, statistic: number, probability: number][] }

/** The greatest relative difference from what was recorded, and where it is. */
function worst(chosen: typeof rows): { difference: number; row: unknown } {
  return chosen
    .map((row) => ({ difference: Math.abs(chiSquaredUpperTail(row[1], row[0]) / row[2] - 1), row }))
    .reduce((a, b) => (b.difference <= a.difference ? a : b))
}

describe('chiSquaredUpperTail', () => {
  test.each([
    ['the arms of real experiments', 1, 20, 400, 1e-12],
    ['many arms', 21, 200, 400, 1e-12],
    ['more than anyone runs', 201, 5000, 400, 1e-12],
    ['the end of the grid', 10_000, 10_000, 40, 2e-12],
  ])('agrees with scipy: %s', (_, from, to, atLeast, tolerance) => {
    const chosen = rows.filter(([degreesOfFreedom]) => from <= degreesOfFreedom && degreesOfFreedom <= to)
    expect(chosen.length).toBeGreaterThan(atLeast)
    const { difference, row } = worst(chosen)
    expect(difference, `at ${JSON.stringify(row)}`).toBeLessThan(tolerance)
  })

  test('the grid reaches the far tail, and the region where the library itself is wrong', () => {
    expect(Math.min(...rows.map(([, , probability]) => probability))).toBeLessThan(1.1e-307)
    expect(rows.filter(([df, statistic]) => statistic > 2000 && df < statistic + 100).length).toBeGreaterThan(
      50,
    )
  })

  test.each([
    [0, 1, 1],
    [0, 7, 1],
    [1e-300, 2, 1],
    [1e5, 3, 0],
    [1e300, 3, 0],
    [Number.MAX_VALUE, 1, 0],
    [Number.MAX_VALUE, 5000, 0],
    [1e6, 100_000, 0],
  ])('of statistic %d with %d degrees of freedom is %d', (statistic, degreesOfFreedom, probability) => {
    expect(chiSquaredUpperTail(statistic, degreesOfFreedom)).toBe(probability)
  })

  test('just past the switch, where the series of the library is wrong and its fraction slow', () => {
    expect(Math.abs(chiSquaredUpperTail(2000.1900436205897, 2099) / 0.938136046784215 - 1)).toBeLessThan(
      1e-12,
    )
  })

  test('the logarithm goes on where a double ends, and the critical value is its inverse', () => {
    for (const [df, statistic, probability] of rows) {
      expect(logChiSquaredUpperTail(statistic, df)).toBeCloseTo(Math.log(probability), 9)
    }
    for (const df of [1, 2, 9, 60, 500]) {
      // The last that a double holds, and what is beyond: steps of the same size give steps that hardly change.
      const at = [1400, 1500, 1600, 1700].map((x) => logChiSquaredUpperTail(x + 2 * df, df))
      const steps = at.slice(1).map((value, i) => value - (at[i] ?? NaN))
      for (const step of steps) expect(Math.abs(step - (steps[0] ?? NaN))).toBeLessThan(0.2 + df / 50)
      for (const probability of [0.999, 0.5, 0.05, 1e-3, 1e-9, 1e-300]) {
        const critical = chiSquaredCriticalValue(probability, df)
        expect(Math.abs(logChiSquaredUpperTail(critical, df) - Math.log(probability))).toBeLessThan(1e-9)
      }
    }
    expect(chiSquaredCriticalValue(0.001, 1)).toBeCloseTo(10.827566170662733, 10)
  })

  test('the critical value of what is almost certain keeps its digits', () => {
    // Near 0 the density of a normal variable is flat: P(Z² ≤ x) = √(2x / π).
    const missing = 1e-6
    expect(chiSquaredCriticalValue(1 - missing, 1) / ((Math.PI / 2) * missing ** 2)).toBeCloseTo(1, 8)
  })

  test('falls and stays within 0 and 1 across the places where the method changes', () => {
    for (const degreesOfFreedom of [1, 2, 3, 59, 60, 61, 200, 401, 2000, 2100, 2200]) {
      let before = 1
      for (let statistic = 0; statistic < 3000; statistic += 7.3) {
        const probability = chiSquaredUpperTail(statistic, degreesOfFreedom)
        // The methods differ by rounding where they meet near 1.
        expect(probability).toBeLessThanOrEqual(before * (1 + 1e-14))
        expect(probability).toBeGreaterThanOrEqual(0)
        before = Math.min(1, probability)
      }
    }
  })
})
