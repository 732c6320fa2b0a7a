import { invalidView, malformedSummary } from '../errors.js'
import type { BucketAxis } from '../time/local-days.js'
import type { ExposureWindow } from '../time/exposure-window.js'

/** Where a bucket of the view begins and ends, in epoch milliseconds. */
export interface Span {
  readonly startMs: number
  readonly endMs: number
  /** The index of the summary's point, or -1 where it has none. */
  readonly index: number
}

/**
 * The buckets to show, in the order of time: the summary's, and the empty ones between them where gaps are filled.
 *
 * @param starts - the starts of the summary's buckets
 * @param assertAffordable - is told about how many buckets there will be before they are made
 */
export function spansOf(
  starts: readonly number[],
  axis: BucketAxis,
  window: ExposureWindow | null,
  fillGaps: boolean,
  assertAffordable: (buckets: number) => void,
): readonly Span[] {
  assertAffordable(starts.length)
  const places = placesOnAxis(starts, axis)
  const firstPlace = places[0]
  const lastPlace = places.at(-1)
  if (window !== null && firstPlace !== undefined && lastPlace !== undefined) {
    for (const [place, startMs] of [
      [firstPlace, starts[0]],
      [lastPlace, starts.at(-1)],
    ] as const) {
      if (axis.next(place) <= window.startMs || place >= window.asOfMs) {
        throw invalidView(
          'window',
          window,
          'Pass the window that the summary was asked for.',
          `The summary has a bucket at ${new Date(startMs ?? place).toISOString()}, outside of the window ` +
            `${new Date(window.startMs).toISOString()} to ${new Date(window.asOfMs).toISOString()}.`,
        )
      }
    }
  }

  // The place of each bucket on the axis, and where it starts: the summary's start counts where there is one.
  const shown: {
    readonly place: number
    readonly startMs: number
    readonly index: number
  }[] = []
  if (fillGaps) {
    const first = Math.min(firstPlace ?? Infinity, window === null ? Infinity : axis.floor(window.startMs))
    const last = Math.max(lastPlace ?? -Infinity, window === null ? -Infinity : axis.floor(window.asOfMs - 1))
    if (first <= last) assertAffordable(Math.ceil((last - first) / (axis.next(first) - first)) + 1)
    let index = 0
    for (let place = first; place <= last; place = axis.next(place)) {
      const found = place === places[index]
      shown.push({
        place,
        startMs: found ? (starts[index] ?? place) : place,
        index: found ? index++ : -1,
      })
    }
  } else {
    places.forEach((place, index) => shown.push({ place, startMs: starts[index] ?? place, index }))
  }

  return shown.map(({ place, startMs, index }, row) => {
    const end = axis.next(place)
    const following = shown[row + 1]
    return {
      startMs,
      endMs: following?.place === end ? following.startMs : end,
      index,
    }
  })
}

/**
 * Where the summary's buckets are on this platform's axis: nearly always at their own start; where the two time zone
 * databases differ by some hours, at the nearest start.
 */
function placesOnAxis(starts: readonly number[], axis: BucketAxis): readonly number[] {
  let before = -Infinity
  return starts.map((startMs, index) => {
    const floor = axis.floor(startMs)
    const next = floor === startMs ? Infinity : axis.next(startMs)
    const place = next - startMs < startMs - floor ? next : floor
    if (place <= before) {
      throw malformedSummary(
        `summary.timeseries.points[${index}].bucket`,
        new Date(startMs).toISOString(),
        'It lies in the same bucket as the point before it. Was another granularity or time zone asked for?',
      )
    }
    before = place
    return place
  })
}
