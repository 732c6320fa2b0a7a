CREATE TABLE IF NOT EXISTS `exposures_by_identity`
(
  environment LowCardinality(String),
  event LowCardinality(String),
  feature LowCardinality(String),
  identity String,
  identity_hash FixedString(16) MATERIALIZED murmurHash3_128(identity),
  first_exposures SimpleAggregateFunction(minMap, Map(String, DateTime64(9, 'UTC'))),
  least_instant SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
  variants Array(String) ALIAS arrayMap(entry -> CAST(entry, 'Tuple(String, Nullable(String), Nullable(String))').1, mapKeys(first_exposures)),
  instants Array(DateTime64(9, 'UTC')) ALIAS mapValues(first_exposures),
  `value_of_sdk_language` Array(Nullable(String)) ALIAS arrayMap(entry -> CAST(entry, 'Tuple(String, Nullable(String), Nullable(String))').2, mapKeys(first_exposures)),
  `value_of_sdk_version` Array(Nullable(String)) ALIAS arrayMap(entry -> CAST(entry, 'Tuple(String, Nullable(String), Nullable(String))').3, mapKeys(first_exposures)),
  INDEX range_of_least_instants least_instant TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (environment, event, feature, identity)
SETTINGS min_age_to_force_merge_seconds = 3600
COMMENT 'first-exposure rollup 2: the first exposure of each identity to each variant';

CREATE MATERIALIZED VIEW IF NOT EXISTS `exposures_by_identity_view`
TO `exposures_by_identity`
AS SELECT
  environment,
  event_ AS event,
  feature,
  identity,
  map(toString((variant, declared_1, declared_2)), exposed_at) AS first_exposures,
  exposed_at AS least_instant
FROM
(
  SELECT
    assumeNotNull(toString(`environment_key`)) AS environment,
    assumeNotNull(toString(`event`)) AS event_,
    assumeNotNull(toString(`feature_name`)) AS feature,
    assumeNotNull(toString(`identifier`)) AS identity,
    assumeNotNull(toString(`value`)) AS variant,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at,
    CAST(if(`sdk_language` IS NULL, NULL, toString(`sdk_language`)), 'Nullable(String)') AS declared_1,
    CAST(if(`sdk_version` IS NULL, NULL, toString(`sdk_version`)), 'Nullable(String)') AS declared_2
  FROM `events`
  WHERE `event` = {event_name:String}
    AND `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND `value` IS NOT NULL
    AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
SETTINGS limit = 0, offset = 0, additional_result_filter = '', bool_true_representation = 'true', bool_false_representation = 'false';

SELECT DISTINCT toString(toDate(exposed_at, 'UTC')) AS day
FROM
(
  SELECT
    assumeNotNull(toString(`environment_key`)) AS environment,
    assumeNotNull(toString(`event`)) AS event_,
    assumeNotNull(toString(`feature_name`)) AS feature,
    assumeNotNull(toString(`identifier`)) AS identity,
    assumeNotNull(toString(`value`)) AS variant,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at,
    CAST(if(`sdk_language` IS NULL, NULL, toString(`sdk_language`)), 'Nullable(String)') AS declared_1,
    CAST(if(`sdk_version` IS NULL, NULL, toString(`sdk_version`)), 'Nullable(String)') AS declared_2
  FROM `events`
  WHERE isNull((
    SELECT
      throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
      AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
      AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
    FROM `events`
    WHERE 0
  )) < 2
    AND `event` = {event_name:String}
    AND `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND `value` IS NOT NULL
    AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
ORDER BY day
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0;

INSERT INTO `exposures_by_identity` (environment, event, feature, identity, first_exposures, least_instant)
SETTINGS insert_deduplicate = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
SELECT
  environment,
  event_ AS event,
  feature,
  identity,
  CAST(groupArray((rollup_entry, least)), 'Map(String, DateTime64(9, \'UTC\'))') AS first_exposures,
  min(least) AS least_instant
FROM
(
  SELECT
    environment, event_, feature, identity,
    toString((variant, declared_1, declared_2)) AS rollup_entry,
    min(exposed_at) AS least,
    max(exposed_at) AS greatest_instant
  FROM
  (
    SELECT
      assumeNotNull(toString(`environment_key`)) AS environment,
      assumeNotNull(toString(`event`)) AS event_,
      assumeNotNull(toString(`feature_name`)) AS feature,
      assumeNotNull(toString(`identifier`)) AS identity,
      assumeNotNull(toString(`value`)) AS variant,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at,
      CAST(if(`sdk_language` IS NULL, NULL, toString(`sdk_language`)), 'Nullable(String)') AS declared_1,
      CAST(if(`sdk_version` IS NULL, NULL, toString(`sdk_version`)), 'Nullable(String)') AS declared_2
    FROM `events`
    WHERE isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM `events`
      WHERE 0
    )) < 2
      AND `event` = {event_name:String}
      AND `timestamp` >= toDateTime64({day:Date}, 3, 'UTC')
      AND `timestamp` < toDateTime64({day:Date} + 1, 3, 'UTC')
      AND `value` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
  )
  GROUP BY environment, event_, feature, identity, rollup_entry
)
GROUP BY environment, event_, feature, identity;

ALTER TABLE `exposures_by_identity`
UPDATE first_exposures = mapFilter((entry, instant) -> NOT (instant >= toDateTime64({day:Date}, 9, 'UTC') AND instant < toDateTime64({day:Date} + 1, 9, 'UTC')), first_exposures), least_instant = arrayMin(mapValues(mapFilter((entry, instant) -> NOT (instant >= toDateTime64({day:Date}, 9, 'UTC') AND instant < toDateTime64({day:Date} + 1, 9, 'UTC')), first_exposures)))
WHERE environment = {environment_key:String}
  AND event = {event_name:String}
  AND feature = {feature_name:String},
DELETE WHERE environment = {environment_key:String}
  AND event = {event_name:String}
  AND feature = {feature_name:String}
  AND empty(first_exposures)
SETTINGS mutations_sync = 2;

INSERT INTO `exposures_by_identity` (environment, event, feature, identity, first_exposures, least_instant)
SETTINGS insert_deduplicate = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
SELECT
  environment,
  event_ AS event,
  feature,
  identity,
  CAST(groupArray((rollup_entry, least)), 'Map(String, DateTime64(9, \'UTC\'))') AS first_exposures,
  min(least) AS least_instant
FROM
(
  SELECT
    environment, event_, feature, identity,
    toString((variant, declared_1, declared_2)) AS rollup_entry,
    min(exposed_at) AS least,
    max(exposed_at) AS greatest_instant
  FROM
  (
    SELECT
      assumeNotNull(toString(`environment_key`)) AS environment,
      assumeNotNull(toString(`event`)) AS event_,
      assumeNotNull(toString(`feature_name`)) AS feature,
      assumeNotNull(toString(`identifier`)) AS identity,
      assumeNotNull(toString(`value`)) AS variant,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at,
      CAST(if(`sdk_language` IS NULL, NULL, toString(`sdk_language`)), 'Nullable(String)') AS declared_1,
      CAST(if(`sdk_version` IS NULL, NULL, toString(`sdk_version`)), 'Nullable(String)') AS declared_2
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
      AND `timestamp` >= toDateTime64({day:Date}, 3, 'UTC')
      AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
      AND `value` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
  )
  GROUP BY environment, event_, feature, identity, rollup_entry
)
GROUP BY environment, event_, feature, identity;

ALTER TABLE `events`
DELETE WHERE ifNull(toString(`identifier`), '') IN {identities:Array(String)}
SETTINGS mutations_sync = 2;

ALTER TABLE `exposures_by_identity`
DELETE WHERE identity IN {identities:Array(String)}
SETTINGS mutations_sync = 2;

DROP VIEW IF EXISTS `exposures_by_identity_view` SYNC;

DROP TABLE IF EXISTS `exposures_by_identity` SYNC;
