import { invalidSpec } from '../errors.js'
import { exposureSpec, type ExposureSpec, type IdentityKey } from '../experiment/exposure-spec.js'
import { experimentIn } from '../scan/exposure-scan.js'
import { isReadable, settings } from '../scan/guards.js'
import { rollupNames, valuesOf } from '../scan/rolled-up-exposures.js'
import { everyShard, tables } from '../scan/shards.js'
import { ownNames } from '../sql/own-names.js'
import { bound, joined, lines, sql, texts, where, type Sql } from '../sql/sql.js'
import { statement } from '../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../time/exposure-window.js'
import { touchedUtcDays, utcDate } from '../time/utc-days.js'
import { auditColumns } from './decode-rollup-audit.js'
import type { RollupStatement } from './rollup-statement.js'
import { sourceExposures } from './source-exposures.js'

/**
 * Does the rollup agree with the events? This is the SQL that answers it for one experiment.
 *
 * It reads the events of every UTC day that the window touches, always whole days, and the rollup of the experiment. It
 * compares the first exposure of each identity to each variant, and for each combination of values if the source's
 * rollup names declared columns. The answer has one row per day of a first exposure. `decodeRollupAudit` reads the rows
 * and says what to run if they differ. The cost is about that of `firstExposuresQuery` on the events.
 *
 * A first exposure before these days is not compared. So audit the days from the start of the experiment, or, to keep
 * the cost low, the days in which something may have gone wrong: an insert that the view missed, or a deletion.
 *
 * If the source is on a cluster, it compares the data of all shards together, and fails if a shard does not answer. Run
 * the statements that correct a day on one server of every shard, because each shard holds the rollup of its own
 * events.
 *
 * Events that arrive while it runs can show as a difference, because the events and the rollup are not read at the same
 * instant. Audit days that no longer change, and audit the current day again before you correct it.
 *
 * @param spec - made by `exposureSpec` with a source made by `rolledUp`; its filters have no effect
 * @param window - made by `exposureWindow`
 * @returns a statement, its bound parameters and the format to ask for, as from `firstExposuresQuery`
 * @throws {@link ExposureError} `invalid-spec` if the source has no rollup; `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, flagsmithEvents } from 'first-exposure'
 * import { rolledUp, rollupAudit } from 'first-exposure/rollup'
 *
 * const source = rolledUp(flagsmithEvents(), 'exposures_by_identity')
 * const { query_params } = rollupAudit(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source }),
 *   exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z'),
 * )
 * query_params.audit_start // => '2026-06-01'
 * query_params.audit_end // => '2026-06-16'
 * ```
 */
export function rollupAudit(
  spec: ExposureSpec,
  window: ExposureWindow,
): RollupStatement & { readonly format: 'JSONEachRow' } {
  const complete = exposureSpec(spec)
  const { identityKey, source, environmentKey, featureName } = complete
  const days = touchedUtcDays(checkedWindow(window))
  const { cluster, rollup } = source
  if (rollup === undefined) {
    throw invalidSpec('source', spec.source, 'It has no rollup to audit. Pass a source made by rolledUp.')
  }
  // Milliseconds for the events, whose instants may be outside of what nanoseconds can count.
  const midnight = (name: string, ms: number, scale: number): Sql =>
    sql`toDateTime64(${bound(name, 'Date', utcDate(ms))}, ${scale}, 'UTC')`
  const start = (scale: number): Sql => midnight('audit_start', days.startMs, scale)
  const end = (scale: number): Sql => midnight('audit_end', days.endMs, scale)
  const { names, values, select } = sourceExposures(
    source,
    (columns) => [
      ...experimentIn(columns, complete),
      sql`${columns.timestamp} >= ${start(3)}`,
      sql`${columns.timestamp} < ${end(3)}`,
    ],
    (columns) => [isReadable(source, columns)],
    cluster,
  )
  const { ofEvents, ofRollup } = identityKeys[identityKey]
  const [exposures, pairs, changes] = ownNames({ source, filters: [], breakdown: null })(
    'exposures',
    'pairs',
    'changes',
  )
  const declared = rollup.columns.map((name, index) => ({
    values: valuesOf(name),
    ofEvents: values[index] ?? names.variant,
    name: sql`declared_value_${index + 1}`,
  }))
  const exposuresStep = sql`
    ${exposures} AS (
      SELECT
        ${lines(
          sql`${ofEvents(names.identity)} AS identity_key`,
          sql`${names.variant} AS variant_key`,
          ...declared.map(({ ofEvents: value, name }) => sql`${value} AS ${name}`),
          sql`${names.exposedAt} AS exposed_first`,
          sql`0 AS rolled_up`,
        )}
      FROM
      (
        ${select}
      )
      UNION ALL
      SELECT
        ${lines(
          sql`${ofRollup} AS identity_key`,
          sql`variant_key`,
          ...declared.map(({ name }) => name),
          sql`exposed_first`,
          sql`1 AS rolled_up`,
        )}
      FROM ${tables(rollup, cluster)}
      ARRAY JOIN
        ${lines(
          sql`${rollupNames.variants} AS variant_key`,
          sql`${rollupNames.instants} AS exposed_first`,
          ...declared.map(({ values, name }) => sql`${values} AS ${name}`),
        )}
      ${where(experimentIn(rollupNames, complete))}
    )
  `
  const pairsStep = sql`
    ${pairs} AS (
      SELECT
        max(rolled_up = 0) AS has_event,
        max(rolled_up = 1) AS is_rolled_up,
        minIf(exposed_first, rolled_up = 0) AS first_event,
        minIf(exposed_first, rolled_up = 1) AS first_rolled_up,
        has_event AND NOT (is_rolled_up AND first_rolled_up < ${start(9)}) AS is_first,
        is_rolled_up AND first_rolled_up >= ${start(9)} AND first_rolled_up < ${end(9)} AS is_compared
      FROM ${exposures}
      GROUP BY ${joined([sql`identity_key`, sql`variant_key`, ...declared.map(({ name }) => name)], ', ')}
    )
  `
  const changesStep = sql`
    ${changes} AS (
      SELECT arrayJoin(arrayConcat(
        if(is_first, [(toDate(first_event, 'UTC'), 1, 0, toUInt8(NOT is_rolled_up OR first_rolled_up > first_event), 0)], []),
        if(is_compared, [(toDate(first_rolled_up, 'UTC'), 0, 1, 0, toUInt8(NOT has_event OR first_rolled_up < first_event))], [])
      )) AS change
      FROM ${pairs}
    )
  `
  const columns = texts(auditColumns)
  return statement(sql`
    WITH
      ${lines(exposuresStep, pairsStep, changesStep)}
    SELECT
      ${lines(
        environmentKey === null
          ? sql`NULL AS ${columns.environment}`
          : sql`${bound('environment_key', 'String', environmentKey)} AS ${columns.environment}`,
        sql`${bound('feature_name', 'String', featureName)} AS ${columns.feature}`,
        sql`toString(change.1) AS ${columns.day}`,
        sql`sum(change.2) AS ${columns.inEvents}`,
        sql`sum(change.3) AS ${columns.inRollup}`,
        sql`sum(change.4) AS ${columns.missing}`,
        sql`sum(change.5) AS ${columns.surplus}`,
      )}
    FROM ${changes}
    GROUP BY change.1
    ORDER BY change.1
    ${settings(...everyShard(cluster))}
  `)
}

const identityKeys: Readonly<
  Record<IdentityKey, { readonly ofEvents: (identity: Sql) => Sql; readonly ofRollup: Sql }>
> = {
  hash: {
    ofEvents: (identity) => sql`murmurHash3_128(${identity})`,
    ofRollup: rollupNames.identityHash,
  },
  exact: { ofEvents: (identity) => identity, ofRollup: rollupNames.identity },
}
