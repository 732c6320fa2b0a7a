import { exposureWindow, summarizeExposures } from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
import { describe, expect, test } from 'vitest'

/** The starts of the buckets that a window touches, and where the last one ends. */
function edges(
  granularity: 'hour' | 'day',
  timeZone: string,
  start: string,
  asOf: string,
): readonly string[] {
  const { points } = exposuresView(summarizeExposures([], { granularity, timeZone }), {
    window: exposureWindow(`${start}Z`, `${asOf}Z`),
    fillGaps: true,
  })
  const starts = points.map((point) => point.start)
  expect(points.slice(0, -1).map(({ end }) => end)).toEqual(starts.slice(1))
  return [...starts, points.at(-1)?.end ?? ''].map((instant) => instant.replace(':00.000Z', ''))
}

describe('where buckets begin when clocks change', () => {
  test.each([
    [
      'UTC',
      '2026-06-01T23:59:59',
      '2026-06-02T00:01',
      ['2026-06-01T00:00', '2026-06-02T00:00', '2026-06-03T00:00'],
    ],
    ['UTC', '1970-01-02T00:00', '1970-01-02T00:01', ['1970-01-02T00:00', '1970-01-03T00:00']],
    // 23 hours, then 25.
    ['Europe/Madrid', '2026-03-29T12:00', '2026-03-29T12:01', ['2026-03-28T23:00', '2026-03-29T22:00']],
    ['Europe/Madrid', '2026-10-25T12:00', '2026-10-25T12:01', ['2026-10-24T22:00', '2026-10-25T23:00']],
    // No midnight: the day begins at one o'clock.
    [
      'Africa/Cairo',
      '2026-04-23T12:00',
      '2026-04-24T12:00',
      ['2026-04-22T22:00', '2026-04-23T22:00', '2026-04-24T21:00'],
    ],
    [
      'America/Sao_Paulo',
      '2018-11-03T12:00',
      '2018-11-04T12:00',
      ['2018-11-03T03:00', '2018-11-04T03:00', '2018-11-05T02:00'],
    ],
    // Two midnights: the first one counts.
    [
      'America/Havana',
      '2026-10-31T12:00',
      '2026-11-01T12:00',
      ['2026-10-31T04:00', '2026-11-01T04:00', '2026-11-02T05:00'],
    ],
    // A day that there was not: 30 December 2011.
    [
      'Pacific/Apia',
      '2011-12-29T12:00',
      '2011-12-30T12:00',
      ['2011-12-29T10:00', '2011-12-30T10:00', '2011-12-31T10:00'],
    ],
    // The clock is set back by three hours two hours after midnight: the date begins twice, the second time counts.
    ['Antarctica/Casey', '2010-03-04T20:00', '2010-03-04T20:01', ['2010-03-04T16:00', '2010-03-05T16:00']],
    // The clock is set forward in the early morning, thirteen hours ahead of UTC.
    ['Pacific/Apia', '2012-09-29T22:00', '2012-09-29T22:01', ['2012-09-29T11:00', '2012-09-30T10:00']],
    // The furthest from UTC on either side, and by a quarter of an hour.
    ['Pacific/Kiritimati', '2026-06-01T12:00', '2026-06-01T12:01', ['2026-06-01T10:00', '2026-06-02T10:00']],
    ['Pacific/Pago_Pago', '2026-06-01T12:00', '2026-06-01T12:01', ['2026-06-01T11:00', '2026-06-02T11:00']],
    ['Asia/Kathmandu', '2026-06-01T12:00', '2026-06-01T12:01', ['2026-05-31T18:15', '2026-06-01T18:15']],
  ])('days of %s from %s to %s', (timeZone, start, asOf, expected) => {
    expect(edges('day', timeZone, start, asOf)).toEqual(expected)
  })

  test.each([
    [
      'UTC',
      '2026-06-01T01:59',
      '2026-06-01T02:01',
      ['2026-06-01T01:00', '2026-06-01T02:00', '2026-06-01T03:00'],
    ],
    [
      'Asia/Kathmandu',
      '2026-06-01T12:00',
      '2026-06-01T12:20',
      ['2026-06-01T11:15', '2026-06-01T12:15', '2026-06-01T13:15'],
    ],
    // Set back by half an hour, the day has half an hour left at its end.
    [
      'Australia/Lord_Howe',
      '2026-04-05T12:30',
      '2026-04-05T13:40',
      ['2026-04-05T12:00', '2026-04-05T13:00', '2026-04-05T13:30', '2026-04-05T14:30'],
    ],
  ])('hours of %s from %s to %s', (timeZone, start, asOf, expected) => {
    expect(edges('hour', timeZone, start, asOf)).toEqual(expected)
  })

  test('the buckets of a window are the same whichever comes first', () => {
    for (const [timeZone, day] of [
      ['Africa/Cairo', '2026-04-24'],
      ['America/Havana', '2026-11-01'],
      ['Europe/Madrid', '2026-03-29'],
    ] as const) {
      const long = edges('day', timeZone, '2026-01-01T12:00', '2026-12-31T12:00')
      for (const edge of edges('day', timeZone, `${day}T12:00`, `${day}T12:01`)) expect(long).toContain(edge)
    }
  })
})
