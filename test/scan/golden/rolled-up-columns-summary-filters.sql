WITH
  exposures AS (
    SELECT
      identity,
      variant_key,
      exposed_at,
      is_alone
    FROM
    (
      SELECT
        identity_hash AS identity,
        variants,
        instants,
        `value_of_plan`,
        `value_of_plan`,
        `value_of_plan`,
        `value_of_plan`,
        `value_of_plan`,
        `value_of_country`,
        `value_of_country`,
        `value_of_country`,
        `value_of_sdk_language`,
        _part = (
          SELECT argMax(part, part_rows)
          FROM (
            SELECT toString(_part) AS part, count() AS part_rows
            FROM `exposures_by_identity`
            WHERE environment = {environment_key:String}
              AND event = {event_name:String}
              AND feature = {feature_name:String}
              AND _part_offset % 1024 = 0
            GROUP BY part
          )
          WHERE toUInt64OrZero(splitByChar('_', part)[4]) > 0
        )
        AND length(variants) = 1
        AND reinterpretAsUInt32(identity_hash) NOT IN (
          SELECT reinterpretAsUInt32(identity_hash)
          FROM `exposures_by_identity`
          WHERE environment = {environment_key:String}
            AND event = {event_name:String}
            AND feature = {feature_name:String}
            AND _part != (
            SELECT argMax(part, part_rows)
            FROM (
              SELECT toString(_part) AS part, count() AS part_rows
              FROM `exposures_by_identity`
              WHERE environment = {environment_key:String}
                AND event = {event_name:String}
                AND feature = {feature_name:String}
                AND _part_offset % 1024 = 0
              GROUP BY part
            )
            WHERE toUInt64OrZero(splitByChar('_', part)[4]) > 0
          )
        ) AS is_alone
      FROM `exposures_by_identity`
      WHERE NOT ((SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}))
        AND environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
    )
    ARRAY JOIN
      variants AS variant_key,
      instants AS exposed_at,
      `value_of_plan` AS filtered_1,
      `value_of_plan` AS filtered_2,
      `value_of_plan` AS filtered_3,
      `value_of_plan` AS filtered_4,
      `value_of_plan` AS filtered_5,
      `value_of_country` AS filtered_6,
      `value_of_country` AS filtered_7,
      `value_of_country` AS filtered_8,
      `value_of_sdk_language` AS filtered_9
    WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
      AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({as_of_ms:Int64}), 9, 'UTC')
      AND filtered_1 = toString({filter_1_equals:String})
      AND filtered_2 IN ('true', '1')
      AND filtered_3 IN ('false', '0')
      AND filtered_4 IS NOT NULL AND has(arrayMap(each -> toString(each), {filter_4_in:Array(String)}), assumeNotNull(filtered_4))
      AND filtered_5 IS NOT NULL AND NOT has(arrayMap(each -> toString(each), {filter_5_notin:Array(String)}), assumeNotNull(filtered_5))
      AND filtered_6 LIKE {filter_6_like:String}
      AND filtered_7 NOT LIKE {filter_7_notlike:String}
      AND filtered_8 IS NULL
      AND filtered_9 IS NOT NULL
    UNION ALL
    SELECT
      murmurHash3_128(assumeNotNull(toString(`identifier`))) AS identity,
      assumeNotNull(toString(`value`)) AS variant_key,
      toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at,
      toUInt8(0) AS is_alone
    FROM `events`
    WHERE (SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
      AND event = {event_name:String}
      AND feature = {feature_name:String}
      AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) > 0
      AND `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND `plan` = {filter_1_equals:String}
      AND `plan` = {filter_2_equals:Bool}
      AND `plan` = {filter_3_equals:Bool}
      AND `plan` IN {filter_4_in:Array(String)}
      AND `plan` NOT IN {filter_5_notin:Array(String)} AND `plan` IS NOT NULL
      AND toString(`country`) LIKE {filter_6_like:String}
      AND toString(`country`) NOT LIKE {filter_7_notlike:String}
      AND `country` IS NULL
      AND `sdk_language` IS NOT NULL
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND (
      ((SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
        AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}))
      OR murmurHash3_128(assumeNotNull(toString(`identifier`))) IN (
        SELECT identity_hash
        FROM `exposures_by_identity`
        WHERE NOT ((SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')) * 8 > (SELECT count() FROM `exposures_by_identity` WHERE environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}))
          AND environment = {environment_key:String}
          AND event = {event_name:String}
          AND feature = {feature_name:String}
          AND least_instant < toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
      )
    )
  ),
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
        AND throwIf(position(toTypeName(any(`plan`)), 'DateTime') > 0 AND position(toTypeName(any(`plan`)), '\'') = 0, concat('first-exposure: column filter_1 has type <', toTypeName(any(`plan`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`plan`)), 'Date|Enum'), concat('first-exposure: column filter_2 has type <', toTypeName(any(`plan`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`plan`)), 'Date|Enum'), concat('first-exposure: column filter_3 has type <', toTypeName(any(`plan`)), '>')) = 0
        AND throwIf(position(toTypeName(any(`plan`)), 'DateTime') > 0 AND position(toTypeName(any(`plan`)), '\'') = 0, concat('first-exposure: column filter_4 has type <', toTypeName(any(`plan`)), '>')) = 0
        AND throwIf(position(toTypeName(any(`plan`)), 'DateTime') > 0 AND position(toTypeName(any(`plan`)), '\'') = 0, concat('first-exposure: column filter_5 has type <', toTypeName(any(`plan`)), '>')) = 0
        AND throwIf(position(toTypeName(any(`country`)), 'DateTime') > 0 AND position(toTypeName(any(`country`)), '\'') = 0, concat('first-exposure: column filter_6 has type <', toTypeName(any(`country`)), '>')) = 0
        AND throwIf(position(toTypeName(any(`country`)), 'DateTime') > 0 AND position(toTypeName(any(`country`)), '\'') = 0, concat('first-exposure: column filter_7 has type <', toTypeName(any(`country`)), '>')) = 0
      FROM `events`
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArrayArray(variants))
      FROM `exposures_by_identity`
      WHERE environment = {environment_key:String}
        AND event = {event_name:String}
        AND feature = {feature_name:String}
    ),
    []
  ) AS first_exposures_variant_keys,
  identities AS (
    SELECT
      groupBitOr(bitXor(transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
      min(toUnixTimestamp(exposed_at)) AS first_second,
      if(max(is_alone), count(), 1) AS identities_together
    FROM exposures
    WHERE transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY if(is_alone, toUInt128(toUInt64(transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) * 4294967296 + toUnixTimestamp(toStartOfDay(toDateTime(exposed_at, 'UTC'), {time_zone:String}))), bitOr(reinterpretAsUInt128(identity), bitShiftLeft(toUInt128(1), 127)))
  ),
  buckets AS (
    SELECT
      if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
      toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
      sum(identities_together) AS identities_counted
    FROM identities
    GROUP BY counted_rank, local_bucket
  )
SELECT
  counted_rank = 0 AS quarantined,
  if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
  toDateTime(local_bucket, 'UTC') AS bucket,
  identities_counted AS new_identities
FROM buckets
ORDER BY local_bucket, counted_rank = 0, counted_rank
LIMIT {row_limit:UInt64}
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
