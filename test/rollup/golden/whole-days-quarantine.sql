WITH
  exposures AS (
    SELECT
      identity_hash AS identity,
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
      toUnixTimestamp(exposed_at) AS exposed_second
    FROM exposures
    WHERE variant_rank > 0
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
