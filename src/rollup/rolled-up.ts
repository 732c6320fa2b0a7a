import {
  exposureSource,
  type ExposureSource,
  type ExposureSourceInput,
  type RollupTableInput,
} from '../spec/exposure-source.js'
import { invalidSpec } from '../spec/invalid-spec.js'

/**
 * The same source, read through its rollup: whole UTC days inside a window from the rollup, the window's partial first
 * and last day from the events.
 *
 * Pass it as `source` to `exposureSpec`; everything else stays as it is. The answers are the source's own, for every
 * window, time zone and policy, and by both identity keys, once the rollup has been backfilled and for as long as the
 * events stay (see `rollupAudit`). A window without a whole UTC day reads the events alone. Where the events of the
 * window's first day may have expired, let it start at 00:00 UTC: then no event of that day is read.
 *
 * Of a source on a cluster, the rollup is the table of that name on every shard, and its database has to be named. Each
 * shard rolls up its own events, so that what holds of the events' shards holds of the rollup's: `shardedByIdentity`
 * stays as it is.
 *
 * A rollup keeps keys as text: where the environment or the feature is a column of numbers or UUIDs, write its key as
 * ClickHouse prints it.
 *
 * @param source - a table and its columns, as for `exposureSpec`
 * @param rollup - the rollup's table, as for `rollupSchema`; `{ database, table, eventName }` where it is in another
 *   database or holds another event than the source's own. A spec that asks for another event is refused.
 * @returns a frozen source
 * @throws {@link ExposureError} `invalid-spec`, naming the field
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, firstExposuresQuery, flagsmithEvents } from 'first-exposure'
 * import { rolledUp } from 'first-exposure/rollup'
 *
 * const spec = exposureSpec({
 *   environmentKey: 'prod',
 *   featureName: 'checkout',
 *   source: rolledUp(flagsmithEvents(), 'exposures_by_day'),
 * })
 * const { query_params } = firstExposuresQuery(
 *   spec,
 *   exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z'),
 * )
 * query_params.rollup_start // => '2026-06-02'
 * query_params.rollup_end // => '2026-06-15'
 * ```
 *
 * The exposures that the query then counts:
 *
 * ```sql
 *     SELECT
 *       murmurHash3_128(assumeNotNull(toString(`identifier`))) AS identity,
 *       assumeNotNull(toString(`value`)) AS variant_key,
 *       toDateTime64(`timestamp`, 9, 'UTC') AS exposed_at
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *       AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *       AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *       AND `value` IS NOT NULL
 *       AND (`timestamp` < toDateTime64({rollup_start:Date}, 3, 'UTC') OR `timestamp` >= toDateTime64({rollup_end:Date}, 3, 'UTC'))
 *       AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
 *     UNION ALL
 *     SELECT
 *       identity_hash AS identity,
 *       variant AS variant_key,
 *       first_exposure AS exposed_at
 *     FROM `exposures_by_day`
 *     WHERE environment = {environment_key:String}
 *       AND event = {event_name:String}
 *       AND feature = {feature_name:String}
 *       AND day >= {rollup_start:Date}
 *       AND day < {rollup_end:Date}
 * ```
 */
export function rolledUp(source: ExposureSourceInput, rollup: RollupTableInput): ExposureSource {
  if (rollup === undefined) throw invalidSpec('rollup', rollup, "Pass the rollup's table.")
  // A source that has a rollup already gets this one instead.
  return exposureSource({ ...exposureSource(source), rollup })
}
