import { summarizeExposuresBreakdown } from 'first-exposure'
import { describe, expect, test } from 'vitest'

const row = {
  other: 0,
  value: 'ES',
  quarantined: 0,
  variant: 'control',
  bucket: '2026-06-01 00:00:00',
  new_identities: 7,
}
const quarantined = { ...row, quarantined: 1, variant: null, new_identities: 2 }

describe('summarizeExposuresBreakdown', () => {
  test('puts each value’s rows together, the largest first, and keeps the others apart', () => {
    const breakdown = summarizeExposuresBreakdown(
      [
        { ...row, other: true, value: null, new_identities: '1' },
        { ...row, value: null, new_identities: 9 },
        { ...row, value: 'other' },
        quarantined,
        { ...row, value: '' },
        row,
      ],
      { granularity: 'day', timeZone: 'Asia/Tokyo' },
    )
    const summary = (control: number, excludedIdentities = 0): unknown => ({
      excludedIdentities,
      timeseries: {
        granularity: 'day',
        timeZone: 'Asia/Tokyo',
        points: [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control } }],
      },
    })
    expect(breakdown).toEqual({
      slices: [
        { value: 'ES', summary: summary(7, 2) },
        { value: null, summary: summary(9) },
        { value: '', summary: summary(7) },
        { value: 'other', summary: summary(7) },
      ],
      other: summary(1),
    })
    expect(Object.isFrozen(breakdown.slices[0])).toBe(true)
    expect(JSON.parse(JSON.stringify(breakdown))).toEqual(breakdown)
  })

  test('nobody entered', () => {
    expect(summarizeExposuresBreakdown([], { granularity: 'day' })).toEqual({ slices: [], other: null })
  })

  test.each<[string, unknown]>([
    ['other', { ...row, other: 2 }],
    ['value', { ...row, value: 5 }],
    ['value', { ...row, other: 1 }],
    ['variant', { ...row, variant: null }],
    ['bucket', { ...row, bucket: 'today' }],
    // The same bucket of the same variant and value.
    ['bucket', row],
    ['new_identities', { ...row, new_identities: 1.5 }],
    ['other', 'junk'],
  ])('%s is named where a row cannot be the query’s', (column, wrong) => {
    expect(() => summarizeExposuresBreakdown([row, wrong], { granularity: 'day' })).toThrow(
      expect.objectContaining({
        code: 'malformed-rows',
        details: expect.objectContaining({ row: 1, column }) as unknown,
      }),
    )
  })
})
