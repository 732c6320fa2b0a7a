/**
 * The p-values of a family of tests, adjusted so that each test can be judged alone: the probability that any true
 * hypothesis of the family falls below a level is at most that level, whatever the dependence between the tests.
 *
 * The j-th smallest of m becomes the greatest of (m − i + 1) pᵢ over i ≤ j, at most 1. Source: S. Holm, "A Simple
 * Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979).
 *
 * @returns in the order of the p-values
 */
export function holmAdjusted(pValues: readonly number[]): readonly number[] {
  const adjusted = pValues.map(() => 1)
  let least = 0
  const ascending = [...pValues.entries()].sort(([, p], [, q]) => p - q)
  for (const [rank, [place, pValue]] of ascending.entries()) {
    least = Math.min(1, Math.max(least, (pValues.length - rank) * pValue))
    adjusted[place] = least
  }
  return adjusted
}
