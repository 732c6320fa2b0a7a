import { received } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { checkedVerdictOptions } from './checked-verdict-options.js'
import type { SampleRatioPhase } from './expected-phases.js'
import { holmAdjusted } from './holm-adjusted.js'
import { invalidStatistics } from './invalid-statistics.js'
import { shortly } from './pearson-evidence.js'
import {
  sampleRatio,
  type SampleRatioOptions,
  type SampleRatioResult,
  type SampleRatioStatus,
} from './sample-ratio.js'
import type { SampleRatioSummary } from './summary-steps.js'

/** A breakdown of the exposures by a column, the part that the test reads. */
export interface SampleRatioBreakdown {
  readonly slices: readonly {
    /** The column's value at the first exposure; `null` for the identities without one. */
    readonly value: string | null
    readonly summary: SampleRatioSummary
  }[]
  /** The identities of all further values; `null` where there are none. */
  readonly other: SampleRatioSummary | null
}

/**
 * The check of one part of a breakdown. `status` and `reason` are those of the corrected test; `pValue` is the part's
 * own, before the correction.
 */
export interface AdjustedSampleRatioResult extends SampleRatioResult {
  /** The p-value after Holm's correction, `pValue` at least and 1 at most. `null` for a part without a verdict. */
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
   * `mismatch` where a part is broken; else `not-computable` where one could not be computed; else `consistent` where
   * one has a verdict; else `not-enough-traffic`.
   */
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, in a sentence for people. Names the broken parts. */
  readonly reason?: string
  /** The parts with a verdict, `mismatch` or `consistent`: those that the correction is for. */
  readonly familySize: number
  /** In the order of the breakdown. A slice is broken where its `status` is `mismatch`. */
  readonly slices: readonly SliceSampleRatioResult[]
  /** All further values together; `null` where there are none. */
  readonly other: AdjustedSampleRatioResult | null
}

/**
 * Which slice is broken? {@link sampleRatio} for each part of a breakdown: its slices, the identities without a value
 * and the rest. Of twenty right parts one is below 0.05 more often than not, so the p-values are corrected: the
 * probability that any right part is called a mismatch is at most `threshold`.
 *
 * The correction is Holm's: sorted from the smallest, the j-th of m p-values becomes the greatest of (m − i + 1) pᵢ
 * over i ≤ j, at most 1. Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
 * Journal of Statistics 6 (1979). A part too small for a verdict, with fewer identities than `minimumTotal`, does not
 * enter the family: it can be called nothing, so it costs the others nothing.
 *
 * @param breakdown - the slices with their summaries, and the rest
 * @param expected - what each variant should get in every part: shares of any sum, or phases, as for `sampleRatio`
 * @param options - `threshold` is for the whole family, `minimumTotal` for each part
 * @returns frozen data: for each part the result of `sampleRatio`, its corrected p-value and the verdict by that.
 *   `consistent` only where every number was one. The order of the slices changes no number and no verdict
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type, points out of order or an
 *   option out of bounds; `invalid-instant` for a time that is none
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
 * result.familySize // => 3
 * result.slices.map(({ value, status }) => [value, status])
 * // => [['web', 'consistent'], ['ios', 'mismatch'], [null, 'not-enough-traffic']]
 * result.slices[1]?.reason
 * // => 'A split this far from the expected one has a probability of 0.0000232 after a correction for 3 parts, below 0.001.'
 * ```
 */
export function sampleRatioBySlice(
  breakdown: SampleRatioBreakdown,
  expected: Readonly<Record<string, number>> | readonly SampleRatioPhase[],
  options: SampleRatioOptions = {},
): SampleRatioBySliceResult {
  const { threshold } = checkedVerdictOptions(options, 0.001)
  const { slices, other } = Object(breakdown) as SampleRatioBreakdown
  if (!Array.isArray(slices)) {
    throw invalidStatistics('breakdown', breakdown, 'Pass a breakdown: { slices, other }.')
  }
  const phases = Array.isArray(expected)
    ? (expected as readonly SampleRatioPhase[])
    : [{ shares: expected as Readonly<Record<string, number>> }]
  const check = (summary: unknown): SampleRatioResult => {
    if (!('timeseries' in Object(summary))) {
      throw invalidStatistics('breakdown', summary, 'Pass a summary for each slice.')
    }
    return sampleRatio(summary as SampleRatioSummary, phases, options)
  }
  const raw = (slices as SampleRatioBreakdown['slices']).map((slice) => check(Object(slice).summary))
  if (other !== null) raw.push(check(other))

  const family = raw.filter(hasVerdict)
  const adjusted = holmAdjusted(family.map(({ pValue }) => pValue))
  const parts = raw.map((result) => {
    const adjustedPValue = hasVerdict(result) ? (adjusted[family.indexOf(result)] ?? null) : null
    return judged(result, adjustedPValue, family.length, threshold)
  })
  const named = (slices as SampleRatioBreakdown['slices']).map(({ value }, place) => ({
    value,
    ...(parts[place] as AdjustedSampleRatioResult),
  }))
  const rest = parts[named.length] ?? null
  return deepFreeze({
    ...verdict(named, rest, family.length),
    familySize: family.length,
    slices: named,
    other: rest,
  })
}

function hasVerdict(result: SampleRatioResult): result is SampleRatioResult & { readonly pValue: number } {
  return result.status === 'consistent' || result.status === 'mismatch'
}

/** The part with its verdict by the corrected p-value. */
function judged(
  { status, reason, ...evidence }: SampleRatioResult,
  adjustedPValue: number | null,
  familySize: number,
  threshold: number,
): AdjustedSampleRatioResult {
  if (adjustedPValue !== null && adjustedPValue >= threshold) {
    return { status: 'consistent', ...evidence, adjustedPValue }
  }
  // An infinite statistic is no matter of probability: its reason stands, as do those of parts without a verdict.
  if (adjustedPValue === null || evidence.statistic === null) {
    return { status, ...(reason === undefined ? {} : { reason }), ...evidence, adjustedPValue }
  }
  return {
    status,
    reason:
      `A split this far from the expected one has a probability of ${shortly(adjustedPValue)} after a ` +
      `correction for ${familySize} parts, below ${threshold}.`,
    ...evidence,
    adjustedPValue,
  }
}

function verdict(
  slices: readonly SliceSampleRatioResult[],
  other: AdjustedSampleRatioResult | null,
  familySize: number,
): Pick<SampleRatioBySliceResult, 'status' | 'reason'> {
  const parts = [
    ...slices.map(({ value, status, reason }) => ({
      name: value === null ? 'is missing' : `is ${received(value)}`,
      status,
      reason,
    })),
    ...(other === null ? [] : [{ name: 'has another value', status: other.status, reason: other.reason }]),
  ]
  const broken = parts.filter(({ status }) => status === 'mismatch').map(({ name }) => name)
  if (broken.length > 0) {
    const reason = `The split is not the expected one where the value ${broken.join(', or ')}.`
    return { status: 'mismatch', reason }
  }
  const uncomputed = parts.find(({ status }) => status === 'not-computable')
  if (uncomputed?.reason !== undefined) {
    return { status: 'not-computable', reason: `Where the value ${uncomputed.name}: ${uncomputed.reason}` }
  }
  if (familySize > 0) return { status: 'consistent' }
  return { status: 'not-enough-traffic', reason: `No part has enough identities for a verdict.` }
}
