import gammainc from '@stdlib/math-base-special-gammainc'
import regularisedGammaPrefix from '@stdlib/math-base-special-gammainc/lib/regularised_gamma_prefix.js'
import upperGammaFraction from '@stdlib/math-base-special-gammainc/lib/upper_gamma_fraction.js'

/**
 * The probability that a chi-squared variable exceeds `statistic`: the regularised upper incomplete gamma function
 * Q(degreesOfFreedom / 2, statistic / 2) (Abramowitz and Stegun, 26.4.19).
 *
 * Within 1e-12 of the truth, relatively, for up to 5,000 degrees of freedom (2e-12 up to 10,000) and down to 2.3e-308.
 * Below that a double keeps fewer digits, and under 5e-324 none: the answer is 0.
 */
export function chiSquaredUpperTail(statistic: number, degreesOfFreedom: number): number {
  const shape = degreesOfFreedom / 2
  const x = statistic / 2
  // Here the library (0.3.1) would sum an asymptotic series that begins one term late: up to 2 % off. Its own
  // continued fraction, which it uses for smaller arguments, is right here as well.
  if (x > 1000 && shape < x + 50) return regularisedGammaPrefix(shape, x) * upperGammaFraction(shape, x)
  return gammainc(x, shape, true, true)
}
