CREATE TABLE IF NOT EXISTS `rollups`.`a\`b`
(
  feature LowCardinality(String),
  identity String,
  day Date,
  variant LowCardinality(String),
  identity_hash FixedString(16) MATERIALIZED murmurHash3_128(identity),
  first_exposure SimpleAggregateFunction(min, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (feature, identity, day, variant)
COMMENT 'The least instant of each identity in each variant, by UTC day';

CREATE MATERIALIZED VIEW IF NOT EXISTS `rollups`.`a\`b_view`
TO `rollups`.`a\`b`
AS SELECT
  feature,
  identity_ AS identity,
  day_ AS day,
  variant_ AS variant,
  min(exposed_at) AS first_exposure
FROM
(
  SELECT
    assumeNotNull(toString(`day`)) AS feature,
    toDate(`timestamp`, 'UTC') AS day_,
    assumeNotNull(toString(`variant`)) AS identity_,
    assumeNotNull(toString(`identity`)) AS variant_,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
  FROM `analytics`.`exposures`
  WHERE `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND `identity` IS NOT NULL
    AND toString(`variant`) != if(position(toTypeName(`variant`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
GROUP BY feature, identity_, day_, variant_;

SELECT DISTINCT toString(day_) AS day
FROM
(
  SELECT
    assumeNotNull(toString(`day`)) AS feature,
    toDate(`timestamp`, 'UTC') AS day_,
    assumeNotNull(toString(`variant`)) AS identity_,
    assumeNotNull(toString(`identity`)) AS variant_,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
  FROM `analytics`.`exposures`
  WHERE `timestamp` >= toDateTime64('1970-01-02 00:00:00', 3, 'UTC')
    AND `timestamp` < toDateTime64('2106-01-01 00:00:00', 3, 'UTC')
    AND `identity` IS NOT NULL
    AND toString(`variant`) != if(position(toTypeName(`variant`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
ORDER BY day;

INSERT INTO `rollups`.`a\`b` (feature, identity, day, variant, first_exposure)
SETTINGS insert_deduplicate = 0
SELECT
  feature,
  identity_ AS identity,
  day_ AS day,
  variant_ AS variant,
  min(exposed_at) AS first_exposure
FROM
(
  SELECT
    assumeNotNull(toString(`day`)) AS feature,
    toDate(`timestamp`, 'UTC') AS day_,
    assumeNotNull(toString(`variant`)) AS identity_,
    assumeNotNull(toString(`identity`)) AS variant_,
    toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
  FROM `analytics`.`exposures`
  WHERE `timestamp` >= toDateTime64({day:Date}, 3, 'UTC')
    AND `timestamp` < toDateTime64({day:Date} + 1, 3, 'UTC')
    AND `identity` IS NOT NULL
    AND toString(`variant`) != if(position(toTypeName(`variant`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
)
GROUP BY feature, identity_, day_, variant_;

ALTER TABLE `rollups`.`a\`b`
DELETE WHERE day = {day:Date}
SETTINGS mutations_sync = 2;

DROP VIEW IF EXISTS `rollups`.`a\`b_view` SYNC;

DROP TABLE IF EXISTS `rollups`.`a\`b` SYNC;
