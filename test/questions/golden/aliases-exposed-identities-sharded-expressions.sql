WITH
  if(
    isNull((
      SELECT
        throwIf(position(toTypeName(any(`timestamp`)), 'DateTime') = 0, concat('first-exposure: column timestamp has type <', toTypeName(any(`timestamp`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`identifier`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column identity has type <', toTypeName(any(`identifier`)), '>')) = 0
        AND throwIf(match(toTypeName(any(`value`)), '^(Dynamic|Variant|JSON|Object)'), concat('first-exposure: column variant has type <', toTypeName(any(`value`)), '>')) = 0
      FROM cluster({who_cluster:String}, `analytics`.`exposures`)
      WHERE 0
    )) < 2,
    (
      SELECT arraySort(groupUniqArray(toString(`value`)))
      FROM cluster({who_cluster:String}, `analytics`.`exposures`)
      WHERE `environment_key` = {who_environment_key:String}
        AND `event` = {who_event_name:String}
        AND `feature_name` = {who_feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({who_start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({who_as_of_ms:Int64})
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
        if(accurateCastOrNull(alias_from_text, toTypeName(identity_sample)) IS NULL, toString(assumeNotNull(alias_from_text)), toString(assumeNotNull(accurateCastOrNull(alias_from_text, toTypeName(identity_sample))))) AS alias_from,
        if(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)) IS NULL, toString(assumeNotNull(alias_to_text)), toString(assumeNotNull(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))))) AS alias_target,
        if(accurateCastOrNull(alias_to_text, toTypeName(identity_sample)) IS NULL, cityHash64('partition', assumeNotNull(alias_to_text)), cityHash64('partition', assumeNotNull(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))))) AS alias_target_partition
      FROM (
        SELECT
          assumeNotNull(toString((lower({who_alias_from_value_1:String})))) AS alias_from_text,
          assumeNotNull(toString((coalesce(person, {who_alias_to_value_1:String})))) AS alias_to_text
        FROM `crm`.`aliases`
        WHERE toString((lower({who_alias_from_value_1:String}))) != if(position(toTypeName((lower({who_alias_from_value_1:String}))), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
          AND toString((coalesce(person, {who_alias_to_value_1:String}))) != if(position(toTypeName((coalesce(person, {who_alias_to_value_1:String}))), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
      ) AS alias_rows
      CROSS JOIN (SELECT any(assumeNotNull(`identifier`)) AS identity_sample FROM cluster({who_cluster:String}, `analytics`.`exposures`) WHERE 0) AS identity_type
      WHERE ifNull(toString(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))) != if(position(toTypeName(accurateCastOrNull(alias_to_text, toTypeName(identity_sample))), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', ''), 1)
    )
    WHERE alias_from != alias_target
    GROUP BY alias_from
  ),
  identities AS (
    SELECT
      min(identifier_state_1) AS first_nano_and_rank,
      CAST(if(ifNull(alias_applied, 0), assumeNotNull(alias_to), toString(identifier_)), toTypeName(identifier_)) AS exposed_identity,
      min(identifier_state_3) AS kept_dimension_1
    FROM (
      SELECT
        assumeNotNull(`identifier`) AS identifier_,
        min(toInt128(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC'))) * 4294967296 + transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0)) AS identifier_state_1,
        min(concat(reverse(reinterpretAsString(toUnixTimestamp64Nano(toDateTime64(`timestamp`, 9, 'UTC')) + 4611686018427387904)), ifNull(concat('0', if(`country` IS NULL, NULL, toString(`country`))), '1'))) AS identifier_state_3
      FROM cluster({who_cluster:String}, `analytics`.`exposures`)
      WHERE `environment_key` = {who_environment_key:String}
        AND `event` = {who_event_name:String}
        AND `feature_name` = {who_feature_name:String}
        AND `timestamp` >= fromUnixTimestamp64Milli({who_start_ms:Int64})
        AND `timestamp` < fromUnixTimestamp64Milli({who_as_of_ms:Int64})
        AND `value` IS NOT NULL
        AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
        AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
      GROUP BY assumeNotNull(`identifier`)
    ) AS identifiers
    ANY LEFT JOIN identity_aliases ON toString(identifier_) = alias_from
    GROUP BY CAST(if(ifNull(alias_applied, 0), assumeNotNull(alias_to), toString(identifier_)), toTypeName(identifier_))
  )
SELECT
  exposed_identity AS identity,
  if(toUInt32(first_nano_and_rank % 4294967296) = 0, NULL, first_exposures_variant_keys[toUInt32(first_nano_and_rank % 4294967296)]) AS variant,
  fromUnixTimestamp64Nano(toInt64(intDiv(first_nano_and_rank, 4294967296)), 'UTC') AS first_exposure,
  toUInt32(first_nano_and_rank % 4294967296) = 0 AS quarantined,
  first_exposures_variant_keys[toUInt32(first_nano_and_rank % 4294967296)] AS first_variant,
  if(substring(kept_dimension_1, 9) = '1', NULL, substring(substring(kept_dimension_1, 9), 2)) AS `country`
FROM identities
SETTINGS skip_unavailable_shards = 0, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
