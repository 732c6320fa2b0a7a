import { received } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { chiSquaredUpperTail } from './chi-squared-upper-tail.js'
import { ascendingSum, expectedShares } from './expected-shares.js'
import { invalidStatistics } from './invalid-statistics.js'
import { numbersByVariant, whyNoCounts } from './numbers-by-variant.js'
import { assertThreshold } from './threshold.js'

/**
 * What a check of the sample ratio found.
 *
 * - `consistent`: the split is one that the expected shares give often enough
 * - `mismatch`: it is not; something between assignment and counting loses or adds identities
 * - `not-enough-traffic`: too few identities to say
 * - `not-computable`: there is nothing to compare, or a number that is none
 */
export type SampleRatioStatus = 'consistent' | 'mismatch' | 'not-enough-traffic' | 'not-computable'

/** One variant of the experiment, as seen and as expected. */
export interface SampleRatioArm {
  readonly variant: string
  /** Identities counted; 0 for a variant without traffic. */
  readonly observed: number
  /**
   * Identities expected: the variant's normalised share of all that were counted. `null` for a variant that was seen
   * without being in `expected`.
   */
  readonly expected: number | null
  /** Its share of the statistic, 0 to 1: which arm the evidence comes from. `null` where `statistic` is. */
  readonly statisticShare: number | null
}

/** The verdict of {@link sampleRatio}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface SampleRatioResult {
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, in a sentence for people. */
  readonly reason?: string
  /**
   * Pearson's statistic, Σ (observed − expected)² / expected. `null` where there is none to compute, and where it is
   * infinite: identities where none were expected.
   */
  readonly statistic: number | null
  /** Variants with an expected share above 0, less one. `null` for `not-computable`. */
  readonly degreesOfFreedom: number | null
  /**
   * The probability of a statistic at least this great under the expected shares, 0 to 1. `null` where there is none
   * to compute. Read the verdict from `status`, not from a comparison with this: `null < 0.001` is true.
   */
  readonly pValue: number | null
  /** The expected variants in the order of `expected`, then the others by key. Empty for `not-computable`. */
  readonly arms: readonly SampleRatioArm[]
}

/** How strict {@link sampleRatio} is. */
export interface SampleRatioOptions {
  /** The p-value below which the split is a mismatch, above 0 and below 1. Default 0.001. */
  readonly threshold?: number
  /** The identities, over all variants, below which no verdict is given; a whole number. Default 100. */
  readonly minimumTotal?: number
}

/**
 * Does the split between the variants look like the one that was configured? Pearson's chi-squared test of goodness
 * of fit, asked once: for a panel that is looked at again and again, see {@link sequentialSampleRatio}.
 *
 * Identities in a variant whose share is 0, or that is not in `expected`, are a mismatch, however few: no split that
 * was configured gives them. The reason names the variants. A variant without traffic counts as 0.
 *
 * The p-value is that of the chi-squared distribution, which small counts follow only roughly. Where one variant should
 * get 1 % of 100 identities, a right split is called a mismatch 3 times in 1000 instead of once, from 1000 identities
 * on 1.5 times: with a small share ask for a `minimumTotal` that expects ten identities of it.
 *
 * Source: K. Pearson, "On the criterion that a given system of deviations…", Philosophical Magazine 50 (1900). The
 * threshold of 0.001 is the convention of the field: A. Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online
 * Controlled Experiments", KDD 2019.
 *
 * @param observed - identities by variant, whole numbers from 0: the totals of a view, or any counts
 * @param expected - what each variant should get, finite and from 0: shares, percentages or weights, of any sum
 * @returns frozen data. Never `consistent` unless every number was one, at least two variants have a share above 0
 *   and `minimumTotal` is reached. A count or share that is NaN, infinite or negative, or a count that is not whole, is
 *   `not-computable`, with the reason. The order of the variants and the sum of `expected` change nothing.
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type or an option out of bounds
 *
 * @example
 * ```ts
 * import { sampleRatio } from 'first-exposure/statistics'
 *
 * sampleRatio({ control: 600, treatment: 400 }, { control: 1, treatment: 1 })
 * // => {
 * //   status: 'mismatch',
 * //   reason: 'A split this far from the expected one has a probability of 2.54e-10, below 0.001.',
 * //   statistic: 40,
 * //   degreesOfFreedom: 1,
 * //   pValue: 2.53962858947086e-10,
 * //   arms: [
 * //     { variant: 'control', observed: 600, expected: 500, statisticShare: 0.5 },
 * //     { variant: 'treatment', observed: 400, expected: 500, statisticShare: 0.5 },
 * //   ],
 * // }
 * sampleRatio({ control: 505, treatment: 495 }, { control: 50, treatment: 50 }).status // => 'consistent'
 * sampleRatio({ control: 9, treatment: 1 }, { control: 0.5, treatment: 0.5 }).status // => 'not-enough-traffic'
 * ```
 */
export function sampleRatio(
  observed: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
  options: SampleRatioOptions = {},
): SampleRatioResult {
  const { threshold = 0.001, minimumTotal = 100 } = options
  assertThreshold(threshold)
  if (!Number.isSafeInteger(minimumTotal) || minimumTotal < 0) {
    throw invalidStatistics('minimumTotal', minimumTotal, 'Pass a whole number from 0.')
  }
  const counts = numbersByVariant(observed, 'observed')
  const shares = expectedShares(expected)
  if (typeof shares === 'string') return notComputable(shares)
  const noCounts = whyNoCounts(counts, 'The count')
  if (noCounts !== undefined) return notComputable(noCounts)

  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  const countOf = new Map(counts)
  const unlisted = counts.map(([variant]) => variant).filter((variant) => !shares.has(variant))
  const deviations = [...shares.keys(), ...unlisted.sort()].map((variant) => {
    const observed = countOf.get(variant) ?? 0
    const share = shares.get(variant)
    const expected = share === undefined ? null : total * share
    return { variant, observed, expected, deviation: deviation(observed, expected ?? 0) }
  })
  const sum = ascendingSum(deviations.map(({ deviation }) => deviation))
  const statistic = total > 0 && Number.isFinite(sum) ? sum : null
  const degreesOfFreedom = [...shares.values()].filter((share) => share > 0).length - 1
  const evidence = {
    statistic,
    degreesOfFreedom,
    pValue: total === 0 ? null : statistic === null ? 0 : chiSquaredUpperTail(statistic, degreesOfFreedom),
    arms: deviations.map(({ variant, observed, expected, deviation }) => ({
      variant,
      observed,
      expected,
      statisticShare: statistic === null ? null : statistic === 0 ? 0 : deviation / statistic,
    })),
  }
  return deepFreeze({ ...verdict(evidence, total, threshold, minimumTotal), ...evidence })
}

/** An arm's part of Pearson's statistic; infinite for identities where none can be. */
function deviation(observed: number, expected: number): number {
  return expected === 0 ? (observed === 0 ? 0 : Infinity) : (observed - expected) ** 2 / expected
}

function verdict(
  { pValue, arms }: Pick<SampleRatioResult, 'pValue' | 'arms'>,
  total: number,
  threshold: number,
  minimumTotal: number,
): Pick<SampleRatioResult, 'status' | 'reason'> {
  const unexpected = arms.filter(({ observed, expected }) => observed > 0 && (expected ?? 0) === 0)
  if (unexpected.length > 0) {
    const seen = unexpected.map(({ variant, observed }) => `${received(variant)} (${observed})`).join(', ')
    return { status: 'mismatch', reason: `Identities were counted where none are expected: ${seen}.` }
  }
  if (pValue === null || total < minimumTotal) {
    return {
      status: 'not-enough-traffic',
      reason: `${total} identities were counted, and a verdict needs ${Math.max(minimumTotal, 1)}.`,
    }
  }
  if (pValue >= threshold) return { status: 'consistent' }
  return {
    status: 'mismatch',
    reason:
      `A split this far from the expected one has a probability of ${Number(pValue.toPrecision(3))}, ` +
      `below ${threshold}.`,
  }
}

function notComputable(reason: string): SampleRatioResult {
  return deepFreeze({
    status: 'not-computable',
    reason,
    statistic: null,
    degreesOfFreedom: null,
    pValue: null,
    arms: [],
  })
}
