import { summarizeExposures, type ExposuresSummary } from 'first-exposure'
import { exposuresView, formatBucket } from 'first-exposure/view'
import { describe, expect, test } from 'vitest'
import { refusalOf, refused } from '../refusal-of.js'

const june = Date.UTC(2026, 5, 1)
const dayMs = 86_400_000
const count = (variant: string, bucketMs: number) =>
  ({ quarantined: false, variant, bucketMs, newIdentities: 1 }) as const
const summary = summarizeExposures([count('control', june), count('control', june + dayMs)], {
  granularity: 'day',
})

describe('what exposuresView says of what it refuses', () => {
  const options = 'window, variants, control, fillGaps'

  test.each<[path: string, received: string, advice: string, options: unknown, problem?: string]>([
    ['options', 'null', `Pass an object with the fields ${options}.`, null],
    ['options', '"all"', `Pass an object with the fields ${options}.`, 'all'],
    ['zone', 'a string', `The fields are ${options}.`, { zone: 'UTC' }, 'Unknown field zone.'],
    [
      'fillgaps',
      'a boolean',
      `The fields are ${options}.`,
      { fillgaps: true },
      'Unknown field fillgaps; did you mean fillGaps?',
    ],
    ['window', 'null', 'Pass an object.', { window: null }],
    ['window', '7', 'Pass an object.', { window: 7 }],
    ['control', '1', 'Pass a string.', { control: 1 }],
    ['fillGaps', '"yes"', 'Pass true or false.', { fillGaps: 'yes' }],
    ['variants', '"control"', 'Pass an array.', { variants: 'control' }],
    ['variants[1]', '1', 'Pass a string.', { variants: ['a', 1] }],
    ['variants[2]', '"a"', 'It is listed twice; list every variant once.', { variants: ['a', 'b', 'a'] }],
    [
      'window',
      'an object',
      'Pass the window that the summary was asked for.',
      { window: { startMs: june + dayMs, asOfMs: june + 3 * dayMs } },
      'The summary has a bucket at 2026-06-01T00:00:00.000Z, outside of the window 2026-06-02T00:00:00.000Z to ' +
        '2026-06-04T00:00:00.000Z.',
    ],
    [
      'window',
      'an object',
      'Pass the window that the summary was asked for.',
      { window: { startMs: june - dayMs, asOfMs: june + dayMs } },
      'The summary has a bucket at 2026-06-02T00:00:00.000Z, outside of the window 2026-05-31T00:00:00.000Z to ' +
        '2026-06-02T00:00:00.000Z.',
    ],
  ])('%s: received %s. %s', (path, received, advice, given, problem) => {
    expect(refusalOf(() => exposuresView(summary, given as never))).toEqual(
      refused('invalid-view', path, received, advice, problem),
    )
  })

  test('a window that holds a millisecond of the first and of the last bucket is its', () => {
    const window = { startMs: june + dayMs - 1, asOfMs: june + dayMs + 1 }
    expect(exposuresView(summary, { window }).points.map(({ partial }) => partial)).toEqual([true, true])
  })

  test('more cells than a panel can hold, with and without the gaps', () => {
    const far = summarizeExposures([count('a', 0), count('b', 40_000_000 * dayMs)], { granularity: 'day' })
    expect(refusalOf(() => exposuresView(far, { fillGaps: true }))).toEqual({
      code: 'invalid-view',
      message:
        'About 40000001 buckets of 2 variants are more than 10000000 cells. ' +
        'Pass a shorter window, or look for junk among the variant keys.',
      details: { path: 'fillGaps', received: 'true' },
    })
    // As many variants as buckets: 3162² are not too many, 3163² are the first that are.
    const square = exposuresView(summarizeExposures([], { granularity: 'day' }), {
      window: { startMs: june, asOfMs: june + 3162 * dayMs },
      variants: Array.from({ length: 3162 }, (_, index) => `v${index}`),
      fillGaps: true,
    })
    expect([square.points.length, square.variants.length]).toEqual([3162, 3162])
    const wide = (side: number): ExposuresSummary =>
      summarizeExposures(
        Array.from({ length: side }, (_, index) => count(`v${index}`, june + index * dayMs)),
        { granularity: 'day' },
      )
    expect(refusalOf(() => exposuresView(wide(3163)))).toEqual({
      code: 'invalid-view',
      message:
        'About 3163 buckets of 3163 variants are more than 10000000 cells. ' +
        'Pass a shorter window, or look for junk among the variant keys.',
      details: { path: 'summary', received: 'an object' },
    })
  })

  test('two points of one bucket', () => {
    const hours = {
      excludedIdentities: 0,
      timeseries: {
        granularity: 'day',
        timeZone: 'Europe/Madrid',
        points: [
          { bucket: '2026-05-31T22:00:00.000Z', newIdentities: { control: 1 } },
          { bucket: '2026-05-31T23:00:00.000Z', newIdentities: { control: 1 } },
        ],
      },
    } as const
    expect(refusalOf(() => exposuresView(hours))).toEqual({
      code: 'malformed-summary',
      message:
        'summary.timeseries.points[1].bucket is not usable: received "2026-05-31T23:00:00.000Z". ' +
        'It lies in the same bucket as the point before it. Was another granularity or time zone asked for?',
      details: { path: 'summary.timeseries.points[1].bucket', received: '"2026-05-31T23:00:00.000Z"' },
    })
  })
})

describe('what formatBucket says of what it refuses', () => {
  const [point] = exposuresView(summary).points
  if (point === undefined) throw new Error('no point')

  test.each<[received: string, locale: unknown]>([
    ['null', null],
    ['"de"', 'de'],
    ['an object', {}],
    ['an object', { formatLong: {} }],
    ['an object', { localize: {} }],
  ])('a locale that is not of date-fns: received %s', (received, locale) => {
    expect(refusalOf(() => formatBucket(point, { locale: locale as never }))).toEqual({
      code: 'invalid-view',
      message: `locale is not usable: received ${received}. Pass a locale of date-fns, such as de of date-fns/locale/de.`,
      details: { path: 'locale', received },
    })
  })

  const zone = "Pass an IANA name such as 'UTC' or 'Europe/Madrid'."
  test.each<
    [path: string, received: string, advice: string, of: unknown, options: unknown, problem?: string]
  >([
    [
      'point',
      '"2026-06-01"',
      'Pass a point of exposuresView, with start, end, granularity and timeZone.',
      '2026-06-01',
      {},
    ],
    [
      'point',
      'undefined',
      'Pass a point of exposuresView, with start, end, granularity and timeZone.',
      undefined,
      {},
    ],
    ['point.granularity', '"week"', "Pass 'hour' or 'day'.", { ...point, granularity: 'week' }, {}],
    ['point.timeZone', 'undefined', zone, { ...point, timeZone: undefined }, {}],
    ['timeZone', '"Mars/Olympus"', zone, point, { timeZone: 'Mars/Olympus' }],
    [
      'timezone',
      'a string',
      'The fields are locale, timeZone.',
      point,
      { timezone: 'UTC' },
      'Unknown field timezone; did you mean timeZone?',
    ],
    ['options', '"UTC"', 'Pass an object with the fields locale, timeZone.', point, 'UTC'],
  ])('%s: received %s. %s', (path, received, advice, of, options, problem) => {
    expect(refusalOf(() => formatBucket(of as never, options as never))).toEqual(
      refused('invalid-view', path, received, advice, problem),
    )
  })

  test.each(['start', 'end'] as const)('a %s that is not an instant', (name) => {
    expect(refusalOf(() => formatBucket({ ...point, [name]: 'June' }))).toMatchObject({
      code: 'invalid-instant',
      message: expect.stringMatching(new RegExp(`^point\\.${name} is not an instant: received "June"\\. `)),
    })
  })
})
