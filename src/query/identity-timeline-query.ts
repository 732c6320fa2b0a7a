import { assertOptions } from '../spec/assert-options.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import { checkedWindow, type ExposureWindow } from '../spec/exposure-window.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import { dispositionSql } from './event-disposition.js'
import { everyShard } from './every-shard.js'
import { exposureScan } from './exposure-scan.js'
import type { ExposuresQuery } from './first-exposures-query.js'
import { identityTimelineColumns } from './identity-timeline-columns.js'
import { where } from './where.js'

/** How much of an identity's story is to be told. */
export interface IdentityTimelineQueryOptions {
  /** The most events to list, 1 to 10,000; default 100, and never more than `maxRows`. The verdict is about all. */
  readonly limit?: number
}

/**
 * Why is this identity counted, or not? The SQL that tells its story: its events in order, and what all of them
 * amount to.
 *
 * Pass it to `client.query` as it is, and the rows to `summarizeIdentityTimeline`; `fetchIdentityTimeline` of
 * `first-exposure/clickhouse` does both. Of the identity's events that bear the spec's environment, event and feature,
 * at any time: one row for each, up to `limit` (`shown = 1`), and one for all of each disposition and variant, at the
 * first of them (`shown = 0`). Both in the order of time and, at the same instant, of the keys' bytes. Where there are
 * more than `limit`, those of the window are listed before others, and of each the earliest.
 *
 * Always true of it: what is always true of `firstExposuresQuery`, but that partitions by day do not prune; the
 * identity, too, is a bound parameter. It reads the events themselves also where the source has a rollup, all of the
 * experiment's unless an index of the table's finds the identity's.
 *
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param identity - its identifier, as text also where the column is a `UUID` or an integer
 * @param options.limit - the most events to list, 1 to 10,000; default 100
 * @throws {@link ExposureError} `invalid-spec`, `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, identityTimelineQuery } from 'first-exposure'
 *
 * const { query_params } = identityTimelineQuery(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   'user-17',
 * )
 * query_params.identity_asked // => 'user-17'
 * ```
 *
 * ```sql
 * WITH
 *   identity_story AS (
 *     SELECT
 *       multiIf(
 *         ifNull(NOT (`timestamp` IS NOT NULL), 1), 'no-timestamp',
 *         ifNull(NOT (`timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})), 1), 'before-window',
 *         ifNull(NOT (`timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})), 1), 'after-window',
 *         ifNull(NOT (`value` IS NOT NULL), 1), 'no-variant',
 *         ifNull(NOT (toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')), 1), 'no-identity',
 *         'exposure'
 *       ) AS event_disposition,
 *       CAST(toString(`value`), 'Nullable(String)') AS event_variant,
 *       `timestamp` AS event_instant
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *       AND `identifier` = {identity_asked:String}
 *   )
 * SELECT
 *   shown,
 *   event_disposition AS disposition,
 *   event_variant AS variant,
 *   toUnixTimestamp64Milli(toDateTime64(event_instant, 3, 'UTC')) AS at_ms,
 *   events_counted AS events
 * FROM (
 *   SELECT 1 AS shown, event_disposition, event_variant, event_instant, toUInt64(1) AS events_counted
 *   FROM identity_story
 *   ORDER BY event_disposition IN ('no-timestamp', 'before-window', 'after-window'), event_instant, event_variant, event_disposition
 *   LIMIT {event_limit:UInt64}
 *   UNION ALL
 *   SELECT 0, event_disposition, event_variant, min(event_instant), count()
 *   FROM identity_story
 *   GROUP BY event_disposition, event_variant
 *   LIMIT {row_limit:UInt64}
 * )
 * ORDER BY shown, event_instant, event_variant, event_disposition
 * ```
 */
export function identityTimelineQuery(
  spec: ExposureSpec,
  window: ExposureWindow,
  identity: string,
  options: IdentityTimelineQueryOptions = {},
): ExposuresQuery {
  assertOptions(options, ['limit'], 'options')
  const { limit = 100 } = options
  if (typeof identity !== 'string' || !identity.isWellFormed()) {
    throw invalidSpec('identity', identity, 'Pass its identifier as well-formed text.')
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
    throw invalidSpec('limit', limit, 'Pass a whole number from 1 to 10,000.')
  }
  const complete = exposureSpec(spec)
  const { maxRows, source } = complete
  const scan = exposureScan(complete, checkedWindow(window))
  const { columns, own } = scan
  const { shown, disposition, variant, atMs, events } = identityTimelineColumns
  const [story, eventDisposition, eventVariant, instant] = [
    'identity_story',
    'event_disposition',
    'event_variant',
    'event_instant',
  ].map(own) as [string, string, string, string]
  const query = `WITH
  ${story} AS (
    SELECT
      ${dispositionSql(scan, 6)} AS ${eventDisposition},
      CAST(${scan.variantKey}, 'Nullable(String)') AS ${eventVariant},
      ${columns.timestamp} AS ${instant}
    FROM ${scan.from}${where([...scan.ofExperiment, `${columns.identity} = {identity_asked:String}`], 4)}
  )
SELECT
  ${shown},
  ${eventDisposition} AS ${disposition},
  ${eventVariant} AS ${variant},
  toUnixTimestamp64Milli(toDateTime64(${instant}, 3, 'UTC')) AS ${atMs},
  events_counted AS ${events}
FROM (
  SELECT 1 AS ${shown}, ${eventDisposition}, ${eventVariant}, ${instant}, toUInt64(1) AS events_counted
  FROM ${story}
  ORDER BY ${eventDisposition} IN ('no-timestamp', 'before-window', 'after-window'), ${instant}, ${eventVariant}, ${eventDisposition}
  LIMIT {event_limit:UInt64}
  UNION ALL
  SELECT 0, ${eventDisposition}, ${eventVariant}, min(${instant}), count()
  FROM ${story}
  GROUP BY ${eventDisposition}, ${eventVariant}
  LIMIT {row_limit:UInt64}
)
ORDER BY ${shown}, ${instant}, ${eventVariant}, ${eventDisposition}${everyShard(source.cluster)}`
  return Object.freeze({
    query,
    query_params: Object.freeze({
      ...scan.query_params,
      identity_asked: identity,
      // So that an answer of more rows than these two can be told.
      event_limit: Math.min(limit, maxRows),
      row_limit: maxRows + 1,
    }),
    format: 'JSONEachRow',
  })
}
