import type { ExposuresBreakdown, ExposuresSummary } from 'first-exposure'
import {
  sampleRatioBySlice,
  type AdjustedSampleRatioResult,
  type SampleRatioBySliceResult,
} from 'first-exposure/statistics'
import { count, variantLabel } from './format.js'
import { splitThreshold } from './split-verdict.js'

/** The identities of one value of the breakdown's column, with the verdict on their split. */
export interface SliceLine {
  /** The value; `null` for the identities without one, `undefined` for all further values together. */
  readonly value: string | null | undefined
  /** Identities counted in it. */
  readonly counted: number
  readonly byVariant: ReadonlyMap<string, number>
  readonly excluded: number
  readonly result: AdjustedSampleRatioResult
}

/** The verdicts on all slices, and on them as a whole. */
export interface SliceLines {
  /** The broken ones first; otherwise the largest first, and all further values last. */
  readonly lines: readonly SliceLine[]
  readonly overall: SampleRatioBySliceResult
}

/** Which slice of a breakdown is broken? By `sampleRatioBySlice`, with Holm's correction for looking at many. */
export function sliceLines(
  { slices, other }: ExposuresBreakdown,
  expectedShares: Readonly<Record<string, number>>,
): SliceLines {
  const overall = sampleRatioBySlice({ slices, other }, expectedShares, { threshold: splitThreshold })
  const lines = [
    ...slices.map(({ value, summary }, place) => line(value, summary, overall.slices[place])),
    ...(other === null ? [] : [line(undefined, other, overall.other ?? undefined)]),
  ].filter((slice) => slice !== null)
  const isBroken = ({ result }: SliceLine): boolean => result.status === 'mismatch'
  return { lines: [...lines.filter(isBroken), ...lines.filter((slice) => !isBroken(slice))], overall }
}

function line(
  value: SliceLine['value'],
  { excludedIdentities, timeseries }: ExposuresSummary,
  result: AdjustedSampleRatioResult | undefined,
): SliceLine | null {
  if (result === undefined) return null
  const byVariant = new Map<string, number>()
  for (const [key, identities] of timeseries.points.flatMap(({ newIdentities }) =>
    Object.entries(newIdentities),
  )) {
    byVariant.set(key, (byVariant.get(key) ?? 0) + identities)
  }
  const counted = [...byVariant.values()].reduce((sum, identities) => sum + identities, 0)
  return { value, counted, byVariant, excluded: excludedIdentities, result }
}

/** A slice's value for people. */
export function sliceLabel(value: SliceLine['value'], maxLength = 32): string {
  if (value === undefined) return '(all others)'
  return value === null ? '(no value)' : variantLabel(value, maxLength)
}

/** A slice's verdict in a word or two. */
export const sliceVerdicts: Readonly<
  Record<
    AdjustedSampleRatioResult['status'],
    { readonly tone: 'good' | 'bad' | 'unknown'; readonly word: string }
  >
> = {
  mismatch: { tone: 'bad', word: 'mismatch' },
  consistent: { tone: 'good', word: 'none found' },
  'not-enough-traffic': { tone: 'unknown', word: 'too few' },
  'not-computable': { tone: 'unknown', word: 'no figure' },
}

/** The slices as a whole, in words. */
export function slicesInWords({ lines, overall: { status, reason, familySize } }: SliceLines): {
  readonly tone: 'good' | 'bad' | 'unknown'
  readonly headline: string
  readonly sentence: string
} {
  const corrected =
    familySize === 0
      ? ''
      : ` Corrected for looking at ${count(familySize)} slice${familySize === 1 ? '' : 's'} (Holm, 1979): in less than ${splitThreshold * 1000} of 1,000 experiments without a fault, any slice is called a mismatch.`
  if (status === 'mismatch') {
    const broken = lines.filter(({ result }) => result.status === 'mismatch')
    return {
      tone: 'bad',
      headline: `The split is off in ${count(broken.length)} of ${count(lines.length)} slices`,
      sentence: `${reason ?? ''}${corrected}`,
    }
  }
  return status === 'consistent'
    ? { tone: 'good', headline: 'No mismatch found in any slice', sentence: corrected.trim() }
    : { tone: 'unknown', headline: 'The slices cannot be judged', sentence: `${reason ?? ''}${corrected}` }
}
