WITH
  [
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
        WHERE environment = {pass_1_environment_key:String}
          AND event = {pass_1_event_name:String}
          AND feature = {pass_1_feature_name:String}
      ),
      []
    ),
    if(
      isNull((
        SELECT
          throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
          AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
          AND throwIf(position(toTypeName(any(`sdk`)), 'DateTime') > 0 AND position(toTypeName(any(`sdk`)), '\'') = 0, concat('first-exposure: column filter_1 has type <', toTypeName(any(`sdk`)), '>')) = 0
        FROM cluster({pass_2_cluster:String}, `analytics`.`overlap_pairs`)
        WHERE 0
      )) < 2,
      (
        SELECT arraySort(groupUniqArray(toString(`value`)))
        FROM cluster({pass_2_cluster:String}, `analytics`.`overlap_pairs`)
        WHERE `feature_name` = {pass_2_feature_name:String}
          AND `timestamp` >= fromUnixTimestamp64Milli({pass_2_start_ms:Int64})
          AND `timestamp` < fromUnixTimestamp64Milli({pass_2_as_of_ms:Int64})
          AND `value` IS NOT NULL
          AND `sdk` = {pass_2_filter_1_equals:String}
      ),
      []
    )
  ] AS first_exposures_variant_keys,
  pass_1_identities AS (
    SELECT
      groupBitOr(bitXor(transform(pass_1_variant_key, first_exposures_variant_keys[1], arrayEnumerate(first_exposures_variant_keys[1]), 0) * 4294967297, 18446744069414584320)) AS pass_1_rank_bits,
      min(toUnixTimestamp(pass_1_exposed_at)) AS pass_1_first_second,
      pass_1_identity AS pass_1_who_entered
    FROM (
      SELECT
        pass_1_identity,
        pass_1_variant_key,
        pass_1_exposed_at
      FROM
      (
        SELECT
          identity AS pass_1_identity,
          variants,
          instants
        FROM `exposures_by_identity`
        WHERE NOT ((SELECT count() FROM `exposures_by_identity` WHERE environment = {pass_1_environment_key:String}
          AND event = {pass_1_event_name:String}
          AND feature = {pass_1_feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({pass_1_start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {pass_1_environment_key:String}
          AND event = {pass_1_event_name:String}
          AND feature = {pass_1_feature_name:String}))
          AND environment = {pass_1_environment_key:String}
          AND event = {pass_1_event_name:String}
          AND feature = {pass_1_feature_name:String}
      )
      ARRAY JOIN
        variants AS pass_1_variant_key,
        instants AS pass_1_exposed_at
      WHERE pass_1_exposed_at >= toDateTime64(fromUnixTimestamp64Milli({pass_1_start_ms:Int64}), 9, 'UTC')
        AND pass_1_exposed_at < toDateTime64(fromUnixTimestamp64Milli({pass_1_as_of_ms:Int64}), 9, 'UTC')
      UNION ALL
      SELECT
        assumeNotNull(toString(`identifier`)) AS pass_1_identity,
        assumeNotNull(toString(`value`)) AS pass_1_variant_key,
        toDateTime64(`timestamp`, 9, 'UTC') AS pass_1_exposed_at
      FROM `events`
      WHERE (SELECT count() FROM `exposures_by_identity` WHERE environment = {pass_1_environment_key:String}
        AND event = {pass_1_event_name:String}
        AND feature = {pass_1_feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({pass_1_start_ms:Int64}), 9, 'UTC')) > 0
        AND `environment_key` = {pass_1_environment_key:String}
        AND `event` = {pass_1_event_name:String}
        AND `feature_name` = {pass_1_feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({pass_1_start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({pass_1_as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND (
        ((SELECT count() FROM `exposures_by_identity` WHERE environment = {pass_1_environment_key:String}
          AND event = {pass_1_event_name:String}
          AND feature = {pass_1_feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({pass_1_start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {pass_1_environment_key:String}
          AND event = {pass_1_event_name:String}
          AND feature = {pass_1_feature_name:String}))
        OR murmurHash3_128(assumeNotNull(toString(`identifier`))) IN (
          SELECT identity_hash
          FROM `exposures_by_identity`
          WHERE NOT ((SELECT count() FROM `exposures_by_identity` WHERE environment = {pass_1_environment_key:String}
            AND event = {pass_1_event_name:String}
            AND feature = {pass_1_feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({pass_1_start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {pass_1_environment_key:String}
            AND event = {pass_1_event_name:String}
            AND feature = {pass_1_feature_name:String}))
            AND environment = {pass_1_environment_key:String}
            AND event = {pass_1_event_name:String}
            AND feature = {pass_1_feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({pass_1_start_ms:Int64}), 9, 'UTC')
        )
      )
    )
    WHERE transform(pass_1_variant_key, first_exposures_variant_keys[1], arrayEnumerate(first_exposures_variant_keys[1]), 0) > 0
    GROUP BY pass_1_identity
  ),
  pass_2_identities AS (
    SELECT
      groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys[2], arrayEnumerate(first_exposures_variant_keys[2]), 0) * 4294967297, 18446744069414584320)) AS pass_2_rank_bits,
      min(toUnixTimestamp(`timestamp`)) AS pass_2_first_second,
      assumeNotNull(toString(toString((lower({pass_2_identity_value_1:String}))))) AS pass_2_who_entered
    FROM cluster({pass_2_cluster:String}, `analytics`.`overlap_pairs`)
    WHERE `feature_name` = {pass_2_feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({pass_2_start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({pass_2_as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND `sdk` = {pass_2_filter_1_equals:String}
      AND toString((lower({pass_2_identity_value_1:String}))) != if(position(toTypeName((lower({pass_2_identity_value_1:String}))), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys[2], arrayEnumerate(first_exposures_variant_keys[2]), 0) > 0
    GROUP BY assumeNotNull(toString(toString((lower({pass_2_identity_value_1:String})))))
  ),
  overlap_identities AS (
    SELECT arraySort(groupArray(code)) AS codes
    FROM (
      SELECT pass_1_who_entered AS who, toUInt32({pass_1_places:Array(UInt8)}[1]) * 67108864 + if(bitAnd(pass_1_rank_bits, bitShiftRight(pass_1_rank_bits, 32)) = 0, toUInt32(pass_1_rank_bits), 0) AS code
      FROM pass_1_identities
      UNION ALL
      SELECT pass_2_who_entered AS who, toUInt32({pass_2_places:Array(UInt8)}[1]) * 67108864 + if(bitAnd(pass_2_rank_bits, bitShiftRight(pass_2_rank_bits, 32)) = 0, toUInt32(pass_2_rank_bits), 0) AS code
      FROM pass_2_identities
    )
    GROUP BY who
  ),
  overlap_pairs_ AS (
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
  if(one_code % 67108864 = 0, NULL, multiIf(has({pass_2_places:Array(UInt8)}, intDiv(one_code, 67108864)), first_exposures_variant_keys[2][one_code % 67108864], first_exposures_variant_keys[1][one_code % 67108864])) AS one_variant,
  intDiv(other_code, 67108864) AS other,
  other_code % 67108864 = 0 AS other_quarantined,
  if(other_code % 67108864 = 0, NULL, multiIf(has({pass_2_places:Array(UInt8)}, intDiv(other_code, 67108864)), first_exposures_variant_keys[2][other_code % 67108864], first_exposures_variant_keys[1][other_code % 67108864])) AS other_variant,
  identities_counted AS identities
FROM overlap_pairs_
ORDER BY one, other, one_code, other_code
LIMIT {row_limit:UInt64}
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
