import type { ExposuresSummary, ExposureWindow, MultiVariantPolicy } from 'first-exposure'
import type {
  AdjustedSampleRatioResult,
  CrossoverBiasResult,
  SampleRatioResult,
} from 'first-exposure/statistics'
import { exposuresView } from 'first-exposure/view'
import { crossoverVerdict, type CrossoverVerdict } from '../host/panel/crossover-verdict.js'
import { sliceLines } from '../host/panel/slice-lines.js'
import { splitVerdict } from '../host/panel/split-verdict.js'
import type { Explanation } from './explanation.js'
import type { Configured } from './print-report.js'

/** The explanation with the verdicts on it, as data for programs. */
export interface ExplanationData extends Explanation {
  /** The shares that the split was compared with, and whether they were assumed because none were given. */
  readonly expected: { readonly shares: Readonly<Record<string, number>>; readonly assumed: boolean }
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
  const { shares, assumed, once } = splitVerdict(view, expectedShares)
  const { crossovers, breakdown } = explanation
  return {
    ...explanation,
    expected: { shares, assumed },
    sampleRatio: once,
    ...(crossovers === undefined
      ? {}
      : crossoverData(crossoverVerdict(crossovers, view, multiVariant, shares))),
    ...(breakdown === undefined ? {} : { sampleRatioBySlice: sliceLines(breakdown, shares).overall }),
  }
}

function crossoverData({
  bias,
  assigned,
}: CrossoverVerdict): Pick<ExplanationData, 'crossoverBias' | 'assignedRatio'> {
  return { crossoverBias: bias, ...(assigned === undefined ? {} : { assignedRatio: assigned }) }
}
