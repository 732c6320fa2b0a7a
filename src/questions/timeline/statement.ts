import { aWholeNumber, withFields } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { dispositionSql } from '../../scan/event-disposition.js'
import { overAllTime, settings } from '../../scan/guards.js'
import { exposureScan, type ExposureScan } from '../../scan/exposure-scan.js'
import { bound, lines, nothing, sql, texts, where, type Sql } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { identityTimelineColumns } from './rows.js'

/** How many of an identity's events to list. */
export interface IdentityTimelineQueryOptions {
  /** The most events to list, 1 to 10,000. Default 100, never more than `maxRows`. The verdict uses all events. */
  readonly limit?: number
}

/**
 * Why is this identity counted, or not? This SQL returns its history: its events in order, and the totals over all of
 * them.
 *
 * Pass the result to `client.query` unchanged, and the rows to `summarizeIdentityTimeline`. `fetchIdentityTimeline` of
 * `first-exposure/clickhouse` does both. It reads the identity's events with the spec's environment, event and feature,
 * at any time. Each event is one row, up to `limit` rows (`shown = 1`). Another row stands for all events of one
 * disposition and variant, at the first of them (`shown = 0`). Both kinds are in chronological order and, at the same
 * instant, in the byte order of the keys. If there are more than `limit` events, it lists those in the window before
 * others, and the earliest of each group.
 *
 * If the spec has `aliases`, it reads the events of all identifiers that resolve to the same one as the identity asked
 * about. The rows then have two more columns: the `identifier` of the events, and the `identity` that it resolves to.
 *
 * Guarantees: those of `firstExposuresQuery`, except that partitions by day do not reduce what is read. The identity is
 * a bound parameter too. The statement reads the events even if the source has a rollup. It reads all events of the
 * experiment, unless an index of the table finds the identity's events.
 *
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param identity - its identifier, as text even if the column is a `UUID` or an integer
 * @param options.limit - the maximum number of events to list, 1 to 10,000; default 100
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
 * In short (`docs/statements.md` shows the full statement):
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
  // The answer names identifiers, so they are compared as text.
  const complete = exposureSpec({ ...exposureSpec(spec), identityKey: 'exact' })
  const scan = exposureScan(complete, checkedWindow(window))
  const [story, disposition, variant, instant] = scan.own(
    'identity_story',
    'event_disposition',
    'event_variant',
    'event_instant',
  )
  const asked = bound('identity_asked', 'String', identity)
  const { steps, isAsked, identifier } = identifiersOf(asked, scan)
  // Limits the events to `maxRows`, so that an answer with more rows than these two allow can be detected.
  const eventLimit = bound('event_limit', 'UInt64', Math.min(limit, complete.maxRows))
  const columns = texts(identityTimelineColumns)
  const resolved = identifier === null ? nothing : sql`, ${identifier.name}`
  return statement(sql`
    WITH
      ${lines(
        ...steps,
        sql`
        ${story} AS (
          SELECT
            if(
              ${scan.guard},
              ${dispositionSql(scan)},
              ''
            ) AS ${disposition},
            CAST(if(${scan.hasVariant}, ${scan.variantKey}, NULL), 'Nullable(String)') AS ${variant},
            ${lines(
              sql`${scan.columns.timestamp} AS ${instant}`,
              ...(identifier === null ? [] : [sql`${identifier.ofEvent} AS ${identifier.name}`]),
            )}
          FROM ${scan.from}
          ${where([...scan.ofExperiment, isAsked])}
        )
      `,
      )}
    SELECT
      ${columns.shown},
      ${disposition} AS ${columns.disposition},
      ${variant} AS ${columns.variant},
      toUnixTimestamp64Milli(toDateTime64(${instant}, 3, 'UTC')) AS ${columns.atMs},
      ${lines(
        sql`events_counted AS ${columns.events}`,
        ...(identifier === null
          ? []
          : [
              sql`${identifier.name} AS ${columns.identifier}`,
              sql`${identifier.resolved} AS ${columns.identity}`,
            ]),
      )}
    FROM (
      SELECT 1 AS ${columns.shown}, ${disposition}, ${variant}, ${instant}, toUInt64(1) AS events_counted${resolved}
      FROM ${story}
      ORDER BY ${disposition} IN ('no-timestamp', 'before-window', 'after-window'), ${instant}, ${variant}, ${disposition}${resolved}
      LIMIT ${eventLimit}
      UNION ALL
      SELECT 0, ${disposition}, ${variant}, min(${instant}), count()${resolved}
      FROM ${story}
      GROUP BY ${disposition}, ${variant}${resolved}
      ${scan.rowLimit}
    )
    ORDER BY ${columns.shown}, ${instant}, ${variant}, ${disposition}${resolved}
    ${settings(...scan.clusterSettings, ...overAllTime)}
  `)
}

/** The events of the identity, and, with aliases, the identifier of each event. */
interface AskedIdentifiers {
  readonly steps: readonly Sql[]
  readonly isAsked: Sql
  readonly identifier: {
    readonly name: Sql
    readonly ofEvent: Sql
    /** The identifier that all of them resolve to. */
    readonly resolved: Sql
  } | null
}

function identifiersOf(asked: Sql, { aliases, identity, own }: ExposureScan): AskedIdentifiers {
  // A bare column is compared directly, so that an index of the table can find the value.
  if (aliases === null) return { steps: [], isAsked: sql`${identity} = ${asked}`, identifier: null }
  // The scalar's name is long because a column of the table with the same name would be read instead.
  const [name, resolved] = own('event_identifier', 'first_exposures_identity_resolved')
  const { from, to, applied } = aliases
  const askedKey = aliases.keyOfText(asked)
  const ofEvent = aliases.keyOf(identity)
  const rows = aliases.where
  return {
    steps: [
      aliases.step,
      sql`
        (
          SELECT if(count() = 0, ${askedKey}, min(${to}))
          FROM ${aliases.name}
          WHERE ${applied} AND ${from} = ${askedKey}
        ) AS ${resolved}
      `,
    ],
    isAsked: sql`(${ofEvent} GLOBAL IN (${rows([applied, sql`${to} = ${resolved}`])}) OR (${ofEvent} = ${resolved} AND ${resolved} GLOBAL NOT IN (${rows([applied])})))`,
    identifier: { name, ofEvent: sql`assumeNotNull(${ofEvent})`, resolved },
  }
}
