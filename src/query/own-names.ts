import type { ExposureSpec } from '../spec/exposure-spec.js'
import { isTrustedSql } from '../spec/trusted-sql.js'

/**
 * Names of our own beside the caller's: one that the spec's databases, tables, columns, filters or expressions bear
 * already gets an underscore. ClickHouse would take it for theirs, or theirs for it.
 */
export function ownNames({
  source: { table, columns, rollup },
  filters,
  breakdown,
}: Pick<ExposureSpec, 'source' | 'filters' | 'breakdown'>): (name: string) => string {
  const used = [
    ...Object.values(columns),
    ...filters.map((f) => (isTrustedSql(f) ? f : f.column)),
    breakdown?.column,
  ]
  // A database too: inside cluster(), database.table would be looked up in a subquery of the database's name.
  const names = new Set<unknown>([table.database, table.table, rollup?.database, rollup?.table, ...used])
  // Which names an expression mentions only a parser could say: one that its text contains is left to it.
  const text = used.map((each) => (isTrustedSql(each) ? each.sql.join(' ') : '')).join(' ')
  const own = (name: string): string => (names.has(name) || text.includes(name) ? own(`${name}_`) : name)
  return own
}
