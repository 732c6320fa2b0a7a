import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import { checkedWindow, type ExposureWindow } from '../spec/exposure-window.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import { breakdownColumns } from './breakdown-columns.js'
import { everyShard } from './every-shard.js'
import { exposureScan } from './exposure-scan.js'
import type { ExposuresQuery } from './first-exposures-query.js'
import { sortableNanoseconds } from './nanoseconds.js'
import { rankedStates } from './ranked-states.js'
import { resultColumns } from './result-columns.js'
import { columnSql } from './source-columns.js'
import { variantRanks } from './variant-ranks.js'
import { where } from './where.js'

/**
 * Who entered, when and in which variant, for each value of a column? The SQL that answers it for the `top` largest
 * values of the spec's `breakdown`, and for all others together.
 *
 * The rows are those of `firstExposuresQuery`, with `value`, the column's value as text, before them: the one at the
 * identity's first exposure, of several at that instant the least in byte order. NULL is a value like any other and
 * the last in that order. Largest are the values of most identities, the excluded among them; of the same number, the
 * least in that order. The others have `other = 1` and no value. Pass it to `client.query` as it is, and the rows to
 * `summarizeBreakdown`; `fetchExposuresBreakdown` of `first-exposure/clickhouse` does both.
 *
 * Always true of it: what is always true of `firstExposuresQuery`, whose rows its parts add up to. The events are read
 * as often, which is once, and once more for the variants' keys; the largest values are found among the groups.
 *
 * How it works: beside the state of `firstExposuresQuery`, an identity keeps the least of (instant, value), as text
 * that sorts so. Of a source with a rollup it reads the events, since the rollup does not keep the column; of one that
 * is `shardedByIdentity`, the shards send a state for each identity. It cannot be asked in parts, because the largest
 * values are known from all identities only: where those do not fit the server's memory, let it spill them to its disk
 * (`max_bytes_before_external_group_by`).
 *
 * @param spec - made by `exposureSpec`, with a `breakdown`
 * @param window - made by `exposureWindow`; it decides between hours and days as `selectGranularity` does
 * @throws {@link ExposureError} `invalid-spec`, also where the spec has no `breakdown`, `invalid-instant`,
 *   `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureBreakdownQuery, exposureSpec, exposureWindow } from 'first-exposure'
 *
 * const { query_params } = exposureBreakdownQuery(
 *   exposureSpec({
 *     environmentKey: 'prod',
 *     featureName: 'checkout',
 *     breakdown: { column: 'sdk_language', top: 5 },
 *   }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * query_params.top_values // => 5
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
 *   identities AS (
 *     SELECT
 *       groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
 *       min(toUnixTimestamp(`timestamp`)) AS first_second,
 *       min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', toString(`sdk_language`)), '1'))) AS first_nano_and_value
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
 *   ),
 *   slices AS (
 *     SELECT
 *       substring(first_nano_and_value, 9) AS slice,
 *       if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
 *       toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
 *       count() AS identities_counted
 *     FROM identities
 *     GROUP BY slice, counted_rank, local_bucket
 *   ),
 *   sizes AS (
 *     SELECT slice, counted_rank, local_bucket, identities_counted, sum(identities_counted) OVER (PARTITION BY slice) AS slice_size
 *     FROM slices
 *   ),
 *   size_ranks AS (
 *     SELECT slice, counted_rank, local_bucket, identities_counted, dense_rank() OVER (ORDER BY slice_size DESC, slice) AS size_rank
 *     FROM sizes
 *   )
 * SELECT
 *   size_rank > {top_values:UInt64} AS other,
 *   if(size_rank > {top_values:UInt64} OR slice = '1', NULL, substring(slice, 2)) AS value,
 *   counted_rank = 0 AS quarantined,
 *   if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
 *   toDateTime(local_bucket, 'UTC') AS bucket,
 *   sum(identities_counted) AS new_identities
 * FROM size_ranks
 * GROUP BY least(size_rank, {top_values:UInt64} + 1) AS slice_rank, other, value, counted_rank, local_bucket
 * ORDER BY slice_rank, local_bucket, counted_rank = 0, counted_rank
 * LIMIT {row_limit:UInt64}
 * ```
 */
export function exposureBreakdownQuery(spec: ExposureSpec, window: ExposureWindow): ExposuresQuery {
  const complete = exposureSpec(spec)
  const { breakdown, maxRows, multiVariant, source, timeZone } = complete
  if (breakdown === null) {
    throw invalidSpec(
      'breakdown',
      breakdown,
      "Name the column in the spec: exposureSpec({ …, breakdown: { column: 'country' } }).",
    )
  }
  const scan = exposureScan(complete, checkedWindow(window))
  const { from, own } = scan
  const exposedAt = scan.columns.timestamp
  const { predicates } = scan
  const keys = own('first_exposures_variant_keys')
  const { variantKeys, rank } = variantRanks({ from, predicates, variantKey: scan.variantKey }, keys)
  const { identityState, countedRank, firstSecond } = rankedStates[multiVariant](rank, exposedAt, {
    rankBits: own('rank_bits'),
    firstSecond: own('first_second'),
    firstNanoAndRank: own('first_nano_and_rank'),
  })
  const column = columnSql(breakdown.column, 'breakdown')
  const firstNanoAndValue = own('first_nano_and_value')
  const [identities, slices, sizes, sizeRanks] = ['identities', 'slices', 'sizes', 'size_ranks'].map(own)
  const query = `WITH
  ${variantKeys},
  ${identities} AS (
    SELECT
      ${identityState.join(',\n      ')},
      min(concat(${sortableNanoseconds(exposedAt)}, ifNull(concat('0', toString(${column.sql})), '1'))) AS ${firstNanoAndValue}
    FROM ${from}${where([...predicates, scan.hasIdentity, `${rank} > 0`], 4)}
    GROUP BY ${scan.identityGroup}
  ),
  ${slices} AS (
    SELECT
      substring(${firstNanoAndValue}, 9) AS slice,
      ${countedRank} AS counted_rank,
      ${scan.startOfBucket}(toDateTime(${firstSecond}, 'UTC'), {time_zone:String}) AS local_bucket,
      count() AS identities_counted
    FROM ${identities}
    GROUP BY slice, counted_rank, local_bucket
  ),
  ${sizes} AS (
    SELECT slice, counted_rank, local_bucket, identities_counted, sum(identities_counted) OVER (PARTITION BY slice) AS slice_size
    FROM ${slices}
  ),
  ${sizeRanks} AS (
    SELECT slice, counted_rank, local_bucket, identities_counted, dense_rank() OVER (ORDER BY slice_size DESC, slice) AS size_rank
    FROM ${sizes}
  )
SELECT
  size_rank > {top_values:UInt64} AS ${breakdownColumns.other},
  if(size_rank > {top_values:UInt64} OR slice = '1', NULL, substring(slice, 2)) AS ${breakdownColumns.value},
  counted_rank = 0 AS ${resultColumns.quarantined},
  if(counted_rank = 0, NULL, ${keys}[counted_rank]) AS ${resultColumns.variant},
  toDateTime(local_bucket, 'UTC') AS ${resultColumns.bucket},
  sum(identities_counted) AS ${resultColumns.newIdentities}
FROM ${sizeRanks}
GROUP BY least(size_rank, {top_values:UInt64} + 1) AS slice_rank, ${breakdownColumns.other}, ${breakdownColumns.value}, counted_rank, local_bucket
ORDER BY slice_rank, local_bucket, counted_rank = 0, counted_rank
LIMIT {row_limit:UInt64}${everyShard(source.cluster)}`
  return Object.freeze({
    query,
    query_params: Object.freeze({
      ...scan.query_params,
      ...column.query_params,
      top_values: breakdown.top,
      time_zone: timeZone,
      row_limit: maxRows + 1,
    }),
    format: 'JSONEachRow',
  })
}
