import { checkedWindow, type ExposureWindow } from './exposure-window.js'

/** The width of a bucket. */
export type Granularity = 'hour' | 'day'

const hourlyUpToMs = 72 * 60 * 60 * 1000

/**
 * How wide are the buckets of a window? Hours up to and including 72 h, days beyond.
 *
 * @param window - the window that will be asked for
 * @throws {@link ExposureError} `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureWindow, selectGranularity } from 'first-exposure'
 *
 * selectGranularity(exposureWindow('2026-06-01T00:00:00Z', '2026-06-04T00:00:00Z')) // => 'hour'
 * selectGranularity(exposureWindow('2026-06-01T00:00:00Z', '2026-06-04T00:00:00.001Z')) // => 'day'
 * ```
 */
export function selectGranularity(window: ExposureWindow): Granularity {
  const { startMs, asOfMs } = checkedWindow(window)
  return asOfMs - startMs <= hourlyUpToMs ? 'hour' : 'day'
}
