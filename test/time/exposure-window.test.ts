import * as fc from 'fast-check'
import { exposureWindow, selectGranularity } from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'
import { refusalOf } from '../refusal-of.js'

describe('exposureWindow', () => {
  test('is frozen epoch milliseconds', () => {
    const window = exposureWindow('2026-06-01T00:00:00Z', new Date('2026-06-01T00:00:00.001Z'))
    expect(window).toEqual({ startMs: 1780272000000, asOfMs: 1780272000001 })
    expect(Object.isFrozen(window)).toBe(true)
  })

  test.each([
    ['empty', 1780272000000, 1780272000000],
    ['reversed', 1780272000001, 1780272000000],
    ['before what a DateTime holds', Date.UTC(1970, 0, 2) - 1, Date.UTC(2026, 0, 1)],
    ['after what a DateTime holds', Date.UTC(2026, 0, 1), Date.UTC(2106, 0, 1) + 1],
    ['from the last second of 2105, as a number of seconds', 4291747199, Date.UTC(2026, 5, 1)],
    ['in seconds instead of milliseconds', 1780272, 1780273],
  ])('a window that is %s is refused', (_, start, asOf) => {
    expect(() => exposureWindow(start, asOf)).toThrow(expect.objectContaining({ code: 'invalid-window' }))
  })

  // As numbers of the unit, and what the message says of them.
  const instant = '2026-06-01T00:00:00.000Z'
  test.each([
    [
      'start',
      1780272000,
      Date.UTC(2026, 5, 15),
      'start is 1780272000, which in epoch milliseconds is 1970-01-21T14:31:12.000Z. If it counts seconds, pass start * 1000.',
    ],
    [
      'asOf',
      Date.UTC(1970, 0, 2),
      1781481600,
      'asOf is 1781481600, which in epoch milliseconds is 1970-01-21T14:51:21.600Z. If it counts seconds, pass asOf * 1000.',
    ],
    [
      'start',
      1780272000,
      1781481600,
      'start is 1780272000, which in epoch milliseconds is 1970-01-21T14:31:12.000Z. If it counts seconds, pass start * 1000.',
    ],
    [
      'asOf',
      Date.UTC(1999, 0, 1),
      Date.UTC(2000, 11, 31),
      'asOf is 978220800000, which in epoch milliseconds is 2000-12-31T00:00:00.000Z. If it counts seconds, pass asOf * 1000.',
    ],
    [
      'asOf',
      Date.UTC(2026, 5, 1),
      1781481600e6,
      'asOf is 1781481600000000, which in epoch milliseconds is +058422-11-27T00:00:00.000Z. If it counts microseconds, pass asOf / 1000.',
    ],
  ])('%s of a window from %d to %d is in another unit', (path, start, asOf, message) => {
    const received = String(path === 'start' ? start : asOf)
    expect(refusalOf(() => exposureWindow(start, asOf))).toEqual({
      code: 'invalid-window',
      message,
      details: { path, received },
    })
  })

  test('no instant of this century passes as a number of seconds or microseconds', () => {
    const ms = fc.integer({ min: Date.UTC(2001, 0, 1), max: Date.UTC(2105, 0, 1) })
    fc.assert(
      fc.property(ms, fc.integer({ min: 1000, max: 86_400_000 }), (startMs, lengthMs) => {
        const asOfMs = startMs + lengthMs
        expect(exposureWindow(startMs, asOfMs)).toEqual({ startMs, asOfMs })
        for (const [start, asOf] of [
          [Math.floor(startMs / 1000), Math.floor(asOfMs / 1000)],
          [startMs * 1000, asOfMs * 1000],
          [Math.floor(startMs / 1000), asOfMs],
          [Date.UTC(1970, 0, 2), Math.floor(asOfMs / 1000)],
        ] as const) {
          expect(refusalOf(() => exposureWindow(start, asOf))).toMatchObject({ code: 'invalid-window' })
        }
      }),
      { numRuns: runs(300) },
    )
  })

  test('a window before 2001 is taken as dates, as texts, and as a window that was made', () => {
    const made = exposureWindow(new Date('1999-01-01T00:00:00Z'), '1999-01-04T00:00:00Z')
    expect(made).toEqual({ startMs: Date.UTC(1999, 0, 1), asOfMs: Date.UTC(1999, 0, 4) })
    expect(selectGranularity(made)).toBe('hour')
    expect(exposureWindow(new Date(1780272000), new Date(1781481600)).startMs).toBe(1780272000)
    expect(exposureWindow(Date.UTC(1970, 0, 2), instant).startMs).toBe(Date.UTC(1970, 0, 2))
    expect(exposureWindow(Date.UTC(1999, 0, 1), Date.UTC(2001, 0, 1)).asOfMs).toBe(Date.UTC(2001, 0, 1))
    // As seconds it is the first instant of 2106.
    expect(exposureWindow(4291747200, Date.UTC(2026, 5, 1)).startMs).toBe(4291747200)
  })

  test('the widest window is accepted', () => {
    expect(exposureWindow(Date.UTC(1970, 0, 2), Date.UTC(2106, 0, 1)).asOfMs).toBe(Date.UTC(2106, 0, 1))
  })
})
