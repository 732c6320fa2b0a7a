import { exposureWindow } from 'first-exposure'
import { describe, expect, test } from 'vitest'

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
    ['in seconds instead of milliseconds', 1780272, 1780273],
  ])('a window that is %s is refused', (_, start, asOf) => {
    expect(() => exposureWindow(start, asOf)).toThrow(expect.objectContaining({ code: 'invalid-window' }))
  })

  test('the widest window is accepted', () => {
    expect(exposureWindow(Date.UTC(1970, 0, 2), Date.UTC(2106, 0, 1)).asOfMs).toBe(Date.UTC(2106, 0, 1))
  })
})
