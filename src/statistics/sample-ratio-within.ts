import { quoted } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { entriesOf, numbersByVariant, whyNoCounts, whyNoSum } from './counts.js'
import { noEvidence, shown, type TestEvidence } from './evidence.js'
import { checkedOptions } from './options.js'
import { familyOf, overall, type AdjustedSampleRatioResult } from './sample-ratio-by-slice.js'
import type { SampleRatioOptions, SampleRatioStatus } from './sample-ratio.js'
import { tableEvidence } from './table-evidence.js'

/** The check of the identities of one variant of the other experiment. */
export interface SampleRatioWithinArm extends AdjustedSampleRatioResult {
  /** The variant of the other experiment. */
  readonly other: string
}

/** The verdict of {@link sampleRatioWithin}. Plain, frozen data without NaN or Infinity. */
export interface SampleRatioWithinResult {
  /**
   * `mismatch` if the split is broken within a variant of the other experiment; otherwise as for the slices of
   * `sampleRatioBySlice`.
   */
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, as a readable sentence. */
  readonly reason?: string
  /** The number of tested variants of the other experiment, for which the p-values are corrected. */
  readonly familySize: number
  /** In the order of the table. */
  readonly arms: readonly SampleRatioWithinArm[]
  /**
   * Is the split the same within every variant of the other experiment, whatever the expected split is? A p-value below
   * the threshold means that the two assignments depend on each other.
   */
  readonly independence: TestEvidence
}

/**
 * Is the split the same within each arm of another experiment? Two experiments that assign independently give the same
 * shares within each of the other's variants. If one loses identities, or both use the same hash, the shares differ,
 * and one experiment causes the mismatch of the other.
 *
 * Two questions are answered. Within each variant of the other experiment, is the split the expected one? That is
 * {@link sampleRatio}, with Holm's correction for the number of variants, as for slices. And are the two independent?
 * That is the test of {@link overlapIndependence}, which has the same p-value for the same table: Pearson's test, or the
 * exact one of Fisher, Freeman and Halton if the expected count of a cell is too small.
 *
 * @param table - the identities that are in both experiments, by the variant of the other one, then by the variant of
 *   this one; whole numbers from 0
 * @param expected - what each variant of this experiment should get, of any sum
 * @param options - as for `sampleRatio`; `threshold` applies to all variants of the other experiment together
 * @returns frozen data. The order of the variants changes no number and no verdict
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type or an option out of bounds
 *
 * @example
 * ```ts
 * import { sampleRatioWithin } from 'first-exposure/statistics'
 *
 * // The new checkout of the other experiment loses identities of this one's treatment.
 * const table = {
 *   'old-checkout': { control: 5010, treatment: 4990 },
 *   'new-checkout': { control: 5020, treatment: 4480 },
 * }
 * const result = sampleRatioWithin(table, { control: 1, treatment: 1 })
 * result.reason // => 'The split is not the expected one where the other variant is "new-checkout".'
 * result.arms.map(({ other, status }) => [other, status])
 * // => [['old-checkout', 'consistent'], ['new-checkout', 'mismatch']]
 * result.independence.pValue?.toPrecision(6) // => '0.000128424'
 * ```
 */
export function sampleRatioWithin(
  table: Readonly<Record<string, Readonly<Record<string, number>>>>,
  expected: Readonly<Record<string, number>>,
  options: Omit<SampleRatioOptions, 'window'> = {},
): SampleRatioWithinResult {
  const checked = checkedOptions(options, ['threshold', 'warningThreshold', 'minimumTotal', 'leaveOut'])
  const advice = 'Pass a plain object of counts, by the variant of the other experiment.'
  const rows = entriesOf(table, 'table', advice).map(([other, counts]) => {
    const name = `table of ${quoted(other)}`
    return {
      other,
      observed: counts,
      name,
      counts: numbersByVariant(counts, name),
    }
  })
  const { familySize, results } = familyOf(rows, numbers(expected), checked, member)
  const arms = rows.map(({ other }, place) => ({
    other,
    ...(results[place] as AdjustedSampleRatioResult),
  }))
  const named = arms.map((arm) => ({
    ...arm,
    name: `the other variant is ${quoted(arm.other)}`,
  }))
  const areCounts =
    rows.every(({ counts }) => whyNoCounts(counts, '') === undefined) &&
    whyNoSum(rows.flatMap(({ counts }) => counts).reduce((sum, [, count]) => sum + count, 0)) === undefined
  const cells = rows.map(({ counts }) =>
    counts.filter(([variant]) => !checked.leaveOut.has(variant) && (expected[variant] ?? 0) > 0),
  )
  return deepFreeze({
    ...overall(named, familySize, member),
    familySize,
    arms,
    independence: independence(areCounts ? cells : [], checked.threshold),
  })
}

/** What the sentences call one of those that are corrected for, and several. */
const member = ['variant of the other experiment', 'variants of the other experiment'] as const

function numbers(expected: unknown): Readonly<Record<string, number>> {
  numbersByVariant(expected, 'expected')
  return expected as Readonly<Record<string, number>>
}

function independence(
  cells: readonly (readonly (readonly [string, number])[])[],
  level: number,
): TestEvidence {
  // No empty row or column.
  const counted = cells.map((row) => row.filter(([, count]) => count > 0)).filter((row) => row.length > 0)
  const variants = [...new Set(counted.flatMap((row) => row.map(([variant]) => variant)))].sort()
  if (counted.length < 2 || variants.length < 2) return noEvidence(0)
  const rows = counted.map((row) => {
    const counts = new Map(row)
    return variants.map((variant) => counts.get(variant) ?? 0)
  })
  const { statistic, degreesOfFreedom, logPValue, method } = tableEvidence(rows, level)
  return { statistic, degreesOfFreedom, ...shown(logPValue), method }
}
