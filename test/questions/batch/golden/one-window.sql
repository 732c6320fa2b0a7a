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
      SELECT arraySort(groupUniqArray(toString(`value`)))
      FROM `events`
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` IN {feature_names:Array(String)}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
    ),
    []
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      groupBitOr(bitXor((CAST(transform(toString(`feature_name`), {feature_names:Array(String)}, arrayEnumerate({feature_names:Array(String)}), 0), 'UInt32') * 1048576 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) * 4294967297, 18446744069414584320)) AS rank_bits,
      min(toUnixTimestamp(`timestamp`)) AS first_second
    FROM `events`
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` IN {feature_names:Array(String)}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY bitXor(reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))), CAST(transform(toString(`feature_name`), {feature_names:Array(String)}, arrayEnumerate({feature_names:Array(String)}), 0), 'UInt32'))
  ),
  buckets AS (
    SELECT
      intDiv(toUInt32(rank_bits), 1048576) + throwIf(intDiv(toUInt32(rank_bits), 1048576) = 0 OR length(first_exposures_variant_keys) >= 1048576, 'first-exposure: one pass cannot tell these experiments apart') AS place,
      if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) % 1048576 AS counted_rank,
      toUnixTimestamp(toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone_1:String})) AS bucket_second,
      count() AS identities_counted
    FROM identities
    GROUP BY place, counted_rank, bucket_second
  )
SELECT
  place - 1 AS experiment,
  counted_rank = 0 AS quarantined,
  if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
  toDateTime(bucket_second, 'UTC') AS bucket,
  identities_counted AS new_identities
FROM buckets
ORDER BY place, bucket_second, counted_rank = 0, counted_rank
LIMIT {row_limit:UInt64} BY place
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
