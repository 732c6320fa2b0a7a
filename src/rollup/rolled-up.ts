import {
  exposureSource,
  type ExposureSource,
  type ExposureSourceInput,
  type RollupTableInput,
} from '../experiment/exposure-source.js'
import { invalidSpec } from '../errors.js'

/**
 * The same source, read through its rollup. The first exposures of a window are read from the rollup. Only for the
 * identities that were first exposed before the window starts, the events of the window are read too.
 *
 * Pass it as `source` to `exposureSpec`; everything else stays as it is. The answers equal those of the source itself,
 * for every window, time zone and policy and for both identity keys, after the backfill and as long as the events stay
 * (see `rollupAudit`). A window that starts before the first exposures needs no event at all, so it is also answered
 * after the events have expired. A window that starts later, such as that of an experiment that was started again, reads
 * the events of the identities that were there before.
 *
 * Filters and breakdowns by the columns that the rollup was declared with are answered from it: name these columns. A
 * filter on another column is refused, and a breakdown by another column reads the events.
 *
 * If the source is on a cluster, the rollup is the table of that name on every shard, and you must name its database.
 * Each shard rolls up its own events, so the rollup is sharded as the events are: `shardedByIdentity` stays as it is.
 *
 * A rollup keeps keys as text. If the environment or the feature is a column of numbers or UUIDs, write its key as
 * ClickHouse prints it.
 *
 * @param source - a table and its columns, as for `exposureSpec`
 * @param rollup - the rollup's table, as for `rollupSchema`; `{ database, table, eventName, columns }` if it is in
 *   another database, holds another event than the source's own, or has declared columns. A spec that asks for another
 *   event is refused.
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
 *   source: rolledUp(flagsmithEvents(), { table: 'exposures_by_identity', columns: ['sdk_language'] }),
 *   filters: [{ column: 'sdk_language', equals: 'python' }],
 * })
 * const { query } = firstExposuresQuery(spec, exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z'))
 * query.includes('FROM `exposures_by_identity`') // => true
 * ```
 *
 * `docs/statements.md` shows the statement.
 */
export function rolledUp(source: ExposureSourceInput, rollup: RollupTableInput): ExposureSource {
  if (rollup === undefined) throw invalidSpec('rollup', rollup, "Pass the rollup's table.")
  // If the source already has a rollup, this one replaces it.
  return exposureSource({ ...exposureSource(source), rollup })
}
