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
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + (CAST(transform(toString(`feature_name`), {feature_names:Array(String)}, arrayEnumerate({feature_names:Array(String)}), 0), 'UInt32') * 1048576 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0))) AS first_nano_and_rank,
      bitXor(reinterpretAsUInt128(murmurHash3_128(assumeNotNull(toString(`identifier`)))), CAST(transform(toString(`feature_name`), {feature_names:Array(String)}, arrayEnumerate({feature_names:Array(String)}), 0), 'UInt32')) AS experiment_and_identity
    FROM `events`
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` IN {feature_names:Array(String)}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY bitXor(reinterpretAsUInt128(murmurHash3_128(assumeNotNull(toString(`identifier`)))), CAST(transform(toString(`feature_name`), {feature_names:Array(String)}, arrayEnumerate({feature_names:Array(String)}), 0), 'UInt32'))
  ),
  overlap_identities AS (
    SELECT arraySort(groupArray(code)) AS codes
    FROM (
      SELECT bitXor(experiment_and_identity, intDiv(toUInt32(rank_bits), 1048576)) AS who, toUInt32({places:Array(UInt8)}[intDiv(toUInt32(rank_bits), 1048576) + throwIf(intDiv(toUInt32(rank_bits), 1048576) = 0 OR length(first_exposures_variant_keys) >= 1048576, 'first-exposure: one pass cannot tell these experiments apart')]) * 67108864 + if({first_seen:Array(UInt8)}[intDiv(toUInt32(rank_bits), 1048576)] = 1, toUInt32(first_nano_and_rank % 4294967296), if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0)) % 1048576 AS code
      FROM identities
    )
    GROUP BY who
  ),
  overlap_pairs AS (
    SELECT
      pair.1 AS one_code,
      pair.2 AS other_code,
      count() AS identities_counted
    FROM (
      SELECT arrayJoin(arrayFlatten(arrayMap((code, from) -> arrayMap(next -> (code, next), arraySlice(codes, from)), codes, arrayEnumerate(codes)))) AS pair
      FROM overlap_identities
    )
    GROUP BY one_code, other_code
  )
SELECT
  intDiv(one_code, 67108864) AS one,
  one_code % 67108864 = 0 AS one_quarantined,
  if(one_code % 67108864 = 0, NULL, first_exposures_variant_keys[one_code % 67108864]) AS one_variant,
  intDiv(other_code, 67108864) AS other,
  other_code % 67108864 = 0 AS other_quarantined,
  if(other_code % 67108864 = 0, NULL, first_exposures_variant_keys[other_code % 67108864]) AS other_variant,
  identities_counted AS identities
FROM overlap_pairs
ORDER BY one, other, one_code, other_code
LIMIT {row_limit:UInt64}
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
