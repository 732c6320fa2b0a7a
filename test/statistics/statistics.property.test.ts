import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { excludedRatio, sampleRatio, sequentialSampleRatio } from 'first-exposure/statistics'
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
          const variants = new Set([...observed, ...expected].map(([variant]) => variant))
          expect(new Set(arms.map(({ variant }) => variant))).toEqual(variants)
          expect(arms).toHaveLength(variants.size)
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

  test('an identity where none is expected is a mismatch, whatever the rest', () => {
    fc.assert(
      fc.property(arms, fc.integer({ min: 1, max: 5 }), fc.boolean(), (arms, stray, listed) => {
        const observed = Object.fromEntries([...Object.entries(observedOf(arms)), ['stray variant', stray]])
        const expected = { ...expectedOf(arms), ...(listed ? { 'stray variant': 0 } : {}) }
        const result = sampleRatio(observed, expected)
        expect(result).toMatchObject({ status: 'mismatch', pValue: 0 })
        expect(result.reason).toContain(`"stray variant" (${stray})`)
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
            expect(result.path.every(({ logBayesFactor }) => logBayesFactor !== null)).toBe(true)
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
