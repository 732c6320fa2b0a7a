import { assertOptions } from '../spec/assert-options.js'
import { exposureSpec, type ExposureSpec, type MultiVariantPolicy } from '../spec/exposure-spec.js'
import type { ExposureSource } from '../spec/exposure-source.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import { checkedWindow, type ExposureWindow } from '../spec/exposure-window.js'
import type { QueryParams } from './bound-sql.js'
import { everyShard } from './every-shard.js'
import { asNumber, exposureScan, scanned } from './exposure-scan.js'
import { missingShards } from './missing-shards.js'
import { nanoOffset, sortableNanoseconds } from './nanoseconds.js'
import { rankedStates } from './ranked-states.js'
import { resultColumns } from './result-columns.js'
import { selectRolledUpExposures } from './select-rolled-up-exposures.js'
import { variantRanks } from './variant-ranks.js'
import { where } from './where.js'

/** A statement, its bound parameters and the format to ask for: what both official clients' `query` takes. */
export interface ExposuresQuery {
  readonly query: string
  readonly query_params: QueryParams
  readonly format: 'JSONEachRow'
}

/** One part of the identities, of as many parts as there are: those whose hash leaves `index` when divided by `of`. */
export interface IdentityPartition {
  /** From 0 to `of - 1`. */
  readonly index: number
  /** From 1 to 65,536. */
  readonly of: number
}

/** What the query asks about, where that is not everybody. */
export interface FirstExposuresQueryOptions {
  /** Only these identities. The parts are disjoint, so that `mergeExposuresSummaries` adds their summaries up. */
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
 * ```sql
 * WITH
 *   (
 *     SELECT arraySort(groupUniqArray(toString(`value`)))
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *       AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *       AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *       AND `value` IS NOT NULL
 *   ) AS first_exposures_variant_keys,
 *   identities AS (
 *     SELECT
 *       groupBitOr(bitXor(transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) * 4294967297, 18446744069414584320)) AS rank_bits,
 *       min(toUnixTimestamp(`timestamp`)) AS first_second
 *     FROM `events`
 *     WHERE `environment_key` = {environment_key:String}
 *       AND `event` = {event_name:String}
 *       AND `feature_name` = {feature_name:String}
 *       AND `timestamp` >= fromUnixTimestamp64Milli({start_ms:Int64})
 *       AND `timestamp` < fromUnixTimestamp64Milli({as_of_ms:Int64})
 *       AND `value` IS NOT NULL
 *       AND toString(`identifier`) != if(position(toTypeName(`identifier`), 'UUID') > 0, '00000000-0000-0000-0000-000000000000', '')
 *       AND transform(toString(`value`), first_exposures_variant_keys, arrayEnumerate(first_exposures_variant_keys), 0) > 0
 *     GROUP BY reinterpretAsUInt128(murmurHash3_128(assumeNotNull(`identifier`)))
 *   ),
 *   buckets AS (
 *     SELECT
 *       if(bitAnd(rank_bits, bitShiftRight(rank_bits, 32)) = 0, toUInt32(rank_bits), 0) AS counted_rank,
 *       toStartOfDay(toDateTime(first_second, 'UTC'), {time_zone:String}) AS local_bucket,
 *       count() AS identities_counted
 *     FROM identities
 *     GROUP BY counted_rank, local_bucket
 *   )
 * SELECT
 *   counted_rank = 0 AS quarantined,
 *   if(counted_rank = 0, NULL, first_exposures_variant_keys[counted_rank]) AS variant,
 *   toDateTime(local_bucket, 'UTC') AS bucket,
 *   identities_counted AS new_identities
 * FROM buckets
 * ORDER BY local_bucket, counted_rank = 0, counted_rank
 * LIMIT {row_limit:UInt64}
 * ```
 */
export function firstExposuresQuery(
  spec: ExposureSpec,
  window: ExposureWindow,
  options: FirstExposuresQueryOptions = {},
): ExposuresQuery {
  const complete = exposureSpec(spec)
  const { timeZone, multiVariant, identityKey, maxRows, source } = complete
  const { startMs, asOfMs } = checkedWindow(window)
  assertOptions(options, ['partition'], 'options')
  const partition = options.partition === undefined ? undefined : identityPartition(options.partition)
  const pushedDown = source.cluster !== null && source.shardedByIdentity
  const tables = (table: ExposureSource['table']): string =>
    scanned(table, pushedDown ? null : source.cluster)
  const { columns, predicates, hasIdentity, own, ...scanning } = exposureScan(complete, { startMs, asOfMs })
  const inPartition = (of: string): string[] => (partition === undefined ? [] : [isOfPartition(of)])

  const rolledUpNames = {
    identity: own('identity'),
    variantKey: own('variant_key'),
    exposedAt: own('exposed_at'),
  }
  const rolledUp = selectRolledUpExposures(
    source,
    columns,
    { startMs, asOfMs },
    identityKey,
    predicates,
    tables,
    rolledUpNames,
  )
  const shared = {
    cluster: source.cluster,
    startOfBucket: scanning.startOfBucket,
    names: {
      // Read beside all of the table's columns, of which one with this name would be read instead: hence so long.
      variantKeys: own('first_exposures_variant_keys'),
      exposures: own('exposures'),
      identities: own('identities'),
      buckets: own('buckets'),
      rankBits: own('rank_bits'),
      firstSecond: own('first_second'),
      firstNanoAndRank: own('first_nano_and_rank'),
      hashesAnd: own('hashes_and'),
      hashesOr: own('hashes_or'),
      firstNanoAndKey: own('first_nano_and_key'),
      keyScanned: own('key_scanned'),
    },
  }
  const scan: Scan =
    rolledUp === null
      ? {
          ...shared,
          from: tables(source.table),
          predicates,
          identityPredicates: [hasIdentity, ...inPartition(columns.identity)],
          identityGroup: scanning.identityGroup,
          variantKey: scanning.variantKey,
          exposedAt: columns.timestamp,
        }
      : {
          ...shared,
          // Inside a view the statement's own names are not known.
          from: pushedDown ? `(\n    ${rolledUp.select}\n    )` : shared.names.exposures,
          ...(pushedDown ? {} : { exposures: rolledUp.select }),
          predicates: [],
          identityPredicates: inPartition(rolledUpNames.identity),
          identityGroup: identityKey === 'hash' ? asNumber(rolledUpNames.identity) : rolledUpNames.identity,
          variantKey: rolledUpNames.variantKey,
          exposedAt: rolledUpNames.exposedAt,
        }
  const query = pushedDown ? answerOfShards(multiVariant, scan) : answerOfTable(multiVariant, scan)

  return Object.freeze({
    query,
    query_params: Object.freeze({
      ...scanning.query_params,
      ...rolledUp?.query_params,
      time_zone: timeZone,
      row_limit: maxRows + 1,
      ...(partition === undefined ? {} : { partition_index: partition.index, partition_count: partition.of }),
    }),
    format: 'JSONEachRow',
  })
}

/** Its own hash, salted: tables are often sharded by a plain one, and every part must hold some of every shard. */
function isOfPartition(identity: string): string {
  return `cityHash64('partition', assumeNotNull(${identity})) % {partition_count:UInt64} = {partition_index:UInt64}`
}

function identityPartition({ index, of }: IdentityPartition): IdentityPartition {
  if (!Number.isInteger(of) || of < 1 || of > 65_536) {
    throw invalidSpec('partition.of', of, 'Pass a whole number from 1 to 65,536.')
  }
  if (!Number.isInteger(index) || index < 0 || index >= of) {
    throw invalidSpec('partition.index', index, `Pass a whole number from 0 to ${of - 1}.`)
  }
  return { index, of }
}

/** The parts that both forms of the statement are made of. */
interface Scan {
  /** The table, or the cluster's tables, as they stand after FROM. */
  readonly from: string
  /** The SELECT that `from` is a name of, where it is. */
  readonly exposures?: string
  readonly cluster: string | null
  readonly predicates: readonly string[]
  readonly identityPredicates: readonly string[]
  readonly identityGroup: string
  readonly variantKey: string
  readonly exposedAt: string
  readonly startOfBucket: 'toStartOfHour' | 'toStartOfDay'
  readonly names: Readonly<
    Record<
      | 'variantKeys'
      | 'exposures'
      | 'identities'
      | 'buckets'
      | 'rankBits'
      | 'firstSecond'
      | 'firstNanoAndRank'
      | 'hashesAnd'
      | 'hashesOr'
      | 'firstNanoAndKey'
      | 'keyScanned',
      string
    >
  >
}

/** The statement that reads a table, or the tables of a cluster, and puts the states of an identity together itself. */
function answerOfTable(multiVariant: MultiVariantPolicy, scan: Scan): string {
  const { from, exposures, predicates, identityPredicates, identityGroup, variantKey, startOfBucket, names } =
    scan
  const { variantKeys, rank } = variantRanks({ from, predicates, variantKey }, names.variantKeys)
  const { identityState, countedRank, firstSecond } = rankedStates[multiVariant](rank, scan.exposedAt, names)
  const exposuresNamed = exposures === undefined ? '' : `${from} AS (\n    ${exposures}\n  ),\n  `
  return `WITH
  ${exposuresNamed}${variantKeys},
  ${names.identities} AS (
    SELECT
      ${identityState.join(',\n      ')}
    FROM ${from}${where([...predicates, ...identityPredicates, `${rank} > 0`], 4)}
    GROUP BY ${identityGroup}
  ),
  ${names.buckets} AS (
    SELECT
      ${countedRank} AS counted_rank,
      ${startOfBucket}(toDateTime(${firstSecond}, 'UTC'), {time_zone:String}) AS local_bucket,
      count() AS identities_counted
    FROM ${names.identities}
    GROUP BY counted_rank, local_bucket
  )
SELECT
  counted_rank = 0 AS ${resultColumns.quarantined},
  if(counted_rank = 0, NULL, ${names.variantKeys}[counted_rank]) AS ${resultColumns.variant},
  toDateTime(local_bucket, 'UTC') AS ${resultColumns.bucket},
  identities_counted AS ${resultColumns.newIdentities}
FROM ${names.buckets}
ORDER BY local_bucket, counted_rank = 0, counted_rank
LIMIT {row_limit:UInt64}${everyShard(scan.cluster)}`
}

/**
 * The bucket rows of one shard: quarantined, variant, local bucket, identities. A scalar subquery would be read by
 * the node that is asked, of its own table, and its value sent to the others, so here is none: no list of variants,
 * and no ranks. An identity's variants are told apart by a 64-bit hash, whose name comes from a small second scan (two
 * variants of one hash fail the statement), or by the key itself, behind the instant as 8 bytes that sort as text.
 */
const shardRows: Readonly<Record<MultiVariantPolicy, (scan: Scan) => string>> = {
  quarantine: ({
    from,
    predicates,
    identityPredicates,
    identityGroup,
    variantKey,
    exposedAt,
    startOfBucket,
    names: { hashesAnd, hashesOr, firstSecond, keyScanned },
  }) => `SELECT in_many, variant_name, local_bucket, identities_counted
        FROM (
          SELECT
            toUInt8(${hashesAnd} != ${hashesOr}) AS in_many,
            if(in_many, toUInt64(0), ${hashesOr}) AS variant_hash,
            ${startOfBucket}(toDateTime(${firstSecond}, 'UTC'), {time_zone:String}) AS local_bucket,
            count() AS identities_counted
          FROM (
            SELECT
              groupBitAnd(cityHash64(assumeNotNull(${variantKey}))) AS ${hashesAnd},
              groupBitOr(cityHash64(assumeNotNull(${variantKey}))) AS ${hashesOr},
              min(toUnixTimestamp(${exposedAt})) AS ${firstSecond}
            FROM ${from}${where([...predicates, ...identityPredicates], 12)}
            GROUP BY ${identityGroup}
          )
          GROUP BY in_many, variant_hash, local_bucket
        ) AS counted
        INNER JOIN (
          SELECT toUInt8(0) AS in_many, cityHash64(${keyScanned}) AS variant_hash, any(${keyScanned}) AS variant_name
          FROM (
            SELECT assumeNotNull(${variantKey}) AS ${keyScanned}
            FROM ${from}${where(predicates, 12)}
            GROUP BY assumeNotNull(${variantKey})
          )
          GROUP BY variant_hash
          HAVING throwIf(count() > 1, 'first-exposure: two variants have the same hash') = 0
          UNION ALL
          SELECT toUInt8(1) AS in_many, toUInt64(0) AS variant_hash, '' AS variant_name
        ) AS named USING (in_many, variant_hash)`,
  'first-seen': ({
    from,
    predicates,
    identityPredicates,
    identityGroup,
    variantKey,
    exposedAt,
    startOfBucket,
    names: { firstNanoAndKey },
  }) => `SELECT
          toUInt8(0) AS in_many,
          substring(${firstNanoAndKey}, 9) AS variant_name,
          ${startOfBucket}(toDateTime(toUInt32(intDiv(reinterpretAsInt64(reverse(substring(${firstNanoAndKey}, 1, 8))) - ${nanoOffset}, 1000000000)), 'UTC'), {time_zone:String}) AS local_bucket,
          count() AS identities_counted
        FROM (
          SELECT min(concat(${sortableNanoseconds(exposedAt)}, assumeNotNull(${variantKey}))) AS ${firstNanoAndKey}
          FROM ${from}${where([...predicates, ...identityPredicates], 10)}
          GROUP BY ${identityGroup}
        )
        GROUP BY variant_name, local_bucket`,
}

/**
 * What all shards say together, where each has all exposures of its identities. A shard answers with one row, whose
 * list holds its bucket rows, and says how many shards there are: where fewer answered, because the server is set to
 * skip those that are down, the statement fails.
 */
function answerOfShards(multiVariant: MultiVariantPolicy, scan: Scan): string {
  return `WITH
  shards AS (
    SELECT
      if(throwIf(count() = 0 OR count() != max(shards_asked), '${missingShards}') = 0, groupArrayArray(shard_rows), []) AS all_rows
    FROM cluster({cluster:String}, view(
      SELECT
        groupArray((in_many, variant_name, toUnixTimestamp(local_bucket), identities_counted)) AS shard_rows,
        shardCount() AS shards_asked
      FROM (
        ${shardRows[multiVariant](scan)}
        LIMIT {row_limit:UInt64}
      )
    ))
  )
SELECT
  shard_row.1 AS ${resultColumns.quarantined},
  if(shard_row.1, NULL, shard_row.2) AS ${resultColumns.variant},
  toDateTime(shard_row.3, 'UTC') AS ${resultColumns.bucket},
  sum(shard_row.4) AS ${resultColumns.newIdentities}
FROM (SELECT arrayJoin(all_rows) AS shard_row FROM shards)
GROUP BY shard_row.1, shard_row.2, shard_row.3
ORDER BY shard_row.3, shard_row.1, shard_row.2
LIMIT {row_limit:UInt64}`
}
