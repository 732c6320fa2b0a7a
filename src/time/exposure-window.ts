import { anObject } from '../checks.js'
import { invalidInstant, invalidWindow, received } from '../errors.js'
import { anEpochMs, aRecentMs, epochMs, type Instant } from './instant.js'

/** The half-open window `[startMs, asOfMs)`, in whole milliseconds of the epoch. */
export interface ExposureWindow {
  /** The first millisecond that counts. */
  readonly startMs: number
  /** The first millisecond that no longer counts. */
  readonly asOfMs: number
}

// What a ClickHouse DateTime holds in every time zone: a day inside its own ends, 1970-01-01 and 2106-02-07.
export const earliestMs: number = Date.UTC(1970, 0, 2)
export const latestMs: number = Date.UTC(2106, 0, 1)

/**
 * Which exposures does a question cover? Those at `start` or later and before `asOf`.
 *
 * A number that makes sense only as seconds or as microseconds is refused, and so is a number before 2001 as `asOf`.
 * Pass such an instant as a `Date`, if it is meant.
 *
 * @param start - the first instant that counts, 1970-01-02 or later
 * @param asOf - the first instant that no longer counts, after `start`, up to 2106-01-01
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
  const startMs = epochMs(start, 'start', invalidInstant, invalidWindow)
  const asOfMs = epochMs(asOf, 'asOf', invalidInstant, invalidWindow)
  const window = windowOf(startMs, asOfMs, start, asOf)
  if (typeof asOf === 'number') aRecentMs(asOfMs, 'asOf', invalidWindow)
  return window
}

/** A window that `exposureWindow` or a caller made. */
export function checkedWindow(window: ExposureWindow): ExposureWindow {
  anObject(window, 'window', invalidWindow)
  const { startMs, asOfMs } = window
  return windowOf(
    anEpochMs(startMs, 'startMs', invalidInstant),
    anEpochMs(asOfMs, 'asOfMs', invalidInstant),
    startMs,
    asOfMs,
  )
}

function windowOf(startMs: number, asOfMs: number, start: Instant, asOf: Instant): ExposureWindow {
  if (startMs >= asOfMs) {
    throw invalidWindow('asOf', asOf, `Pass an instant after the start, ${received(start)}.`)
  }
  const isEarly = startMs < earliestMs
  if (isEarly || asOfMs > latestMs) {
    throw invalidWindow(
      isEarly ? 'start' : 'asOf',
      isEarly ? start : asOf,
      'Pass 1970-01-02 to 2106-01-01, which a ClickHouse DateTime holds in every time zone. ' +
        'Are the numbers epoch milliseconds?',
    )
  }
  return Object.freeze({ startMs, asOfMs })
}
