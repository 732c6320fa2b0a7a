import {
  diffExposuresSummaries,
  mergeExposuresSummaries,
  summarizeExposuresBreakdown,
  summarizeCrossovers,
  summarizeExposures,
  summarizeIdentityTimeline,
  summarizeExposureLedger,
  type ExposuresSummary,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf, refused } from '../refusal-of.js'

const june = Date.UTC(2026, 5, 1)
const bucket = { quarantined: false, variant: 'control', bucketMs: june, newIdentities: 1 } as const
const day = summarizeExposures([bucket], { granularity: 'day' })
const quarantined = { quarantined: true, variant: null, bucketMs: june, newIdentities: 1 } as const

describe('what summarizeExposures says of what it refuses', () => {
  const count = 'Pass a whole number from 0 to 2^53 - 1.'
  const instant = 'Pass whole epoch milliseconds, at most 8.64e15 either side of 1970.'
  const either = "Pass 'hour' or 'day'."

  test.each([
    ['granularity', '"week"', either, [], { granularity: 'week' }],
    ['granularity', 'undefined', either, [], { granularity: undefined }],
    ['buckets[0].newIdentities', '-1', count, [{ ...bucket, newIdentities: -1 }], {}],
    ['buckets[1].newIdentities', '1.5', count, [bucket, { ...bucket, newIdentities: 1.5 }], {}],
    ['buckets[0].bucketMs', '"June"', instant, [{ ...bucket, bucketMs: 'June' }], {}],
    ['buckets[0].bucketMs', '8640000000086400000', instant, [{ ...bucket, bucketMs: 864e16 + 864e5 }], {}],
    [
      'buckets[0].bucketMs',
      `${june + 3_600_000}`,
      'It is not the start of a UTC day: was another granularity or zone asked for?',
      [{ ...bucket, bucketMs: june + 3_600_000 }],
      {},
    ],
    [
      'buckets[0].bucketMs',
      `${june + 1}`,
      'It is not the start of a UTC hour: was another granularity or zone asked for?',
      [{ ...bucket, bucketMs: june + 1 }],
      { granularity: 'hour' },
    ],
    [
      'The sum of newIdentities',
      '9007199254740992',
      count,
      [{ ...bucket, newIdentities: Number.MAX_SAFE_INTEGER }, bucket],
      {},
    ],
    [
      'The sum of newIdentities',
      '9007199254740992',
      count,
      [quarantined, { ...quarantined, newIdentities: Number.MAX_SAFE_INTEGER }],
      {},
    ],
  ])('%s: received %s. %s', (path, received, advice, buckets, options) => {
    expect(
      refusalOf(() => summarizeExposures(buckets as never, { granularity: 'day', ...options } as never)),
    ).toEqual(refused('malformed-buckets', path, received, advice))
  })

  test('of an answer that is no list, such as one that nobody has awaited', () => {
    const advice = 'Pass what resultSet.json() gives for the format JSONEachRow.'
    const ask = (rows: unknown) => () => summarizeExposures(rows as never, { granularity: 'day' })
    expect(refusalOf(ask(undefined))).toEqual(refused('malformed-rows', 'rows', 'undefined', advice))
    expect(refusalOf(ask(Promise.resolve([])))).toEqual(
      refused(
        'malformed-rows',
        'rows',
        'an object',
        advice,
        'The answer is not a list of rows: received an object.',
      ),
    )
  })

  test('what lies at the edge is taken', () => {
    const most = { ...bucket, newIdentities: Number.MAX_SAFE_INTEGER }
    const last = { ...bucket, bucketMs: 8.64e15 }
    const summary = summarizeExposures([most, { ...last, newIdentities: 0 }, last], { granularity: 'day' })
    expect(summary.timeseries.points.map((point) => point.bucket)).toEqual([
      '2026-06-01T00:00:00.000Z',
      '+275760-09-13T00:00:00.000Z',
    ])
  })
})

describe('an unknown option', () => {
  const granularity = 'day' as const
  test.each<[options: string, ask: (none: object) => unknown]>([
    ['granularity, timeZone', (none) => summarizeExposures([], { granularity, ...none })],
    ['granularity, timeZone', (none) => summarizeExposuresBreakdown([], { granularity, ...none })],
    ['granularity, timeZone', (none) => summarizeCrossovers([], { granularity, ...none })],
    ['variants', (none) => summarizeExposureLedger([], none)],
    ['multiVariant', (none) => summarizeIdentityTimeline([], none)],
    ['multiVariant', (none) => diffExposuresSummaries(day, day, none)],
  ])('is refused, with those that there are: %s', (names, ask) => {
    const meant = names.includes('timeZone') ? '; did you mean options.timeZone?' : '.'
    expect(refusalOf(() => ask({ timezone: 'UTC' }))).toEqual(
      refused(
        'invalid-spec',
        'options.timezone',
        'a string',
        `The fields are ${names}.`,
        `Unknown field options.timezone${meant}`,
      ),
    )
  })
})

describe('what mergeExposuresSummaries says of what it refuses', () => {
  test.each<[field: string, received: string, summary: unknown]>([
    ['', 'null', null],
    ['.excludedIdentities', 'undefined', {}],
    ['.timeseries', 'undefined', { excludedIdentities: 0 }],
    ['.excludedIdentities', '-1', { ...day, excludedIdentities: -1 }],
    ['.timeseries.points', '"x"', { ...day, timeseries: { ...day.timeseries, points: 'x' } }],
  ])('summaries[1]%s: received %s', (field, found, summary) => {
    expect(refusalOf(() => mergeExposuresSummaries(day, summary as ExposuresSummary))).toMatchObject({
      code: 'malformed-summary',
      details: { path: `summaries[1]${field}`, received: found },
    })
  })

  test('nothing at all', () => {
    expect(refusalOf(() => mergeExposuresSummaries())).toEqual(
      refused(
        'incompatible-summaries',
        'summaries',
        'an array of 0',
        'Pass one summary or more.',
        'There is nothing to merge.',
      ),
    )
  })

  test.each([
    ['hour in UTC', { granularity: 'hour' }],
    ['day in Europe/Madrid', { granularity: 'day', timeZone: 'Europe/Madrid' }],
  ] as const)('days in UTC and %s', (other, options) => {
    const both = [summarizeExposures([], { granularity: 'day' }), summarizeExposures([], options)]
    expect(refusalOf(() => mergeExposuresSummaries(...both))).toEqual(
      refused(
        'incompatible-summaries',
        'summaries[1].timeseries',
        `"${other}"`,
        'Merge summaries of one window, asked in one time zone.',
        `Buckets by day in UTC and by ${other} do not add up.`,
      ),
    )
  })
})

describe('what diffExposuresSummaries says of what it refuses', () => {
  const days = summarizeExposures([bucket, { ...bucket, bucketMs: june + 86_400_000 }], {
    granularity: 'day',
  })
  const point = { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control: 1 } }
  const series = (timeseries: object): unknown => ({
    excludedIdentities: 0,
    timeseries: { ...days.timeseries, ...timeseries },
  })
  const again = { ...point, bucket: '2026-06-01T00:00:00.000Z' }
  const whole = 'Pass a whole number from 0 to 2^53 - 1.'
  const counts = 'Pass whole numbers, 0 or more, that add up to 2^53 - 1 or less.'
  const object = 'Pass an object.'
  const instant = 'Pass an instant written as 2026-06-01T00:00:00.000Z.'
  const most = Number.MAX_SAFE_INTEGER

  test.each<[field: string, received: string, advice: string, summary: unknown]>([
    ['', 'undefined', object, undefined],
    ['', 'null', object, null],
    ['', '"text"', object, 'text'],
    ['.timeseries', 'null', object, { excludedIdentities: 0, timeseries: null }],
    ['.timeseries.granularity', '"week"', "Pass 'hour' or 'day'.", series({ granularity: 'week' })],
    ['.timeseries.points', 'an object', 'Pass an array.', series({ points: {} })],
    ['.timeseries.points[1]', 'null', object, series({ points: [point, null] })],
    ['.timeseries.points[0].bucket', `${june}`, instant, series({ points: [{ ...point, bucket: june }] })],
    ['.timeseries.points[0].bucket', '"June"', instant, series({ points: [{ ...point, bucket: 'June' }] })],
    [
      '.timeseries.points[0].bucket',
      '"2026-06-01"',
      instant,
      series({ points: [{ ...point, bucket: '2026-06-01' }] }),
    ],
    [
      '.timeseries.points[1].bucket',
      '"2026-06-01T00:00:00.000Z"',
      'Pass the points in the order of time.',
      series({ points: [point, again] }),
    ],
    [
      '.timeseries.points[0].bucket',
      '"2026-06-01T01:00:00.000Z"',
      'Pass the start of a UTC day.',
      series({ points: [{ ...point, bucket: '2026-06-01T01:00:00.000Z' }] }),
    ],
    [
      '.timeseries.points[0].bucket',
      '"2026-06-01T01:00:01.000Z"',
      'Pass the start of a UTC hour.',
      series({ granularity: 'hour', points: [{ ...point, bucket: '2026-06-01T01:00:01.000Z' }] }),
    ],
    [
      '.timeseries.points[0].newIdentities',
      'null',
      object,
      series({ points: [{ ...point, newIdentities: null }] }),
    ],
    [
      '.timeseries.points[0].newIdentities["control"]',
      '"1"',
      counts,
      series({ points: [{ ...point, newIdentities: { control: '1' } }] }),
    ],
    [
      '.timeseries.points[0].newIdentities["b"]',
      '1',
      counts,
      series({ points: [{ ...point, newIdentities: { a: most, b: 1 } }] }),
    ],
    [
      '.timeseries.points[0].newIdentities["b"]',
      '-1',
      counts,
      series({ points: [{ ...point, newIdentities: { a: 2, b: -1 } }] }),
    ],
    [
      '.timeseries.timeZone',
      '"Mars/Olympus"',
      "Pass an IANA name such as 'UTC' or 'Europe/Madrid'.",
      series({ timeZone: 'Mars/Olympus' }),
    ],
    ['.excludedIdentities', '-1', whole, { ...days, excludedIdentities: -1 }],
    ['.excludedIdentities', '0.5', whole, { ...days, excludedIdentities: 0.5 }],
    [
      '.timeseries.points[0].newIdentities["control"]',
      '1',
      counts,
      { ...(series({ points: [point] }) as object), excludedIdentities: most },
    ],
  ])('of %s: received %s. %s', (field, received, advice, summary) => {
    for (const [name, both] of [
      ['before', [summary, days]],
      ['after', [days, summary]],
    ] as const) {
      expect(
        refusalOf(() => diffExposuresSummaries(...(both as [ExposuresSummary, ExposuresSummary]))),
      ).toEqual(refused('malformed-summary', name + field, received, advice))
    }
  })

  test('of summaries that do not compare', () => {
    const madrid = summarizeExposures([], { granularity: 'day', timeZone: 'Europe/Madrid' })
    expect(refusalOf(() => diffExposuresSummaries(days, madrid))).toEqual(
      refused(
        'incompatible-summaries',
        'after.timeseries.timeZone',
        '"Europe/Madrid"',
        'Compare two refreshes of one experiment, asked in one time zone.',
        'Buckets of UTC and of Europe/Madrid do not compare.',
      ),
    )
    const excluding = summarizeExposures([quarantined], { granularity: 'day' })
    for (const [side, ...both] of [
      ['after', days, excluding],
      ['before', excluding, days],
    ] as const) {
      expect(
        refusalOf(() => diffExposuresSummaries(both[0], both[1], { multiVariant: 'first-seen' })),
      ).toEqual(
        refused(
          'incompatible-summaries',
          `${side}.excludedIdentities`,
          '1',
          'Pass the policy that both were asked with.',
          `Under first-seen nobody is excluded, but ${side} excludes 1.`,
        ),
      )
    }
    expect(refusalOf(() => diffExposuresSummaries(days, days, { multiVariant: 'all' as never }))).toEqual(
      refused('invalid-spec', 'multiVariant', '"all"', "Pass 'quarantine' or 'first-seen'."),
    )
  })
})
