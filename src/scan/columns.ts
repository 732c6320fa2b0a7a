import {
  isFilterInstant,
  type Comparison,
  type ExposureFilter,
  type FilterInstant,
} from '../experiment/exposure-filter.js'
import type { ExposureSource } from '../experiment/exposure-source.js'
import type { SourceColumn } from '../experiment/source-column.js'
import { identifier } from '../sql/identifiers.js'
import { bound, sql, text, trusted, type Sql } from '../sql/sql.js'
import { boundType, isTrustedSql, type BoundValue } from '../sql/trusted-sql.js'

/** A source's columns as SQL: quoted names, or expressions. */
export type Columns = {
  readonly [Name in keyof ExposureSource['columns']]:
    Sql | (null extends ExposureSource['columns'][Name] ? null : never)
}

/** A column as SQL. The values of an expression are bound under names that start with `prefix`. */
export function columnSql(column: SourceColumn, prefix: string): Sql {
  return typeof column === 'string' ? identifier(column) : trusted(column, prefix)
}

/** All of a source's columns as SQL. */
export function columnsOf(columns: ExposureSource['columns']): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, column === null ? null : columnSql(column, name)]),
  ) as Columns
}

const operators: Readonly<Record<Exclude<Comparison, 'isNull'>, string>> = {
  equals: '=',
  in: 'IN',
  notIn: 'NOT IN',
  atLeast: '>=',
  below: '<',
  like: 'LIKE',
  notLike: 'NOT LIKE',
}

const isPattern: Readonly<Partial<Record<Comparison, true>>> = { like: true, notLike: true }

/** One comparison of a filter: its column, as the filter names it, and the value that it is compared with. */
export interface FilterComparison {
  /** The prefix of the filter's parameters, and the filter's name in messages. */
  readonly name: string
  readonly column: Sql
  readonly comparison: Comparison
  readonly value: FilterInstant | BoundValue
}

/** The comparisons of a filter. A condition of trusted SQL has none. */
export function filterComparisons(filter: ExposureFilter, index: number): readonly FilterComparison[] {
  if (isTrustedSql(filter)) return []
  const { column, ...compared } = filter
  return (Object.entries(compared) as [Comparison, FilterComparison['value']][]).map(
    ([comparison, value]) => ({
      name: `filter_${index + 1}`,
      column: identifier(column),
      comparison,
      value,
    }),
  )
}

/** The predicate of each filter, on its bare column. */
export function filterPredicates(filters: readonly ExposureFilter[]): readonly Sql[] {
  return filters.flatMap((filter, index) =>
    isTrustedSql(filter)
      ? [trusted(filter, `filter_${index + 1}`)]
      : filterComparisons(filter, index).map(predicateOf),
  )
}

function predicateOf(compared: FilterComparison): Sql {
  const { column, comparison, value } = compared
  if (comparison === 'isNull') return value === true ? sql`${column} IS NULL` : sql`${column} IS NOT NULL`
  // A pattern is about the text: a FixedString would bring its zero bytes, and an Enum with a NULL fails. The text of a
  // String is the column itself to the primary key.
  const compares = isPattern[comparison] ? sql`toString(${column})` : column
  const predicate = sql`${compares} ${text(operators[comparison])} ${parameterOf(compared)}`
  // With the setting transform_null_in, NULL is in no list, and would pass.
  return comparison === 'notIn' ? sql`${predicate} AND ${column} IS NOT NULL` : predicate
}

/** The value that a column is compared with, bound under a name of its own. */
export function parameterOf({ name, comparison, value }: FilterComparison): Sql {
  const parameter = `${name}_${comparison.toLowerCase()}`
  return isFilterInstant(value)
    ? sql`fromUnixTimestamp64Milli(${bound(parameter, 'Int64', value.instantMs)})`
    : bound(parameter, boundType(value), value)
}

/**
 * NULL, the empty identifier and the nil UUID are not identities. A UUID column holds the nil UUID if no value was
 * given.
 */
export function isIdentity(identity: Sql): Sql {
  return sql`toString(${identity}) != if(position(toTypeName(${identity}), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')`
}

/** The value of a column as text, or NULL. The text of a Dynamic or Variant without a value would be empty. */
export function textOrNull(column: Sql): Sql {
  return sql`if(${column} IS NULL, NULL, toString(${column}))`
}

/** What distinguishes identities: a 128-bit hash, as a number, which takes less room in groups than its bytes do. */
export function hashOf(identity: Sql): Sql {
  return sql`murmurHash3_128(assumeNotNull(${identity}))`
}

/** A 128-bit hash as a number. */
export function asNumber(hash: Sql): Sql {
  return sql`reinterpretAsUInt128(${hash})`
}
