WITH
  exposures_ AS (
    SELECT
      murmurHash3_128(assumeNotNull(toString(`identity`))) AS identity_,
      assumeNotNull(toString(`first_exposure`)) AS variant_key,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
    FROM `analytics`.`exposures`
    WHERE `day` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `first_exposure` IS NOT NULL
      AND (`timestamp` < toDateTime64({rollup_start:Date}, 3, 'UTC') OR `timestamp` >= toDateTime64({rollup_end:Date}, 3, 'UTC'))
      AND toString(`identity`) != if(position(toTypeName(`identity`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
    UNION ALL
    SELECT
      identity_hash AS identity_,
      variant AS variant_key,
      first_exposure AS exposed_at
    FROM `rollups`.`ranked`
    WHERE feature = {feature_name:String}
      AND day >= {rollup_start:Date}
      AND day < {rollup_end:Date}
  ),
  (SELECT arraySort(groupUniqArray(variant_key)) FROM exposures_) AS variant_keys,
  ranked_ AS (
    SELECT
      identity_ AS identity_key,
      transform(variant_key, variant_keys, arrayEnumerate(variant_keys), 0) AS variant_rank,
      toUnixTimestamp(exposed_at) AS exposed_second
    FROM exposures_
    WHERE variant_rank > 0
  ),
  identities AS (
    SELECT
      groupBitAnd(variant_rank) != groupBitOr(variant_rank) AS in_many,
      if(in_many, 0, groupBitOr(variant_rank)) AS counted_rank,
      min(exposed_second) AS first_second
    FROM ranked_
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
