WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM `events`
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArrayArray(variants))
      FROM `exposures_by_identity`
      WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
    ),
    []
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      groupBitOr(bitXor(transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
      min(toUnixTimestamp(exposed_at)) AS first_second,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', if(broken_down IS NULL, NULL, toString(broken_down))), '1'))) AS first_nano_and_value
    FROM (
      SELECT
        identity,
        variant_key,
        exposed_at,
        broken_down
      FROM
      (
        SELECT
          identity_hash AS identity,
          variants,
          instants,
          `value_of_country`
        FROM `exposures_by_identity`
        WHERE NOT ((SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}))
          AND environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
      )
      ARRAY JOIN
        variants AS variant_key,
        instants AS exposed_at,
        `value_of_country` AS broken_down
      WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
        AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({as_of_ms:Int64}), 9, 'UTC')
      UNION ALL
      SELECT
        murmurHash3_128(assumeNotNull(toString(`identifier`))) AS identity,
        assumeNotNull(toString(`value`)) AS variant_key,
        toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at,
        CAST(if(`country` IS NULL, NULL, toString(`country`)), 'Nullable(String)') AS broken_down
      FROM `events`
      WHERE (SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) > 0
        AND `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND (
        ((SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}))
        OR murmurHash3_128(assumeNotNull(toString(`identifier`))) IN (
          SELECT identity_hash
          FROM `exposures_by_identity`
          WHERE NOT ((SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
            AND event = {event_name:String}
            AND feature = {feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
            AND event = {event_name:String}
            AND feature = {feature_name:String}))
            AND environment = {environment_key:String}
            AND event = {event_name:String}
            AND feature = {feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
        )
      )
    )
    WHERE transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY reinterpretAsUInt128(identity)
  ),
  slices AS (
    SELECT
      toValidUTF8(substring(first_nano_and_value, 9)) AS slice,
      if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
      toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
      count() AS identities_counted
    FROM identities
    GROUP BY slice, counted_rank, local_bucket
  ),
  sizes AS (
    SELECT slice, counted_rank, local_bucket, identities_counted, sum(identities_counted) OVER (PARTITION BY slice) AS slice_size
    FROM slices
  ),
  size_ranks AS (
    SELECT slice, counted_rank, local_bucket, identities_counted, dense_rank() OVER (ORDER BY slice_size DESC, slice) AS size_rank
    FROM sizes
  )
SELECT
  size_rank > {top_values:UInt64} AS other,
  if(size_rank > {top_values:UInt64}, NULL, if(slice = '1', NULL, substring(slice, 2))) AS value,
  counted_rank = 0 AS quarantined,
  if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
  toDateTime(local_bucket, 'UTC') AS bucket,
  sum(identities_counted) AS new_identities
FROM size_ranks
GROUP BY least(size_rank, {top_values:UInt64} + 1) AS slice_rank, other, value, counted_rank, local_bucket
ORDER BY slice_rank, local_bucket, counted_rank = 0, counted_rank
LIMIT {row_limit:UInt64}
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
