import {
  diffExposuresSummaries,
  summarizeExposuresBreakdown,
  summarizeCrossovers,
  summarizeExposures,
  summarizeExposureLedger,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const bucket = '2026-06-01 00:00:00'
const june = (day: number): number => Date.UTC(2026, 5, day)
const days = { granularity: 'day' } as const
const orders = [
  ['a', 'b', 'c'],
  ['c', 'b', 'a'],
  ['b', 'c', 'a'],
]

describe('the order of an answer is not that of its rows', () => {
  test.each([[['b', null, 'a', '']], [[null, '', 'b', 'a']], [['a', 'b', '', null]]])(
    'slices of one size, read as %j, are in the order of their values, NULL last',
    (values) => {
      const rows = values.map((value) => ({
        other: 0,
        value,
        quarantined: 0,
        variant: 'control',
        bucket,
        new_identities: 1,
      }))
      expect(summarizeExposuresBreakdown(rows, days).slices.map(({ value }) => value)).toEqual([
        '',
        'a',
        'b',
        null,
      ])
    },
  )

  test.each(orders)('pairs of one size, read as %s, %s, %s', (...keys) => {
    const rows = keys.flatMap((first_variant) =>
      keys
        .filter((next_variant) => next_variant !== first_variant)
        .map((next_variant) => ({
          first_variant,
          next_variant,
          identities: 1,
          median_ms: 1,
          buckets: [bucket],
          bucket_identities: [1],
        })),
    )
    const { pairs, firstVariants } = summarizeCrossovers(rows, days)
    expect(pairs.map(({ firstVariant, nextVariant }) => firstVariant + nextVariant)).toEqual([
      'ab',
      'ac',
      'ba',
      'bc',
      'ca',
      'cb',
    ])
    expect(Object.entries(firstVariants)).toEqual([
      ['a', 2],
      ['b', 2],
      ['c', 2],
    ])
  })

  test.each(orders)('the variants of a comparison, entered as %s, %s, %s', (...keys) => {
    const each = keys.map((variant, index) => ({
      quarantined: false as const,
      variant,
      bucketMs: june(index + 1),
      newIdentities: 1,
    }))
    const { variants } = diffExposuresSummaries(summarizeExposures([], days), summarizeExposures(each, days))
    expect(variants.map(({ variant }) => variant)).toEqual(['a', 'b', 'c'])
  })

  test.each(orders)('the variants of a part of the ledger, read as %s, %s, %s', (...keys) => {
    const rows = keys.map((variant) => ({
      entry: 'exposure',
      variant,
      events: variant === 'b' ? 0 : 1,
      identities: 0,
      lateness_seconds: [],
    }))
    expect(Object.entries(summarizeExposureLedger(rows).exposuresByVariant)).toEqual([
      ['a', 1],
      ['c', 1],
    ])
  })
})

test('days are compared with hours by the day, whichever comes first', () => {
  const hour = {
    quarantined: false,
    variant: 'a',
    bucketMs: june(1) + 5 * 3_600_000,
    newIdentities: 2,
  } as const
  const byHour = summarizeExposures([hour], { granularity: 'hour' })
  const byDay = summarizeExposures([{ ...hour, bucketMs: june(1) }], days)
  for (const both of [
    [byDay, byHour],
    [byHour, byDay],
  ] as const) {
    expect(diffExposuresSummaries(...both)).toMatchObject({
      granularity: 'day',
      points: [],
      newIdentities: 0,
    })
  }
})
