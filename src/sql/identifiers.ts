import { sql, verbatim, type Sql } from './sql.js'

/**
 * The only place where a name from a caller becomes SQL text. Inside backticks ClickHouse reads a backslash as an
 * escape, so both are escaped. Every other character there stands for itself.
 */
export function identifier(name: string): Sql {
  return verbatim('`' + name.replaceAll('\\', '\\\\').replaceAll('`', '\\`') + '`')
}

/** A table's name, with its database if it is named. */
export function tableName({
  database,
  table,
}: {
  readonly database: string | null
  readonly table: string
}): Sql {
  return database === null ? identifier(table) : sql`${identifier(database)}.${identifier(table)}`
}
