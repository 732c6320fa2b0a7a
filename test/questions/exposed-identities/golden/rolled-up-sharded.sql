SELECT
  exposed_identity AS identity,
  if(toUInt8(hashes_and != hashes_or), NULL, substring(first_nano_and_key, 9)) AS variant,
  fromUnixTimestamp64Nano(toInt64(reinterpretAsInt64(reverse(substring(first_nano_and_key, 1, 8))) - 4611686018427387904), 'UTC') AS first_exposure,
  toUInt8(hashes_and != hashes_or) AS quarantined,
  substring(first_nano_and_key, 9) AS first_variant
FROM cluster({cluster:String}, view(
  SELECT *
  FROM (
    SELECT
      identity AS exposed_identity,
      groupBitAnd(cityHash64(assumeNotNull(variant_key))) AS hashes_and,
      groupBitOr(cityHash64(assumeNotNull(variant_key))) AS hashes_or,
      min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC')) + 4611686018427387904)), assumeNotNull(variant_key))) AS first_nano_and_key
    FROM (
      SELECT
        identity,
        variant_key,
        exposed_at
      FROM
      (
        SELECT
          identity AS identity,
          variants,
          instants
        FROM `rollups`.`exposures_by_identity`
        WHERE NOT ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}))
          AND environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
      )
      ARRAY JOIN
        variants AS variant_key,
        instants AS exposed_at
      WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
        AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({as_of_ms:Int64}), 9, 'UTC')
      UNION ALL
      SELECT
        assumeNotNull(toString(`identifier`)) AS identity,
        assumeNotNull(toString(`value`)) AS variant_key,
        toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
      FROM `analytics`.`exposures`
      WHERE (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) > 0
        AND `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND (
        ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}))
        OR murmurHash3_128(assumeNotNull(toString(`identifier`))) IN (
          SELECT identity_hash
          FROM `rollups`.`exposures_by_identity`
          WHERE NOT ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
            AND event = {event_name:String}
            AND feature = {feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
            AND event = {event_name:String}
            AND feature = {feature_name:String}))
            AND environment = {environment_key:String}
            AND event = {event_name:String}
            AND feature = {feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
        )
      )
    )
    GROUP BY identity
  ) AS states
  CROSS JOIN (
    SELECT max(in_many) AS hashes_shared
    FROM (
      SELECT toUInt8(0) AS in_many, cityHash64(key_scanned) AS variant_hash, any(key_scanned) AS variant_name
      FROM (
        SELECT assumeNotNull(variant_key) AS key_scanned
        FROM (
          SELECT
            identity,
            variant_key,
            exposed_at
          FROM
          (
            SELECT
              identity AS identity,
              variants,
              instants
            FROM `rollups`.`exposures_by_identity`
            WHERE NOT ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
              AND event = {event_name:String}
              AND feature = {feature_name:String}
              AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
              AND event = {event_name:String}
              AND feature = {feature_name:String}))
              AND environment = {environment_key:String}
              AND event = {event_name:String}
              AND feature = {feature_name:String}
          )
          ARRAY JOIN
            variants AS variant_key,
            instants AS exposed_at
          WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
            AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({as_of_ms:Int64}), 9, 'UTC')
          UNION ALL
          SELECT
            assumeNotNull(toString(`identifier`)) AS identity,
            assumeNotNull(toString(`value`)) AS variant_key,
            toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
          FROM `analytics`.`exposures`
          WHERE (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
            AND event = {event_name:String}
            AND feature = {feature_name:String}
            AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) > 0
            AND `environment_key` = {environment_key:String}
            AND `event` = {event_name:String}
            AND `feature_name` = {feature_name:String}
            AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
            AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
            AND `value` IS NOT NULL
            AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
            AND (
            ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
              AND event = {event_name:String}
              AND feature = {feature_name:String}
              AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
              AND event = {event_name:String}
              AND feature = {feature_name:String}))
            OR murmurHash3_128(assumeNotNull(toString(`identifier`))) IN (
              SELECT identity_hash
              FROM `rollups`.`exposures_by_identity`
              WHERE NOT ((SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
                AND event = {event_name:String}
                AND feature = {feature_name:String}
                AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM cluster({cluster:String}, `rollups`.`exposures_by_identity`) WHERE environment = {environment_key:String}
                AND event = {event_name:String}
                AND feature = {feature_name:String}))
                AND environment = {environment_key:String}
                AND event = {event_name:String}
                AND feature = {feature_name:String}
                AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
            )
          )
        )
        GROUP BY assumeNotNull(variant_key)
      )
      GROUP BY variant_hash
      HAVING throwIf(count() > 1, 'first-exposure: two variants have the same hash') = 0
    )
  ) AS hashed
  WHERE hashes_shared = 0
))
WHERE isNull((
  SELECT
    throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
    AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
    AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
  FROM cluster({cluster:String}, `analytics`.`exposures`)
  WHERE 0
)) < 2
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
