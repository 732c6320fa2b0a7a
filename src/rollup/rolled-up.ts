import {
  exposureSource,
  type ExposureSource,
  type ExposureSourceInput,
  type RollupTableInput,
} from '../experiment/exposure-source.js'
import { invalidSpec } from '../errors.js'

/**
 * The same source, read through its rollup. Whole UTC days inside a window are read from the rollup. The window's
 * partial first and last day are read from the events.
 *
 * Pass it as `source` to `exposureSpec`; everything else stays as it is. The answers equal those of the source itself,
 * for every window, time zone and policy and for both identity keys, after the backfill and as long as the events stay
 * (see `rollupAudit`). A window without a whole UTC day reads only the events. If the events of the window's first day
 * may have expired, start the window at 00:00 UTC: then no event of that day is read.
 *
 * If the source is on a cluster, the rollup is the table of that name on every shard, and you must name its database.
 * Each shard rolls up its own events, so the rollup is sharded as the events are: `shardedByIdentity` stays as it is.
 *
 * A rollup keeps keys as text. If the environment or the feature is a column of numbers or UUIDs, write its key as
 * ClickHouse prints it.
 *
 * @param source - a table and its columns, as for `exposureSpec`
 * @param rollup - the rollup's table, as for `rollupSchema`; `{ database, table, eventName }` if it is in another
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
 * `docs/statements.md` shows the statement that reads the events and the rollup.
 */
export function rolledUp(source: ExposureSourceInput, rollup: RollupTableInput): ExposureSource {
  if (rollup === undefined) throw invalidSpec('rollup', rollup, "Pass the rollup's table.")
  // If the source already has a rollup, this one replaces it.
  return exposureSource({ ...exposureSource(source), rollup })
}
