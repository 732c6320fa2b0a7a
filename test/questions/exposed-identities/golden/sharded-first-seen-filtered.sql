SELECT
  exposed_identity AS identity,
  if(toUInt8(0), NULL, substring(first_nano_and_key, 9)) AS variant,
  fromUnixTimestamp64Nano(toInt64(reinterpretAsInt64(reverse(substring(first_nano_and_key, 1, 8))) - 4611686018427387904), 'UTC') AS first_exposure,
  toUInt8(0) AS quarantined,
  substring(first_nano_and_key, 9) AS first_variant
FROM cluster({cluster:String}, view(
  SELECT
    assumeNotNull(`identifier`) AS exposed_identity,
    min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), assumeNotNull(toString(`value`)))) AS first_nano_and_key
  FROM `analytics`.`exposures`
  WHERE `environment_key` = {environment_key:String}
    AND `event` = {event_name:String}
    AND `feature_name` = {feature_name:String}
    AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
    AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
    AND `value` IS NOT NULL
    AND `country` = {filter_1_equals:String}
    AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
  GROUP BY assumeNotNull(`identifier`)
))
WHERE isNull((
  SELECT
    throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
    AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
    AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
    AND throwIf(position(toTypeName(any(`country`)), 'DateTime') > 0 AND position(toTypeName(any(`country`)), '\'') = 0, concat('first-exposure: column filter_1 has type <', toTypeName(any(`country`)), '>')) = 0
  FROM cluster({cluster:String}, `analytics`.`exposures`)
  WHERE 0
)) < 2
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
