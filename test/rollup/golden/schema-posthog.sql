CREATE TABLE IF NOT EXISTS `exposures_by_day`
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
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (environment, event, feature, identity, day, variant)
COMMENT 'The least instant of each identity in each variant, by UTC day';

CREATE MATERIALIZED VIEW IF NOT EXISTS `exposures_by_day_view`
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
  WHERE `event` = {event_name:String}
    AND `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND (if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))) IS NOT NULL
    AND toString(`person_id`) != if(position(toTypeName(`person_id`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
ORDER BY day;

INSERT INTO `exposures_by_day` (environment, event, feature, identity, day, variant, first_exposure)
SETTINGS insert_deduplicate = 0
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
  WHERE `event` = {event_name:String}
    AND `timestamp` >= toDateTime64({day:Date}, 3, 'UTC')
    AND `timestamp` < toDateTime64({day:Date} + 1, 3, 'UTC')
    AND (if(has({variant_value_1:Array(String)}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))) IS NOT NULL
    AND toString(`person_id`) != if(position(toTypeName(`person_id`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
GROUP BY environment, event_, feature__, identity, day, variant;

ALTER TABLE `exposures_by_day`
DELETE WHERE day = {day:Date}
SETTINGS mutations_sync = 2;

DROP VIEW IF EXISTS `exposures_by_day_view` SYNC;

DROP TABLE IF EXISTS `exposures_by_day` SYNC;
