import { received } from '../errors.js'
import { invalidStatistics } from './invalid-statistics.js'
import { orderedSteps, type TimedStep } from './ordered-steps.js'

/** The part of an `ExposuresSummary` that the tests read. */
export interface SampleRatioSummary {
  readonly timeseries: {
    readonly granularity: 'hour' | 'day'
    /** The IANA zone whose hours or days the buckets are. */
    readonly timeZone: string
    readonly points: readonly {
      /** The bucket's start, ISO 8601 with Z or an offset. */
      readonly bucket: string
      /** The identities that entered in this bucket, by variant. */
      readonly newIdentities: Readonly<Record<string, number>>
    }[]
  }
}

const hourMs = 3_600_000

/**
 * The points of a summary as steps. They are sparse, so where a bucket ends is for its time zone to say.
 *
 * @param withEnds - whether that will be asked
 */
export function summarySteps(summary: SampleRatioSummary, withEnds: boolean): readonly TimedStep[] {
  const timeseries: Partial<SampleRatioSummary['timeseries']> = Object(summary.timeseries)
  const { granularity, timeZone, points } = timeseries
  if (granularity !== 'hour' && granularity !== 'day') {
    throw invalidStatistics('granularity', granularity, "Pass a summary; its granularity is 'hour' or 'day'.")
  }
  if (!Array.isArray(points))
    throw invalidStatistics('points', points, 'Pass a summary; it has a list of points.')
  const steps = orderedSteps(
    (points as SampleRatioSummary['timeseries']['points']).map((point) => {
      const { bucket: start, newIdentities } = Object(point) as typeof point
      return { start, newIdentities }
    }),
    false,
  )
  if (!withEnds) return steps
  const dateOf = localDate(timeZone)
  return steps.map((step, index) => {
    const { startMs } = step
    // At most an hour: where clocks change by half an hour, the last hour of a day is shorter.
    const withinHour = (instantMs: number): boolean => instantMs < startMs + hourMs
    // A day ends when the clock passes into the next date for good: set back from a minute after midnight, it shows
    // the old date again half an hour later.
    const withinDay = (instantMs: number): boolean =>
      [instantMs, instantMs + hourMs / 2].some((instant) => dateOf(instant) === dateOf(startMs))
    const within = granularity === 'hour' ? withinHour : withinDay
    const nextMs = steps[index + 1]?.startMs ?? Infinity
    return { ...step, holds: (instantMs) => instantMs < nextMs && within(instantMs) }
  })
}

/** The date that the clocks of a zone show at an instant. */
function localDate(timeZone: unknown): (instantMs: number) => string {
  try {
    if (typeof timeZone !== 'string') throw new RangeError(received(timeZone))
    const format = new Intl.DateTimeFormat('en', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    })
    return (instantMs) => format.format(instantMs)
  } catch {
    throw invalidStatistics('timeZone', timeZone, 'Pass a summary; its time zone is an IANA name.')
  }
}
