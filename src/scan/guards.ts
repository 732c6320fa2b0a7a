import { isFilterInstant, type ExposureFilter } from '../experiment/exposure-filter.js'
import type { SourceColumn } from '../experiment/source-column.js'
import type { ExposureSource } from '../experiment/exposure-source.js'
import { joined, sql, text, type Sql } from '../sql/sql.js'
import { filterComparisons, type Columns, type FilterComparison } from './columns.js'
import { skipsNoShard, tables } from './shards.js'

// How a server, a profile or a table can change an answer without an error, and how a statement prevents it.

/** The settings that cut or filter the result of every SELECT, also of the one of a view, with the values that do not. */
const wholeResult: readonly string[] = ['limit = 0', 'offset = 0', "additional_result_filter = ''"]

/**
 * The settings that would cut an answer short or filter it silently, with the values that do neither. A statement sets
 * them. If they have these values already, a `readonly = 1` user may set them too. If they have other values and the
 * user may not change them, the statement fails (`unsafe-setting`).
 */
const safeSettings: readonly string[] = [
  ...wholeResult,
  "read_overflow_mode = 'throw'",
  "read_overflow_mode_leaf = 'throw'",
  "result_overflow_mode = 'throw'",
  "timeout_overflow_mode = 'throw'",
  "group_by_overflow_mode = 'throw'",
  "sort_overflow_mode = 'throw'",
  "set_overflow_mode = 'throw'",
  "join_overflow_mode = 'throw'",
  "distinct_overflow_mode = 'throw'",
  "transfer_overflow_mode = 'throw'",
  "join_default_strictness = 'ALL'",
  'enable_global_with_statement = 1',
  'empty_result_for_aggregation_by_empty_set = 0',
]

/** The end of a statement: the settings that keep its answer complete, and its own settings. */
export function settings(...own: readonly string[]): Sql {
  return sql`SETTINGS ${text([...own, ...safeSettings].join(', '))}`
}

/** The settings that write a value as another text, with the values that do not. An import of CSV may have them. */
const plainText: readonly string[] = [
  "bool_true_representation = 'true'",
  "bool_false_representation = 'false'",
]

/** The end of the SELECT of a view: it takes all that is inserted, whatever the settings of the user who inserts. */
export function viewSettings(): Sql {
  return sql`SETTINGS ${text([...wholeResult, ...plainText].join(', '))}`
}

/** What a profile may demand of every query, but a query over the events of all time cannot fulfil. */
export const overAllTime: readonly string[] = [
  'use_query_cache = 0',
  'force_index_by_date = 0',
  'force_primary_key = 0',
]

/** For a statement with more subqueries within each other than a profile may allow. */
export const deepSubqueries = 'max_subquery_depth = 100'

/** The setting that a statement sets and the user may not change, from the text of ClickHouse's error 164. */
export function unsafeSetting(message: string): string | undefined {
  const [, name] = /Cannot modify '(\w+)' setting/.exec(message) ?? []
  const known = [...safeSettings, ...overAllTime, deepSubqueries, skipsNoShard]
  return known.some((setting) => setting.startsWith(`${name} = `)) ? name : undefined
}

/** A column that a statement cannot read correctly, and its type. */
export interface UnreadableColumn {
  readonly column: string
  readonly type: string
}

/** The column that the guard of a statement refused, from the text of ClickHouse's error. */
export function unreadableColumn(message: string): UnreadableColumn | undefined {
  const [, column, type] = /first-exposure: column (\w+) has type <(.*?)>/.exec(message) ?? []
  if (column !== undefined && type !== undefined) return { column, type }
  // On shards the guard comes after the comparison, which itself fails for some types.
  const [, between, ofFunction] =
    /between (\S.*?) and DateTime64|arguments \(`?(\S.*?)`?, `?DateTime64\(\d\)/.exec(message) ?? []
  const compared = between ?? ofFunction
  return compared === undefined ? undefined : { column: 'timestamp', type: compared }
}

/** Fails the statement if the type of a column is wrong. ClickHouse knows the type without reading a row. */
function hasType(name: string, column: Sql, isWrong: (type: Sql) => Sql): Sql {
  const type = sql`toTypeName(any(${column}))`
  return sql`throwIf(${isWrong(type)}, concat('first-exposure: column ${text(name)} has type <', ${type}, '>')) = 0`
}

// Compared with an instant, a number counts seconds, and a date is midnight in the server's zone. Neither is an error.
const noInstant = (type: Sql): Sql => sql`position(${type}, 'DateTime') = 0`
// To ClickHouse, values of different inner types differ even if their texts are the same. An expression's text is
// always used. A bare column is compared directly, so that the primary key can be used.
const noText = (type: Sql): Sql => sql`match(${type}, '^(Dynamic|Variant|JSON|Object)')`

/**
 * The condition for every row: the columns have types that can be read correctly. It is a separate scalar, which reads
 * no row and is computed before anything is compared.
 */
export function isReadable(
  { table, columns: given, cluster, rollup, final }: ExposureSource,
  columns: Columns,
  filters: readonly ExposureFilter[] = [],
): Sql {
  const isBare = (column: SourceColumn): boolean => typeof column === 'string'
  return guard(tables(table, cluster), [
    hasType('timestamp', columns.timestamp, noInstant),
    ...(isBare(given.identity) ? [hasType('identity', columns.identity, noText)] : []),
    ...(isBare(given.variant) ? [hasType('variant', columns.variant, noText)] : []),
    // ClickHouse ignores the FINAL of a view, which has no parts.
    ...(final === true ? [sql`any(_part) = ''`] : []),
    ...filters.flatMap(filterComparisons).flatMap((compared) => isComparable(compared, rollup !== undefined)),
  ])
}

/** The same check for the arrival, which only the ledger reads. */
export function isArrivalReadable({ table, cluster }: ExposureSource, arrival: Sql): Sql {
  return guard(tables(table, cluster), [hasType('arrival', arrival, noInstant)])
}

/** An instant can be compared only with a DateTime. Text and numbers can be compared with most other types. */
function isComparable(
  { name, column, comparison, value }: FilterComparison,
  isRolledUp: boolean,
): readonly Sql[] {
  if (comparison === 'isNull') return []
  if (isFilterInstant(value)) return [hasType(name, column, noInstant)]
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  const [one] = all
  // Text is read in the zone that the column's type names, or otherwise in the server's zone.
  if (typeof one === 'string') {
    const isZoneless = (type: Sql): Sql =>
      sql`position(${type}, 'DateTime') > 0 AND position(${type}, '\'') = 0`
    return [hasType(name, column, isZoneless)]
  }
  // A number of days is not a date, just as a number of seconds is not an instant, and the number of an Enum's value is
  // not its name. A rollup keeps a Bool as a word. In a Float32, and a Decimal that is looked for in a list, a fraction is
  // not the Float64 that is bound.
  const isInexact = all.some((each) => Math.fround(Number(each) % 1) !== Number(each) % 1)
  const others = `Date|Enum${isRolledUp && typeof one === 'number' ? '|Bool' : ''}${isInexact ? '|Float32' : ''}${isInexact && all === value ? '|Decimal' : ''}`
  return [hasType(name, column, (type) => sql`match(${type}, '${text(others)}')`)]
}

/**
 * Always true. It is enough that the scalar is computed, whatever its value when a table's shards are read. The condition
 * is a constant to ClickHouse: otherwise everything that depends on it would be computed again for each block of rows.
 */
function guard(from: Sql, checks: readonly Sql[]): Sql {
  return sql`
    isNull((
      SELECT
        ${joined(checks, '\nAND ')}
      FROM ${from}
      WHERE 0
    )) < 2
  `
}
