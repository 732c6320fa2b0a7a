import { identifier } from './identifier.js'
import { isTrustedSql, type TrustedSql } from './trusted-sql.js'

/** A column by its name, or an expression over the table's columns. */
export type SourceColumn = string | TrustedSql

/** A column's name that can be quoted, or a trusted expression. Throws `invalid-spec`, naming the field. */
export function sourceColumn(value: unknown, field: string): SourceColumn {
  return isTrustedSql(value) ? value : identifier(value, field)
}
