import { aBoolean, aList, anObject } from '../checks.js'
import { invalidStatistics } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import type { Overlap } from '../questions/overlap/answer.js'
import { chiSquaredCriticalValue } from './chi-squared-upper-tail.js'
import { noEvidence, shown, type PValueMethod, type Tail } from './evidence.js'
import { checkedOptions, type CheckOptions } from './options.js'
import { verdict, type SampleRatioOptions, type SampleRatioSeverity } from './sample-ratio.js'
import { fitted, tableEvidence, type Table } from './table-evidence.js'
import { identities } from './words.js'

/**
 * The relation of two experiments.
 *
 * - `independent`: no dependence was found, and there are enough identities to find one
 * - `dependent`: if they had been assigned independently, the probability of such a table is below the threshold
 * - `exclusive`: they are meant to exclude each other, and no identity is in both
 * - `not-exclusive`: they are meant to exclude each other, and identities are in both
 * - `not-enough-traffic`: no dependence was found, and there are too few identities for that to be meaningful
 * - `not-computable`: fewer than two variants of one of them have an identity in both, or a number cannot be a count
 */
export type OverlapIndependenceStatus =
  'independent' | 'dependent' | 'exclusive' | 'not-exclusive' | 'not-enough-traffic' | 'not-computable'

/** The fields of an `Overlap` that the check reads. */
export type OverlapCounts = Pick<Overlap, 'identities' | 'pairs'>

/** The identities of one variant of one experiment and one variant of the other. */
export interface OverlapIndependenceCell {
  readonly oneVariant: string
  readonly otherVariant: string
  readonly observed: number
  /** Identities to expect if the two experiments were assigned independently. */
  readonly expected: number
  /** The part of the statistic that comes from this cell, 0 to 1. */
  readonly statisticShare: number
}

/** How strict the check is, and what is meant. */
export interface OverlapIndependenceOptions extends Pick<
  SampleRatioOptions,
  'threshold' | 'warningThreshold' | 'minimumTotal'
> {
  /** Whether the two are meant to exclude each other, so that no identity may be in both. Default false. */
  readonly mutuallyExclusive?: boolean
}

/** The verdict of {@link overlapIndependence}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface OverlapIndependenceResult {
  readonly status: OverlapIndependenceStatus
  /** Why it is neither `independent` nor `exclusive`, as a readable sentence. */
  readonly reason?: string
  /** As in `sampleRatio`; `mismatch` is a dependence. `null` if nothing was tested. */
  readonly severity: SampleRatioSeverity | null
  /** Pearson's statistic over all cells; `null` if nothing was tested. */
  readonly statistic: number | null
  /** (variants of one − 1) × (variants of the other − 1). `null` if nothing was tested. */
  readonly degreesOfFreedom: number | null
  /** The probability of a table at least this uneven if the two were assigned independently, 0 to 1. */
  readonly pValue: number | null
  /** Its natural logarithm. */
  readonly logPValue: number | null
  /** Where the p-value comes from; `exact` is the test of Fisher, Freeman and Halton. */
  readonly method: PValueMethod | null
  /** The identities in both experiments, also quarantined ones. `null` if a number cannot be a count. */
  readonly identities: number | null
  /** Those that are quarantined in neither of them: the tested ones. `null` if a number cannot be a count. */
  readonly tested: number | null
  /** By the variants of one, then of the other. Empty if nothing was tested. */
  readonly cells: readonly OverlapIndependenceCell[]
  /** The number of tested identities from which two independent experiments are `independent`. `null` if not tested. */
  readonly neededTotal: number | null
}

/**
 * Were two experiments assigned independently? Among the identities that are in both, the split of one experiment should
 * then be the same in every variant of the other. Otherwise the effect of one is mixed with that of the other: a common
 * hash seed, one experiment that shows another only to a part of its variants, or a rule that excludes some pairs.
 *
 * If the two are meant to exclude each other, say so: then no identity may be in both, and there is nothing to test.
 *
 * The test is Pearson's chi-squared test of independence if the expected count of every cell is large enough (see
 * {@link sampleRatio}). Otherwise it is the exact test of Fisher, for larger tables that of Freeman and Halton: given
 * both margins, the probability of all tables that are at most as probable as this one. If that would cost too much,
 * the variants of the experiment with fewer variants are each compared with all others, or those of both if they have as
 * many. The two that deviate most are tested, with Bonferroni's correction for all of them (`method` is `bound`).
 * Sources: K. Pearson, "On the theory of contingency and its relation to association and normal correlation" (1904);
 * R. A. Fisher, Journal of the Royal Statistical Society 85 (1922); G. H. Freeman and J. H. Halton, Biometrika 38 (1951).
 *
 * A dependence may have a harmless cause: if a variant of one experiment leads more people to the page of the other, and
 * more so under a variant of the other, the people in both are a selection. Then look where the exposures are recorded.
 *
 * @param overlap - made by `summarizeOverlap`, or its `identities` and `pairs`; the quarantined identities are not tested
 * @param options.mutuallyExclusive - whether no identity may be in both; default false
 * @param options.threshold - the p-value below which they are `dependent`; default 0.001
 * @param options.warningThreshold - the p-value below which `severity` is `warning`; default 0.01, or `threshold` if more
 * @param options.minimumTotal - the tested identities below which no verdict is given. By default, a dependence is
 *   reported at any size, and `independent` from the number that would have shown that the smallest cell has half as many
 *   identities as it should
 * @returns frozen data; the order of the variants changes only the order of the cells
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type or an option out of bounds
 *
 * @example
 * ```ts
 * import { overlapIndependence } from 'first-exposure/statistics'
 *
 * const pair = (oneVariant: string, otherVariant: string, identities: number) => ({ oneVariant, otherVariant, identities })
 * const overlap = {
 *   identities: 2000,
 *   pairs: [pair('a', 'a', 900), pair('a', 'b', 100), pair('b', 'a', 100), pair('b', 'b', 900)],
 * }
 * const result = overlapIndependence(overlap)
 * result.status // => 'dependent'
 * result.cells[0]?.expected // => 500
 *
 * overlapIndependence(overlap, { mutuallyExclusive: true }).reason
 * // => 'The experiments are meant to exclude each other, and 2000 identities are in both.'
 * ```
 */
export function overlapIndependence(
  overlap: OverlapCounts,
  options: OverlapIndependenceOptions = {},
): OverlapIndependenceResult {
  const { mutuallyExclusive = false, ...rest } = anObject(options, 'options', invalidStatistics)
  aBoolean(mutuallyExclusive, 'options.mutuallyExclusive', invalidStatistics)
  const checked = checkedOptions(rest, overlapOptions)
  const table = tableOf(overlap, 'overlap')
  if (mutuallyExclusive) return exclusion(table)
  const evidence = independenceEvidence(table, checked.threshold)
  return independence(table, evidence, evidence?.logPValue ?? null, checked)
}

/** The options of a test, except what is meant. */
export const overlapOptions: readonly string[] = ['threshold', 'warningThreshold', 'minimumTotal']

/** The identities in both experiments, by variant. */
export interface OverlapTable {
  readonly identities: number
  readonly tested: number
  readonly oneVariants: readonly string[]
  readonly otherVariants: readonly string[]
  /** By the variants of one, then of the other. No row or column is empty. */
  readonly counts: Table
  /** Why it cannot be tested, as a sentence. */
  readonly problem?: string
}

/** Checks the counts of an overlap. Refuses anything that cannot be one. */
export function tableOf(overlap: OverlapCounts, path: string): OverlapTable {
  const given = anObject(overlap, path, invalidStatistics)
  const { identities: all } = given
  if (typeof all !== 'number') throw invalidStatistics(`${path}.identities`, all, 'Pass a number.')
  const counted = new Map<string, Map<string, number>>()
  let problem = isCount(all) ? undefined : `identities is ${all}, which cannot be a count of identities.`
  let tested = 0
  for (const [place, given_] of aList(given['pairs'], `${path}.pairs`, invalidStatistics).entries()) {
    const here = `${path}.pairs[${place}]`
    const pair = anObject(given_, here, invalidStatistics)
    const { oneVariant, otherVariant, identities: count } = pair
    for (const [name, variant] of Object.entries({ oneVariant, otherVariant })) {
      if (typeof variant !== 'string' && variant !== null) {
        throw invalidStatistics(`${here}.${name}`, variant, 'Pass the key of a variant, or null.')
      }
    }
    if (typeof count !== 'number') throw invalidStatistics(`${here}.identities`, count, 'Pass a number.')
    if (!isCount(count)) problem ??= `A count of a pair is ${count}, which cannot be a count of identities.`
    if (typeof oneVariant !== 'string' || typeof otherVariant !== 'string' || count === 0) continue
    tested += count
    const row = counted.get(oneVariant) ?? new Map<string, number>()
    counted.set(oneVariant, row.set(otherVariant, (row.get(otherVariant) ?? 0) + count))
  }
  if (tested > all) problem ??= 'More identities are in the pairs than in both experiments.'
  const oneVariants = [...counted.keys()]
  const otherVariants = [...new Set([...counted.values()].flatMap((row) => [...row.keys()]))]
  return {
    identities: all + 0,
    tested,
    oneVariants,
    otherVariants,
    counts: oneVariants.map((one) => otherVariants.map((other) => counted.get(one)?.get(other) ?? 0)),
    ...(problem === undefined ? {} : { problem }),
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** The verdict on two experiments that are meant to exclude each other. */
export function exclusion({ identities: all, tested, problem }: OverlapTable): OverlapIndependenceResult {
  if (problem !== undefined) return notComputable(problem, null, null)
  return deepFreeze({
    status: all === 0 ? 'exclusive' : 'not-exclusive',
    ...(all === 0
      ? {}
      : {
          reason: `The experiments are meant to exclude each other, and ${identities(all, ['is', 'are'])} in both.`,
        }),
    severity: null,
    ...noEvidence(null),
    identities: all,
    tested,
    cells: [],
    neededTotal: null,
  })
}

/** What the test of one table found, before any verdict. */
interface IndependenceEvidence extends Tail {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly cells: readonly OverlapIndependenceCell[]
  /** The identities that would have shown that the smallest cell has half as many as it should. */
  readonly needed: number
}

/**
 * The evidence of a table; `null` if it cannot be tested.
 *
 * @param level - the probability to compare the p-value with
 */
export function independenceEvidence(
  { counts, oneVariants, otherVariants, tested, problem }: OverlapTable,
  level: number,
): IndependenceEvidence | null {
  if (problem !== undefined || oneVariants.length < 2 || otherVariants.length < 2) return null
  const { expected, deviations, statistic, degreesOfFreedom, logPValue, method } = tableEvidence(
    counts,
    level,
  )
  return {
    logPValue,
    method,
    statistic,
    degreesOfFreedom,
    needed: neededFor(expected, tested, degreesOfFreedom, level),
    cells: oneVariants.flatMap((oneVariant, row) =>
      otherVariants.map((otherVariant, column) => ({
        oneVariant,
        otherVariant,
        observed: counts[row]?.[column] ?? 0,
        expected: expected[row]?.[column] ?? 0,
        statisticShare: statistic === 0 ? 0 : (deviations[row]?.[column] ?? 0) / statistic,
      })),
    ),
  }
}

/** The identities from which the smallest cell, with half as many as expected, would give the critical statistic. */
function neededFor(expected: Table, total: number, degreesOfFreedom: number, level: number): number {
  const least = Math.min(...expected.flat())
  let isHalved = false
  const halved = expected.map((row) =>
    row.map((count) => {
      if (isHalved || count > least) return count
      isHalved = true
      return count / 2
    }),
  )
  const perIdentity = fitted(halved).statistic / (total - least / 2)
  return Math.min(
    Number.MAX_SAFE_INTEGER,
    Math.ceil(chiSquaredCriticalValue(level, degreesOfFreedom) / perIdentity),
  )
}

const statuses = {
  mismatch: 'dependent',
  consistent: 'independent',
  'not-enough-traffic': 'not-enough-traffic',
  'not-computable': 'not-computable',
} as const

/**
 * The result of a test.
 *
 * @param logPValue - the one that decides, perhaps after a correction; `null` if there is no verdict
 */
export function independence(
  { identities: all, tested, problem }: OverlapTable,
  evidence: IndependenceEvidence | null,
  logPValue: number | null,
  options: CheckOptions,
  correction: string = '',
): OverlapIndependenceResult {
  if (problem !== undefined) return notComputable(problem, null, null)
  if (evidence === null) {
    const reason = 'Fewer than two variants of one of the experiments have an identity in both.'
    return notComputable(reason, all, tested)
  }
  const { statistic, degreesOfFreedom, method, cells, needed } = evidence
  const neededTotal = options.minimumTotal ?? needed
  const done = 'in both experiments and quarantined in neither'
  const { status, ...verdictOnTable } = verdict(logPValue, tested, neededTotal, options, {
    premise: 'If the experiments had been assigned independently, a table at least this uneven',
    done,
    correction,
  })
  return deepFreeze({
    status: statuses[status],
    ...verdictOnTable,
    // Without a verdict in spite of the total, it is not the total that a verdict needs.
    ...(logPValue === null && tested >= neededTotal
      ? {
          reason:
            `${identities(tested, ['was', 'were'])} ${done}, ` +
            `and no table with as many of each variant has a probability below ${options.threshold}.`,
        }
      : {}),
    statistic,
    degreesOfFreedom,
    ...shown(evidence.logPValue),
    method,
    identities: all,
    tested,
    cells,
    neededTotal,
  })
}

function notComputable(reason: string, all: number | null, tested: number | null): OverlapIndependenceResult {
  return deepFreeze({
    status: 'not-computable',
    reason,
    severity: null,
    ...noEvidence(null),
    identities: all,
    tested,
    cells: [],
    neededTotal: null,
  })
}
