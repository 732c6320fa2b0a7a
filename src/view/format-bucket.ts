import { UTCDate } from '@date-fns/utc/date'
import { format } from 'date-fns/format'
import type { Locale } from 'date-fns/locale'
import { formatInTimeZone } from 'date-fns-tz/formatInTimeZone'
import { epochMs } from '../instant.js'
import { assertTimeZone } from '../spec/time-zone.js'
import { bucketAxis, zoneOffset } from './bucket-axis.js'
import type { ExposuresViewPoint } from './exposures-view.js'
import { invalidView } from './invalid-view.js'

/** What a label needs of a locale. Every locale of the package date-fns (`date-fns/locale/de`) is one. */
export interface BucketLocale {
  readonly code: string
  readonly formatLong: object
  readonly localize: object
}

/** How a bucket's label is written; all of it may be left out. */
export interface FormatBucketOptions {
  /** A locale of date-fns, such as `de` of `date-fns/locale/de`. Default: English as in the United States. */
  readonly locale?: BucketLocale
  /** The IANA zone to show. Default: the zone whose hour or day the bucket is. */
  readonly timeZone?: string
}

/**
 * How does a person read a bucket's name? The date of a day, the date and time at which an hour begins.
 *
 * An hour that the clock shows twice, when it is set back, says which of the two it is by its offset. A day shown
 * in a zone where it is no whole day says from when to when it lasts. The label does not depend on the zone or the
 * language of the machine.
 *
 * @param point - a point of `exposuresView`
 * @param options.locale - a locale of date-fns; default English as in the United States
 * @param options.timeZone - the IANA zone to show; default the point's own
 * @returns one line of text
 * @throws {@link ExposureError} `invalid-spec` for a time zone that is none; `invalid-view` for a locale that is none;
 *   `invalid-instant` for a point whose start or end is none
 *
 * @example
 * ```ts
 * import { formatBucket } from 'first-exposure/view'
 *
 * const day = {
 *   start: '2026-05-31T22:00:00.000Z',
 *   end: '2026-06-01T22:00:00.000Z',
 *   granularity: 'day',
 *   timeZone: 'Europe/Madrid',
 * } as const
 * formatBucket(day) // => 'Jun 1, 2026'
 * formatBucket(day, { timeZone: 'UTC' }) // => 'May 31, 2026, 10:00 PM – Jun 1, 2026, 10:00 PM'
 * ```
 */
export function formatBucket(
  point: Pick<ExposuresViewPoint, 'start' | 'end' | 'granularity' | 'timeZone'>,
  options: FormatBucketOptions = {},
): string {
  const { locale, timeZone = point.timeZone } = options
  assertTimeZone(timeZone)
  if (locale !== undefined && !isLocale(locale)) {
    throw invalidView('locale', locale, 'Pass a locale of date-fns, such as de of date-fns/locale/de.')
  }
  const startMs = epochMs(point.start, 'point.start')
  const endMs = epochMs(point.end, 'point.end')
  const offset = zoneOffset(timeZone)
  const wallClock = (instantMs: number, pattern: string): string =>
    // The zone's clock as if it were UTC's: date-fns reads a UTCDate alike on every machine, where the dates that
    // date-fns-tz makes for it have no 02:30 on the day that the machine's own clock skips it.
    format(
      new UTCDate(instantMs + offset(instantMs)),
      pattern,
      locale === undefined ? {} : { locale: locale as Locale },
    )
  const time = (instantMs: number): string =>
    wallClock(instantMs, 'PPp') +
    (isShownTwice(instantMs, offset) ? ` (${formatInTimeZone(instantMs, timeZone, 'O')})` : '')

  if (point.granularity === 'hour') return time(startMs)
  if (timeZone !== point.timeZone) {
    const days = bucketAxis(timeZone, 'day')
    if (days.floor(startMs) !== startMs || days.next(startMs) !== endMs)
      return `${time(startMs)} – ${time(endMs)}`
  }
  // Its middle bears the date of the day even where the warehouse's time zone database begins it some hours off.
  return wallClock((startMs + endMs) / 2, 'PP')
}

function isLocale(value: unknown): value is BucketLocale {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<BucketLocale>).formatLong === 'object' &&
    typeof (value as Partial<BucketLocale>).localize === 'object'
  )
}

/** Does the zone's clock show the same time once more, because it is set back around this instant? */
function isShownTwice(instantMs: number, offset: (instantMs: number) => number): boolean {
  const here = offset(instantMs)
  // No clock is set back by more than three hours, but for those that give up a day.
  return [-3, 3].some((hours) => {
    const there = offset(instantMs + hours * 3_600_000)
    return there !== here && offset(instantMs + here - there) === there
  })
}
