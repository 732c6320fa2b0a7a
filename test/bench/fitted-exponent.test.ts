import { expect, test } from 'vitest'
import { fittedExponent } from '../../bench/fitted-exponent.js'
import { median } from '../../bench/median.js'

test.each([0, 0.5, 1, 1.1, 2])('a cost that grows as size to the power of %d has that exponent', (power) => {
  const points = [1e6, 3e6, 2e7, 5e7].map((size) => ({ size, cost: 7 * size ** power }))
  expect(fittedExponent(points)).toBeCloseTo(power, 10)
})

test('the median is the middle one, or the mean of the middle two', () => {
  expect(median([3, 1, 100])).toBe(3)
  expect(median([4, 1, 100, 2])).toBe(3)
})
