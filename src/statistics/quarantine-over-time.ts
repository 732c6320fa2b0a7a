import { aList, aWholeNumber, anObject } from '../checks.js'
import { invalidStatistics } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import type { Crossovers } from '../questions/crossovers/answer.js'
import { epochMs } from '../time/instant.js'
import { timedSteps, whyNoCounts, type TimedCounts } from './counts.js'

/** One bucket of quarantine. */
export interface QuarantinePoint {
  /** The bucket's start, ISO 8601 in UTC. */
  readonly start: string
  /** Counted identities that entered in the bucket. */
  readonly counted: number
  /** Identities that were exposed to a second variant in the bucket, and have been quarantined since then. */
  readonly quarantined: number
  /**
   * Up to and including this bucket: all quarantined identities as a share of all quarantined and counted ones, 0 to 1.
   */
  readonly runningShare: number
}

/** Quarantine over time. Plain, frozen data. */
export interface QuarantineOverTime {
  /** In the order of time: every bucket in which an identity entered or crossed over. */
  readonly points: readonly QuarantinePoint[]
  /** The start of the bucket in which the most identities crossed over, the first of several; `null` if none did. */
  readonly peak: string | null
}

/**
 * When did identities go into quarantine? The result has the counted and the crossed-over identities of each bucket,
 * and the quarantined share so far. A jump of the share in one bucket points to a release or a changed split. A slow
 * rise points to an assignment that does not stick. The result of {@link crossoverBias} has the share of each arm.
 *
 * This is not a test: an identity that crosses over entered earlier, so the two counts of a bucket are of different
 * identities.
 *
 * @param counted - the summary, its view, or steps
 * @param crossovers - the result of `summarizeCrossovers` for the same window, granularity and time zone
 * @returns frozen data; the `quarantined` add up to all crossovers
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type, or a count that cannot be one;
 *   `invalid-instant` for a time that cannot be one
 *
 * @example
 * ```ts
 * import { quarantineOverTime } from 'first-exposure/statistics'
 *
 * const counted = [
 *   { start: '2026-06-01T00:00:00.000Z', newIdentities: { control: 50, treatment: 49 } },
 *   { start: '2026-06-02T00:00:00.000Z', newIdentities: { control: 45, treatment: 46 } },
 * ]
 * const crossovers = {
 *   timeseries: { points: [{ bucket: '2026-06-02T00:00:00.000Z', identities: 10 }] },
 * }
 * quarantineOverTime(counted, crossovers)
 * // => {
 * //   points: [
 * //     { start: '2026-06-01T00:00:00.000Z', counted: 99, quarantined: 0, runningShare: 0 },
 * //     { start: '2026-06-02T00:00:00.000Z', counted: 91, quarantined: 10, runningShare: 0.05 },
 * //   ],
 * //   peak: '2026-06-02T00:00:00.000Z',
 * // }
 * ```
 */
export function quarantineOverTime(
  counted: TimedCounts,
  crossovers: { readonly timeseries: Pick<Crossovers['timeseries'], 'points'> },
): QuarantineOverTime {
  const byStart = new Map<number, { counted: number; quarantined: number }>()
  const at = (startMs: number): { counted: number; quarantined: number } => {
    const known = byStart.get(startMs)
    if (known !== undefined) return known
    const point = { counted: 0, quarantined: 0 }
    byStart.set(startMs, point)
    return point
  }
  for (const { start, counts } of timedSteps(counted, false, undefined)) {
    const wrong = whyNoCounts(counts, 'the count')
    if (wrong !== undefined) {
      throw invalidStatistics(`newIdentities of ${start}`, counts, 'Pass whole numbers from 0.')
    }
    // The crossovers of a bucket are named by its start, even where the window begins later.
    const point = at(epochMs(start, 'start'))
    for (const [, count] of counts) point.counted += count
  }
  const { timeseries } = anObject(crossovers, 'crossovers', invalidStatistics)
  const { points } = anObject(timeseries, 'crossovers.timeseries', invalidStatistics)
  for (const [place, each] of aList(points, 'crossovers.timeseries.points', invalidStatistics).entries()) {
    const path = `crossovers.timeseries.points[${place}]`
    const { bucket, identities } = anObject(each, path, invalidStatistics)
    at(epochMs(bucket as string, `${path}.bucket`)).quarantined += aWholeNumber(0)(
      identities,
      `${path}.identities`,
      invalidStatistics,
    )
  }
  let [allCounted, allQuarantined] = [0, 0]
  const inOrder = [...byStart]
    // A view may be filled with buckets without anybody.
    .filter(([, point]) => point.counted + point.quarantined > 0)
    .sort(([a], [b]) => a - b)
    .map(([startMs, point]) => {
      allCounted += point.counted
      allQuarantined += point.quarantined
      return {
        start: new Date(startMs).toISOString(),
        ...point,
        runningShare: allQuarantined / (allCounted + allQuarantined),
      }
    })
  const most = Math.max(0, ...inOrder.map(({ quarantined }) => quarantined))
  const peak = most === 0 ? undefined : inOrder.find(({ quarantined }) => quarantined === most)
  return deepFreeze({ points: inOrder, peak: peak?.start ?? null })
}
