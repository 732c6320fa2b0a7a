WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM cluster({who_cluster:String}, `analytics`.`exposures`)
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArrayArray(variants))
      FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`)
      WHERE environment = {who_environment_key:String}
        AND event = {who_event_name:String}
        AND feature = {who_feature_name:String}
    ),
    []
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      groupBitOr(bitXor(transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC'))) * 4294967296 + transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS first_nano_and_rank,
      identity AS exposed_identity
    FROM (
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
        FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`)
        WHERE NOT ((SELECT count() FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {who_environment_key:String}
          AND event = {who_event_name:String}
          AND feature = {who_feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({who_start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {who_environment_key:String}
          AND event = {who_event_name:String}
          AND feature = {who_feature_name:String}))
          AND environment = {who_environment_key:String}
          AND event = {who_event_name:String}
          AND feature = {who_feature_name:String}
      )
      ARRAY JOIN
        variants AS variant_key,
        instants AS exposed_at
      WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({who_start_ms:Int64}), 9, 'UTC')
        AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({who_as_of_ms:Int64}), 9, 'UTC')
      UNION ALL
      SELECT
        assumeNotNull(toString(`identifier`)) AS identity,
        assumeNotNull(toString(`value`)) AS variant_key,
        toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
      FROM cluster({who_cluster:String}, `analytics`.`exposures`)
      WHERE (SELECT count() FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {who_environment_key:String}
        AND event = {who_event_name:String}
        AND feature = {who_feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({who_start_ms:Int64}), 9, 'UTC')) > 0
        AND `environment_key` = {who_environment_key:String}
        AND `event` = {who_event_name:String}
        AND `feature_name` = {who_feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({who_start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({who_as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND (
        ((SELECT count() FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {who_environment_key:String}
          AND event = {who_event_name:String}
          AND feature = {who_feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({who_start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {who_environment_key:String}
          AND event = {who_event_name:String}
          AND feature = {who_feature_name:String}))
        OR murmurHash3_128(assumeNotNull(toString(`identifier`))) GLOBAL IN (
          SELECT identity_hash
          FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`)
          WHERE NOT ((SELECT count() FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {who_environment_key:String}
            AND event = {who_event_name:String}
            AND feature = {who_feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({who_start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({who_cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {who_environment_key:String}
            AND event = {who_event_name:String}
            AND feature = {who_feature_name:String}))
            AND environment = {who_environment_key:String}
            AND event = {who_event_name:String}
            AND feature = {who_feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({who_start_ms:Int64}), 9, 'UTC')
        )
      )
    )
    WHERE cityHash64('partition', assumeNotNull(identity)) % {who_partition_count:UInt64} = {who_partition_index:UInt64}
      AND transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY identity
  )
SELECT
  exposed_identity AS identity,
  if(if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) = 0, NULL, first_exposures_variant_keys[if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0)]) AS variant,
  fromUnixTimestamp64Nano(toInt64(intDiv(first_nano_and_rank, 4294967296)), 'UTC') AS first_exposure,
  if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) = 0 AS quarantined,
  first_exposures_variant_keys[toUInt32(first_nano_and_rank % 4294967296)] AS first_variant
FROM identities
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
