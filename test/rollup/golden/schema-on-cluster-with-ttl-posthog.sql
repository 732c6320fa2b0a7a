CREATE TABLE IF NOT EXISTS `exposures_by_day`ON CLUSTER `events`
(
  environment LowCardinality(String),
  event LowCardinality(String),
  feature LowCardinality(String),
  identity String,
  day Date,
  variant LowCardinality(String),
  identity_hash FixedString(16) MATERIALIZED murmurHash3_128(identity),
  first_exposure SimpleAggregateFunction(min, DateTime64(9, 'UTC'))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (environment, event, feature, identity, day, variant)
TTL day + toIntervalDay({ttl_days:UInt32})
COMMENT 'The least instant of each identity in each variant, by UTC day';

CREATE MATERIALIZED VIEW IF NOT EXISTS `exposures_by_day_view`ON CLUSTER `events`
TO `exposures_by_day`
AS SELECT
  environment,
  event_ AS event,
  feature__ AS feature,
  identity,
  day,
  variant,
  min(exposed_at) AS first_exposure
FROM
(
  SELECT
    assumeNotNull(toString(`team_id`)) AS environment,
    assumeNotNull(toString(`event`)) AS event_,
    assumeNotNull(toString((JSONExtractString(properties, '$feature_flag')))) AS feature__,
    toDate(`timestamp`, 'UTC') AS day,
    assumeNotNull(toString(`person_id`)) AS identity,
    assumeNotNull(toString((if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))))) AS variant,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
  FROM `events`
  WHERE `event` = {event_name:String}
    AND `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND (if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))) IS NOT NULL
    AND toString(`person_id`) != if(position(toTypeName(`person_id`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
GROUP BY environment, event_, feature__, identity, day, variant;

SELECT DISTINCT toString(day) AS day
FROM
(
  SELECT
    assumeNotNull(toString(`team_id`)) AS environment,
    assumeNotNull(toString(`event`)) AS event_,
    assumeNotNull(toString((JSONExtractString(properties, '$feature_flag')))) AS feature__,
    toDate(`timestamp`, 'UTC') AS day,
    assumeNotNull(toString(`person_id`)) AS identity,
    assumeNotNull(toString((if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))))) AS variant,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
  FROM `events`
  WHERE NOT ignore((
    SELECT
      throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
      AND throwIf(match(toTypeName(any(`person_id`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`person_id`)), '>')) = 0
    FROM `events`
    WHERE 0
  ))
    AND `event` = {event_name:String}
    AND `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND (if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))) IS NOT NULL
    AND toString(`person_id`) != if(position(toTypeName(`person_id`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
ORDER BY day
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0;

INSERT INTO `exposures_by_day` (environment, event, feature, identity, day, variant, first_exposure)
SETTINGS insert_deduplicate = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
SELECT
  environment,
  event_ AS event,
  feature__ AS feature,
  identity,
  day,
  variant,
  min(exposed_at) AS first_exposure
FROM
(
  SELECT
    assumeNotNull(toString(`team_id`)) AS environment,
    assumeNotNull(toString(`event`)) AS event_,
    assumeNotNull(toString((JSONExtractString(properties, '$feature_flag')))) AS feature__,
    toDate(`timestamp`, 'UTC') AS day,
    assumeNotNull(toString(`person_id`)) AS identity,
    assumeNotNull(toString((if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))))) AS variant,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
  FROM `events`
  WHERE NOT ignore((
    SELECT
      throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
      AND throwIf(match(toTypeName(any(`person_id`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`person_id`)), '>')) = 0
    FROM `events`
    WHERE 0
  ))
    AND `event` = {event_name:String}
    AND `timestamp` >= toDateTime64({day:Date}, 3, 'UTC')
    AND `timestamp` < toDateTime64({day:Date} + 1, 3, 'UTC')
    AND (if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))) IS NOT NULL
    AND toString(`person_id`) != if(position(toTypeName(`person_id`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
GROUP BY environment, event_, feature__, identity, day, variant;

ALTER TABLE `exposures_by_day`ON CLUSTER `events`
DELETE WHERE day = {day:Date}
SETTINGS mutations_sync = 2;

DROP VIEW IF EXISTS `exposures_by_day_view`ON CLUSTER `events` SYNC;

DROP TABLE IF EXISTS `exposures_by_day`ON CLUSTER `events` SYNC;
