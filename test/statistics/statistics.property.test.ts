import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  crossoverBias,
  excludedRatio,
  sampleRatio,
  sampleRatioBySlice,
  sequentialSampleRatio,
} from 'first-exposure/statistics'
// Inside the package only: where a bucket ends.
import { timedSteps } from '../../src/statistics/counts.js'
import { bucketAxis } from '../../src/time/local-days.js'
import { runs } from '../arbitraries/runs.js'

const key = fc.oneof(
  fc.constantFrom('a', 'b', '__proto__', 'constructor', '', '1'),
  fc.string({ maxLength: 4 }),
)
const count = fc.oneof(fc.nat(10), fc.nat(100_000), fc.nat({ max: 2 ** 40 }))
const weight = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }))
const anyNumber = fc.oneof(count, fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 5e-324, 1.7e308))

const uniqueBy = <Value>(value: fc.Arbitrary<Value>, minLength: number): fc.Arbitrary<[string, Value][]> =>
  fc.uniqueArray(fc.tuple(key, value), { selector: ([variant]) => variant, minLength, maxLength: 6 })

/** Two arms or more, each with a count and a share above 0. */
const arms = uniqueBy(fc.tuple(count, fc.integer({ min: 1, max: 100 })), 2)
const observedOf = (arms: [string, [number, number]][]) =>
  Object.fromEntries(arms.map(([variant, [count]]) => [variant, count]))
const expectedOf = (arms: [string, [number, number]][], scale = 1) =>
  Object.fromEntries(arms.map(([variant, [, weight]]) => [variant, weight * scale]))

const step = (day: number) => new Date(Date.UTC(2026, 5, 1 + day)).toISOString()
const stepsOf = (increments: readonly Record<string, number>[]) =>
  increments.map((newIdentities, day) => ({ start: step(day), newIdentities }))

const near = (a: number | null, b: number | null, tolerance: number): boolean =>
  a === b || Math.abs((a ?? NaN) - (b ?? NaN)) <= tolerance * Math.max(1e-300, Math.abs(a ?? NaN))

const shuffled = <Item>(items: readonly Item[], stream: fc.Stream<number>): Item[] =>
  items
    .map((item) => ({ item, at: stream.next().value as number }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)

/** A part of a breakdown, of a few days with few arms: often wrong, sometimes too small, rarely no count. */
const cell = fc.oneof(
  { arbitrary: fc.integer({ min: 400, max: 600 }), weight: 25 },
  { arbitrary: fc.nat(30), weight: 12 },
  { arbitrary: fc.constant(0), weight: 12 },
  { arbitrary: fc.constant(NaN), weight: 1 },
)
const increment = fc.array(cell, { minLength: 3, maxLength: 3 }).map(([a = 0, b = 0, c = 0]) => ({ a, b, c }))
const summary = fc.array(increment, { maxLength: 4 }).map((increments) => ({
  timeseries: {
    granularity: 'day' as const,
    timeZone: 'UTC',
    points: increments.map((newIdentities, day) => ({ bucket: step(day), newIdentities })),
  },
}))
const phase = fc.record({
  from: fc.integer({ min: 0, max: 8 }).map((half) => Date.UTC(2026, 5, 1, 12 * half)),
  shares: fc.record({ a: fc.nat(9), b: fc.nat(9), c: fc.nat(9) }),
})
const phases = fc.uniqueArray(phase, { selector: ({ from }) => from, minLength: 1, maxLength: 4 })

/** Plain data that JSON gives back as it is: no NaN or Infinity, and nothing left to change. */
function expectPlain(value: unknown): void {
  expect(JSON.parse(JSON.stringify(value))).toEqual(value)
  const frozen = (part: unknown): boolean =>
    typeof part !== 'object' || part === null || (Object.isFrozen(part) && Object.values(part).every(frozen))
  expect(frozen(value)).toBe(true)
}

describe('sampleRatio', () => {
  test('any numbers at all: plain data, p within 0 and 1, consistent only with a finite p at or above 0.001', () => {
    fc.assert(
      fc.property(uniqueBy(anyNumber, 0), uniqueBy(fc.oneof(weight, anyNumber), 0), (observed, expected) => {
        const result = sampleRatio(Object.fromEntries(observed), Object.fromEntries(expected))
        expectPlain(result)
        const { status, pValue, statistic, arms, reason } = result
        if (pValue !== null) expect(pValue >= 0 && pValue <= 1).toBe(true)
        if (statistic !== null) expect(statistic >= 0 && Number.isFinite(statistic)).toBe(true)
        expect(status === 'consistent').toBe(reason === undefined)
        if (status === 'consistent') {
          expect((pValue ?? NaN) >= 0.001).toBe(true)
          for (const [, number] of [...observed, ...expected]) expect(Number.isFinite(number)).toBe(true)
        }
        if (status !== 'not-computable') {
          // Every identity is in one number: an arm's, or the strays'.
          const { strays } = result
          const total = observed.reduce((sum, [, count]) => sum + count, 0)
          const inArms = arms.reduce((sum, { observed }) => sum + observed, 0)
          expect(near(total, inArms + strays.identities, 1e-12)).toBe(true)
          expect(strays.status === 'none').toBe(strays.identities === 0)
          expect(new Set(arms.map(({ variant }) => variant)).size).toBe(arms.length)
          for (const { interval, share, detectable, expectedShare } of arms) {
            if (interval === null || share === null || expectedShare === null) continue
            expect(interval.low <= share && share <= interval.high).toBe(true)
            if (detectable.below !== null) expect(detectable.below).toBeLessThan(expectedShare)
            if (detectable.above !== null) expect(detectable.above).toBeGreaterThan(expectedShare)
          }
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('the order of the variants changes nothing, to the last bit', () => {
    fc.assert(
      fc.property(arms, fc.infiniteStream(fc.nat()), (arms, stream) => {
        const shuffled = arms
          .map((arm) => ({ arm, at: stream.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ arm }) => arm)
        const byVariant = (result: ReturnType<typeof sampleRatio>) => ({
          ...result,
          arms: [...result.arms].sort((a, b) => (a.variant < b.variant ? -1 : 1)),
        })
        expect(byVariant(sampleRatio(observedOf(shuffled), expectedOf(shuffled)))).toEqual(
          byVariant(sampleRatio(observedOf(arms), expectedOf(arms))),
        )
      }),
      { numRuns: runs(300) },
    )
  })

  test('the sum of the expected shares changes nothing', () => {
    fc.assert(
      fc.property(arms, fc.double({ min: 1e-9, max: 1e9, noNaN: true }), (arms, scale) => {
        const observed = observedOf(arms)
        const one = sampleRatio(observed, expectedOf(arms))
        const other = sampleRatio(observed, expectedOf(arms, scale))
        expect(other.status).toBe(one.status)
        one.arms.forEach(({ expected }, i) =>
          expect(near(expected, other.arms[i]?.expected ?? null, 1e-14)).toBe(true),
        )
      }),
      { numRuns: runs(300) },
    )
  })

  test('is Pearson’s statistic, its parts sum to 1, and the expected counts to the observed', () => {
    fc.assert(
      fc.property(arms, (arms) => {
        const result = sampleRatio(observedOf(arms), expectedOf(arms))
        const total = arms.reduce((sum, [, [count]]) => sum + count, 0)
        fc.pre(total > 0)
        const weights = arms.reduce((sum, [, [, weight]]) => sum + weight, 0)
        // Σ o² / e − N, the same number by another road; it cancels where the fit is good.
        const statistic =
          arms.reduce((sum, [, [count, weight]]) => sum + count ** 2 / ((total * weight) / weights), 0) -
          total
        expect(Math.abs((result.statistic ?? NaN) - statistic)).toBeLessThanOrEqual(
          1e-9 * statistic + 1e-13 * total,
        )
        expect(result.degreesOfFreedom).toBe(arms.length - 1)
        const sumOf = (name: 'expected' | 'statisticShare') =>
          result.arms.reduce((sum, arm) => sum + (arm[name] ?? NaN), 0)
        expect(near(total, sumOf('expected'), 1e-13)).toBe(true)
        expect(near(result.statistic === 0 ? 0 : 1, sumOf('statisticShare'), 1e-13)).toBe(true)
      }),
      { numRuns: runs(300) },
    )
  })

  test('identities in no arm, and variants that are left out, change nothing but what is said of them', () => {
    fc.assert(
      fc.property(arms, fc.integer({ min: 1, max: 5 }), fc.boolean(), (arms, stray, listed) => {
        const observed = Object.fromEntries([...Object.entries(observedOf(arms)), ['stray variant', stray]])
        const expected = { ...expectedOf(arms), ...(listed ? { 'stray variant': 0 } : {}) }
        const alone = sampleRatio(observedOf(arms), expectedOf(arms))
        const result = sampleRatio(observed, expected)
        expect({ ...result, strays: alone.strays }).toEqual(alone)
        expect(result.strays.reason).toContain(`"stray variant" (${stray})`)
        const leftOut = sampleRatio(
          observed,
          { ...expected, 'stray variant': 50 },
          { leaveOut: ['stray variant'] },
        )
        expect({ ...leftOut, leftOut: [] }).toEqual(alone)
        expect(leftOut.leftOut).toEqual([{ variant: 'stray variant', identities: stray }])
      }),
      { numRuns: runs(100) },
    )
  })
})

describe('sequentialSampleRatio', () => {
  test('any numbers at all: plain data, a running p within 0 and 1, consistent only with numbers', () => {
    fc.assert(
      fc.property(
        fc.array(uniqueBy(fc.oneof(count, count, anyNumber), 0), { maxLength: 5 }),
        uniqueBy(fc.oneof(weight, weight, anyNumber), 0),
        fc.double({ min: 0, minExcluded: true, max: 1e9, noNaN: true }),
        (increments, expected, concentration) => {
          const steps = stepsOf(increments.map((entries) => Object.fromEntries(entries)))
          const result = sequentialSampleRatio(steps, Object.fromEntries(expected), { concentration })
          expectPlain(result)
          const numbers = [...increments.flat(), ...expected].map(([, number]) => number)
          if (result.status === 'consistent') {
            expect(numbers.every((number) => Number.isFinite(number) && number >= 0)).toBe(true)
            expect(result.pValue).toBeGreaterThanOrEqual(0.001)
            expect(result.path.every(({ logBayesFactor }) => Number.isFinite(logBayesFactor))).toBe(true)
          }
          let before = 1
          for (const { pValue } of result.path) {
            expect(pValue >= 0 && pValue <= before).toBe(true)
            before = pValue
          }
          expect(result.status === 'consistent').toBe(result.reason === undefined)
          expect(result.path).toHaveLength(result.status === 'not-computable' ? 0 : steps.length)
        },
      ),
      { numRuns: runs(500) },
    )
  })

  test('buckets join up: the last Bayes factor is that of all counts in one, and a look ahead changes no look before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(5000), fc.nat(5000), fc.nat(5000)), { minLength: 1, maxLength: 8 }),
        fc.tuple(
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 9 }),
        ),
        (increments, [a, b, c]) => {
          const record = ([a, b, c]: readonly [number, number, number]) => ({ a, b, c })
          const steps = stepsOf(increments.map(record))
          const expected = { a, b, c }
          const whole = sequentialSampleRatio(steps, expected)
          const sums = increments.reduce(([a, b, c], [d, e, f]) => [a + d, b + e, c + f], [0, 0, 0])
          const one = sequentialSampleRatio(stepsOf([record(sums)]), expected)
          expect(whole.logBayesFactor).toBe(one.logBayesFactor)
          expect(sequentialSampleRatio(steps.slice(0, -1), expected).path).toEqual(whole.path.slice(0, -1))
          // The order of the arms moves nothing but rounding.
          const reversed = sequentialSampleRatio(steps, { c, b, a })
          expect(Math.abs((reversed.logBayesFactor ?? NaN) - (whole.logBayesFactor ?? NaN))).toBeLessThan(
            1e-8,
          )
        },
      ),
      { numRuns: runs(200) },
    )
  })
})

describe('sampleRatio with phases', () => {
  test('one phase over everything is the plain test, to the last bit, in all it says', () => {
    fc.assert(
      fc.property(
        fc.array(uniqueBy(count, 0), { maxLength: 4 }),
        uniqueBy(fc.oneof(weight, anyNumber), 0),
        fc.option(fc.constantFrom(-1e12, Date.UTC(2026, 5, 2, 3)), { nil: undefined }),
        (increments, expected, from) => {
          const steps = stepsOf(increments.map((entries) => Object.fromEntries(entries)))
          const shares = Object.fromEntries(expected)
          const totals = new Map<string, number>()
          for (const [variant, count] of increments.flat()) {
            totals.set(variant, (totals.get(variant) ?? 0) + count)
          }
          const plain = sampleRatio(Object.fromEntries(totals), shares)
          const phase = from === undefined ? { shares } : { from, shares }
          const reasonless = (result: typeof plain) => ({ ...result, reason: undefined })
          // A bucket's name is in its reason.
          expect(reasonless(sampleRatio(steps, [phase]))).toEqual(reasonless(plain))
          expect(reasonless(sampleRatio(steps, shares))).toEqual(reasonless(plain))
          expect(sequentialSampleRatio(steps, [phase])).toEqual(sequentialSampleRatio(steps, shares))
        },
      ),
      { numRuns: runs(300) },
    )
  })

  test('any phases: plain data, each identity in one number, and the sum of what the phases say by themselves', () => {
    fc.assert(
      fc.property(summary, phases, fc.nat(150), (observed, phases, minimumTotal) => {
        const result = sampleRatio(observed, phases, { minimumTotal })
        expectPlain(result)
        fc.pre(result.status !== 'not-computable')
        const { points } = observed.timeseries
        const total = points
          .flatMap(({ newIdentities }) => Object.values(newIdentities))
          .reduce((a, b) => a + b, 0)
        const inArms = result.arms.reduce((sum, { observed }) => sum + observed, 0)
        expect(inArms + (result.unjudgedIdentities ?? 0) + result.strays.identities).toBe(total)
        expect(result.unjudgedIdentities).not.toBe(0)

        // The same by another road: for each phase the plain test of the days that lie within it.
        const byTime = phases.toSorted((a, b) => a.from - b.from)
        const dayMs = 86_400_000
        const parts = byTime.map(({ shares }, place) => {
          const from = place === 0 ? -Infinity : (byTime[place]?.from ?? NaN)
          const until = byTime[place + 1]?.from ?? Infinity
          const within = points.filter(({ bucket }) => {
            const startMs = Date.parse(bucket)
            return startMs >= from && startMs + dayMs <= until
          })
          const sum = (variant: 'a' | 'b' | 'c') =>
            within.reduce((sum, { newIdentities }) => sum + newIdentities[variant], 0)
          return sampleRatio({ a: sum('a'), b: sum('b'), c: sum('c') }, shares, { minimumTotal })
        })
        const judged = parts.filter(({ pValue }) => pValue !== null)
        fc.pre(judged.length > 0)
        const statistic = judged.reduce((sum, part) => sum + (part.statistic ?? NaN), 0)
        expect(near(statistic, result.statistic, 1e-9) || statistic < 1e-20).toBe(true)
        expect(result.degreesOfFreedom).toBe(
          judged.reduce((sum, part) => sum + (part.degreesOfFreedom ?? NaN), 0),
        )
        // Either of the two tests may speak, and neither more than by half of the threshold.
        const { components } = result
        expect(components === undefined).toBe(judged.length < 2)
        if (components === undefined) return
        const least = Math.min(components.phases.pValue ?? NaN, components.pooled.pValue ?? NaN)
        expect(near(result.pValue, Math.min(1, 2 * least), 1e-9)).toBe(true)
      }),
      { numRuns: runs(300) },
    )
  })

  test('the order of the phases and of the variants changes nothing, to the last bit', () => {
    fc.assert(
      fc.property(summary, phases, fc.infiniteStream(fc.nat()), (observed, phases, stream) => {
        expect(sampleRatio(observed, shuffled(phases, stream))).toEqual(sampleRatio(observed, phases))
        const reordered = phases.map(({ from, shares: { a, b, c } }) => ({ from, shares: { c, a, b } }))
        const byVariant = (result: ReturnType<typeof sampleRatio>) => ({
          ...result,
          reason: undefined,
          arms: [...result.arms].sort((a, b) => (a.variant < b.variant ? -1 : 1)),
        })
        expect(byVariant(sampleRatio(observed, reordered))).toEqual(byVariant(sampleRatio(observed, phases)))
      }),
      { numRuns: runs(300) },
    )
  })

  // The axis of the view is checked against the engine in every zone.
  test('a bucket of a summary holds what lies between its start and the next on the axis of its zone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
        fc.integer({ min: Date.UTC(2001, 0), max: Date.UTC(2030, 0) }),
        fc.integer({ min: 1, max: 30 * 3_600_000 }),
        (timeZone, instantMs, offset) => {
          const axis = bucketAxis(timeZone, 'day')
          const startMs = axis.floor(instantMs)
          const endMs = axis.next(startMs)
          const points = [startMs, startMs + offset].map((ms) => ({
            bucket: new Date(ms).toISOString(),
            newIdentities: {},
          }))
          const timeseries = { granularity: 'day', timeZone, points: points.slice(0, 1) }
          expect(timedSteps({ timeseries }, true, undefined)[0]?.endMs).toBe(endMs)
          // It ends no later than the next begins.
          const both = timedSteps({ timeseries: { ...timeseries, points } }, true, undefined)
          expect(both[0]?.endMs).toBe(Math.min(endMs, startMs + offset))
        },
      ),
      { numRuns: runs(400) },
    )
  })
})

describe('sampleRatioBySlice', () => {
  const breakdown = fc.record({
    slices: fc.array(fc.record({ value: fc.option(fc.string(), { nil: null }), summary }), { maxLength: 6 }),
    other: fc.option(summary, { nil: null }),
  })
  const expected = fc.oneof(phases, fc.record({ a: fc.nat(9), b: fc.nat(9), c: fc.constantFrom(0, 1, NaN) }))

  test('any breakdown: plain data, and each slice is the test of its own with a p-value no smaller', () => {
    fc.assert(
      fc.property(breakdown, expected, (breakdown, expected) => {
        const result = sampleRatioBySlice(breakdown, expected)
        expectPlain(result)
        const slices = [...result.slices, ...(result.other === null ? [] : [result.other])]
        const summaries = [...breakdown.slices.map(({ summary }) => summary), breakdown.other].filter(
          (summary) => summary !== null,
        )
        expect(slices).toHaveLength(summaries.length)
        expect(result.slices.map(({ value }) => value)).toEqual(breakdown.slices.map(({ value }) => value))
        slices.forEach((slice, place) => {
          const alone = sampleRatio(summaries[place] as (typeof summaries)[number], expected)
          const { status, pValue, adjustedPValue, neededTotal } = slice
          expect(slice).toMatchObject({ statistic: alone.statistic, neededTotal, arms: alone.arms })
          expect(slice.unjudgedIdentities).toBe(alone.unjudgedIdentities)
          const total = slice.arms.reduce((sum, { observed }) => sum + observed, 0)
          if (adjustedPValue === null) {
            expect(['not-enough-traffic', 'not-computable']).toContain(status)
            if (pValue !== null) expect(alone.status).not.toBe('mismatch')
          } else {
            expect(adjustedPValue).toBeGreaterThanOrEqual(pValue ?? NaN)
            expect(adjustedPValue).toBeLessThanOrEqual(Math.min(1, result.familySize * (pValue ?? NaN)))
            const isEnough = total >= (neededTotal ?? NaN)
            expect(status).toBe(
              adjustedPValue < 0.001 ? 'mismatch' : isEnough ? 'consistent' : 'not-enough-traffic',
            )
          }
          expect(status === 'consistent').toBe(slice.reason === undefined)
        })
        const statuses = new Set(slices.map(({ status }) => status))
        const worst = (['mismatch', 'not-computable', 'consistent', 'not-enough-traffic'] as const).find(
          (status) => statuses.has(status),
        )
        expect(result.status).toBe(worst ?? 'not-enough-traffic')
        expect(result.status === 'consistent').toBe(result.reason === undefined)
      }),
      { numRuns: runs(200) },
    )
  })

  test('the order of the slices changes nothing but their order', () => {
    fc.assert(
      fc.property(breakdown, expected, fc.infiniteStream(fc.nat()), (breakdown, expected, stream) => {
        const numbered = breakdown.slices.map((slice, i) => ({ ...slice, value: String(i) }))
        const byValue = (slices: typeof numbered) => {
          const result = sampleRatioBySlice({ ...breakdown, slices }, expected)
          const sorted = [...result.slices].sort((a, b) => Number(a.value) - Number(b.value))
          return { ...result, reason: undefined, slices: sorted }
        }
        expect(byValue(shuffled(numbered, stream))).toEqual(byValue(numbered))
      }),
      { numRuns: runs(200) },
    )
  })
})

describe('crossoverBias', () => {
  const cells = uniqueBy(
    fc.tuple(fc.oneof(fc.nat(10), fc.nat(100_000)), fc.oneof(fc.nat(10), fc.nat(5000))),
    2,
  )
  const counts = (arms: [string, [number, number]][]) => ({
    counted: Object.fromEntries(arms.map(([variant, [counted]]) => [variant, counted])),
    quarantined: Object.fromEntries(arms.map(([variant, [, quarantined]]) => [variant, quarantined])),
  })

  test('any numbers at all: plain data, consistent only with a finite p at or above 0.001', () => {
    fc.assert(
      fc.property(uniqueBy(anyNumber, 0), uniqueBy(anyNumber, 0), (counted, quarantined) => {
        const result = crossoverBias({
          counted: Object.fromEntries(counted),
          quarantined: Object.fromEntries(quarantined),
        })
        expectPlain(result)
        const { status, pValue, reason } = result
        if (pValue !== null) expect(pValue >= 0 && pValue <= 1).toBe(true)
        expect(status === 'consistent').toBe(reason === undefined)
        if (status === 'consistent') {
          expect((pValue ?? NaN) >= 0.001).toBe(true)
          for (const [, number] of [...counted, ...quarantined])
            expect(Number.isSafeInteger(number)).toBe(true)
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('the statistic of all cells by another road, and the order of the variants changes nothing', () => {
    fc.assert(
      fc.property(cells, fc.infiniteStream(fc.nat()), (arms, stream) => {
        const result = crossoverBias(counts(arms))
        const seen = arms.map(([, [counted, quarantined]]) => counted + quarantined)
        const total = seen.reduce((a, b) => a + b, 0)
        const quarantined = arms.reduce((sum, [, [, q]]) => sum + q, 0)
        fc.pre(result.status !== 'not-computable' && quarantined > 0 && quarantined < total)
        // N (Σ q² / n − Q² / N) / (Q (1 − Q / N)): Brandt and Snedecor's form, which cancels where the arms are alike.
        const squares = arms.reduce(
          (sum, [, [, q]], i) => sum + (seen[i] === 0 ? 0 : q ** 2 / (seen[i] ?? NaN)),
          0,
        )
        const statistic =
          (squares - quarantined ** 2 / total) / ((quarantined / total) * (1 - quarantined / total))
        expect(Math.abs((result.statistic ?? NaN) - statistic)).toBeLessThan(1e-9 * (statistic + total))
        expect(result.degreesOfFreedom).toBe(seen.filter((n) => n > 0).length - 1)
        const expected = result.arms.reduce((sum, arm) => sum + (arm.expected ?? NaN), 0)
        expect(near(quarantined, expected, 1e-12)).toBe(true)
        const byVariant = ({ arms, ...rest }: typeof result) => ({
          ...rest,
          arms: [...arms].sort((a, b) => (a.variant < b.variant ? -1 : 1)),
        })
        expect(byVariant(crossoverBias(counts(shuffled(arms, stream))))).toEqual(byVariant(result))
      }),
      { numRuns: runs(300) },
    )
  })
})

test('excludedRatio of any numbers: plain data, and acceptable only with a share at or below the threshold', () => {
  fc.assert(
    fc.property(anyNumber, anyNumber, (total, excludedIdentities) => {
      const result = excludedRatio({ total, excludedIdentities })
      expectPlain(result)
      const counts = [total, excludedIdentities].every((n) => Number.isSafeInteger(n) && n >= 0)
      expect(result.status === 'not-computable').toBe(!counts)
      if (result.share !== null) expect(result.share >= 0 && result.share <= 1).toBe(true)
      expect(result.status === 'acceptable').toBe(result.reason === undefined)
      if (result.status === 'acceptable') expect((result.share ?? NaN) <= 0.01).toBe(true)
    }),
    { numRuns: runs(500) },
  )
})
