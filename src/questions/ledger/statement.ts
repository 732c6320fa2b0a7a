import { aWholeNumber, withFields } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import type { MultiVariantPolicy } from '../../experiment/multi-variant-policy.js'
import { dispositionSql } from '../../scan/event-disposition.js'
import { deepSubqueries, isArrivalReadable, overAllTime, settings } from '../../scan/guards.js'
import { exposureScan, type ExposureScan } from '../../scan/exposure-scan.js'
import {
  identityStates,
  keptIdentity,
  merges,
  policyStates,
  selectStates,
  variantRanks,
  type KeptState,
} from '../../scan/identity-states.js'
import { dateTime, isOneRank, rankBits } from '../../scan/instants.js'
import { rolledUpExposures, type RolledUpExposures } from '../../scan/rolled-up-exposures.js'
import { selectedExposures } from '../../scan/selected-exposures.js'
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
 * partitions by day do not reduce what is read. It gathers the identities of a cluster even if the source is
 * `shardedByIdentity`.
 *
 * If the source has a rollup, the identities are those of the rollup, as in the summary. The other lines are read from the
 * events, because a rollup counts no events. Only the exposures of identities with more than one variant are looked for
 * by identity. If events have been removed since, each first exposure that only the rollup holds still counts as one
 * event. If the rollup misses events, their exposures show as duplicates: `rollupAudit` finds them. With `aliases`, the
 * ledger reads only the events.
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
  const checked = checkedWindow(window)
  const scan = exposureScan(complete, checked)
  const { aliases } = scan
  // A rollup has a row for each identifier, but the rows about aliases count their exposures too.
  const rolledUp =
    aliases === null
      ? rolledUpExposures(complete, checked, scan, complete.source.cluster, { alone: true })
      : null
  const { steps, byIdentity } =
    rolledUp === null
      ? countedFromEvents(complete.multiVariant, scan)
      : countedThroughRollup(complete.multiVariant, scan, rolledUp)
  const byDisposition = dispositionRows(scan)
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
      ${lines(...steps)}
    SELECT ${joined(Object.values(columns), ', ')}
    FROM (
      ${joined([byDisposition, byIdentity, ...(aliases === null ? [] : [noneJoined]), ...byArrival], '\nUNION ALL\n')}
    )
    ${scan.rowLimit}
    ${settings(...scan.clusterSettings, ...overAllTime, deepSubqueries)}
  `)
}

const columns = /* @__PURE__ */ texts(ledgerColumns)

/** The rows that count identities, with their exposures. */
interface CountedRows {
  /** Parts of a WITH. */
  readonly steps: readonly Sql[]
  readonly byIdentity: Sql
}

const entryOfRank = sql`if(counted_rank = 0, 'quarantined', 'counted')`

/** Counts identities and their exposures in one scan of the events. */
function countedFromEvents(policy: MultiVariantPolicy, scan: ExposureScan): CountedRows {
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
  const states = identityStates(scan, policy, identities, scan.own, {
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
  // With aliases, further rows of each variant count identifiers.
  const rows =
    aliases === null
      ? {
          entry: entryOfRank,
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
              (${entryOfRank}, events_counted, identities_counted),
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
  return {
    steps: states.steps,
    byIdentity: sql`
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
    `,
  }
}

/**
 * Counts identities in the rollup, as the summary does, and exposures in the events. Most identities have one variant,
 * which is that of their exposures. So the events are counted by variant, and only the exposures of the identities with
 * more than one variant are moved to where these identities count.
 */
function countedThroughRollup(
  policy: MultiVariantPolicy,
  scan: ExposureScan,
  rolledUp: RolledUpExposures,
): CountedRows {
  const { own } = scan
  const [relation, identities, crossing, exposures] = own(
    'exposures_rolled_up',
    'identity_states',
    'crossing',
    'identity_exposures',
  )
  const [identity, bits, crossingRank, crosser, ownRank, events] = own(
    'crossing_identity',
    'crossing_bits',
    'crossing_rank',
    'crosser',
    'own_rank',
    'events_counted',
  )
  const selected = { ...selectedExposures(scan, scan.from, rolledUp, undefined), from: relation }
  const { alone } = selected
  const states = identityStates(selected, policy, identities, own, { bucketOf: scan.bucketOf })
  const { rank } = variantRanks(selected, own)
  const { state, countedRank } = policyStates[policy](rank, selected.exposedAt, own, false)
  const identityState = keptIdentity(selected, identity)
  const bitsState: KeptState = { name: bits, state: rankBits(rank), merged: merges.bits }
  // An identity that stands alone has one variant.
  const several = [sql`${rank} > 0`, ...(alone === undefined ? [] : [sql`NOT ${alone.is}`])]
  const ofEvents = variantRanks(scan, own).rank
  const { identityGroupOfEvents: key } = rolledUp
  const ofIdentities = [...scan.predicates, ...scan.identityPredicates, sql`${ofEvents} > 0`]
  return {
    steps: [
      sql`
        ${relation} AS (
          ${rolledUp.select}
        )
      `,
      ...states.steps,
      sql`
        ${crossing} AS (
          SELECT ${identity}, toUInt32(${countedRank}) AS ${crossingRank}
          FROM (
            ${selectStates(selected, [identityState, bitsState, ...state], several, own)}
          )
          WHERE NOT (${isOneRank(bits)})
        )
      `,
      sql`
        ${exposures} AS (
          SELECT ${key} AS ${crosser}, toUInt32(${ofEvents}) AS ${ownRank}, toInt64(count()) AS ${events}
          FROM ${scan.from}
          ${where([...ofIdentities, sql`${key} GLOBAL IN (SELECT ${identity} FROM ${crossing})`])}
          GROUP BY ${key}, ${ofEvents}
        )
      `,
    ],
    // The rollup may know of an exposure whose event is gone, or is not seen yet.
    byIdentity: sql`
      SELECT
        ${entryOfRank} AS ${columns.entry},
        if(counted_rank = 0, NULL, ${states.keyAt(sql`counted_rank`)}) AS ${columns.variant},
        greatest(toUInt64(greatest(sum(events_counted), 0)), sum(identities_counted)) AS ${columns.events},
        sum(identities_counted) AS ${columns.identities},
        CAST([], 'Array(Int64)') AS ${columns.latenessSeconds}
      FROM (
        SELECT
          toUInt32(${states.countedRank}) AS counted_rank,
          toInt64(0) AS events_counted,
          ${states.counted} AS identities_counted
        FROM ${identities}
        GROUP BY counted_rank
        UNION ALL
        SELECT toUInt32(${ofEvents}) AS ${ownRank}, toInt64(count()), toUInt64(0)
        FROM ${scan.from}
        ${where(ofIdentities)}
        GROUP BY ${ofEvents}
        UNION ALL
        SELECT moved.1, moved.2, toUInt64(0)
        FROM (
          SELECT arrayJoin(arrayPushBack(
            groupArray((${ownRank}, -${events})),
            (max(${crossingRank}), sum(${events}))
          )) AS moved
          FROM (
            SELECT ${crosser}, ${ownRank}, toUInt32(0) AS ${crossingRank}, ${events}
            FROM ${exposures}
            UNION ALL
            SELECT ${identity}, toUInt32(0), ${crossingRank}, toInt64(0)
            FROM ${crossing}
          )
          GROUP BY ${crosser}
        )
      )
      GROUP BY counted_rank
    `,
  }
}

/** The events of the experiment, by disposition. They are grouped outside, where no column of the table has these names. */
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
      SELECT ${disposition}, ${variant}, count() AS ${counted}
      FROM (
        SELECT
          ${dispositionSql(scan)} AS ${disposition},
          if(${scan.hasVariant}, ${scan.variantKey}, NULL) AS ${variant}
        FROM ${scan.from}
        ${where(scan.ofExperiment)}
      )
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
