WITH
  exposures_rolled_up AS (
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
      `value_of_plan` AS filtered_1
    WHERE exposed_at >= toDateTime64(fromUnixTimestamp64Milli({start_ms:Int64}), 9, 'UTC')
      AND exposed_at < toDateTime64(fromUnixTimestamp64Milli({as_of_ms:Int64}), 9, 'UTC')
      AND filtered_1 = toString({filter_1_equals:String})
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
  identity_states AS (
    SELECT
      min(toInt128(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC'))) * 4294967296 + transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS first_nano_and_rank,
      if(max(is_alone), count(), 1) AS identities_together
    FROM exposures_rolled_up
    WHERE transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY if(is_alone, toUInt128(toUInt64(transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) * 4294967296 + toUnixTimestamp(toStartOfDay(toDateTime(exposed_at, 'UTC'), {time_zone:String}))), bitOr(reinterpretAsUInt128(identity), bitShiftLeft(toUInt128(1), 127)))
  ),
  crossing AS (
    SELECT crossing_identity, toUInt32(toUInt32(first_nano_and_rank % 4294967296)) AS crossing_rank
    FROM (
      SELECT
        reinterpretAsUInt128(identity) AS crossing_identity,
        groupBitOr(bitXor(transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS crossing_bits,
        min(toInt128(toUnixTimestamp64Nano(toDateTime64(exposed_at, 9, 'UTC'))) * 4294967296 + transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS first_nano_and_rank
      FROM exposures_rolled_up
      WHERE transform(variant_key, first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
        AND NOT is_alone
      GROUP BY reinterpretAsUInt128(identity)
    )
    WHERE NOT (bitAnd(crossing_bits, bitShiftRight(crossing_bits, 32)) = 0)
  ),
  identity_exposures AS (
    SELECT reinterpretAsUInt128(murmurHash3_128(assumeNotNull(toString(`identifier`)))) AS crosser, toUInt32(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS own_rank, toInt64(count()) AS events_counted
    FROM `events`
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND `plan` = {filter_1_equals:String}
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
      AND reinterpretAsUInt128(murmurHash3_128(assumeNotNull(toString(`identifier`)))) GLOBAL IN (SELECT crossing_identity FROM crossing)
    GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(toString(`identifier`)))), transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)
  )
SELECT entry, variant, events, identities, lateness_seconds
FROM (
  SELECT
    event_disposition AS entry,
    CAST(event_variant, 'Nullable(String)') AS variant,
    events_counted AS events,
    toUInt64(0) AS identities,
    CAST([], 'Array(Int64)') AS lateness_seconds
  FROM (
    SELECT event_disposition, event_variant, count() AS events_counted
    FROM (
      SELECT
        multiIf(
          ifNull(NOT (`timestamp` IS NOT NULL), 1), 'no-timestamp',
          ifNull(NOT (`timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})), 1), 'before-window',
          ifNull(NOT (`timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})), 1), 'after-window',
          ifNull(NOT (`plan` = {filter_1_equals:String}), 1), 'filtered',
          ifNull(NOT (`value` IS NOT NULL), 1), 'no-variant',
          ifNull(NOT (toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')), 1), 'no-identity',
          'exposure'
        ) AS event_disposition,
        if(`value` IS NOT NULL, toString(`value`), NULL) AS event_variant
      FROM `events`
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
    )
    GROUP BY event_disposition, event_variant
  )
  UNION ALL
  SELECT
    if(counted_rank = 0, 'quarantined', 'counted') AS entry,
    if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
    greatest(toUInt64(greatest(sum(events_counted), 0)), sum(identities_counted)) AS events,
    sum(identities_counted) AS identities,
    CAST([], 'Array(Int64)') AS lateness_seconds
  FROM (
    SELECT
      toUInt32(toUInt32(first_nano_and_rank % 4294967296)) AS counted_rank,
      toInt64(0) AS events_counted,
      sum(identities_together) AS identities_counted
    FROM identity_states
    GROUP BY counted_rank
    UNION ALL
    SELECT toUInt32(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS own_rank, toInt64(count()), toUInt64(0)
    FROM `events`
    WHERE `environment_key` = {environment_key:String}
      AND `event` = {event_name:String}
      AND `feature_name` = {feature_name:String}
      AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
      AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
      AND `value` IS NOT NULL
      AND `plan` = {filter_1_equals:String}
      AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
    GROUP BY transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)
    UNION ALL
    SELECT moved.1, moved.2, toUInt64(0)
    FROM (
      SELECT arrayJoin(arrayPushBack(
        groupArray((own_rank, -events_counted)),
        (max(crossing_rank), sum(events_counted))
      )) AS moved
      FROM (
        SELECT crosser, own_rank, toUInt32(0) AS crossing_rank, events_counted
        FROM identity_exposures
        UNION ALL
        SELECT crossing_identity, toUInt32(0), crossing_rank, toInt64(0)
        FROM crossing
      )
      GROUP BY crosser
    )
  )
  GROUP BY counted_rank
  UNION ALL
  SELECT
    arrived.1 AS entry,
    CAST(NULL, 'Nullable(String)') AS variant,
    arrived.2 AS events,
    toUInt64(0) AS identities,
    arrived.3 AS lateness_seconds
  FROM (
    SELECT arrayJoin([
      ('arrived', events_counted, seconds_late),
      ('arrived-late', events_late, CAST([], 'Array(Int64)'))
    ]) AS arrived
    FROM (
      SELECT
        count() AS events_counted,
        countIf(toStartOfDay(toDateTime(greatest(86400, least(4294000000, intDiv(toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`collected_at`), 3, 'UTC')) - {lateness_ms:Int64}, 1000))), 'UTC'), {time_zone:String}) > toStartOfDay(toDateTime(greatest(86400, least(4294000000, intDiv(toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`timestamp`), 3, 'UTC')), 1000))), 'UTC'), {time_zone:String})) AS events_late,
        quantilesExactWeighted(0.5, 0.9, 0.99, 1)(toInt64(floor((toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`collected_at`), 3, 'UTC')) - toUnixTimestamp64Milli(toDateTime64(assumeNotNull(`timestamp`), 3, 'UTC'))) / 1000)), 1) AS seconds_late
      FROM `events`
      WHERE isNull((
        SELECT
          throwIf(position(toTypeName(any(`collected_at`)), 'DateTime') = 0, concat('first-exposure: column arrival has type <', toTypeName(any(`collected_at`)), '>')) = 0
        FROM `events`
        WHERE 0
      )) < 2
        AND `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND `plan` = {filter_1_equals:String}
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND `collected_at` IS NOT NULL
    )
  )
)
LIMIT {row_limit:UInt64}
SETTINGS use_query_cache = 0, force_index_by_date = 0, force_primary_key = 0, max_subquery_depth = 100, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
