WITH
  (
    SELECT arraySort(groupUniqArray(toString(`value`)))
    FROM cluster({cluster:String}, `analytics`.`slices`)
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND `sdk_version` LIKE {filter_1_like:String}
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
      min(toUnixTimestamp(`timestamp`)) AS first_second,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', toString((JSONExtractString(traits, {breakdown_value_1:String})))), '1'))) AS first_nano_and_value
    FROM cluster({cluster:String}, `analytics`.`slices`)
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND `sdk_version` LIKE {filter_1_like:String}
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`)))
  ),
  slices_ AS (
    SELECT
      substring(first_nano_and_value, 9) AS slice,
      if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
      toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
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
  if(size_rank > {top_values:UInt64} OR slice = '1', NULL, substring(slice, 2)) AS value,
  counted_rank = 0 AS quarantined,
  if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
  toDateTime(local_bucket, 'UTC') AS bucket,
  sum(identities_counted) AS new_identities
FROM size_ranks
GROUP BY least(size_rank, {top_values:UInt64} + 1) AS slice_rank, other, value, counted_rank, local_bucket
ORDER BY slice_rank, local_bucket, counted_rank = 0, counted_rank
LIMIT {row_limit:UInt64}
SETTINGS skip_unavailable_shards = 0
