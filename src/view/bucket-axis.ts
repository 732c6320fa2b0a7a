import { formatInTimeZone } from 'date-fns-tz/formatInTimeZone'
import type { Granularity } from '../spec/select-granularity.js'

/** The buckets of a time zone, as ClickHouse's `toStartOfDay` and `toStartOfHour` make them. All in epoch milliseconds. */
export interface BucketAxis {
  /** The start of the bucket that holds the instant. */
  readonly floor: (instantMs: number) => number
  /** The first bucket start after the instant; given a bucket's start, that is where the bucket ends. */
  readonly next: (instantMs: number) => number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/**
 * Where do the hours or days of a time zone start?
 *
 * A local day starts when the clock passes into its date, for good, whatever it shows then; a date that never was has
 * no bucket. An hour is the day's start plus whole elapsed hours, and the last one of a day ends with the
 * day: where clocks change by half an hour, a day may end with half an hour.
 *
 * @param timeZone - an IANA name, checked by the caller
 * @param granularity - hours or days
 * @returns functions that remember the days they were asked for, so make an axis for a task and let it go
 */
export function bucketAxis(timeZone: string, granularity: Granularity): BucketAxis {
  const days = timeZone === 'UTC' ? utcDays : localDays(timeZone)
  return granularity === 'day' ? days : hoursOf(days)
}

const utcDays: BucketAxis = {
  floor: (instantMs) => Math.floor(instantMs / dayMs) * dayMs,
  next: (instantMs) => (Math.floor(instantMs / dayMs) + 1) * dayMs,
}

function localDays(timeZone: string): BucketAxis {
  const offsets = zoneOffset(timeZone)
  // By local date, counted in days of the epoch.
  const starts = new Map<number, number>()

  const localDate = (instantMs: number): number => Math.floor((instantMs + offsets(instantMs)) / dayMs)

  const startOf = (date: number): number => {
    const known = starts.get(date)
    if (known !== undefined) return known
    const start = firstInstantOf(date)
    starts.set(date, start)
    return start
  }

  const firstInstantOf = (date: number): number => {
    // Nearly always midnight by the clock of the day before, which three hours later still goes the same.
    const before = starts.get(date - 1) ?? date * dayMs - dayMs / 2
    const offset = offsets(before)
    const midnight = date * dayMs - offset
    if (midnight > before && offsets(midnight + 3 * hourMs) === offset) return midnight
    // The clock moved in between. Midnight by the clock after that, if it is the passage into the date: set back
    // from a minute after midnight, the clock passes into it twice, and the second time counts.
    const again = date * dayMs - offsets(midnight + 3 * hourMs)
    if (localDate(again) === date && localDate(again - 1000) < date) return again
    // No midnight, or two of them: search, by the second. Offsets lie between -12 and +14 hours.
    let earlier = date * dayMs - 15 * hourMs
    let start = date * dayMs + 13 * hourMs
    while (start - earlier > 1000) {
      const middle = Math.floor((earlier + start) / 2000) * 1000
      if (localDate(middle) < date) earlier = middle
      else start = middle
    }
    return start
  }

  return {
    floor: (instantMs) => {
      const date = localDate(instantMs)
      const start = startOf(date)
      return start <= instantMs ? start : startOf(date - 1)
    },
    next: (instantMs) => {
      const date = localDate(instantMs)
      const start = startOf(date)
      return start > instantMs ? start : startOf(date + 1)
    },
  }
}

function hoursOf(days: BucketAxis): BucketAxis {
  // Hours are asked for in the order of time, so the day asked for last answers nearly all of them.
  let dayStart = Infinity
  let dayEnd = -Infinity
  const within = (instantMs: number): void => {
    if (instantMs < dayStart || instantMs >= dayEnd) {
      dayStart = days.floor(instantMs)
      dayEnd = days.next(dayStart)
    }
  }
  const floor = (instantMs: number): number => {
    within(instantMs)
    return dayStart + Math.floor((instantMs - dayStart) / hourMs) * hourMs
  }
  return {
    floor,
    next: (instantMs) => {
      const following = floor(instantMs) + hourMs
      return Math.min(following, dayEnd)
    },
  }
}

/**
 * How far is a zone's clock ahead of UTC at an instant? In milliseconds, whole minutes (since 1972 every zone's
 * offset is), whatever zone the process runs in.
 */
export function zoneOffset(timeZone: string): (instantMs: number) => number {
  if (timeZone === 'UTC') return () => 0
  // An axis asks for the same instant several times in a row.
  let askedLast = NaN
  let answer = NaN
  return (instantMs) => {
    if (instantMs !== askedLast) {
      // getTimezoneOffset of the same library is wrong for hours around every transition, this format is not.
      const [, sign, hours, minutes] =
        /^([+-])(\d\d):(\d\d)$/.exec(formatInTimeZone(instantMs, timeZone, 'xxxxx')) ?? []
      answer = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
      askedLast = instantMs
    }
    return answer
  }
}
