import fc from 'fast-check'
import {
  mergeExposuresSummaries,
  summarizeExposures,
  type ExposureBucket,
  type ExposuresSummary,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { dailyBuckets } from '../../arbitraries/exposure-buckets.js'
import { runs } from '../../arbitraries/runs.js'

const summarize = (buckets: readonly ExposureBucket[]): ExposuresSummary =>
  summarizeExposures(buckets, { granularity: 'day' })
const numRuns = runs(300)

describe('a summary', () => {
  test('adds up to its buckets, and does not care for their order', () => {
    fc.assert(
      fc.property(
        dailyBuckets.chain((buckets) =>
          fc.tuple(fc.constant(buckets), fc.shuffledSubarray(buckets, { minLength: buckets.length })),
        ),
        ([buckets, shuffled]) => {
          const summary = summarize(buckets)
          const sum = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0)
          expect(summary.excludedIdentities).toBe(
            sum(buckets.filter((b) => b.quarantined).map((b) => b.newIdentities)),
          )
          expect(sum(summary.timeseries.points.flatMap((p) => Object.values(p.newIdentities)))).toBe(
            sum(buckets.filter((b) => !b.quarantined).map((b) => b.newIdentities)),
          )
          expect(JSON.stringify(summarize(shuffled))).toBe(JSON.stringify(summary))
        },
      ),
      { numRuns },
    )
  })

  test('is chronological, sparse, frozen through and through, and survives JSON', () => {
    fc.assert(
      fc.property(dailyBuckets, (buckets) => {
        const summary = summarize(buckets)
        const starts = summary.timeseries.points.map((p) => p.bucket)
        expect(starts).toEqual([...new Set(starts)].sort())
        for (const { newIdentities } of summary.timeseries.points) {
          expect(Object.values(newIdentities).every((count) => count > 0)).toBe(true)
          expect(Object.keys(newIdentities).length).toBeGreaterThan(0)
        }
        expect(isDeepFrozen(summary)).toBe(true)
        expect(JSON.parse(JSON.stringify(summary))).toStrictEqual(summary)
      }),
      { numRuns },
    )
  })
})

describe('mergeExposuresSummaries', () => {
  test('of the parts is the summary of the whole, in any order and grouping', () => {
    fc.assert(
      fc.property(dailyBuckets, dailyBuckets, dailyBuckets, (a, b, c) => {
        const [x, y, z] = [summarize(a), summarize(b), summarize(c)]
        const whole = JSON.stringify(summarize([...a, ...b, ...c]))
        expect(JSON.stringify(mergeExposuresSummaries(x, y, z))).toBe(whole)
        expect(JSON.stringify(mergeExposuresSummaries(z, mergeExposuresSummaries(y, x)))).toBe(whole)
        expect(mergeExposuresSummaries(x)).toStrictEqual(x)
      }),
      { numRuns },
    )
  })

  test('refuses summaries that were asked differently, and none at all', () => {
    const hourly = summarizeExposures([], { granularity: 'hour' })
    const madrid = summarizeExposures([], { granularity: 'day', timeZone: 'Europe/Madrid' })
    for (const parts of [[], [summarize([]), hourly], [summarize([]), madrid]]) {
      expect(() => mergeExposuresSummaries(...parts)).toThrow(
        expect.objectContaining({ code: 'incompatible-summaries' }),
      )
    }
  })
})

function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen)
}
