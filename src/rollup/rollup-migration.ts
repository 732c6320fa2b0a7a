import { invalidSpec } from '../errors.js'
import { rolledUp } from './rolled-up.js'
import { rollupNames } from '../scan/rolled-up-exposures.js'
import { settings } from '../scan/guards.js'
import { tableName } from '../sql/identifiers.js'
import { joined, lines, sql, text } from '../sql/sql.js'
import { rendered } from '../sql/statement.js'
import { checkedSchema, keyColumns, rollupSchema, type RollupSchemaInput } from './rollup-schema.js'
import type { RollupStatement } from './rollup-statement.js'

/**
 * The statements that replace a rollup of version 0.1, which has a row for each UTC day, by a rollup of this version.
 *
 * Give the new rollup a name of its own. Run the statements in order: they create the new table and its view, which from
 * then on sees every insert, and add what the old rollup holds. No event is read, so first exposures whose events have
 * expired are kept. Then read through the new rollup, and drop the old view and the old table, which is called
 * `<old>_view` and `<old>`. The old rollup and questions on it stay as they are until then, but only version 0.1 of this
 * package can read it.
 *
 * Each statement is idempotent. Inserts that run while the new view is created are in the old rollup, because its view
 * sees them too: so keep the old view until the statements have ended. The last one reads the old rollup in the order of
 * its key, with little memory.
 *
 * @param input - as for `rollupSchema`, for the new rollup; without declared columns, whose values the old rollup does
 *   not have
 * @param old - the table of the old rollup
 * @returns frozen statements, to pass to `client.command` one after another; on a cluster, the last one is to be run on
 *   one replica of every shard
 * @throws {@link ExposureError} `invalid-spec`, naming the field
 *
 * @example
 * ```ts
 * import { flagsmithEvents } from 'first-exposure'
 * import { rollupMigration } from 'first-exposure/rollup'
 *
 * const statements = rollupMigration(
 *   { source: flagsmithEvents(), rollup: 'exposures_by_identity' },
 *   'exposures_by_day',
 * )
 * statements.map(({ query }) => query.split('\n')[0])
 * // => [
 * //   'CREATE TABLE IF NOT EXISTS `exposures_by_identity`',
 * //   'CREATE MATERIALIZED VIEW IF NOT EXISTS `exposures_by_identity_view`',
 * //   'INSERT INTO `exposures_by_identity` (environment, event, feature, identity, first_exposures, least_instant)',
 * // ]
 * ```
 */
export function rollupMigration(
  input: RollupSchemaInput,
  old: string | { readonly database?: string | null; readonly table: string },
): readonly RollupStatement[] {
  const { source, rollup, ttlDays } = checkedSchema(input)
  if (old === undefined) throw invalidSpec('old', old, 'Pass the table of the old rollup.')
  const { rollup: from } = rolledUp(source, old)
  if (from?.table === rollup.table && from.database === rollup.database) {
    throw invalidSpec('old', old, 'Give the new rollup a name of its own.')
  }
  if (rollup.columns.length > 0) {
    throw invalidSpec(
      'columns',
      rollup.columns,
      'Leave them out, or create the rollup with rollupSchema and fill it from the events.',
      'A rollup of version 0.1 does not hold the values of columns.',
    )
  }
  const key = joined(
    keyColumns(source.columns).map((name) => rollupNames[name]),
    ', ',
  )
  const last = ttlDays === undefined ? [] : [rollupNames.lastExposed]
  const filled = joined([key, rollupNames.firstExposures, rollupNames.leastInstant, ...last], ', ')
  return Object.freeze([
    ...rollupSchema(input).create,
    Object.freeze(
      rendered(sql`
        INSERT INTO ${tableName(rollup)} (${filled})
        ${settings('insert_deduplicate = 0', 'optimize_aggregation_in_order = 1')}
        SELECT
          ${lines(
            key,
            sql`CAST(minMap(map(CAST(variant, 'String'), first_exposure)), ${text("'Map(String, DateTime64(9, \\'UTC\\'))'")}) AS ${rollupNames.firstExposures}`,
            sql`min(first_exposure) AS ${rollupNames.leastInstant}`,
            ...last.map((name) => sql`max(day) AS ${name}`),
          )}
        FROM ${tableName(from ?? rollup)}
        GROUP BY ${key}
      `),
    ),
  ])
}
