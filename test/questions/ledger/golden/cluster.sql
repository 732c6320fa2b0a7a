WITH
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
      SELECT arraySort(groupUniqArray(toString(`value`)))
      FROM cluster({cluster:String}, `analytics`.`exposures`)
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
    ),
    []
  ) AS first_exposures_variant_keys,
  identity_states AS (
    SELECT
      groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
      min(toUnixTimestamp(`timestamp`)) AS first_second,
      count() AS identity_exposures
    FROM cluster({cluster:String}, `analytics`.`exposures`)
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`)))
  )
SELECT entry, variant, events, identities, lateness_seconds
FROM (
  SELECT
    event_disposition AS entry,
    CAST(event_variant, 'Nullable(String)') AS variant,
    events_counted AS events,
    toUInt64(0) AS identities,
    CAST([], 'Array(Int64)') AS lateness_seconds
  FROM (
    SELECT event_disposition, event_variant, count() AS events_counted
    FROM (
      SELECT
        multiIf(
          ifNull(NOT (`timestamp` IS NOT NULL), 1), 'no-timestamp',
          ifNull(NOT (`timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})), 1), 'before-window',
          ifNull(NOT (`timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})), 1), 'after-window',
          ifNull(NOT (`value` IS NOT NULL), 1), 'no-variant',
          ifNull(NOT (toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')), 1), 'no-identity',
          'exposure'
        ) AS event_disposition,
        if(`value` IS NOT NULL, toString(`value`), NULL) AS event_variant
      FROM cluster({cluster:String}, `analytics`.`exposures`)
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
    )
    GROUP BY event_disposition, event_variant
  )
  UNION ALL
  SELECT
    if(counted_rank = 0, 'quarantined', 'counted') AS entry,
    if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
    events_counted AS events,
    identities_counted AS identities,
    CAST([], 'Array(Int64)') AS lateness_seconds
  FROM (
    SELECT
      if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
      sum(identity_exposures) AS events_counted,
      count() AS identities_counted
    FROM identity_states
    GROUP BY counted_rank
  )
)
LIMIT {row_limit:UInt64}
SETTINGS skip_unavailable_shards = 0, use_query_cache = 0, force_index_by_date = 0, force_primary_key = 0, max_subquery_depth = 100, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
