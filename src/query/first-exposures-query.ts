import { exposureSpec, type ExposureSpec, type IdentityKey } from '../spec/exposure-spec.js'
import { exposureWindow, type ExposureWindow } from '../spec/exposure-window.js'
import { selectGranularity } from '../spec/select-granularity.js'
import { isIdentity } from './is-identity.js'
import { quoteIdentifier } from './quote-identifier.js'
import { quoteTable } from './quote-table.js'
import { resultColumns } from './result-columns.js'
import { selectRolledUpExposures } from './select-rolled-up-exposures.js'

/** A statement, its bound parameters and the format to ask for: what both official clients' `query` takes. */
export interface ExposuresQuery {
  readonly query: string
  readonly query_params: Readonly<Record<string, string | number>>
  readonly format: 'JSONEachRow'
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
 * variant's rank in it and the second it happened in. One row of state per identity then holds the AND and the OR
 * of the ranks, which are equal exactly when all ranks are, and the least second: 16 bytes. Under `first-seen` it
 * is the least of (nanoseconds, rank) as one integer. A variant that first arrives while the statement runs has no
 * rank yet; its exposures count as arriving after.
 *
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`; it decides between hours and days as `selectGranularity` does
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
 * ```sql
 * WITH
 *   exposures AS (
 *     SELECT
 *       `identifier` AS identity,
 *       toString(`value`) AS variant_key,
 *       `timestamp` AS exposed_at
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *       AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *       AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *       AND `value` IS NOT NULL
 *   ),
 *   (SELECT arraySort(groupUniqArray(variant_key)) FROM exposures) AS variant_keys,
 *   ranked AS (
 *     SELECT
 *       murmurHash3_128(assumeNotNull(identity)) AS identity_key,
 *       transform(variant_key, variant_keys, arrayEnumerate(variant_keys), 0) AS variant_rank,
 *       toUnixTimestamp(exposed_at) AS exposed_second
 *     FROM exposures
 *     WHERE toString(identity) != if(position(toTypeName(identity), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
 *       AND variant_rank > 0
 *   ),
 *   identities AS (
 *     SELECT
 *       groupBitAnd(variant_rank) != groupBitOr(variant_rank) AS in_many,
 *       if(in_many, 0, groupBitOr(variant_rank)) AS counted_rank,
 *       min(exposed_second) AS first_second
 *     FROM ranked
 *     GROUP BY identity_key
 *   ),
 *   buckets AS (
 *     SELECT
 *       in_many,
 *       counted_rank,
 *       toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
 *       count() AS identities_counted
 *     FROM identities
 *     GROUP BY in_many, counted_rank, local_bucket
 *   )
 * SELECT
 *   in_many AS quarantined,
 *   if(in_many, NULL, variant_keys[counted_rank]) AS variant,
 *   toDateTime(local_bucket, 'UTC') AS bucket,
 *   identities_counted AS new_identities
 * FROM buckets
 * ORDER BY local_bucket, in_many, counted_rank
 * LIMIT {row_limit:UInt64}
 * ```
 */
export function firstExposuresQuery(spec: ExposureSpec, window: ExposureWindow): ExposuresQuery {
  const { environmentKey, eventName, featureName, timeZone, multiVariant, identityKey, maxRows, source } =
    exposureSpec(spec)
  const { startMs, asOfMs } = exposureWindow(window.startMs, window.asOfMs)
  const { table, columns } = source

  // Names of our own beside the caller's: one that the table or a mapped column bears already gets an underscore.
  const taken = new Set<string | null | undefined>([
    table.table,
    source.rollup?.table,
    ...Object.values(columns),
  ])
  const own = (name: string): string => (taken.has(name) ? own(`${name}_`) : name)
  const [exposures, variantKeys, ranked, identities, buckets] = [
    own('exposures'),
    own('variant_keys'),
    own('ranked'),
    own('identities'),
    own('buckets'),
  ]
  const [identity, variantKey, exposedAt] = [own('identity'), own('variant_key'), own('exposed_at')]

  const predicates = [
    ...(columns.environment === null
      ? []
      : [`${quoteIdentifier(columns.environment)} = {environment_key:String}`]),
    ...(columns.event === null ? [] : [`${quoteIdentifier(columns.event)} = {event_name:String}`]),
    `${quoteIdentifier(columns.feature)} = {feature_name:String}`,
    `${quoteIdentifier(columns.timestamp)} >= fromUnixTimestamp64Milli({start_ms:Int64})`,
    `${quoteIdentifier(columns.timestamp)} < fromUnixTimestamp64Milli({as_of_ms:Int64})`,
    `${quoteIdentifier(columns.variant)} IS NOT NULL`,
  ]
  const rolledUp = selectRolledUpExposures(source, { startMs, asOfMs }, identityKey, predicates, {
    identity,
    variantKey,
    exposedAt,
  })
  const { exposureState, identityState } = policies[multiVariant](exposedAt)
  const startOfBucket = selectGranularity({ startMs, asOfMs }) === 'hour' ? 'toStartOfHour' : 'toStartOfDay'

  const selectExposures =
    rolledUp?.select ??
    `SELECT
      ${quoteIdentifier(columns.identity)} AS ${identity},
      toString(${quoteIdentifier(columns.variant)}) AS ${variantKey},
      ${quoteIdentifier(columns.timestamp)} AS ${exposedAt}
    FROM ${quoteTable(table)}
    WHERE ${predicates.join('\n      AND ')}`

  const query = `WITH
  ${exposures} AS (
    ${selectExposures}
  ),
  (SELECT arraySort(groupUniqArray(${variantKey})) FROM ${exposures}) AS ${variantKeys},
  ${ranked} AS (
    SELECT
      ${rolledUp === null ? identityKeys[identityKey](identity) : identity} AS identity_key,
      transform(${variantKey}, ${variantKeys}, arrayEnumerate(${variantKeys}), 0) AS variant_rank,
      ${exposureState}
    FROM ${exposures}
    WHERE ${rolledUp === null ? `${isIdentity(identity)}\n      AND ` : ''}variant_rank > 0
  ),
  ${identities} AS (
    SELECT
      ${identityState.join(',\n      ')}
    FROM ${ranked}
    GROUP BY identity_key
  ),
  ${buckets} AS (
    SELECT
      in_many,
      counted_rank,
      ${startOfBucket}(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
      count() AS identities_counted
    FROM ${identities}
    GROUP BY in_many, counted_rank, local_bucket
  )
SELECT
  in_many AS ${resultColumns.quarantined},
  if(in_many, NULL, ${variantKeys}[counted_rank]) AS ${resultColumns.variant},
  toDateTime(local_bucket, 'UTC') AS ${resultColumns.bucket},
  identities_counted AS ${resultColumns.newIdentities}
FROM ${buckets}
ORDER BY local_bucket, in_many, counted_rank
LIMIT {row_limit:UInt64}`

  return Object.freeze({
    query,
    query_params: Object.freeze({
      ...(environmentKey === null ? {} : { environment_key: environmentKey }),
      ...(eventName === null ? {} : { event_name: eventName }),
      feature_name: featureName,
      start_ms: startMs,
      as_of_ms: asOfMs,
      ...rolledUp?.query_params,
      time_zone: timeZone,
      row_limit: maxRows + 1,
    }),
    format: 'JSONEachRow',
  })
}

const identityKeys: Readonly<Record<IdentityKey, (identity: string) => string>> = {
  hash: (identity) => `murmurHash3_128(assumeNotNull(${identity}))`,
  exact: (identity) => `assumeNotNull(${identity})`,
}

interface PolicyColumns {
  /** What one exposure contributes. */
  readonly exposureState: string
  /** What one identity keeps: `in_many`, `counted_rank`, `first_second`. */
  readonly identityState: readonly string[]
}

// groupBitAnd and groupBitOr keep 4 bytes each where min and max keep 8: half the state, and as exact.
// The second is enough for a bucket, whose edges lie on whole seconds in every zone; the order of two exposures
// of one identity needs the instant itself, so first-seen keeps nanoseconds, with the rank below them for ties.
const policies: Readonly<Record<ExposureSpec['multiVariant'], (exposedAt: string) => PolicyColumns>> = {
  quarantine: (exposedAt) => ({
    exposureState: `toUnixTimestamp(${exposedAt}) AS exposed_second`,
    identityState: [
      'groupBitAnd(variant_rank) != groupBitOr(variant_rank) AS in_many',
      'if(in_many, 0, groupBitOr(variant_rank)) AS counted_rank',
      'min(exposed_second) AS first_second',
    ],
  }),
  'first-seen': (exposedAt) => ({
    exposureState: `toInt128(toUnixTimestamp64Nano(toDateTime64(${exposedAt}, 9, 'UTC'))) * 4294967296 + variant_rank AS exposed_nano_and_rank`,
    identityState: [
      '0 AS in_many',
      'toUInt32(min(exposed_nano_and_rank) % 4294967296) AS counted_rank',
      'toUInt32(intDiv(min(exposed_nano_and_rank), 4294967296000000000)) AS first_second',
    ],
  }),
}
