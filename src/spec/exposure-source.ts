import { deepFreeze } from '../freeze.js'
import { assertOptions } from './assert-options.js'
import { identifier } from './identifier.js'
import { invalidSpec } from './invalid-spec.js'
import { key } from './key.js'
import { sourceColumn, type SourceColumn } from './source-column.js'

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
    /** When the event reached the warehouse, as `timestamp` is; `null` where no column says. Read by the ledger alone. */
    readonly arrival: SourceColumn | null
  }
  /** What its exposures are called, where that is not `$flag_exposure`: what a spec's `eventName` is unless it says. */
  readonly eventName?: string
  /** The table that holds the same exposures by whole UTC days; set by `rolledUp` of `first-exposure/rollup`. */
  readonly rollup?: RollupTable
  /** The cluster on whose shards the table is; `null` for a table that the connection reads by itself. */
  readonly cluster: string | null
  /** Whether all exposures of an identity are on one shard, so that shards can count by themselves. */
  readonly shardedByIdentity: boolean
}

/** A rollup of a source's exposures, inside ClickHouse. */
export interface RollupTable {
  /** `null` for the connection's own database. */
  readonly database: string | null
  readonly table: string
  /** The one event that it holds; `null` where the source has no event column. */
  readonly eventName: string | null
}

/** A rollup's table, and the event that it holds. */
export type RollupTableInput =
  | string
  | {
      readonly database?: string | null
      readonly table: string
      /** Default what the source calls its exposures; refused where it has no event column. */
      readonly eventName?: string | null
    }

/** A table and, where they differ from the default, the names of its columns. */
export interface ExposureSourceInput {
  /** A table of the connection's own database, or of a named one. */
  readonly table: string | { readonly database?: string | null; readonly table: string }
  /**
   * A column left out keeps its default name; `null` says that the table has none. An expression made by `trustedSql`
   * can stand for any of them. `arrival` has no default: where it is left out, there is none.
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
  readonly eventName?: string
  /** The rollup to read whole UTC days from; set by `rolledUp` of `first-exposure/rollup`. */
  readonly rollup?: RollupTableInput
  /**
   * A cluster, by its name in `system.clusters`: the table of that name on every shard is read, not a `Distributed`
   * one, and its database has to be named. Default `null`: the connection reads the table by itself, and it may be a
   * `Distributed` one.
   */
  readonly cluster?: string | null
  /**
   * Says that all exposures of an identity are on one shard of the cluster. Each shard then reduces its identities to
   * counts by itself. Default false. Where it is said of a table that is not so sharded, an identity is counted
   * once on every shard that has seen it: `npm run check:cluster` finds out.
   */
  readonly shardedByIdentity?: boolean
}

/** What an exposure is called where nobody says otherwise. */
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
  return exposureSource({ table: 'events', columns: { arrival: flagsmithColumns.arrival } })
}

/** Completes and checks a source. Throws `invalid-spec`, naming the field. */
export function exposureSource(input: ExposureSourceInput): ExposureSource {
  if (typeof input !== 'object' || input === null) {
    throw invalidSpec('source', input, 'Pass { table, columns } or flagsmithEvents().')
  }
  assertOptions(input, ['table', 'columns', 'eventName', 'rollup', 'cluster', 'shardedByIdentity'], 'source')
  const table = typeof input.table === 'string' ? { table: input.table } : input.table
  if (typeof table !== 'object' || table === null) {
    throw invalidSpec('source.table', input.table, "Pass 'events' or { database, table }.")
  }
  assertOptions(table, ['database', 'table'], 'source.table')
  const columns: Partial<ExposureSource['columns']> = input.columns ?? {}
  for (const name of Object.keys(columns)) {
    if (!Object.hasOwn(flagsmithColumns, name)) {
      throw invalidSpec(
        `source.columns.${name}`,
        columns[name as keyof typeof columns],
        `A source has the columns ${Object.keys(flagsmithColumns).join(', ')}.`,
      )
    }
  }
  const column = (name: keyof ExposureSource['columns']): SourceColumn =>
    sourceColumn(
      columns[name] === undefined ? flagsmithColumns[name] : columns[name],
      `source.columns.${name}`,
    )
  const event = columns.event === null ? null : column('event')
  const named = {
    database: table.database == null ? null : identifier(table.database, 'source.table.database'),
    table: identifier(table.table, 'source.table.table'),
  }
  const eventName =
    input.eventName === undefined ? undefined : nameOfEvent(event, input.eventName, 'source.eventName')
  const rollup =
    input.rollup === undefined ? undefined : rollupTable(input.rollup, event, eventName ?? defaultEventName)
  if (rollup?.database === named.database && rollup.table === named.table) {
    throw invalidSpec('rollup.table', rollup.table, 'It is the table of the events. Pass one of its own.')
  }
  const { cluster = null, shardedByIdentity = false } = input
  if (typeof shardedByIdentity !== 'boolean') {
    throw invalidSpec('source.shardedByIdentity', shardedByIdentity, 'Pass true or false.')
  }
  if (cluster === null && shardedByIdentity) {
    throw invalidSpec(
      'source.cluster',
      cluster,
      'Name the cluster whose shards hold an identity each, or leave shardedByIdentity out.',
    )
  }
  if (cluster !== null && table.database == null) {
    throw invalidSpec(
      'source.table.database',
      table.database,
      'Name the database: the shards of a cluster do not know that of the connection.',
    )
  }
  if (cluster !== null && rollup?.database === null) {
    throw invalidSpec(
      'rollup.database',
      rollup.database,
      'Name the database: the shards of a cluster do not know that of the connection.',
    )
  }
  return deepFreeze({
    table: named,
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
    ...(rollup === undefined ? {} : { rollup }),
    cluster: cluster === null ? null : identifier(cluster, 'source.cluster'),
    shardedByIdentity,
  })
}

function rollupTable(
  input: RollupTableInput,
  eventColumn: SourceColumn | null,
  ofSource: string,
): RollupTable {
  const rollup = typeof input === 'string' ? { table: input } : input
  if (typeof rollup !== 'object' || rollup === null) {
    throw invalidSpec('rollup', input, "Pass 'exposures_by_day' or { database, table, eventName }.")
  }
  for (const name of Object.keys(rollup)) {
    if (!['database', 'table', 'eventName'].includes(name)) {
      throw invalidSpec(
        `rollup.${name}`,
        rollup[name as keyof typeof rollup],
        'A rollup has the fields database, table, eventName.',
      )
    }
  }
  const eventName =
    rollup.eventName == null ? ofSource : nameOfEvent(eventColumn, rollup.eventName, 'rollup.eventName')
  return {
    database: rollup.database == null ? null : identifier(rollup.database, 'rollup.database'),
    table: identifier(rollup.table, 'rollup.table'),
    eventName: eventColumn === null ? null : eventName,
  }
}

/** An event's name for a column that may be absent. */
function nameOfEvent(eventColumn: SourceColumn | null, value: unknown, field: string): string {
  if (eventColumn !== null) return key(value, field)
  throw invalidSpec(
    field,
    value,
    'The source has no event column, so nothing could be restricted by it. Leave it out.',
  )
}
