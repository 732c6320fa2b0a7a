import { aList } from '../checks.js'
import { invalidStatistics } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { checkedOptions } from './options.js'
import { below } from './words.js'

/** The verdict of {@link uniformPValues}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface UniformPValuesResult {
  /**
   * - `uniform`: nothing was found
   * - `too-small`: small p-values are too frequent: something is wrong in many experiments, or with the check
   * - `too-large`: large p-values are too frequent: the check is too conservative for its counts, or something is
   *   adjusted
   * - `not-enough`: too few p-values for a verdict
   */
  readonly status: 'uniform' | 'too-small' | 'too-large' | 'not-enough'
  /** Why it is not `uniform`, as a readable sentence. */
  readonly reason?: string
  /** How many p-values there were. */
  readonly count: number
  /** The greatest excess of p-values at or below any level over that level, 0 to 1. */
  readonly excessSmall: number
  /** The greatest lack of p-values below any level, 0 to 1. */
  readonly excessLarge: number
  /** An upper bound of the probability of an `excessSmall` this great; 1 if there are no p-values. */
  readonly pValueSmall: number
  /** The same for `excessLarge`. */
  readonly pValueLarge: number
}

/** How strict {@link uniformPValues} is. */
export interface UniformPValuesOptions {
  /** The p-value below which they are not uniform, above 0 and below 1. Each side has half of it. Default 0.001. */
  readonly threshold?: number
  /** The number of p-values below which no verdict is given; a whole number. Default 20. */
  readonly minimumTotal?: number
}

/**
 * Are the p-values of many experiments uniform? They are if every split is correct: of a thousand A/A tests, about
 * fifty are below 0.05. Collect the `pValue` of one check per experiment (one look each, at its end) and pass them
 * here. Too many small ones mean that a fault is common, even if no single experiment is a mismatch.
 *
 * The statistics are those of Smirnov, D⁺ = max(F(p) − p) and D⁻ = max(p − F(p)), where F is the share of p-values at
 * or below p. Each exceeds d with a probability of at most exp(−2 n d²): P. Massart, "The Tight Constant in the
 * Dvoretzky–Kiefer–Wolfowitz Inequality", Annals of Probability 18 (1990). The bound holds for every n ≥ 1 that makes
 * it below one half, so a verdict never comes too early. Exact p-values are a little too large by nature, because
 * counts are whole numbers: with small experiments `too-large` is expected, `too-small` never is.
 *
 * @param pValues - one for each experiment, 0 to 1; independent of each other
 * @returns frozen data; at most one of the two sides is reported, the one with the smaller p-value
 * @throws {@link ExposureError} `invalid-statistics` for anything but a list of numbers from 0 to 1, or for an option
 *   out of bounds
 *
 * @example
 * ```ts
 * import { uniformPValues } from 'first-exposure/statistics'
 *
 * const even = Array.from({ length: 1000 }, (_, i) => (i + 0.5) / 1000)
 * uniformPValues(even).status // => 'uniform'
 * const result = uniformPValues(even.map((p) => p ** 1.5))
 * result.status // => 'too-small'
 * result.reason
 * // => 'If every split were right, an excess of small p-values at least this great would have a probability of at most 6.42e-20, below 0.0005.'
 * ```
 */
export function uniformPValues(
  pValues: readonly number[],
  options: UniformPValuesOptions = {},
): UniformPValuesResult {
  const { threshold, minimumTotal = 20 } = checkedOptions(options, ['threshold', 'minimumTotal'])
  const sorted = aList(pValues, 'pValues', invalidStatistics)
    .map((p, place) => {
      if (typeof p === 'number' && p >= 0 && p <= 1) return p
      throw invalidStatistics(`pValues[${place}]`, p, 'Pass numbers from 0 to 1.')
    })
    .sort((a, b) => a - b)
  const count = sorted.length
  let [excessSmall, excessLarge] = [0, 0]
  // Where a p-value comes more than once, its last place has the greatest excess and its first place the greatest lack.
  for (const [place, p] of sorted.entries()) {
    excessSmall = Math.max(excessSmall, (place + 1) / count - p)
    excessLarge = Math.max(excessLarge, p - place / count)
  }
  const logSmall = -2 * count * excessSmall ** 2
  const logLarge = -2 * count * excessLarge ** 2
  const evidence = {
    count,
    excessSmall,
    excessLarge,
    pValueSmall: Math.exp(logSmall),
    pValueLarge: Math.exp(logLarge),
  }
  if (count < Math.max(1, minimumTotal)) {
    const reason = `${count} p-values were passed, and a verdict needs ${Math.max(1, minimumTotal)}.`
    return deepFreeze({ status: 'not-enough', reason, ...evidence })
  }
  const isSmall = logSmall <= logLarge
  const log = Math.min(logSmall, logLarge)
  if (log >= Math.log(threshold / 2)) return deepFreeze({ status: 'uniform', ...evidence })
  const reason =
    `If every split were right, an excess of ${isSmall ? 'small' : 'large'} p-values at least this great would have a ` +
    `probability of at most ${below(log, threshold / 2)}.`
  return deepFreeze({
    status: isSmall ? 'too-small' : 'too-large',
    reason,
    ...evidence,
  })
}
