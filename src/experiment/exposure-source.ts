import { aBoolean, aName, withFields, type Check } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { aSourceColumn, type SourceColumn } from './source-column.js'

/** Where the exposures are: one table, and which of its columns says what. Made by {@link flagsmithEvents} or by `exposureSpec`. */
export interface ExposureSource {
  readonly table: {
    /** `null` for the connection's own database. */
    readonly database: string | null
    readonly table: string
  }
  readonly columns: {
    /** The environment's key; `null` where the table holds one environment. */
    readonly environment: SourceColumn | null
    /** The feature or experiment. */
    readonly feature: SourceColumn
    /** The kind of event; `null` where every row is an exposure. */
    readonly event: SourceColumn | null
    /** `DateTime` or `DateTime64`, of any precision, with or without a zone. */
    readonly timestamp: SourceColumn
    /** `String`, `FixedString`, `UUID` or an integer, `LowCardinality` and `Nullable` or not. */
    readonly identity: SourceColumn
    /** `String`, `FixedString` or an `Enum`, `LowCardinality` and `Nullable` or not. */
    readonly variant: SourceColumn
    /** When the event reached the warehouse, typed as `timestamp`; `null` where no column says. Only the ledger reads it. */
    readonly arrival: SourceColumn | null
  }
  /** What its exposures are called, where that is not `$flag_exposure`: the default of a spec's `eventName`. */
  readonly eventName?: EventNames
  /** Whether rows that a newer one replaces are left out, as `FINAL` does. */
  readonly final?: boolean
  /** The table that holds the same exposures by whole UTC days; set by `rolledUp` of `first-exposure/rollup`. */
  readonly rollup?: RollupTable
  /** The cluster on whose shards the table is; `null` for a table that the connection reads by itself. */
  readonly cluster: string | null
  /** Whether one shard holds all exposures of an identity, so that each shard can count its own. */
  readonly shardedByIdentity: boolean
}

/** A rollup of a source's exposures, inside ClickHouse. */
export interface RollupTable {
  /** `null` for the connection's own database. */
  readonly database: string | null
  readonly table: string
  /** The events that it holds; `null` where the source has no event column. */
  readonly eventName: EventNames | null
}

/** A rollup's table, and the events that it holds. */
export type RollupTableInput =
  | string
  | {
      readonly database?: string | null
      readonly table: string
      /** Default: what the source calls its exposures. Refused where the source has no event column. */
      readonly eventName?: EventNames | null
    }

/** A table and, where they differ from the default, the names of its columns. */
export interface ExposureSourceInput {
  /** A table of the connection's own database, or of a named one. */
  readonly table: string | { readonly database?: string | null; readonly table: string }
  /**
   * A column left out keeps its default name; `null` says that the table has no such column. An expression made by
   * `trustedSql` can stand for any of them. `arrival` has no default.
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
  /** What its exposures are called. Default `$flag_exposure`; refused where the source has no event column. */
  readonly eventName?: EventNames
  /**
   * Reads the table with `FINAL`, so that in a ReplacingMergeTree only the newest version of a corrected row counts.
   * Default false. Slower; refused together with a rollup, whose view sees every version that is inserted.
   */
  readonly final?: boolean
  /** The rollup to read whole UTC days from; set by `rolledUp` of `first-exposure/rollup`. */
  readonly rollup?: RollupTableInput
  /**
   * A cluster, by its name in `system.clusters`. Every shard reads its own table of that name, which must not be a
   * `Distributed` one, and the database must be named. Default `null`: the connection reads the table, which may be a
   * `Distributed` one.
   */
  readonly cluster?: string | null
  /**
   * Says that one shard of the cluster holds all exposures of an identity. Each shard then counts its own identities.
   * Default false. If the table is sharded in another way, every shard that has seen an identity counts it:
   * `npm run check:cluster` finds out.
   */
  readonly shardedByIdentity?: boolean
}

/** The name of one event, or of several that are exposures alike. */
export type EventNames = string | readonly string[]

/** One name, or a list of them: in one order, each once; a list of one is that one. */
export const eventNames: Check<EventNames> = (value, path, refuse) => {
  if (!Array.isArray(value)) return aName(value, path, refuse)
  const names = [...new Set(value.map((name, index) => aName(name, `${path}[${index}]`, refuse)))].sort()
  const [first] = names
  if (first === undefined) throw refuse(path, value, 'Pass one name or more.')
  return names.length === 1 ? first : Object.freeze(names)
}

/** What an exposure is called by default. */
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
  const table = tableOf(input.table, ['database', 'table'], 'source.table')
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
    input.rollup === undefined ? undefined : rollupTable(input.rollup, event, eventName ?? defaultEventName)
  if (rollup?.database === table.database && rollup.table === table.table) {
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
    ['source.table.database', table.database],
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

/** A table by its name, or by an object that has no other fields than these. */
function tableOf(
  input: ExposureSourceInput['table'],
  fields: readonly string[],
  path: string,
): ExposureSource['table'] {
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

/** A name with a dot is nearly always that of a database and a table, which are quoted one by one. */
function withoutDot(name: string, path: string): string {
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
): RollupTable {
  const table = tableOf(input, ['database', 'table', 'eventName'], 'rollup')
  const asked = typeof input === 'string' ? null : input.eventName
  const eventName = asked == null ? ofSource : nameOfEvent(eventColumn, asked, 'rollup.eventName')
  return { ...table, eventName: eventColumn === null ? null : eventName }
}

/** An event's name, for a column that may be absent. */
function nameOfEvent(eventColumn: SourceColumn | null, value: unknown, path: string): EventNames {
  if (eventColumn !== null) return eventNames(value, path, invalidSpec)
  throw invalidSpec(path, value, 'Leave it out.', `The source has no event column, so ${path} has no effect.`)
}
