INSERT INTO `exposures_by_identity` (environment, event, feature, identity, first_exposures, least_instant, last_exposed)
SETTINGS insert_deduplicate = 0, optimize_aggregation_in_order = 1, limit = 0, offset = 0, additional_result_filter = '', read_overflow_mode = 'throw', read_overflow_mode_leaf = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw', group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw', set_overflow_mode = 'throw', join_overflow_mode = 'throw', distinct_overflow_mode = 'throw', transfer_overflow_mode = 'throw', join_default_strictness = 'ALL', enable_global_with_statement = 1, empty_result_for_aggregation_by_empty_set = 0
SELECT
  environment, event, feature, identity,
  CAST(minMap(map(CAST(variant, 'String'), first_exposure)), 'Map(String, DateTime64(9, \'UTC\'))') AS first_exposures,
  min(first_exposure) AS least_instant,
  max(day) AS last_exposed
FROM `old`.`by_day`
GROUP BY environment, event, feature, identity;
