import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { exposureScan } from '../../scan/exposure-scan.js'
import {
  aliasSteps,
  keptIdentity,
  merges,
  selectStates,
  variantRanks,
  type KeptState,
} from '../../scan/identity-states.js'
import {
  dateTime,
  instantAndRank,
  isOneRank,
  nanosecondsOf,
  rankBits,
  rankOf,
  secondOfNanoseconds,
} from '../../scan/instants.js'
import { rolledUpExposures } from '../../scan/rolled-up-exposures.js'
import { selectedExposures } from '../../scan/selected-exposures.js'
import { lines, sql, texts } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { crossoverColumns } from './rows.js'

/**
 * Who is in two variants, and since when? This SQL answers it for the identities that were exposed to more than one
 * variant inside the window: from which variant to which, how much later, and when.
 *
 * It returns one row for each pair of variants, the pair with the most identities first. `first_variant` is the variant
 * of the first exposure. `next_variant` is the variant of the first exposure to another variant. `identities` is their
 * number. `median_ms` is the exact median of the whole milliseconds between those two exposures. `buckets` are the
 * hours or days of the second of them, in the spec's time zone. `bucket_identities` is the number of identities in each
 * bucket. At the same instant, the smaller key in byte order comes first. Pass the result to `client.query` unchanged,
 * and the rows to `summarizeCrossovers`. `fetchCrossovers` of `first-exposure/clickhouse` does both.
 *
 * Guarantees: those of `firstExposuresQuery`. The identities of all rows are the ones that it excludes under
 * `quarantine`. They are the same under `first-seen`, because this query is about what happened, not about what counts.
 *
 * How it works: one aggregation finds the identities with more than one variant, with 8 bytes of state for each. A
 * second scan reads only the exposures of these identities. If the source has a rollup, both read the rollup, which holds
 * the first exposure to each variant. The identities of a cluster are gathered even if the source is
 * `shardedByIdentity`. If the spec has `aliases`, both group by identifier first, and merge the states of each identity.
 *
 * @param spec - made by `exposureSpec`; its `multiVariant` and `breakdown` have no effect
 * @param window - made by `exposureWindow`; it selects hours or days, as `selectGranularity` does
 * @throws {@link ExposureError} `invalid-spec`, `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { crossoversQuery, exposureSpec, exposureWindow } from 'first-exposure'
 *
 * const { query_params } = crossoversQuery(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * query_params.feature_name // => 'checkout'
 * ```
 *
 * In short (`docs/statements.md` shows the full statement):
 *
 * ```sql
 * SELECT first_variant, next_variant, count() AS identities, quantileExactInclusive(0.5)(ms_between) AS median_ms, …
 * FROM (
 *   -- of each identity of more than one variant: its first exposure, and its first to another variant
 * )
 * GROUP BY first_variant, next_variant
 * ```
 */
export function crossoversQuery(spec: ExposureSpec, window: ExposureWindow): ExposuresQuery {
  const complete = exposureSpec(spec)
  const checked = checkedWindow(window)
  const scan = exposureScan(complete, checked)
  const rolledUp = rolledUpExposures(complete, checked, scan, complete.source.cluster)
  const exposures = selectedExposures(scan, scan.from, rolledUp, undefined)
  const { own } = scan
  const { aliases, identityGroup } = exposures
  const { step, rank, keyAt } = variantRanks(exposures, own)
  const isRanked = sql`${rank} > 0`
  const [crossing, entries, crossovers] = own('crossing', 'entries', 'crossovers')
  const [identity, bits, entry] = own('crossing_identity', 'rank_bits', 'entry_nano_and_rank')
  const isCrossing = sql`${identityGroup} GLOBAL IN (SELECT ${identity} FROM ${crossing})`
  const [first, next] = [sql`in_order[1]`, sql`in_order[2]`] as const

  // With aliases, these are all identifiers of the identities with more than one variant.
  const crossingIdentity: KeptState = {
    name: identity,
    state: identityGroup,
    merged: (each) => sql`groupArray(${each})`,
  }
  const crossingStep = sql`
    ${crossing} AS (
      SELECT ${aliases === null ? identity : sql`arrayJoin(${identity}) AS ${identity}`}
      FROM (
        ${selectStates(
          exposures,
          [crossingIdentity, { name: bits, state: rankBits(rank), merged: merges.bits }],
          [isRanked],
          own,
        )}
      )
      WHERE NOT (${isOneRank(bits)})
    )
  `
  const entryState: KeptState = {
    name: entry,
    state: sql`min(${instantAndRank(exposures.exposedAt, rank)})`,
    merged: merges.minimum,
  }
  const entriesStep = sql`
    ${entries} AS (
      ${selectStates(
        exposures,
        [keptIdentity(exposures, identity), entryState],
        [isRanked, isCrossing],
        own,
        {
          within: { of: rank, kept: entryState, inKept: rankOf },
        },
      )}
    )
  `
  const crossoversStep = sql`
    ${crossovers} AS (
      SELECT
        arraySort(groupArray(${entry})) AS in_order,
        ${rankOf(first)} AS first_rank,
        ${rankOf(next)} AS next_rank,
        ${nanosecondsOf(first)} AS first_nano,
        ${nanosecondsOf(next)} AS next_nano,
        toInt64(intDiv(next_nano - first_nano, 1000000)) AS ms_between,
        ${scan.bucketOf(dateTime(secondOfNanoseconds(sql`next_nano`)))} AS local_bucket
      FROM ${entries}
      GROUP BY ${identity}
      HAVING count() > 1
    )
  `
  const byBucket = sql`sumMap([toUnixTimestamp(local_bucket)], [toUInt64(1)])`
  const columns = texts(crossoverColumns)
  return statement(sql`
    WITH
      ${lines(step, ...aliasSteps(exposures), crossingStep, entriesStep, crossoversStep)}
    SELECT
      ${keyAt(sql`first_rank`)} AS ${columns.firstVariant},
      ${keyAt(sql`next_rank`)} AS ${columns.nextVariant},
      count() AS ${columns.identities},
      quantileExactInclusive(0.5)(ms_between) AS ${columns.medianMs},
      arrayMap(second -> toDateTime(second, 'UTC'), ${byBucket}.1) AS ${columns.buckets},
      ${byBucket}.2 AS ${columns.bucketIdentities}
    FROM ${crossovers}
    GROUP BY first_rank, next_rank
    ORDER BY count() DESC, first_rank, next_rank
    ${scan.rowLimit}
    ${scan.settings}
  `)
}

/** @deprecated Use {@link crossoversQuery}. */
export const crossoverQuery: typeof crossoversQuery = crossoversQuery
