import {
  diffExposuresSummaries,
  mergeExposuresSummaries,
  summarizeBreakdown,
  summarizeCrossovers,
  summarizeExposures,
  summarizeIdentityTimeline,
  summarizeLedger,
  type ExposuresSummary,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const june = Date.UTC(2026, 5, 1)
const bucket = { quarantined: false, variant: 'control', bucketMs: june, newIdentities: 1 } as const
const day = summarizeExposures([bucket], { granularity: 'day' })
const quarantined = { quarantined: true, variant: null, bucketMs: june, newIdentities: 1 } as const

describe('what summarizeExposures says of what it refuses', () => {
  const refused = (field: string, received: string, advice: string): unknown => ({
    code: 'malformed-buckets',
    message: `${field} is not usable: received ${received}. ${advice}`,
    details: { field, received },
  })

  test.each([
    ['granularity', '"week"', 'Pass selectGranularity(window).', [], { granularity: 'week' }],
    ['granularity', 'undefined', 'Pass selectGranularity(window).', [], { granularity: undefined }],
    [
      'newIdentities',
      '-1',
      'Pass a whole number from 0 to 2^53 - 1.',
      [{ ...bucket, newIdentities: -1 }],
      {},
    ],
    [
      'newIdentities',
      '1.5',
      'Pass a whole number from 0 to 2^53 - 1.',
      [{ ...bucket, newIdentities: 1.5 }],
      {},
    ],
    ['bucketMs', '"June"', 'Pass epoch milliseconds.', [{ ...bucket, bucketMs: 'June' }], {}],
    [
      'bucketMs',
      '8640000000086400000',
      'Pass epoch milliseconds.',
      [{ ...bucket, bucketMs: 864e16 + 864e5 }],
      {},
    ],
    [
      'bucketMs',
      `${june + 3_600_000}`,
      'It is not the start of a UTC day: was another granularity or zone asked for?',
      [{ ...bucket, bucketMs: june + 3_600_000 }],
      {},
    ],
    [
      'bucketMs',
      `${june + 1}`,
      'It is not the start of a UTC hour: was another granularity or zone asked for?',
      [{ ...bucket, bucketMs: june + 1 }],
      { granularity: 'hour' },
    ],
    [
      'newIdentities',
      '9007199254740992',
      'The sum is past 2^53 - 1.',
      [{ ...bucket, newIdentities: Number.MAX_SAFE_INTEGER }, bucket],
      {},
    ],
    [
      'newIdentities',
      '9007199254740992',
      'The sum is past 2^53 - 1.',
      [quarantined, { ...quarantined, newIdentities: Number.MAX_SAFE_INTEGER }],
      {},
    ],
  ])('%s: received %s. %s', (field, received, advice, buckets, options) => {
    expect(
      refusalOf(() => summarizeExposures(buckets as never, { granularity: 'day', ...options } as never)),
    ).toEqual(refused(field, received, advice))
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

describe('an option that there is none of', () => {
  const granularity = 'day' as const
  test.each<[options: string, ask: (none: object) => unknown]>([
    ['granularity, timeZone', (none) => summarizeExposures([], { granularity, ...none })],
    ['granularity, timeZone', (none) => summarizeBreakdown([], { granularity, ...none })],
    ['granularity, timeZone', (none) => summarizeCrossovers([], { granularity, ...none })],
    ['variants', (none) => summarizeLedger([], none)],
    ['multiVariant', (none) => summarizeIdentityTimeline([], none)],
    ['multiVariant', (none) => diffExposuresSummaries(day, day, none)],
  ])('is refused, and told which there are: %s', (names, ask) => {
    expect(refusalOf(() => ask({ timezone: 'UTC' }))).toEqual({
      code: 'invalid-spec',
      message: `options.timezone is not usable: received "UTC". The options are ${names}.`,
      details: { field: 'options.timezone', received: '"UTC"' },
    })
  })
})

describe('what mergeExposuresSummaries says of what it refuses', () => {
  test.each<[field: string, received: string, summary: unknown]>([
    ['', 'null', null],
    ['.timeseries', 'undefined', {}],
    ['.excludedIdentities', '-1', { ...day, excludedIdentities: -1 }],
    ['.timeseries.points', '"x"', { ...day, timeseries: { ...day.timeseries, points: 'x' } }],
  ])('summaries[1]%s: received %s', (field, found, summary) => {
    expect(refusalOf(() => mergeExposuresSummaries(day, summary as ExposuresSummary))).toMatchObject({
      code: 'malformed-summary',
      details: { field: `summaries[1]${field}`, received: found },
    })
  })

  test('nothing at all', () => {
    expect(refusalOf(() => mergeExposuresSummaries())).toEqual({
      code: 'incompatible-summaries',
      message: 'There is nothing to merge: pass one summary or more.',
      details: {},
    })
  })

  test.each([
    ['hour in UTC', { granularity: 'hour' }],
    ['day in Europe/Madrid', { granularity: 'day', timeZone: 'Europe/Madrid' }],
  ] as const)('days in UTC and %s', (other, options) => {
    const both = [summarizeExposures([], { granularity: 'day' }), summarizeExposures([], options)]
    expect(refusalOf(() => mergeExposuresSummaries(...both))).toEqual({
      code: 'incompatible-summaries',
      message:
        `Buckets by day in UTC and by ${other} do not add up. ` +
        'Merge summaries of one window, asked in one time zone.',
      details: { asked: ['day in UTC', other] },
    })
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
  const whole = 'A count is a whole number from 0 to 2^53 - 1.'
  const past = 'The sum of all counts is past 2^53 - 1.'
  const made = 'Pass what summarizeExposures returned, or its JSON parsed.'
  const instant = 'A bucket is an instant such as 2026-06-01T00:00:00.000Z.'
  const most = Number.MAX_SAFE_INTEGER

  test.each<[field: string, received: string, advice: string, summary: unknown]>([
    ['', 'undefined', made, undefined],
    ['', 'null', made, null],
    ['', '"text"', made, 'text'],
    ['.timeseries', 'null', made, { excludedIdentities: 0, timeseries: null }],
    ['.timeseries.granularity', '"week"', "It is 'hour' or 'day'.", series({ granularity: 'week' })],
    ['.timeseries.points', 'an object', 'It is a list.', series({ points: {} })],
    ['.timeseries.points[1]', 'null', made, series({ points: [point, null] })],
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
      'Points are in the order of time.',
      series({ points: [point, again] }),
    ],
    [
      '.timeseries.points[0].bucket',
      '"2026-06-01T01:00:00.000Z"',
      'It is not the start of a UTC day.',
      series({ points: [{ ...point, bucket: '2026-06-01T01:00:00.000Z' }] }),
    ],
    [
      '.timeseries.points[0].bucket',
      '"2026-06-01T01:00:01.000Z"',
      'It is not the start of a UTC hour.',
      series({ granularity: 'hour', points: [{ ...point, bucket: '2026-06-01T01:00:01.000Z' }] }),
    ],
    [
      '.timeseries.points[0].newIdentities',
      'null',
      made,
      series({ points: [{ ...point, newIdentities: null }] }),
    ],
    [
      '.timeseries.points[0].newIdentities',
      '"1"',
      whole,
      series({ points: [{ ...point, newIdentities: { control: '1' } }] }),
    ],
    [
      '.timeseries.points[0].newIdentities',
      '1',
      past,
      series({ points: [{ ...point, newIdentities: { a: most, b: 1 } }] }),
    ],
    ['.excludedIdentities', '-1', whole, { ...days, excludedIdentities: -1 }],
    ['.excludedIdentities', '0.5', whole, { ...days, excludedIdentities: 0.5 }],
    [
      '.timeseries.points[0].newIdentities',
      '1',
      past,
      { ...(series({ points: [point] }) as object), excludedIdentities: most },
    ],
  ])('of %s: received %s. %s', (field, received, advice, summary) => {
    for (const [name, both] of [
      ['before', [summary, days]],
      ['after', [days, summary]],
    ] as const) {
      expect(
        refusalOf(() => diffExposuresSummaries(...(both as [ExposuresSummary, ExposuresSummary]))),
      ).toEqual({
        code: 'malformed-summary',
        message: `${name}${field} is not usable: received ${received}. ${advice}`,
        details: { field: name + field, received },
      })
    }
  })

  test('of summaries that do not compare', () => {
    const madrid = summarizeExposures([], { granularity: 'day', timeZone: 'Europe/Madrid' })
    expect(refusalOf(() => diffExposuresSummaries(days, madrid))).toEqual({
      code: 'incompatible-summaries',
      message:
        'Buckets of UTC and of Europe/Madrid do not compare. ' +
        'Compare two refreshes of one experiment, asked in one time zone.',
      details: { asked: ['UTC', 'Europe/Madrid'] },
    })
    const excluding = summarizeExposures([quarantined], { granularity: 'day' })
    for (const [both, excludedIdentities] of [
      [
        [days, excluding],
        [0, 1],
      ],
      [
        [excluding, days],
        [1, 0],
      ],
    ] as const) {
      expect(
        refusalOf(() => diffExposuresSummaries(both[0], both[1], { multiVariant: 'first-seen' })),
      ).toEqual({
        code: 'incompatible-summaries',
        message:
          'Under first-seen nobody is excluded, but one of the summaries excludes somebody. ' +
          'Pass the policy that they were asked with.',
        details: { excludedIdentities },
      })
    }
    expect(refusalOf(() => diffExposuresSummaries(days, days, { multiVariant: 'all' as never }))).toEqual({
      code: 'invalid-spec',
      message: "multiVariant is not usable: received \"all\". Pass 'quarantine' or 'first-seen'.",
      details: { field: 'multiVariant', received: '"all"' },
    })
  })
})
