import { aName, aWholeNumber, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import type { ExposureSource, ExposureSourceInput, RollupTableInput } from '../experiment/exposure-source.js'
import { deepFreeze } from '../freeze.js'
import type { Columns } from '../scan/columns.js'
import { isEvent } from '../scan/exposure-scan.js'
import { isReadable, settings } from '../scan/guards.js'
import { rollupNames } from '../scan/rolled-up-exposures.js'
import { identifier, tableName } from '../sql/identifiers.js'
import { bound, joined, lines, nothing, sql, text, type Sql } from '../sql/sql.js'
import { rendered, statement } from '../sql/statement.js'
import { isTrustedSql } from '../sql/trusted-sql.js'
import { earliestMs, latestMs } from '../time/exposure-window.js'
import { utcDate } from '../time/utc-days.js'
import { rolledUp } from './rolled-up.js'
import type { RollupStatement } from './rollup-statement.js'
import { sourceExposures, type SourceExposures } from './source-exposures.js'

/** The source to roll up, and the table to roll it up into. */
export interface RollupSchemaInput {
  /** The table of the events and its columns, as for `exposureSpec`: the table itself, not a `Distributed` one over it. */
  readonly source: ExposureSourceInput
  /**
   * The table to make: a name, or `{ database, table, eventName }`. If the source has an event column, the rollup holds
   * one event: by default the source's own, usually `$flag_exposure`. The view has the table's name with `_view` at the
   * end.
   */
  readonly rollup: RollupTableInput
  /**
   * The statements run on every server of this cluster. The rollup is then a replicated table. The events' table must
   * be one too, because a view sees only what is inserted on its own server. Default: they run on one server.
   */
  readonly cluster?: string
  /**
   * A day of the rollup is removed after this many days, 1 to 36,500. Keep at least as many as the longest window
   * reaches back, because a removed day counts as empty. Default: days are never removed.
   */
  readonly ttlDays?: number
}

/** The statements that create, fill, clear and drop a rollup. Plain data. */
export interface RollupSchema {
  /** Creates the table, then the view that fills it with everything inserted from then on. */
  readonly create: readonly RollupStatement[]
  /** Lists the UTC days that have events to backfill, as rows `{ day: '2026-06-01' }`. Pass it to `client.query`. */
  readonly days: RollupStatement & { readonly format: 'JSONEachRow' }
  /** Adds the events of one day to the rollup. Its parameter `day` is bound by `rollupBackfill`. */
  readonly backfill: RollupStatement
  /** Empties one day of the rollup. Its parameter `day` is bound by `decodeRollupAudit`. */
  readonly clear: RollupStatement
  /** Drops the view, then the table. The events stay as they are. */
  readonly drop: readonly RollupStatement[]
}

/**
 * The statements that create, fill and drop a rollup: a table inside ClickHouse that holds, for each UTC day, the least
 * instant of every identity in every variant.
 *
 * A materialised view updates it at each insert. The minimum is a semilattice: events that arrive late, twice or in
 * another order give the same rollup, and filling a day again changes nothing. So the order is: run `create`, then
 * `backfill` for each of `days`, then read through `rolledUp`. Events may arrive during the backfill, and after an
 * interruption you can start again from any day. The view may miss inserts that were running when it was created: let
 * them end before the backfill.
 *
 * The view does not see some changes, and only an audit finds them: partitions attached or deleted, mutations, inserts
 * while the view was detached, and an insert that is retried because its view failed and that the events' table then
 * drops as a duplicate (the server setting `deduplicate_blocks_in_dependent_materialized_views = 1` prevents this one).
 * See `rollupAudit`.
 *
 * The view takes only rows that a window can count: those with an identity and a variant, from 1970-01-02 to
 * 2105-12-31. So it never makes an insert into the events fail. The statements use syntax available since ClickHouse
 * 23.8.
 *
 * @param input - the source, the rollup's table, and optionally the cluster and the days to keep
 * @returns frozen plain data; every value is a bound parameter, every name is quoted
 * @throws {@link ExposureError} `invalid-spec`, naming the field
 *
 * @example
 * ```ts
 * import { flagsmithEvents } from 'first-exposure'
 * import { rollupSchema } from 'first-exposure/rollup'
 *
 * const { create, drop } = rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_day' })
 * create.map(({ query }) => query.split('\n')[0])
 * // => [
 * //   'CREATE TABLE IF NOT EXISTS `exposures_by_day`',
 * //   'CREATE MATERIALIZED VIEW IF NOT EXISTS `exposures_by_day_view`',
 * // ]
 * drop.map(({ query }) => query)
 * // => [
 * //   'DROP VIEW IF EXISTS `exposures_by_day_view` SYNC',
 * //   'DROP TABLE IF EXISTS `exposures_by_day` SYNC',
 * // ]
 * ```
 *
 * ```sql
 * CREATE TABLE IF NOT EXISTS `exposures_by_day`
 * (
 *   environment LowCardinality(String),
 *   event LowCardinality(String),
 *   feature LowCardinality(String),
 *   identity String,
 *   day Date,
 *   variant LowCardinality(String),
 *   identity_hash FixedString(16) MATERIALIZED murmurHash3_128(identity),
 *   first_exposure SimpleAggregateFunction(min, DateTime64(9, 'UTC'))
 * )
 * ENGINE = AggregatingMergeTree
 * PARTITION BY toYYYYMM(day)
 * ORDER BY (environment, event, feature, identity, day, variant)
 * COMMENT 'The least instant of each identity in each variant, by UTC day'
 * ```
 */
export function rollupSchema(input: RollupSchemaInput): RollupSchema {
  withFields(input, ['source', 'rollup', 'cluster', 'ttlDays'], 'rollupSchema', invalidSpec, '')
  const source = rolledUp(input.source, input.rollup)
  const { columns, rollup, table: events } = source
  if (rollup === undefined) throw invalidSpec('rollup', rollup, "Pass the rollup's table.")
  const viewed = { database: rollup.database, table: `${rollup.table}_view` }
  if (!isTrustedSql(events) && viewed.database === events.database && viewed.table === events.table) {
    throw invalidSpec('rollup.table', rollup.table, 'Its view would have the name of the events’ table.')
  }
  const cluster = input.cluster === undefined ? undefined : aName(input.cluster, 'cluster', invalidSpec)
  const ttlDays =
    input.ttlDays === undefined ? undefined : aWholeNumber(1, 36_500)(input.ttlDays, 'ttlDays', invalidSpec)

  // A view, a backfill and the list of days read the table of their own server.
  const ownTable = { ...source, cluster: null }
  const table = tableName(rollup)
  const view = tableName(viewed)
  const onCluster = cluster === undefined ? nothing : sql` ON CLUSTER ${identifier(cluster)}`
  const ofEvent = ({ event }: Columns): readonly Sql[] =>
    event === null || rollup.eventName === null ? [] : [isEvent(event, rollup.eventName)]
  // DateTime64: if a DateTime64 is compared with a DateTime, ClickHouse's index loses the last second before it.
  const isCountable = (column: Columns): readonly Sql[] => [
    ...ofEvent(column),
    sql`${column.timestamp} >= toDateTime64('${utcMidnight(earliestMs)}', 3, 'UTC')`,
    sql`${column.timestamp} < toDateTime64('${utcMidnight(latestMs)}', 3, 'UTC')`,
  ]
  const guards = (column: Columns): readonly Sql[] => [isReadable(ownTable, column)]
  // The value is bound later, for each day. Here the parameter only appears in the text.
  const day = bound('day', 'Date', '')
  const isOnDay = (column: Columns): readonly Sql[] => [
    ...ofEvent(column),
    sql`${column.timestamp} >= toDateTime64(${day}, 3, 'UTC')`,
    sql`${column.timestamp} < toDateTime64(${day} + 1, 3, 'UTC')`,
  ]
  const key = keyColumns(columns)
  const keyNames = key.map((name) => rollupNames[name])

  return deepFreeze({
    create: [
      rendered(sql`
        CREATE TABLE IF NOT EXISTS ${table}${onCluster}
        (
          ${lines(...key.map((name) => sql`${rollupNames[name]} ${keyTypes[name]}`), ...stateColumns)}
        )
        ENGINE = ${cluster === undefined ? nothing : sql`Replicated`}AggregatingMergeTree
        PARTITION BY toYYYYMM(${rollupNames.day})
        ORDER BY (${joined(keyNames, ', ')})
        ${ttlDays === undefined ? nothing : sql`TTL ${rollupNames.day} + toIntervalDay(${bound('ttl_days', 'UInt32', ttlDays)})`}
        COMMENT 'The least instant of each identity in each variant, by UTC day'
      `),
      rendered(sql`
        CREATE MATERIALIZED VIEW IF NOT EXISTS ${view}${onCluster}
        TO ${table}
        AS ${leastInstants(
          key,
          sourceExposures(source, isCountable, () => []),
        )}
      `),
    ],
    days: statement(daysOf(sourceExposures(source, isCountable, guards))),
    backfill: withoutDay(sql`
      INSERT INTO ${table} (${joined([...keyNames, rollupNames.firstExposure], ', ')})
      ${settings('insert_deduplicate = 0')}
      ${leastInstants(key, sourceExposures(source, isOnDay, guards))}
    `),
    clear: withoutDay(sql`
      ALTER TABLE ${table}${onCluster}
      DELETE WHERE ${rollupNames.day} = ${day}
      SETTINGS mutations_sync = 2
    `),
    drop: [
      rendered(sql`DROP VIEW IF EXISTS ${view}${onCluster} SYNC`),
      rendered(sql`DROP TABLE IF EXISTS ${table}${onCluster} SYNC`),
    ],
  })
}

/** A statement for one day. `rollupBackfill` and `decodeRollupAudit` bind its parameter `day`. */
function withoutDay(fragment: Sql): RollupStatement {
  const { query, query_params } = rendered(fragment)
  const { day: _, ...others } = query_params
  return { query, query_params: others }
}

function utcMidnight(ms: number): Sql {
  return text(`${utcDate(ms)} 00:00:00`)
}

type KeyColumn = 'environment' | 'event' | 'feature' | 'identity' | 'day' | 'variant'

/**
 * The key columns of the rollup, in the order of its primary key. An identity's days are next to each other, so reads
 * stay local, and from the second day on its identifier and hash take almost no space.
 */
function keyColumns(columns: ExposureSource['columns']): readonly KeyColumn[] {
  return [
    ...(columns.environment === null ? [] : (['environment'] as const)),
    ...(columns.event === null ? [] : (['event'] as const)),
    'feature',
    'identity',
    'day',
    'variant',
  ]
}

const keyTypes: Readonly<Record<KeyColumn, Sql>> = {
  environment: text('LowCardinality(String)'),
  event: text('LowCardinality(String)'),
  feature: text('LowCardinality(String)'),
  identity: text('String'),
  day: text('Date'),
  variant: text('LowCardinality(String)'),
}

// Nanoseconds, so that a tie in the rollup is a tie in the events. Monthly partitions, because an insert fails if its
// view splits it into more than a hundred partitions.
const stateColumns: readonly Sql[] = [
  sql`${rollupNames.identityHash} FixedString(16) MATERIALIZED murmurHash3_128(${rollupNames.identity})`,
  sql`${rollupNames.firstExposure} SimpleAggregateFunction(min, DateTime64(9, 'UTC'))`,
]

function leastInstants(key: readonly KeyColumn[], { select, names }: SourceExposures): Sql {
  const selected = key.map((name) =>
    isSame(names[name], rollupNames[name]) ? names[name] : sql`${names[name]} AS ${rollupNames[name]}`,
  )
  return sql`
    SELECT
      ${lines(...selected, sql`min(${names.exposedAt}) AS ${rollupNames.firstExposure}`)}
    FROM
    (
      ${select}
    )
    GROUP BY ${joined(
      key.map((name) => names[name]),
      ', ',
    )}
  `
}

function isSame(one: Sql, other: Sql): boolean {
  return rendered(one).query === rendered(other).query
}

function daysOf({ select, names }: SourceExposures): Sql {
  return sql`
    SELECT DISTINCT toString(${names.day}) AS ${rollupNames.day}
    FROM
    (
      ${select}
    )
    ORDER BY ${rollupNames.day}
    ${settings()}
  `
}
