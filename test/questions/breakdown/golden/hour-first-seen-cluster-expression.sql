WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
        AND throwIf(position(toTypeName(any(`sdk_version`)), 'DateTime') > 0 AND position(toTypeName(any(`sdk_version`)), '\'') = 0, concat('first-exposure: column filter_1 has type <', toTypeName(any(`sdk_version`)), '>')) = 0
      FROM cluster({cluster:String}, `analytics`.`slices`)
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArray(toString(`value`)))
      FROM cluster({cluster:String}, `analytics`.`slices`)
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`sdk_version`) LIKE {filter_1_like:String}
    ),
    []
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS first_nano_and_rank,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', if((JSONExtractString(traits, {breakdown_value_1:String})) IS NULL, NULL, toString((JSONExtractString(traits, {breakdown_value_1:String}))))), '1'))) AS first_nano_and_value
    FROM cluster({cluster:String}, `analytics`.`slices`)
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND toString(`sdk_version`) LIKE {filter_1_like:String}
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`)))
  ),
  slices_ AS (
    SELECT
      toValidUTF8(substring(first_nano_and_value, 9)) AS slice,
      toUInt32(first_nano_and_rank % 4294967296) AS counted_rank,
      toStartOfHour(toDateTime(toUInt32(intDiv(first_nano_and_rank, 4294967296000000000)), 'UTC'), {time_zone:String}) AS local_bucket,
      count() AS identities_counted
    FROM identities
    GROUP BY slice, counted_rank, local_bucket
  ),
  sizes AS (
    SELECT slice, counted_rank, local_bucket, identities_counted, sum(identities_counted) OVER (PARTITION BY slice) AS slice_size
    FROM slices_
  ),
  size_ranks AS (
    SELECT slice, counted_rank, local_bucket, identities_counted, dense_rank() OVER (ORDER BY slice_size DESC, slice) AS size_rank
    FROM sizes
  )
SELECT
  size_rank > {top_values:UInt64} AS other,
  if(size_rank > {top_values:UInt64}, NULL, if(slice = '1', NULL, substring(slice, 2))) AS value,
  counted_rank = 0 AS quarantined,
  if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
  toDateTime(local_bucket, 'UTC') AS bucket,
  sum(identities_counted) AS new_identities
FROM size_ranks
GROUP BY least(size_rank, {top_values:UInt64} + 1) AS slice_rank, other, value, counted_rank, local_bucket
ORDER BY slice_rank, local_bucket, counted_rank = 0, counted_rank
LIMIT {row_limit:UInt64}
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
