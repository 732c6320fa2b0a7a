import { assertOptions } from '../spec/assert-options.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import { checkedWindow, type ExposureWindow } from '../spec/exposure-window.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import { dispositionSql } from './event-disposition.js'
import { everyShard } from './every-shard.js'
import { exposureScan, type ExposureScan } from './exposure-scan.js'
import type { ExposuresQuery } from './first-exposures-query.js'
import { ledgerColumns } from './ledger-columns.js'
import { rankedStates } from './ranked-states.js'
import { variantRanks } from './variant-ranks.js'
import { where } from './where.js'

/** What the ledger is to say, beside where the events went. */
export interface ExposureLedgerQueryOptions {
  /**
   * How long after its bucket has closed an exposure may arrive without being late, in whole milliseconds from 0;
   * default 0.
   */
  readonly latenessMs?: number
}

/**
 * Where did the events go? The SQL that accounts for every event of the experiment, from scanned to counted.
 *
 * Pass it to `client.query` as it is, and the rows to `summarizeLedger`; `fetchExposureLedger` of
 * `first-exposure/clickhouse` does both. Of the events that bear the spec's environment, event and feature, at any
 * time, one row for each disposition and variant: those that the window, the filters, a missing variant or a missing
 * identity kept out, by the first of these, and the exposures. Then one row for the identities counted in each
 * variant and one for the quarantined, with their exposures. Where the source has an arrival column, two more: the
 * exposures whose arrival is known, with the quantiles of their lateness in whole seconds, rounded down, and those that
 * arrived `latenessMs` or more after the end of their bucket.
 *
 * Always true of it: what is always true of `firstExposuresQuery`, but that it reads the experiment's events of all
 * time, so that partitions by day do not prune. It reads the events themselves also where the source has a rollup, and
 * gathers the identities of a cluster also where it is `shardedByIdentity`.
 *
 * How it works: one scan puts the events into a handful of groups; one counts identities exactly as
 * `firstExposuresQuery` does; one keeps the seconds of lateness that there are, and how many exposures have each, so
 * that the quantiles are exact. An event that arrives while the statement runs may be in one and not in another.
 *
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param options.latenessMs - what is no lateness yet, in milliseconds from 0; default 0
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
 * ```sql
 * WITH
 *   (
 *     SELECT arraySort(groupUniqArray(toString(`value`)))
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *       AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *       AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *       AND `value` IS NOT NULL
 *   ) AS first_exposures_variant_keys,
 *   identity_states AS (
 *     SELECT
 *       groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
 *       min(toUnixTimestamp(`timestamp`)) AS first_second,
 *       count() AS identity_exposures
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *       AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *       AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *       AND `value` IS NOT NULL
 *       AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
 *       AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
 *     GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`)))
 *   )
 * SELECT disposition, variant, events, identities, lateness_seconds
 * FROM (
 *   SELECT
 *     event_disposition AS disposition,
 *     CAST(event_variant, 'Nullable(String)') AS variant,
 *     events_counted AS events,
 *     toUInt64(0) AS identities,
 *     CAST([], 'Array(Int64)') AS lateness_seconds
 *   FROM (
 *     SELECT
 *       multiIf(
 *         ifNull(NOT (`timestamp` IS NOT NULL), 1), 'no-timestamp',
 *         ifNull(NOT (`timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})), 1), 'before-window',
 *         ifNull(NOT (`timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})), 1), 'after-window',
 *         ifNull(NOT (`value` IS NOT NULL), 1), 'no-variant',
 *         ifNull(NOT (toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')), 1), 'no-identity',
 *         'exposure'
 *       ) AS event_disposition,
 *       toString(`value`) AS event_variant,
 *       count() AS events_counted
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *     GROUP BY event_disposition, event_variant
 *   )
 *   UNION ALL
 *   SELECT
 *     if(counted_rank = 0, 'quarantined', 'counted') AS disposition,
 *     if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
 *     events_counted AS events,
 *     identities_counted AS identities,
 *     CAST([], 'Array(Int64)') AS lateness_seconds
 *   FROM (
 *     SELECT
 *       if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
 *       sum(identity_exposures) AS events_counted,
 *       count() AS identities_counted
 *     FROM identity_states
 *     GROUP BY counted_rank
 *   )
 *   UNION ALL
 *   SELECT
 *     arrived.1 AS disposition,
 *     CAST(NULL, 'Nullable(String)') AS variant,
 *     arrived.2 AS events,
 *     toUInt64(0) AS identities,
 *     arrived.3 AS lateness_seconds
 *   FROM (
 *     SELECT arrayJoin([
 *       ('arrived', events_counted, seconds_late),
 *       ('arrived-late', events_late, CAST([], 'Array(Int64)'))
 *     ]) AS arrived
 *     FROM (
 *       SELECT
 *         count() AS events_counted,
 *         countIf(toStartOfDay(toDateTime(greatest(86400, least(4294000000, intDiv(toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`collected_at`), 3, 'UTC')) - {lateness_ms:Int64}, 1000))), 'UTC'), {time_zone:String}) > toStartOfDay(toDateTime(greatest(86400, least(4294000000, intDiv(toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`timestamp`), 3, 'UTC')), 1000))), 'UTC'), {time_zone:String})) AS events_late,
 *         quantilesExactWeighted(0.5, 0.9, 0.99, 1)(toInt64(floor((toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`collected_at`), 3, 'UTC')) - toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`timestamp`), 3, 'UTC'))) / 1000)), 1) AS seconds_late
 *       FROM `events`
 *       WHERE `environment_key` = {environment_key:String}
 *         AND `event` = {event_name:String}
 *         AND `feature_name` = {feature_name:String}
 *         AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *         AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *         AND `value` IS NOT NULL
 *         AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
 *         AND `collected_at` IS NOT NULL
 *     )
 *   )
 * )
 * LIMIT {row_limit:UInt64}
 * ```
 */
export function exposureLedgerQuery(
  spec: ExposureSpec,
  window: ExposureWindow,
  options: ExposureLedgerQueryOptions = {},
): ExposuresQuery {
  assertOptions(options, ['latenessMs'], 'options')
  const { latenessMs = 0 } = options
  if (!Number.isSafeInteger(latenessMs) || latenessMs < 0) {
    throw invalidSpec('latenessMs', latenessMs, 'Pass whole milliseconds, 0 or more.')
  }
  const complete = exposureSpec(spec)
  const { maxRows, multiVariant, source, timeZone } = complete
  const scan = exposureScan(complete, checkedWindow(window))
  const { columns, from, identityGroup, own, variantKey } = scan
  const { disposition, variant, events, identities, latenessSeconds } = ledgerColumns
  const names = {
    variantKeys: own('first_exposures_variant_keys'),
    identityStates: own('identity_states'),
    rankBits: own('rank_bits'),
    firstSecond: own('first_second'),
    firstNanoAndRank: own('first_nano_and_rank'),
    exposures: own('identity_exposures'),
    eventDisposition: own('event_disposition'),
    eventVariant: own('event_variant'),
    eventsCounted: own('events_counted'),
    eventsLate: own('events_late'),
    seconds: own('seconds_late'),
  }
  const { predicates } = scan
  const { variantKeys, rank } = variantRanks({ from, predicates, variantKey }, names.variantKeys)
  const { identityState, countedRank } = rankedStates[multiVariant](rank, columns.timestamp, names)
  const exposures = [...predicates, scan.hasIdentity]
  const arrival = columns.arrival === null ? '' : arrivals(scan, columns.arrival, exposures, names)
  const query = `WITH
  ${variantKeys},
  ${names.identityStates} AS (
    SELECT
      ${identityState.join(',\n      ')},
      count() AS ${names.exposures}
    FROM ${from}${where([...exposures, `${rank} > 0`], 4)}
    GROUP BY ${identityGroup}
  )
SELECT ${Object.values(ledgerColumns).join(', ')}
FROM (
  SELECT
    ${names.eventDisposition} AS ${disposition},
    CAST(${names.eventVariant}, 'Nullable(String)') AS ${variant},
    ${names.eventsCounted} AS ${events},
    toUInt64(0) AS ${identities},
    CAST([], 'Array(Int64)') AS ${latenessSeconds}
  FROM (
    SELECT
      ${dispositionSql(scan, 6)} AS ${names.eventDisposition},
      ${variantKey} AS ${names.eventVariant},
      count() AS ${names.eventsCounted}
    FROM ${from}${where(scan.ofExperiment, 4)}
    GROUP BY ${names.eventDisposition}, ${names.eventVariant}
  )
  UNION ALL
  SELECT
    if(counted_rank = 0, 'quarantined', 'counted') AS ${disposition},
    if(counted_rank = 0, NULL, ${names.variantKeys}[counted_rank]) AS ${variant},
    events_counted AS ${events},
    identities_counted AS ${identities},
    CAST([], 'Array(Int64)') AS ${latenessSeconds}
  FROM (
    SELECT
      ${countedRank} AS counted_rank,
      sum(${names.exposures}) AS events_counted,
      count() AS identities_counted
    FROM ${names.identityStates}
    GROUP BY counted_rank
  )${arrival}
)
LIMIT {row_limit:UInt64}${everyShard(source.cluster)}`

  return Object.freeze({
    query,
    query_params: Object.freeze({
      ...scan.query_params,
      ...(columns.arrival === null ? {} : { time_zone: timeZone, lateness_ms: latenessMs }),
      row_limit: maxRows + 1,
    }),
    format: 'JSONEachRow',
  })
}

/** The rows of the arrivals: a bucket has closed where that of the arrival is a later one, which is right in every zone. */
function arrivals(
  { columns, from, startOfBucket }: ExposureScan,
  arrivalColumn: string,
  exposures: readonly string[],
  {
    eventsCounted,
    eventsLate,
    seconds,
  }: Readonly<Record<'eventsCounted' | 'eventsLate' | 'seconds', string>>,
): string {
  const { disposition, variant, events, identities, latenessSeconds } = ledgerColumns
  const [arrival, timestamp] = [arrivalColumn, columns.timestamp].map(
    (instant) => `toUnixTimestamp64Milli(toDateTime64(assumeNotNull(${instant}), 3, 'UTC'))`,
  ) as [string, string]
  // Far outside every window, where the start of a bucket would leave what a DateTime holds, one second is like another.
  const bucketOf = (ms: string): string =>
    `${startOfBucket}(toDateTime(greatest(86400, least(4294000000, intDiv(${ms}, 1000))), 'UTC'), {time_zone:String})`
  return `
  UNION ALL
  SELECT
    arrived.1 AS ${disposition},
    CAST(NULL, 'Nullable(String)') AS ${variant},
    arrived.2 AS ${events},
    toUInt64(0) AS ${identities},
    arrived.3 AS ${latenessSeconds}
  FROM (
    SELECT arrayJoin([
      ('arrived', ${eventsCounted}, ${seconds}),
      ('arrived-late', ${eventsLate}, CAST([], 'Array(Int64)'))
    ]) AS arrived
    FROM (
      SELECT
        count() AS ${eventsCounted},
        countIf(${bucketOf(`${arrival} - {lateness_ms:Int64}`)} > ${bucketOf(timestamp)}) AS ${eventsLate},
        quantilesExactWeighted(0.5, 0.9, 0.99, 1)(toInt64(floor((${arrival} - ${timestamp}) / 1000)), 1) AS ${seconds}
      FROM ${from}${where([...exposures, `${arrivalColumn} IS NOT NULL`], 6)}
    )
  )`
}
