import { aName, type Check } from '../checks.js'
import { isTrustedSql, type TrustedSql } from '../sql/trusted-sql.js'

/** A column by its name, or an expression over the table's columns. */
export type SourceColumn = string | TrustedSql

/** A column's name, or a trusted expression. */
export const aSourceColumn: Check<SourceColumn> = (value, path, refuse) => {
  if (isTrustedSql(value)) return value
  const name = aName(value, path, refuse)
  // A call, a cast or a subscript, whole. A column that is really called so can be quoted in an expression.
  if (/^\w+\s*\([^]*\)$|^\S+::\w+(\(.*\))?$|^\w+\[[^\]]*\]$/.test(name)) {
    throw refuse(
      path,
      name,
      'An expression is passed as trustedSql`…`, with the text in your code.',
      `${path} is the name of a column, and ${JSON.stringify(name.slice(0, 60))} looks like SQL.`,
    )
  }
  return name
}
