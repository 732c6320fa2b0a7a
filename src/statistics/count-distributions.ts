import gammaln from '@stdlib/math-base-special-gammaln'
import log1pmx from '@stdlib/math-base-special-log1pmx'

/** The distribution of one count. */
export interface CountDistribution {
  /** The smallest and the greatest count with a probability above 0. */
  readonly least: number
  readonly most: number
  readonly mean: number
  readonly logProbability: (count: number) => number
  /** P(count + 1) / P(count). */
  readonly growth: (count: number) => number
}

/**
 * How many of `trials` succeed, if each does with the probability `p`? `q` is 1 − p, passed separately so that it loses
 * no digits.
 */
export function binomial(trials: number, p: number, q: number): CountDistribution {
  return {
    least: q === 0 ? trials : 0,
    most: p === 0 ? 0 : trials,
    mean: trials * p,
    logProbability: (count) => logBinomial(count, trials, p, q),
    growth: (count) => ((trials - count) / (count + 1)) * (p / q),
  }
}

/** If `drawn` identities are taken from `marked` and `others` without replacement, how many of them are marked? */
export function hypergeometric(drawn: number, marked: number, others: number): CountDistribution {
  const all = marked + others
  const [p, q] = [drawn / all, (all - drawn) / all]
  const whole = logBinomial(drawn, all, p, q)
  return {
    least: Math.max(0, drawn - others),
    most: Math.min(drawn, marked),
    mean: drawn * (marked / all),
    logProbability: (count) =>
      logBinomial(count, marked, p, q) + logBinomial(drawn - count, others, p, q) - whole,
    growth: (count) => ((marked - count) / (count + 1)) * ((drawn - count) / (others - drawn + count + 1)),
  }
}

/**
 * The logarithm of a binomial probability, to about 1e-15 of its parts for any number of trials. Differences of
 * log-gamma functions would lose nine digits at a million trials. Source: C. Loader, "Fast and Accurate Computation of
 * Binomial Probabilities" (2000).
 */
export function logBinomial(count: number, trials: number, p: number, q: number): number {
  if (count < 0 || count > trials) return -Infinity
  if (count === 0) return trials === 0 ? 0 : trials * (p < q ? Math.log1p(-p) : Math.log(q))
  if (count === trials) return trials * (q < p ? Math.log1p(-q) : Math.log(p))
  const rest = trials - count
  return (
    stirlingError(trials) -
    stirlingError(count) -
    stirlingError(rest) -
    deviance(count, trials * p) -
    deviance(rest, trials * q) +
    Math.log(trials / (2 * Math.PI * count * rest)) / 2
  )
}

/** The logarithm of a Poisson probability, for a mean above 0: as precise as {@link logBinomial}, by the same source. */
export function logPoisson(count: number, mean: number): number {
  if (count === 0) return -mean
  return -stirlingError(count) - deviance(count, mean) - Math.log(2 * Math.PI * count) / 2
}

/** x ln(x / mean) + mean − x, for x above 0, without cancellation if the two are close. */
export function deviance(x: number, mean: number): number {
  const ratio = (mean - x) / x
  if (ratio >= -0.9) return -x * log1pmx(ratio)
  const times = x / mean
  return x * (Number.isFinite(times) ? Math.log(times) : Math.log(x) - Math.log(mean)) + mean - x
}

/** ln n! − ln(√(2πn) (n/e)ⁿ): the error of Stirling's formula, for any n from 0. */
export function stirlingError(n: number): number {
  if (n < 16) return n === 0 ? 0 : gammaln(n + 1) - (n + 0.5) * Math.log(n) + n - Math.log(2 * Math.PI) / 2
  const square = n * n
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n
}

/** ln P(X ≤ count). */
export function logLowerTail(distribution: CountDistribution, count: number): number {
  const { least, most, mean } = distribution
  if (count < least) return -Infinity
  if (count >= most) return 0
  if (count > mean) return Math.log1p(-Math.exp(logUpperTail(distribution, count + 1)))
  return (
    distribution.logProbability(count) +
    Math.log(falling(count, least, -1, (at) => 1 / distribution.growth(at - 1)))
  )
}

/** ln P(X ≥ count). */
export function logUpperTail(distribution: CountDistribution, count: number): number {
  const { least, most, mean } = distribution
  if (count > most) return -Infinity
  if (count <= least) return 0
  if (count <= mean) return Math.log1p(-Math.exp(logLowerTail(distribution, count - 1)))
  return distribution.logProbability(count) + Math.log(falling(count, most, 1, distribution.growth))
}

/** 1 + r₁ + r₁r₂ + … from a count away from the mean, until the terms add nothing more. */
function falling(from: number, to: number, step: number, ratio: (at: number) => number): number {
  let [sum, term] = [1, 1]
  for (let at = from; at !== to; at += step) {
    term *= ratio(at)
    sum += term
    if (term < 1e-17 * sum) break
  }
  return sum
}

/** ln(eᵃ + eᵇ). */
export function logSum(a: number, b: number): number {
  const greater = Math.max(a, b)
  return greater === -Infinity ? -Infinity : greater + Math.log1p(Math.exp(Math.min(a, b) - greater))
}
