import { invalidSpec } from '../../errors.js'
import { withFields } from '../../checks.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { exposureScan, type Exposures, type ExposureScan } from '../../scan/exposure-scan.js'
import { inPartition, type IdentityPartition } from '../../scan/identity-partition.js'
import { identityStates } from '../../scan/identity-states.js'
import { dateTime } from '../../scan/instants.js'
import { rolledUpExposures } from '../../scan/rolled-up-exposures.js'
import { lines, sql, texts, type Sql } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { bucketColumns } from './rows.js'
import { answerOfShards } from './shard-statement.js'

/** What the query asks about, where that is not everybody. */
export interface FirstExposuresQueryOptions {
  /** Only these identities. Partitions are disjoint, so that `mergeExposuresSummaries` adds their summaries up. */
  readonly partition?: IdentityPartition
}

/**
 * Who entered this experiment, when, and in which variant? The SQL that answers it, each identity counted once.
 *
 * One row per variant and bucket, and, under `quarantine`, one per bucket for the identities that were exposed to
 * more than one variant (`quarantined = 1`, `variant` NULL). Pass it to `client.query` as it is, and the rows to
 * `decodeBucketRows`; `fetchExposuresSummary` of `first-exposure/clickhouse` does both.
 *
 * Always true of it: values travel as bound parameters, never as text; it needs no setting and no right but to
 * read the table; predicates stand on bare columns, so that partitions and the primary key prune; it answers at
 * most `maxRows + 1` rows, where the last one says that there were more.
 *
 * How it works: the variants' keys, in byte order, make a small array, and each exposure is reduced to its
 * variant's rank in it and the second it happened in. One row of state per identity then holds the OR of the ranks
 * and of their complements, which have a bit in common exactly when two ranks differ, and the least second. Under
 * `first-seen` it is the least of (nanoseconds, rank) as one integer. A variant that first arrives while the
 * statement runs has no rank yet; its exposures count as arriving after. Both scans aggregate in the same SELECT that
 * names the table, so that a `Distributed` one sends states and not exposures.
 *
 * Of a source that is `shardedByIdentity`, every shard of the cluster counts its identities by itself and sends its
 * bucket rows, a few instead of one row for each identity. Of a source that names a cluster, the statement fails where
 * a shard does not answer, even on a server that is set to skip such shards.
 *
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`; it decides between hours and days as `selectGranularity` does
 * @param options.partition - only the identities of one of `of` parts, `index` from 0; default: all
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
 * In short; `docs/statements.md` shows it whole:
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
  const countsOnShards = source.cluster !== null && source.shardedByIdentity
  if (countsOnShards) return statement(answerOfShards(complete, checked, scan, partition))

  const rolledUp = rolledUpExposures(complete, checked, scan, source.cluster)
  if (rolledUp === null) {
    const exposures = {
      ...scan,
      identityPredicates: [...scan.identityPredicates, ...inPartition(partition, scan.identity)],
    }
    return statement(answerOfTable(complete, exposures, scan))
  }
  const [exposures] = scan.own('exposures')
  const step = sql`
    ${exposures} AS (
      ${rolledUp.select}
    )
  `
  const partitioned = {
    ...rolledUp,
    from: exposures,
    identityPredicates: inPartition(partition, rolledUp.identity),
  }
  return statement(answerOfTable(complete, partitioned, scan, [step]))
}

/** The statement that reads a table, or the tables of a cluster, and puts the states of an identity together itself. */
function answerOfTable(
  { multiVariant }: ExposureSpec,
  exposures: Exposures,
  scan: ExposureScan,
  before: readonly Sql[] = [],
): Sql {
  const [identities, buckets] = scan.own('identities', 'buckets')
  const { steps, countedRank, firstSecond, keyAt } = identityStates(
    exposures,
    multiVariant,
    identities,
    scan.own,
  )
  const byBucket = sql`
    ${buckets} AS (
      SELECT
        ${countedRank} AS counted_rank,
        ${scan.bucketOf(dateTime(firstSecond))} AS local_bucket,
        count() AS identities_counted
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
