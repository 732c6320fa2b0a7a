WITH
  exposures_ AS (
    SELECT
      identity,
      variant_key,
      exposed_at
    FROM
    (
      SELECT
        identity_hash AS identity,
        variants,
        instants
      FROM cluster({cluster:String}, `exposures`.`events_by_day`)
      WHERE NOT ((SELECT count() FROM cluster({cluster:String}, `exposures`.`events_by_day`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `exposures`.`events_by_day`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}))
        AND environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
    )
    ARRAY JOIN
      variants AS variant_key,
      instants AS exposed_at
    WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
      AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({as_of_ms:Int64}), 9, 'UTC')
    UNION ALL
    SELECT
      murmurHash3_128(assumeNotNull(toString(`identifier`))) AS identity,
      assumeNotNull(toString(`value`)) AS variant_key,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
    FROM cluster({cluster:String}, `exposures`.`events`)
    WHERE (SELECT count() FROM cluster({cluster:String}, `exposures`.`events_by_day`) WHERE environment = {environment_key:String}
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
      ((SELECT count() FROM cluster({cluster:String}, `exposures`.`events_by_day`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `exposures`.`events_by_day`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}))
      OR murmurHash3_128(assumeNotNull(toString(`identifier`))) GLOBAL IN (
        SELECT identity_hash
        FROM cluster({cluster:String}, `exposures`.`events_by_day`)
        WHERE NOT ((SELECT count() FROM cluster({cluster:String}, `exposures`.`events_by_day`) WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `exposures`.`events_by_day`) WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}))
          AND environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
      )
    )
  ),
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM cluster({cluster:String}, `exposures`.`events`)
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArrayArray(variants))
      FROM cluster({cluster:String}, `exposures`.`events_by_day`)
      WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
    ),
    []
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      groupBitOr(bitXor(transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
      min(toUnixTimestamp(exposed_at)) AS first_second
    FROM exposures_
    WHERE transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY reinterpretAsUInt128(identity)
  ),
  buckets AS (
    SELECT
      if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
      toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
      count() AS identities_counted
    FROM identities
    GROUP BY counted_rank, local_bucket
  )
SELECT
  counted_rank = 0 AS quarantined,
  if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
  toDateTime(local_bucket, 'UTC') AS bucket,
  identities_counted AS new_identities
FROM buckets
ORDER BY local_bucket, counted_rank = 0, counted_rank
LIMIT {row_limit:UInt64}
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
