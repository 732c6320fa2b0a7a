/**
 * What a server or a browser shows of a summary, by the local time of its zone.
 *
 * @module first-exposure/view
 */

export {
  exposuresView,
  type ExposuresView,
  type ExposuresViewPoint,
  type ExposuresViewVariant,
} from './exposures-view.js'
export type { ExposuresViewOptions } from './view-options.js'
export { formatBucket, type BucketLocale, type FormatBucketOptions } from './format-bucket.js'
