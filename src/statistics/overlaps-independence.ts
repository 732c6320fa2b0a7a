import gammaln from '@stdlib/math-base-special-gammaln'
import { aList, anObject, aWholeNumber } from '../checks.js'
import { invalidStatistics } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import type { OverlapOfTwo } from '../questions/overlap/answer.js'
import { holmAdjusted } from './holm-adjusted.js'
import { checkedOptions, type CheckOptions } from './options.js'
import {
  exclusion,
  independence,
  independenceEvidence,
  overlapOptions,
  tableOf,
  type OverlapCounts,
  type OverlapIndependenceOptions,
  type OverlapIndependenceResult,
  type OverlapIndependenceStatus,
  type OverlapTable,
} from './overlap-independence.js'

/** The fields of an `OverlapOfTwo` that the check reads. */
export interface OverlapCountsOfTwo extends Pick<OverlapOfTwo, 'one' | 'other'> {
  readonly overlap: OverlapCounts
}

/** How strict the check is, and which experiments are meant to exclude each other. */
export interface OverlapsIndependenceOptions extends Omit<OverlapIndependenceOptions, 'mutuallyExclusive'> {
  /**
   * Groups of experiments that are meant to exclude each other, by their places in the question: `[[0, 1, 4]]` says that
   * no identity may be in two of the three. Default none.
   */
  readonly exclusionGroups?: readonly (readonly number[])[]
}

/**
 * The check of one pair. `status`, `reason` and `severity` are those of the corrected test; `pValue` is the pair's own,
 * before the correction.
 */
export interface OverlapOfTwoIndependence extends OverlapIndependenceResult {
  readonly one: number
  readonly other: number
  /** The p-value after Holm's correction, from `pValue` to 1. `null` for a pair outside the family. */
  readonly adjustedPValue: number | null
}

/** The verdict of {@link overlapsIndependence}. Plain, frozen data without NaN or Infinity. */
export interface OverlapsIndependenceResult {
  /**
   * The first of these that a pair has: `not-exclusive`, `dependent`, `not-computable` for a number that cannot be a
   * count, `independent`, `exclusive`; otherwise `not-enough-traffic`.
   */
  readonly status: OverlapIndependenceStatus
  /** The number of tested pairs, for which the p-values are corrected. */
  readonly familySize: number
  /** In the order of the overlaps. */
  readonly pairs: readonly OverlapOfTwoIndependence[]
}

/**
 * Which pairs of experiments were not assigned independently? {@link overlapIndependence} for every pair. With hundreds
 * of pairs, some have a small p-value by chance. So the p-values are corrected by Holm's method: the probability that
 * any independent pair is called `dependent` is at most the threshold.
 *
 * A pair is outside the family, and gets `not-enough-traffic`, only if no table with its margins could be `dependent`.
 * That is decided by a bound, so a few such pairs are in the family: this costs the others a little power, and no pair a
 * false verdict. Pairs that are meant to exclude each other are not tested.
 *
 * @param overlaps - made by `summarizeOverlaps`; each pair of two different experiments once, in either order
 * @param options.exclusionGroups - groups of experiments that are meant to exclude each other, by their places
 * @param options.threshold - the probability of any false `dependent`; default 0.001
 * @param options.warningThreshold - as for `overlapIndependence`, for the corrected p-value; default 0.01
 * @param options.minimumTotal - the tested identities of a pair below which it gets no verdict; default as there
 * @returns frozen data, with the results of the pairs in the order of the overlaps
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type or an option out of bounds
 *
 * @example
 * ```ts
 * import { overlapsIndependence } from 'first-exposure/statistics'
 *
 * const pairs = ['a', 'b'].flatMap((oneVariant) =>
 *   ['a', 'b'].map((otherVariant) => ({ oneVariant, otherVariant, identities: 250 })),
 * )
 * const { status, pairs: results } = overlapsIndependence(
 *   [
 *     { one: 0, other: 1, overlap: { identities: 1000, pairs } },
 *     { one: 0, other: 2, overlap: { identities: 0, pairs: [] } },
 *     { one: 1, other: 2, overlap: { identities: 7, pairs: [] } },
 *   ],
 *   { exclusionGroups: [[1, 2]] },
 * )
 * status // => 'not-exclusive'
 * results.map((pair) => pair.status) // => ['independent', 'not-computable', 'not-exclusive']
 * ```
 */
export function overlapsIndependence(
  overlaps: readonly OverlapCountsOfTwo[],
  options: OverlapsIndependenceOptions = {},
): OverlapsIndependenceResult {
  const { exclusionGroups = [], ...rest } = anObject(options, 'options', invalidStatistics)
  const checked = checkedOptions(rest, overlapOptions)
  const excludes = exclusionsOf(exclusionGroups)
  // A pair that came twice would be corrected for twice.
  const placeOf = new Map<string, number>()
  const pairs = aList(overlaps, 'overlaps', invalidStatistics).map((given, place) => {
    const path = `overlaps[${place}]`
    const { one, other, overlap } = anObject(given, path, invalidStatistics)
    const [first, second] = [aPlace(one, `${path}.one`), aPlace(other, `${path}.other`)]
    if (first === second) throw invalidStatistics(`${path}.other`, other, 'Pass two different experiments.')
    const key = `${Math.min(first, second)} ${Math.max(first, second)}`
    const earlier = placeOf.get(key)
    if (earlier !== undefined) {
      const problem = `${path} has the two experiments of overlaps[${earlier}].`
      throw invalidStatistics(path, given, 'Pass each pair once.', problem)
    }
    placeOf.set(key, place)
    const table = tableOf(overlap as OverlapCounts, `${path}.overlap`)
    return { one: first, other: second, table, isExclusion: excludes(first, second) }
  })
  // The smallest tail that Holm's correction looks at.
  const level = checked.threshold / Math.max(1, pairs.length)
  const judged = pairs.map((pair) => ({
    ...pair,
    evidence: pair.isExclusion ? null : independenceEvidence(pair.table, level),
  }))
  const family = judged.filter(({ evidence, table }) => evidence !== null && couldBeDependent(table, checked))
  const adjusted = holmAdjusted(family.map(({ evidence }) => Math.exp(evidence?.logPValue ?? 0)))
  const correction = ` after a correction for ${family.length} pair${family.length === 1 ? '' : 's'}`
  /** A p-value of 0 still has a logarithm. */
  const logOf = ({ evidence }: (typeof judged)[number], place: number): number | null => {
    const corrected = adjusted[place]
    if (corrected === undefined) return null
    return corrected > 0 ? Math.log(corrected) : (evidence?.logPValue ?? 0) + Math.log(family.length)
  }
  const results = judged.map((pair): OverlapOfTwoIndependence => {
    const { one, other, table, evidence, isExclusion } = pair
    const place = family.indexOf(pair)
    const adjustedPValue = adjusted[place] ?? null
    if (isExclusion) return { one, other, ...exclusion(table), adjustedPValue }
    return {
      one,
      other,
      ...independence(table, evidence, logOf(pair, place), checked, correction),
      adjustedPValue,
    }
  })
  return deepFreeze({ status: overall(results), familySize: family.length, pairs: results })
}

function aPlace(value: unknown, path: string): number {
  return aWholeNumber(0)(value, path, invalidStatistics)
}

/** Whether two experiments are in one group. */
function exclusionsOf(groups: unknown): (one: number, other: number) => boolean {
  const path = 'options.exclusionGroups'
  const checked = aList(groups, path, invalidStatistics).map(
    (group, place) =>
      new Set(
        aList(group, `${path}[${place}]`, invalidStatistics).map((each, index) =>
          aPlace(each, `${path}[${place}][${index}]`),
        ),
      ),
  )
  return (one, other) => checked.some((group) => group.has(one) && group.has(other))
}

/**
 * Could any table with these margins be `dependent`? A table is at least as probable as one of all the ways in which the
 * identities can be shared out to the variants of one experiment, or of the other. That is a bound: where it says no, none
 * could; where it says yes, perhaps none could either.
 */
function couldBeDependent(
  { counts, tested }: OverlapTable,
  { threshold, minimumTotal = 0 }: CheckOptions,
): boolean {
  const rows = counts.map((row) => row.reduce((total, count) => total + count, 0))
  const columns = (counts[0] ?? []).map((_, column) =>
    counts.reduce((total, row) => total + (row[column] ?? 0), 0),
  )
  const logWays = (margin: readonly number[]): number =>
    margin.reduce((log, count) => log - gammaln(count + 1), gammaln(tested + 1))
  return tested >= minimumTotal && -Math.min(logWays(rows), logWays(columns)) < Math.log(threshold)
}

function overall(results: readonly OverlapIndependenceResult[]): OverlapIndependenceStatus {
  // A pair without shared identities is no reason for an alarm. A number that cannot be a count is.
  const isBroken = results.some(
    ({ status, identities }) => status === 'not-computable' && identities === null,
  )
  const found = new Set(results.map(({ status }) => status))
  const inOrder = [
    'not-exclusive',
    'dependent',
    ...(isBroken ? (['not-computable'] as const) : []),
    'independent',
    'exclusive',
  ] as const
  return inOrder.find((status) => found.has(status)) ?? 'not-enough-traffic'
}
