import type { ExposureSpec } from '../experiment/exposure-spec.js'
import { text, type Sql } from './sql.js'
import { isTrustedSql } from './trusted-sql.js'

/** Names of this library's own, one for each that was asked for. */
export type OwnNames = <const Names extends readonly string[]>(
  ...names: Names
) => { readonly [Place in keyof Names]: Sql }

/**
 * Names for a statement's own steps and columns that stand beside the caller's: a name that the spec's databases,
 * tables, columns, filters or expressions have already gets an underscore. Otherwise ClickHouse would take one for the
 * other.
 */
export function ownNames({
  source: { table, columns, rollup },
  filters,
  breakdown,
}: Pick<ExposureSpec, 'source' | 'filters' | 'breakdown'>): OwnNames {
  const used = [
    ...Object.values(columns),
    ...filters.map((filter) => (isTrustedSql(filter) ? filter : filter.column)),
    breakdown?.column,
  ]
  // A database too: inside cluster(), database.table would be looked up in a subquery of the database's name.
  const taken = new Set<unknown>([table.database, table.table, rollup?.database, rollup?.table, ...used])
  // Only a parser could say which names an expression mentions: one that its text contains is left to it.
  const expressions = used.map((each) => (isTrustedSql(each) ? each.sql.join(' ') : '')).join(' ')
  const own = (name: string): string =>
    taken.has(name) || expressions.includes(name) ? own(`${name}_`) : name
  return ((...names: readonly string[]) => names.map((name) => text(own(name)))) as unknown as OwnNames
}
