WITH
  exposures AS (
    SELECT
      day AS exposed_day,
      identity AS identity_key,
      variant AS variant_key,
      exposed_at AS exposed_first,
      0 AS rolled_up
    FROM
    (
      SELECT
        assumeNotNull(toString(`environment_key`)) AS environment,
        assumeNotNull(toString(`event`)) AS event_,
        assumeNotNull(toString(`feature_name`)) AS feature,
        toDate(`timestamp`, 'UTC') AS day,
        assumeNotNull(toString(`identifier`)) AS identity,
        assumeNotNull(toString(`value`)) AS variant,
        toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
      FROM `events`
      WHERE NOT ignore((
        SELECT
          throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
          AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
          AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
        FROM `events`
        WHERE 0
      ))
        AND `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= toDateTime64({rollup_start:Date}, 3, 'UTC')
        AND `timestamp` < toDateTime64({rollup_end:Date}, 3, 'UTC')
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
    )
    UNION ALL
    SELECT
      day AS exposed_day,
      identity AS identity_key,
      variant AS variant_key,
      first_exposure AS exposed_first,
      1 AS rolled_up
    FROM `exposures_by_day`
    WHERE environment = {environment_key:String}
      AND event = {event_name:String}
      AND feature = {feature_name:String}
      AND day >= {rollup_start:Date}
      AND day < {rollup_end:Date}
  ),
  pairs AS (
    SELECT
      exposed_day,
      max(rolled_up = 0) AS has_event,
      max(rolled_up = 1) AS is_rolled_up,
      minIf(exposed_first, rolled_up = 0) AS first_event,
      minIf(exposed_first, rolled_up = 1) AS first_rolled_up
    FROM exposures
    GROUP BY exposed_day, identity_key, variant_key
  )
SELECT
  toString(exposed_day) AS day,
  countIf(has_event) AS in_events,
  countIf(is_rolled_up) AS in_rollup,
  countIf(has_event AND (NOT is_rolled_up OR first_rolled_up > first_event)) AS missing,
  countIf(is_rolled_up AND (NOT has_event OR first_rolled_up < first_event)) AS surplus
FROM pairs
GROUP BY exposed_day
ORDER BY exposed_day
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
