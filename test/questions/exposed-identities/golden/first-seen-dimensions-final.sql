WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
        AND any(_part) = ''
      FROM `events`
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArray(toString(`value`)))
      FROM `events` FINAL
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
    ),
    []
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS first_nano_and_rank,
      assumeNotNull(`identifier`) AS exposed_identity,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', if(`country` IS NULL, NULL, toString(`country`))), '1'))) AS kept_dimension_1,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', if((lower({dimension_2_value_1:String})) IS NULL, NULL, toString((lower({dimension_2_value_1:String}))))), '1'))) AS kept_dimension_2
    FROM `events` FINAL
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
SELECT
  exposed_identity AS identity,
  if(toUInt32(first_nano_and_rank % 4294967296) = 0, NULL, first_exposures_variant_keys[toUInt32(first_nano_and_rank % 4294967296)]) AS variant,
  fromUnixTimestamp64Nano(toInt64(intDiv(first_nano_and_rank, 4294967296)), 'UTC') AS first_exposure,
  toUInt32(first_nano_and_rank % 4294967296) = 0 AS quarantined,
  first_exposures_variant_keys[toUInt32(first_nano_and_rank % 4294967296)] AS first_variant,
  if(substring(kept_dimension_1, 9) = '1', NULL, substring(substring(kept_dimension_1, 9), 2)) AS `country`,
  if(substring(kept_dimension_2, 9) = '1', NULL, substring(substring(kept_dimension_2, 9), 2)) AS `dimension_2`
FROM identities
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
