/**
 * Is the split what it should be, and is the quarantined share worth a warning?
 *
 * @module first-exposure/statistics
 */

export {
  sampleRatio,
  type SampleRatioArm,
  type SampleRatioOptions,
  type SampleRatioResult,
  type SampleRatioStatus,
} from './sample-ratio.js'
export type { SampleRatioPhase } from './expected-phases.js'
export type { SampleRatioStep } from './ordered-steps.js'
export type { SampleRatioSummary } from './summary-steps.js'
export {
  sampleRatioBySlice,
  type AdjustedSampleRatioResult,
  type SampleRatioBreakdown,
  type SampleRatioBySliceResult,
  type SliceSampleRatioResult,
} from './sample-ratio-by-slice.js'
export {
  sequentialSampleRatio,
  type SequentialSampleRatioLook,
  type SequentialSampleRatioOptions,
  type SampleRatioView,
  type SequentialSampleRatioResult,
} from './sequential-sample-ratio.js'
export {
  excludedRatio,
  type ExcludedRatioOptions,
  type ExcludedRatioResult,
  type ExcludedRatioStatus,
} from './excluded-ratio.js'
export { crossoverBias, type CrossoverCounts } from './crossover-bias.js'
