import { invalidStatistics, quoted } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import type { ExposuresBreakdown } from '../questions/breakdown/answer.js'
import type { SampleRatioSummary } from './counts.js'
import type { ExpectedShares } from './expected-phases.js'
import { holmAdjusted } from './holm-adjusted.js'
import { checkedOptions, type CheckOptions } from './options.js'
import {
  judgedRatio,
  optionNames,
  splitVerdict,
  type JudgedRatio,
  type SampleRatioOptions,
  type SampleRatioResult,
  type SampleRatioStatus,
} from './sample-ratio.js'

/** The fields of an `ExposuresBreakdown` that the check reads. */
export interface SampleRatioBreakdown {
  readonly slices: readonly {
    /** The column's value at the first exposure; `null` for the identities without one. */
    readonly value: ExposuresBreakdown['slices'][number]['value']
    readonly summary: SampleRatioSummary
  }[]
  /** The identities of all other values; `null` if every value has a slice. */
  readonly other: SampleRatioSummary | null
}

/**
 * The check of one slice. `status`, `reason` and `severity` are those of the corrected test; `pValue` is the slice's own,
 * before the correction. So is `detectable` of an arm: it is for the threshold without the correction, and the corrected
 * test may find only shares that are further away.
 */
export interface AdjustedSampleRatioResult extends SampleRatioResult {
  /** The p-value after Holm's correction, from `pValue` to 1. `null` for a slice outside the family. */
  readonly adjustedPValue: number | null
}

/** The check of the identities of one value. */
export interface SliceSampleRatioResult extends AdjustedSampleRatioResult {
  /** The column's value; `null` for the identities without one. */
  readonly value: string | null
}

/** The verdict of {@link sampleRatioBySlice}. Plain, frozen data without NaN or Infinity. */
export interface SampleRatioBySliceResult {
  /**
   * `mismatch` if a slice is broken; otherwise `not-computable` if one could not be computed; otherwise `consistent` if
   * one has a verdict; otherwise `not-enough-traffic`.
   */
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, as a readable sentence. Names the broken slices. */
  readonly reason?: string
  /** The number of tested slices, for which the p-values are corrected. */
  readonly familySize: number
  /** In the order of the breakdown. A slice is broken if its `status` is `mismatch`. */
  readonly slices: readonly SliceSampleRatioResult[]
  /** All other values together; `null` if every value has a slice. */
  readonly other: AdjustedSampleRatioResult | null
}

/**
 * Which slice is broken? It runs {@link sampleRatio} for each slice of a breakdown, for the identities without a value
 * and for those of all other values together. Among twenty correct slices, one is more likely than not to be below
 * 0.05, so the p-values are corrected: the probability that any correct slice is called a mismatch is at most
 * `threshold`.
 *
 * The correction is Holm's: sorted from the smallest, the j-th of m p-values becomes the greatest of (m − i + 1) pᵢ
 * over i ≤ j, at most 1. Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
 * Journal of Statistics 6 (1979). It uses tails far smaller than the threshold. So a slice's p-value is exact if the
 * chi-squared distribution cannot be trusted at the threshold divided by the number of slices.
 *
 * A slice with so few identities that no counts could be a mismatch is not in the family, so it costs the others
 * nothing, and it has no verdict. (With two equal arms a mismatch needs 11 identities.) A slice below a given
 * `minimumTotal` is not in the family either.
 *
 * @param breakdown - the slices with their summaries, and the rest: the result of `summarizeBreakdown`
 * @param expected - what each variant should get in every slice: shares of any sum, or phases, as for `sampleRatio`
 * @param options - as for `sampleRatio`; `threshold` and `warningThreshold` apply to the whole family, `minimumTotal`
 *   to each slice
 * @returns frozen data: for each slice the result of `sampleRatio`, its corrected p-value and the verdict from that. It
 *   is `consistent` only if every number was valid. The order of the slices changes no number and no verdict
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type, points out of order or an option
 *   out of bounds; `invalid-instant` for a time that cannot be one
 *
 * @example
 * ```ts
 * import { sampleRatioBySlice } from 'first-exposure/statistics'
 *
 * const summary = (control: number, treatment: number) => ({
 *   timeseries: {
 *     granularity: 'day' as const,
 *     timeZone: 'UTC',
 *     points: [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control, treatment } }],
 *   },
 * })
 * const result = sampleRatioBySlice(
 *   {
 *     slices: [
 *       { value: 'web', summary: summary(5020, 4980) },
 *       { value: 'ios', summary: summary(1100, 900) },
 *       { value: null, summary: summary(12, 9) },
 *     ],
 *     other: summary(510, 540),
 *   },
 *   { control: 1, treatment: 1 },
 * )
 * result.reason // => 'The split is not the expected one where the value is "ios".'
 * result.familySize // => 4
 * result.slices.map(({ value, status }) => [value, status])
 * // => [['web', 'consistent'], ['ios', 'mismatch'], [null, 'not-enough-traffic']]
 * result.slices[1]?.reason
 * // => 'If the expected shares were true, a split at least this far from them would have a probability of 0.000031 after a correction for 4 slices, below 0.001.'
 * ```
 */
export function sampleRatioBySlice(
  breakdown: SampleRatioBreakdown,
  expected: ExpectedShares,
  options: SampleRatioOptions = {},
): SampleRatioBySliceResult {
  const checked = checkedOptions(options, optionNames)
  const { slices, other } = Object(breakdown) as SampleRatioBreakdown
  if (!Array.isArray(slices)) {
    throw invalidStatistics('breakdown', breakdown, 'Pass a breakdown: { slices, other }.')
  }
  const given = (slices as SampleRatioBreakdown['slices']).map((slice, place) => ({
    observed: (Object(slice) as Partial<typeof slice>).summary as unknown,
    name: `breakdown.slices[${place}].summary`,
  }))
  for (const [place, slice] of (slices as SampleRatioBreakdown['slices']).entries()) {
    const { value } = Object(slice) as Partial<typeof slice>
    if (value !== null && typeof value !== 'string') {
      throw invalidStatistics(`breakdown.slices[${place}].value`, value, 'Pass a text, or null for no value.')
    }
  }
  if (other !== null) given.push({ observed: other, name: 'breakdown.other' })
  for (const { observed, name } of given) {
    if (!('timeseries' in Object(observed))) {
      throw invalidStatistics(name, observed, 'Pass a summary for each slice.')
    }
  }
  const judged = familyOf(given, expected, checked, slice)
  const named = (slices as SampleRatioBreakdown['slices']).map(({ value }, place) => ({
    value,
    ...(judged.results[place] as AdjustedSampleRatioResult),
  }))
  const rest = judged.results[named.length] ?? null
  return deepFreeze({
    ...overall(
      [
        ...named.map((slice) => ({
          ...slice,
          name: `the value ${slice.value === null ? 'is missing' : `is ${quoted(slice.value)}`}`,
        })),
        ...(rest === null ? [] : [{ ...rest, name: 'the value is any other' }]),
      ],
      judged.familySize,
      slice,
    ),
    familySize: judged.familySize,
    slices: named,
    other: rest,
  })
}

/** What the sentences call one of those that are corrected for, and several. */
export type Member = readonly [one: string, several: string]

const slice: Member = ['slice', 'slices']

/** The check of each of many counts, corrected for their number. */
export function familyOf(
  given: readonly { readonly observed: unknown; readonly name: string }[],
  expected: ExpectedShares,
  options: CheckOptions,
  member: Member,
): {
  readonly familySize: number
  readonly results: readonly AdjustedSampleRatioResult[]
} {
  // The smallest tail that Holm's correction looks at.
  const level = options.threshold / Math.max(1, given.length)
  const raw = given.map((counts) => judgedRatio([counts], expected, options, level))
  const family = raw.filter((each) => isTested(each, options))
  const adjusted = holmAdjusted(family.map(({ result }) => result.pValue ?? 1))
  const results = raw.map((each) => {
    const place = family.indexOf(each)
    return place === -1
      ? { ...each.result, ...untested(each, options), adjustedPValue: null }
      : corrected(each.result, adjusted[place] ?? 1, family.length, options, member)
  })
  return { familySize: family.length, results }
}

/** Could any counts of this many identities be a mismatch? It does not look at the counts themselves. */
function isTested({ result, least }: JudgedRatio, { threshold, minimumTotal = 0 }: CheckOptions): boolean {
  return (
    least !== null && totalOf(result.arms) >= minimumTotal && least.log + least.logTies < Math.log(threshold)
  )
}

function totalOf(arms: SampleRatioResult['arms']): number {
  return arms.reduce((sum, { observed }) => sum + observed, 0)
}

/** A slice outside the family has no verdict, whatever its own check found, and says how many identities one needs. */
function untested({ result, least }: JudgedRatio, { threshold }: CheckOptions): Partial<SampleRatioResult> {
  const { status, arms, neededTotal } = result
  if (status === 'not-computable') return {}
  const total = totalOf(arms)
  // From so many on, all in the smallest arm would be a mismatch.
  const toTell =
    least === null ? 1 : Math.floor((Math.log(threshold) - least.logTies) / (least.log / total)) + 1
  const needed = Math.max(neededTotal ?? 1, toTell)
  const noPolicy = { threshold: 0, warningThreshold: 0, minimumTotal: 0 }
  return { ...splitVerdict(null, total, arms, needed, noPolicy), neededTotal: needed }
}

/** The slice with its verdict from the corrected p-value. */
function corrected(
  result: SampleRatioResult,
  adjustedPValue: number,
  familySize: number,
  options: CheckOptions,
  [one, several]: Member,
): AdjustedSampleRatioResult {
  const { arms, neededTotal, logPValue } = result
  // A p-value of 0 still has a logarithm.
  const logAdjusted = adjustedPValue > 0 ? Math.log(adjustedPValue) : (logPValue ?? 0) + Math.log(familySize)
  const correction = ` after a correction for ${familySize} ${familySize === 1 ? one : several}`
  return {
    ...withVerdict(
      result,
      splitVerdict(logAdjusted, totalOf(arms), arms, neededTotal ?? 1, options, correction),
    ),
    adjustedPValue,
  }
}

/** The result with another verdict, and the reason of that verdict if it has one. */
function withVerdict(
  result: SampleRatioResult,
  { status, reason, severity }: Pick<SampleRatioResult, 'status' | 'reason' | 'severity'>,
): SampleRatioResult {
  const evidence = Object.fromEntries(
    Object.entries(result).filter(([field]) => field !== 'reason'),
  ) as unknown as SampleRatioResult
  return {
    ...evidence,
    status,
    severity,
    ...(reason === undefined ? {} : { reason }),
  }
}

/** What the slices say together. `name` completes "The split is not the expected one where …". */
export function overall(
  slices: readonly (AdjustedSampleRatioResult & { readonly name: string })[],
  familySize: number,
  [one]: Member,
): Pick<SampleRatioBySliceResult, 'status' | 'reason'> {
  const broken = slices.filter(({ status }) => status === 'mismatch').map(({ name }) => name)
  if (broken.length > 0) {
    return {
      status: 'mismatch',
      reason: `The split is not the expected one where ${broken.join(', or ')}.`,
    }
  }
  const uncomputed = slices.find(({ status }) => status === 'not-computable')
  if (uncomputed?.reason !== undefined) {
    return {
      status: 'not-computable',
      reason: `Where ${uncomputed.name}: ${uncomputed.reason}`,
    }
  }
  if (familySize > 0 && slices.some(({ status }) => status === 'consistent')) return { status: 'consistent' }
  return {
    status: 'not-enough-traffic',
    reason: `No ${one} has enough identities for a verdict.`,
  }
}
