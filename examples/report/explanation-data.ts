import type { ExposuresSummary, ExposureWindow, MultiVariantPolicy } from 'first-exposure'
import type { AdjustedSampleRatioResult, SampleRatioResult } from 'first-exposure/statistics'
import { exposuresView } from 'first-exposure/view'
import { crossoverVerdict } from '../host/panel/crossover-verdict.js'
import { sliceLines } from '../host/panel/slice-lines.js'
import { splitVerdict } from '../host/panel/split-verdict.js'
import type { Explanation } from './explanation.js'
import type { Configured } from './print-report.js'

/** The explanation with the verdicts on it, as data for programs. */
export interface ExplanationData extends Explanation {
  /** The shares that the split was compared with, and whether they were assumed because none were given. */
  readonly expected: { readonly shares: Readonly<Record<string, number>>; readonly assumed: boolean }
  readonly sampleRatio: SampleRatioResult
  readonly crossoverBias?: SampleRatioResult
  /** In the order of the breakdown's slices. */
  readonly sampleRatioBySlice?: {
    readonly slices: readonly AdjustedSampleRatioResult[]
    readonly other: AdjustedSampleRatioResult | null
  }
}

/** Adds the verdicts that the text has in words. */
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
  const { shares, assumed, once } = splitVerdict(view, expectedShares)
  const { crossovers, breakdown } = explanation
  return {
    ...explanation,
    expected: { shares, assumed },
    sampleRatio: once,
    ...(crossovers === undefined
      ? {}
      : { crossoverBias: crossoverVerdict(crossovers, view, multiVariant).bias }),
    ...(breakdown === undefined ? {} : { sampleRatioBySlice: sliceLines(breakdown, shares).overall }),
  }
}
