import { afterAll, describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import {
  diffExposuresSummaries,
  exposureWindow,
  summarizeExposures,
  type ExposuresSummary,
  type Granularity,
} from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
import { runs } from '../arbitraries/runs.js'
import { openEngineBucketStarts } from './engine-bucket-starts.js'

const engine = await openEngineBucketStarts()
afterAll(async () => engine?.close())

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const fromMs = Date.UTC(2000, 0, 1)
const toMs = Date.UTC(2035, 11, 1)

/**
 * Buckets at which the engine's time zone database and this platform's are known to differ. The engine's counts,
 * because it made the summary's buckets; a new entry names the zone and the bucket, once both were looked at.
 */
const knownDifferences: ReadonlySet<string> = new Set<string>([])

// ClickHouse knows zones by their tz database names; the list of the platform lacks the one that is the default.
const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC']

/** Every change of a zone's offset from 2000 to 2035, to the second. */
function transitionsOf(timeZone: string): readonly number[] {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  const offset = (instantMs: number): string => format.format(instantMs).split('GMT')[1] ?? ''
  const found: number[] = []
  const stepMs = 10 * dayMs
  let before = offset(fromMs)
  for (let earlier = fromMs; earlier < toMs; earlier += stepMs) {
    let [low, high] = [earlier, earlier + stepMs]
    const after = offset(high)
    if (after === before) continue
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000
      if (offset(middle) === before) low = middle
      else high = middle
    }
    found.push(high)
    before = after
  }
  return found
}
// Known once for both granularities: looking for them takes longer than what is done with them.
const transitions = new Map(engine === undefined ? [] : zones.map((zone) => [zone, transitionsOf(zone)]))

/** Windows of some days at any time, more often than not around a change of the clock. */
function windowsIn(timeZone: string): fc.Arbitrary<readonly { startMs: number; asOfMs: number }[]> {
  const changes = transitions.get(timeZone) ?? []
  const anywhere = fc.integer({ min: fromMs, max: toMs })
  const nearTransition =
    changes.length === 0
      ? anywhere
      : fc
          .tuple(fc.constantFrom(...changes), fc.integer({ min: -40 * hourMs, max: 4 * hourMs }))
          .map(([transition, shift]) => transition + shift)
  return fc.array(
    fc
      .tuple(
        fc.oneof({ weight: 1, arbitrary: anywhere }, { weight: 4, arbitrary: nearTransition }),
        fc.nat(60),
      )
      .map(([startMs, hours]) => ({ startMs, asOfMs: startMs + 1 + hours * hourMs })),
    { minLength: 8, maxLength: 8 },
  )
}

describe.skipIf(engine === undefined)('bucket starts (on the embedded ClickHouse, chdb)', () => {
  test.each(['hour', 'day'] as const)(
    'every bucket of every zone, by the %s, is the engine’s own',
    async (granularity: Granularity) => {
      for (const timeZone of zones) {
        const nobody = summarizeExposures([], { granularity, timeZone })
        await fc.assert(
          fc.asyncProperty(windowsIn(timeZone), async (windows) => {
            const buckets = windows.flatMap(({ startMs, asOfMs }) => {
              const { points } = exposuresView(nobody, {
                window: exposureWindow(new Date(startMs), new Date(asOfMs)),
                fillGaps: true,
              })
              const [first, last] = [points.at(0), points.at(-1)]
              expect(Date.parse(first?.start ?? '')).toBeLessThanOrEqual(startMs)
              expect(Date.parse(first?.end ?? '')).toBeGreaterThan(startMs)
              expect(Date.parse(last?.start ?? '')).toBeLessThan(asOfMs)
              expect(Date.parse(last?.end ?? '')).toBeGreaterThanOrEqual(asOfMs)
              expect(points.slice(1).map(({ start }) => start)).toEqual(
                points.slice(0, -1).map(({ end }) => end),
              )
              return points.map(({ start, end }) => [Date.parse(start), Date.parse(end)] as const)
            })
            // A bucket is right when its first and its last second, and one between, are in it and nowhere else.
            const probes = buckets.flatMap(([start, end]) => [start, (start + end) / 2, end - 1000])
            const starts = (await engine?.of(probes, granularity, timeZone)) ?? []
            expect(starts).toHaveLength(probes.length)
            const wrong = probes.flatMap((probe, index) => {
              const ours = buckets[Math.floor(index / 3)]?.[0] ?? NaN
              const difference = `${timeZone} ${granularity} ${new Date(ours).toISOString()}`
              return starts[index] === ours || knownDifferences.has(difference)
                ? []
                : [`${difference}: the engine puts ${new Date(probe).toISOString()} at ${starts[index]}`]
            })
            expect(wrong).toEqual([])
          }),
          { numRuns: runs(1) },
        )
      }
    },
    runs(300_000),
  )

  test(
    'hours added up by local day are the days of every zone',
    async () => {
      for (const timeZone of zones) {
        await fc.assert(
          fc.asyncProperty(windowsIn(timeZone), async (windows) => {
            // One identity a quarter of an hour, and one at each edge.
            const firstExposures = windows.flatMap(({ startMs, asOfMs }) => [
              ...Array.from(
                { length: 1 + (asOfMs - startMs) / 900_000 },
                (_, step) => startMs + step * 900_000,
              ),
              asOfMs,
            ])
            const summaryBy = async (granularity: Granularity): Promise<ExposuresSummary> =>
              summarizeExposures(
                ((await engine?.of(firstExposures, granularity, timeZone)) ?? []).map((bucketMs) => ({
                  quarantined: false,
                  variant: 'control',
                  bucketMs,
                  newIdentities: 1,
                })),
                { granularity, timeZone },
              )
            const [hours, days] = [await summaryBy('hour'), await summaryBy('day')]
            expect(hours.timeseries.points.length).toBeGreaterThan(0)
            // By which hours and days agree: nothing is new, and nothing came late.
            expect(diffExposuresSummaries(hours, days), timeZone).toMatchObject({
              possible: true,
              lateArrivals: 0,
              points: [],
            })
          }),
          { numRuns: runs(1) },
        )
      }
    },
    runs(300_000),
  )
})
