import { aBoolean, aList, aName, withFields, type Check } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { isTrustedSql, type TrustedSql } from '../sql/trusted-sql.js'
import { aSourceColumn, type SourceColumn } from './source-column.js'
import { aTrustedSelect } from './trusted-select.js'

/** A table's name, and its database. */
export interface SourceTable {
  /** `null` for the connection's own database. */
  readonly database: string | null
  readonly table: string
}

/** A table, and what each of its columns holds. Made by {@link flagsmithEvents} or `exposureSpec`. */
export interface ExposureSource {
  /** A table, or a SELECT that is read as if it were one. */
  readonly table: SourceTable | TrustedSql
  readonly columns: {
    /** The environment's key. `null` if the table holds only one environment. */
    readonly environment: SourceColumn | null
    /** The feature or experiment. */
    readonly feature: SourceColumn
    /** The kind of event. `null` if every row is an exposure. */
    readonly event: SourceColumn | null
    /** `DateTime` or `DateTime64`, of any precision, with or without a time zone. */
    readonly timestamp: SourceColumn
    /** `String`, `FixedString`, `UUID` or an integer. It may be `LowCardinality` or `Nullable`. */
    readonly identity: SourceColumn
    /** `String`, `FixedString` or an `Enum`. It may be `LowCardinality` or `Nullable`. */
    readonly variant: SourceColumn
    /** When the event reached the warehouse; types as `timestamp`, or `null` if absent. Only the ledger reads it. */
    readonly arrival: SourceColumn | null
  }
  /** The event name of its exposures, if it is not `$flag_exposure`. It is the default of a spec's `eventName`. */
  readonly eventName?: EventNames
  /** Whether to leave out rows that a newer row replaces, as `FINAL` does. */
  readonly final?: boolean
  /** The table that holds the first exposure of each identity to each variant. `rolledUp` of `first-exposure/rollup` sets it. */
  readonly rollup?: RollupTable
  /** The cluster whose shards hold the table. `null` if the connection reads the table directly. */
  readonly cluster: string | null
  /** Whether one shard holds all exposures of an identity, so that each shard can count its own identities. */
  readonly shardedByIdentity: boolean
}

/** A rollup of a source's exposures, inside ClickHouse. */
export interface RollupTable {
  /** `null` for the connection's own database. */
  readonly database: string | null
  readonly table: string
  /** The events that it holds. `null` if the source has no event column. */
  readonly eventName: EventNames | null
  /** The columns whose values it keeps, as text, sorted by name. */
  readonly columns: readonly string[]
}

/** A rollup's table, and the events that it holds. */
export type RollupTableInput =
  | string
  | {
      readonly database?: string | null
      readonly table: string
      /** Default: the event name of the source's exposures. Refused if the source has no event column. */
      readonly eventName?: EventNames | null
      /** The columns that it was declared with, or some of them, in any order. At most 10. Default: none. */
      readonly columns?: readonly string[]
    }

/** A table, and the names of its columns if they differ from the defaults. */
export interface ExposureSourceInput {
  /**
   * A table of the connection's own database, or of a named database. Or a SELECT made by `trustedSql`, which is read as
   * a subquery: `columns` then names its columns, and `filters` can use any of them. It must return the same rows each
   * time, because a statement reads it two or three times. It is refused together with `final`, a rollup or a cluster.
   */
  readonly table: string | { readonly database?: string | null; readonly table: string } | TrustedSql
  /**
   * A column that is left out keeps its default name. `null` means that the table has no such column. Any column can
   * also be an expression made by `trustedSql`. `arrival` has no default.
   */
  readonly columns?: {
    readonly environment?: SourceColumn | null
    readonly feature?: SourceColumn
    readonly event?: SourceColumn | null
    readonly timestamp?: SourceColumn
    readonly identity?: SourceColumn
    readonly variant?: SourceColumn
    readonly arrival?: SourceColumn | null
  }
  /** The event name of its exposures. Default `$flag_exposure`. Refused if the source has no event column. */
  readonly eventName?: EventNames
  /**
   * Reads the table with `FINAL`. In a ReplacingMergeTree, only the newest version of a corrected row then counts.
   * Default false. It is slower. It is refused together with a rollup, because the rollup's view sees every inserted
   * version, and on a view, where ClickHouse ignores it.
   */
  readonly final?: boolean
  /** The rollup that first exposures are read from. `rolledUp` of `first-exposure/rollup` sets it. */
  readonly rollup?: RollupTableInput
  /**
   * A cluster, by its name in `system.clusters`. Every shard reads its own table of that name. That table must not be a
   * `Distributed` table, and the database must be named. Default `null`: the connection reads the table, which may be a
   * `Distributed` table.
   */
  readonly cluster?: string | null
  /**
   * States that one shard of the cluster holds all exposures of an identity. Each shard then counts its own identities.
   * Default false. If the table is sharded in another way, every shard that has seen an identity counts it.
   * `npx first-exposure check-cluster` detects this.
   */
  readonly shardedByIdentity?: boolean
}

/** The name of one event, or of several events that all are exposures. */
export type EventNames = string | readonly string[]

/** One name, or a list of names. The list is sorted, without repeats. A list of one name becomes that name. */
export const eventNames: Check<EventNames> = (value, path, refuse) => {
  if (!Array.isArray(value)) return aName(value, path, refuse)
  const names = [...new Set(value.map((name, index) => aName(name, `${path}[${index}]`, refuse)))].sort()
  const [first] = names
  if (first === undefined) throw refuse(path, value, 'Pass one name or more.')
  return names.length === 1 ? first : Object.freeze(names)
}

/** The default name of an exposure event. */
export const defaultEventName = '$flag_exposure'

const flagsmithColumns: ExposureSource['columns'] = /* @__PURE__ */ Object.freeze({
  environment: 'environment_key',
  feature: 'feature_name',
  event: 'event',
  timestamp: 'timestamp',
  identity: 'identifier',
  variant: 'value',
  arrival: 'collected_at',
})

/**
 * The default source: the `events` table in the layout that Flagsmith publishes.
 *
 * Columns `environment_key`, `event`, `feature_name`, `timestamp`, `identifier` (the identity), `value` (the
 * variant) and `collected_at` (the arrival).
 *
 * @example
 * ```ts
 * import { exposureSpec, flagsmithEvents } from 'first-exposure'
 *
 * const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
 * spec.source // => flagsmithEvents()
 * ```
 */
export function flagsmithEvents(): ExposureSource {
  return exposureSource({
    table: 'events',
    columns: { arrival: flagsmithColumns.arrival },
  })
}

/** Completes and checks a source. Throws `invalid-spec`, naming the field. */
export function exposureSource(input: ExposureSourceInput): ExposureSource {
  withFields(
    input,
    ['table', 'columns', 'eventName', 'final', 'rollup', 'cluster', 'shardedByIdentity'],
    'source',
    invalidSpec,
  )
  const table = isTrustedSql(input.table)
    ? aTrustedSelect(input.table, 'source.table', invalidSpec)
    : tableOf(input.table, ['database', 'table'], 'source.table')
  if (isTrustedSql(table)) refuseBesideSelect(input)
  const columns: Partial<ExposureSource['columns']> = withFields(
    input.columns ?? {},
    Object.keys(flagsmithColumns),
    'source.columns',
    invalidSpec,
  )
  const column = (name: keyof ExposureSource['columns']): SourceColumn =>
    aSourceColumn(
      columns[name] === undefined ? flagsmithColumns[name] : columns[name],
      `source.columns.${name}`,
      invalidSpec,
    )
  const event = columns.event === null ? null : column('event')
  const eventName =
    input.eventName === undefined ? undefined : nameOfEvent(event, input.eventName, 'source.eventName')
  const rollup =
    input.rollup === undefined
      ? undefined
      : rollupTable(input.rollup, event, eventName ?? defaultEventName, [
          column('timestamp'),
          column('identity'),
          column('variant'),
        ])
  if (!isTrustedSql(table) && rollup?.database === table.database && rollup.table === table.table) {
    throw invalidSpec(
      'rollup.table',
      rollup.table,
      'Pass a table of its own.',
      'rollup.table is the table of the events.',
    )
  }
  const final = aBoolean(input.final ?? false, 'source.final', invalidSpec)
  if (final && rollup !== undefined) {
    throw invalidSpec(
      'source.final',
      final,
      'Leave one of the two out.',
      'source.final leaves replaced rows out, but the rollup of the source has seen them.',
    )
  }
  const shardedByIdentity = aBoolean(
    input.shardedByIdentity ?? false,
    'source.shardedByIdentity',
    invalidSpec,
  )
  const cluster = nameOrNull(input.cluster, 'source.cluster')
  if (cluster === null && shardedByIdentity) {
    throw invalidSpec(
      'source.cluster',
      undefined,
      'Name the cluster, or leave shardedByIdentity out.',
      'source.shardedByIdentity is about the shards of a cluster, and source.cluster names none.',
    )
  }
  for (const [path, database] of [
    ['source.table.database', isTrustedSql(table) ? undefined : table.database],
    ['rollup.database', rollup?.database],
  ] as const) {
    if (cluster !== null && database === null) {
      throw invalidSpec(
        path,
        undefined,
        'Name it: the shards of a cluster do not know the database of the connection.',
      )
    }
  }
  return deepFreeze({
    table,
    columns: {
      environment: columns.environment === null ? null : column('environment'),
      feature: column('feature'),
      event,
      timestamp: column('timestamp'),
      identity: column('identity'),
      variant: column('variant'),
      arrival: columns.arrival == null ? null : column('arrival'),
    },
    ...(eventName === undefined ? {} : { eventName }),
    ...(final ? { final } : {}),
    ...(rollup === undefined ? {} : { rollup }),
    cluster,
    shardedByIdentity,
  })
}

/** What only a table can have, and how a SELECT has it instead. */
const besideSelect: Readonly<
  Record<'final' | 'rollup' | 'cluster' | 'shardedByIdentity', readonly [problem: string, advice: string]>
> = {
  final: [
    'source.final is about a table, and source.table is a SELECT.',
    'Write FINAL in the SELECT, after the name of its table.',
  ],
  rollup: [
    'A rollup is filled by what is inserted into a table, and source.table is a SELECT.',
    'Leave the rollup out, or pass the table that the events are inserted into, with expressions as its columns.',
  ],
  cluster: [
    'source.cluster is about the shards of a table, and source.table is a SELECT.',
    'Name the cluster in the SELECT: FROM cluster(…), or a Distributed table.',
  ],
  shardedByIdentity: [
    'source.shardedByIdentity is about the shards of a table, and source.table is a SELECT.',
    'Leave it out, or pass the table itself with its cluster.',
  ],
}

function refuseBesideSelect(input: ExposureSourceInput): void {
  for (const [name, [problem, advice]] of Object.entries(besideSelect)) {
    const value = input[name as keyof typeof besideSelect]
    if (value == null || value === false) continue
    throw invalidSpec(name === 'rollup' ? name : `source.${name}`, value, advice, problem)
  }
}

/** A table given by its name, or by an object with these fields only. */
export function tableOf(
  input: string | { readonly database?: string | null; readonly table: string },
  fields: readonly string[],
  path: string,
): SourceTable {
  if (typeof input !== 'object' || input === null) {
    return {
      database: null,
      table: withoutDot(aName(input, path, invalidSpec), path),
    }
  }
  const { database, table } = withFields(input, fields, path, invalidSpec)
  return {
    database: nameOrNull(database, `${path}.database`),
    table: aName(table, `${path}.table`, invalidSpec),
  }
}

/**
 * Refuses a SELECT, and a name with a dot: it is nearly always a database and a table, which are quoted separately.
 */
function withoutDot(name: string, path: string): string {
  if (/^[\s(]*(?:select|with)\s/i.test(name)) {
    throw invalidSpec(
      path,
      name,
      'A SELECT is passed as trustedSql`…`, with the text in your code.',
      `${path} is the name of a table, and this text looks like SQL.`,
    )
  }
  const dot = name.indexOf('.')
  if (dot <= 0) return name
  const [database, table] = [name.slice(0, dot), name.slice(dot + 1)].map((each) => JSON.stringify(each))
  throw invalidSpec(
    path,
    name,
    `Pass { database: ${database}, table: ${table} }; for a table whose own name has a dot, { table: ${JSON.stringify(name)} }.`,
  )
}

function nameOrNull(value: unknown, path: string): string | null {
  return value == null ? null : aName(value, path, invalidSpec)
}

function rollupTable(
  input: RollupTableInput,
  eventColumn: SourceColumn | null,
  ofSource: EventNames,
  keptAnyway: readonly SourceColumn[],
): RollupTable {
  const table = tableOf(input, ['database', 'table', 'eventName', 'columns'], 'rollup')
  const { eventName: asked, columns = [] } = typeof input === 'string' ? {} : input
  const eventName = asked == null ? ofSource : nameOfEvent(eventColumn, asked, 'rollup.eventName')
  return {
    ...table,
    eventName: eventColumn === null ? null : eventName,
    columns: declaredColumns(columns, keptAnyway),
  }
}

/** The columns that a rollup is declared with: sorted, without repeats. */
function declaredColumns(columns: readonly string[], keptAnyway: readonly SourceColumn[]): readonly string[] {
  const path = 'rollup.columns'
  const names = aList(columns, path, invalidSpec).map((given, index) => {
    const name = aSourceColumn(given, `${path}[${index}]`, invalidSpec)
    if (typeof name !== 'string') {
      throw invalidSpec(`${path}[${index}]`, given, 'Name a column of the table.')
    }
    if (keptAnyway.includes(name)) {
      throw invalidSpec(`${path}[${index}]`, name, 'Leave it out: a rollup keeps the first exposures by it.')
    }
    return name
  })
  const distinct = [...new Set(names)].sort()
  if (distinct.length > 10) throw invalidSpec(path, columns, 'Declare at most 10 columns.')
  return distinct
}

/** The name of an event, for a column that may be absent. */
function nameOfEvent(eventColumn: SourceColumn | null, value: unknown, path: string): EventNames {
  if (eventColumn !== null) return eventNames(value, path, invalidSpec)
  throw invalidSpec(path, value, 'Leave it out.', `The source has no event column, so ${path} has no effect.`)
}
