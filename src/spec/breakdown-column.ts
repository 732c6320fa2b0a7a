import { sourceColumn, type SourceColumn } from './source-column.js'
import { invalidSpec } from './invalid-spec.js'

/** By what an experiment is broken down: a column's value at an identity's first exposure. */
export interface BreakdownColumn {
  /** A column of the events, or an expression over them. */
  readonly column: SourceColumn
  /** How many of the largest values have a slice of their own; the others are one together. */
  readonly top: number
}

/** A column, and how many of its largest values to tell apart: 1 to 1,000, default 20. */
export interface BreakdownColumnInput {
  readonly column: SourceColumn
  readonly top?: number
}

/** Completes and checks a spec's breakdown. Throws `invalid-spec`, naming the field. */
export function breakdownColumn(input: BreakdownColumnInput): BreakdownColumn {
  if (typeof input !== 'object' || input === null) {
    throw invalidSpec('breakdown', input, "Pass { column: 'country', top: 20 }.")
  }
  for (const name of Object.keys(input)) {
    if (name !== 'column' && name !== 'top') {
      throw invalidSpec(`breakdown.${name}`, undefined, 'A breakdown has the fields column, top.')
    }
  }
  const { top = 20 } = input
  if (!Number.isInteger(top) || top < 1 || top > 1000) {
    throw invalidSpec('breakdown.top', top, 'Pass a whole number from 1 to 1,000.')
  }
  return Object.freeze({ column: sourceColumn(input.column, 'breakdown.column'), top })
}
