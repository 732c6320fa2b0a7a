import { aWholeNumber, withFields } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { dispositionSql } from '../../scan/event-disposition.js'
import { deepSubqueries, isArrivalReadable, overAllTime, settings } from '../../scan/guards.js'
import { exposureScan, type ExposureScan } from '../../scan/exposure-scan.js'
import { identityStates, merges, type KeptState } from '../../scan/identity-states.js'
import { dateTime } from '../../scan/instants.js'
import { bound, joined, lines, nothing, sql, text, texts, where, type Sql } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { aliasEntries, ledgerColumns } from './rows.js'

/** What the ledger also reports. */
export interface ExposureLedgerQueryOptions {
  /**
   * How long after the end of its bucket an exposure may arrive without being late, in whole milliseconds from 0.
   * Default 0.
   */
  readonly latenessMs?: number
}

/**
 * Where did the events go? This SQL accounts for every event of the experiment, from scanned to counted.
 *
 * Pass the result to `client.query` unchanged, and the rows to `summarizeExposureLedger`. `fetchExposureLedger` of
 * `first-exposure/clickhouse` does both. The statement reads the events with the spec's environment, event and feature,
 * at any time. It returns one row for each disposition and variant: the exposures, and the events that are not
 * exposures because of the window, the filters, a missing variant or a missing identity, whichever comes first. Then it
 * returns one row for the identities counted in each variant and one for the quarantined identities, with their
 * exposures. If the source has an arrival column, it returns two more rows. One is for the exposures whose arrival time
 * is known, with the quantiles of their lateness in whole seconds, rounded down. The other is for the exposures that
 * arrived `latenessMs` or more after the end of their bucket.
 *
 * If the spec has `aliases`, further rows count the identifiers that were joined, the ambiguous ones and the chains, and
 * the identities that only joining has quarantined.
 *
 * Guarantees: those of `firstExposuresQuery`, with one exception. It reads the experiment's events of all time, so
 * partitions by day do not reduce what is read. It reads the events even if the source has a rollup. It gathers the
 * identities of a cluster even if the source is `shardedByIdentity`.
 *
 * How it works: one scan puts the events into a few groups. One scan counts identities exactly as `firstExposuresQuery`
 * does. One scan keeps each distinct lateness in seconds and its number of exposures, so that the quantiles are exact.
 * An event that arrives while the statement runs may be in one scan and not in another.
 *
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param options.latenessMs - how long after the end of its bucket an exposure is not yet late, in milliseconds from 0;
 *   default 0
 * @throws {@link ExposureError} `invalid-spec`, `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureLedgerQuery, exposureSpec, exposureWindow } from 'first-exposure'
 *
 * const { query_params } = exposureLedgerQuery(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   { latenessMs: 60_000 },
 * )
 * query_params.lateness_ms // => 60000
 * ```
 *
 * In short (`docs/statements.md` shows the full statement):
 *
 * ```sql
 * SELECT entry, variant, events, identities, lateness_seconds
 * FROM (
 *   -- the events by disposition and variant
 *   UNION ALL
 *   -- the identities, as firstExposuresQuery counts them, with their exposures
 *   UNION ALL
 *   -- the exposures by arrival
 * )
 * ```
 */
export function exposureLedgerQuery(
  spec: ExposureSpec,
  window: ExposureWindow,
  options: ExposureLedgerQueryOptions = {},
): ExposuresQuery {
  const { latenessMs = 0 } = withFields(options, ['latenessMs'], 'options', invalidSpec)
  aWholeNumber(0)(latenessMs, 'latenessMs', invalidSpec)
  const complete = exposureSpec(spec)
  const scan = exposureScan(complete, checkedWindow(window))
  const [identities, exposures] = scan.own('identity_states', 'identity_exposures')
  const { aliases } = scan
  const [joinedTo, ambiguous, chained, crossedAlone] = scan.own(
    'identifiers_joined',
    'identifiers_ambiguous',
    'identifiers_chained',
    'crossed_alone',
  )
  const counted = (name: Sql, condition: Sql): KeptState => ({
    name,
    state: null,
    merged: () => merges.sum(condition),
  })
  const states = identityStates(scan, complete.multiVariant, identities, scan.own, {
    ...(aliases === null ? {} : { crossedAlone }),
    columns: [
      { name: exposures, state: sql`count()`, merged: merges.sum },
      ...(aliases === null
        ? []
        : [
            counted(joinedTo, aliases.applied),
            counted(ambiguous, aliases.ambiguous),
            counted(chained, aliases.chained),
          ]),
    ],
  })
  const byDisposition = dispositionRows(scan)
  const entry = sql`if(counted_rank = 0, 'quarantined', 'counted')`
  // With aliases, further rows of each variant count identifiers.
  const rows =
    aliases === null
      ? {
          entry,
          events: sql`events_counted`,
          identities: sql`identities_counted`,
          each: nothing,
          sums: nothing,
        }
      : {
          entry: sql`entry_counted.1`,
          events: sql`entry_counted.2`,
          identities: sql`entry_counted.3`,
          each: sql`
            ARRAY JOIN [
              (${entry}, events_counted, identities_counted),
              ${lines(...aliasEntries.map((name) => sql`('${text(name)}', toUInt64(0), ${text(name.replaceAll('-', '_'))})`))}
            ] AS entry_counted
          `,
          sums: sql`
            sum(${joinedTo}) AS joined,
            sum(${ambiguous}) AS ambiguous,
            sum(${chained}) AS chained,
            countIf(counted_rank = 0 AND NOT ${crossedAlone}) AS quarantined_by_joining,
          `,
        }
  const byIdentity = sql`
    SELECT
      ${rows.entry} AS ${columns.entry},
      if(counted_rank = 0, NULL, ${states.keyAt(sql`counted_rank`)}) AS ${columns.variant},
      ${rows.events} AS ${columns.events},
      ${rows.identities} AS ${columns.identities},
      CAST([], 'Array(Int64)') AS ${columns.latenessSeconds}
    FROM (
      SELECT
        ${states.countedRank} AS counted_rank,
        ${rows.sums}
        sum(${exposures}) AS events_counted,
        count() AS identities_counted
      FROM ${identities}
      GROUP BY counted_rank
    )
    ${rows.each}
  `
  // If there are no exposures, this row says that there are aliases.
  const noneJoined = sql`
    SELECT '${text(aliasEntries[0])}', NULL, toUInt64(0), toUInt64(0), CAST([], 'Array(Int64)')
  `
  const arrival = scan.columns.arrival
  const byArrival =
    arrival === null
      ? []
      : [
          arrivalRows(
            scan,
            arrival,
            bound('lateness_ms', 'Int64', latenessMs),
            isArrivalReadable(complete.source, arrival),
          ),
        ]
  return statement(sql`
    WITH
      ${lines(...states.steps)}
    SELECT ${joined(Object.values(columns), ', ')}
    FROM (
      ${joined([byDisposition, byIdentity, ...(aliases === null ? [] : [noneJoined]), ...byArrival], '\nUNION ALL\n')}
    )
    ${scan.rowLimit}
    ${settings(...scan.clusterSettings, ...overAllTime, deepSubqueries)}
  `)
}

const columns = /* @__PURE__ */ texts(ledgerColumns)

/** The events of the experiment, by disposition. */
function dispositionRows(scan: ExposureScan): Sql {
  const [disposition, variant, counted] = scan.own('event_disposition', 'event_variant', 'events_counted')
  return sql`
    SELECT
      ${disposition} AS ${columns.entry},
      CAST(${variant}, 'Nullable(String)') AS ${columns.variant},
      ${counted} AS ${columns.events},
      toUInt64(0) AS ${columns.identities},
      CAST([], 'Array(Int64)') AS ${columns.latenessSeconds}
    FROM (
      SELECT
        ${dispositionSql(scan)} AS ${disposition},
        if(${scan.hasVariant}, ${scan.variantKey}, NULL) AS ${variant},
        count() AS ${counted}
      FROM ${scan.from}
      ${where(scan.ofExperiment)}
      GROUP BY ${disposition}, ${variant}
    )
  `
}

/**
 * The exposures by arrival. A bucket has ended if the arrival is in a later bucket. This is correct in every time zone.
 */
function arrivalRows(scan: ExposureScan, arrivedAt: Sql, latenessMs: Sql, isReadable: Sql): Sql {
  const [counted, late, seconds] = scan.own('events_counted', 'events_late', 'seconds_late')
  const milliseconds = (instant: Sql): Sql =>
    sql`toUnixTimestamp64Milli(toDateTime64(assumeNotNull(${instant}), 3, 'UTC'))`
  const [arrival, timestamp] = [milliseconds(arrivedAt), milliseconds(scan.columns.timestamp)] as const
  // Keeps the start of a bucket within a DateTime. So far outside every window, the exact second does not matter.
  const bucketOf = (ms: Sql): Sql =>
    scan.bucketOf(dateTime(sql`greatest(86400, least(4294000000, intDiv(${ms}, 1000)))`))
  return sql`
    SELECT
      arrived.1 AS ${columns.entry},
      CAST(NULL, 'Nullable(String)') AS ${columns.variant},
      arrived.2 AS ${columns.events},
      toUInt64(0) AS ${columns.identities},
      arrived.3 AS ${columns.latenessSeconds}
    FROM (
      SELECT arrayJoin([
        ('arrived', ${counted}, ${seconds}),
        ('arrived-late', ${late}, CAST([], 'Array(Int64)'))
      ]) AS arrived
      FROM (
        SELECT
          count() AS ${counted},
          countIf(${bucketOf(sql`${arrival} - ${latenessMs}`)} > ${bucketOf(timestamp)}) AS ${late},
          quantilesExactWeighted(0.5, 0.9, 0.99, 1)(toInt64(floor((${arrival} - ${timestamp}) / 1000)), 1) AS ${seconds}
        FROM ${scan.from}
        ${where([isReadable, ...scan.predicates, scan.hasIdentity, sql`${arrivedAt} IS NOT NULL`])}
      )
    )
  `
}
