import { expect, test } from 'vitest'
import * as fc from 'fast-check'
import { exposureWindow, summarizeExposures } from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
import {
  bucketsOf,
  exposureLog,
  firstExposures,
  logStartMs,
  utcBucketStart,
} from '../arbitraries/exposure-log.js'
import { runs } from '../arbitraries/runs.js'

const at = (record: Readonly<Record<string, number>> | undefined, key: string): number =>
  record !== undefined && Object.hasOwn(record, key) ? (record[key] ?? NaN) : NaN

test('running totals end in the totals, totals sum to the headline, headline and excluded to everyone seen', () => {
  fc.assert(
    fc.property(
      exposureLog,
      fc.integer({ min: 1, max: 110 * 3_600_000 }),
      fc.constantFrom('hour' as const, 'day' as const),
      fc.record(
        {
          variants: fc.uniqueArray(fc.constantFrom('control', 'a', 'b', 'never', '__proto__', '7')),
          control: fc.constantFrom('a', 'elsewhere', '__proto__'),
          fillGaps: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
      fc.boolean(),
      (log, lengthMs, granularity, options, withWindow) => {
        const window = exposureWindow(logStartMs, logStartMs + lengthMs)
        const entries = firstExposures(log, window)
        const summary = summarizeExposures(bucketsOf(entries, utcBucketStart(granularity)), { granularity })
        const view = exposuresView(summary, { ...options, ...(withWindow ? { window } : {}) })

        const seen = [...entries.values()]
        expect(view.total + view.excludedIdentities).toBe(seen.length)
        expect(view.excludedShare).toBe(
          seen.length === 0 ? 0 : seen.filter(({ variant }) => variant === null).length / seen.length,
        )
        expect(view.variants.reduce((sum, { total }) => sum + total, 0)).toBe(view.total)
        expect(view.variants.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(
          view.total === 0 ? 0 : 1,
          12,
        )
        expect(new Set(view.variants.map(({ key }) => key)).size).toBe(view.variants.length)

        for (const { key, total } of view.variants) {
          expect(total).toBe(seen.filter(({ variant }) => variant === key).length)
          let running = 0
          for (const point of view.points) {
            const [start, end] = [Date.parse(point.start), Date.parse(point.end)]
            const entered = seen.filter((e) => e.variant === key && e.atMs >= start && e.atMs < end).length
            expect(at(point.newIdentities, key)).toBe(entered)
            running += entered
            expect(at(point.runningTotals, key)).toBe(running)
          }
          expect(running).toBe(total)
        }
        for (const point of view.points)
          expect(Object.keys(point.newIdentities)).toHaveLength(view.variants.length)
        const [ends, starts] = [view.points.map(({ end }) => end), view.points.map(({ start }) => start)]
        expect(starts.slice(1).every((start, index) => start >= (ends[index] ?? ''))).toBe(true)
        expect(
          options.fillGaps !== true || starts.slice(1).every((start, index) => start === ends[index]),
        ).toBe(true)
      },
    ),
    { numRuns: runs(300) },
  )
})
