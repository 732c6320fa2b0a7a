import { ExposureError, received } from '../errors.js'
import { checkedMs, epochMs, type Instant } from '../instant.js'

/** The half-open window `[startMs, asOfMs)`, in whole milliseconds of the epoch. */
export interface ExposureWindow {
  /** The first millisecond that counts. */
  readonly startMs: number
  /** The first millisecond that does not count any more. */
  readonly asOfMs: number
}

// What a ClickHouse DateTime holds in every time zone: a day inside its own ends, 1970-01-01 and 2106-02-07.
export const earliestMs: number = Date.UTC(1970, 0, 2)
export const latestMs: number = Date.UTC(2106, 0, 1)

/**
 * Which exposures does a question cover? Those at `start` or later and before `asOf`.
 *
 * @param start - the first instant that counts, not before 1970-01-02
 * @param asOf - the first instant that does not count any more, after `start` and not after 2106-01-01
 * @returns a frozen window in epoch milliseconds; always `startMs < asOfMs`
 * @throws {@link ExposureError} `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureWindow } from 'first-exposure'
 *
 * const window = exposureWindow('2026-06-01T00:00:00Z', new Date('2026-06-15T00:00:00Z'))
 * window.asOfMs - window.startMs // => 14 * 24 * 60 * 60 * 1000
 * ```
 */
export function exposureWindow(start: Instant, asOf: Instant): ExposureWindow {
  return windowOf(epochMs(start, 'start'), epochMs(asOf, 'asOf'), start, asOf)
}

/** A window that was made by `exposureWindow`, or by hand. */
export function checkedWindow({ startMs, asOfMs }: ExposureWindow): ExposureWindow {
  return windowOf(checkedMs(startMs, 'start'), checkedMs(asOfMs, 'asOf'), startMs, asOfMs)
}

function windowOf(startMs: number, asOfMs: number, start: Instant, asOf: Instant): ExposureWindow {
  if (startMs >= asOfMs) {
    throw new ExposureError(
      'invalid-window',
      `The window is empty: start ${received(start)} is not before asOf ${received(asOf)}. Pass start < asOf.`,
      { startMs, asOfMs },
    )
  }
  if (startMs < earliestMs || asOfMs > latestMs) {
    throw new ExposureError(
      'invalid-window',
      `The window ${received(start)} to ${received(asOf)} leaves 1970-01-02 to 2106-01-01, which is what a ` +
        'ClickHouse DateTime holds in every time zone. Are the numbers epoch milliseconds?',
      { startMs, asOfMs },
    )
  }
  return Object.freeze({ startMs, asOfMs })
}
