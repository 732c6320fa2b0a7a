import {
  decodeBatchRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresBatchQuery,
  firstExposuresQuery,
  decodeExposedIdentityRows,
  decodeOverlapRows,
  summarizeOverlap,
  summarizeOverlaps,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { experimentOf } from '../../src/questions/batch/rows.js'
import { exposedIdentityDecoder } from '../../src/questions/exposed-identities/rows.js'
import { refusalOf } from '../refusal-of.js'

interface Refusal {
  readonly message: string
  readonly details: unknown
}
const said = (ask: () => unknown): string => (refusalOf(ask) as Refusal).message

describe('what decodeExposedIdentityRows says of what it refuses', () => {
  const row = {
    identity: 'ann',
    variant: 'a',
    first_exposure: '2026-06-01 08:00:00.250000000',
    quarantined: 0,
    first_variant: 'a',
    country: 'es',
  }
  test.each([
    { quarantined: 2 },
    { first_variant: null },
    { variant: 1 },
    { quarantined: 1 },
    { variant: 'b' },
    { identity: '' },
    { first_exposure: '2026-06-01 08:00' },
    { country: 7 },
  ])('%j', (wrong) => {
    expect(said(() => decodeExposedIdentityRows([row, { ...row, ...wrong }]))).toMatchSnapshot()
  })
})

describe('the instant of a first exposure', () => {
  const read = (first_exposure: unknown): string | undefined =>
    decodeExposedIdentityRows([
      { identity: 'ann', variant: 'a', first_exposure, quarantined: 0, first_variant: 'a' },
    ])[0]?.firstExposure

  test.each([
    ['2026-06-01 08:00:00', '2026-06-01T08:00:00.000000000Z'],
    ['2026-06-01T08:00:00.5Z', '2026-06-01T08:00:00.500000000Z'],
    ['2026-06-01 08:00:00.123456789', '2026-06-01T08:00:00.123456789Z'],
    ['1780300800.250000001', '2026-06-01T08:00:00.250000001Z'],
  ])('%j', (written, instant) => {
    expect(read(written)).toBe(instant)
  })

  test.each([
    ' 2026-06-01 08:00:00',
    '12026-06-01 08:00:00',
    '2026-06-01 08:00:00 ',
    '2026-06-01 08:00:00.1234567890',
    '2026-02-30 08:00:00',
    '2026-06-01 25:00:00',
    '11780300800.250000000',
    '1780300800.2500000000',
    '1780300800.25',
    '1780300800',
    1780300800,
    null,
  ])('%j is refused', (written) => {
    expect(said(() => read(written))).toContain('Expected YYYY-MM-DD hh:mm:ss.nnnnnnnnn in UTC.')
  })
})

describe('what decodeOverlapRows says of what it refuses', () => {
  const row = {
    one: 0,
    other: 1,
    one_quarantined: 0,
    one_variant: 'a',
    other_quarantined: 1,
    other_variant: null,
    identities: 3,
  }
  test.each<readonly object[]>([
    [{ one: -1 }],
    [{ one_quarantined: 2 }],
    [{ one_variant: null }],
    [{ other_variant: 'a' }],
    [{ identities: 1.5 }],
    [{ one: 2 }],
    [{ one: 1 }],
    [{}, {}],
  ])('%j, %j', (...rows) => {
    expect(said(() => decodeOverlapRows(rows.map((wrong) => ({ ...row, ...wrong }))))).toMatchSnapshot()
  })

  test('what their sums refuse', () => {
    const all = { ...row, other: 0, other_quarantined: 0, other_variant: 'a' }
    expect(
      [
        () => summarizeOverlap([{ ...row, other: 3 }]),
        () => summarizeOverlap([all, { ...row, identities: 4 }]),
        () => summarizeOverlaps([], { experiments: 51 }),
        () => summarizeOverlaps([], { experiments: 1 }),
        () => summarizeOverlaps([], {} as { experiments: number }),
        () => summarizeOverlaps([], { experiment: 2 } as never),
        () => summarizeOverlaps([], null as never),
      ].map(said),
    ).toMatchSnapshot()
    const beyond = refusalOf(() => summarizeOverlap([{ ...row, other: 3 }]))
    expect(beyond).toMatchObject({ details: { column: 'other', received: '3' } })
    expect(refusalOf(() => summarizeOverlap([all, { ...row, identities: 4 }]))).toMatchObject({
      details: { column: 'identities', received: '-1' },
    })
  })
})

describe('the experiment of a row of a batch', () => {
  const row = { quarantined: 0, variant: 'a', bucket: '2026-06-01 00:00:00', new_identities: 1 }

  test('what is refused', () => {
    expect(
      [
        () => decodeBatchRows([{ ...row, experiment: -1 }]),
        () => decodeBatchRows([{ ...row, experiment: null }]),
        () => experimentOf({ experiment: 3 }, 0, 3),
      ].map(said),
    ).toMatchSnapshot()
  })

  test('one that was asked for', () => {
    expect(experimentOf({ experiment: '2' }, 0, 3)).toBe(2)
    expect(experimentOf({ experiment: 1000 }, 0)).toBe(1000)
  })
})

// The decoder of a stream takes lists of cells and skips what the usual cell does not need.
describe('the decoder of lists of cells accepts and refuses what the decoder of rows does', () => {
  const names = ['identity', 'variant', 'first_exposure', 'quarantined', 'first_variant']
  const counted = ['ann', 'a', '2026-06-01 08:00:00.250000000', 0, 'a']
  const excluded = [7, null, '2026-12-31 23:59:59.999999999', 1, 'b']
  const odd = [
    undefined,
    null,
    '',
    'a',
    'b',
    0,
    1,
    2,
    '0',
    '1',
    true,
    false,
    1.5,
    -7,
    2 ** 53,
    NaN,
    [],
    {},
    '2024-02-29 00:00:00.000000000',
    '2026-02-29 00:00:00.000000000',
    '2026-02-30 00:00:00.000000000',
    '2026-04-31 00:00:00.000000000',
    '2026-04-30 00:00:00.000000000',
    '2026-05-31 00:00:00.000000000',
    '2026-00-01 00:00:00.000000000',
    '2026-13-01 00:00:00.000000000',
    '2026-01-00 00:00:00.000000000',
    '2026-06-01 24:00:00.000000000',
    '2026-06-01 23:60:00.000000000',
    '2026-06-01 23:00:60.000000000',
    '2026-06-01T08:00:00.250000000Z',
    '2026-06-01 08:00:00',
    '2026-06-01 08:00:00.5',
    ' 2026-06-01 08:00:00',
    '2026-06-01 08:00:00.250000000 ',
    '2026-06-01 08:00:00.2500000001',
    '2026-06-01',
    '08:00:00',
    '1780300800.250000000',
    '1780300800',
    '1780300800.25',
    '11780300800.250000000',
    '1780300800.2500000001',
    1780300800.25,
    '2026-10-10 10:10:10.000000001',
    '1999-11-30 19:19:19.123456789',
  ]
  const outcome = (decode: () => unknown): unknown => {
    try {
      return { row: decode() }
    } catch (error) {
      return { message: (error as Error).message, details: (error as { details?: unknown }).details }
    }
  }
  const asRow = (columns: readonly string[], cells: readonly unknown[]): unknown =>
    decodeExposedIdentityRows([
      Object.fromEntries(columns.slice(0, cells.length).map((name, place) => [name, cells[place]])),
    ])[0]
  const expectAlike = (columns: readonly string[], cells: readonly unknown[]): void => {
    const actual = outcome(() => exposedIdentityDecoder(columns)(cells, 0))
    expect(actual, JSON.stringify(cells)).toStrictEqual(outcome(() => asRow(columns, cells)))
    if ('row' in (actual as object)) expect(Object.isFrozen((actual as { row: object }).row)).toBe(true)
  }

  test.each([
    ['a counted', counted],
    ['an excluded', excluded],
  ])('each odd cell of %s row', (_, usual) => {
    for (const place of names.keys()) {
      for (const cell of odd) expectAlike(names, usual.with(place, cell as string))
    }
    expectAlike(names, usual)
  })

  test('all odd flags with all odd variants', () => {
    for (const flag of [0, 1, '0', '1', 2, null]) {
      for (const variant of ['a', 'b', null, 0]) {
        for (const firstVariant of ['a', 'b', null, 0]) {
          expectAlike(names, ['ann', variant, '2026-06-01 08:00:00.250000000', flag, firstVariant])
        }
      }
    }
  })

  test('cells that are missing', () => {
    for (const length of names.keys()) expectAlike(names, counted.slice(0, length))
  })

  test.each([[['country', 'plan']], [['__proto__', 'plan']], [['country', '__proto__']]])(
    'dimensions %j',
    (dimensions) => {
      const columns = [...names, ...dimensions]
      for (const cell of odd) {
        expectAlike(columns, [...counted, cell, 'pro'])
        expectAlike(columns, [...counted, null, cell])
        expectAlike(columns, [...excluded, 'es', cell])
      }
      expectAlike(columns, [...counted, 'es'])
      expectAlike(columns, counted)
    },
  )

  test('gives the dimensions by name, frozen', () => {
    const decode = exposedIdentityDecoder([...names, 'country', 'plan'])
    const { dimensions, ...rest } = decode([...counted, 'es', null], 0)
    expect(dimensions).toStrictEqual({ country: 'es', plan: null })
    expect(Object.isFrozen(dimensions)).toBe(true)
    expect(rest).toStrictEqual({
      identity: 'ann',
      variant: 'a',
      firstExposure: '2026-06-01T08:00:00.250000000Z',
      quarantined: false,
      firstVariant: 'a',
    })
    expect(exposedIdentityDecoder(names)(excluded, 0)).toStrictEqual({
      identity: 7,
      variant: null,
      firstExposure: '2026-12-31T23:59:59.999999999Z',
      quarantined: true,
      firstVariant: 'b',
      dimensions: {},
    })
  })
})

describe('what the questions say of what they refuse', () => {
  const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
  const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
  const columns = Array.from({ length: 21 }, (_, index) => `c${index}`)

  test.each<object>([
    { prefix: '1e' },
    { prefix: null },
    { dimensions: columns },
    { dimensions: ['variant'] },
  ])('exposedIdentitiesQuery: %j', (options) => {
    expect(said(() => exposedIdentitiesQuery(spec, window, options))).toMatchSnapshot()
  })

  test('exposedIdentitiesQuery takes twenty dimensions', () => {
    const { query } = exposedIdentitiesQuery(spec, window, { dimensions: columns.slice(0, 20) })
    expect(query).toContain('`c19`')
  })

  const many = (count: number): { spec: typeof spec; window: typeof window }[] =>
    Array.from({ length: count }, (_, index) => ({
      spec: exposureSpec({ environmentKey: 'prod', featureName: `f${index}` }),
      window,
    }))
  test('firstExposuresBatchQuery: how many', () => {
    expect(
      [
        () => firstExposuresBatchQuery([]),
        () => firstExposuresBatchQuery([{ spec } as never]),
        () => firstExposuresBatchQuery(['checkout'] as never),
        () => firstExposuresBatchQuery(many(1001)),
      ].map(said),
    ).toMatchSnapshot()
    expect(firstExposuresBatchQuery(many(1000)).query).toContain('SELECT')
  })

  test('several events are one parameter', () => {
    const { query, query_params } = firstExposuresQuery(
      exposureSpec({ ...spec, eventName: ['seen', 'served'] }),
      window,
    )
    expect(query).toContain('`event` IN {event_names:Array(String)}')
    expect(query_params).toMatchObject({ event_names: ['seen', 'served'] })
  })
})
