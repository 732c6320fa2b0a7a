WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM cluster({cluster:String}, `analytics`.`crossovers`)
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArray(toString(`value`)))
      FROM cluster({cluster:String}, `analytics`.`crossovers`)
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
    ),
    []
  ) AS first_exposures_variant_keys,
  crossing AS (
    SELECT crossing_identity
    FROM (
      SELECT
        assumeNotNull(`identifier`) AS crossing_identity,
        groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits
      FROM cluster({cluster:String}, `analytics`.`crossovers`)
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
      GROUP BY assumeNotNull(`identifier`)
    )
    WHERE NOT (bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0)
  ),
  entries AS (
    SELECT
      assumeNotNull(`identifier`) AS crossing_identity,
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS entry_nano_and_rank
    FROM cluster({cluster:String}, `analytics`.`crossovers`)
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
      AND assumeNotNull(`identifier`) GLOBAL IN (SELECT crossing_identity FROM crossing)
    GROUP BY assumeNotNull(`identifier`), transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)
  ),
  crossovers_ AS (
    SELECT
      arraySort(groupArray(entry_nano_and_rank)) AS in_order,
      toUInt32(in_order[1] % 4294967296) AS first_rank,
      toUInt32(in_order[2] % 4294967296) AS next_rank,
      intDiv(in_order[1], 4294967296) AS first_nano,
      intDiv(in_order[2], 4294967296) AS next_nano,
      toInt64(intDiv(next_nano - first_nano, 1000000)) AS ms_between,
      toStartOfHour(toDateTime(toUInt32(intDiv(next_nano, 1000000000)), 'UTC'), {time_zone:String}) AS local_bucket
    FROM entries
    GROUP BY crossing_identity
    HAVING count() > 1
  )
SELECT
  first_exposures_variant_keys[first_rank] AS first_variant,
  first_exposures_variant_keys[next_rank] AS next_variant,
  count() AS identities,
  quantileExactInclusive(0.5)(ms_between) AS median_ms,
  arrayMap(second -> toDateTime(second, 'UTC'), sumMap([toUnixTimestamp(local_bucket)], [toUInt64(1)]).1) AS buckets,
  sumMap([toUnixTimestamp(local_bucket)], [toUInt64(1)]).2 AS bucket_identities
FROM crossovers_
GROUP BY first_rank, next_rank
ORDER BY count() DESC, first_rank, next_rank
LIMIT {row_limit:UInt64}
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
