import { everyShard } from '../query/every-shard.js'
import { scanned } from '../query/exposure-scan.js'
import { ownNames } from '../query/own-names.js'
import { rollupColumns } from '../query/rollup-columns.js'
import { experimentInRollup } from '../query/select-rolled-up-exposures.js'
import { touchedUtcDays, utcDate } from '../query/utc-days.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import { checkedWindow, type ExposureWindow } from '../spec/exposure-window.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import { auditColumns } from './audit-columns.js'
import type { RollupStatement } from './rollup-statement.js'
import { selectSourceExposures } from './select-source-exposures.js'

/**
 * Does the rollup hold what the events say, day by day? The SQL that answers it for one experiment.
 *
 * It reads the events and the rollup of every UTC day that the window touches, whole days always, and compares the
 * least instant of each identity in each variant. One row a day; `decodeRollupAudit` reads them and says what to run
 * where they differ. It costs about as much as `firstExposuresQuery` on the events, over pairs of identity and variant
 * by day.
 *
 * Of a source on a cluster, it compares what all shards hold together, and fails where a shard does not answer. Run what
 * mends a day on one server of every shard, for each holds the rollup of its own events.
 *
 * Events that arrive while it runs can show as a difference, because the events and the rollup are not read at the
 * same instant: audit days that have settled, and audit again before mending the current one.
 *
 * @param spec - made by `exposureSpec` with a source made by `rolledUp`
 * @param window - made by `exposureWindow`
 * @returns a statement, its bound parameters and the format to ask for, as `firstExposuresQuery` does
 * @throws {@link ExposureError} `invalid-spec` where the source has no rollup; `invalid-instant`, `invalid-window`
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
  const { environmentKey, eventName, featureName, identityKey, source } = exposureSpec(spec)
  const { startMs, asOfMs } = checkedWindow(window)
  const { cluster, columns, rollup } = source
  if (rollup === undefined) {
    throw invalidSpec('source', spec.source, 'It has no rollup to audit. Pass a source made by rolledUp.')
  }
  const days = touchedUtcDays({ startMs, asOfMs })
  const { lines, names, query_params } = selectSourceExposures(
    source,
    (column) => [
      ...(column.environment === null ? [] : [`${column.environment} = {environment_key:String}`]),
      ...(column.event === null ? [] : [`${column.event} = {event_name:String}`]),
      `${column.feature} = {feature_name:String}`,
      `${column.timestamp} >= toDateTime64({rollup_start:Date}, 3, 'UTC')`,
      `${column.timestamp} < toDateTime64({rollup_end:Date}, 3, 'UTC')`,
    ],
    cluster,
  )
  const [ofEvents, ofRollup] =
    identityKey === 'hash'
      ? [`murmurHash3_128(${names.identity})`, rollupColumns.identityHash]
      : [names.identity, rollupColumns.identity]

  const own = ownNames({ source, filters: [], breakdown: null })
  const [exposures, pairs] = [own('exposures'), own('pairs')]

  const query = `WITH
  ${exposures} AS (
    SELECT
      ${names.day} AS exposed_day,
      ${ofEvents} AS identity_key,
      ${names.variant} AS variant_key,
      ${names.exposedAt} AS exposed_first,
      0 AS rolled_up
    FROM
    (
${lines.map((line) => `      ${line}`).join('\n')}
    )
    UNION ALL
    SELECT
      ${rollupColumns.day} AS exposed_day,
      ${ofRollup} AS identity_key,
      ${rollupColumns.variant} AS variant_key,
      ${rollupColumns.firstExposure} AS exposed_first,
      1 AS rolled_up
    FROM ${scanned(rollup, cluster)}
    WHERE ${experimentInRollup(columns).join('\n      AND ')}
      AND ${rollupColumns.day} >= {rollup_start:Date}
      AND ${rollupColumns.day} < {rollup_end:Date}
  ),
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
SELECT
  toString(exposed_day) AS ${auditColumns.day},
  countIf(has_event) AS ${auditColumns.inEvents},
  countIf(is_rolled_up) AS ${auditColumns.inRollup},
  countIf(has_event AND (NOT is_rolled_up OR first_rolled_up > first_event)) AS ${auditColumns.missing},
  countIf(is_rolled_up AND (NOT has_event OR first_rolled_up < first_event)) AS ${auditColumns.surplus}
FROM ${pairs}
GROUP BY exposed_day
ORDER BY exposed_day${everyShard(cluster)}`

  return Object.freeze({
    query,
    query_params: Object.freeze({
      ...(environmentKey === null ? {} : { environment_key: environmentKey }),
      ...(eventName === null ? {} : { event_name: eventName }),
      feature_name: featureName,
      ...query_params,
      ...(cluster === null ? {} : { cluster }),
      rollup_start: utcDate(days.startMs),
      rollup_end: utcDate(days.endMs),
    }),
    format: 'JSONEachRow',
  })
}
