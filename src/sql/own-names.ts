import type { ExposureSpec } from '../experiment/exposure-spec.js'
import type { SourceColumn } from '../experiment/source-column.js'
import { text, type Sql } from './sql.js'
import { isTrustedSql } from './trusted-sql.js'

/** This library's own names, one for each requested name. */
export type OwnNames = <const Names extends readonly string[]>(
  ...names: Names
) => { readonly [Place in keyof Names]: Sql }

/** What a statement reads, by the caller's names. */
export interface NamesInUse
  extends Pick<ExposureSpec, 'source' | 'filters' | 'breakdown'>, Partial<Pick<ExposureSpec, 'aliases'>> {
  /** Columns that the statement reads besides those of the spec. */
  readonly dimensions?: readonly SourceColumn[]
}

/**
 * Names for a statement's own steps and columns, next to the caller's names. If a name is already used by the specs'
 * databases, tables, columns, filters or expressions, or by a dimension, it gets an underscore. Otherwise ClickHouse
 * would confuse the two.
 */
export function ownNames(...specs: readonly NamesInUse[]): OwnNames {
  const used = specs.flatMap(({ source, filters, breakdown, aliases, dimensions = [] }) => [
    ...Object.values(source.columns),
    ...(isTrustedSql(source.table) ? [source.table] : []),
    ...filters.map((filter) => (isTrustedSql(filter) ? filter : filter.column)),
    breakdown?.column,
    ...dimensions,
    aliases?.from,
    aliases?.to,
  ])
  // Databases too: inside cluster(), database.table would be looked up in a subquery with the database's name.
  const tables = specs
    .flatMap(({ source: { table, rollup }, aliases }) => [
      isTrustedSql(table) ? undefined : table,
      rollup,
      aliases?.table,
    ])
    .flatMap((each) => [each?.database, each?.table])
  const taken = new Set<unknown>([...tables, ...used])
  // Only a parser could tell which names an expression uses. A name in its text is treated as used.
  const expressions = used.map((each) => (isTrustedSql(each) ? each.sql.join(' ') : '')).join(' ')
  const own = (name: string): string =>
    taken.has(name) || expressions.includes(name) ? own(`${name}_`) : name
  return ((...names: readonly string[]) => names.map((name) => text(own(name)))) as unknown as OwnNames
}
