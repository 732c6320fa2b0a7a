WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
        AND throwIf(position(toTypeName(any(`country`)), 'DateTime') > 0 AND position(toTypeName(any(`country`)), '\'') = 0, concat('first-exposure: column filter_1 has type <', toTypeName(any(`country`)), '>')) = 0
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
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC'))) * 4294967296 + transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS first_nano_and_rank,
      identity AS exposed_identity,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', if(value_of_dimension_1 IS NULL, NULL, toString(value_of_dimension_1))), '1'))) AS kept_dimension_1,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', if(value_of_dimension_2 IS NULL, NULL, toString(value_of_dimension_2))), '1'))) AS kept_dimension_2
    FROM (
      SELECT
        identity,
        variant_key,
        exposed_at,
        value_of_dimension_1,
        value_of_dimension_2
      FROM
      (
        SELECT
          identity AS identity,
          variants,
          instants,
          `value_of_country`,
          `value_of_plan`,
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
        `value_of_country` AS value_of_dimension_1,
        `value_of_plan` AS value_of_dimension_2,
        `value_of_country` AS filtered_1
      WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
        AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({as_of_ms:Int64}), 9, 'UTC')
        AND filtered_1 LIKE {filter_1_like:String}
      UNION ALL
      SELECT
        assumeNotNull(toString(`identifier`)) AS identity,
        assumeNotNull(toString(`value`)) AS variant_key,
        toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at,
        CAST(if(`country` IS NULL, NULL, toString(`country`)), 'Nullable(String)') AS value_of_dimension_1,
        CAST(if(`plan` IS NULL, NULL, toString(`plan`)), 'Nullable(String)') AS value_of_dimension_2
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
        AND toString(`country`) LIKE {filter_1_like:String}
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
    GROUP BY identity
  )
SELECT
  exposed_identity AS identity,
  if(if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) = 0, NULL, first_exposures_variant_keys[if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0)]) AS variant,
  fromUnixTimestamp64Nano(toInt64(intDiv(first_nano_and_rank, 4294967296)), 'UTC') AS first_exposure,
  if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) = 0 AS quarantined,
  first_exposures_variant_keys[toUInt32(first_nano_and_rank % 4294967296)] AS first_variant,
  if(substring(kept_dimension_1, 9) = '1', NULL, substring(substring(kept_dimension_1, 9), 2)) AS `country`,
  if(substring(kept_dimension_2, 9) = '1', NULL, substring(substring(kept_dimension_2, 9), 2)) AS `plan`
FROM identities
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
