import { logPoisson } from './count-distributions.js'
import { ascendingSum } from './expected-phases.js'

// The limit of work, in tables visited: about 10 ms, and 100 ms where a variant has tens of thousands.
const tableBudget = 100_000

/**
 * The exact test of a table of several rows and columns: given both margins, the logarithm of the probability of all
 * tables that are at most as probable as this one. Source: G. H. Freeman and J. H. Halton, "Note on an Exact Treatment
 * of Contingency, Goodness of Fit and Other Problems of Significance", Biometrika 38 (1951). Probabilities that differ by
 * less than one part in 10⁹ are ties, and ties count.
 *
 * It visits every table: column by column, in all ways to share out the column's total to what the rows have left. The
 * work and the memory depend on the number of tables, however many identities are in them.
 *
 * @param table - by row, then by column; whole numbers. No row or column is empty
 * @returns null if there are too many tables, or more identities than a double counts one by one
 */
export function exactTableTail(table: readonly (readonly number[])[]): number | null {
  const rowSums = table.map(ascendingSum)
  const columnSums = (table[0] ?? []).map((_, column) => ascendingSum(table.map((row) => row[column] ?? 0)))
  const total = ascendingSum(rowSums)
  // Sorted, so that the order of the variants has no effect. The largest last: what is left determines its counts.
  const rows = rowSums.toSorted((a, b) => a - b)
  const columns = columnSums.toSorted((a, b) => a - b)
  // Of the last row and column, the others determine the counts. The margins exclude many of these tables.
  const others = rows.slice(0, -1)
  const tables = columns
    .slice(0, -1)
    .reduce((product, c) => others.reduce((ways, r) => ways * (Math.min(r, c) + 1), product), 1)
  if (tables > 4 * tableBudget || !Number.isSafeInteger(total)) return null
  // Given their sums, independent Poisson counts have the distribution of the table. Near their means their logarithms
  // are small and keep the digits that decide about ties; logarithms of the factorials of a million would lose them.
  const meanOf = (row: number, column: number): number => row * (column / total)
  const logCells = rows.map((row) =>
    columns.map((column) => {
      const least = Math.max(0, row + column - total)
      const mean = meanOf(row, column)
      const logs = Array.from({ length: Math.min(row, column) - least + 1 }, (_, more) =>
        logPoisson(least + more, mean),
      )
      return { least, logs }
    }),
  )
  const logCell = (row: number, column: number, count: number): number => {
    const cell = logCells[row]?.[column]
    return cell?.logs[count - cell.least] ?? -Infinity
  }
  const logMargins =
    ascendingSum([...rows, ...columns].map((n) => logPoisson(n, n))) - logPoisson(total, total)
  const observed = table.flatMap((row, one) =>
    row.map((count, other) => logPoisson(count, meanOf(rowSums[one] ?? 0, columnSums[other] ?? 0))),
  )
  const most = ascendingSum(observed) - logMargins + 1e-9

  // In parts of the observed table's probability.
  let [left, tail] = [tableBudget, 0]
  const rest = [...rows]
  const lastColumn = columns.length - 1
  /** Shares out what is left of a column to the rows from this one on. */
  const fill = (column: number, row: number, count: number, logSoFar: number): void => {
    if (left <= 0) return
    if (column === lastColumn) {
      left--
      const logOfLast = rest.reduce((logs, n, place) => logs + logCell(place, lastColumn, n), 0)
      const logProbability = logSoFar + logOfLast - logMargins
      if (logProbability <= most) tail += Math.exp(logProbability - most)
      return
    }
    if (row === rows.length) {
      if (count === 0) fill(column + 1, 0, columns[column + 1] ?? 0, logSoFar)
      return
    }
    const own = rest[row] ?? 0
    let later = 0
    for (let next = row + 1; next < rows.length; next++) later += rest[next] ?? 0
    for (let n = Math.max(0, count - later); n <= Math.min(own, count); n++) {
      rest[row] = own - n
      fill(column, row + 1, count - n, logSoFar + logCell(row, column, n))
    }
    rest[row] = own
  }
  fill(0, 0, columns[0] ?? 0, 0)
  return left > 0 ? Math.min(0, Math.log(tail) + most) : null
}
