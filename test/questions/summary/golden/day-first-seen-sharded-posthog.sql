WITH
  shards AS (
    SELECT
      if(throwIf(count() = 0 OR count() != max(shards_asked), 'first-exposure: not every shard answered') = 0, groupArrayArray(shard_rows), []) AS all_rows
    FROM cluster({cluster:String}, view(
      SELECT
        groupArray((in_many, variant_name, toUnixTimestamp(local_bucket), identities_counted)) AS shard_rows,
        shardCount() AS shards_asked
      FROM (
        SELECT
          toUInt8(0) AS in_many,
          substring(first_nano_and_key, 9) AS variant_name,
          toStartOfDay(toDateTime(toUInt32(intDiv(reinterpretAsInt64(reverse(substring(first_nano_and_key, 1, 8))) - 4611686018427387904, 1000000000)), 'UTC'), {time_zone:String}) AS local_bucket,
          count() AS identities_counted
        FROM (
          SELECT min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), assumeNotNull(toString((if(has({variant_value_1:Array(String)}, "mat_$feature_flag_response"), NULL, "mat_$feature_flag_response")))))) AS first_nano_and_key
          FROM `posthog`.`sharded_events`
          WHERE `team_id` = {environment_key:String}
            AND `event` = {event_name:String}
            AND `mat_$feature_flag` = {feature_name:String}
            AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
            AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
            AND (if(has({variant_value_1:Array(String)}, "mat_$feature_flag_response"), NULL, "mat_$feature_flag_response")) IS NOT NULL
            AND toString(`distinct_id`) != if(position(toTypeName(`distinct_id`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
          GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`distinct_id`)))
        )
        GROUP BY variant_name, local_bucket
        LIMIT {row_limit:UInt64}
      )
    ))
    WHERE isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`distinct_id`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`distinct_id`)), '>')) = 0
      FROM cluster({cluster:String}, `posthog`.`sharded_events`)
      WHERE 0
    )) < 2
  )
SELECT
  shard_row.1 AS quarantined,
  if(shard_row.1, NULL, shard_row.2) AS variant,
  toDateTime(shard_row.3, 'UTC') AS bucket,
  sum(shard_row.4) AS new_identities
FROM (SELECT arrayJoin(all_rows) AS shard_row FROM shards)
GROUP BY shard_row.1, shard_row.2, shard_row.3
ORDER BY shard_row.3, shard_row.1, shard_row.2
LIMIT {row_limit:UInt64}
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
