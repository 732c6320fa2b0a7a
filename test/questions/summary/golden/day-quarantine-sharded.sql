WITH
  shards AS (
    SELECT
      if(throwIf(count() = 0 OR count() != max(shards_asked), 'first-exposure: not every shard answered') = 0, groupArrayArray(shard_rows), []) AS all_rows
    FROM cluster({cluster:String}, view(
      SELECT
        groupArray((in_many, variant_name, toUnixTimestamp(local_bucket), identities_counted)) AS shard_rows,
        shardCount() AS shards_asked
      FROM (
        SELECT in_many, variant_name, local_bucket, identities_counted
        FROM (
          SELECT
            toUInt8(hashes_and != hashes_or) AS in_many,
            if(in_many, toUInt64(0), hashes_or) AS variant_hash,
            toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
            count() AS identities_counted
          FROM (
            SELECT
              groupBitAnd(cityHash64(assumeNotNull(toString(`value`)))) AS hashes_and,
              groupBitOr(cityHash64(assumeNotNull(toString(`value`)))) AS hashes_or,
              min(toUnixTimestamp(`timestamp`)) AS first_second
            FROM `analytics`.`exposures`
            WHERE `environment_key` = {environment_key:String}
              AND `event` = {event_name:String}
              AND `feature_name` = {feature_name:String}
              AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
              AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
              AND `value` IS NOT NULL
              AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
            GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`)))
          )
          GROUP BY in_many, variant_hash, local_bucket
        ) AS counted
        INNER JOIN (
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
          UNION ALL
          SELECT toUInt8(1) AS in_many, toUInt64(0) AS variant_hash, '' AS variant_name
        ) AS named USING (in_many, variant_hash)
        LIMIT {row_limit:UInt64}
      )
    ))
    WHERE isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM cluster({cluster:String}, `analytics`.`exposures`)
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
