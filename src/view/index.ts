export {
  exposuresView,
  type ExposuresView,
  type ExposuresViewOptions,
  type ExposuresViewPoint,
  type ExposuresViewVariant,
} from './exposures-view.js'
export { formatBucket, type BucketLocale, type FormatBucketOptions } from './format-bucket.js'
