import type { EventNames } from '../experiment/exposure-source.js'
import type { ExposureSpec, IdentityKey } from '../experiment/exposure-spec.js'
import { ownNames, type NamesInUse, type OwnNames } from '../sql/own-names.js'
import { bound, sql, text, type Sql } from '../sql/sql.js'
import { isTrustedSql } from '../sql/trusted-sql.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { granularities, selectGranularity } from '../time/granularity.js'
import { aliasMap, type AliasMap } from './alias-map.js'
import { asNumber, columnsOf, filterPredicates, hashOf, isIdentity, type Columns } from './columns.js'
import { isReadable, settings } from './guards.js'
import { eventTables, everyShard } from './shards.js'

/** The exposures that identities are counted from, in whatever table. */
export interface Exposures {
  /** The table, or the cluster's tables, as written after FROM. */
  readonly from: Sql
  /** Checks, once per statement and before anything else, that the columns can be read correctly. */
  readonly guard: Sql
  /** The conditions for an event in some variant. */
  readonly predicates: readonly Sql[]
  /** The additional conditions for an event of an identity. */
  readonly identityPredicates: readonly Sql[]
  /** The expression that distinguishes identities; with aliases, the identifiers that resolve to them. */
  readonly identityGroup: Sql
  /** Which identifiers stand for which others. `null` if every identifier stands for itself. */
  readonly aliases: AliasMap | null
  /** The variant's key as text. */
  readonly variantKey: Sql
  readonly exposedAt: Sql
  /** All keys of variants that there can be, in byte order, as a scalar. Default: they are looked for in `from`. */
  readonly variantKeys?: Sql
  /**
   * The exposures that are all exposures of their identities, so that they can be counted without grouping by identity.
   * Left out if that is not known of any.
   */
  readonly alone?: {
    readonly is: Sql
    /** What to group by: `shared`, a number of 64 bits, for these exposures, and the identity for the others. */
    readonly groups: (shared: Sql) => readonly Sql[]
  }
}

/** A spec and a window as SQL fragments. Every statement that reads the events is built from them. */
export interface ExposureScan extends Exposures {
  readonly columns: Columns
  /** The identity as it is distinguished: a bare column, or the text of an expression. */
  readonly identity: Sql
  /** The conditions for an event of the experiment, on bare columns. */
  readonly ofExperiment: readonly Sql[]
  /** The conditions for an event of the window: at or after its start, and before its end. */
  readonly inWindow: readonly [Sql, Sql]
  /** The condition for an event with a variant. */
  readonly hasVariant: Sql
  /** The condition for an event with an identity. */
  readonly hasIdentity: Sql
  /** The conditions that the filters set. */
  readonly filters: readonly Sql[]
  /** The start of the hour or day of a DateTime expression, in the spec's time zone. */
  readonly bucketOf: (dateTime: Sql) => Sql
  readonly own: OwnNames
  /** The end of the statement: allows one row more than the maximum, which shows that there were more. */
  readonly rowLimit: Sql
  /** The end of the statement: the settings that keep the answer complete. */
  readonly settings: Sql
  /** The settings of a statement over a cluster. */
  readonly clusterSettings: readonly string[]
  /** The name of the cluster, as a parameter. Not used if there is no cluster. */
  readonly cluster: Sql
}

/** The fragments for a complete spec, with the dimensions that are asked for, and a checked window. */
export function exposureScan(
  spec: ExposureSpec & Pick<NamesInUse, 'dimensions'>,
  { startMs, asOfMs }: ExposureWindow,
): ExposureScan {
  const { identityKey, maxRows, source, timeZone } = spec
  const columns = columnsOf(source.columns)
  const filters = filterPredicates(spec.filters)
  const ofExperiment = experimentIn(columns, spec)
  const inWindow = [
    sql`${columns.timestamp} >= fromUnixTimestamp64Milli(${bound('start_ms', 'Int64', startMs)})`,
    sql`${columns.timestamp} < fromUnixTimestamp64Milli(${bound('as_of_ms', 'Int64', asOfMs)})`,
  ] as const
  const identity = isTrustedSql(source.columns.identity)
    ? sql`toString(${columns.identity})`
    : columns.identity
  const hasVariant = sql`${columns.variant} IS NOT NULL`
  const hasIdentity = isIdentity(columns.identity)
  const from = eventTables(source)
  const own = ownNames(spec)
  const startOfBucket = text(granularities[selectGranularity({ startMs, asOfMs })].startOfBucket)
  return {
    from,
    guard: isReadable(source, columns, spec.filters),
    predicates: [...ofExperiment, ...inWindow, hasVariant, ...filters],
    identityPredicates: [hasIdentity],
    identity,
    identityGroup: identityGroups[identityKey](identity),
    aliases: aliasMap(
      spec,
      { from, identity, own },
      {
        identityOf: (identifier) => identifier,
        groupOf: identityGroups[identityKey],
      },
    ),
    variantKey: sql`toString(${columns.variant})`,
    exposedAt: columns.timestamp,
    columns,
    ofExperiment,
    inWindow,
    hasVariant,
    hasIdentity,
    filters,
    bucketOf: (dateTime) => sql`${startOfBucket}(${dateTime}, ${bound('time_zone', 'String', timeZone)})`,
    own,
    rowLimit: sql`LIMIT ${bound('row_limit', 'UInt64', maxRows + 1)}`,
    settings: settings(...everyShard(source.cluster)),
    clusterSettings: everyShard(source.cluster),
    cluster: bound('cluster', 'String', source.cluster ?? ''),
  }
}

/**
 * The conditions for a row of one experiment, in the events or in a rollup of them. An absent column has no condition.
 */
export function experimentIn(
  columns: Readonly<Record<'environment' | 'event', Sql | null> & Record<'feature', Sql>>,
  spec: Pick<ExposureSpec, 'environmentKey' | 'eventName' | 'featureName'>,
): readonly Sql[] {
  return [
    ...eventsIn(columns, spec),
    sql`${columns.feature} = ${bound('feature_name', 'String', spec.featureName)}`,
  ]
}

/** The conditions for an exposure event of the environment, of whatever experiment. */
export function eventsIn(
  columns: Readonly<Record<'environment' | 'event', Sql | null>>,
  { environmentKey, eventName }: Pick<ExposureSpec, 'environmentKey' | 'eventName'>,
): readonly Sql[] {
  return [
    ...(columns.environment === null || environmentKey === null
      ? []
      : [sql`${columns.environment} = ${bound('environment_key', 'String', environmentKey)}`]),
    ...(columns.event === null || eventName === null ? [] : [isEvent(columns.event, eventName)]),
  ]
}

/** The condition for an event with one of these names. */
export function isEvent(event: Sql, names: EventNames): Sql {
  return typeof names === 'string'
    ? sql`${event} = ${bound('event_name', 'String', names)}`
    : sql`${event} IN ${bound('event_names', 'Array(String)', names)}`
}

const identityGroups: Readonly<Record<IdentityKey, (identity: Sql) => Sql>> = {
  hash: (identity) => asNumber(hashOf(identity)),
  exact: (identity) => sql`assumeNotNull(${identity})`,
}
