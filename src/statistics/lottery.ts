import { logChiSquaredUpperTail } from './chi-squared-upper-tail.js'
import {
  binomial,
  hypergeometric,
  logBinomial,
  logPoisson,
  type CountDistribution,
} from './count-distributions.js'

/** How identities are distributed over arms if a hypothesis is true, and how far a split is from the expected one. */
export interface Lottery {
  readonly arms: number
  readonly total: number
  /** The expected count of the arms `from` up to but not including `to`. */
  readonly expected: (from: number, to: number) => number
  /** How many of the `left` identities, which the earlier arms did not get, this arm gets. */
  readonly draw: (arm: number, left: number) => CountDistribution
  /** What a count in an arm adds to the distance. */
  readonly distance: (arm: number, count: number) => number
  /**
   * The least distance that the arms `from` up to but not including `to` add with this many identities; convex in their
   * number.
   */
  readonly leastDistance: (from: number, to: number, count: number) => number
  /** How many identities this arm gets, whatever the others get. */
  readonly marginal: (arm: number) => CountDistribution
  /**
   * The logarithm of the probability of a count, if the arms were independent: given the total, they are then this
   * lottery. `logWhole` is that of the total.
   */
  readonly logWeight: (arm: number, count: number) => number
  readonly logWhole: number
  /** The expected value of e^(tilt × distance) of a large lottery is finite for any tilt below this. */
  readonly mostTilt: number
  /** If the last arm stands for a group of arms. */
  readonly group?: {
    /** The probability that the group adds at least `more` to its least distance. */
    readonly within: (count: number, more: number) => number
    /** The logarithm of the expected value of e^(tilt × what it adds to its least distance). */
    readonly logMoment: (count: number, tilt: number) => number
  }
}

/**
 * The multinomial lottery, with Pearson's statistic as its distance. `shares` sum to 1. With `grouped`, the last share
 * stands for that many large arms, among which Pearson's statistic is chi-squared: Σ over the group of (nⱼ − eⱼ)² / eⱼ
 * is (m − E)² / E + (m / E) X², where m identities fall on a group that expects E, and X² is Pearson's statistic of the
 * group for those m.
 */
export function multinomialLottery(shares: readonly number[], total: number, grouped: number = 1): Lottery {
  // From the last, so that the smallest remainders lose no digits to subtraction.
  const from = cumulative(shares.toReversed()).toReversed()
  const upTo = cumulative(shares)
  const expectedOf = (first: number, end: number): number =>
    total * (end === shares.length ? (from[first] ?? 0) : (upTo[end - 1] ?? 0) - (upTo[first - 1] ?? 0))
  const pearson = (count: number, expected: number): number => (count - expected) ** 2 / expected
  const means = shares.map((share) => total * share)
  const ofGroup = means.at(-1) ?? 0
  return {
    arms: shares.length,
    total,
    expected: expectedOf,
    draw: (arm, left) => {
      const remaining = from[arm] ?? 1
      return binomial(left, (shares[arm] ?? 0) / remaining, (from[arm + 1] ?? 0) / remaining)
    },
    distance: (arm, count) => pearson(count, means[arm] ?? 0),
    leastDistance: (first, end, count) => pearson(count, expectedOf(first, end)),
    marginal: (arm) => binomial(total, shares[arm] ?? 0, 1 - (shares[arm] ?? 0)),
    logWeight: (arm, count) => logPoisson(count, means[arm] ?? 0),
    logWhole: logPoisson(total, total),
    mostTilt: 1 / 2,
    ...(grouped === 1
      ? {}
      : {
          group: {
            within: (count: number, more: number) =>
              more <= 0
                ? 1
                : count === 0
                  ? 0
                  : Math.exp(logChiSquaredUpperTail((more * ofGroup) / count, grouped - 1)),
            logMoment: (count: number, tilt: number) => {
              const left = 1 - (2 * tilt * count) / ofGroup
              return left > 0 ? (-(grouped - 1) / 2) * Math.log(left) : Infinity
            },
          },
        }),
  }
}

/**
 * The lottery of `drawn` identities from arms of known sizes, with the improbability of the outcome as its distance:
 * Fisher's exact test, for more than two arms that of G. H. Freeman and J. H. Halton, "Note on an Exact Treatment of
 * Contingency, Goodness of Fit and Other Problems of Significance", Biometrika 38 (1951).
 */
export function hypergeometricLottery(sizes: readonly number[], drawn: number): Lottery {
  const upTo = cumulative(sizes)
  const sizeOf = (first: number, end: number): number => (upTo[end - 1] ?? 0) - (upTo[first - 1] ?? 0)
  const all = sizeOf(0, sizes.length)
  // Binomials at the common rate: given their sum, they are the hypergeometric, and they keep the numbers small.
  const [p, q] = [drawn / all, (all - drawn) / all]
  return {
    arms: sizes.length,
    total: drawn,
    expected: (first, end) => drawn * (sizeOf(first, end) / all),
    draw: (arm, left) => hypergeometric(left, sizes[arm] ?? 0, sizeOf(arm + 1, sizes.length)),
    distance: (arm, count) => -logBinomial(count, sizes[arm] ?? 0, p, q),
    leastDistance: (first, end, count) => -logBinomial(count, sizeOf(first, end), p, q),
    marginal: (arm) => hypergeometric(drawn, sizes[arm] ?? 0, all - (sizes[arm] ?? 0)),
    logWeight: (arm, count) => logBinomial(count, sizes[arm] ?? 0, p, q),
    logWhole: logBinomial(drawn, all, p, q),
    mostTilt: 1,
  }
}

/** Running sums. */
function cumulative(numbers: readonly number[]): number[] {
  let sum = 0
  return numbers.map((number) => (sum += number))
}

/** The whole numbers, an interval around the mean, for which the condition holds; null if it holds for no number. */
export function nearCounts(
  least: number,
  most: number,
  mean: number,
  isNear: (count: number) => boolean,
): readonly [low: number, high: number] | null {
  // The distance is convex, with its minimum at most one from the mean.
  const middle = Math.min(most, Math.max(least, Math.round(mean)))
  const centre = [middle, middle - 1, middle + 1].find((at) => at >= least && at <= most && isNear(at))
  if (centre === undefined) return null
  const edge = (end: number): number => {
    if (isNear(end)) return end
    let [near, away] = [centre, end]
    while (Math.abs(away - near) > 1) {
      const between = Math.round((near + away) / 2)
      if (isNear(between)) near = between
      else away = between
    }
    return near
  }
  return [edge(least), edge(most)]
}

/** The counts that an arm may have before it alone is too far. */
export function ownRange(
  { total, expected, distance }: Lottery,
  arm: number,
  far: number,
): readonly [number, number] {
  return nearCounts(0, total, expected(arm, arm + 1), (count) => distance(arm, count) < far) ?? [0, total]
}
