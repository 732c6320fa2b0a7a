import { describe, expect, test } from 'vitest'
import { exposureWindow, summarizeExposures, type ExposuresSummary, type Granularity } from 'first-exposure'
import { exposuresView, type ExposuresView } from 'first-exposure/view'

type Points = readonly (readonly [bucket: string, counts: Readonly<Record<string, number>>])[]

function summaryOf(
  points: Points,
  {
    granularity = 'day',
    timeZone = 'UTC',
    excluded = 0,
  }: { granularity?: Granularity; timeZone?: string; excluded?: number } = {},
): ExposuresSummary {
  return summarizeExposures(
    [
      { quarantined: true, variant: null, bucketMs: 0, newIdentities: excluded },
      ...points.flatMap(([bucket, counts]) =>
        Object.entries(counts).map(([variant, newIdentities]) => ({
          quarantined: false as const,
          variant,
          bucketMs: Date.parse(bucket),
          newIdentities,
        })),
      ),
    ],
    { granularity, timeZone },
  )
}

const startsOf = (view: ExposuresView): readonly string[] => view.points.map(({ start }) => start)
const hoursOf = (view: ExposuresView): readonly number[] =>
  view.points.map(({ start, end }) => (Date.parse(end) - Date.parse(start)) / 3_600_000)

/** The local days around a date, as starts and lengths in hours. */
function daysAround(timeZone: string, from: string, to: string): ExposuresView {
  return exposuresView(summaryOf([], { timeZone }), { window: exposureWindow(from, to), fillGaps: true })
}

describe('variants', () => {
  test('control first, then as configured, then by key', () => {
    const summary = summaryOf([
      ['2026-06-01T00:00:00Z', { zebra: 1, a: 1, b: 1, control: 1, '10': 1, '9': 1 }],
    ])
    const view = exposuresView(summary, { variants: ['b', 'never', 'a'] })
    expect(view.variants.map(({ key }) => key)).toEqual(['control', 'b', 'never', 'a', '10', '9', 'zebra'])
    expect(view.variants.filter(({ expected }) => !expected).map(({ key }) => key)).toEqual([
      'control',
      '10',
      '9',
      'zebra',
    ])
    expect(view.variants.filter(({ isControl }) => isControl).map(({ key }) => key)).toEqual(['control'])
  })

  test('a configured variant that never appeared has a row of zeros, and zeros in every point', () => {
    const view = exposuresView(summaryOf([['2026-06-01T00:00:00Z', { control: 3 }]]), {
      variants: ['control', 'b'],
    })
    expect(view.variants[1]).toEqual({ key: 'b', total: 0, share: 0, isControl: false, expected: true })
    expect(view.points[0]).toMatchObject({
      newIdentities: { control: 3, b: 0 },
      runningTotals: { control: 3, b: 0 },
    })
  })

  test('nothing configured: what appeared is expected, and no row is made up', () => {
    const view = exposuresView(summaryOf([['2026-06-01T00:00:00Z', { b: 3 }]]))
    expect(view.variants).toEqual([{ key: 'b', total: 3, share: 1, isControl: false, expected: true }])
  })

  test('another control, named: first, with a row even where it never appeared', () => {
    const summary = summaryOf([['2026-06-01T00:00:00Z', { b: 3, control: 1 }]])
    const rows = exposuresView(summary, { control: 'off' }).variants
    expect(rows.map(({ key, isControl }) => [key, isControl])).toEqual([
      ['off', true],
      ['b', false],
      ['control', false],
    ])
  })

  test('prototype keys are keys', () => {
    const counts = Object.fromEntries([
      ['__proto__', 2],
      ['constructor', 3],
      ['hasOwnProperty', 5],
    ])
    const view = exposuresView(
      JSON.parse(JSON.stringify(summaryOf([['2026-06-01T00:00:00Z', counts]]))) as ExposuresSummary,
      { variants: ['toString', '__proto__'] },
    )
    expect(view.variants.map(({ key, total }) => [key, total])).toEqual([
      ['toString', 0],
      ['__proto__', 2],
      ['constructor', 3],
      ['hasOwnProperty', 5],
    ])
    for (const record of [view.points[0]?.newIdentities, view.points[0]?.runningTotals]) {
      expect(Object.entries(record ?? {})).toEqual([
        ['toString', 0],
        ['__proto__', 2],
        ['constructor', 3],
        ['hasOwnProperty', 5],
      ])
      expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
    }
  })

  test('nobody at all: shares are 0, not NaN', () => {
    const view = exposuresView(summaryOf([]), { variants: ['control', 'b'] })
    expect(view).toMatchObject({ total: 0, excludedIdentities: 0, excludedShare: 0, points: [] })
    expect(view.variants.map(({ share }) => share)).toEqual([0, 0])
  })

  test('only excluded identities: all of everyone seen', () => {
    expect(exposuresView(summaryOf([], { excluded: 4 }))).toMatchObject({ total: 0, excludedShare: 1 })
  })
})

describe('points', () => {
  test('the window’s edges inside a bucket make it partial, on the bucket’s edge they do not', () => {
    const points: Points = [
      ['2026-06-01T00:00:00Z', { a: 1 }],
      ['2026-06-02T00:00:00Z', { a: 2 }],
    ]
    const partial = (start: string, asOf: string): readonly boolean[] =>
      exposuresView(summaryOf(points), { window: exposureWindow(start, asOf) }).points.map((p) => p.partial)
    expect(partial('2026-06-01T00:00:00Z', '2026-06-03T00:00:00Z')).toEqual([false, false])
    expect(partial('2026-06-01T00:00:00.001Z', '2026-06-03T00:00:00Z')).toEqual([true, false])
    expect(partial('2026-06-01T00:00:00Z', '2026-06-02T23:59:59.999Z')).toEqual([false, true])
    expect(partial('2026-06-01T12:00:00Z', '2026-06-02T12:00:00Z')).toEqual([true, true])
    expect(exposuresView(summaryOf(points)).points.map((p) => p.partial)).toEqual([false, false])
  })

  test('a window within one bucket makes it partial once', () => {
    const view = exposuresView(summaryOf([['2026-06-01T00:00:00Z', { a: 1 }]]), {
      window: exposureWindow('2026-06-01T10:00:00Z', '2026-06-01T11:00:00Z'),
      fillGaps: true,
    })
    expect(view.points).toMatchObject([{ partial: true, newIdentities: { a: 1 } }])
  })

  test('gaps are filled over the window, or between the points where there is none', () => {
    const summary = summaryOf([
      ['2026-06-02T00:00:00Z', { a: 1 }],
      ['2026-06-04T00:00:00Z', { a: 2 }],
    ])
    expect(
      exposuresView(summary, { fillGaps: true }).points.map((p) => [
        p.newIdentities['a'],
        p.runningTotals['a'],
      ]),
    ).toEqual([
      [1, 1],
      [0, 1],
      [2, 3],
    ])
    expect(
      startsOf(
        exposuresView(summary, {
          window: exposureWindow('2026-06-01T05:00:00Z', '2026-06-05T00:00:00Z'),
          fillGaps: true,
        }),
      ),
    ).toEqual([1, 2, 3, 4].map((day) => `2026-06-0${day}T00:00:00.000Z`))
    expect(startsOf(exposuresView(summary))).toHaveLength(2)
  })

  test('hours of a half-hour zone start at half past', () => {
    const view = exposuresView(
      summaryOf([['2026-06-01T10:30:00Z', { a: 1 }]], { granularity: 'hour', timeZone: 'Asia/Kolkata' }),
      { window: exposureWindow('2026-06-01T09:45:00Z', '2026-06-01T11:30:00Z'), fillGaps: true },
    )
    expect(
      view.points.map(({ start, end, partial }) => [start.slice(11, 16), end.slice(11, 16), partial]),
    ).toEqual([
      ['09:30', '10:30', true],
      ['10:30', '11:30', false],
    ])
  })
})

describe('the local-time axis', () => {
  test('days of 23 and 25 hours', () => {
    expect(hoursOf(daysAround('Europe/Madrid', '2026-03-27T23:00:00Z', '2026-03-30T22:00:00Z'))).toEqual([
      24, 23, 24,
    ])
    expect(hoursOf(daysAround('Europe/Madrid', '2026-10-23T22:00:00Z', '2026-10-26T23:00:00Z'))).toEqual([
      24, 25, 24,
    ])
  })

  test('a day without a midnight starts when the day does', () => {
    const view = daysAround('America/Sao_Paulo', '2018-11-03T03:00:00Z', '2018-11-06T02:00:00Z')
    expect(startsOf(view)).toEqual([
      '2018-11-03T03:00:00.000Z',
      '2018-11-04T03:00:00.000Z',
      '2018-11-05T02:00:00.000Z',
    ])
    expect(hoursOf(view)).toEqual([24, 23, 24])
  })

  test('a day with two midnights starts at the first', () => {
    const view = daysAround('America/Havana', '2025-11-01T04:00:00Z', '2025-11-03T05:00:00Z')
    expect(hoursOf(view)).toEqual([24, 25])
  })

  test('a clock that goes back over midnight ends the day late', () => {
    const view = daysAround('America/Sao_Paulo', '2018-02-17T02:00:00Z', '2018-02-19T03:00:00Z')
    expect(hoursOf(view)).toEqual([25, 24])
  })

  test('a date that never was has no day', () => {
    const view = daysAround('Pacific/Apia', '2011-12-29T10:00:00Z', '2011-12-31T10:00:00Z')
    expect(startsOf(view)).toEqual(['2011-12-29T10:00:00.000Z', '2011-12-30T10:00:00.000Z'])
    expect(hoursOf(view)).toEqual([24, 24])
    expect(hoursOf(daysAround('Pacific/Kwajalein', '1993-08-20T12:00:00Z', '1993-08-22T12:00:00Z'))).toEqual([
      24, 24,
    ])
  })

  test('a clock that is set back from a minute after midnight starts the day again', () => {
    const view = daysAround('America/St_Johns', '2005-10-29T02:30:00Z', '2005-10-31T03:30:00Z')
    expect(startsOf(view)).toEqual(['2005-10-29T02:30:00.000Z', '2005-10-30T03:30:00.000Z'])
  })

  test('half an hour back makes a day of 24½ hours, whose last bucket is half an hour', () => {
    const day = daysAround('Australia/Lord_Howe', '2026-04-04T13:00:00Z', '2026-04-05T13:30:00Z')
    expect(hoursOf(day)).toEqual([24.5])
    const hours = exposuresView(summaryOf([], { granularity: 'hour', timeZone: 'Australia/Lord_Howe' }), {
      window: exposureWindow('2026-04-04T13:00:00Z', '2026-04-05T14:30:00Z'),
      fillGaps: true,
    })
    expect(hoursOf(hours)).toEqual([...Array.from({ length: 24 }, () => 1), 0.5, 1])
  })

  test('a bucket just as far from two starts of days is at the earlier one', () => {
    const endOf = (start: string): string | undefined =>
      exposuresView(summaryOf([[start, { control: 1 }]], { timeZone: 'Europe/Madrid' })).points[0]?.end
    expect(endOf('2026-06-02T10:00:00.000Z')).toBe('2026-06-02T22:00:00.000Z')
    expect(endOf('2026-06-02T10:00:00.001Z')).toBe('2026-06-03T22:00:00.000Z')
  })

  test('where the time zone databases differ, the summary’s own buckets count', () => {
    // As an engine would that had Madrid an hour further east: its days start an hour before ours.
    for (const shift of [0, 2 * 3_600_000]) {
      const at = (date: string): string =>
        new Date(Date.parse(`2026-06-${date}T21:00:00Z`) + shift).toISOString()
      const summary = summaryOf(
        [
          [at('01'), { a: 1 }],
          [at('02'), { a: 1 }],
          [at('05'), { a: 1 }],
        ],
        { timeZone: 'Europe/Madrid' },
      )
      const view = exposuresView(summary, { fillGaps: true })
      expect(view.points.map((point) => point.newIdentities['a'])).toEqual([1, 1, 0, 0, 1])
      expect([
        view.points[0]?.start,
        view.points[0]?.end,
        view.points[1]?.start,
        view.points[4]?.start,
      ]).toEqual([at('01'), at('02'), at('02'), at('05')])
      for (const [index, point] of view.points.entries()) {
        expect(point.end).toBe(view.points[index + 1]?.start ?? '2026-06-06T22:00:00.000Z')
      }
    }
  })
})

describe('misuse', () => {
  const summary = summaryOf([['2026-06-02T00:00:00Z', { a: 1 }]])
  const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-05T00:00:00Z')

  test.each([
    ['an unknown option', { fillgaps: true }, 'fillgaps'],
    ['a variant twice', { variants: ['a', 'b', 'a'] }, 'variants[2]'],
    ['a variant that is not a string', { variants: [1] }, 'variants[0]'],
    ['variants that are not a list', { variants: 'ab' }, 'variants'],
    ['a control that is not a string', { control: null }, 'control'],
    ['fillGaps that is not a boolean', { fillGaps: 'yes' }, 'fillGaps'],
    ['something else than a window', { window: null }, 'window'],
    [
      'a window that ends before the summary’s bucket',
      { window: { ...window, asOfMs: Date.UTC(2026, 5, 2) } },
      'window',
    ],
    ['a window that begins after it', { window: { ...window, startMs: Date.UTC(2026, 5, 3) } }, 'window'],
  ])('%s', (_, options, field) => {
    expect(() => exposuresView(summary, options as never)).toThrow(
      expect.objectContaining({ code: 'invalid-view', details: expect.objectContaining({ path: field }) }),
    )
  })

  test('a reversed window', () => {
    expect(() => exposuresView(summary, { window: { startMs: 2, asOfMs: 1 } })).toThrow(
      expect.objectContaining({ code: 'invalid-window' }),
    )
  })

  test('gaps over more than memory holds', () => {
    const far = summaryOf([
      ['1970-01-02T00:00:00Z', { a: 1 }],
      ['+275000-01-01T00:00:00Z', { a: 1 }],
    ])
    expect(() => exposuresView(far, { fillGaps: true })).toThrow(
      expect.objectContaining({ code: 'invalid-view' }),
    )
    expect(exposuresView(far).points).toHaveLength(2)
    const many = summaryOf([
      ['2026-06-02T00:00:00Z', Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i, 1]))],
    ])
    expect(() =>
      exposuresView(many, {
        window: exposureWindow('1990-01-01T00:00:00Z', '2100-01-01T00:00:00Z'),
        fillGaps: true,
      }),
    ).toThrow(expect.objectContaining({ code: 'invalid-view' }))
  })

  const point = { bucket: '2026-06-02T00:00:00.000Z', newIdentities: { a: 1 } }
  const withSeries = (change: object): unknown => ({
    excludedIdentities: 0,
    timeseries: { granularity: 'day', timeZone: 'UTC', points: [point], ...change },
  })
  const withPoint = (change: object): unknown => withSeries({ points: [{ ...point, ...change }] })
  test.each<[string, unknown]>([
    ['no summary', 'loaded'],
    ['no series', { excludedIdentities: 0 }],
    ['a negative count', { ...summary, excludedIdentities: -1 }],
    ['an unknown granularity', withSeries({ granularity: 'week' })],
    ['points that are no list', withSeries({ points: {} })],
    ['a bucket twice', withSeries({ points: [point, point] })],
    ['a fractional count', withPoint({ newIdentities: { a: 0.5 } })],
    ['counts past 2^53', withPoint({ newIdentities: { a: 2 ** 53 - 1, b: 1 } })],
    ['no counts', withPoint({ newIdentities: null })],
    ['a bucket without a zone', withPoint({ bucket: '2026-06-02' })],
    ['a bucket that starts nothing', withPoint({ bucket: '2026-06-02T01:00:00.000Z' })],
  ])('%s', (_, malformed) => {
    expect(exposuresView(withPoint({}) as ExposuresSummary).total).toBe(1)
    expect(() => exposuresView(malformed as ExposuresSummary)).toThrow(
      expect.objectContaining({ code: 'malformed-summary' }),
    )
  })

  test('two points within one local day', () => {
    const hours = summaryOf(
      [
        ['2026-06-01T22:00:00Z', { a: 1 }],
        ['2026-06-02T03:00:00Z', { a: 1 }],
      ],
      { timeZone: 'Europe/Madrid' },
    )
    expect(() => exposuresView(hours)).toThrow(expect.objectContaining({ code: 'malformed-summary' }))
  })
})

test('a view is frozen through and through, and plain', () => {
  const view = exposuresView(summaryOf([['2026-06-01T00:00:00Z', { a: 1 }]]), {
    window: exposureWindow('2026-06-01T00:00:00Z', '2026-06-04T00:00:00Z'),
    variants: ['control', 'a'],
    fillGaps: true,
  })
  const thawed: unknown[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) thawed.push(value)
    Object.values(value).forEach(visit)
  }
  visit(view)
  expect(thawed).toEqual([])
  expect(JSON.parse(JSON.stringify(view))).toEqual(view)
})
