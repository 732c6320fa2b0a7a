import { ExposureError } from '../errors.js'
import type { ExposureWindow } from '../time/exposure-window.js'

/** Refuses a bucket outside the window: such an answer belongs to another question. */
export function assertInWindow(bucketMs: number, window: ExposureWindow, row?: number): void {
  // The first bucket may start before the window: by at most a day of 25 hours, or two days where one is skipped.
  if (bucketMs < window.asOfMs && bucketMs >= window.startMs - 2 * 86_400_000) return
  const where = row === undefined ? 'A bucket' : `Row ${row}, column bucket`
  throw new ExposureError(
    'malformed-rows',
    `${where}: received ${new Date(bucketMs).toISOString()}, which is outside the window. ` +
      'Is it the answer to this query? Check what sits between the host and ClickHouse.',
    {
      ...(row === undefined ? {} : { row }),
      column: 'bucket',
      received: bucketMs,
    },
  )
}
