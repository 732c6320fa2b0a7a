import { chiSquaredCriticalValue, logChiSquaredUpperTail } from './chi-squared-upper-tail.js'
import { binomial, logLowerTail, logUpperTail } from './count-distributions.js'
import { exactTail, type ExactTail } from './exact-tail.js'
import { hypergeometricLottery, multinomialLottery } from './lottery.js'

/**
 * Where a p-value comes from.
 *
 * - `chi-squared`: the tail of the chi-squared distribution
 * - `exact`: the sum over all outcomes
 * - `mixed`: the sum over all outcomes of the small arms, the chi-squared tail among the large ones
 * - `bound`: an upper bound of the exact one, used if that would cost too much or if parts were combined: a test that
 *   uses it may report a mismatch less often than its threshold allows, never more often
 */
export type PValueMethod = 'chi-squared' | 'exact' | 'mixed' | 'bound'

/** What one test found. */
export interface TestEvidence {
  /** Pearson's statistic; `null` if it cannot be computed. */
  readonly statistic: number | null
  readonly degreesOfFreedom: number
  /** The probability of a deviation at least as great, 0 to 1; `null` if no identity was counted. */
  readonly pValue: number | null
  /** Its natural logarithm, even if the p-value is too small for a number and shows as 0. */
  readonly logPValue: number | null
  /** Where the p-value comes from; `null` if there is no p-value. */
  readonly method: PValueMethod | null
}

/** The evidence of a test that had nothing to test. */
export function noEvidence<Degrees extends number | null>(
  degreesOfFreedom: Degrees,
): Omit<TestEvidence, 'degreesOfFreedom'> & { readonly degreesOfFreedom: Degrees } {
  return { statistic: null, degreesOfFreedom, pValue: null, logPValue: null, method: null }
}

/** The raw result of a test. */
export interface Tail {
  readonly logPValue: number
  readonly method: PValueMethod
}

/**
 * The least expected count for which the chi-squared distribution is trusted down to a probability. It is 100, and
 * below 0.001 it grows with the sixth power of the normal quantile. (For an expected count e, the error factor of the
 * tail is about cosh(z³ / 6√e), from the skewness term of the Edgeworth series. It stays the same if z⁶ / e does.)
 */
export function trustedExpectation(probability: number): number {
  return 100 * Math.max(1, (chiSquaredCriticalValue(probability, 1) / chiSquaredCriticalValue(0.001, 1)) ** 3)
}

/** Are all of these expected counts large enough? A count at the limit is, in spite of rounding. */
export function areTrusted(expected: readonly number[], probability: number): boolean {
  const least = trustedExpectation(probability) * (1 - 1e-9)
  return expected.every((count) => count >= least)
}

/**
 * How probable is a split at least this far from the shares, by Pearson's statistic?
 *
 * @param shares - above 0; they sum to 1
 * @param level - the probability to compare the answer with
 */
export function multinomialTail(
  observed: readonly number[],
  shares: readonly number[],
  statistic: number,
  level: number,
): Tail {
  const total = observed.reduce((sum, count) => sum + count, 0)
  if (!Number.isFinite(statistic)) return surplusBound(observed, shares, total)
  const degreesOfFreedom = shares.length - 1
  const least = trustedExpectation(level) * (1 - 1e-9)
  const sorted = shares.toSorted((a, b) => a - b)
  const small = sorted.filter((share) => share * total < least)
  if (small.length === 0) {
    return {
      logPValue: logChiSquaredUpperTail(statistic, degreesOfFreedom),
      method: 'chi-squared',
    }
  }
  const large = sorted.slice(small.length)
  // Summing the tails between two arms of that size would take too long for its benefit.
  if (large.length > 2 || (large.length === 2 && total > 1e7)) {
    // The group counts through Pearson's statistic of the whole, so it is passed as a distance.
    const ofLarge = large.reduce((sum, share) => sum + share, 0)
    const lottery = multinomialLottery([...small, ofLarge], total, large.length)
    return tailWith('mixed', exactTail(lottery, statistic))
  }
  return tailWith('exact', exactTail(multinomialLottery(sorted, total), statistic))
}

/** The tail, with its method if nothing was rounded. */
function tailWith(method: PValueMethod, { logPValue, exact }: ExactTail): Tail {
  return { logPValue, method: exact ? method : 'bound' }
}

/** Fisher's exact test of a table of two rows, by `left` and `stayed` of each arm. */
export function hypergeometricTail(left: readonly number[], stayed: readonly number[]): Tail {
  const arms = left
    .map((count, place) => ({ count, size: count + (stayed[place] ?? 0) }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => a.size - b.size || a.count - b.count)
  const sum = (of: (arm: (typeof arms)[number]) => number): number =>
    arms.reduce((total, arm) => total + of(arm), 0)
  const drawn = sum(({ count }) => count)
  const all = sum(({ size }) => size)
  if (drawn === 0 || drawn === all) return { logPValue: 0, method: 'exact' }
  // The test is symmetric in those who left and those who stayed: the smaller group is faster to count.
  const fewer = drawn <= all - drawn
  const countOf = ({ count, size }: (typeof arms)[number]): number => (fewer ? count : size - count)
  const marked = fewer ? drawn : all - drawn
  const lottery = hypergeometricLottery(
    arms.map(({ size }) => size),
    marked,
  )
  const far = arms.reduce((distance, arm, place) => distance + lottery.distance(place, countOf(arm)), 0)
  return tailWith('exact', exactTail(lottery, far))
}

/** A bound for a Pearson's statistic too large for a number, from the arm with the largest surplus. */
function surplusBound(observed: readonly number[], shares: readonly number[], total: number): Tail {
  const tails = shares.map((share, place) =>
    logUpperTail(binomial(total, share, 1 - share), observed[place] ?? 0),
  )
  return {
    logPValue: Math.min(0, Math.min(...tails) + Math.log(shares.length)),
    method: 'bound',
  }
}

/** An interval of shares, each 0 to 1. */
export interface ShareInterval {
  readonly low: number
  readonly high: number
}

/**
 * Which shares are compatible with a count? Clopper and Pearson's interval if the count or the rest of the total is
 * below 100; otherwise Wilson's score interval.
 *
 * @param outside - the allowed probability that the interval misses the true share, 0 to 1
 */
export function shareInterval(count: number, total: number, outside: number): ShareInterval {
  if (total === 0) return { low: 0, high: 1 }
  if (Math.min(count, total - count) >= 100) {
    const square = chiSquaredCriticalValue(outside, 1)
    const middle = (count + square / 2) / (total + square)
    const half =
      (Math.sqrt(square) * Math.sqrt((count * (total - count)) / total + square / 4)) / (total + square)
    return { low: middle - half, high: middle + half }
  }
  const target = Math.log(outside / 2)
  return {
    low: count === 0 ? 0 : shareWhere((p, q) => logUpperTail(binomial(total, p, q), count) < target),
    high: count === total ? 1 : shareWhere((p, q) => logLowerTail(binomial(total, p, q), count) > target),
  }
}

/** The largest share for which `holds` is true, by bisection of the log-odds. */
function shareWhere(holds: (p: number, q: number) => boolean): number {
  let [low, high] = [-700, 700]
  while (high - low > 1e-13) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) break
    if (holds(1 / (1 + Math.exp(-middle)), 1 / (1 + Math.exp(middle)))) low = middle
    else high = middle
  }
  return 1 / (1 + Math.exp(-(low + high) / 2))
}

/** A p-value and its logarithm as a result shows them: JSON has no -Infinity. */
export function shown(logPValue: number): Pick<TestEvidence, 'pValue' | 'logPValue'> {
  const log = Number.isFinite(logPValue) ? Math.min(0, logPValue) + 0 : -Number.MAX_VALUE
  return { pValue: Math.exp(log), logPValue: log }
}
