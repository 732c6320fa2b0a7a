import { bucketAxis, isShownTwice, zoneOffset } from '../../time/local-days.js'
import { canonicalTimeZone } from '../../time/time-zone.js'
import type { ExposureWindow } from '../../time/exposure-window.js'
import type { ExposuresViewPoint } from '../../view/exposures-view.js'
import type { PanelWords } from '../panel-words.js'

/** A time zone that the panel can show its times in. */
export interface ZoneChoice {
  readonly timeZone: string
  readonly label: string
}

/** The zones to choose from: the experiment's first, then the page's own choice, then the viewer's, then UTC. */
export function zoneChoices(
  experimentZone: string,
  ownZone: string | undefined,
  { say }: PanelWords,
): readonly ZoneChoice[] {
  const viewerZone = new Intl.DateTimeFormat().resolvedOptions().timeZone
  const choices = [
    { timeZone: experimentZone, label: say('zoneOfExperiment', { zone: zoneName(experimentZone) }) },
  ]
  for (const [timeZone, label] of [
    [viewerZone, say('zoneOfReader', { zone: zoneName(viewerZone) })],
    [ownZone ?? experimentZone, zoneName(ownZone ?? experimentZone)],
    ['UTC', 'UTC'],
  ] as const) {
    if (!choices.some((choice) => isSameZone(choice.timeZone, timeZone))) choices.push({ timeZone, label })
  }
  return choices
}

/**
 * Whether two names mean the same zone, as far as this platform says: Asia/Kolkata was Asia/Calcutta once, and UTC has
 * many names.
 */
export function isSameZone(a: string, b: string): boolean {
  const canonical = (name: string): string => {
    const zone = canonicalTimeZone(name) ?? name
    return /^(Etc\/)?(UTC|GMT|UCT|Zulu|Universal)$/.test(zone) ? 'UTC' : zone
  }
  return a === b || canonical(a) === canonical(b)
}

/** A zone's name for people. */
export function zoneName(timeZone: string): string {
  return timeZone.replaceAll('_', ' ')
}

/** How buckets are named in a time zone. */
export interface BucketLabels {
  /** A bucket's name: the date of a day, the date and time of an hour. */
  readonly label: (point: ExposuresViewPoint) => string
  /** The same, and how much of it the window covers. */
  readonly increment: (point: ExposuresViewPoint) => string
  /** Up to where a running total counts. */
  readonly total: (point: ExposuresViewPoint) => string
}

const hourMs = 3_600_000
const minuteMs = 60_000

/**
 * The names of buckets, as the clock of a zone shows them. A day of another zone, which is not a whole day in the zone
 * shown, is named by its start and end; an hour that the clock shows twice, by its offset too.
 *
 * @param hasEnded - whether the window ends with the experiment: a bucket that it ends in is cut then, and over
 */
export function bucketLabels(
  timeZone: string,
  window: ExposureWindow | null,
  hasEnded: boolean,
  words: PanelWords,
): BucketLabels {
  const { say, dates, instant } = words
  const offset = zoneOffset(timeZone)
  const days = bucketAxis(timeZone, 'day')
  const date = dates({ dateStyle: 'medium', timeZone })
  const time = dates({ timeStyle: 'short', timeZone })
  const withOffset = dates({
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZoneName: 'shortOffset',
    timeZone,
  })

  const moment = (ms: number): string =>
    isShownTwice(ms, offset) ? withOffset.format(ms) : instant(ms, timeZone)
  const span = ({ start, end }: ExposuresViewPoint): readonly [number, number] => [
    Date.parse(start),
    Date.parse(end),
  ]
  const sameZone = new Map<string, boolean>()
  const isOwn = (zone: string): boolean => {
    const isKnown = sameZone.get(zone) ?? isSameZone(timeZone, zone)
    sameZone.set(zone, isKnown)
    return isKnown
  }
  const label = (point: ExposuresViewPoint): string => {
    const [startMs, endMs] = span(point)
    if (point.granularity === 'hour') return moment(startMs)
    // Its middle has the day's date even where the warehouse's time zone database starts the day some hours off.
    const middle = (startMs + endMs) / 2
    const isWhole = isOwn(point.timeZone) || (days.floor(startMs) === startMs && days.next(startMs) === endMs)
    return isWhole ? date.format(middle) : `${moment(startMs)} – ${moment(endMs)}`
  }
  /** An instant inside a bucket: its time alone if the bucket's name has the date already. */
  const within = (ms: number, startMs: number): string =>
    date.format(ms) === date.format(startMs) ? time.format(ms) : instant(ms, timeZone)

  return {
    label,
    increment: (point) => {
      const [startMs, endMs] = span(point)
      const from = window !== null && startMs < window.startMs ? within(window.startMs, startMs) : null
      const to = window !== null && endMs > window.asOfMs ? within(window.asOfMs, startMs) : null
      const bucket = label(point)
      if (from !== null && to !== null) {
        return say(hasEnded ? 'bucketFromTo' : 'bucketFromSoFar', { bucket, start: from, end: to })
      }
      if (from !== null) return say('bucketFrom', { bucket, instant: from })
      return to === null ? bucket : say(hasEnded ? 'bucketUpTo' : 'bucketSoFar', { bucket, instant: to })
    },
    total: (point) =>
      window !== null && Date.parse(point.end) > window.asOfMs
        ? say('upTo', { instant: moment(window.asOfMs) })
        : say('upToEndOf', { bucket: label(point) }),
  }
}

/** A mark on the time axis. */
export interface TimeTick {
  readonly atMs: number
  readonly label: string
}

/**
 * Marks for a time axis, at midnights and whole hours of the zone's own clock, even if a day has 23 or 25 hours; at whole
 * minutes where no hour begins. At least one and at most `most` of them.
 */
export function timeTicks(
  startMs: number,
  endMs: number,
  timeZone: string,
  most: number,
  { dates }: PanelWords,
): readonly TimeTick[] {
  const granularity = endMs - startMs > 72 * hourMs ? 'day' : 'hour'
  const format = (options: Intl.DateTimeFormatOptions): ((ms: number) => string) => {
    const formatter = dates({ ...options, timeZone })
    return (ms) => formatter.format(ms)
  }
  const day = format({ month: 'short', day: 'numeric' })
  const axis = bucketAxis(timeZone, granularity)
  const starts: number[] = []
  for (let ms = axis.floor(startMs); ms <= endMs; ms = axis.next(ms)) if (ms >= startMs) starts.push(ms)

  // What the zone's own clock shows, for the choice of the marks: not for people.
  const offset = zoneOffset(timeZone)
  const clock = (ms: number): Date => new Date(ms + offset(ms))
  const time = format({ timeStyle: 'short' })
  if (starts.length === 0) {
    const minutes: number[] = []
    for (let ms = Math.ceil(startMs / minuteMs) * minuteMs; ms <= endMs; ms += minuteMs) minutes.push(ms)
    if (minutes.length === 0) minutes.push(startMs, endMs)
    return fewest(
      [1, 2, 5, 10, 15, 30].map((step) => ({
        starts: minutes.filter((ms) => clock(ms).getUTCMinutes() % step === 0),
        label: time,
      })),
      most,
    )
  }
  if (granularity === 'hour') {
    const isOn = (ms: number, step: number): boolean => clock(ms).getUTCHours() % step === 0
    return fewest(
      [1, 2, 3, 6, 12, 24].map((step) => ({
        starts: starts.filter((ms) => isOn(ms, step)),
        label: (ms: number) => (isOn(ms, 24) ? day(ms) : time(ms)),
      })),
      most,
    )
  }
  const monthly = starts.filter((ms) => clock(ms).getUTCDate() === 1)
  const month = format({ month: 'short', year: 'numeric' })
  return fewest(
    [
      ...[1, 2, 7, 14].map((step) => ({
        starts: starts.filter((_, index) => index % step === 0),
        label: day,
      })),
      ...[1, 3, 6, 12].map((step) => ({
        starts: monthly.filter((ms) => clock(ms).getUTCMonth() % step === 0),
        label: month,
      })),
    ],
    most,
  )
}

/** Where marks could be, and how they are labelled. */
interface Marks {
  readonly starts: readonly number[]
  readonly label: (ms: number) => string
}

/** The first marks that are few enough; if none are, every n-th of the last ones that there are. */
function fewest(candidates: readonly Marks[], most: number): readonly TimeTick[] {
  const some = candidates.filter(({ starts }) => starts.length > 0)
  const { starts, label } = some.find(({ starts }) => starts.length <= most) ?? some.at(-1) ?? none
  const step = Math.ceil(starts.length / Math.max(1, most))
  return starts.filter((_, index) => index % step === 0).map((atMs) => ({ atMs, label: label(atMs) }))
}

const none: Marks = { starts: [], label: String }
