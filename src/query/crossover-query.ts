import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import { checkedWindow, type ExposureWindow } from '../spec/exposure-window.js'
import { crossoverColumns } from './crossover-columns.js'
import { everyShard } from './every-shard.js'
import { exposureScan } from './exposure-scan.js'
import type { ExposuresQuery } from './first-exposures-query.js'
import { nanoAndRank, rankOf } from './ranked-states.js'
import { isOneRank, rankBits, variantRanks } from './variant-ranks.js'
import { where } from './where.js'

/**
 * Who is in two variants, and since when? The SQL that answers it: of the identities that were exposed to more than
 * one variant inside the window, from which variant they went first to which next, how long after, and when.
 *
 * One row for each pair of variants, the pair of most identities first: `first_variant`, the variant of the first
 * exposure; `next_variant`, that of the first exposure to another; `identities`; `median_ms`, the exact median of the
 * whole milliseconds between those two exposures; `buckets`, the hours or days of the latter in the spec's zone, and
 * `bucket_identities`, how many identities in each. At the same instant the smaller key in byte order comes first. Pass
 * it to `client.query` as it is, and the rows to `summarizeCrossovers`; `fetchCrossovers` of
 * `first-exposure/clickhouse` does both.
 *
 * Always true of it: what is always true of `firstExposuresQuery`. The identities of all rows are those that it
 * excludes under `quarantine`; they are the same under `first-seen`, because this is about what happened, not about
 * what is counted.
 *
 * How it works: one aggregation finds the identities of more than one variant, by 8 bytes of state for each; a second
 * scan reads their exposures alone. Both read the events, also of a source with a rollup, which does not keep the
 * order within a day, and of one that is `shardedByIdentity`.
 *
 * @param spec - made by `exposureSpec`; its `multiVariant` and `breakdown` change nothing
 * @param window - made by `exposureWindow`; it decides between hours and days as `selectGranularity` does
 * @throws {@link ExposureError} `invalid-spec`, `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { crossoverQuery, exposureSpec, exposureWindow } from 'first-exposure'
 *
 * const { query_params } = crossoverQuery(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * query_params.feature_name // => 'checkout'
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
 *   crossing AS (
 *     SELECT crossing_identity
 *     FROM (
 *       SELECT
 *         reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))) AS crossing_identity,
 *         groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits
 *       FROM `events`
 *       WHERE `environment_key` = {environment_key:String}
 *         AND `event` = {event_name:String}
 *         AND `feature_name` = {feature_name:String}
 *         AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *         AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *         AND `value` IS NOT NULL
 *         AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
 *         AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
 *       GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`)))
 *     )
 *     WHERE NOT (bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0)
 *   ),
 *   entries AS (
 *     SELECT
 *       reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))) AS crossing_identity,
 *       min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS entry_nano_and_rank
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *       AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *       AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *       AND `value` IS NOT NULL
 *       AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
 *       AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
 *       AND reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))) GLOBAL IN (SELECT crossing_identity FROM crossing)
 *     GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))), transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)
 *   ),
 *   crossovers AS (
 *     SELECT
 *       arraySort(groupArray(entry_nano_and_rank)) AS in_order,
 *       toUInt32(in_order[1] % 4294967296) AS first_rank,
 *       toUInt32(in_order[2] % 4294967296) AS next_rank,
 *       intDiv(in_order[1], 4294967296) AS first_nano,
 *       intDiv(in_order[2], 4294967296) AS next_nano,
 *       toInt64(intDiv(next_nano - first_nano, 1000000)) AS ms_between,
 *       toStartOfDay(toDateTime(toUInt32(intDiv(next_nano, 1000000000)), 'UTC'), {time_zone:String}) AS local_bucket
 *     FROM entries
 *     GROUP BY crossing_identity
 *     HAVING count() > 1
 *   )
 * SELECT
 *   first_exposures_variant_keys[first_rank] AS first_variant,
 *   first_exposures_variant_keys[next_rank] AS next_variant,
 *   count() AS identities,
 *   quantileExactInclusive(0.5)(ms_between) AS median_ms,
 *   arrayMap(second -> toDateTime(second, 'UTC'), sumMap([toUnixTimestamp(local_bucket)], [toUInt64(1)]).1) AS buckets,
 *   sumMap([toUnixTimestamp(local_bucket)], [toUInt64(1)]).2 AS bucket_identities
 * FROM crossovers
 * GROUP BY first_rank, next_rank
 * ORDER BY count() DESC, first_rank, next_rank
 * LIMIT {row_limit:UInt64}
 * ```
 */
export function crossoverQuery(spec: ExposureSpec, window: ExposureWindow): ExposuresQuery {
  const complete = exposureSpec(spec)
  const { maxRows, source, timeZone } = complete
  const scan = exposureScan(complete, checkedWindow(window))
  const { from, identityGroup, own } = scan
  const { predicates } = scan
  const keys = own('first_exposures_variant_keys')
  const { variantKeys, rank } = variantRanks({ from, predicates, variantKey: scan.variantKey }, keys)
  const ofIdentities = [...predicates, scan.hasIdentity, `${rank} > 0`]
  const [identity, bits, entry] = ['crossing_identity', 'rank_bits', 'entry_nano_and_rank'].map(own) as [
    string,
    string,
    string,
  ]
  const [crossing, entries, crossovers] = ['crossing', 'entries', 'crossovers'].map(own)
  const byBucket = 'sumMap([toUnixTimestamp(local_bucket)], [toUInt64(1)])'
  const query = `WITH
  ${variantKeys},
  ${crossing} AS (
    SELECT ${identity}
    FROM (
      SELECT
        ${identityGroup} AS ${identity},
        ${rankBits(rank)} AS ${bits}
      FROM ${from}${where(ofIdentities, 6)}
      GROUP BY ${identityGroup}
    )
    WHERE NOT (${isOneRank(bits)})
  ),
  ${entries} AS (
    SELECT
      ${identityGroup} AS ${identity},
      min(${nanoAndRank(scan.columns.timestamp, rank)}) AS ${entry}
    FROM ${from}${where([...ofIdentities, `${identityGroup} GLOBAL IN (SELECT ${identity} FROM ${crossing})`], 4)}
    GROUP BY ${identityGroup}, ${rank}
  ),
  ${crossovers} AS (
    SELECT
      arraySort(groupArray(${entry})) AS in_order,
      ${rankOf('in_order[1]')} AS first_rank,
      ${rankOf('in_order[2]')} AS next_rank,
      intDiv(in_order[1], 4294967296) AS first_nano,
      intDiv(in_order[2], 4294967296) AS next_nano,
      toInt64(intDiv(next_nano - first_nano, 1000000)) AS ms_between,
      ${scan.startOfBucket}(toDateTime(toUInt32(intDiv(next_nano, 1000000000)), 'UTC'), {time_zone:String}) AS local_bucket
    FROM ${entries}
    GROUP BY ${identity}
    HAVING count() > 1
  )
SELECT
  ${keys}[first_rank] AS ${crossoverColumns.firstVariant},
  ${keys}[next_rank] AS ${crossoverColumns.nextVariant},
  count() AS ${crossoverColumns.identities},
  quantileExactInclusive(0.5)(ms_between) AS ${crossoverColumns.medianMs},
  arrayMap(second -> toDateTime(second, 'UTC'), ${byBucket}.1) AS ${crossoverColumns.buckets},
  ${byBucket}.2 AS ${crossoverColumns.bucketIdentities}
FROM ${crossovers}
GROUP BY first_rank, next_rank
ORDER BY count() DESC, first_rank, next_rank
LIMIT {row_limit:UInt64}${everyShard(source.cluster)}`
  return Object.freeze({
    query,
    query_params: Object.freeze({ ...scan.query_params, time_zone: timeZone, row_limit: maxRows + 1 }),
    format: 'JSONEachRow',
  })
}
