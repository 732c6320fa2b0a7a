WITH
  exposures AS (
    SELECT
      assumeNotNull(toString(`identifier`)) AS identity,
      assumeNotNull(toString(`value`)) AS variant_key,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
    FROM `events`
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND (`timestamp` < toDateTime64({rollup_start:Date}, 3, 'UTC') OR `timestamp` >= toDateTime64({rollup_end:Date}, 3, 'UTC'))
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
    UNION ALL
    SELECT
      identity AS identity,
      variant AS variant_key,
      first_exposure AS exposed_at
    FROM `exposures_by_day`
    WHERE environment = {environment_key:String}
      AND event = {event_name:String}
      AND feature = {feature_name:String}
      AND day >= {rollup_start:Date}
      AND day < {rollup_end:Date}
  ),
  (SELECT arraySort(groupUniqArray(variant_key)) FROM exposures) AS variant_keys,
  ranked AS (
    SELECT
      identity AS identity_key,
      transform(variant_key, variant_keys, arrayEnumerate(variant_keys), 0) AS variant_rank,
      toInt128(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC'))) * 4294967296 + variant_rank AS exposed_nano_and_rank
    FROM exposures
    WHERE variant_rank > 0
  ),
  identities AS (
    SELECT
      0 AS in_many,
      toUInt32(min(exposed_nano_and_rank) % 4294967296) AS counted_rank,
      toUInt32(intDiv(min(exposed_nano_and_rank), 4294967296000000000)) AS first_second
    FROM ranked
    GROUP BY identity_key
  ),
  buckets AS (
    SELECT
      in_many,
      counted_rank,
      toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
      count() AS identities_counted
    FROM identities
    GROUP BY in_many, counted_rank, local_bucket
  )
SELECT
  in_many AS quarantined,
  if(in_many, NULL, variant_keys[counted_rank]) AS variant,
  toDateTime(local_bucket, 'UTC') AS bucket,
  identities_counted AS new_identities
FROM buckets
ORDER BY local_bucket, in_many, counted_rank
LIMIT {row_limit:UInt64}
