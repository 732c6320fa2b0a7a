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
  crossing AS (
    SELECT arrayJoin(crossing_identity) AS crossing_identity
    FROM (
      SELECT
        groupArray(identifier_) AS crossing_identity,
        groupBitOr(identifier_state_2) AS rank_bits
      FROM (
        SELECT
          reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))) AS identifier_,
          groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS identifier_state_2
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
    WHERE NOT (bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0)
  ),
  entries AS (
    SELECT
      if(ifNull(alias_applied, 0), assumeNotNull(alias_to), identifier_) AS crossing_identity,
      min(identifier_state_2) AS entry_nano_and_rank
    FROM (
      SELECT
        reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))) AS identifier_,
        min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS identifier_state_2
      FROM `events`
      WHERE `environment_key` = {environment_key:String}
        AND `event` = {event_name:String}
        AND `feature_name` = {feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
        AND reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))) GLOBAL IN (SELECT crossing_identity FROM crossing)
      GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`))), transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)
    ) AS identifiers
    ANY LEFT JOIN identity_aliases ON identifier_ = alias_from
    GROUP BY if(ifNull(alias_applied, 0), assumeNotNull(alias_to), identifier_), toUInt32(identifier_state_2 % 4294967296)
  ),
  crossovers AS (
    SELECT
      arraySort(groupArray(entry_nano_and_rank)) AS in_order,
      toUInt32(in_order[1] % 4294967296) AS first_rank,
      toUInt32(in_order[2] % 4294967296) AS next_rank,
      intDiv(in_order[1], 4294967296) AS first_nano,
      intDiv(in_order[2], 4294967296) AS next_nano,
      toInt64(intDiv(next_nano - first_nano, 1000000)) AS ms_between,
      toStartOfDay(toDateTime(toUInt32(intDiv(next_nano, 1000000000)), 'UTC'), {time_zone:String}) AS local_bucket
    FROM entries
    GROUP BY crossing_identity
    HAVING count() > 1
  )
SELECT
  first_exposures_variant_keys[first_rank] AS first_variant,
  first_exposures_variant_keys[next_rank] AS next_variant,
  count() AS identities,
  quantileExactInclusive(0.5)(ms_between) AS median_ms,
  arrayMap(second -> toDateTime(second, 'UTC'), sumMap([toUnixTimestamp(local_bucket)], [toUInt64(1)]).1) AS buckets,
  sumMap([toUnixTimestamp(local_bucket)], [toUInt64(1)]).2 AS bucket_identities
FROM crossovers
GROUP BY first_rank, next_rank
ORDER BY count() DESC, first_rank, next_rank
LIMIT {row_limit:UInt64}
SETTINGS limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
