WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM `events`
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArray(toString(`value`)))
      FROM `events`
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
    ),
    []
  ) AS first_exposures_variant_keys,
  identity_aliases AS (
    SELECT
      alias_from,
      min(alias_target) AS alias_to,
      min(alias_target_partition) AS alias_partition,
      min(alias_target) = max(alias_target) AS alias_applied,
      min(alias_target) != max(alias_target) AS alias_ambiguous
    FROM (
      SELECT
        if(accurateCastOrNull(alias_from_text, toTypeName(identity_sample)) IS NULL, reinterpretAsUInt128(murmurHash3_128(assumeNotNull(alias_from_text))), reinterpretAsUInt128(murmurHash3_128(assumeNotNull(accurateCastOrNull(alias_from_text, toTypeName(identity_sample)))))) AS alias_from,
        if(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)) IS NULL, reinterpretAsUInt128(murmurHash3_128(assumeNotNull(alias_to_text))), reinterpretAsUInt128(murmurHash3_128(assumeNotNull(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)))))) AS alias_target,
        if(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)) IS NULL, cityHash64('partition', assumeNotNull(alias_to_text)), cityHash64('partition', assumeNotNull(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))))) AS alias_target_partition
      FROM (
        SELECT
          assumeNotNull(toString(`anonymous`)) AS alias_from_text,
          assumeNotNull(toString(`person`)) AS alias_to_text
        FROM `aliases`
        WHERE toString(`anonymous`) != if(position(toTypeName(`anonymous`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
          AND toString(`person`) != if(position(toTypeName(`person`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      ) AS alias_rows
      CROSS JOIN (SELECT any(assumeNotNull(`identifier`)) AS identity_sample FROM `events` WHERE 0) AS identity_type
      WHERE ifNull(toString(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))) != if(position(toTypeName(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', ''), 1)
    )
    WHERE alias_from != alias_target
    GROUP BY alias_from
  ),
  identity_states AS (
    SELECT
      groupBitOr(identifier_state_1) AS rank_bits,
      min(identifier_state_2) AS first_second,
      max(identifier_state_3) AS crossed_alone,
      sum(identifier_state_4) AS identity_exposures,
      sum(ifNull(alias_applied, 0)) AS identifiers_joined,
      sum(ifNull(alias_ambiguous, 0)) AS identifiers_ambiguous,
      sum((ifNull(alias_applied, 0) AND alias_to IN (SELECT alias_from FROM identity_aliases WHERE ifNull(alias_applied, 0)))) AS identifiers_chained
    FROM (
      SELECT
        reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))) AS identifier_,
        groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS identifier_state_1,
        min(toUnixTimestamp(`timestamp`)) AS identifier_state_2,
        NOT (bitAnd(groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)), bitShiftRight(groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)), 32)) = 0) AS identifier_state_3,
        count() AS identifier_state_4
      FROM `events`
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
      GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`)))
    ) AS identifiers
    ANY LEFT JOIN identity_aliases ON identifier_ = alias_from
    GROUP BY if(ifNull(alias_applied, 0), assumeNotNull(alias_to), identifier_)
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
    entry_counted.1 AS entry,
    if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
    entry_counted.2 AS events,
    entry_counted.3 AS identities,
    CAST([], 'Array(Int64)') AS lateness_seconds
  FROM (
    SELECT
      if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
      sum(identifiers_joined) AS joined,
      sum(identifiers_ambiguous) AS ambiguous,
      sum(identifiers_chained) AS chained,
      countIf(counted_rank = 0 AND NOT crossed_alone) AS quarantined_by_joining,
      sum(identity_exposures) AS events_counted,
      count() AS identities_counted
    FROM identity_states
    GROUP BY counted_rank
  )
  ARRAY JOIN [
    (if(counted_rank = 0, 'quarantined', 'counted'), events_counted, identities_counted),
    ('joined', toUInt64(0), joined),
    ('ambiguous', toUInt64(0), ambiguous),
    ('chained', toUInt64(0), chained),
    ('quarantined-by-joining', toUInt64(0), quarantined_by_joining)
  ] AS entry_counted
  UNION ALL
  SELECT 'joined', NULL, toUInt64(0), toUInt64(0), CAST([], 'Array(Int64)')
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
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND `collected_at` IS NOT NULL
    )
  )
)
LIMIT {row_limit:UInt64}
SETTINGS use_query_cache = 0, force_index_by_date = 0, force_primary_key = 0, max_subquery_depth = 100, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
