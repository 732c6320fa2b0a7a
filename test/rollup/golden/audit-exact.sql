WITH
  exposures AS (
    SELECT
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
        assumeNotNull(toString(`identifier`)) AS identity,
        assumeNotNull(toString(`value`)) AS variant,
        toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
      FROM `events`
      WHERE isNull((
        SELECT
          throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
          AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
          AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
        FROM `events`
        WHERE 0
      )) < 2
        AND `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= toDateTime64({audit_start:Date}, 3, 'UTC')
        AND `timestamp` < toDateTime64({audit_end:Date}, 3, 'UTC')
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
    )
    UNION ALL
    SELECT
      identity AS identity_key,
      variant_key,
      exposed_first,
      1 AS rolled_up
    FROM `exposures_by_identity`
    ARRAY JOIN
      variants AS variant_key,
      instants AS exposed_first
    WHERE environment = {environment_key:String}
      AND event = {event_name:String}
      AND feature = {feature_name:String}
  ),
  pairs AS (
    SELECT
      max(rolled_up = 0) AS has_event,
      max(rolled_up = 1) AS is_rolled_up,
      minIf(exposed_first, rolled_up = 0) AS first_event,
      minIf(exposed_first, rolled_up = 1) AS first_rolled_up,
      has_event AND NOT (is_rolled_up AND first_rolled_up < toDateTime64({audit_start:Date}, 9, 'UTC')) AS is_first,
      is_rolled_up AND first_rolled_up >= toDateTime64({audit_start:Date}, 9, 'UTC') AND first_rolled_up < toDateTime64({audit_end:Date}, 9, 'UTC') AS is_compared
    FROM exposures
    GROUP BY identity_key, variant_key
  ),
  changes AS (
    SELECT arrayJoin(arrayConcat(
      if(is_first, [(toDate(first_event, 'UTC'), 1, 0, toUInt8(NOT is_rolled_up OR first_rolled_up > first_event), 0)], []),
      if(is_compared, [(toDate(first_rolled_up, 'UTC'), 0, 1, 0, toUInt8(NOT has_event OR first_rolled_up < first_event))], [])
    )) AS change
    FROM pairs
  )
SELECT
  {environment_key:String} AS environment,
  {feature_name:String} AS feature,
  toString(change.1) AS day,
  sum(change.2) AS in_events,
  sum(change.3) AS in_rollup,
  sum(change.4) AS missing,
  sum(change.5) AS surplus
FROM changes
GROUP BY change.1
ORDER BY change.1
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
