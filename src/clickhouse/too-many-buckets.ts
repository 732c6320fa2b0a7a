import { ExposureError } from '../errors.js'

/** The error for an answer that is larger than the spec lets it be; `each` says what a row of it is. */
export function tooManyBuckets(maxRows: number, each = 'variants × buckets'): ExposureError {
  return new ExposureError(
    'too-many-buckets',
    `The answer has more than ${maxRows} rows (${each}), so it was not read. ` +
      'Ask for a shorter window, look for junk among the variant keys, or raise maxRows in the spec.',
    { maxRows },
  )
}
