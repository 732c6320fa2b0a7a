WITH
  exposures_ AS (
    SELECT
      `identity` AS identity_,
      toString(`variant_key`) AS variant_key_,
      `timestamp` AS exposed_at
    FROM `analytics`.`exposures`
    WHERE `experiment` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `variant_key` IS NOT NULL
  ),
  (SELECT arraySort(groupUniqArray(variant_key_)) FROM exposures_) AS variant_keys,
  ranked AS (
    SELECT
      murmurHash3_128(assumeNotNull(identity_)) AS identity_key,
      transform(variant_key_, variant_keys, arrayEnumerate(variant_keys), 0) AS variant_rank,
      toUnixTimestamp(exposed_at) AS exposed_second
    FROM exposures_
    WHERE toString(identity_) != if(position(toTypeName(identity_), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND variant_rank > 0
  ),
  identities AS (
    SELECT
      groupBitAnd(variant_rank) != groupBitOr(variant_rank) AS in_many,
      if(in_many, 0, groupBitOr(variant_rank)) AS counted_rank,
      min(exposed_second) AS first_second
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
