import { anObject } from '../checks.js'
import { invalidStatistics, received } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { logChiSquaredUpperTail } from './chi-squared-upper-tail.js'
import { numbersByVariant, whyNoCounts } from './counts.js'
import {
  areTrusted,
  hypergeometricTail,
  noEvidence,
  shown,
  type Tail,
  type TestEvidence,
} from './evidence.js'
import { ascendingSum } from './expected-phases.js'
import { checkedOptions } from './options.js'
import { deviation } from './phase-evidence.js'
import { familyOf, overall, type AdjustedSampleRatioResult } from './sample-ratio-by-slice.js'
import type { SampleRatioOptions, SampleRatioStatus } from './sample-ratio.js'

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
 * That is Pearson's test of the table. If the expected count of a cell is too small, it is Fisher's exact test of every
 * variant against every other one, with Bonferroni's correction (with two variants each: Fisher's exact test).
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
  const rows = Object.entries(anObject(table, 'table', invalidStatistics)).map(([other, counts]) => {
    const name = `table of ${received(other)}`
    return {
      other,
      observed: counts,
      name,
      counts: numbersByVariant(counts, name),
    }
  })
  const { familySize, results } = familyOf(rows, numbers(expected), checked)
  const arms = rows.map(({ other }, place) => ({
    other,
    ...(results[place] as AdjustedSampleRatioResult),
  }))
  const named = arms.map((arm) => ({
    ...arm,
    name: `the other variant is ${received(arm.other)}`,
  }))
  const areCounts = rows.every(({ counts }) => whyNoCounts(counts, '') === undefined)
  const cells = rows.map(({ counts }) =>
    counts.filter(([variant]) => !checked.leaveOut.has(variant) && (expected[variant] ?? 0) > 0),
  )
  return deepFreeze({
    ...overall(named, familySize),
    familySize,
    arms,
    independence: independence(areCounts ? cells : [], checked.threshold),
  })
}

function numbers(expected: unknown): Readonly<Record<string, number>> {
  numbersByVariant(expected, 'expected')
  return expected as Readonly<Record<string, number>>
}

function independence(
  cells: readonly (readonly (readonly [string, number])[])[],
  level: number,
): TestEvidence {
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)
  const variants = [...new Set(cells.flatMap((row) => row.map(([variant]) => variant)))].sort()
  const whole = cells.map((row) => {
    const counts = new Map(row)
    return variants.map((variant) => counts.get(variant) ?? 0)
  })
  const columnSums = variants.map((_, column) => sum(whole.map((row) => row[column] ?? 0)))
  const rows = whole
    .map((row) => row.filter((_, column) => (columnSums[column] ?? 0) > 0))
    .filter((row) => sum(row) > 0)
  const columns = columnSums.filter((count) => count > 0)
  const degreesOfFreedom = Math.max(0, rows.length - 1) * Math.max(0, columns.length - 1)
  if (degreesOfFreedom === 0) {
    return noEvidence(degreesOfFreedom)
  }
  const total = sum(columns)
  const tests = rows.flatMap((row) =>
    row.map((count, column) => ({
      row,
      count,
      column,
      expected: sum(row) * ((columns[column] ?? 0) / total),
    })),
  )
  const statistic = ascendingSum(tests.map(({ count, expected }) => deviation(count, expected)))
  if (
    areTrusted(
      tests.map(({ expected }) => expected),
      level,
    )
  ) {
    const logPValue = logChiSquaredUpperTail(statistic, degreesOfFreedom)
    return {
      statistic,
      degreesOfFreedom,
      ...shown(logPValue),
      method: 'chi-squared',
    }
  }
  // In a table of two by two, every cell has the same evidence.
  const compared = degreesOfFreedom === 1 ? tests.slice(0, 1) : tests
  const tails = compared.map(({ row, count, column }): Tail => {
    const [inRow, inColumn] = [sum(row), columns[column] ?? 0]
    return hypergeometricTail([count, inColumn - count], [inRow - count, total - inRow - inColumn + count])
  })
  const least = Math.min(...tails.map(({ logPValue }) => logPValue)) + Math.log(tails.length)
  return {
    statistic,
    degreesOfFreedom,
    ...shown(Math.min(0, least)),
    method: compared.length === 1 ? (tails[0]?.method ?? 'exact') : 'bound',
  }
}
