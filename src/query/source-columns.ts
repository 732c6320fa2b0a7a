import type { ExposureSource } from '../spec/exposure-source.js'
import type { SourceColumn } from '../spec/source-column.js'
import { boundSql, type BoundSql, type QueryParams } from './bound-sql.js'
import { quoteIdentifier } from './quote-identifier.js'

/** A source's columns as SQL: a quoted name, or an expression. */
export interface SourceColumns {
  readonly sql: {
    readonly [Name in keyof ExposureSource['columns']]:
      string | (null extends ExposureSource['columns'][Name] ? null : never)
  }
  /** What the expressions' parameters are bound to. */
  readonly query_params: QueryParams
}

/** A column as SQL; the values of an expression are bound under names that start with `prefix`. */
export function columnSql(column: SourceColumn, prefix: string): BoundSql {
  return typeof column === 'string'
    ? { sql: quoteIdentifier(column), query_params: {} }
    : boundSql(column, prefix)
}

/** All of a source's columns as SQL. */
export function sourceColumns(columns: ExposureSource['columns']): SourceColumns {
  const bound = Object.entries(columns).map(
    ([name, column]) => [name, column === null ? null : columnSql(column, name)] as const,
  )
  return {
    sql: Object.fromEntries(
      bound.map(([name, column]) => [name, column?.sql ?? null]),
    ) as SourceColumns['sql'],
    query_params: Object.assign({}, ...bound.map(([, column]) => column?.query_params ?? {})) as QueryParams,
  }
}
