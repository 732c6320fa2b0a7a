import gammaln from '@stdlib/math-base-special-gammaln'

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
 */
export function multinomialLogBayesFactor(arms: readonly MultinomialArm[]): number {
  let alphas = 0
  let total = 0
  let logBayesFactor = 0
  for (const { share, alpha, count } of arms) {
    alphas += alpha
    total += count
    logBayesFactor += gammaln(alpha + count) - gammaln(alpha) - count * Math.log(share)
  }
  return logBayesFactor + (gammaln(alphas) - gammaln(alphas + total))
}

/** The logarithm of the mean of numbers, given their logarithms. */
export function logMean(logarithms: readonly number[]): number {
  const greatest = Math.max(...logarithms)
  if (!Number.isFinite(greatest)) return greatest
  const sum = logarithms.reduce((total, logarithm) => total + Math.exp(logarithm - greatest), 0)
  return greatest + Math.log(sum / logarithms.length)
}
