import { aWholeNumber, withFields } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { dispositionSql } from '../../scan/event-disposition.js'
import { overAllTime, settings } from '../../scan/guards.js'
import { exposureScan } from '../../scan/exposure-scan.js'
import { bound, sql, texts, where } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { identityTimelineColumns } from './rows.js'

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
 * In short; `docs/statements.md` shows it whole:
 *
 * ```sql
 * SELECT shown, disposition, variant, at_ms, events
 * FROM events
 * WHERE experiment = … AND identity = {identity_asked:String}
 * ```
 */
export function identityTimelineQuery(
  spec: ExposureSpec,
  window: ExposureWindow,
  identity: string,
  options: IdentityTimelineQueryOptions = {},
): ExposuresQuery {
  const { limit = 100 } = withFields(options, ['limit'], 'options', invalidSpec)
  if (typeof identity !== 'string' || !identity.isWellFormed()) {
    throw invalidSpec('identity', identity, 'Pass its identifier as well-formed text.')
  }
  aWholeNumber(1, 10_000)(limit, 'limit', invalidSpec)
  const complete = exposureSpec(spec)
  const scan = exposureScan(complete, checkedWindow(window))
  const [story, disposition, variant, instant] = scan.own(
    'identity_story',
    'event_disposition',
    'event_variant',
    'event_instant',
  )
  const asked = bound('identity_asked', 'String', identity)
  // A bare column is compared as it is, so that an index of the table finds it.
  const isAsked = sql`${scan.identity} = ${asked}`
  // So that an answer of more rows than these two can be told.
  const eventLimit = bound('event_limit', 'UInt64', Math.min(limit, complete.maxRows))
  const columns = texts(identityTimelineColumns)
  return statement(sql`
    WITH
      ${story} AS (
        SELECT
          if(
            ${scan.guard},
            ${dispositionSql(scan)},
            ''
          ) AS ${disposition},
          CAST(if(${scan.hasVariant}, ${scan.variantKey}, NULL), 'Nullable(String)') AS ${variant},
          ${scan.columns.timestamp} AS ${instant}
        FROM ${scan.from}
        ${where([...scan.ofExperiment, isAsked])}
      )
    SELECT
      ${columns.shown},
      ${disposition} AS ${columns.disposition},
      ${variant} AS ${columns.variant},
      toUnixTimestamp64Milli(toDateTime64(${instant}, 3, 'UTC')) AS ${columns.atMs},
      events_counted AS ${columns.events}
    FROM (
      SELECT 1 AS ${columns.shown}, ${disposition}, ${variant}, ${instant}, toUInt64(1) AS events_counted
      FROM ${story}
      ORDER BY ${disposition} IN ('no-timestamp', 'before-window', 'after-window'), ${instant}, ${variant}, ${disposition}
      LIMIT ${eventLimit}
      UNION ALL
      SELECT 0, ${disposition}, ${variant}, min(${instant}), count()
      FROM ${story}
      GROUP BY ${disposition}, ${variant}
      ${scan.rowLimit}
    )
    ORDER BY ${columns.shown}, ${instant}, ${variant}, ${disposition}
    ${settings(...scan.clusterSettings, ...overAllTime)}
  `)
}
