import type { ExposuresSummary, ExposureWindow, MultiVariantPolicy } from '../index.js'
import {
  sampleRatio,
  sampleRatioBySlice,
  type AdjustedSampleRatioResult,
  type CrossoverBiasResult,
  type ExpectedShares,
  type SampleRatioResult,
} from '../statistics/index.js'
import { exposuresView } from '../view/index.js'
import { crossoversAnswer, type CrossoversAnswer } from '../panel/crossovers-answer.js'
import { sharesOrEqual } from '../panel/exposures-verdicts.js'
import type { Explanation } from './explanation.js'
import type { Configured } from './print-report.js'

/** The explanation with the verdicts on it, as data for programs. */
export interface ExplanationData extends Explanation {
  /** The shares that the split was compared with, and whether they were assumed because none were given. */
  readonly expected: { readonly shares: ExpectedShares; readonly assumed: boolean }
  readonly sampleRatio: SampleRatioResult
  readonly crossoverBias?: CrossoverBiasResult
  /** The split before quarantine. */
  readonly assignedRatio?: SampleRatioResult
  /** In the order of the breakdown's slices. */
  readonly sampleRatioBySlice?: {
    readonly slices: readonly AdjustedSampleRatioResult[]
    readonly other: AdjustedSampleRatioResult | null
  }
}

/** Adds the verdicts, which the text has in words. */
export function explanationData(
  explanation: Explanation,
  summary: ExposuresSummary,
  window: ExposureWindow,
  multiVariant: MultiVariantPolicy,
  { expectedShares, control }: Configured,
): ExplanationData {
  const view = exposuresView(summary, {
    window,
    ...(expectedShares === undefined ? {} : { variants: Object.keys(expectedShares) }),
    ...(control === undefined ? {} : { control }),
  })
  const shares = sharesOrEqual(view, expectedShares)
  const { crossovers, breakdown } = explanation
  return {
    ...explanation,
    expected: { shares, assumed: expectedShares === undefined },
    sampleRatio: sampleRatio(view, shares),
    ...(crossovers === undefined
      ? {}
      : crossoverData(crossoversAnswer(crossovers, view, multiVariant, shares))),
    ...(breakdown === undefined ? {} : { sampleRatioBySlice: sampleRatioBySlice(breakdown, shares) }),
  }
}

function crossoverData({
  crossoverBias,
  assignedRatio,
}: CrossoversAnswer): Pick<ExplanationData, 'crossoverBias' | 'assignedRatio'> {
  return { crossoverBias, ...(assignedRatio === null ? {} : { assignedRatio }) }
}
