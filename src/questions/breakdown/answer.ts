import { deepFreeze } from '../../freeze.js'
import { decodeExposuresBreakdownRows } from './rows.js'
import { withFields } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import type { Granularity } from '../../time/granularity.js'
import type { ExposuresSummary } from '../summary/exposures-summary.js'
import { summarizeExposures } from '../summary/answer.js'

/** The identities that had one value of the column at their first exposure. */
export interface ExposuresSlice {
  /** The value as text. `null` if the column is NULL, which is a slice like any other. */
  readonly value: string | null
  readonly summary: ExposuresSummary
}

/**
 * The summary of the whole, split by a column. `mergeExposuresSummaries` of all its parts gives the whole.
 *
 * Plain data, deeply frozen. `JSON.parse(JSON.stringify(breakdown))` equals it.
 */
export interface ExposuresBreakdown {
  /** Most identities first, excluded ones included. Slices of equal size are in the order of values, `null` last. */
  readonly slices: readonly ExposuresSlice[]
  /** All values that are not among the largest, together. `null` if every value is among the largest. */
  readonly other: ExposuresSummary | null
}

/**
 * Is one slice of the traffic broken? Builds the summary for each value of the breakdown's column, from the rows that
 * `exposuresBreakdownQuery` returns.
 *
 * Each identity is only in the slice of its first exposure. `sampleRatioBySlice` of `first-exposure/statistics` says
 * which slice is broken, corrected for multiple comparisons.
 *
 * @param rows - the parsed rows of the answer, in any order
 * @param options.granularity - the granularity of the query: `selectGranularity(window)`
 * @param options.timeZone - the IANA time zone of the query; default `UTC`
 * @returns a frozen breakdown; its parts add up to the summary of the same spec
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for rows that the query cannot return;
 *   `malformed-buckets` for a bucket that is not the start of an hour or day (checked in UTC); `invalid-spec` for a
 *   value that is not an IANA time zone
 *
 * @example
 * ```ts
 * import { summarizeExposuresBreakdown } from 'first-exposure'
 *
 * const entered = { quarantined: 0, variant: 'control', bucket: '2026-06-01 00:00:00' }
 * const { slices, other } = summarizeExposuresBreakdown(
 *   [
 *     { other: 0, value: 'ES', ...entered, new_identities: 40 },
 *     { other: 0, value: null, ...entered, new_identities: 50 },
 *     { other: 1, value: null, ...entered, new_identities: 9 },
 *   ],
 *   { granularity: 'day' },
 * )
 * slices.map(({ value }) => value) // => [null, 'ES']
 * slices[1]?.summary.timeseries.points // => [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control: 40 } }]
 * other?.timeseries.points[0]?.newIdentities // => { control: 9 }
 * ```
 */
export function summarizeExposuresBreakdown(
  rows: readonly unknown[],
  options: { readonly granularity: Granularity; readonly timeZone?: string },
): ExposuresBreakdown {
  withFields(options, ['granularity', 'timeZone'], 'options', invalidSpec)
  const parts = decodeExposuresBreakdownRows(rows).map(({ other, value, buckets }) => ({
    other,
    value,
    identities: buckets.reduce((sum, { newIdentities }) => sum + newIdentities, 0),
    summary: summarizeExposures(buckets, options),
  }))
  return deepFreeze({
    slices: parts
      .filter(({ other }) => !other)
      .sort((a, b) => b.identities - a.identities || byValue(a.value, b.value))
      .map(({ value, summary }) => ({ value, summary })),
    other: parts.find(({ other }) => other)?.summary ?? null,
  })
}

function byValue(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === null ? 1 : -1
  return a < b ? -1 : 1
}

/** @deprecated Use {@link summarizeExposuresBreakdown}. */
export const summarizeBreakdown: typeof summarizeExposuresBreakdown = summarizeExposuresBreakdown
