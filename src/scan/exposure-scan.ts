import type { EventNames } from '../experiment/exposure-source.js'
import type { ExposureSpec, IdentityKey } from '../experiment/exposure-spec.js'
import { ownNames, type OwnNames } from '../sql/own-names.js'
import { bound, sql, text, type Sql } from '../sql/sql.js'
import { isTrustedSql } from '../sql/trusted-sql.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { granularities, selectGranularity } from '../time/granularity.js'
import { asNumber, columnsOf, filterPredicates, hashOf, isIdentity, type Columns } from './columns.js'
import { isReadable, settings } from './guards.js'
import { eventTables, everyShard } from './shards.js'

/** The exposures that identities are counted from, wherever they are read. */
export interface Exposures {
  /** The table, or the cluster's tables, as they stand after FROM. */
  readonly from: Sql
  /** What makes sure, once in a statement and before anything else, that the columns can be read rightly. */
  readonly guard: Sql
  /** What an event in some variant meets. */
  readonly predicates: readonly Sql[]
  /** What an event of an identity meets besides. */
  readonly identityPredicates: readonly Sql[]
  /** What identities are told apart by. */
  readonly identityGroup: Sql
  /** The variant's key as text. */
  readonly variantKey: Sql
  readonly exposedAt: Sql
}

/** A spec and a window as fragments: what every statement that reads the events is put together from. */
export interface ExposureScan extends Exposures {
  readonly columns: Columns
  /** The identity as it is told apart: a bare column, or the text of an expression. */
  readonly identity: Sql
  /** What an event of the experiment meets, on bare columns. */
  readonly ofExperiment: readonly Sql[]
  /** What an event of the window meets: not before its start, and before its end. */
  readonly inWindow: readonly [Sql, Sql]
  /** What an event with a variant meets. */
  readonly hasVariant: Sql
  /** What an event with an identity meets. */
  readonly hasIdentity: Sql
  /** What an event that no filter keeps out meets. */
  readonly filters: readonly Sql[]
  /** The start of the hour or day of an expression that is a DateTime, in the spec's zone. */
  readonly bucketOf: (dateTime: Sql) => Sql
  readonly own: OwnNames
  /** What ends the statement: the most rows of an answer and one more, which tells that there were more. */
  readonly rowLimit: Sql
  /** What ends the statement: the settings that keep the answer whole. */
  readonly settings: Sql
  /** The settings of a statement over a cluster. */
  readonly clusterSettings: readonly string[]
  /** The name of the cluster, as a parameter; not used where there is none. */
  readonly cluster: Sql
}

/** The fragments for a complete spec and a checked window. */
export function exposureScan(spec: ExposureSpec, { startMs, asOfMs }: ExposureWindow): ExposureScan {
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
  const startOfBucket = text(granularities[selectGranularity({ startMs, asOfMs })].startOfBucket)
  return {
    from: eventTables(source),
    guard: isReadable(source, columns, spec.filters),
    predicates: [...ofExperiment, ...inWindow, hasVariant, ...filters],
    identityPredicates: [hasIdentity],
    identity,
    identityGroup: identityGroups[identityKey](identity),
    variantKey: sql`toString(${columns.variant})`,
    exposedAt: columns.timestamp,
    columns,
    ofExperiment,
    inWindow,
    hasVariant,
    hasIdentity,
    filters,
    bucketOf: (dateTime) => sql`${startOfBucket}(${dateTime}, ${bound('time_zone', 'String', timeZone)})`,
    own: ownNames(spec),
    rowLimit: sql`LIMIT ${bound('row_limit', 'UInt64', maxRows + 1)}`,
    settings: settings(...everyShard(source.cluster)),
    clusterSettings: everyShard(source.cluster),
    cluster: bound('cluster', 'String', source.cluster ?? ''),
  }
}

/** What a row of one experiment meets, in the events or in a rollup of them; a column that is not there is not asked. */
export function experimentIn(
  columns: Readonly<Record<'environment' | 'event', Sql | null> & Record<'feature', Sql>>,
  {
    environmentKey,
    eventName,
    featureName,
  }: Pick<ExposureSpec, 'environmentKey' | 'eventName' | 'featureName'>,
): readonly Sql[] {
  return [
    ...(columns.environment === null || environmentKey === null
      ? []
      : [sql`${columns.environment} = ${bound('environment_key', 'String', environmentKey)}`]),
    ...(columns.event === null || eventName === null ? [] : [isEvent(columns.event, eventName)]),
    sql`${columns.feature} = ${bound('feature_name', 'String', featureName)}`,
  ]
}

/** What an event of one of these names meets. */
export function isEvent(event: Sql, names: EventNames): Sql {
  return typeof names === 'string'
    ? sql`${event} = ${bound('event_name', 'String', names)}`
    : sql`${event} IN ${bound('event_names', 'Array(String)', names)}`
}

const identityGroups: Readonly<Record<IdentityKey, (identity: Sql) => Sql>> = {
  hash: (identity) => asNumber(hashOf(identity)),
  exact: (identity) => sql`assumeNotNull(${identity})`,
}
