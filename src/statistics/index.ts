export {
  sampleRatio,
  type SampleRatioArm,
  type SampleRatioOptions,
  type SampleRatioResult,
  type SampleRatioStatus,
} from './sample-ratio.js'
export {
  sequentialSampleRatio,
  type SampleRatioStep,
  type SequentialSampleRatioLook,
  type SequentialSampleRatioOptions,
  type SequentialSampleRatioResult,
} from './sequential-sample-ratio.js'
export {
  excludedRatio,
  type ExcludedRatioOptions,
  type ExcludedRatioResult,
  type ExcludedRatioStatus,
} from './excluded-ratio.js'
