import gammainc from '@stdlib/math-base-special-gammainc'
import lowerGammaSeries from '@stdlib/math-base-special-gammainc/lib/lower_gamma_series.js'
import regularisedGammaPrefix from '@stdlib/math-base-special-gammainc/lib/regularised_gamma_prefix.js'
import upperGammaFraction from '@stdlib/math-base-special-gammainc/lib/upper_gamma_fraction.js'
import gammaln from '@stdlib/math-base-special-gammaln'

/**
 * The probability that a chi-squared variable exceeds `statistic`: the regularised upper incomplete gamma function
 * Q(degreesOfFreedom / 2, statistic / 2) (Abramowitz and Stegun, 26.4.19).
 *
 * The relative error is at most 1e-12 for up to 5,000 degrees of freedom (2e-12 for up to 10,000) and for results down
 * to 2.3e-308. Below that a double keeps fewer digits, and below 5e-324 none: the answer is 0.
 * {@link logChiSquaredUpperTail} has no such limit.
 */
export function chiSquaredUpperTail(statistic: number, degreesOfFreedom: number): number {
  const shape = degreesOfFreedom / 2
  const x = statistic / 2
  // Here the library (0.3.1) would sum an asymptotic series that starts one term late, with an error of up to 5 %. Two
  // of its other methods are correct here: its continued fraction above the mean, its series for the lower tail below
  // it.
  if (x > 1000 && shape < x + 50) {
    const prefix = regularisedGammaPrefix(shape, x)
    return shape <= x
      ? prefix * upperGammaFraction(shape, x)
      : 1 - (prefix * lowerGammaSeries(shape, x, 0)) / shape
  }
  return gammainc(x, shape, true, true)
}

/** The natural logarithm of {@link chiSquaredUpperTail}, even if a double cannot hold the probability itself. */
export function logChiSquaredUpperTail(statistic: number, degreesOfFreedom: number): number {
  const probability = chiSquaredUpperTail(statistic, degreesOfFreedom)
  if (probability > 1e-290) return Math.log(probability)
  const shape = degreesOfFreedom / 2
  const x = statistic / 2
  return shape * Math.log(x) - x - gammaln(shape) + Math.log(upperGammaFraction(shape, x))
}

/** The statistic that a chi-squared variable exceeds with this probability, above 0 and below 1. */
export function chiSquaredCriticalValue(probability: number, degreesOfFreedom: number): number {
  const target = Math.log(probability)
  const shape = degreesOfFreedom / 2
  const logScale = gammaln(shape) + shape * Math.LN2
  // Newton's method: the logarithm of the tail is concave, so after its first step it approaches from the right.
  let x = degreesOfFreedom
  for (let step = 0; step < 100; step++) {
    const logTail = logChiSquaredUpperTail(x, degreesOfFreedom)
    const logDensity = (shape - 1) * Math.log(x) - x / 2 - logScale
    const newton = x + (logTail - target) * Math.exp(logTail - logDensity)
    // With one degree of freedom it is convex near 0, and a step may go too far.
    const next = Math.max(newton, x / 16)
    if (Math.abs(next - x) <= 1e-14 * x) return next
    x = next
  }
  /* v8 ignore next -- it takes few steps; a hundred of them only keep a loop from never ending. */
  return x
}
