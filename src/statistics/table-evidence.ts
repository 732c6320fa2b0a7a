import { logChiSquaredUpperTail } from './chi-squared-upper-tail.js'
import { areTrusted, hypergeometricTail, type Tail } from './evidence.js'
import { exactTableTail } from './exact-table-tail.js'
import { ascendingSum } from './expected-phases.js'
import { deviation } from './phase-evidence.js'

/** A table of counts, by row, then by column. */
export type Table = readonly (readonly number[])[]

/** A table compared with the one that independent rows and columns with the same sums would have. */
export interface FittedTable {
  readonly expected: Table
  /** The part of each cell in Pearson's statistic. */
  readonly deviations: Table
  readonly statistic: number
}

/** What the test of independence of one table found. */
export interface TableEvidence extends FittedTable, Tail {
  /** (rows − 1) × (columns − 1). */
  readonly degreesOfFreedom: number
}

/**
 * Are the rows and the columns of a table independent? The one test of it, so that a table has one p-value, whoever asks.
 *
 * @param counts - two rows and two columns or more, none of them empty
 * @param level - the probability to compare the p-value with
 */
export function tableEvidence(counts: Table, level: number): TableEvidence {
  const fit = fitted(counts)
  const degreesOfFreedom = (counts.length - 1) * ((counts[0] ?? []).length - 1)
  const tail: Tail = areTrusted(fit.expected.flat(), level)
    ? { logPValue: logChiSquaredUpperTail(fit.statistic, degreesOfFreedom), method: 'chi-squared' }
    : exactly(counts)
  return { ...fit, ...tail, degreesOfFreedom }
}

export function fitted(counts: Table): FittedTable {
  const rows = counts.map(ascendingSum)
  const columns = turned(counts).map(ascendingSum)
  const total = ascendingSum(rows)
  const expected = rows.map((row) => columns.map((column) => row * (column / total)))
  const deviations = counts.map((row, one) =>
    row.map((count, other) => deviation(count, expected[one]?.[other] ?? 0)),
  )
  return { expected, deviations, statistic: ascendingSum(deviations.flat()) }
}

/** Two rows or two columns are Fisher's test. Larger tables are visited one by one if they are few. */
function exactly(counts: Table): Tail {
  const other = turned(counts)
  // The fewer rows, the fewer tests.
  const few = counts.length <= other.length ? counts : other
  const [first = [], second = []] = few
  if (few.length === 2) return hypergeometricTail(first, second)
  const logPValue = exactTableTail(counts)
  if (logPValue !== null) return { logPValue, method: 'exact' }
  // Of as many rows as columns, all count: neither experiment comes first.
  const tests = (counts.length === other.length ? [counts, other] : [few]).flatMap(againstOthers)
  // An exact tail takes up to a fifth of a second, so only the two that deviate most have one. The least of fewer tails
  // can only be greater: with Bonferroni's correction for all tests it is still a bound.
  const tails = tests
    .toSorted((a, b) => b.statistic - a.statistic)
    .slice(0, 2)
    .map(({ row, others }) => hypergeometricTail(row, others).logPValue)
  return { logPValue: Math.min(0, Math.min(...tails) + Math.log(tests.length)), method: 'bound' }
}

/** Each row, all others together, and Pearson's statistic of the two. All have the same degrees of freedom. */
function againstOthers(rows: Table): readonly {
  readonly row: readonly number[]
  readonly others: readonly number[]
  readonly statistic: number
}[] {
  const all = turned(rows).map(ascendingSum)
  return rows.map((row) => {
    const others = all.map((count, column) => count - (row[column] ?? 0))
    return { row, others, statistic: fitted([row, others]).statistic }
  })
}

/** The columns as rows. */
function turned(counts: Table): Table {
  return (counts[0] ?? []).map((_, column) => counts.map((row) => row[column] ?? 0))
}
