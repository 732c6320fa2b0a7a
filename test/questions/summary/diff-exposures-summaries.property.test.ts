import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import {
  diffExposuresSummaries,
  exposureWindow,
  summarizeExposures,
  type ExposuresSummary,
  type Granularity,
} from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
import {
  bucketsOf,
  exposureLog,
  firstExposures,
  logStartMs,
  utcBucketStart,
} from '../../arbitraries/exposure-log.js'
import { runs } from '../../arbitraries/runs.js'

const hourMs = 3_600_000
const policies = ['quarantine', 'first-seen'] as const

describe('a refresh of growing data', () => {
  // A log in the order of arrival, how much of it the first refresh saw, and both refreshes' asOf.
  const refreshes = fc.record({
    log: exposureLog,
    arrived: fc.double({ min: 0, max: 1, noNaN: true }),
    asOf: fc.tuple(fc.integer({ min: 1, max: 120 * hourMs }), fc.integer({ min: 1, max: 120 * hourMs })),
    granularity: fc.constantFrom<Granularity>('hour', 'day'),
  })

  test.each(policies)('is always possible, and its figures are what happened (%s)', (multiVariant) => {
    fc.assert(
      fc.property(refreshes, ({ log, arrived, asOf, granularity }) => {
        const [first, second] = asOf
          .toSorted((a, b) => a - b)
          .map((ms) => exposureWindow(logStartMs, logStartMs + ms))
        if (first === undefined || second === undefined) throw new Error('two windows')
        const earlier = firstExposures(log.slice(0, Math.floor(arrived * log.length)), first, multiVariant)
        const later = firstExposures(log, second, multiVariant)
        const startOf = utcBucketStart(granularity)
        const summary = (entries: typeof later): ExposuresSummary =>
          summarizeExposures(bucketsOf(entries, startOf), { granularity })
        const diff = diffExposuresSummaries(summary(earlier), summary(later), { multiVariant })

        expect(diff).toMatchObject({ possible: true, reason: null })
        const [ids, idsBefore] = [[...later.keys()], new Set(earlier.keys())]
        expect(diff.newIdentities).toBe(ids.filter((id) => !idsBefore.has(id)).length)
        const excludedNow = ids.filter(
          (id) => later.get(id)?.variant === null && earlier.get(id)?.variant !== null,
        )
        expect(diff.newlyExcluded).toBe(excludedNow.length)

        for (const { variant, before, after, movedToExcluded } of diff.variants) {
          const counted = (entries: typeof later): number =>
            [...entries.values()].filter((entry) => entry.variant === variant).length
          expect([before, after]).toEqual([counted(earlier), counted(later)])
          const moved = excludedNow.filter((id) => earlier.get(id)?.variant === variant).length
          expect(movedToExcluded).toBeLessThanOrEqual(moved)
          expect(movedToExcluded).toBeGreaterThanOrEqual(multiVariant === 'quarantine' ? before - after : 0)
        }

        const lastBefore = Math.max(
          -Infinity,
          ...[...earlier.values()].filter(({ variant }) => variant !== null).map(({ atMs }) => startOf(atMs)),
        )
        const late = ids.filter((id) => {
          const [was, is] = [earlier.get(id), later.get(id)]
          return (
            is !== undefined &&
            is.variant !== null &&
            startOf(is.atMs) < lastBefore &&
            (was === undefined || was.variant !== is.variant || startOf(was.atMs) !== startOf(is.atMs))
          )
        })
        expect(diff.lateArrivals).toBeLessThanOrEqual(late.length)
        for (const { bucket, closed, change } of diff.points) {
          expect(closed).toBe(Date.parse(bucket) < lastBefore)
          expect(Object.values(change)).not.toContain(0)
        }
      }),
      { numRuns: runs(400) },
    )
  })
})

describe('possible', () => {
  interface Counted {
    readonly variant: string
    readonly day: number
  }
  const side = fc.record({
    counted: fc.array(fc.record({ variant: fc.constantFrom('a', 'b'), day: fc.nat(2) }), { maxLength: 5 }),
    excluded: fc.nat(3),
  })

  /** By trying them all: can every identity of before be found again where the policy lets it go? */
  function canBecome(
    before: readonly Counted[],
    after: readonly Counted[],
    exclusions: number,
    anyVariant: boolean,
  ): boolean {
    const [identity, ...others] = before
    if (identity === undefined) return exclusions >= 0
    if (exclusions > 0 && canBecome(others, after, exclusions - 1, anyVariant)) return true
    return after.some(
      ({ variant, day }, index) =>
        (anyVariant || variant === identity.variant) &&
        day <= identity.day &&
        canBecome(others, after.toSpliced(index, 1), exclusions, anyVariant),
    )
  }

  test.each(policies)(
    'says yes exactly when some history leads from one to the other (%s)',
    (multiVariant) => {
      const answers = new Set<boolean>()
      fc.assert(
        fc.property(side, side, (before, after) => {
          const excluded = (one: typeof before): number => (multiVariant === 'quarantine' ? one.excluded : 0)
          const summary = (one: typeof before): ExposuresSummary =>
            summarizeExposures(
              [
                { quarantined: true, variant: null, bucketMs: 0, newIdentities: excluded(one) },
                ...one.counted.map(({ variant, day }) => ({
                  quarantined: false as const,
                  variant,
                  bucketMs: logStartMs + day * 24 * hourMs,
                  newIdentities: 1,
                })),
              ],
              { granularity: 'day' },
            )
          const exclusions = excluded(after) - excluded(before)
          const expected =
            exclusions >= 0 &&
            canBecome(before.counted, after.counted, exclusions, multiVariant === 'first-seen')
          answers.add(expected)
          expect(diffExposuresSummaries(summary(before), summary(after), { multiVariant }).possible).toBe(
            expected,
          )
        }),
        { numRuns: runs(500) },
      )
      expect(answers.size).toBe(2)
    },
  )
})

/** Where the buckets of a zone start, from a day before an instant to some days after it. */
function startsIn(timeZone: string, granularity: Granularity, fromMs: number): (ms: number) => number {
  const { points } = exposuresView(summarizeExposures([], { granularity, timeZone }), {
    window: exposureWindow(fromMs - 24 * hourMs, fromMs + 200 * hourMs),
    fillGaps: true,
  })
  const starts = points.map(({ start }) => Date.parse(start))
  return (ms) => starts.findLast((start) => start <= ms) ?? NaN
}

test('comparing hours with days is comparing days with days, in every time zone', () => {
  const zones = [
    ['UTC', logStartMs],
    ['Europe/Madrid', Date.UTC(2026, 2, 28)],
    ['America/Havana', Date.UTC(2026, 9, 31)],
    ['Africa/Cairo', Date.UTC(2026, 3, 23)],
    ['Australia/Lord_Howe', Date.UTC(2026, 3, 4)],
    ['Australia/Lord_Howe', Date.UTC(2026, 9, 3)],
    ['Asia/Kathmandu', logStartMs],
    ['America/Sao_Paulo', Date.UTC(2018, 10, 3)],
    ['Pacific/Apia', Date.UTC(2011, 11, 29)],
  ] as const
  const startOf = new Map(
    zones.flatMap(([timeZone, fromMs]) =>
      (['hour', 'day'] as const).map((granularity) => [
        `${timeZone} ${fromMs} ${granularity}`,
        startsIn(timeZone, granularity, fromMs),
      ]),
    ),
  )
  fc.assert(
    fc.property(fc.constantFrom(...zones), exposureLog, exposureLog, ([timeZone, fromMs], before, after) => {
      const window = exposureWindow(logStartMs, logStartMs + 120 * hourMs)
      const summary = (log: typeof before, granularity: Granularity): ExposuresSummary =>
        summarizeExposures(
          bucketsOf(
            firstExposures(log, window),
            (ms) => startOf.get(`${timeZone} ${fromMs} ${granularity}`)?.(ms - logStartMs + fromMs) ?? NaN,
          ),
          { granularity, timeZone },
        )
      const days = diffExposuresSummaries(summary(before, 'day'), summary(after, 'day'))
      expect(diffExposuresSummaries(summary(before, 'hour'), summary(after, 'day'))).toEqual(days)
    }),
    { numRuns: runs(300) },
  )
})
