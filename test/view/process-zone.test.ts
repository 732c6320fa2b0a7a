import { afterEach, describe, expect, test } from 'vitest'
import { exposureWindow, summarizeExposures } from 'first-exposure'
import { exposuresView, formatBucket } from 'first-exposure/view'

const zoneBefore = process.env['TZ']
afterEach(() => {
  if (zoneBefore === undefined) delete process.env['TZ']
  else process.env['TZ'] = zoneBefore
})

const cases = [
  ['UTC', '2026-03-07T00:00:00Z'],
  ['Europe/Madrid', '2026-03-28T00:00:00Z'],
  ['America/New_York', '2026-03-07T12:00:00Z'],
  ['America/New_York', '2026-10-31T12:00:00Z'],
  ['Africa/Cairo', '2026-04-23T00:00:00Z'],
  ['America/Sao_Paulo', '2018-11-03T00:00:00Z'],
  ['America/Havana', '2026-03-07T12:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T00:00:00Z'],
  ['Pacific/Apia', '2011-12-29T00:00:00Z'],
] as const

/** Buckets and labels around changes of the clock, in the zone of the buckets and in another. */
function everything(): readonly unknown[] {
  return cases.flatMap(([timeZone, start]) =>
    (['hour', 'day'] as const).flatMap((granularity) => {
      const view = exposuresView(summarizeExposures([], { granularity, timeZone }), {
        window: exposureWindow(start, Date.parse(start) + 60 * 3_600_000),
        fillGaps: true,
      })
      return view.points.map((point) => [
        point,
        formatBucket(point),
        formatBucket(point, { timeZone: 'UTC' }),
      ])
    }),
  )
}

describe('buckets and labels are the same whatever zone the process runs in', () => {
  process.env['TZ'] = 'UTC'
  const expected = everything()

  test.each([
    ['America/New_York', 240],
    ['Australia/Lord_Howe', -630],
    ['America/Sao_Paulo', 180],
    ['Africa/Cairo', -180],
    ['Pacific/Apia', -780],
    ['Europe/Madrid', -120],
  ])('in %s', (timeZone, offsetInJune) => {
    process.env['TZ'] = timeZone
    // The switch took effect, or this test would show nothing.
    expect(new Date('2026-06-15T12:00:00Z').getTimezoneOffset()).toBe(offsetInJune)
    expect(everything()).toEqual(expected)
  })
})
