import { oneOf, type Check } from '../checks.js'
import { checkedWindow, type ExposureWindow } from './exposure-window.js'

/** The width of a bucket. */
export type Granularity = 'hour' | 'day'

const hourMs = 3_600_000

/** The longest window that is counted by each, in milliseconds, finest first. */
const longestWindowMs: Readonly<Record<Granularity, number>> = { hour: 72 * hourMs, day: Infinity }

/**
 * What depends on the granularity. What only one room needs is in that room, as a `Record<Granularity, …>`, so that a
 * new granularity does not compile until every place knows it.
 */
export const granularities: Readonly<
  Record<
    Granularity,
    {
      /** How long a bucket lasts while no clock changes, in milliseconds. */
      readonly widthMs: number
      /** ClickHouse's function for the start of the bucket that holds an instant. */
      readonly startOfBucket: 'toStartOfHour' | 'toStartOfDay'
    }
  >
> = /* @__PURE__ */ Object.freeze({
  hour: { widthMs: hourMs, startOfBucket: 'toStartOfHour' },
  day: { widthMs: 24 * hourMs, startOfBucket: 'toStartOfDay' },
})

const names = /* @__PURE__ */ Object.keys(longestWindowMs) as readonly Granularity[]

/** The name of a granularity. */
export const aGranularity: Check<Granularity> = /* @__PURE__ */ oneOf(names)

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
  // The last one takes windows of any length.
  return names.find((name) => asOfMs - startMs <= longestWindowMs[name]) as Granularity
}
