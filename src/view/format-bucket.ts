import { UTCDate } from '@date-fns/utc/date'
import { format } from 'date-fns/format'
import type { Locale } from 'date-fns/locale'
import { formatInTimeZone } from 'date-fns-tz/formatInTimeZone'
import { anObject, withFields } from '../checks.js'
import { invalidView } from '../errors.js'
import { bucketAxis, isShownTwice, zoneOffset } from '../time/local-days.js'
import { aGranularity, type Granularity } from '../time/granularity.js'
import { epochMs } from '../time/instant.js'
import { aTimeZone } from '../time/time-zone.js'
import type { ExposuresViewPoint } from './exposures-view.js'

/** What a label needs of a locale. Every locale of the package date-fns (`date-fns/locale/de`) fits. */
export interface BucketLocale {
  readonly code: string
  readonly formatLong: object
  readonly localize: object
}

/** How a bucket's label is written; every option has a default. */
export interface FormatBucketOptions {
  /** A locale of date-fns, such as `de` of `date-fns/locale/de`. Default: English as in the United States. */
  readonly locale?: BucketLocale
  /** The IANA zone to show. Default: the zone whose hour or day the bucket is. */
  readonly timeZone?: string
}

/**
 * What is a bucket's label for people? The date of a day, the date and time at which an hour begins.
 *
 * When a clock is set back, it shows an hour twice: the label then tells the two apart by their offset. A day of another
 * zone, which is not a whole day in the zone shown, is labelled with its start and end. The label does not depend on the
 * zone or the language of the machine.
 *
 * @param point - a point of `exposuresView`
 * @param options.locale - a locale of date-fns; default English as in the United States
 * @param options.timeZone - the IANA zone to show; default the point's own
 * @returns one line of text
 * @throws {@link ExposureError} `invalid-view`, naming what is wrong with the point or the options: an unknown option,
 *   granularity or time zone, a locale that is not of date-fns, an end that is not after the start; `invalid-instant` for
 *   a start or an end that is no instant
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
  anObject(point, 'point', (path, value) =>
    invalidView(path, value, 'Pass a point of exposuresView, with start, end, granularity and timeZone.'),
  )
  const granularity = aGranularity(point.granularity, 'point.granularity', invalidView)
  const { locale } = withFields(options, ['locale', 'timeZone'], 'options', invalidView, '')
  const ownZone = aTimeZone(point.timeZone, 'point.timeZone', invalidView)
  const timeZone = aTimeZone(options.timeZone ?? ownZone, 'timeZone', invalidView)
  if (locale !== undefined && !isLocale(locale)) {
    throw invalidView('locale', locale, 'Pass a locale of date-fns, such as de of date-fns/locale/de.')
  }
  const startMs = epochMs(point.start, 'point.start')
  const endMs = epochMs(point.end, 'point.end')
  if (endMs <= startMs) throw invalidView('point.end', point.end, 'Pass an instant after point.start.')
  const offset = zoneOffset(timeZone)
  const wallClock = (instantMs: number, pattern: string): string =>
    // The zone's clock as if it were UTC's: date-fns reads a UTCDate alike on every machine. The dates that date-fns-tz
    // makes for it have no 02:30 on the day on which the machine's own clock skips it.
    format(
      new UTCDate(instantMs + offset(instantMs)),
      pattern,
      locale === undefined ? {} : { locale: locale as Locale },
    )
  const time = (instantMs: number): string =>
    wallClock(instantMs, 'PPp') +
    (isShownTwice(instantMs, offset) ? ` (${formatInTimeZone(instantMs, timeZone, 'O')})` : '')

  const day = (): string => {
    if (timeZone !== ownZone) {
      const days = bucketAxis(timeZone, granularity)
      if (days.floor(startMs) !== startMs || days.next(startMs) !== endMs)
        return `${time(startMs)} – ${time(endMs)}`
    }
    // Its middle has the day's date even where the warehouse's time zone database starts the day some hours off.
    return wallClock((startMs + endMs) / 2, 'PP')
  }
  const labels: Readonly<Record<Granularity, () => string>> = {
    hour: () => time(startMs),
    day,
  }
  return labels[granularity]()
}

function isLocale(value: unknown): value is BucketLocale {
  if (typeof value !== 'object' || value === null) return false
  const { formatLong, localize } = value as Readonly<
    Record<string, Readonly<Record<string, unknown>> | null | undefined>
  >
  return typeof formatLong?.date === 'function' && typeof localize?.month === 'function'
}
