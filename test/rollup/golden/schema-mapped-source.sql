CREATE TABLE IF NOT EXISTS `rollups`.`a\`b`
(
  feature LowCardinality(String),
  identity String,
  identity_hash FixedString(16) MATERIALIZED murmurHash3_128(identity),
  first_exposures SimpleAggregateFunction(minMap, Map(String, DateTime64(9, 'UTC'))),
  least_instant SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
  variants Array(String) ALIAS mapKeys(first_exposures),
  instants Array(DateTime64(9, 'UTC')) ALIAS mapValues(first_exposures),
  INDEX range_of_least_instants least_instant TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (feature, identity)
SETTINGS min_age_to_force_merge_seconds = 3600
COMMENT 'first-exposure rollup 2: the first exposure of each identity to each variant';

CREATE MATERIALIZED VIEW IF NOT EXISTS `rollups`.`a\`b_view`
TO `rollups`.`a\`b`
AS SELECT
  feature,
  identity_ AS identity,
  map(variant_, exposed_at) AS first_exposures,
  exposed_at AS least_instant
FROM
(
  SELECT
    assumeNotNull(toString(`day`)) AS feature,
    assumeNotNull(toString(`variant`)) AS identity_,
    assumeNotNull(toString(`identity`)) AS variant_,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
  FROM `analytics`.`exposures`
  WHERE `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND `identity` IS NOT NULL
    AND toString(`variant`) != if(position(toTypeName(`variant`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
SETTINGS limit = 0, offset = 0, additional_result_filter = '', bool_true_representation = 'true', bool_false_representation = 'false';

SELECT DISTINCT toString(toDate(exposed_at, 'UTC')) AS day
FROM
(
  SELECT
    assumeNotNull(toString(`day`)) AS feature,
    assumeNotNull(toString(`variant`)) AS identity_,
    assumeNotNull(toString(`identity`)) AS variant_,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
  FROM `analytics`.`exposures`
  WHERE isNull((
    SELECT
      throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
      AND throwIf(match(toTypeName(any(`variant`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`variant`)), '>')) = 0
      AND throwIf(match(toTypeName(any(`identity`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`identity`)), '>')) = 0
    FROM `analytics`.`exposures`
    WHERE 0
  )) < 2
    AND `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND `identity` IS NOT NULL
    AND toString(`variant`) != if(position(toTypeName(`variant`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
ORDER BY day
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0;

INSERT INTO `rollups`.`a\`b` (feature, identity, first_exposures, least_instant)
SETTINGS insert_deduplicate = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
SELECT
  feature,
  identity_ AS identity,
  CAST(groupArray((rollup_entry, least)), 'Map(String, DateTime64(9, \'UTC\'))') AS first_exposures,
  min(least) AS least_instant
FROM
(
  SELECT
    feature, identity_,
    variant_ AS rollup_entry,
    min(exposed_at) AS least,
    max(exposed_at) AS greatest_instant
  FROM
  (
    SELECT
      assumeNotNull(toString(`day`)) AS feature,
      assumeNotNull(toString(`variant`)) AS identity_,
      assumeNotNull(toString(`identity`)) AS variant_,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
    FROM `analytics`.`exposures`
    WHERE isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`variant`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`variant`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identity`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`identity`)), '>')) = 0
      FROM `analytics`.`exposures`
      WHERE 0
    )) < 2
      AND `timestamp` >= toDateTime64({day:Date}, 3, 'UTC')
      AND `timestamp` < toDateTime64({day:Date} + 1, 3, 'UTC')
      AND `identity` IS NOT NULL
      AND toString(`variant`) != if(position(toTypeName(`variant`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
  )
  GROUP BY feature, identity_, rollup_entry
)
GROUP BY feature, identity_;

ALTER TABLE `rollups`.`a\`b`
UPDATE first_exposures = mapFilter((entry, instant) -> NOT (instant >= toDateTime64({day:Date}, 9, 'UTC') AND instant < toDateTime64({day:Date} + 1, 9, 'UTC')), first_exposures), least_instant = arrayMin(mapValues(mapFilter((entry, instant) -> NOT (instant >= toDateTime64({day:Date}, 9, 'UTC') AND instant < toDateTime64({day:Date} + 1, 9, 'UTC')), first_exposures)))
WHERE feature = {feature_name:String},
DELETE WHERE feature = {feature_name:String}
  AND empty(first_exposures)
SETTINGS mutations_sync = 2;

INSERT INTO `rollups`.`a\`b` (feature, identity, first_exposures, least_instant)
SETTINGS insert_deduplicate = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
SELECT
  feature,
  identity_ AS identity,
  CAST(groupArray((rollup_entry, least)), 'Map(String, DateTime64(9, \'UTC\'))') AS first_exposures,
  min(least) AS least_instant
FROM
(
  SELECT
    feature, identity_,
    variant_ AS rollup_entry,
    min(exposed_at) AS least,
    max(exposed_at) AS greatest_instant
  FROM
  (
    SELECT
      assumeNotNull(toString(`day`)) AS feature,
      assumeNotNull(toString(`variant`)) AS identity_,
      assumeNotNull(toString(`identity`)) AS variant_,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
    FROM `analytics`.`exposures`
    WHERE isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`variant`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`variant`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identity`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`identity`)), '>')) = 0
      FROM `analytics`.`exposures`
      WHERE 0
    )) < 2
      AND `day` = {feature_name:String}
      AND `timestamp` >= toDateTime64({day:Date}, 3, 'UTC')
      AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
      AND `identity` IS NOT NULL
      AND toString(`variant`) != if(position(toTypeName(`variant`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
  )
  GROUP BY feature, identity_, rollup_entry
)
GROUP BY feature, identity_;

ALTER TABLE `analytics`.`exposures`
DELETE WHERE ifNull(toString(`variant`), '') IN {identities:Array(String)}
SETTINGS mutations_sync = 2;

ALTER TABLE `rollups`.`a\`b`
DELETE WHERE identity IN {identities:Array(String)}
SETTINGS mutations_sync = 2;

DROP VIEW IF EXISTS `rollups`.`a\`b_view` SYNC;

DROP TABLE IF EXISTS `rollups`.`a\`b` SYNC;
