import { deepFreeze } from '../freeze.js'
import { quoteIdentifier } from '../query/quote-identifier.js'
import { quoteTable } from '../query/quote-table.js'
import { rollupColumns } from '../query/rollup-columns.js'
import type { SourceColumns } from '../query/source-columns.js'
import { utcDate } from '../query/utc-days.js'
import type { ExposureSource, ExposureSourceInput, RollupTableInput } from '../spec/exposure-source.js'
import { earliestMs, latestMs } from '../spec/exposure-window.js'
import { identifier } from '../spec/identifier.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import { rolledUp } from './rolled-up.js'
import type { RollupStatement } from './rollup-statement.js'
import { selectSourceExposures } from './select-source-exposures.js'

/** Which source is rolled up, and where to. */
export interface RollupSchemaInput {
  /** The table of the events and its columns, as for `exposureSpec`: the table itself, not a `Distributed` one over it. */
  readonly source: ExposureSourceInput
  /**
   * The table to make: a name, or `{ database, table, eventName }`. Of a source with an event column it takes one
   * event, the source's own (`$flag_exposure` as a rule) unless told otherwise. The view is named after it, with `_view` at the end.
   */
  readonly rollup: RollupTableInput
  /**
   * The cluster on whose every server the statements run. The rollup is then a replicated table, as the events must be,
   * because a view sees only what is inserted on its own server. Left out, they run on one server.
   */
  readonly cluster?: string
  /**
   * Days after which a day of the rollup is removed, 1 to 36,500: at least as many as the longest window reaches back,
   * because a removed day is counted as empty. Left out, it is kept for ever.
   */
  readonly ttlDays?: number
}

/** The statements of a rollup's life. Plain data. */
export interface RollupSchema {
  /** Creates the table, then the view that fills it with whatever is inserted from then on. */
  readonly create: readonly RollupStatement[]
  /** Lists the UTC days that have events to backfill, as rows `{ day: '2026-06-01' }`. Pass it to `client.query`. */
  readonly days: RollupStatement & { readonly format: 'JSONEachRow' }
  /** Brings one day's events into the rollup. Its parameter `day` is bound by `rollupBackfill`. */
  readonly backfill: RollupStatement
  /** Empties one day of the rollup. Its parameter `day` is bound by `decodeRollupAudit`. */
  readonly clear: RollupStatement
  /** Drops the view, then the table. The events stay as they are. */
  readonly drop: readonly RollupStatement[]
}

const fields: readonly string[] = [
  'source',
  'rollup',
  'cluster',
  'ttlDays',
] satisfies readonly (keyof RollupSchemaInput)[]

/**
 * Which statements make, fill and drop a rollup: a table inside ClickHouse that holds, for each UTC day, the least
 * instant of every identity in every variant?
 *
 * A materialised view keeps it at each insert. The least instant is a semilattice: an event that comes late, twice or
 * in another order leaves the same rollup, and bringing in a day again changes nothing. So the order is: `create`, then
 * `backfill` for each of `days` while events arrive, again from any day on after an interruption, then read through
 * `rolledUp`. Inserts that were running while the view was created may have missed it: let them end before the backfill.
 *
 * What only an audit can find, because the view never sees it: partitions attached or deleted, mutations, a view that
 * was detached, and a retried insert that the events' table takes for a duplicate after its view had failed (the server
 * setting `deduplicate_blocks_in_dependent_materialized_views = 1` closes that gap). See `rollupAudit`.
 *
 * The view takes only what a window can count: rows with an identity and a variant, from 1970-01-02 to 2105-12-31, so
 * that no insert into the events fails because of it. The statements use syntax that ClickHouse has had since 23.8.
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
  if (typeof input !== 'object' || input === null) {
    throw invalidSpec('rollupSchema', input, 'Pass { source, rollup }.')
  }
  for (const field of Object.keys(input)) {
    if (!fields.includes(field)) {
      throw invalidSpec(
        field,
        input[field as keyof RollupSchemaInput],
        `A rollup schema has the fields ${fields.join(', ')}.`,
      )
    }
  }
  const source = rolledUp(input.source, input.rollup)
  const { columns, rollup } = source
  if (rollup === undefined) throw invalidSpec('rollup', rollup, "Pass the rollup's table.")
  const viewed = { database: rollup.database, table: `${rollup.table}_view` }
  if (viewed.database === source.table.database && viewed.table === source.table.table) {
    throw invalidSpec('rollup.table', rollup.table, 'Its view would bear the name of the events’ table.')
  }
  const cluster = input.cluster === undefined ? undefined : identifier(input.cluster, 'cluster')
  const ttlDays = input.ttlDays === undefined ? undefined : checkedTtlDays(input.ttlDays)

  const table = quoteTable(rollup)
  const view = quoteTable(viewed)
  const onCluster = cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`
  const ofEvent = ({ event }: SourceColumns['sql']): string[] =>
    event === null ? [] : [`${event} = {event_name:String}`]
  // DateTime64, because ClickHouse's index loses the last second before a DateTime that a DateTime64 is compared with.
  const countable = selectSourceExposures(source, (column) => [
    ...ofEvent(column),
    `${column.timestamp} >= toDateTime64('${utcDate(earliestMs)} 00:00:00', 3, 'UTC')`,
    `${column.timestamp} < toDateTime64('${utcDate(latestMs)} 00:00:00', 3, 'UTC')`,
  ])
  const onThatDay = selectSourceExposures(source, (column) => [
    ...ofEvent(column),
    `${column.timestamp} >= toDateTime64({day:Date}, 3, 'UTC')`,
    `${column.timestamp} < toDateTime64({day:Date} + 1, 3, 'UTC')`,
  ])
  const params = {
    ...(rollup.eventName === null ? {} : { event_name: rollup.eventName }),
    ...countable.query_params,
  }
  const key = keyColumns(columns)

  return deepFreeze({
    create: [
      {
        query: `CREATE TABLE IF NOT EXISTS ${table}${onCluster}
(
${[...key.map((name) => `  ${name} ${keyTypes[name]}`), ...stateColumns].join(',\n')}
)
ENGINE = ${cluster === undefined ? '' : 'Replicated'}AggregatingMergeTree
PARTITION BY toYYYYMM(${rollupColumns.day})
ORDER BY (${key.join(', ')})${
          ttlDays === undefined ? '' : `\nTTL ${rollupColumns.day} + toIntervalDay({ttl_days:UInt32})`
        }
COMMENT 'The least instant of each identity in each variant, by UTC day'`,
        query_params: ttlDays === undefined ? {} : { ttl_days: ttlDays },
      },
      {
        query: `CREATE MATERIALIZED VIEW IF NOT EXISTS ${view}${onCluster}
TO ${table}
AS ${leastInstants(key, countable)}`,
        query_params: params,
      },
    ],
    days: {
      query: daysOf(countable),
      query_params: params,
      format: 'JSONEachRow',
    },
    backfill: {
      // A block that was inserted before and is gone from the table must not be taken for a duplicate.
      query: `INSERT INTO ${table} (${[...key, rollupColumns.firstExposure].join(', ')})
SETTINGS insert_deduplicate = 0
${leastInstants(key, onThatDay)}`,
      query_params: params,
    },
    clear: {
      query: `ALTER TABLE ${table}${onCluster}
DELETE WHERE ${rollupColumns.day} = {day:Date}
SETTINGS mutations_sync = 2`,
      query_params: {},
    },
    drop: [
      { query: `DROP VIEW IF EXISTS ${view}${onCluster} SYNC`, query_params: {} },
      { query: `DROP TABLE IF EXISTS ${table}${onCluster} SYNC`, query_params: {} },
    ],
  })
}

type KeyColumn = 'environment' | 'event' | 'feature' | 'identity' | 'day' | 'variant'

/**
 * One row of the rollup, in the order of its primary key. An identity's days lie together: the query then finds it
 * where it was a moment ago, and its identifier and hash take next to no room from the second day on.
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

const keyTypes: Readonly<Record<KeyColumn, string>> = {
  environment: 'LowCardinality(String)',
  event: 'LowCardinality(String)',
  feature: 'LowCardinality(String)',
  identity: 'String',
  day: 'Date',
  variant: 'LowCardinality(String)',
}

// Nanoseconds, so that a tie in the rollup is a tie of the events. Months as partitions, because a view that made more
// than a hundred partitions of one insert would fail it.
const stateColumns: readonly string[] = [
  `  ${rollupColumns.identityHash} FixedString(16) MATERIALIZED murmurHash3_128(${rollupColumns.identity})`,
  `  ${rollupColumns.firstExposure} SimpleAggregateFunction(min, DateTime64(9, 'UTC'))`,
]

function leastInstants(
  key: readonly KeyColumn[],
  { lines, names }: ReturnType<typeof selectSourceExposures>,
): string {
  const selected = key.map((name) => (names[name] === name ? name : `${names[name]} AS ${name}`))
  return `SELECT
  ${[...selected, `min(${names.exposedAt}) AS ${rollupColumns.firstExposure}`].join(',\n  ')}
FROM
(
${lines.map((line) => `  ${line}`).join('\n')}
)
GROUP BY ${key.map((name) => names[name]).join(', ')}`
}

function daysOf({ lines, names }: ReturnType<typeof selectSourceExposures>): string {
  return `SELECT DISTINCT toString(${names.day}) AS ${rollupColumns.day}
FROM
(
${lines.map((line) => `  ${line}`).join('\n')}
)
ORDER BY ${rollupColumns.day}`
}

function checkedTtlDays(value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 36_500) {
    throw invalidSpec('ttlDays', value, 'Pass a whole number of days from 1 to 36,500.')
  }
  return value
}
