import { exposuresView, formatBucket, type ExposuresViewPoint } from 'first-exposure/view'

/** A time zone that the page can show its times in. */
export interface ZoneChoice {
  readonly timeZone: string
  readonly label: string
}

/** The zones to choose from: the experiment's first, then the viewer's, then UTC. */
export function zoneChoices(experimentZone: string): readonly ZoneChoice[] {
  const viewerZone = new Intl.DateTimeFormat().resolvedOptions().timeZone
  const choices = [{ timeZone: experimentZone, label: `${zoneName(experimentZone)} (experiment)` }]
  if (!isSameZone(viewerZone, experimentZone)) {
    choices.push({ timeZone: viewerZone, label: `${zoneName(viewerZone)} (you)` })
  }
  if (!choices.some(({ timeZone }) => isSameZone(timeZone, 'UTC')))
    choices.push({ timeZone: 'UTC', label: 'UTC' })
  return choices
}

/** Whether two names mean the same zone: UTC has many names. */
function isSameZone(a: string, b: string): boolean {
  const canonical = (zone: string): string =>
    /^(Etc\/)?(UTC|GMT|UCT|Zulu|Universal)$/.test(zone) ? 'UTC' : zone
  return canonical(a) === canonical(b)
}

/** A zone's name for people. */
export function zoneName(timeZone: string): string {
  return timeZone.replaceAll('_', ' ')
}

/** `Jan 24, 2017, 1:41 PM`. */
export function instantLabel(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(ms)
}

/** A bucket's name, and whether it is partial. */
export function bucketLabel(point: ExposuresViewPoint, timeZone: string): string {
  return formatBucket(point, { timeZone }) + (point.partial ? ' (partial)' : '')
}

const units = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** `3 minutes ago`. Clocks of two machines differ, so an instant in the future counts as now. */
export function agoLabel(ageMs: number): string {
  const [unit, size] = units.find(([, size]) => ageMs >= size) ?? []
  if (unit === undefined || size === undefined) return 'just now'
  return new Intl.RelativeTimeFormat('en-US').format(-Math.floor(ageMs / size), unit)
}

/** A mark on the time axis. */
export interface TimeTick {
  readonly atMs: number
  readonly label: string
}

/**
 * Marks for a time axis, at midnights and whole hours of the zone's own clock, even if a day has 23 or 25 hours. At most
 * `most` of them.
 */
export function timeTicks(
  startMs: number,
  endMs: number,
  timeZone: string,
  most: number,
): readonly TimeTick[] {
  const granularity = endMs - startMs > 72 * 3_600_000 ? 'day' : 'hour'
  const format = (options: Intl.DateTimeFormatOptions): ((ms: number) => string) => {
    const formatter = new Intl.DateTimeFormat('en-US', { ...options, timeZone })
    return (ms) => formatter.format(ms)
  }
  const day = format({ month: 'short', day: 'numeric' })
  // A view of an empty summary gives the zone's hours or days.
  const nobody = { excludedIdentities: 0, timeseries: { granularity, timeZone, points: [] } } as const
  const window = { startMs: Math.floor(startMs), asOfMs: Math.floor(endMs) + 1 }
  const starts = exposuresView(nobody, { window, fillGaps: true })
    .points.map(({ start }) => Date.parse(start))
    .filter((ms) => ms >= startMs && ms <= endMs)

  if (granularity === 'hour') {
    const hour = format({ hour: 'numeric', hourCycle: 'h23' })
    const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    const label = (ms: number): string => (Number(hour(ms)) === 0 ? day(ms) : clock(ms))
    return fewest(
      [1, 2, 3, 6, 12, 24].map((step) => starts.filter((ms) => Number(hour(ms)) % step === 0)),
      most,
    ).map((atMs) => ({ atMs, label: label(atMs) }))
  }
  const dayOfMonth = format({ day: 'numeric' })
  const monthOfYear = format({ month: 'numeric' })
  const monthly = starts.filter((ms) => Number(dayOfMonth(ms)) === 1)
  const days = [1, 2, 7, 14].map((step) => starts.filter((_, index) => index % step === 0))
  const months = [1, 3, 6, 12].map((step) =>
    monthly.filter((ms) => (Number(monthOfYear(ms)) - 1) % step === 0),
  )
  const marks = fewest([...days, ...months], most)
  const label = days.some((starts) => starts === marks) ? day : format({ month: 'short', year: 'numeric' })
  return marks.map((atMs) => ({ atMs, label: label(atMs) }))
}

/** The first list that is short enough; if none is, every n-th mark of the last. */
function fewest(candidates: readonly (readonly number[])[], most: number): readonly number[] {
  const last = candidates.at(-1) ?? []
  return (
    candidates.find(({ length }) => length <= most && length > 0) ??
    last.filter((_, index) => index % Math.ceil(last.length / Math.max(1, most)) === 0)
  )
}
