import { deepFreeze } from '../freeze.js'
import { checkedVerdictOptions } from './checked-verdict-options.js'
import { numbersByVariant, whyNoCounts } from './numbers-by-variant.js'
import { deviation, notComputable, pearsonEvidence, shortly } from './pearson-evidence.js'
import type { SampleRatioOptions, SampleRatioResult } from './sample-ratio.js'

/** What {@link crossoverBias} compares. Each identity is in one of the two, once, under its first variant. */
export interface CrossoverCounts {
  /** Identities counted, by variant: the totals of a view. */
  readonly counted: Readonly<Record<string, number>>
  /** Identities quarantined, by the first variant they were exposed to. */
  readonly quarantined: Readonly<Record<string, number>>
}

/**
 * Does quarantine fall evenly on the arms? Of the identities that began in each variant the same share should have
 * been exposed to another one later. Where it is not, those who are left in one arm were chosen by what that arm does,
 * and the experiment is biased, however small the quarantined share is. {@link excludedRatio} asks the other question,
 * whether that share is large, which says that assignment does not stick, even where it falls evenly.
 *
 * Uneven is also what follows where identities are assigned anew at random in unequal shares, or where the split
 * changed and assignment did not stick: the smaller arm, or the one that shrank, loses more. That biases just as well.
 *
 * Pearson's chi-squared test of homogeneity, over the two cells of each arm, quarantined and counted. Source:
 * K. Pearson, "On the criterion…", Philosophical Magazine 50 (1900), with the degrees of freedom of R. A. Fisher, "On
 * the interpretation of χ² from contingency tables, and the calculation of P", Journal of the Royal Statistical
 * Society 85 (1922). Given how many are quarantined, it asks of them what {@link sampleRatio} asks of those counted.
 * So `minimumTotal` is about the quarantined, and for the same reason: with less, the chi-squared distribution
 * follows the counts too roughly.
 *
 * @param counts - identities counted and identities quarantined, whole numbers from 0; a variant left out has none
 * @param options - `minimumTotal` is the number of quarantined identities below which no verdict is given
 * @returns frozen data as of `sampleRatio`: an arm's `observed` and `expected` are identities quarantined, expected in
 *   proportion to all that began in the variant, and its `statisticShare` is that of its two cells. The variants come
 *   in the order of `counted`, then the others by key. Without an identity in two variants at least, or with a number
 *   that is no count, it is `not-computable`, with the reason. The order of the variants changes nothing else
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
 * // => 'A quarantine spread this unevenly over the arms has a probability of 7.37e-9, below 0.001.'
 * result.arms.map(({ variant, observed, expected }) => [variant, observed, expected])
 * // => [['control', 100, 150], ['treatment', 200, 150]]
 *
 * // Yet only 3 in 1000 are quarantined.
 * excludedRatio({ total: 99_700, excludedIdentities: 300 }).status // => 'acceptable'
 * crossoverBias({ counted, quarantined: { control: 155, treatment: 145 } }).status // => 'consistent'
 * ```
 */
export function crossoverBias(counts: CrossoverCounts, options: SampleRatioOptions = {}): SampleRatioResult {
  const { threshold, minimumTotal } = checkedVerdictOptions(options, 0.001)
  const { counted: countedRecord, quarantined: quarantinedRecord } = Object(counts) as CrossoverCounts
  const counted = numbersByVariant(countedRecord, 'counted')
  const quarantined = numbersByVariant(quarantinedRecord, 'quarantined')
  const noCounts = whyNoCounts(counted, 'The count') ?? whyNoCounts(quarantined, 'The quarantined count')
  if (noCounts !== undefined) return notComputable(noCounts)

  const countedOf = new Map(counted)
  const quarantinedOf = new Map(quarantined)
  const others = [...quarantinedOf.keys()].filter((variant) => !countedOf.has(variant))
  const began = [...countedOf.keys(), ...others.sort()].map((variant) => {
    const [stayed, left] = [countedOf.get(variant) ?? 0, quarantinedOf.get(variant) ?? 0]
    return { variant, stayed, left, seen: stayed + left }
  })
  const degreesOfFreedom = began.filter(({ seen }) => seen > 0).length - 1
  if (degreesOfFreedom < 1) {
    return notComputable('Fewer than two variants have an identity: there is nothing to compare.')
  }
  const stayed = began.reduce((sum, arm) => sum + arm.stayed, 0)
  const left = began.reduce((sum, arm) => sum + arm.left, 0)
  const arms = began.map((arm) => {
    const expected = (arm.seen * left) / (stayed + left)
    const counterpart = (arm.seen * stayed) / (stayed + left)
    return {
      variant: arm.variant,
      observed: arm.left,
      expected,
      deviation: deviation(arm.left, expected) + deviation(arm.stayed, counterpart),
    }
  })
  const evidence = pearsonEvidence(arms, degreesOfFreedom, left)
  return deepFreeze({ ...verdict(evidence.pValue, left, threshold, minimumTotal), ...evidence })
}

function verdict(
  pValue: number | null,
  quarantined: number,
  threshold: number,
  minimumTotal: number,
): Pick<SampleRatioResult, 'status' | 'reason'> {
  if (pValue === null || quarantined < minimumTotal) {
    const needed = Math.max(minimumTotal, 1)
    const reason = `${quarantined} identities were quarantined, and a verdict needs ${needed}.`
    return { status: 'not-enough-traffic', reason }
  }
  if (pValue >= threshold) return { status: 'consistent' }
  const reason =
    `A quarantine spread this unevenly over the arms has a probability of ${shortly(pValue)}, ` +
    `below ${threshold}.`
  return { status: 'mismatch', reason }
}
