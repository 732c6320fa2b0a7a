import { summarizeExposures, type ExposuresSummary } from 'first-exposure'
import { exposuresView, formatBucket } from 'first-exposure/view'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const june = Date.UTC(2026, 5, 1)
const dayMs = 86_400_000
const count = (variant: string, bucketMs: number) =>
  ({ quarantined: false, variant, bucketMs, newIdentities: 1 }) as const
const summary = summarizeExposures([count('control', june), count('control', june + dayMs)], {
  granularity: 'day',
})

describe('what exposuresView says of what it refuses', () => {
  const options = 'window, variants, control, fillGaps'

  test.each<[field: string, received: string, advice: string, options: unknown]>([
    ['options', 'null', `Pass an object of ${options}.`, null],
    ['options', '"all"', `Pass an object of ${options}.`, 'all'],
    ['zone', '"UTC"', `A view has the options ${options}.`, { zone: 'UTC' }],
    ['window', 'null', 'Pass what exposureWindow returned.', { window: null }],
    ['window', '7', 'Pass what exposureWindow returned.', { window: 7 }],
    ['control', '1', 'Pass a variant’s key.', { control: 1 }],
    ['fillGaps', '"yes"', 'Pass true or false.', { fillGaps: 'yes' }],
    ['variants', '"control"', 'Pass a list of variant keys.', { variants: 'control' }],
    ['variants', '1', 'A variant’s key is a string.', { variants: ['a', 1] }],
    ['variants', '"a"', 'It is listed twice; list every variant once.', { variants: ['a', 'b', 'a'] }],
    [
      'window',
      'an object',
      'The summary has a bucket at 2026-06-01T00:00:00.000Z, outside of 2026-06-02T00:00:00.000Z to ' +
        '2026-06-04T00:00:00.000Z. Pass the window that the summary was asked for.',
      { window: { startMs: june + dayMs, asOfMs: june + 3 * dayMs } },
    ],
    [
      'window',
      'an object',
      'The summary has a bucket at 2026-06-02T00:00:00.000Z, outside of 2026-05-31T00:00:00.000Z to ' +
        '2026-06-02T00:00:00.000Z. Pass the window that the summary was asked for.',
      { window: { startMs: june - dayMs, asOfMs: june + dayMs } },
    ],
  ])('%s: received %s. %s', (field, received, advice, given) => {
    expect(refusalOf(() => exposuresView(summary, given as never))).toEqual({
      code: 'invalid-view',
      message: `${field} is not usable: received ${received}. ${advice}`,
      details: { field, received },
    })
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
        'fillGaps is not usable: received true. About 40000001 buckets of 2 variants are more than 10000000 cells. ' +
        'Pass a shorter window, or look for junk among the variant keys.',
      details: { field: 'fillGaps', received: 'true' },
    })
    // As many variants as buckets: 3163² are the first that are too many.
    const wide = (side: number): ExposuresSummary =>
      summarizeExposures(
        Array.from({ length: side }, (_, index) => count(`v${index}`, june + index * dayMs)),
        { granularity: 'day' },
      )
    expect(refusalOf(() => exposuresView(wide(3163)))).toEqual({
      code: 'invalid-view',
      message:
        'summary is not usable: received an object. About 3163 buckets of 3163 variants are more than 10000000 cells. ' +
        'Pass a shorter window, or look for junk among the variant keys.',
      details: { field: 'summary', received: 'an object' },
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
        'summary.timeseries.points[1].bucket is not usable: 2026-05-31T23:00:00.000Z lies in the same bucket as the ' +
        'point before it. Was another granularity or time zone asked for?',
      details: { field: 'summary.timeseries.points[1].bucket' },
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
  ])('a locale that is none: received %s', (received, locale) => {
    expect(refusalOf(() => formatBucket(point, { locale: locale as never }))).toEqual({
      code: 'invalid-view',
      message: `locale is not usable: received ${received}. Pass a locale of date-fns, such as de of date-fns/locale/de.`,
      details: { field: 'locale', received },
    })
  })

  test.each(['start', 'end'] as const)('a %s that is no instant', (name) => {
    expect(refusalOf(() => formatBucket({ ...point, [name]: 'June' }))).toMatchObject({
      code: 'invalid-instant',
      message: expect.stringMatching(new RegExp(`^point\\.${name} is not an instant: received "June"\\. `)),
    })
  })
})
