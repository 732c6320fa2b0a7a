WITH
  identity_story AS (
    SELECT
      multiIf(
        ifNull(NOT (`timestamp` IS NOT NULL), 1), 'no-timestamp',
        ifNull(NOT (`timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})), 1), 'before-window',
        ifNull(NOT (`timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})), 1), 'after-window',
        ifNull(NOT (`value` IS NOT NULL), 1), 'no-variant',
        ifNull(NOT (toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')), 1), 'no-identity',
        'exposure'
      ) AS event_disposition,
      CAST(toString(`value`), 'Nullable(String)') AS event_variant,
      `timestamp` AS event_instant
    FROM `events`
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
