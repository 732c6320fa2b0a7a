WITH
  exposures_ AS (
    SELECT
      identity,
      variant_key,
      exposed_at
    FROM
    (
      SELECT
        identity AS identity,
        variants,
        instants
      FROM cluster({cluster:String}, `rollups`.`exposures_by_day`)
      WHERE NOT ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_day`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_day`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}))
        AND environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
    )
    ARRAY JOIN
      variants AS variant_key,
      instants AS exposed_at
    WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
      AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({as_of_ms:Int64}), 9, 'UTC')
    UNION ALL
    SELECT
      assumeNotNull(toString(`identifier`)) AS identity,
      assumeNotNull(toString(`value`)) AS variant_key,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
    FROM cluster({cluster:String}, `analytics`.`exposures`)
    WHERE (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_day`) WHERE environment = {environment_key:String}
      AND event = {event_name:String}
      AND feature = {feature_name:String}
      AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) > 0
      AND `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND (
      ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_day`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_day`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}))
      OR murmurHash3_128(assumeNotNull(toString(`identifier`))) GLOBAL IN (
        SELECT identity_hash
        FROM cluster({cluster:String}, `rollups`.`exposures_by_day`)
        WHERE NOT ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_day`) WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_day`) WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}))
          AND environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
      )
    )
  ),
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM cluster({cluster:String}, `analytics`.`exposures`)
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArrayArray(variants))
      FROM cluster({cluster:String}, `rollups`.`exposures_by_day`)
      WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
    ),
    []
  ) AS first_exposures_variant_keys,
  identity_aliases AS (
    SELECT
      alias_from,
      min(alias_target) AS alias_to,
      min(alias_target_partition) AS alias_partition,
      min(alias_target) = max(alias_target) AS alias_applied,
      min(alias_target) != max(alias_target) AS alias_ambiguous
    FROM (
      SELECT
        if(accurateCastOrNull(alias_from_text, toTypeName(identity_sample)) IS NULL, toString(assumeNotNull(toString(alias_from_text))), toString(assumeNotNull(toString(accurateCastOrNull(alias_from_text, toTypeName(identity_sample)))))) AS alias_from,
        if(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)) IS NULL, toString(assumeNotNull(toString(alias_to_text))), toString(assumeNotNull(toString(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)))))) AS alias_target,
        if(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)) IS NULL, cityHash64('partition', assumeNotNull(assumeNotNull(toString(alias_to_text)))), cityHash64('partition', assumeNotNull(assumeNotNull(toString(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))))))) AS alias_target_partition
      FROM (
        SELECT
          assumeNotNull(toString(`anonymous`)) AS alias_from_text,
          assumeNotNull(toString(`person`)) AS alias_to_text
        FROM `aliases`
        WHERE toString(`anonymous`) != if(position(toTypeName(`anonymous`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
          AND toString(`person`) != if(position(toTypeName(`person`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      ) AS alias_rows
      CROSS JOIN (SELECT any(assumeNotNull(`identifier`)) AS identity_sample FROM cluster({cluster:String}, `analytics`.`exposures`) WHERE 0) AS identity_type
      WHERE ifNull(toString(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))) != if(position(toTypeName(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', ''), 1)
    )
    WHERE alias_from != alias_target
    GROUP BY alias_from
  ),
  identities AS (
    SELECT
      groupBitOr(identifier_state_1) AS rank_bits,
      min(identifier_state_2) AS first_second
    FROM (
      SELECT
        identity AS identifier_,
        groupBitOr(bitXor(transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS identifier_state_1,
        min(toUnixTimestamp(exposed_at)) AS identifier_state_2
      FROM exposures_
      WHERE (toString(identity) GLOBAL IN (SELECT alias_from FROM identity_aliases WHERE ifNull(alias_applied, 0)
        AND alias_partition % {partition_count:UInt64} = {partition_index:UInt64}) OR (cityHash64('partition', assumeNotNull(identity)) % {partition_count:UInt64} = {partition_index:UInt64} AND toString(identity) GLOBAL NOT IN (SELECT alias_from FROM identity_aliases WHERE ifNull(alias_applied, 0))))
        AND transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
      GROUP BY identity
    ) AS identifiers
    ANY LEFT JOIN identity_aliases ON toString(identifier_) = alias_from
    GROUP BY if(ifNull(alias_applied, 0), assumeNotNull(alias_to), toString(identifier_))
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
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
