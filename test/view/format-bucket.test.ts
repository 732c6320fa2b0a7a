import { describe, expect, test } from 'vitest'
import { de } from 'date-fns/locale/de'
import { ja } from 'date-fns/locale/ja'
import { exposureWindow, summarizeExposures, type Granularity } from 'first-exposure'
import { exposuresView, formatBucket, type ExposuresViewPoint } from 'first-exposure/view'

function pointsOf(
  timeZone: string,
  granularity: Granularity,
  from: string,
  to: string,
): readonly ExposuresViewPoint[] {
  return exposuresView(summarizeExposures([], { granularity, timeZone }), {
    window: exposureWindow(from, to),
    fillGaps: true,
  }).points
}

const labels = (points: readonly ExposuresViewPoint[], timeZone?: string): readonly string[] =>
  points.map((point) => formatBucket(point, timeZone === undefined ? {} : { timeZone }))

describe('formatBucket', () => {
  test('a day is its local date, an hour its date and time', () => {
    const [day] = pointsOf('Europe/Madrid', 'day', '2026-06-01T12:00:00Z', '2026-06-01T13:00:00Z')
    const [hour] = pointsOf('Europe/Madrid', 'hour', '2026-06-01T12:00:00Z', '2026-06-01T13:00:00Z')
    expect(day && formatBucket(day)).toBe('Jun 1, 2026')
    expect(hour && formatBucket(hour)).toBe('Jun 1, 2026, 2:00 PM')
    expect(day && formatBucket(day, { locale: de })).toBe('1. Juni 2026')
    expect(hour && formatBucket(hour, { locale: de })).toBe('1. Juni 2026 14:00')
    expect(hour && formatBucket(hour, { locale: ja, timeZone: 'Asia/Tokyo' })).toBe('2026/06/01 21:00')
  })

  test('days without a midnight, and a date that never was', () => {
    expect(labels(pointsOf('Africa/Cairo', 'day', '2026-04-23T00:00:00Z', '2026-04-25T00:00:00Z'))).toEqual([
      'Apr 23, 2026',
      'Apr 24, 2026',
      'Apr 25, 2026',
    ])
    expect(labels(pointsOf('Pacific/Apia', 'day', '2011-12-29T10:00:00Z', '2011-12-31T10:00:00Z'))).toEqual([
      'Dec 29, 2011',
      'Dec 31, 2011',
    ])
  })

  test('an hour that the clock shows twice says which of the two it is', () => {
    expect(
      labels(pointsOf('America/New_York', 'hour', '2026-11-01T04:00:00Z', '2026-11-01T08:00:00Z')),
    ).toEqual([
      'Nov 1, 2026, 12:00 AM',
      'Nov 1, 2026, 1:00 AM (GMT-4)',
      'Nov 1, 2026, 1:00 AM (GMT-5)',
      'Nov 1, 2026, 2:00 AM',
    ])
    expect(
      labels(pointsOf('America/New_York', 'hour', '2026-03-08T06:00:00Z', '2026-03-08T08:00:00Z')),
    ).toEqual(['Mar 8, 2026, 1:00 AM', 'Mar 8, 2026, 3:00 AM'])
  })

  test.each([
    ['Antarctica/Casey', '2010-03-04T12:30:00Z', 'Mar 4, 2010, 11:30 PM (GMT+11)'],
    ['Antarctica/Casey', '2010-03-04T15:30:00Z', 'Mar 4, 2010, 11:30 PM (GMT+8)'],
    // Its clock was 44 minutes and 30 seconds behind UTC.
    ['Africa/Monrovia', '1971-12-31T00:44:30Z', 'Dec 31, 1971, 12:00 AM'],
    ['Africa/Monrovia', '1971-12-31T00:44:00Z', 'Dec 30, 1971, 11:59 PM'],
  ])('an hour of %s at %s', (timeZone, start, label) => {
    const end = new Date(Date.parse(start) + 3_600_000).toISOString()
    expect(formatBucket({ granularity: 'hour', timeZone, start, end })).toBe(label)
  })

  test('a day shown in another zone says from when to when, unless it is a day there too', () => {
    const days = pointsOf('UTC', 'day', '2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z')
    expect(labels(days, 'America/New_York')).toEqual(['May 31, 2026, 8:00 PM – Jun 1, 2026, 8:00 PM'])
    // On the days when London's clocks change, a day in UTC begins where a day there does, or ends where one ends.
    const spring = pointsOf('UTC', 'day', '2026-03-29T00:00:00Z', '2026-03-30T00:00:00Z')
    expect(labels(spring, 'Europe/London')).toEqual(['Mar 29, 2026, 12:00 AM – Mar 30, 2026, 1:00 AM'])
    const autumn = pointsOf('UTC', 'day', '2026-10-25T00:00:00Z', '2026-10-26T00:00:00Z')
    expect(labels(autumn, 'Europe/London')).toEqual([
      'Oct 25, 2026, 1:00 AM (GMT+1) – Oct 26, 2026, 12:00 AM',
    ])
    expect(labels(days, 'Africa/Abidjan')).toEqual(['Jun 1, 2026'])
  })

  test('a day that the warehouse begins some hours off bears its own date', () => {
    const point = { granularity: 'day', timeZone: 'Europe/Madrid' } as const
    const [early, late] = ['T21:00:00.000Z', 'T23:00:00.000Z']
    expect(formatBucket({ ...point, start: `2026-05-31${early}`, end: `2026-06-01${early}` })).toBe(
      'Jun 1, 2026',
    )
    expect(formatBucket({ ...point, start: `2026-05-31${late}`, end: `2026-06-01${late}` })).toBe(
      'Jun 1, 2026',
    )
  })

  test('misuse', () => {
    const [point] = pointsOf('UTC', 'day', '2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z')
    if (point === undefined) throw new Error('no point')
    expect(() => formatBucket(point, { timeZone: 'Mars/Olympus' })).toThrow(
      expect.objectContaining({ code: 'invalid-view' }),
    )
    for (const locale of [
      'de-DE',
      null,
      {},
      { code: 'x', formatLong: {}, localize: {} },
      { code: 'x', formatLong: null, localize: null },
    ]) {
      expect(() => formatBucket(point, { locale: locale as never })).toThrow(
        expect.objectContaining({ code: 'invalid-view' }),
      )
    }
    for (const end of [point.start, '2026-05-01T00:00:00.000Z']) {
      expect(() => formatBucket({ ...point, end })).toThrow(
        expect.objectContaining({
          code: 'invalid-view',
          message: expect.stringContaining('Pass an instant after point.start'),
        }),
      )
    }
    expect(() => formatBucket({ ...point, start: 'today' })).toThrow(
      expect.objectContaining({ code: 'invalid-instant' }),
    )
  })
})
