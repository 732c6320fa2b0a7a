import { withFields } from '../checks.js'
import { invalidStatistics } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { logChiSquaredUpperTail } from './chi-squared-upper-tail.js'
import { numbersByVariant, whyNoCounts, whyNoSum } from './counts.js'
import {
  areTrusted,
  hypergeometricTail,
  noEvidence,
  shareInterval,
  shown,
  type PValueMethod,
  type ShareInterval,
} from './evidence.js'
import { ascendingSum } from './expected-phases.js'
import { checkedOptions } from './options.js'
import { deviation } from './phase-evidence.js'
import {
  neededFor,
  verdict,
  type SampleRatioOptions,
  type SampleRatioSeverity,
  type SampleRatioStatus,
} from './sample-ratio.js'

/**
 * The counts that {@link crossoverBias} compares. Each identity is in one of the two, once, under its first variant.
 */
export interface CrossoverCounts {
  /** Counted identities, by variant: the totals of a view. */
  readonly counted: Readonly<Record<string, number>>
  /** Quarantined identities, by the first variant they were exposed to: `firstVariants` of `Crossovers`. */
  readonly quarantined: Readonly<Record<string, number>>
}

/** How many of the identities that began in a variant were quarantined. */
export interface CrossoverBiasArm {
  readonly variant: string
  /** Identities that began in the variant, counted and quarantined. */
  readonly seen: number
  readonly quarantined: number
  /** Quarantined identities to expect if quarantine took the same share of every arm. */
  readonly expected: number
  /** The share of the statistic that comes from the arm's two cells, 0 to 1. `null` if `statistic` is. */
  readonly statisticShare: number | null
  /** `quarantined` as a share of `seen`, 0 to 1; `null` if no identity was seen. */
  readonly share: number | null
  /** The confidence interval of that share, with confidence 1 − threshold. `null` if no identity was seen. */
  readonly interval: ShareInterval | null
  /** @deprecated The same as `quarantined`. */
  readonly observed: number
}

/** The verdict of {@link crossoverBias}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface CrossoverBiasResult {
  /**
   * As in `sampleRatio`: `consistent` means that no unevenness was found, and enough identities were quarantined, and
   * enough left counted, to find one.
   */
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, as a readable sentence. */
  readonly reason?: string
  /** As in `sampleRatio`. */
  readonly severity: SampleRatioSeverity | null
  /** Pearson's statistic over both cells of each arm; `null` if no identity was quarantined. */
  readonly statistic: number | null
  /** The number of arms with an identity, minus one. `null` for `not-computable`. */
  readonly degreesOfFreedom: number | null
  /** The probability of a quarantine at least this uneven, if it took the same share of every arm, 0 to 1. */
  readonly pValue: number | null
  /** Its natural logarithm. */
  readonly logPValue: number | null
  /** Where the p-value comes from; `exact` is Fisher's test. */
  readonly method: PValueMethod | null
  /** In the order of `counted`, then the others by key. Empty for `not-computable`. */
  readonly arms: readonly CrossoverBiasArm[]
  /**
   * The number of identities from which an even quarantine is `consistent`: so many must be quarantined, and so many
   * counted. `null` for `not-computable`.
   */
  readonly neededTotal: number | null
}

/**
 * Does quarantine take the same share of every arm? In each variant, the same share of the identities that began there
 * should have been exposed to another variant later. Otherwise the effect of an arm decides who is left in it, and the
 * experiment is biased, even if the quarantined share is small. {@link excludedRatio} asks whether that share is large:
 * then assignment does not stick, even if quarantine is even. {@link assignedRatio} says whether the split was right
 * before quarantine.
 *
 * Quarantine is also uneven if identities are assigned again at random in unequal shares, or if the split changed and
 * assignment did not stick: the smaller arm, or the one that shrank, loses more. This biases the experiment too.
 *
 * If the expected count of every cell, quarantined and counted, is large enough (see {@link sampleRatio}), this is
 * Pearson's chi-squared test of homogeneity. Otherwise it is Fisher's exact test, for more than two arms in the form of
 * Freeman and Halton: given both margins, the probability of all tables that are at most as probable as this one.
 * Sources: K. Pearson, "On the criterion…", Philosophical Magazine 50 (1900); R. A. Fisher, "On the interpretation of
 * χ² from contingency tables, and the calculation of P", Journal of the Royal Statistical Society 85 (1922); G. H.
 * Freeman and J. H. Halton, Biometrika 38 (1951).
 *
 * @param counts - counted and quarantined identities, whole numbers from 0; a missing variant has 0
 * @param options - as for `sampleRatio`; `minimumTotal` applies to the quarantined identities and to the counted ones.
 *   Without it, `consistent` needs enough of both to show that the smallest arm has half as many as it should
 * @returns frozen data. `not-computable` unless at least two variants have an identity, or if a number cannot be a
 *   count. The order of the variants changes only the order of the arms
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type or an option out of bounds
 *
 * @example
 * ```ts
 * import { crossoverBias, excludedRatio } from 'first-exposure/statistics'
 *
 * const counted = { control: 49_900, treatment: 49_800 }
 * const result = crossoverBias({ counted, quarantined: { control: 100, treatment: 200 } })
 * result.status // => 'mismatch'
 * result.reason
 * // => 'If quarantine took the same share of every arm, one at least this uneven would have a probability of 7.37e-9, below 0.001.'
 * result.arms.map(({ variant, quarantined, expected }) => [variant, quarantined, expected])
 * // => [['control', 100, 150], ['treatment', 200, 150]]
 *
 * // Yet only 3 in 1000 are quarantined.
 * excludedRatio({ total: 99_700, excludedIdentities: 300 }).status // => 'acceptable'
 * crossoverBias({ counted, quarantined: { control: 155, treatment: 145 } }).status // => 'consistent'
 * ```
 */
export function crossoverBias(
  counts: CrossoverCounts,
  options: Omit<SampleRatioOptions, 'window'> = {},
): CrossoverBiasResult {
  const checked = checkedOptions(options, ['threshold', 'warningThreshold', 'minimumTotal', 'leaveOut'])
  const { threshold, leaveOut } = checked
  const { counted: countedRecord, quarantined: quarantinedRecord } = withFields(
    counts,
    ['counted', 'quarantined'],
    'counts',
    invalidStatistics,
    '',
  )
  const kept = (record: unknown, path: string): readonly (readonly [string, number])[] =>
    numbersByVariant(record, path).filter(([variant]) => !leaveOut.has(variant))
  const counted = kept(countedRecord, 'counted')
  const quarantined = kept(quarantinedRecord, 'quarantined')
  const noCounts = whyNoCounts(counted, 'The count') ?? whyNoCounts(quarantined, 'The quarantined count')
  if (noCounts !== undefined) return notComputable(noCounts)

  const countedOf = new Map(counted)
  const quarantinedOf = new Map(quarantined)
  const others = [...quarantinedOf.keys()].filter((variant) => !countedOf.has(variant))
  const began = [...countedOf.keys(), ...others.sort()].map((variant) => {
    const [stayed, left] = [countedOf.get(variant) ?? 0, quarantinedOf.get(variant) ?? 0]
    return { variant, stayed, left, seen: stayed + left }
  })
  const compared = began.filter(({ seen }) => seen > 0)
  if (compared.length < 2) {
    return notComputable('Fewer than two variants have an identity: there is nothing to compare.')
  }
  const stayed = began.reduce((sum, arm) => sum + arm.stayed, 0)
  const left = began.reduce((sum, arm) => sum + arm.left, 0)
  const all = stayed + left
  const fewer = Math.min(stayed, left)
  const noSum = whyNoSum(all)
  if (noSum !== undefined) return notComputable(noSum)
  const cells = began.map(({ seen, left: gone, stayed: rest }) => {
    const [expected, counterpart] = [seen * (left / all), seen * (stayed / all)]
    return {
      expected,
      counterpart,
      deviation: deviation(gone, expected) + deviation(rest, counterpart),
    }
  })
  const statistic = ascendingSum(cells.map((cell) => cell.deviation))
  const degreesOfFreedom = compared.length - 1
  const isTrusted = areTrusted(
    cells.flatMap(({ expected, counterpart }, place) =>
      began[place]?.seen === 0 ? [] : [expected, counterpart],
    ),
    threshold,
  )
  const { logPValue, method } = isTrusted
    ? {
        logPValue: logChiSquaredUpperTail(statistic, degreesOfFreedom),
        method: 'chi-squared' as const,
      }
    : hypergeometricTail(
        began.map((arm) => arm.left),
        began.map((arm) => arm.stayed),
      )
  const neededTotal =
    checked.minimumTotal ??
    neededFor(
      compared.map(({ seen }) => seen / all),
      threshold,
    )
  return deepFreeze({
    // Where next to nobody is left, no counts could be uneven, as where next to nobody was quarantined.
    ...verdict(fewer === 0 ? null : logPValue, fewer, neededTotal, checked, {
      premise: 'If quarantine took the same share of every arm, one at least this uneven',
      done: stayed < left ? 'counted' : 'quarantined',
    }),
    statistic: left === 0 ? null : statistic,
    degreesOfFreedom,
    ...(left === 0 ? { pValue: null, logPValue: null, method: null } : { ...shown(logPValue), method }),
    arms: began.map(({ variant, seen, left: gone }, place) => {
      const cell = cells[place]
      return {
        variant,
        seen,
        quarantined: gone,
        observed: gone,
        expected: cell?.expected ?? 0,
        statisticShare: left === 0 ? null : statistic === 0 ? 0 : (cell?.deviation ?? 0) / statistic,
        share: seen === 0 ? null : gone / seen,
        interval: seen === 0 ? null : shareInterval(gone, seen, threshold),
      }
    }),
    neededTotal,
  })
}

function notComputable(reason: string): CrossoverBiasResult {
  return deepFreeze({
    status: 'not-computable',
    reason,
    severity: null,
    ...noEvidence(null),
    arms: [],
    neededTotal: null,
  })
}
