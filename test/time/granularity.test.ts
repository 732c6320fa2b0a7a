import { describe, expect, test } from 'vitest'
import { exposureWindow, selectGranularity } from 'first-exposure'

const start = Date.UTC(2026, 5, 1)
const hours72 = 72 * 60 * 60 * 1000

describe('selectGranularity', () => {
  test.each([
    [1, 'hour'],
    [hours72 - 1, 'hour'],
    [hours72, 'hour'],
    [hours72 + 1, 'day'],
    [365 * 24 * 60 * 60 * 1000, 'day'],
  ] as const)('a window of %d ms is by the %s', (lengthMs, granularity) => {
    expect(selectGranularity(exposureWindow(start, start + lengthMs))).toBe(granularity)
  })

  test('a window that exposureWindow would refuse is refused here too', () => {
    expect(() => selectGranularity({ startMs: start, asOfMs: start })).toThrow(
      expect.objectContaining({ code: 'invalid-window' }),
    )
  })
})
