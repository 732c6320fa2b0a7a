import type { FileColumns } from './arguments.js'
import type { EmbeddedClickHouse } from './embedded-clickhouse.js'
import type { OpenedFile } from './open-file.js'
import { fileRead, type FileRead } from './read-file.js'
import type { RowFilter } from './row-filters.js'
import type { TimestampForm } from './timestamp-form.js'
import type { TimestampPlan } from './timestamp-plan.js'

/** What is done to the values of files before they are counted. */
export interface FileCleaning {
  /** Whether rows that cannot be read are left out; otherwise they stop the report. */
  readonly skipBadRows: boolean
  /** Whether variants and identities that differ only in case, or in spaces around them, are the same. */
  readonly foldCase: boolean
  /** Other names for variants. */
  readonly renamed: ReadonlyMap<string, string>
  /** The texts that stand for no value, in the columns of the identity and the variant. */
  readonly nulls: readonly string[]
  /** `column=value`, as the user wrote it. */
  readonly where: readonly string[]
  /** How timestamps are written, if the user said it. */
  readonly timestampForms: readonly TimestampForm[] | undefined
}

/** What a load of files is about. */
export interface Load {
  readonly engine: EmbeddedClickHouse
  readonly columns: FileColumns
  readonly experiment: string
  readonly timeZone: string
  readonly cleaning: FileCleaning
  /**
   * Whether every row is kept. Otherwise the table has one row for each identity and variant, with its first exposure,
   * the last one, and how many there are: enough for all but what is about single events.
   */
  readonly keepsAll: boolean
  /** The columns that may say of which experiment a row is, if the user named none. */
  readonly mayName: readonly string[]
  /** The filters of rows, by file. */
  readonly filters: readonly (readonly RowFilter[])[]
}

export type TimeColumn = 'timestamp' | 'arrival'
export type Plans = Readonly<Record<TimeColumn, TimestampPlan & { readonly isDates: boolean }>>

/** A table of the rows of files. Its rows are read a few times only, so nothing is sorted, and parts are not merged. */
export function createExposures(
  table: 'exposures' | 'loading',
  { columns, cleaning, keepsAll, mayName }: Load,
): string {
  return `CREATE OR REPLACE TABLE ${table}
    (
      experiment LowCardinality(String),
      identity Nullable(String),
      variant LowCardinality(Nullable(String)),
      exposed_at DateTime64(9, 'UTC'),
      ${columns.arrival === undefined ? '' : "arrived_at Nullable(DateTime64(9, 'UTC')),"}
      ${columns.breakdown === undefined ? '' : 'slice LowCardinality(Nullable(String)),'}
      ${cleaning.renamed.size === 0 ? '' : 'former_variant LowCardinality(Nullable(String)),'}
      ${mayName
        .map((_, at) =>
          keepsAll
            ? `named_${at} LowCardinality(String), other_${at} String ALIAS named_${at},`
            : `named_${at} String, other_${at} String,`,
        )
        .join('\n      ')}
      status UInt8,
      unread String,
      last_exposed_at DateTime64(9, 'UTC') ${keepsAll ? 'ALIAS exposed_at' : ''},
      events UInt64 ${keepsAll ? 'ALIAS 1' : ''}
    )
    ENGINE = MergeTree
    PARTITION BY status
    ORDER BY tuple()
    SETTINGS max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1,
      parts_to_delay_insert = 1000000, parts_to_throw_insert = 1000000`
}

/** How a statement reads a file's columns of these roles, and some more, and which of its rows are wanted. */
export function reading(
  load: Load,
  file: OpenedFile,
  index: number,
  roles: readonly (keyof FileColumns)[],
  more: Readonly<Record<string, string>> = {},
): { readonly read: FileRead; readonly condition: string; readonly parameters: Record<string, unknown> } {
  const filters = load.filters[index] ?? []
  const named = Object.fromEntries(
    [...roles, 'feature' as const].flatMap((role) => {
      const column = load.columns[role]
      return typeof column === 'string' ? [[role, column] as const] : []
    }),
  )
  const read = fileRead(file, {
    ...named,
    ...more,
    ...Object.fromEntries(filters.map(({ column }, at) => [`where_${at}`, column])),
  })
  const conditions = [
    ...(load.columns.feature === undefined
      ? []
      : [`ifNull(${read.text('feature')} = {experiment:String}, false)`]),
    ...filters.map(
      (_, at) => `has({where_${at}_values:Array(String)}, ifNull(${read.text(`where_${at}`)}, ''))`,
    ),
  ]
  return {
    read,
    condition: conditions.length === 0 ? 'true' : conditions.join(' AND '),
    parameters: {
      ...read.query_params,
      experiment: load.experiment,
      ...Object.fromEntries(filters.map(({ values }, at) => [`where_${at}_values`, values])),
    },
  }
}

export function timeParameters({ timeZone, cleaning }: Load, plan: Plans): Record<string, unknown> {
  return {
    time_zone: timeZone,
    timestamp_pattern: patternOf(cleaning.timestampForms ?? plan.timestamp.forms),
  }
}

export function patternOf(forms: readonly TimestampForm[]): string {
  return forms.flatMap((form) => (typeof form === 'object' ? [form.pattern] : []))[0] ?? ''
}

/** The settings to look at some rows of a file, whatever is wrong with others. */
export function tolerant(file: OpenedFile): string {
  return file.format.kind === 'table'
    ? `${file.settings}, input_format_allow_errors_num = 4000000000, input_format_allow_errors_ratio = 1`
    : file.settings
}
