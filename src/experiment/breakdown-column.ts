import { aWholeNumber, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { aSourceColumn, type SourceColumn } from './source-column.js'

/** What an experiment is broken down by: the value of a column at each identity's first exposure. */
export interface BreakdownColumn {
  /** A column of the events, or an expression over them. */
  readonly column: SourceColumn
  /** How many of the largest values get their own slice. The other values share one slice. */
  readonly top: number
}

/** A column, and how many of its largest values get their own slice: 1 to 1,000, default 20. */
export interface BreakdownColumnInput {
  readonly column: SourceColumn
  readonly top?: number
}

/** Completes and checks a spec's breakdown. Throws `invalid-spec`, naming the field. */
export function breakdownColumn(input: BreakdownColumnInput): BreakdownColumn {
  const { column, top = 20 } = withFields(input, ['column', 'top'], 'breakdown', invalidSpec)
  return Object.freeze({
    column: aSourceColumn(column, 'breakdown.column', invalidSpec),
    top: aWholeNumber(1, 1000)(top, 'breakdown.top', invalidSpec),
  })
}
