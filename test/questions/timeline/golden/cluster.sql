WITH
  identity_story AS (
    SELECT
      if(
        isNull((
          SELECT
            throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
            AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
            AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
          FROM cluster({cluster:String}, `analytics`.`exposures`)
          WHERE 0
        )) < 2,
        multiIf(
          ifNull(NOT (`timestamp` IS NOT NULL), 1), 'no-timestamp',
          ifNull(NOT (`timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})), 1), 'before-window',
          ifNull(NOT (`timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})), 1), 'after-window',
          ifNull(NOT (`value` IS NOT NULL), 1), 'no-variant',
          ifNull(NOT (toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')), 1), 'no-identity',
          'exposure'
        ),
        ''
      ) AS event_disposition,
      CAST(if(`value` IS NOT NULL, toString(`value`), NULL), 'Nullable(String)') AS event_variant,
      `timestamp` AS event_instant
    FROM cluster({cluster:String}, `analytics`.`exposures`)
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `identifier` = {identity_asked:String}
  )
SELECT
  shown,
  event_disposition AS disposition,
  event_variant AS variant,
  toUnixTimestamp64Milli(toDateTime64(event_instant, 3, 'UTC')) AS at_ms,
  events_counted AS events
FROM (
  SELECT 1 AS shown, event_disposition, event_variant, event_instant, toUInt64(1) AS events_counted
  FROM identity_story
  ORDER BY event_disposition IN ('no-timestamp', 'before-window', 'after-window'), event_instant, event_variant, event_disposition
  LIMIT {event_limit:UInt64}
  UNION ALL
  SELECT 0, event_disposition, event_variant, min(event_instant), count()
  FROM identity_story
  GROUP BY event_disposition, event_variant
  LIMIT {row_limit:UInt64}
)
ORDER BY shown, event_instant, event_variant, event_disposition
SETTINGS skip_unavailable_shards = 0, use_query_cache = 0, force_index_by_date = 0, force_primary_key = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
