import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { columnSql } from '../../scan/columns.js'
import { exposureScan } from '../../scan/exposure-scan.js'
import { identityStates } from '../../scan/identity-states.js'
import { dateTime } from '../../scan/instants.js'
import { sortedValue, valueAtFirst, valueOf } from '../../scan/values-at-first.js'
import { bound, lines, sql, texts } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { bucketColumns } from '../summary/rows.js'
import { breakdownColumns } from './rows.js'

/**
 * Who entered, when and in which variant, for each value of a column? The SQL that answers it for the `top` largest
 * values of the spec's `breakdown`, and for all others together.
 *
 * The rows are those of `firstExposuresQuery`, with `value`, the column's value as text, before them: the one at the
 * identity's first exposure, of several at that instant the least in byte order. NULL is a value like any other and
 * the last in that order. Largest are the values of most identities, the excluded among them; of the same number, the
 * least in that order. The others have `other = 1` and no value. Pass it to `client.query` as it is, and the rows to
 * `summarizeExposuresBreakdown`; `fetchExposuresBreakdown` of `first-exposure/clickhouse` does both.
 *
 * Always true of it: what is always true of `firstExposuresQuery`, whose rows its parts add up to. The events are read
 * as often, which is once, and once more for the variants' keys; the largest values are found among the groups.
 *
 * How it works: beside the state of `firstExposuresQuery`, an identity keeps the least of (instant, value), as text
 * that sorts so. Of a source with a rollup it reads the events, since the rollup does not keep the column; of one that
 * is `shardedByIdentity`, the shards send a state for each identity. It cannot be asked in parts, because the largest
 * values are known from all identities only: where those do not fit the server's memory, let it spill them to its disk
 * (`max_bytes_before_external_group_by`).
 *
 * @param spec - made by `exposureSpec`, with a `breakdown`
 * @param window - made by `exposureWindow`; it decides between hours and days as `selectGranularity` does
 * @throws {@link ExposureError} `invalid-spec`, also where the spec has no `breakdown`, `invalid-instant`,
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
 * In short; `docs/statements.md` shows it whole:
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
  const scan = exposureScan(complete, checkedWindow(window))
  const [identities, slices, sizes, sizeRanks] = scan.own('identities', 'slices', 'sizes', 'size_ranks')
  const [firstAndValue] = scan.own('first_nano_and_value')
  const column = columnSql(breakdown.column, 'breakdown')
  const { steps, countedRank, firstSecond, keyAt } = identityStates(
    scan,
    multiVariant,
    identities,
    scan.own,
    {
      columns: [sql`${valueAtFirst(scan.exposedAt, column)} AS ${firstAndValue}`],
    },
  )
  const slicesStep = sql`
    ${slices} AS (
      SELECT
        ${sortedValue(firstAndValue)} AS slice,
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
