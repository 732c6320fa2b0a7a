import { ExposureError } from '../errors.js'

/** The error for an answer that is larger than the spec allows; `each` says what a row is. */
export function tooManyBuckets(maxRows: number, each = 'variants × buckets'): ExposureError {
  return new ExposureError(
    'too-many-buckets',
    `The answer has more than ${maxRows} rows (${each}), so it was not read. ` +
      'Ask for a shorter window, look for junk among the variant keys, or raise maxRows in the spec.',
    { maxRows },
  )
}

/** Refuses an answer with more rows than the spec allows. The decoders refuse anything but a list. */
export function assertRowBound(rows: unknown, maxRows: number, each?: string, most: number = maxRows): void {
  if (Array.isArray(rows) && rows.length > most) throw tooManyBuckets(maxRows, each)
}
