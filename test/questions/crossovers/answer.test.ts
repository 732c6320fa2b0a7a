import { summarizeCrossovers } from 'first-exposure'
import { describe, expect, test } from 'vitest'

const row = {
  first_variant: 'control',
  next_variant: 'b',
  identities: 3,
  median_ms: 1500.5,
  buckets: ['2026-06-03 00:00:00', '2026-06-01 00:00:00'],
  bucket_identities: [2, 1],
}
const june = (day: number): string => new Date(Date.UTC(2026, 5, day)).toISOString()

describe('summarizeCrossovers', () => {
  test('puts pairs, points and first variants together, frozen, as JSON would', () => {
    const crossovers = summarizeCrossovers(
      [
        { ...row, first_variant: 'b', next_variant: 'control', identities: '3' },
        row,
        {
          ...row,
          first_variant: '__proto__',
          identities: 4,
          buckets: ['1780272000'],
          bucket_identities: ['4'],
          median_ms: '0',
        },
      ],
      { granularity: 'day', timeZone: 'Europe/Madrid' },
    )
    const points = [
      { bucket: june(1), identities: 1 },
      { bucket: june(3), identities: 2 },
    ]
    expect(crossovers).toEqual({
      identities: 10,
      pairs: [
        {
          firstVariant: '__proto__',
          nextVariant: 'b',
          identities: 4,
          medianMs: 0,
          points: [{ bucket: june(1), identities: 4 }],
        },
        { firstVariant: 'b', nextVariant: 'control', identities: 3, medianMs: 1500.5, points },
        { firstVariant: 'control', nextVariant: 'b', identities: 3, medianMs: 1500.5, points },
      ],
      firstVariants: JSON.parse('{"__proto__": 4, "b": 3, "control": 3}') as unknown,
      timeseries: {
        granularity: 'day',
        timeZone: 'Europe/Madrid',
        points: [
          { bucket: june(1), identities: 6 },
          { bucket: june(3), identities: 4 },
        ],
      },
    })
    expect(JSON.parse(JSON.stringify(crossovers))).toEqual(crossovers)
    expect(Object.isFrozen(crossovers.pairs[0]?.points[0])).toBe(true)
    expect(Object.isFrozen(crossovers.firstVariants)).toBe(true)
  })

  test('nobody crossed over', () => {
    expect(summarizeCrossovers([], { granularity: 'hour' })).toEqual({
      identities: 0,
      pairs: [],
      firstVariants: {},
      timeseries: { granularity: 'hour', timeZone: 'UTC', points: [] },
    })
  })

  test.each<[string, unknown]>([
    ['first_variant', { ...row, first_variant: null }],
    ['next_variant', { ...row, next_variant: 'control' }],
    ['identities', { ...row, identities: -1 }],
    ['median_ms', { ...row, median_ms: null }],
    ['median_ms', { ...row, median_ms: 'nan' }],
    ['median_ms', { ...row, median_ms: -1 }],
    ['buckets', { ...row, buckets: 'today' }],
    ['buckets', { ...row, buckets: ['2026-06-03 00:00:00', '2026-02-30 00:00:00'] }],
    ['bucket_identities', { ...row, bucket_identities: [3] }],
    ['bucket_identities', { ...row, bucket_identities: [2, 2] }],
    ['bucket_identities', { ...row, buckets: ['2026-06-03 00:00:00', '2026-06-03 00:00:00'] }],
    ['first_variant', {}],
    ['first_variant', null],
  ])('%s is named where a row cannot be the query’s', (column, wrong) => {
    const other = { ...row, first_variant: 'c' }
    expect(() => summarizeCrossovers([other, wrong], { granularity: 'day' })).toThrow(
      expect.objectContaining({
        code: 'malformed-rows',
        details: expect.objectContaining({ row: 1, column }) as unknown,
      }),
    )
  })

  test('refuses a pair twice, what is no list, and buckets of another granularity', () => {
    const refused = (rows: unknown, code: string, granularity: 'day' | 'hour' = 'day'): void => {
      expect(() => summarizeCrossovers(rows as never, { granularity })).toThrow(
        expect.objectContaining({ code }),
      )
    }
    refused([row, row], 'malformed-rows')
    refused({ data: [] }, 'malformed-rows')
    refused([{ ...row, buckets: ['2026-06-03 01:00:00', '2026-06-01 00:00:00'] }], 'malformed-buckets')
    refused([], 'malformed-buckets', 'week' as never)
  })
})
