WITH
  (
    SELECT arraySort(groupUniqArray(toString((if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))))))
    FROM `events`
    WHERE `team_id` = {environment_key:String}
      AND `event` = {event_name:String}
      AND (JSONExtractString(properties, '$feature_flag')) = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND (if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))) IS NOT NULL
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      groupBitOr(bitXor(transform(toString((if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response')))), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
      min(toUnixTimestamp(`timestamp`)) AS first_second
    FROM `events`
    WHERE `team_id` = {environment_key:String}
      AND `event` = {event_name:String}
      AND (JSONExtractString(properties, '$feature_flag')) = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND (if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))) IS NOT NULL
      AND toString(`person_id`) != if(position(toTypeName(`person_id`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString((if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response')))), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`person_id`)))
  ),
  buckets AS (
    SELECT
      if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
      toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
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
