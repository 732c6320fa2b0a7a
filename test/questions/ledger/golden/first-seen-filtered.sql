WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
        AND throwIf(position(toTypeName(any(`country`)), 'DateTime') > 0 AND position(toTypeName(any(`country`)), '\'') = 0, concat('first-exposure: column filter_1 has type <', toTypeName(any(`country`)), '>')) = 0
      FROM `events`
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArray(toString(`value`)))
      FROM `events`
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND `country` = {filter_1_equals:String}
        AND (is_bot = 0 OR sdk = {filter_2_value_1:String})
    ),
    []
  ) AS first_exposures_variant_keys,
  identity_states AS (
    SELECT
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS first_nano_and_rank,
      count() AS identity_exposures
    FROM `events`
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND `country` = {filter_1_equals:String}
      AND (is_bot = 0 OR sdk = {filter_2_value_1:String})
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
          ifNull(NOT (`country` = {filter_1_equals:String} AND (is_bot = 0 OR sdk = {filter_2_value_1:String})), 1), 'filtered',
          ifNull(NOT (`value` IS NOT NULL), 1), 'no-variant',
          ifNull(NOT (toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')), 1), 'no-identity',
          'exposure'
        ) AS event_disposition,
        if(`value` IS NOT NULL, toString(`value`), NULL) AS event_variant
      FROM `events`
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
      toUInt32(first_nano_and_rank % 4294967296) AS counted_rank,
      sum(identity_exposures) AS events_counted,
      count() AS identities_counted
    FROM identity_states
    GROUP BY counted_rank
  )
  UNION ALL
  SELECT
    arrived.1 AS entry,
    CAST(NULL, 'Nullable(String)') AS variant,
    arrived.2 AS events,
    toUInt64(0) AS identities,
    arrived.3 AS lateness_seconds
  FROM (
    SELECT arrayJoin([
      ('arrived', events_counted, seconds_late),
      ('arrived-late', events_late, CAST([], 'Array(Int64)'))
    ]) AS arrived
    FROM (
      SELECT
        count() AS events_counted,
        countIf(toStartOfDay(toDateTime(greatest(86400, least(4294000000, intDiv(toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`collected_at`), 3, 'UTC')) - {lateness_ms:Int64}, 1000))), 'UTC'), {time_zone:String}) > toStartOfDay(toDateTime(greatest(86400, least(4294000000, intDiv(toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`timestamp`), 3, 'UTC')), 1000))), 'UTC'), {time_zone:String})) AS events_late,
        quantilesExactWeighted(0.5, 0.9, 0.99, 1)(toInt64(floor((toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`collected_at`), 3, 'UTC')) - toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`timestamp`), 3, 'UTC'))) / 1000)), 1) AS seconds_late
      FROM `events`
      WHERE isNull((
        SELECT
          throwIf(position(toTypeName(any(`collected_at`)), 'DateTime') = 0, concat('first-exposure: column arrival has type <', toTypeName(any(`collected_at`)), '>')) = 0
        FROM `events`
        WHERE 0
      )) < 2
        AND `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND `country` = {filter_1_equals:String}
        AND (is_bot = 0 OR sdk = {filter_2_value_1:String})
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND `collected_at` IS NOT NULL
    )
  )
)
LIMIT {row_limit:UInt64}
SETTINGS use_query_cache = 0, force_index_by_date = 0, force_primary_key = 0, max_subquery_depth = 100, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
