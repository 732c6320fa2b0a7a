import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
// Inside the package only: sampleRatioBySlice shows it through whole results.
import { holmAdjusted } from '../../src/statistics/holm-adjusted.js'
import { runs } from '../arbitraries/runs.js'

/**
 * The closed test that Holm's procedure shortens: a hypothesis falls where every set of hypotheses that holds it does,
 * each by Bonferroni, its size times its smallest p-value.
 */
function byClosure(pValues: readonly number[]): number[] {
  return pValues.map((_, of) => {
    let greatest = 0
    for (let set = 0; set < 2 ** pValues.length; set++) {
      const members = pValues.filter((_, place) => (set >> place) & 1)
      if ((set >> of) & 1) greatest = Math.max(greatest, Math.min(1, members.length * Math.min(...members)))
    }
    return greatest
  })
}

const families = fc.array(
  fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1, 0.01, 1e-300)),
  { maxLength: 7 },
)

describe('holmAdjusted', () => {
  test.each([
    [[], []],
    [[0.02], [0.02]],
    [
      [0.01, 0.04, 0.03, 0.005],
      [0.03, 0.06, 0.06, 0.02],
    ],
    // A later one is never below an earlier one, and none above 1.
    [
      [0.05, 0.01, 0.02, 0.04, 0.03],
      [0.09, 0.05, 0.08, 0.09, 0.09],
    ],
    [
      [0.6, 0.5],
      [1, 1],
    ],
  ])('worked by hand: %j', (pValues, adjusted) => {
    expect(holmAdjusted(pValues)).toEqual(adjusted.map((p) => expect.closeTo(p, 14)))
  })

  test('is the closed test of Bonferroni', () => {
    fc.assert(
      fc.property(families, (pValues) => {
        expect(holmAdjusted(pValues)).toEqual(byClosure(pValues))
      }),
      { numRuns: runs(300) },
    )
  })

  test('never below the p-value, in the same order, and at most 1', () => {
    fc.assert(
      fc.property(families, (pValues) => {
        const adjusted = holmAdjusted(pValues)
        pValues.forEach((p, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p)
          expect(adjusted[i]).toBeLessThanOrEqual(1)
          pValues.forEach((q, j) => {
            if (p <= q) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j] ?? NaN)
          })
        })
      }),
      { numRuns: runs(300) },
    )
  })
})
