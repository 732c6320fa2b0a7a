import { quoteIdentifier } from './quote-identifier.js'

/** A table's name as SQL, with its database where it is named. */
export function quoteTable({ database, table }: { database: string | null; table: string }): string {
  return database === null ? quoteIdentifier(table) : `${quoteIdentifier(database)}.${quoteIdentifier(table)}`
}
