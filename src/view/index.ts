/**
 * What a server or a browser shows of a summary, on the true local-time axis of its zone.
 *
 * @module first-exposure/view
 */

export {
  exposuresView,
  type ExposuresView,
  type ExposuresViewOptions,
  type ExposuresViewPoint,
  type ExposuresViewVariant,
} from './exposures-view.js'
export { formatBucket, type BucketLocale, type FormatBucketOptions } from './format-bucket.js'
