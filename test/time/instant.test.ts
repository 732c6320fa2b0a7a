import { runInNewContext } from 'node:vm'
import { exposureWindow, initialRefreshState, refreshDecision } from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const asOf = Date.UTC(2100, 0, 1)

describe('an instant', () => {
  test.each([
    [new Date(1780272000123), 1780272000123],
    // Of another realm, such as a frame's.
    [runInNewContext('new Date(1780272000123)') as Date, 1780272000123],
    [1780272000123, 1780272000123],
    ['2026-06-01T00:00:00Z', 1780272000000],
    ['2026-06-01T00:00Z', 1780272000000],
    ['2026-06-01T00:00:00.123Z', 1780272000123],
    ['2026-06-01T00:00:00,5Z', 1780272000500],
    ['2026-06-01T00:00:00.123000Z', 1780272000123],
    ['2026-06-01T02:00:00+02:00', 1780272000000],
    ['2026-06-01T00:00:00-00:00', 1780272000000],
    ['2026-06-01T05:45:00+0545', 1780272000000],
    ['2026-05-31T21:00:00-03', 1780272000000],
    ['2026-05-31T20:30:00-03:30', 1780272000000],
    ['2026-06-01T23:59:00+23:59', 1780272000000],
    ['2026-06-01T00:00:00.123000000Z', 1780272000123],
    ['2024-02-29T00:00:00Z', 1709164800000],
  ])('%s is read to the millisecond', (instant, ms) => {
    expect(exposureWindow(instant, asOf).startMs).toBe(ms)
  })

  test.each([
    '2026-06-01',
    '2026-06-01T00:00:00',
    '2026-06-01 00:00:00Z',
    ' 2026-06-01T00:00:00Z',
    '2026-06-01T00:00:00Z ',
    '2026-06-01T00:00:00Z\n',
    '2026-06-01t00:00:00z',
    '20260601T000000Z',
    '2026-06-01T00Z',
    '+002026-06-01T00:00:00Z',
    '2026-06-01T00:00:00.1230000000Z',
    '2026-06-01T00:00:00+02:00:00',
    '2026-06-01T00:00:00.0001Z',
    '2026-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2026-06-01T24:00:00Z',
    '2026-06-01T00:60:00Z',
    '2026-06-01T00:00:60Z',
    '2026-06-01T00:00:00+24:00',
    '2026-06-01T00:00:00+01:60',
    'June 1, 2026 UTC',
    '1780272000000',
    '',
    NaN,
    Infinity,
    1780272000000.5,
    8.64e15 + 1,
    new Date('no date'),
    runInNewContext('new Date(NaN)'),
    { getTime: () => 1780272000123 },
    null,
    undefined,
    {},
    1780272000000n,
  ])('%s is refused', (instant) => {
    expect(() => exposureWindow(instant as never, asOf)).toThrow(
      expect.objectContaining({
        code: 'invalid-instant',
        message: expect.stringMatching(/^start is (not an instant: received|required\.)/),
      }),
    )
    expect(() => exposureWindow(Date.UTC(2020, 0, 1), instant as never)).toThrow(
      expect.objectContaining({ code: 'invalid-instant', message: expect.stringMatching(/^asOf/) }),
    )
  })

  test('is as far from 1970 as a Date can be, and no further', () => {
    const ask = (now: number) =>
      refreshDecision(initialRefreshState, { startedAt: -8.64e15, endedAt: null }, now)
    expect(ask(8.64e15)).toEqual({ type: 'due' })
    expect(refusalOf(() => ask(8.64e15 + 2))).toMatchObject({ code: 'invalid-instant' })
  })

  test('the refusal says what would do', () => {
    expect(refusalOf(() => exposureWindow('June', asOf))).toEqual({
      code: 'invalid-instant',
      message:
        'start is not an instant: received "June". Pass a Date, whole epoch milliseconds, or ISO 8601 with Z or an ' +
        'offset and at most milliseconds, such as 2026-06-01T00:00:00Z.',
      details: { path: 'start', received: '"June"' },
    })
  })
})
