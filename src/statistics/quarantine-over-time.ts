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
  /** Identities that entered in the bucket and are counted. */
  readonly counted: number
  /** Identities that were exposed to a second variant in the bucket, and are quarantined since. */
  readonly quarantined: number
  /** All quarantined up to and including this bucket, over them and all counted up to and including it, 0 to 1. */
  readonly runningShare: number
}

/** Quarantine over time. Plain, frozen data. */
export interface QuarantineOverTime {
  /** In the order of time: every bucket in which somebody entered or crossed over. */
  readonly points: readonly QuarantinePoint[]
  /** The start of the bucket in which most identities crossed over, the first of several; `null` where nobody did. */
  readonly peak: string | null
}

/**
 * When did identities go into quarantine? What was counted and what crossed over, bucket by bucket, and the quarantined
 * share so far. A share that jumps in one bucket points to a release or a changed split; one that creeps up, to an
 * assignment that does not stick. By arm it is in the result of {@link crossoverBias}.
 *
 * No test is made of it: who crosses over entered before, so that the two counts of a bucket are of different people.
 *
 * @param counted - the summary, its view, or steps
 * @param crossovers - what `summarizeCrossovers` returned for the same window, granularity and time zone
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
  for (const { start, startMs, counts } of timedSteps(counted, false, undefined)) {
    const wrong = whyNoCounts(counts, 'the count')
    if (wrong !== undefined) {
      throw invalidStatistics(`newIdentities of ${start}`, counts, 'Pass whole numbers from 0.')
    }
    for (const [, count] of counts) at(startMs).counted += count
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
    .sort(([a], [b]) => a - b)
    .map(([startMs, point]) => {
      allCounted += point.counted
      allQuarantined += point.quarantined
      const seen = allCounted + allQuarantined
      return {
        start: new Date(startMs).toISOString(),
        ...point,
        runningShare: seen === 0 ? 0 : allQuarantined / seen,
      }
    })
  const most = Math.max(0, ...inOrder.map(({ quarantined }) => quarantined))
  const peak = most === 0 ? undefined : inOrder.find(({ quarantined }) => quarantined === most)
  return deepFreeze({ points: inOrder, peak: peak?.start ?? null })
}
