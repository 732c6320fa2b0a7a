import gammaln from '@stdlib/math-base-special-gammaln'

// The limit of work, in tables visited: about 10 ms.
const tableBudget = 100_000

/**
 * The exact test of a table of several rows and columns: given both margins, the logarithm of the probability of all
 * tables that are at most as probable as this one. Source: G. H. Freeman and J. H. Halton, "Note on an Exact Treatment
 * of Contingency, Goodness of Fit and Other Problems of Significance", Biometrika 38 (1951). Probabilities that differ by
 * less than one part in 10⁹ are ties, and ties count.
 *
 * It visits every table: column by column, in all ways to share out the column's total to what the rows have left.
 *
 * @param table - by row, then by column; whole numbers
 * @returns null if there are too many tables
 */
export function exactTableTail(table: readonly (readonly number[])[]): number | null {
  const rows = table.map((row) => row.reduce((sum, count) => sum + count, 0))
  // The largest column last: its counts are what is left.
  const columns = (table[0] ?? [])
    .map((_, column) => table.reduce((sum, row) => sum + (row[column] ?? 0), 0))
    .sort((a, b) => a - b)
  const total = rows.reduce((sum, count) => sum + count, 0)
  // Of the last row and column, the others determine the counts. The margins exclude many of these tables.
  const others = [...rows].sort((a, b) => a - b).slice(0, -1)
  const tables = columns
    .slice(0, -1)
    .reduce((product, c) => others.reduce((ways, r) => ways * (Math.min(r, c) + 1), product), 1)
  if (tables > 4 * tableBudget) return null
  const logFactorial = Array.from({ length: total + 1 }, (_, n) => gammaln(n + 1))
  const factorial = (n: number): number => logFactorial[n] ?? 0
  const sumOf = (counts: readonly number[]): number => counts.reduce((sum, n) => sum + factorial(n), 0)
  const whole = sumOf(rows) + sumOf(columns) - factorial(total)
  const most = whole - sumOf(table.flat()) + 1e-9

  // In parts of the observed table's probability.
  let [left, tail] = [tableBudget, 0]
  const rest = [...rows]
  /** Shares out what is left of a column to the rows from this one on. */
  const fill = (column: number, row: number, count: number, spent: number): void => {
    if (left <= 0) return
    if (column === columns.length - 1) {
      left--
      const logProbability = whole - spent - sumOf(rest)
      if (logProbability <= most) tail += Math.exp(logProbability - most)
      return
    }
    if (row === rows.length) {
      if (count === 0) fill(column + 1, 0, columns[column + 1] ?? 0, spent)
      return
    }
    const own = rest[row] ?? 0
    let later = 0
    for (let next = row + 1; next < rows.length; next++) later += rest[next] ?? 0
    for (let n = Math.max(0, count - later); n <= Math.min(own, count); n++) {
      rest[row] = own - n
      fill(column, row + 1, count - n, spent + factorial(n))
    }
    rest[row] = own
  }
  fill(0, 0, columns[0] ?? 0, 0)
  return left > 0 ? Math.min(0, Math.log(tail) + most) : null
}
