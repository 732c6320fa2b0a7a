import { deviance, stirlingError } from './count-distributions.js'

/** One arm of the test: its share under the null, its Dirichlet parameter and its count. */
export interface MultinomialArm {
  readonly share: number
  readonly alpha: number
  readonly count: number
}

/**
 * How much better does "the shares are drawn from a Dirichlet prior" explain the counts than "the shares are as
 * configured"? The logarithm of the ratio (Lindon and Malek 2022, equation 8, summed up):
 *
 *     ln Γ(A) − ln Γ(A + N) + Σ [ln Γ(αᵢ + nᵢ) − ln Γ(αᵢ)] − Σ nᵢ ln pᵢ,   A = Σ αᵢ, N = Σ nᵢ
 *
 * These terms are as great as N ln N, and their sum is as small as ln N: it would have no digits left at 1e14
 * identities. By Stirling's formula, with its error s, ln Γ(x) = (x − ½) ln x − x + ½ ln 2π + s(x). Then all of them
 * together are g(α + n) − g(α), where for the sum X = Σ xᵢ
 *
 *     g(x) = Σ [xᵢ ln(xᵢ / X pᵢ) + X pᵢ − xᵢ] + Σ [s(xᵢ) − ½ ln xᵢ] − s(X) + ½ ln X
 *
 * and no two great terms cancel each other. (The pᵢ sum to 1, so X pᵢ − xᵢ sum to 0.)
 */
export function multinomialLogBayesFactor(arms: readonly MultinomialArm[]): number {
  // If all of a phase is left out, there is no arm.
  if (arms.length === 0) return 0
  const before = arms.map(({ share, alpha }) => ({ share, x: alpha }))
  const after = arms.map(({ share, alpha, count }) => ({ share, x: alpha + count }))
  return distanceOf(after) - distanceOf(before)
}

/** g(x) of {@link multinomialLogBayesFactor}. */
function distanceOf(arms: readonly { readonly share: number; readonly x: number }[]): number {
  const sum = arms.reduce((total, { x }) => total + x, 0)
  return arms.reduce(
    (total, { share, x }) => total + deviance(x, sum * share) + stirlingError(x) - Math.log(x) / 2,
    Math.log(sum) / 2 - stirlingError(sum),
  )
}

/** The logarithm of the mean of numbers, given their logarithms. */
export function logMean(logarithms: readonly number[]): number {
  const greatest = Math.max(...logarithms)
  if (!Number.isFinite(greatest)) return greatest
  const sum = logarithms.reduce((total, logarithm) => total + Math.exp(logarithm - greatest), 0)
  return greatest + Math.log(sum / logarithms.length)
}
