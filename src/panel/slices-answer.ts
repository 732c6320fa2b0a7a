import type { ExposuresBreakdown } from '../questions/breakdown/answer.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import type { ExpectedShares } from '../statistics/expected-phases.js'
import { sampleRatioBySlice, type AdjustedSampleRatioResult } from '../statistics/sample-ratio-by-slice.js'
import type { SampleRatioStatus } from '../statistics/sample-ratio.js'
import type { ExposuresView } from '../view/exposures-view.js'
import { sharesOrEqual } from './exposures-verdicts.js'

/** The identities of one value of the breakdown's column, with the verdict on their split. */
export interface SliceAnswer {
  /** `value`: one value; `none`: the identities without a value; `other`: all further values together. */
  readonly kind: 'value' | 'none' | 'other'
  /** The value; `null` unless `kind` is `value`. */
  readonly value: string | null
  /** Identities counted in it. */
  readonly counted: number
  readonly excluded: number
  /** The counted identities, by variant. A key can be any string: read it with `Object.entries` or `Object.hasOwn`. */
  readonly byVariant: Readonly<Record<string, number>>
  readonly status: SampleRatioStatus
  /** The p-value of its split after Holm's correction, 0 to 1; `null` if it was not tested. */
  readonly adjustedPValue: number | null
}

/** Which slice of the traffic is broken? By `sampleRatioBySlice`, with Holm's correction for looking at many. */
export interface SlicesAnswer {
  /** The name of the column, for people. */
  readonly column: string
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, in English. */
  readonly reason: string | null
  /** The number of tested slices, for which the p-values are corrected. */
  readonly familySize: number
  /** The broken ones first; otherwise the largest first, and all further values last. */
  readonly slices: readonly SliceAnswer[]
}

/** A breakdown as a panel shows it, with the verdicts on its slices. */
export function slicesAnswer(
  { column, slices, other }: ExposuresBreakdown & { readonly column: string },
  view: ExposuresView,
  expectedShares: ExpectedShares | undefined,
): SlicesAnswer {
  const shares = sharesOrEqual(view, expectedShares)
  const result = sampleRatioBySlice({ slices, other }, shares)
  const { status, reason = null, familySize } = result
  const lines = [
    ...slices.map(({ value, summary }, place) =>
      slice(value === null ? 'none' : 'value', value, summary, result.slices[place]),
    ),
    ...(other === null ? [] : [slice('other', null, other, result.other)]),
  ]
  const isBroken = (line: SliceAnswer): boolean => line.status === 'mismatch'
  return {
    column,
    status,
    reason,
    familySize,
    slices: [...lines.filter(isBroken), ...lines.filter((line) => !isBroken(line))],
  }
}

function slice(
  kind: SliceAnswer['kind'],
  value: string | null,
  { excludedIdentities, timeseries }: ExposuresSummary,
  result: AdjustedSampleRatioResult | null | undefined,
): SliceAnswer {
  const byVariant = new Map<string, number>()
  for (const [key, identities] of timeseries.points.flatMap(({ newIdentities }) =>
    Object.entries(newIdentities),
  )) {
    byVariant.set(key, (byVariant.get(key) ?? 0) + identities)
  }
  return {
    kind,
    value,
    counted: [...byVariant.values()].reduce((sum, identities) => sum + identities, 0),
    excluded: excludedIdentities,
    byVariant: Object.fromEntries(byVariant),
    status: result?.status ?? 'not-computable',
    adjustedPValue: result?.adjustedPValue ?? null,
  }
}
