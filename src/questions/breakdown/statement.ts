import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { columnSql } from '../../scan/columns.js'
import { exposureScan } from '../../scan/exposure-scan.js'
import { identityStates, merges } from '../../scan/identity-states.js'
import { dateTime } from '../../scan/instants.js'
import { rolledUpExposures } from '../../scan/rolled-up-exposures.js'
import { selectedExposures } from '../../scan/selected-exposures.js'
import { sortedValue, valueAtFirst, valueOf } from '../../scan/values-at-first.js'
import { bound, lines, sql, texts } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { bucketColumns } from '../summary/rows.js'
import { breakdownColumns } from './rows.js'

/**
 * Who entered, when and in which variant, for each value of a column? This SQL answers it for the `top` largest values
 * of the spec's `breakdown`, and for all other values together.
 *
 * The rows are those of `firstExposuresQuery`, preceded by `value`, the column's value as text. It is the value at the
 * identity's first exposure. If there are several values at that instant, it is the smallest in byte order. NULL is a
 * value like any other and comes last in that order. The largest values are those with the most identities, excluded
 * ones included. For equal numbers, the smaller value in that order comes first. The rows of all other values have
 * `other = 1` and no value. Pass the result to `client.query` unchanged, and the rows to `summarizeExposuresBreakdown`.
 * `fetchExposuresBreakdown` of `first-exposure/clickhouse` does both.
 *
 * Guarantees: those of `firstExposuresQuery`. The parts add up to its rows. The events are read as often as there:
 * once, and once more for the variants' keys. The largest values are found among the groups.
 *
 * How it works: in addition to the state of `firstExposuresQuery`, each identity keeps the minimum of (instant, value),
 * as text that sorts in that order. If the source has a rollup that was declared with the column, the statement reads the
 * rollup, and otherwise the events. If the source is `shardedByIdentity`, the shards send one state per identity. The
 * query cannot be split into partitions, because the largest values are known only from all identities. If the
 * identities do not fit the server's memory, let it spill them to disk (`max_bytes_before_external_group_by`).
 *
 * @param spec - made by `exposureSpec`, with a `breakdown`
 * @param window - made by `exposureWindow`; it selects hours or days, as `selectGranularity` does
 * @throws {@link ExposureError} `invalid-spec`, also if the spec has no `breakdown`, `invalid-instant`,
 *   `invalid-window`
 *
 * @example
 * ```ts
 * import { exposuresBreakdownQuery, exposureSpec, exposureWindow } from 'first-exposure'
 *
 * const { query_params } = exposuresBreakdownQuery(
 *   exposureSpec({
 *     environmentKey: 'prod',
 *     featureName: 'checkout',
 *     breakdown: { column: 'sdk_language', top: 5 },
 *   }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * query_params.top_values // => 5
 * ```
 *
 * In short (`docs/statements.md` shows the full statement):
 *
 * ```sql
 * SELECT other, value, quarantined, variant, bucket, sum(identities) AS new_identities
 * FROM (
 *   -- the identities, as firstExposuresQuery has them, each with the column's value at its first exposure
 * )
 * GROUP BY other, value, quarantined, variant, bucket   -- other: a value that is not among the largest
 * ```
 */
export function exposuresBreakdownQuery(spec: ExposureSpec, window: ExposureWindow): ExposuresQuery {
  const complete = exposureSpec(spec)
  const { breakdown, multiVariant } = complete
  if (breakdown === null) {
    throw invalidSpec(
      'breakdown',
      breakdown,
      "Name the column in the spec: exposureSpec({ …, breakdown: { column: 'country' } }).",
    )
  }
  const checked = checkedWindow(window)
  const scan = exposureScan(complete, checked)
  const [identities, slices, sizes, sizeRanks] = scan.own('identities', 'slices', 'sizes', 'size_ranks')
  const [firstAndValue, value] = scan.own('first_nano_and_value', 'broken_down')
  const { cluster, rollup } = complete.source
  const { column } = breakdown
  const rolledUp =
    typeof column === 'string' && rollup?.columns.includes(column) === true
      ? rolledUpExposures(complete, checked, scan, cluster, { columns: [{ declared: column, name: value }] })
      : null
  const exposures = selectedExposures(scan, scan.from, rolledUp, undefined)
  const valueOfExposure = rolledUp === null ? columnSql(column, 'breakdown') : value
  const { steps, countedRank, firstSecond, keyAt } = identityStates(
    exposures,
    multiVariant,
    identities,
    scan.own,
    {
      columns: [
        {
          name: firstAndValue,
          state: valueAtFirst(exposures.exposedAt, valueOfExposure),
          merged: merges.minimum,
        },
      ],
    },
  )
  // In JSON, bytes that are no text look alike, and two slices of one value would be refused.
  const slicesStep = sql`
    ${slices} AS (
      SELECT
        toValidUTF8(${sortedValue(firstAndValue)}) AS slice,
        ${countedRank} AS counted_rank,
        ${scan.bucketOf(dateTime(firstSecond))} AS local_bucket,
        count() AS identities_counted
      FROM ${identities}
      GROUP BY slice, counted_rank, local_bucket
    )
  `
  const sizesStep = sql`
    ${sizes} AS (
      SELECT slice, counted_rank, local_bucket, identities_counted, sum(identities_counted) OVER (PARTITION BY slice) AS slice_size
      FROM ${slices}
    )
  `
  const sizeRanksStep = sql`
    ${sizeRanks} AS (
      SELECT slice, counted_rank, local_bucket, identities_counted, dense_rank() OVER (ORDER BY slice_size DESC, slice) AS size_rank
      FROM ${sizes}
    )
  `
  const top = bound('top_values', 'UInt64', breakdown.top)
  const columns = texts({ ...bucketColumns, ...breakdownColumns })
  return statement(sql`
    WITH
      ${lines(...steps, slicesStep, sizesStep, sizeRanksStep)}
    SELECT
      size_rank > ${top} AS ${columns.other},
      if(size_rank > ${top}, NULL, ${valueOf(sql`slice`)}) AS ${columns.value},
      counted_rank = 0 AS ${columns.quarantined},
      if(counted_rank = 0, NULL, ${keyAt(sql`counted_rank`)}) AS ${columns.variant},
      toDateTime(local_bucket, 'UTC') AS ${columns.bucket},
      sum(identities_counted) AS ${columns.newIdentities}
    FROM ${sizeRanks}
    GROUP BY least(size_rank, ${top} + 1) AS slice_rank, ${columns.other}, ${columns.value}, counted_rank, local_bucket
    ORDER BY slice_rank, local_bucket, counted_rank = 0, counted_rank
    ${scan.rowLimit}
    ${scan.settings}
  `)
}

/** @deprecated Use {@link exposuresBreakdownQuery}. */
export const exposureBreakdownQuery: typeof exposuresBreakdownQuery = exposuresBreakdownQuery
