import { received } from '../errors.js'
import { numbersByVariant } from './numbers-by-variant.js'

/**
 * The shares that the variants should have, made to sum to 1; or, as a text, why there is nothing to test.
 *
 * The variants keep the order they came in.
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
  const sum = ascendingSum(weights.map(([, weight]) => weight / greatest))
  const shares = new Map(weights.map(([variant, weight]) => [variant, weight / greatest / sum] as const))
  const positive = [...shares.values()].filter((share) => share > 0).length
  if (positive < 2) {
    return positive === 0
      ? 'No variant has an expected share above 0.'
      : 'Only one variant has an expected share above 0: there is no ratio to test.'
  }
  return shares
}

/** A sum that does not depend on the order of its terms. */
export function ascendingSum(terms: readonly number[]): number {
  return [...terms].sort((a, b) => a - b).reduce((sum, term) => sum + term, 0)
}
