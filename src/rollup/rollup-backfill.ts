import { aList, anObject } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { onDay } from './on-day.js'
import type { RollupSchema } from './rollup-schema.js'
import type { RollupStatement } from './rollup-statement.js'

/**
 * The statements that add the events of these days to the rollup.
 *
 * One statement per day, in the given order. Each is idempotent: you can run a day again, and continue an interrupted
 * backfill with the day where it stopped. Each can run while events arrive, because the view adds the events that the
 * statement does not see. On a cluster, run each on one replica of every shard.
 *
 * @param schema - made by `rollupSchema`
 * @param days - UTC days as `YYYY-MM-DD`, from 1970-01-02 to 2105-12-31; `schema.days` lists those that have events
 * @returns frozen statements, to pass to `client.command` one after another
 * @throws {@link ExposureError} `invalid-instant` for anything but such a day
 *
 * @example
 * ```ts
 * import { flagsmithEvents } from 'first-exposure'
 * import { rollupBackfill, rollupSchema } from 'first-exposure/rollup'
 *
 * const schema = rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_identity' })
 * const statements = rollupBackfill(schema, ['2026-06-01', '2026-06-02'])
 * statements.map(({ query_params }) => query_params)
 * // => [
 * //   { event_name: '$flag_exposure', day: '2026-06-01' },
 * //   { event_name: '$flag_exposure', day: '2026-06-02' },
 * // ]
 * ```
 */
export function rollupBackfill(schema: RollupSchema, days: readonly string[]): readonly RollupStatement[] {
  anObject(schema, 'schema', invalidSpec)
  return Object.freeze(aList(days, 'days', invalidSpec).map((day) => onDay(schema.backfill, day)))
}
