WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identity`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identity`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`variant_key`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`variant_key`)), '>')) = 0
      FROM cluster({cluster:String}, `analytics`.`exposures`)
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArray(toString(`variant_key`)))
      FROM cluster({cluster:String}, `analytics`.`exposures`)
      WHERE `experiment` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `variant_key` IS NOT NULL
    ),
    []
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + transform(toString(`variant_key`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS first_nano_and_rank
    FROM cluster({cluster:String}, `analytics`.`exposures`)
    WHERE `experiment` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `variant_key` IS NOT NULL
      AND toString(`identity`) != if(position(toTypeName(`identity`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`variant_key`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY assumeNotNull(`identity`)
  ),
  buckets AS (
    SELECT
      toUInt32(first_nano_and_rank % 4294967296) AS counted_rank,
      toStartOfHour(toDateTime(toUInt32(intDiv(first_nano_and_rank, 4294967296000000000)), 'UTC'), {time_zone:String}) AS local_bucket,
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
