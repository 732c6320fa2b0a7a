import { describe, expect, test } from 'vitest'
import { crossoverBias, sampleRatio, sampleRatioBySlice } from 'first-exposure/statistics'
// Inside the package only: the approximation that the bound is compared with.
import { logChiSquaredUpperTail } from '../../src/statistics/chi-squared-upper-tail.js'

const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))
const equal = (arms: number) => byArm(Array.from({ length: arms }, () => 1))
/** Every other arm gets so many more, the others so many less. */
const alternating = (arms: number, each: number, by: number) =>
  byArm(Array.from({ length: arms }, (_, arm) => each + (arm % 2 === 0 ? -by : by)))

describe('many arms: the worse the split, the surer the mismatch', () => {
  test.each([12, 16, 20, 30, 60])('%d arms of 60 identities', (arms) => {
    const results = [0, 6, 12, 14, 16, 20, 22, 30, 45, 60].map((by) =>
      sampleRatio(alternating(arms, 60, by), equal(arms), { minimumTotal: 100 }),
    )
    const first = results.findIndex(({ status }) => status === 'mismatch')
    expect(first).toBeGreaterThan(1)
    expect(first).toBeLessThan(5)
    expect(results.slice(first).map(({ status }) => status)).toEqual(
      results.slice(first).map(() => 'mismatch'),
    )
    // Never a probability below that of all distances by the approximation, but for its own error.
    for (const { logPValue, statistic } of results) {
      if (statistic === 0) continue
      expect(logPValue).toBeGreaterThan(1.5 * logChiSquaredUpperTail(statistic ?? NaN, arms - 1) - 1)
    }
  })

  test('where the bound alone is too loose, a nearer distance that costs less is taken', () => {
    const { pValue, method, status } = sampleRatio(alternating(20, 60, 12), equal(20))
    expect({ method, status }).toEqual({ method: 'bound', status: 'mismatch' })
    // The chi-squared distribution says 0.00026, and the bound alone is above 0.001.
    expect(pValue).toBeLessThan(0.0007)
  })

  test('of slices', () => {
    const point = (newIdentities: Record<string, number>) => ({
      timeseries: {
        granularity: 'day' as const,
        timeZone: 'UTC',
        points: [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities }],
      },
    })
    const slices = Array.from({ length: 20 }, (_, place) => ({
      value: String(place),
      summary: point(alternating(12, 200, place === 7 ? 48 : 0)),
    }))
    const { reason } = sampleRatioBySlice({ slices, other: null }, equal(12))
    expect(reason).toBe('The split is not the expected one where the value is "7".')
  })

  test('of quarantined identities', () => {
    const counted = byArm(Array.from({ length: 12 }, () => 20_000))
    const result = crossoverBias({ counted, quarantined: alternating(12, 90, 28) }, { minimumTotal: 100 })
    expect(result).toMatchObject({ status: 'mismatch', method: 'bound' })
    const none = crossoverBias({ counted, quarantined: alternating(12, 90, 6) }, { minimumTotal: 100 })
    expect(none.status).toBe('consistent')
  })
})
