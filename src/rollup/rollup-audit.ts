import { invalidSpec } from '../errors.js'
import { exposureSpec, type ExposureSpec, type IdentityKey } from '../experiment/exposure-spec.js'
import { experimentIn } from '../scan/exposure-scan.js'
import { rollupNames, rollupOfDays } from '../scan/rolled-up-exposures.js'
import { isReadable, settings } from '../scan/guards.js'
import { everyShard, tables } from '../scan/shards.js'
import { ownNames } from '../sql/own-names.js'
import { lines, sql, texts, where, type Sql } from '../sql/sql.js'
import { statement } from '../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../time/exposure-window.js'
import { touchedUtcDays } from '../time/utc-days.js'
import { auditColumns } from './decode-rollup-audit.js'
import type { RollupStatement } from './rollup-statement.js'
import { sourceExposures } from './source-exposures.js'

/**
 * Does the rollup agree with the events on each day? This is the SQL that answers it for one experiment.
 *
 * It reads the events and the rollup of every UTC day that the window touches, always whole days, and compares the
 * least instant of each identity in each variant. The answer has one row per day. `decodeRollupAudit` reads the rows
 * and says what to run if they differ. The cost is about that of `firstExposuresQuery` on the events, but it groups by
 * identity, variant and day.
 *
 * If the source is on a cluster, it compares the data of all shards together, and fails if a shard does not answer. Run
 * the statements that correct a day on one server of every shard, because each shard holds the rollup of its own
 * events.
 *
 * Events that arrive while it runs can show as a difference, because the events and the rollup are not read at the same
 * instant. Audit days that no longer change, and audit the current day again before you correct it.
 *
 * @param spec - made by `exposureSpec` with a source made by `rolledUp`
 * @param window - made by `exposureWindow`
 * @returns a statement, its bound parameters and the format to ask for, as from `firstExposuresQuery`
 * @throws {@link ExposureError} `invalid-spec` if the source has no rollup; `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, flagsmithEvents } from 'first-exposure'
 * import { rolledUp, rollupAudit } from 'first-exposure/rollup'
 *
 * const source = rolledUp(flagsmithEvents(), 'exposures_by_day')
 * const { query_params } = rollupAudit(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source }),
 *   exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z'),
 * )
 * query_params.rollup_start // => '2026-06-01'
 * query_params.rollup_end // => '2026-06-16'
 * ```
 */
export function rollupAudit(
  spec: ExposureSpec,
  window: ExposureWindow,
): RollupStatement & { readonly format: 'JSONEachRow' } {
  const complete = exposureSpec(spec)
  const { identityKey, source } = complete
  const days = touchedUtcDays(checkedWindow(window))
  const { cluster, rollup } = source
  if (rollup === undefined) {
    throw invalidSpec('source', spec.source, 'It has no rollup to audit. Pass a source made by rolledUp.')
  }
  const { start, end, predicates } = rollupOfDays(complete, days)
  const { names, select } = sourceExposures(
    source,
    (columns) => [
      ...experimentIn(columns, complete),
      sql`${columns.timestamp} >= toDateTime64(${start}, 3, 'UTC')`,
      sql`${columns.timestamp} < toDateTime64(${end}, 3, 'UTC')`,
    ],
    (columns) => [isReadable(source, columns)],
    cluster,
  )
  const { ofEvents, ofRollup } = identityKeys[identityKey]
  const [exposures, pairs] = ownNames({ source, filters: [], breakdown: null })('exposures', 'pairs')
  const exposuresStep = sql`
    ${exposures} AS (
      SELECT
        ${names.day} AS exposed_day,
        ${ofEvents(names.identity)} AS identity_key,
        ${names.variant} AS variant_key,
        ${names.exposedAt} AS exposed_first,
        0 AS rolled_up
      FROM
      (
        ${select}
      )
      UNION ALL
      SELECT
        ${rollupNames.day} AS exposed_day,
        ${ofRollup} AS identity_key,
        ${rollupNames.variant} AS variant_key,
        ${rollupNames.firstExposure} AS exposed_first,
        1 AS rolled_up
      FROM ${tables(rollup, cluster)}
      ${where(predicates)}
    )
  `
  const pairsStep = sql`
    ${pairs} AS (
      SELECT
        exposed_day,
        max(rolled_up = 0) AS has_event,
        max(rolled_up = 1) AS is_rolled_up,
        minIf(exposed_first, rolled_up = 0) AS first_event,
        minIf(exposed_first, rolled_up = 1) AS first_rolled_up
      FROM ${exposures}
      GROUP BY exposed_day, identity_key, variant_key
    )
  `
  const columns = texts(auditColumns)
  return statement(sql`
    WITH
      ${lines(exposuresStep, pairsStep)}
    SELECT
      toString(exposed_day) AS ${columns.day},
      countIf(has_event) AS ${columns.inEvents},
      countIf(is_rolled_up) AS ${columns.inRollup},
      countIf(has_event AND (NOT is_rolled_up OR first_rolled_up > first_event)) AS ${columns.missing},
      countIf(is_rolled_up AND (NOT has_event OR first_rolled_up < first_event)) AS ${columns.surplus}
    FROM ${pairs}
    GROUP BY exposed_day
    ORDER BY exposed_day
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
