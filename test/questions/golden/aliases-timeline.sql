WITH
  identity_aliases AS (
    SELECT
      alias_from,
      min(alias_target) AS alias_to,
      min(alias_target_partition) AS alias_partition,
      min(alias_target) = max(alias_target) AS alias_applied,
      min(alias_target) != max(alias_target) AS alias_ambiguous
    FROM (
      SELECT
        if(accurateCastOrNull(alias_from_text, toTypeName(identity_sample)) IS NULL, toString(assumeNotNull(alias_from_text)), toString(assumeNotNull(accurateCastOrNull(alias_from_text, toTypeName(identity_sample))))) AS alias_from,
        if(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)) IS NULL, toString(assumeNotNull(alias_to_text)), toString(assumeNotNull(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))))) AS alias_target,
        if(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)) IS NULL, cityHash64('partition', assumeNotNull(alias_to_text)), cityHash64('partition', assumeNotNull(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))))) AS alias_target_partition
      FROM (
        SELECT
          assumeNotNull(toString(`anonymous`)) AS alias_from_text,
          assumeNotNull(toString(`person`)) AS alias_to_text
        FROM `aliases`
        WHERE toString(`anonymous`) != if(position(toTypeName(`anonymous`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
          AND toString(`person`) != if(position(toTypeName(`person`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      ) AS alias_rows
      CROSS JOIN (SELECT any(assumeNotNull(`identifier`)) AS identity_sample FROM `events` WHERE 0) AS identity_type
      WHERE ifNull(toString(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))) != if(position(toTypeName(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', ''), 1)
    )
    WHERE alias_from != alias_target
    GROUP BY alias_from
  ),
  (
    SELECT if(count() = 0, (SELECT if(accurateCastOrNull({identity_asked:String}, toTypeName(identity_sample)) IS NULL, toString(assumeNotNull({identity_asked:String})), toString(assumeNotNull(accurateCastOrNull({identity_asked:String}, toTypeName(identity_sample))))) FROM (SELECT any(assumeNotNull(`identifier`)) AS identity_sample FROM `events` WHERE 0) AS identity_type), min(alias_to))
    FROM identity_aliases
    WHERE ifNull(alias_applied, 0) AND alias_from = (SELECT if(accurateCastOrNull({identity_asked:String}, toTypeName(identity_sample)) IS NULL, toString(assumeNotNull({identity_asked:String})), toString(assumeNotNull(accurateCastOrNull({identity_asked:String}, toTypeName(identity_sample))))) FROM (SELECT any(assumeNotNull(`identifier`)) AS identity_sample FROM `events` WHERE 0) AS identity_type)
  ) AS first_exposures_identity_resolved,
  identity_story AS (
    SELECT
      if(
        isNull((
          SELECT
            throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
            AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
            AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
          FROM `events`
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
      `timestamp` AS event_instant,
      assumeNotNull(toString(`identifier`)) AS event_identifier
    FROM `events`
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND (toString(`identifier`) GLOBAL IN (SELECT alias_from FROM identity_aliases WHERE ifNull(alias_applied, 0)
      AND alias_to = first_exposures_identity_resolved) OR (toString(`identifier`) = first_exposures_identity_resolved AND first_exposures_identity_resolved GLOBAL NOT IN (SELECT alias_from FROM identity_aliases WHERE ifNull(alias_applied, 0))))
  )
SELECT
  shown,
  event_disposition AS disposition,
  event_variant AS variant,
  toUnixTimestamp64Milli(toDateTime64(event_instant, 3, 'UTC')) AS at_ms,
  events_counted AS events,
  event_identifier AS identifier,
  first_exposures_identity_resolved AS identity
FROM (
  SELECT 1 AS shown, event_disposition, event_variant, event_instant, toUInt64(1) AS events_counted, event_identifier
  FROM identity_story
  ORDER BY event_disposition IN ('no-timestamp', 'before-window', 'after-window'), event_instant, event_variant, event_disposition, event_identifier
  LIMIT {event_limit:UInt64}
  UNION ALL
  SELECT 0, event_disposition, event_variant, min(event_instant), count(), event_identifier
  FROM identity_story
  GROUP BY event_disposition, event_variant, event_identifier
  LIMIT {row_limit:UInt64}
)
ORDER BY shown, event_instant, event_variant, event_disposition, event_identifier
SETTINGS use_query_cache = 0, force_index_by_date = 0, force_primary_key = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
