import { describe, expect, test } from 'vitest'
import { diffExposuresSummaries, summarizeExposures, type ExposuresSummary } from 'first-exposure'

type Counts = Readonly<Record<string, number>>

function summaryOf(
  points: Readonly<Record<string, Counts>>,
  excluded = 0,
  options: Parameters<typeof summarizeExposures>[1] = { granularity: 'day' },
): ExposuresSummary {
  return summarizeExposures(
    [
      { quarantined: true, variant: null, bucketMs: 0, newIdentities: excluded },
      ...Object.entries(points).flatMap(([bucket, counts]) =>
        Object.entries(counts).map(([variant, newIdentities]) => ({
          quarantined: false as const,
          variant,
          bucketMs: Date.parse(bucket),
          newIdentities,
        })),
      ),
    ],
    options,
  )
}

describe('diffExposuresSummaries', () => {
  test('new identities, some moved to excluded, some late', () => {
    const before = summaryOf({ '2026-06-01': { control: 10, b: 10 }, '2026-06-02': { control: 5, b: 5 } }, 2)
    const after = summaryOf(
      { '2026-06-01': { control: 8, b: 12 }, '2026-06-02': { control: 5, b: 9 }, '2026-06-03': { b: 1 } },
      5,
    )
    expect(diffExposuresSummaries(before, after)).toEqual({
      granularity: 'day',
      timeZone: 'UTC',
      possible: true,
      reason: null,
      newIdentities: 8,
      newlyExcluded: 3,
      movedToExcluded: 2,
      lateArrivals: 2,
      variants: [
        { variant: 'b', before: 15, after: 22, movedToExcluded: 0 },
        { variant: 'control', before: 15, after: 13, movedToExcluded: 2 },
      ],
      points: [
        { bucket: '2026-06-01T00:00:00.000Z', closed: true, change: { b: 2, control: -2 } },
        { bucket: '2026-06-02T00:00:00.000Z', closed: false, change: { b: 4 } },
        { bucket: '2026-06-03T00:00:00.000Z', closed: false, change: { b: 1 } },
      ],
    })
  })

  test('nothing changed', () => {
    const summary = summaryOf({ '2026-06-01': { control: 10 } }, 2)
    expect(diffExposuresSummaries(summary, summary)).toMatchObject({
      possible: true,
      newIdentities: 0,
      newlyExcluded: 0,
      movedToExcluded: 0,
      lateArrivals: 0,
      points: [],
    })
  })

  test('a late earlier exposure moves an identity to an earlier bucket: one falls, without any quarantine', () => {
    const before = summaryOf({ '2026-06-01': { control: 1 }, '2026-06-02': { control: 2 } })
    const after = summaryOf({ '2026-06-01': { control: 2 }, '2026-06-02': { control: 1 } })
    expect(diffExposuresSummaries(before, after)).toMatchObject({
      possible: true,
      newIdentities: 0,
      movedToExcluded: 0,
      lateArrivals: 1,
    })
    // The other way round nothing can explain it: an earlier exposure is never taken back.
    expect(diffExposuresSummaries(after, before)).toMatchObject({
      possible: false,
      reason: 'counted-fell',
      movedToExcluded: 1,
    })
  })

  test.each([
    ['excluded-fell', { '2026-06-01': { control: 5 } }, 1],
    ['seen-fell', { '2026-06-01': { control: 3 } }, 3],
    ['counted-fell', { '2026-06-01': { control: 3, b: 9 } }, 3],
  ] as const)('impossible: %s', (reason, points, excluded) => {
    const before = summaryOf({ '2026-06-01': { control: 5 } }, 2)
    expect(diffExposuresSummaries(before, summaryOf(points, excluded))).toMatchObject({
      possible: false,
      reason,
    })
  })

  test('under first-seen an identity may change its variant, but is never lost', () => {
    const before = summaryOf({ '2026-06-01': { a: 1 }, '2026-06-02': { a: 5 } })
    const after = summaryOf({ '2026-06-01': { a: 1, b: 2 }, '2026-06-02': { a: 3 } })
    expect(diffExposuresSummaries(before, after).reason).toBe('counted-fell')
    const firstSeen = { multiVariant: 'first-seen' } as const
    expect(diffExposuresSummaries(before, after, firstSeen)).toMatchObject({
      possible: true,
      movedToExcluded: 0,
    })
    expect(diffExposuresSummaries(after, before, firstSeen).reason).toBe('counted-fell')
    expect(() => diffExposuresSummaries(before, summaryOf({}, 1), firstSeen)).toThrow(
      expect.objectContaining({ code: 'incompatible-summaries' }),
    )
  })

  test('hours are added up to days where the later side is by the day', () => {
    const before = summaryOf(
      {
        '2026-03-28T23:00:00Z': { control: 1 },
        '2026-03-29T21:00:00Z': { control: 2 },
        '2026-03-29T22:00:00Z': { control: 4 },
      },
      0,
      { granularity: 'hour', timeZone: 'Europe/Madrid' },
    )
    const after = summaryOf(
      { '2026-03-28T23:00:00Z': { control: 3 }, '2026-03-29T22:00:00Z': { control: 5 } },
      0,
      {
        granularity: 'day',
        timeZone: 'Europe/Madrid',
      },
    )
    expect(diffExposuresSummaries(before, after)).toMatchObject({
      granularity: 'day',
      possible: true,
      newIdentities: 1,
      points: [{ bucket: '2026-03-29T22:00:00.000Z', closed: false, change: { control: 1 } }],
    })
    expect(diffExposuresSummaries(summaryOf({}), summaryOf({}, 0, { granularity: 'hour' })).reason).toBe(
      'window-shrank',
    )
  })

  test('prototype keys are keys, and the answer is frozen', () => {
    const counts = Object.fromEntries([['__proto__', 2]])
    const diff = diffExposuresSummaries(summaryOf({}), summaryOf({ '2026-06-01': counts }))
    expect(diff.variants).toEqual([{ variant: '__proto__', before: 0, after: 2, movedToExcluded: 0 }])
    expect(Object.entries(diff.points[0]?.change ?? {})).toEqual([['__proto__', 2]])
    expect([diff, diff.points, diff.points[0]?.change, diff.variants[0]].every(Object.isFrozen)).toBe(true)
  })

  test('misuse', () => {
    const utc = summaryOf({})
    const madrid = summaryOf({}, 0, { granularity: 'day', timeZone: 'Europe/Madrid' })
    expect(() => diffExposuresSummaries(utc, madrid)).toThrow(
      expect.objectContaining({ code: 'incompatible-summaries' }),
    )
    expect(() => diffExposuresSummaries(utc, undefined as never)).toThrow(
      expect.objectContaining({ code: 'malformed-summary' }),
    )
    const disordered = structuredClone(summaryOf({ '2026-06-01': { a: 1 }, '2026-06-02': { a: 1 } }))
    ;(disordered.timeseries.points as unknown[]).reverse()
    expect(() => diffExposuresSummaries(disordered, disordered)).toThrow(
      expect.objectContaining({ code: 'malformed-summary' }),
    )
    expect(() => diffExposuresSummaries(utc, utc, { multiVariant: 'exclude' as never })).toThrow(
      expect.objectContaining({ code: 'invalid-spec' }),
    )
  })
})

describe('summaries that were stored and read again', () => {
  const read = (...points: readonly (readonly [hour: number, newIdentities: object])[]): ExposuresSummary =>
    ({
      excludedIdentities: 0,
      timeseries: {
        granularity: 'hour',
        timeZone: 'UTC',
        points: points.map(([hour, newIdentities]) => ({
          bucket: new Date(Date.UTC(2026, 5, 1, hour)).toISOString(),
          newIdentities,
        })),
      },
    }) as ExposuresSummary

  test('are compared by the hour, variants in the order of their keys, whatever the order in the store', () => {
    const diff = diffExposuresSummaries(read([1, { b: 1, c: 1, a: 1 }]), read([1, { c: 2, b: 2, a: 2 }]))
    expect(diff.granularity).toBe('hour')
    expect(diff.variants.map(({ variant }) => variant)).toEqual(['a', 'b', 'c'])
    expect(diff.points.map(({ bucket, change }) => [bucket, Object.keys(change)])).toEqual([
      ['2026-06-01T01:00:00.000Z', ['a', 'b', 'c']],
    ])
  })

  test('a bucket of zeros closes no bucket before it', () => {
    const before = read([1, { a: 1 }], [2, { a: 0 }])
    expect(diffExposuresSummaries(before, read([1, { a: 2 }]))).toMatchObject({
      lateArrivals: 0,
      points: [{ closed: false, change: { a: 1 } }],
    })
    expect(diffExposuresSummaries(read([1, { a: 1 }], [2, { a: 1 }]), read([1, { a: 3 }]))).toMatchObject({
      lateArrivals: 2,
    })
  })
})
