import { aName, type Check } from '../checks.js'
import { isTrustedSql, type TrustedSql } from '../sql/trusted-sql.js'

/** A column, given by its name or as an expression over the table's columns. */
export type SourceColumn = string | TrustedSql

/** A column's name, or a trusted expression. */
export const aSourceColumn: Check<SourceColumn> = (value, path, refuse) => {
  if (isTrustedSql(value)) return value
  const name = aName(value, path, refuse)
  // The text is a complete call, cast or subscript. A column with such a name can be quoted inside an expression.
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
