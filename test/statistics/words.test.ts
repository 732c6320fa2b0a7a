import { expect, test } from 'vitest'
import { below, percentages } from '../../src/statistics/words.js'

test('a probability below a threshold is shown with as many digits as it takes to see that', () => {
  expect(below(Math.log(0.0321), 0.05)).toBe('0.0321, below 0.05')
  expect(below(Math.log(0.04999), 0.05)).toBe('0.04999, below 0.05')
  expect(below(-2000, 0.05, ', corrected')).toBe('2.58e-869, corrected, below 0.05')
})

test('where no rounding shows it, all digits are shown', () => {
  // The number below 0.45: to sixteen digits it is 0.45.
  const probability = Math.exp(-0.7985076962177717)
  expect(probability).toBeLessThan(0.45)
  expect(Number(probability.toPrecision(16))).toBe(0.45)
  expect(below(-0.7985076962177717, 0.45)).toBe(`${probability}, below 0.45`)
})

test('two shares get as many digits as it takes to tell them apart', () => {
  expect(percentages(0.5, 0.4)).toEqual(['50 %', '40 %'])
  expect(percentages(1 / 3, 1 / 4)).toEqual(['33.3 %', '25 %'])
  expect(percentages(0.50001, 0.50002)).toEqual(['50.001 %', '50.002 %'])
  expect(percentages(0.5, 0.5)).toEqual(['50 %', '50 %'])
  expect(percentages(1 / 3, 1 / 3)).toEqual(['33.3 %', '33.3 %'])
  expect(percentages(0.1, 0.1 + 2 ** -56)).toEqual(['10 %', '10.000000000000002 %'])
})
