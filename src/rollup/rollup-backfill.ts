import { onDay } from './on-day.js'
import type { RollupSchema } from './rollup-schema.js'
import type { RollupStatement } from './rollup-statement.js'

/**
 * Which statements bring these days' events into the rollup?
 *
 * One statement a day, in the order given. Each is idempotent, so that a day may be run again, and a backfill that was
 * interrupted goes on with the day it stopped at; each may run while events arrive, because the view brings in what
 * the statement no longer sees. On a cluster, run each on one replica of every shard.
 *
 * @param schema - made by `rollupSchema`
 * @param days - UTC days as `YYYY-MM-DD`, from 1970-01-02 to 2105-12-31; `schema.days` lists those that have events
 * @returns frozen statements, to pass to `client.command` one after another
 * @throws {@link ExposureError} `invalid-instant` for what is no such day
 *
 * @example
 * ```ts
 * import { flagsmithEvents } from 'first-exposure'
 * import { rollupBackfill, rollupSchema } from 'first-exposure/rollup'
 *
 * const schema = rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_day' })
 * const statements = rollupBackfill(schema, ['2026-06-01', '2026-06-02'])
 * statements.map(({ query_params }) => query_params)
 * // => [
 * //   { event_name: '$flag_exposure', day: '2026-06-01' },
 * //   { event_name: '$flag_exposure', day: '2026-06-02' },
 * // ]
 * ```
 */
export function rollupBackfill(schema: RollupSchema, days: readonly string[]): readonly RollupStatement[] {
  return Object.freeze(days.map((day) => onDay(schema.backfill, day)))
}
