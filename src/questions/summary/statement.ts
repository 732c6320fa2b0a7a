import { invalidSpec } from '../../errors.js'
import { withFields } from '../../checks.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { exposureScan, type Exposures, type ExposureScan } from '../../scan/exposure-scan.js'
import type { IdentityPartition } from '../../scan/identity-partition.js'
import { identityStates } from '../../scan/identity-states.js'
import { dateTime } from '../../scan/instants.js'
import { rolledUpExposures } from '../../scan/rolled-up-exposures.js'
import { selectedExposures } from '../../scan/selected-exposures.js'
import { countsOnShards } from '../../scan/shards.js'
import { lines, sql, texts, type Sql } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { bucketColumns } from './rows.js'
import { answerOfShards } from './shard-statement.js'

/** Which identities the query is about, if not all of them. */
export interface FirstExposuresQueryOptions {
  /** Only these identities. Partitions do not overlap, so `mergeExposuresSummaries` can add up their summaries. */
  readonly partition?: IdentityPartition
}

/**
 * Who entered this experiment, when, and in which variant? This SQL answers it and counts each identity once.
 *
 * It returns one row per variant and bucket. Under `quarantine`, it also returns one row per bucket for the identities
 * that were exposed to more than one variant (`quarantined = 1`, `variant` NULL). Pass the result to `client.query`
 * unchanged, and the rows to `decodeBucketRows`. `fetchExposuresSummary` of `first-exposure/clickhouse` does both.
 *
 * Guarantees: values are bound parameters, never text. The statement needs no setting and no right except to read the
 * table. Predicates are on bare columns, so ClickHouse can use the partitions and the primary key to skip data. It
 * returns at most `maxRows + 1` rows. The last of these means that there were more.
 *
 * How it works: the variants' keys, in byte order, form a small array. Each exposure is reduced to its variant's rank
 * in this array and to its second. Each identity has one row of state: the OR of the ranks and of their complements,
 * and the minimum second. The ranks and the complements have a bit in common exactly when two ranks differ. Under
 * `first-seen` the state is the minimum of (nanoseconds, rank) as one integer. A variant that first arrives while the
 * statement runs has no rank yet, and its exposures count as arriving later. Both scans aggregate in the SELECT that
 * names the table, so a `Distributed` table sends states and not exposures.
 *
 * If the source is `shardedByIdentity`, every shard of the cluster counts its own identities and sends its bucket rows,
 * which are few, instead of one row for each identity. If the source names a cluster, the statement fails if a shard
 * does not answer, even on a server that is set to skip such shards.
 *
 * If the spec has `aliases`, the exposures are grouped by identifier, then the aliases are joined to the identifiers'
 * states, and the states of each identity are merged. Shards then do not count on their own: the identifiers of one
 * identity may be on two of them. All identifiers of an identity are in one partition.
 *
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`; it selects hours or days, as `selectGranularity` does
 * @param options.partition - only the identities of one of `of` partitions, `index` from 0; default: all identities
 * @throws {@link ExposureError} `invalid-spec`, `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, firstExposuresQuery } from 'first-exposure'
 *
 * const { query, query_params } = firstExposuresQuery(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * query_params.feature_name // => 'checkout'
 * ```
 *
 * In short (`docs/statements.md` shows the full statement):
 *
 * ```sql
 * SELECT quarantined, variant, bucket, count() AS new_identities
 * FROM (
 *   SELECT
 *     uniq(variant) > 1 AS quarantined,
 *     any(variant) AS variant,
 *     toStartOfDay(min(timestamp), {time_zone:String}) AS bucket
 *   FROM events
 *   WHERE experiment = … AND timestamp >= … AND timestamp < …
 *   GROUP BY identity
 * )
 * GROUP BY quarantined, variant, bucket
 * ```
 */
export function firstExposuresQuery(
  spec: ExposureSpec,
  window: ExposureWindow,
  options: FirstExposuresQueryOptions = {},
): ExposuresQuery {
  const complete = exposureSpec(spec)
  const checked = checkedWindow(window)
  const { partition } = withFields(options, ['partition'], 'options', invalidSpec)
  const { source } = complete
  const scan = exposureScan(complete, checked)
  if (countsOnShards(complete)) return statement(answerOfShards(complete, checked, scan, partition))

  const rolledUp = rolledUpExposures(complete, checked, scan, source.cluster, { alone: true })
  const selected = selectedExposures(scan, scan.from, rolledUp, partition)
  if (rolledUp === null) return statement(answerOfTable(complete, selected, scan))
  // A step, because the statement reads the exposures twice.
  const [exposures] = scan.own('exposures')
  const step = sql`
    ${exposures} AS (
      ${rolledUp.select}
    )
  `
  return statement(answerOfTable(complete, { ...selected, from: exposures }, scan, [step]))
}

/** Reads a table, or the tables of a cluster, and merges the states of each identity itself. */
function answerOfTable(
  { multiVariant }: ExposureSpec,
  exposures: Exposures,
  scan: ExposureScan,
  before: readonly Sql[] = [],
): Sql {
  const [identities, buckets] = scan.own('identities', 'buckets')
  const { steps, countedRank, firstSecond, keyAt, counted } = identityStates(
    exposures,
    multiVariant,
    identities,
    scan.own,
    { bucketOf: scan.bucketOf },
  )
  const byBucket = sql`
    ${buckets} AS (
      SELECT
        ${countedRank} AS counted_rank,
        ${scan.bucketOf(dateTime(firstSecond))} AS local_bucket,
        ${counted} AS identities_counted
      FROM ${identities}
      GROUP BY counted_rank, local_bucket
    )
  `
  const columns = texts(bucketColumns)
  return sql`
    WITH
      ${lines(...before, ...steps, byBucket)}
    SELECT
      counted_rank = 0 AS ${columns.quarantined},
      if(counted_rank = 0, NULL, ${keyAt(sql`counted_rank`)}) AS ${columns.variant},
      toDateTime(local_bucket, 'UTC') AS ${columns.bucket},
      identities_counted AS ${columns.newIdentities}
    FROM ${buckets}
    ORDER BY local_bucket, counted_rank = 0, counted_rank
    ${scan.rowLimit}
    ${scan.settings}
  `
}
