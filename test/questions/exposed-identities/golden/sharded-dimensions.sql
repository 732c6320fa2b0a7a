SELECT
  exposed_identity AS identity,
  if(toUInt8(hashes_and != hashes_or), NULL, substring(first_nano_and_key, 9)) AS variant,
  fromUnixTimestamp64Nano(toInt64(reinterpretAsInt64(reverse(substring(first_nano_and_key, 1, 8))) - 4611686018427387904), 'UTC') AS first_exposure,
  toUInt8(hashes_and != hashes_or) AS quarantined,
  substring(first_nano_and_key, 9) AS first_variant,
  if(substring(kept_dimension_1, 9) = '1', NULL, substring(substring(kept_dimension_1, 9), 2)) AS `country`
FROM cluster({cluster:String}, view(
  SELECT *
  FROM (
    SELECT
      assumeNotNull(`identifier`) AS exposed_identity,
      groupBitAnd(cityHash64(assumeNotNull(toString(`value`)))) AS hashes_and,
      groupBitOr(cityHash64(assumeNotNull(toString(`value`)))) AS hashes_or,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), assumeNotNull(toString(`value`)))) AS first_nano_and_key,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', if(`country` IS NULL, NULL, toString(`country`))), '1'))) AS kept_dimension_1
    FROM `analytics`.`exposures`
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND cityHash64('partition', assumeNotNull(`identifier`)) % {partition_count:UInt64} = {partition_index:UInt64}
    GROUP BY assumeNotNull(`identifier`)
  ) AS states
  CROSS JOIN (
    SELECT max(in_many) AS hashes_shared
    FROM (
      SELECT toUInt8(0) AS in_many, cityHash64(key_scanned) AS variant_hash, any(key_scanned) AS variant_name
      FROM (
        SELECT assumeNotNull(toString(`value`)) AS key_scanned
        FROM `analytics`.`exposures`
        WHERE `environment_key` = {environment_key:String}
          AND `event` = {event_name:String}
          AND `feature_name` = {feature_name:String}
          AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
          AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
          AND `value` IS NOT NULL
        GROUP BY assumeNotNull(toString(`value`))
      )
      GROUP BY variant_hash
      HAVING throwIf(count() > 1, 'first-exposure: two variants have the same hash') = 0
    )
  ) AS hashed
  WHERE hashes_shared = 0
))
WHERE isNull((
  SELECT
    throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
    AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
    AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
  FROM cluster({cluster:String}, `analytics`.`exposures`)
  WHERE 0
)) < 2
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
