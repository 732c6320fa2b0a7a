import { received } from '../errors.js'
import { numbersByVariant } from './numbers-by-variant.js'

/**
 * The shares that the variants should have, made to sum to 1; or, as a text, why they are none.
 *
 * The variants keep the order they came in. At least one share is above 0.
 */
export function expectedShares(expected: unknown): ReadonlyMap<string, number> | string {
  const weights = numbersByVariant(expected, 'expected')
  const wrong = weights.find(([, weight]) => !Number.isFinite(weight) || weight < 0)
  if (wrong) {
    return `The expected share of variant ${received(wrong[0])} is ${wrong[1]}, which is no share.`
  }
  // Scaled by the greatest first, so that no sum of finite weights is infinite; summed from the smallest, so that the
  // order of the variants changes nothing.
  const greatest = Math.max(0, ...weights.map(([, weight]) => weight))
  if (greatest === 0) return 'No variant has an expected share above 0.'
  const sum = ascendingSum(weights.map(([, weight]) => weight / greatest))
  return new Map(weights.map(([variant, weight]) => [variant, weight / greatest / sum] as const))
}

/** A sum that does not depend on the order of its terms. */
export function ascendingSum(terms: readonly number[]): number {
  return [...terms].sort((a, b) => a - b).reduce((sum, term) => sum + term, 0)
}
