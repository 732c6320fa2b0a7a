import { aName, aWholeNumber, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import type {
  ExposureSource,
  ExposureSourceInput,
  RollupTableInput,
  SourceTable,
} from '../experiment/exposure-source.js'
import { deepFreeze } from '../freeze.js'
import { columnsOf, type Columns } from '../scan/columns.js'
import { experimentIn, isEvent } from '../scan/exposure-scan.js'
import { isReadable, settings, viewSettings } from '../scan/guards.js'
import { rollupNames, valuesOf } from '../scan/rolled-up-exposures.js'
import { identifier, tableName } from '../sql/identifiers.js'
import { bound, joined, lines, nothing, sql, text, where, type Sql } from '../sql/sql.js'
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
   * Columns of the events that filters, breakdowns and dimensions of the rollup will use, at most 10. The rollup keeps
   * the first exposure of each identity for each combination of variant and values, so declare columns with few values
   * for one identity. Default: none.
   */
  readonly columns?: readonly string[]
  /**
   * The statements run on every server of this cluster. The rollup is then a replicated table. The events' table must
   * be one too, because a view sees only what is inserted on its own server. Default: they run on one server.
   */
  readonly cluster?: string
  /**
   * An identity of an experiment is removed from the rollup this many days after its last exposure, or up to three days
   * later, 1 to 36,500. Windows that start within that many days are still answered exactly. Default: identities are
   * never removed.
   */
  readonly ttlDays?: number
}

/** The statements that create, fill, correct and drop a rollup. Plain data. */
export interface RollupSchema {
  /** Creates the table, then the view that fills it with everything inserted from then on. */
  readonly create: readonly RollupStatement[]
  /** Lists the UTC days that have events to backfill, as rows `{ day: '2026-06-01' }`. Pass it to `client.query`. */
  readonly days: RollupStatement & { readonly format: 'JSONEachRow' }
  /** Adds the events of one day to the rollup. Its parameter `day` is bound by `rollupBackfill`. */
  readonly backfill: RollupStatement
  /**
   * Removes the first exposures of one experiment on one day, and adds the first ones from that day on again. The
   * parameters `day`, `environment_key` and `feature_name` are bound by `decodeRollupAudit`.
   */
  readonly correct: readonly RollupStatement[]
  /**
   * Erases identities from the events, then from the rollup. The parameter `identities` is bound by `rollupErasure`.
   */
  readonly erase: readonly RollupStatement[]
  /** Drops the view, then the table. The events stay as they are. */
  readonly drop: readonly RollupStatement[]
}

/**
 * The statements that create, fill, correct and drop a rollup: a table inside ClickHouse that holds, for every identity
 * of every experiment, the instant of its first exposure to each variant.
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
 * 2105-12-31. So it never makes an insert into the events fail, if the user who inserts may read them: ClickHouse asks
 * for `SELECT` on the columns that a view reads. (`docs/production.md` says what to do for other users.) The statements
 * use syntax available since ClickHouse 23.8. The table's comment begins with `first-exposure rollup 2`, which is the
 * version of this schema.
 *
 * The table merges its parts by itself once they are an hour old (`min_age_to_force_merge_seconds`). One large part is
 * what makes reading cheap, because identities in it that were not exposed again since need no grouping.
 *
 * @param input - the source, the rollup's table, and optionally the declared columns, the cluster and the days to keep
 * @returns frozen plain data; every value is a bound parameter, every name is quoted
 * @throws {@link ExposureError} `invalid-spec`, naming the field
 *
 * @example
 * ```ts
 * import { flagsmithEvents } from 'first-exposure'
 * import { rollupSchema } from 'first-exposure/rollup'
 *
 * const { create, drop } = rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_identity' })
 * create.map(({ query }) => query.split('\n')[0])
 * // => [
 * //   'CREATE TABLE IF NOT EXISTS `exposures_by_identity`',
 * //   'CREATE MATERIALIZED VIEW IF NOT EXISTS `exposures_by_identity_view`',
 * // ]
 * drop.map(({ query }) => query)
 * // => [
 * //   'DROP VIEW IF EXISTS `exposures_by_identity_view` SYNC',
 * //   'DROP TABLE IF EXISTS `exposures_by_identity` SYNC',
 * // ]
 * ```
 *
 * ```sql
 * CREATE TABLE IF NOT EXISTS `exposures_by_identity`
 * (
 *   environment LowCardinality(String),
 *   event LowCardinality(String),
 *   feature LowCardinality(String),
 *   identity String,
 *   identity_hash FixedString(16) MATERIALIZED murmurHash3_128(identity),
 *   first_exposures SimpleAggregateFunction(minMap, Map(String, DateTime64(9, 'UTC'))),
 *   least_instant SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
 *   variants Array(String) ALIAS mapKeys(first_exposures),
 *   instants Array(DateTime64(9, 'UTC')) ALIAS mapValues(first_exposures),
 *   INDEX range_of_least_instants least_instant TYPE minmax GRANULARITY 1
 * )
 * ENGINE = AggregatingMergeTree
 * ORDER BY (environment, event, feature, identity)
 * SETTINGS min_age_to_force_merge_seconds = 3600
 * COMMENT 'first-exposure rollup 2: the first exposure of each identity to each variant'
 * ```
 */
export function rollupSchema(input: RollupSchemaInput): RollupSchema {
  const { source, rollup, viewed, events, cluster, ttlDays } = checkedSchema(input)
  const { columns } = source
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
  // These values are bound later. Here the parameters only appear in the text.
  const day = bound('day', 'Date', '')
  const experiment = {
    environmentKey: columns.environment === null ? null : '',
    featureName: '',
    eventName: rollup.eventName,
  }
  const erased = bound('identities', 'Array(String)', [])
  const isOnDay = (column: Columns): readonly Sql[] => [
    ...ofEvent(column),
    sql`${column.timestamp} >= toDateTime64(${day}, 3, 'UTC')`,
    sql`${column.timestamp} < toDateTime64(${day} + 1, 3, 'UTC')`,
  ]
  const isOfExperimentSince = (column: Columns): readonly Sql[] => [
    ...experimentIn(column, experiment),
    sql`${column.timestamp} >= toDateTime64(${day}, 3, 'UTC')`,
    sql`${column.timestamp} < toDateTime64('${utcMidnight(latestMs)}', 3, 'UTC')`,
  ]
  // What is left of an identity if the first exposures on the day are removed.
  const kept = sql`mapFilter((entry, instant) -> NOT (instant >= toDateTime64(${day}, 9, 'UTC') AND instant < toDateTime64(${day} + 1, 9, 'UTC')), ${rollupNames.firstExposures})`
  const key = keyColumns(columns)
  const keyNames = key.map((name) => rollupNames[name])
  const keepsLast = ttlDays !== undefined
  const filled = [
    ...keyNames,
    rollupNames.firstExposures,
    rollupNames.leastInstant,
    ...(keepsLast ? [rollupNames.lastExposed] : []),
  ]
  const fill = (predicates: (column: Columns) => readonly Sql[]): RollupStatement =>
    unbound(sql`
      INSERT INTO ${table} (${joined(filled, ', ')})
      ${settings('insert_deduplicate = 0')}
      ${firstExposures(key, sourceExposures(ownTable, predicates, guards), keepsLast)}
    `)

  return deepFreeze({
    create: [
      rendered(sql`
        CREATE TABLE IF NOT EXISTS ${table}${onCluster}
        (
          ${lines(
            ...key.map((name) => sql`${rollupNames[name]} ${keyTypes[name]}`),
            ...stateColumns,
            ...(keepsLast ? [sql`${rollupNames.lastExposed} SimpleAggregateFunction(max, Date)`] : []),
            ...readColumns(rollup.columns),
            sql`INDEX range_of_least_instants ${rollupNames.leastInstant} TYPE minmax GRANULARITY 1`,
          )}
        )
        ENGINE = ${cluster === undefined ? nothing : sql`Replicated`}AggregatingMergeTree
        ORDER BY (${joined(keyNames, ', ')})
        ${ttlDays === undefined ? nothing : removal(ttlDays)}
        SETTINGS min_age_to_force_merge_seconds = 3600
        COMMENT 'first-exposure rollup 2: the first exposure of each identity to each variant'
      `),
      rendered(sql`
        CREATE MATERIALIZED VIEW IF NOT EXISTS ${view}${onCluster}
        TO ${table}
        AS ${eachExposure(
          key,
          sourceExposures(ownTable, isCountable, () => []),
          keepsLast,
        )}
        ${viewSettings()}
      `),
    ],
    days: statement(daysOf(sourceExposures(ownTable, isCountable, guards))),
    backfill: fill(isOnDay),
    correct: [
      unbound(sql`
        ALTER TABLE ${table}${onCluster}
        UPDATE ${rollupNames.firstExposures} = ${kept}, ${rollupNames.leastInstant} = arrayMin(mapValues(${kept}))
        ${where(experimentIn(rollupNames, experiment))},
        DELETE ${where([...experimentIn(rollupNames, experiment), sql`empty(${rollupNames.firstExposures})`])}
        SETTINGS mutations_sync = 2
      `),
      fill(isOfExperimentSince),
    ],
    erase: [
      unbound(sql`
        ALTER TABLE ${tableName(events)}${onCluster}
        DELETE WHERE ifNull(toString(${columnsOf(columns).identity}), '') IN ${erased}
        SETTINGS mutations_sync = 2
      `),
      unbound(sql`
        ALTER TABLE ${table}${onCluster}
        DELETE WHERE ${rollupNames.identity} IN ${erased}
        SETTINGS mutations_sync = 2
      `),
    ],
    drop: [
      rendered(sql`DROP VIEW IF EXISTS ${view}${onCluster} SYNC`),
      rendered(sql`DROP TABLE IF EXISTS ${table}${onCluster} SYNC`),
    ],
  })
}

/** The parts of a rollup's schema, checked. */
interface CheckedSchema {
  readonly source: ExposureSource
  readonly rollup: NonNullable<ExposureSource['rollup']>
  /** The name of the view. */
  readonly viewed: SourceTable
  /** The name of the events' table. */
  readonly events: SourceTable
  readonly cluster: string | undefined
  readonly ttlDays: number | undefined
}

/** Completes and checks the input of a schema. Throws `invalid-spec`, naming the field. */
export function checkedSchema(input: RollupSchemaInput): CheckedSchema {
  withFields(input, ['source', 'rollup', 'columns', 'cluster', 'ttlDays'], 'rollupSchema', invalidSpec, '')
  const given = rolledUp(input.source, input.rollup)
  const source =
    input.columns === undefined || given.rollup === undefined
      ? given
      : rolledUp(given, { ...given.rollup, columns: input.columns })
  const { rollup } = source
  if (rollup === undefined) throw invalidSpec('rollup', rollup, "Pass the rollup's table.")
  const viewed = { database: rollup.database, table: `${rollup.table}_view` }
  const events = source.table
  // A source that is a SELECT has no rollup.
  if (isTrustedSql(events)) throw invalidSpec('source.table', events, 'Pass a table.')
  if (viewed.database === events.database && viewed.table === events.table) {
    throw invalidSpec('rollup.table', rollup.table, 'Its view would have the name of the events’ table.')
  }
  return {
    source,
    rollup,
    viewed,
    events,
    cluster: input.cluster === undefined ? undefined : aName(input.cluster, 'cluster', invalidSpec),
    ttlDays:
      input.ttlDays === undefined
        ? undefined
        : aWholeNumber(1, 36_500)(input.ttlDays, 'ttlDays', invalidSpec),
  }
}

/** Parameters that other functions bind. */
const boundLater: ReadonlySet<string> = new Set(['day', 'environment_key', 'feature_name', 'identities'])

/** A statement whose parameters are not all bound yet. */
function unbound(fragment: Sql): RollupStatement {
  const { query, query_params } = rendered(fragment)
  return {
    query,
    query_params: Object.fromEntries(Object.entries(query_params).filter(([name]) => !boundLater.has(name))),
  }
}

function utcMidnight(ms: number): Sql {
  return text(`${utcDate(ms)} 00:00:00`)
}

/**
 * A date is the midnight at which it begins, in the server's zone. So one more day is for the hours of the last exposure,
 * and another for zones that are ahead of UTC.
 */
function removal(ttlDays: number): Sql {
  return sql`TTL ${rollupNames.lastExposed} + toIntervalDay(${bound('ttl_days', 'UInt32', ttlDays)} + 2)`
}

type KeyColumn = 'environment' | 'event' | 'feature' | 'identity'

/** The key columns of the rollup, in the order of its primary key. */
export function keyColumns(columns: ExposureSource['columns']): readonly KeyColumn[] {
  return [
    ...(columns.environment === null ? [] : (['environment'] as const)),
    ...(columns.event === null ? [] : (['event'] as const)),
    'feature',
    'identity',
  ]
}

const keyTypes: Readonly<Record<KeyColumn, Sql>> = {
  environment: text('LowCardinality(String)'),
  event: text('LowCardinality(String)'),
  feature: text('LowCardinality(String)'),
  identity: text('String'),
}

// Nanoseconds, so that a tie in the rollup is a tie in the events.
const stateColumns: readonly Sql[] = [
  sql`${rollupNames.identityHash} FixedString(16) MATERIALIZED murmurHash3_128(${rollupNames.identity})`,
  sql`${rollupNames.firstExposures} SimpleAggregateFunction(minMap, ${text("Map(String, DateTime64(9, 'UTC'))")})`,
  // A column, and not an expression: an insert computes the index of an expression before it merges the rows of an
  // identity, and would lose the least instant.
  sql`${rollupNames.leastInstant} SimpleAggregateFunction(min, ${text("DateTime64(9, 'UTC')")})`,
]

/**
 * What a statement reads, by name, so that a rollup with other declared columns is never misread. An entry of the map is
 * the variant, or the text of a tuple of the variant and the values of the declared columns.
 */
function readColumns(declared: readonly string[]): readonly Sql[] {
  const entries = sql`mapKeys(${rollupNames.firstExposures})`
  const instants = sql`${rollupNames.instants} Array(${text("DateTime64(9, 'UTC')")}) ALIAS mapValues(${rollupNames.firstExposures})`
  if (declared.length === 0) return [sql`${rollupNames.variants} Array(String) ALIAS ${entries}`, instants]
  const type = text(`'Tuple(${['String', ...declared.map(() => 'Nullable(String)')].join(', ')})'`)
  const part = (place: number): Sql => sql`arrayMap(entry -> CAST(entry, ${type}).${place}, ${entries})`
  return [
    sql`${rollupNames.variants} Array(String) ALIAS ${part(1)}`,
    instants,
    ...declared.map((name, index) => sql`${valuesOf(name)} Array(Nullable(String)) ALIAS ${part(index + 2)}`),
  ]
}

/** The entry of an exposure in the map. */
function entryOf({ names, values }: SourceExposures): Sql {
  return values.length === 0 ? names.variant : sql`toString((${joined([names.variant, ...values], ', ')}))`
}

/** The columns of the key, under the names that the rollup has for them. */
function keyOf(key: readonly KeyColumn[], names: SourceExposures['names']): readonly Sql[] {
  return key.map((name) =>
    isSame(names[name], rollupNames[name]) ? names[name] : sql`${names[name]} AS ${rollupNames[name]}`,
  )
}

/** One row for each exposure. An insert merges those of an identity, so the view need not group. */
function eachExposure(key: readonly KeyColumn[], exposures: SourceExposures, keepsLast: boolean): Sql {
  const { select, names } = exposures
  return sql`
    SELECT
      ${lines(
        ...keyOf(key, names),
        sql`map(${entryOf(exposures)}, ${names.exposedAt}) AS ${rollupNames.firstExposures}`,
        sql`${names.exposedAt} AS ${rollupNames.leastInstant}`,
        ...(keepsLast ? [sql`toDate(${names.exposedAt}) AS ${rollupNames.lastExposed}`] : []),
      )}
    FROM
    (
      ${select}
    )
  `
}

/** One row for each identity of an experiment. */
function firstExposures(key: readonly KeyColumn[], exposures: SourceExposures, keepsLast: boolean): Sql {
  const { select, names } = exposures
  const keys = joined(
    key.map((name) => names[name]),
    ', ',
  )
  return sql`
    SELECT
      ${lines(
        ...keyOf(key, names),
        sql`CAST(groupArray((rollup_entry, least)), ${text("'Map(String, DateTime64(9, \\'UTC\\'))'")}) AS ${rollupNames.firstExposures}`,
        sql`min(least) AS ${rollupNames.leastInstant}`,
        ...(keepsLast ? [sql`toDate(max(greatest_instant)) AS ${rollupNames.lastExposed}`] : []),
      )}
    FROM
    (
      SELECT
        ${keys},
        ${entryOf(exposures)} AS rollup_entry,
        min(${names.exposedAt}) AS least,
        max(${names.exposedAt}) AS greatest_instant
      FROM
      (
        ${select}
      )
      GROUP BY ${keys}, rollup_entry
    )
    GROUP BY ${keys}
  `
}

function isSame(one: Sql, other: Sql): boolean {
  return rendered(one).query === rendered(other).query
}

function daysOf({ select, names }: SourceExposures): Sql {
  return sql`
    SELECT DISTINCT toString(toDate(${names.exposedAt}, 'UTC')) AS day
    FROM
    (
      ${select}
    )
    ORDER BY day
    ${settings()}
  `
}
