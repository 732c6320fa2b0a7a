import { decodeBucketRows, summarizeExposures, type ExposureBucket } from 'first-exposure'
import { describe, expect, test } from 'vitest'

const day = 86_400_000
const counted = (variant: string, bucketMs: number, newIdentities: number): ExposureBucket => ({
  quarantined: false,
  variant,
  bucketMs,
  newIdentities,
})
const quarantined = (bucketMs: number, newIdentities: number): ExposureBucket => ({
  quarantined: true,
  variant: null,
  bucketMs,
  newIdentities,
})

describe('summarizeExposures', () => {
  test('takes the rows of the answer as they are, like every other question', () => {
    const rows = [
      { quarantined: 0, variant: 'a', bucket: '2026-06-01 00:00:00', new_identities: '7' },
      { quarantined: 1, variant: null, bucket: '2026-06-01 00:00:00', new_identities: 2 },
    ]
    expect(summarizeExposures(rows, { granularity: 'day' })).toEqual(
      summarizeExposures(decodeBucketRows(rows), { granularity: 'day' }),
    )
    expect(() => summarizeExposures([{ ...rows[0], variant: 5 }], { granularity: 'day' })).toThrow(
      expect.objectContaining({ code: 'malformed-rows' }),
    )
  })

  test('orders points by time and variants by key, and leaves out what is empty', () => {
    const buckets = [
      counted('b', 2 * day, 1),
      counted('control', 2 * day, 2),
      counted('a', 2 * day, 3),
      quarantined(2 * day, 4),
      counted('b', day, 5),
      counted('b', 3 * day, 0),
      quarantined(day, 6),
    ]
    const summary = summarizeExposures(buckets, { granularity: 'day' })
    expect(summary).toEqual({
      excludedIdentities: 10,
      timeseries: {
        granularity: 'day',
        timeZone: 'UTC',
        points: [
          { bucket: '1970-01-02T00:00:00.000Z', newIdentities: { b: 5 } },
          { bucket: '1970-01-03T00:00:00.000Z', newIdentities: { a: 3, b: 1, control: 2 } },
        ],
      },
    })
    expect(Object.keys(summary.timeseries.points[1]?.newIdentities ?? {})).toEqual(['a', 'b', 'control'])
  })

  test('no buckets, no points', () => {
    expect(summarizeExposures([], { granularity: 'hour', timeZone: 'Asia/Tokyo' })).toEqual({
      excludedIdentities: 0,
      timeseries: { granularity: 'hour', timeZone: 'Asia/Tokyo', points: [] },
    })
  })

  test('keys of the prototype are keys like any other', () => {
    const summary = summarizeExposures(
      ['__proto__', 'constructor', 'toString'].map((variant) => counted(variant, day, 1)),
      { granularity: 'day' },
    )
    const { newIdentities } = summary.timeseries.points[0] ?? { newIdentities: {} }
    expect(Object.entries(newIdentities)).toEqual([
      ['__proto__', 1],
      ['constructor', 1],
      ['toString', 1],
    ])
    expect(Object.getPrototypeOf(newIdentities)).toBe(Object.prototype)
    expect(JSON.parse(JSON.stringify(summary))).toStrictEqual(summary)
  })

  test.each<[string, ExposureBucket[], object]>([
    ['granularity', [], { granularity: 'week' }],
    ['buckets[0].newIdentities', [counted('a', day, -1)], {}],
    ['buckets[0].newIdentities', [counted('a', day, 0.5)], {}],
    ['The sum of newIdentities', [counted('a', day, 2 ** 53 - 1), counted('a', day, 1)], {}],
    ['The sum of newIdentities', [quarantined(day, 2 ** 53 - 1), quarantined(2 * day, 1)], {}],
    ['buckets[0].variant', [counted(null as never, day, 1)], {}],
    ['buckets[1].variant', [counted('1', day, 1), counted(1 as never, day, 1)], {}],
    ['buckets[0].bucketMs', [counted('a', NaN, 1)], {}],
    ['buckets[0].bucketMs', [counted('a', 8.64e15 + day, 1)], {}],
    ['buckets[0].bucketMs', [counted('a', day + 3_600_000, 1)], {}],
    ['buckets[0].bucketMs', [counted('a', day + 60_000, 1)], { granularity: 'hour' }],
  ])('refuses an unusable %s: %o', (field, buckets, options) => {
    expect(() => summarizeExposures(buckets, { granularity: 'day', ...options } as never)).toThrow(
      expect.objectContaining({
        code: 'malformed-buckets',
        details: expect.objectContaining({ path: field }),
      }),
    )
  })

  test('refuses an unknown zone', () => {
    expect(() => summarizeExposures([], { granularity: 'day', timeZone: 'Mars' })).toThrow(
      expect.objectContaining({ code: 'invalid-spec' }),
    )
  })

  test('in another zone a day starts at any hour', () => {
    const summary = summarizeExposures([counted('a', day + 19_800_000, 1)], {
      granularity: 'day',
      timeZone: 'Asia/Kolkata',
    })
    expect(summary.timeseries.points[0]?.bucket).toBe('1970-01-02T05:30:00.000Z')
  })
})
