import type { Granularity } from './granularity.js'

/** The buckets of a time zone, as ClickHouse's `toStartOf…` functions make them. All in epoch milliseconds. */
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
 * A local day starts when the clock passes into its date for the last time, whatever it shows then; a date that was
 * skipped has no bucket. An hour starts whole elapsed hours after its day does, and the last hour of a day ends with
 * the day: where clocks change by half an hour, it may last half an hour.
 *
 * @param timeZone - an IANA name, checked by the caller
 * @returns functions that remember every day they were asked for: make an axis for a task and let it go
 */
export function bucketAxis(timeZone: string, granularity: Granularity): BucketAxis {
  return axisOf[granularity](timeZone === 'UTC' ? utcDays : localDays(timeZone))
}

const axisOf: Readonly<Record<Granularity, (days: BucketAxis) => BucketAxis>> = {
  hour: hoursOf,
  day: (days) => days,
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
    // Nearly always midnight by the clock of the day before, which has not changed three hours later.
    const before = starts.get(date - 1) ?? date * dayMs - dayMs / 2
    const offset = offsets(before)
    const midnight = date * dayMs - offset
    if (midnight > before && offsets(midnight + 3 * hourMs) === offset) return midnight
    // The clock changed in between. Try midnight by the new clock: a clock that is set back from a minute after
    // midnight passes into the date twice, and the second time counts.
    const again = date * dayMs - offsets(midnight + 3 * hourMs)
    if (localDate(again) === date && localDate(again - 1000) < date) return again
    // There is no midnight, or there are two: search by the second. Offsets lie between -12 and +14 hours.
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
  // Callers ask in the order of time, so the last day answers nearly every time.
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

/** How far is a zone's clock ahead of UTC at an instant? In milliseconds, whatever the zone of the process. */
export function zoneOffset(timeZone: string): (instantMs: number) => number {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    timeZoneName: 'longOffset',
  })
  return (instantMs) => {
    // GMT alone is UTC. Monrovia's offset had seconds until 1972.
    const [, sign, hours, minutes, seconds = 0] =
      /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(format.format(instantMs)) ?? []
    if (hours === undefined) return 0
    return (sign === '-' ? -1000 : 1000) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds))
  }
}

/** Does a zone's clock show the same time once more, because it is set back around this instant? */
export function isShownTwice(instantMs: number, offset: (instantMs: number) => number): boolean {
  const here = offset(instantMs)
  // No clock is set back by more than three hours, except where a zone repeats a day.
  return [-3, 3].some((hours) => {
    const there = offset(instantMs + hours * 3_600_000)
    return there !== here && offset(instantMs + here - there) === there
  })
}
