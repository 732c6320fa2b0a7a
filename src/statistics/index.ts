/**
 * Is the split what it should be, and is the quarantined share worth a warning?
 *
 * @module first-exposure/statistics
 */

// One look.
export {
  sampleRatio,
  type SampleRatioArm,
  type SampleRatioLoss,
  type SampleRatioOptions,
  type SampleRatioResult,
  type SampleRatioSeverity,
  type SampleRatioStatus,
  type SampleRatioStrays,
} from './sample-ratio.js'
export type { PValueMethod, ShareInterval, TestEvidence } from './evidence.js'
export type { ExpectedShares, SampleRatioPhase } from './expected-phases.js'
export type {
  SampleRatioStep,
  SampleRatioSummary,
  SampleRatioView,
  TimedCounts,
  VariantCount,
} from './counts.js'
export type { TimeWindow } from './options.js'
// A look after every bucket.
export {
  sequentialSampleRatio,
  type SequentialSampleRatioLook,
  type SequentialSampleRatioOptions,
  type SequentialSampleRatioResult,
  type SequentialStrays,
} from './sequential-sample-ratio.js'
// A mismatch: where, since when, and what caused it?
export {
  sampleRatioBySlice,
  type AdjustedSampleRatioResult,
  type SampleRatioBreakdown,
  type SampleRatioBySliceResult,
  type SliceSampleRatioResult,
} from './sample-ratio-by-slice.js'
export {
  sampleRatioOnset,
  type SampleRatioOnset,
  type SampleRatioOnsetArm,
  type SampleRatioOnsetBucket,
  type SampleRatioOnsetOptions,
  type SampleRatioOnsetResult,
} from './sample-ratio-onset.js'
export {
  sampleRatioWithin,
  type SampleRatioWithinArm,
  type SampleRatioWithinResult,
} from './sample-ratio-within.js'
export { assignedRatio, type AssignedCounts } from './assigned-ratio.js'
// Does the experiment still run?
export {
  exposureHealth,
  type ArmHealth,
  type ExposureHealthOptions,
  type ExposureHealthResult,
  type ExposureRate,
} from './exposure-health.js'
// Quarantine.
export { quarantineOverTime, type QuarantineOverTime, type QuarantinePoint } from './quarantine-over-time.js'
export {
  excludedRatio,
  type ExcludedRatioOptions,
  type ExcludedRatioResult,
  type ExcludedRatioStatus,
} from './excluded-ratio.js'
export {
  crossoverBias,
  type CrossoverBiasArm,
  type CrossoverBiasResult,
  type CrossoverCounts,
} from './crossover-bias.js'
// Two experiments or more: does one depend on the other?
export {
  overlapIndependence,
  type OverlapCounts,
  type OverlapIndependenceCell,
  type OverlapIndependenceOptions,
  type OverlapIndependenceResult,
  type OverlapIndependenceStatus,
} from './overlap-independence.js'
export {
  overlapsIndependence,
  type OverlapCountsOfTwo,
  type OverlapOfTwoIndependence,
  type OverlapsIndependenceOptions,
  type OverlapsIndependenceResult,
} from './overlaps-independence.js'
// Many experiments: do the checks themselves hold?
export { uniformPValues, type UniformPValuesOptions, type UniformPValuesResult } from './uniform-p-values.js'
