import type { ExposureSpec } from '../../experiment/exposure-spec.js'
import type { MultiVariantPolicy } from '../../experiment/multi-variant-policy.js'
import type { Exposures, ExposureScan } from '../../scan/exposure-scan.js'
import type { IdentityPartition } from '../../scan/identity-partition.js'
import { dateTime } from '../../scan/instants.js'
import { rolledUpExposures } from '../../scan/rolled-up-exposures.js'
import { selectedExposures } from '../../scan/selected-exposures.js'
import { settings } from '../../scan/guards.js'
import { shardIdentityStates } from '../../scan/shard-identity-states.js'
import { eventTables, missingShards } from '../../scan/shards.js'
import { variantsByHash } from '../../scan/variant-hashes.js'
import { lines, sql, text, texts, where, type Sql } from '../../sql/sql.js'
import type { ExposureWindow } from '../../time/exposure-window.js'
import { bucketColumns } from './rows.js'

/**
 * Combines the answers of all shards, where each shard has all exposures of its identities. A shard answers with one
 * row, which holds the list of its bucket rows and the number of shards that there are. The statement fails if fewer
 * shards answered, which happens on a server that is set to skip shards that are down.
 */
export function answerOfShards(
  spec: ExposureSpec,
  window: ExposureWindow,
  scan: ExposureScan,
  partition: IdentityPartition | undefined,
): Sql {
  const exposures = selectedExposures(
    scan,
    eventTables(spec.source, null),
    rolledUpExposures(spec, window, scan, null),
    partition,
  )
  const columns = texts(bucketColumns)
  return sql`
    WITH
      shards AS (
        SELECT
          if(throwIf(count() = 0 OR count() != max(shards_asked), '${text(missingShards)}') = 0, groupArrayArray(shard_rows), []) AS all_rows
        FROM cluster(${scan.cluster}, view(
          SELECT
            groupArray((in_many, variant_name, toUnixTimestamp(local_bucket), identities_counted)) AS shard_rows,
            shardCount() AS shards_asked
          FROM (
            ${shardRows[spec.multiVariant](exposures, scan)}
            ${scan.rowLimit}
          )
        ))
        ${where([exposures.guard])}
      )
    SELECT
      shard_row.1 AS ${columns.quarantined},
      if(shard_row.1, NULL, shard_row.2) AS ${columns.variant},
      toDateTime(shard_row.3, 'UTC') AS ${columns.bucket},
      sum(shard_row.4) AS ${columns.newIdentities}
    FROM (SELECT arrayJoin(all_rows) AS shard_row FROM shards)
    GROUP BY shard_row.1, shard_row.2, shard_row.3
    ORDER BY shard_row.3, shard_row.1, shard_row.2
    ${scan.rowLimit}
    ${settings()}
  `
}

/**
 * The bucket rows of one shard: quarantined, variant, local bucket, identities. Under `quarantine`, the name of a
 * variant's hash comes from a small second scan. The statement fails if two variants have the same hash.
 */
const shardRows: Readonly<Record<MultiVariantPolicy, (exposures: Exposures, scan: ExposureScan) => Sql>> = {
  quarantine: (exposures, scan) => {
    const { from, predicates, identityPredicates, identityGroup } = exposures
    const { state, quarantined, countedHash, firstSecond } = shardIdentityStates(
      exposures,
      'quarantine',
      scan.own,
    )
    const [key] = scan.own('key_scanned')
    return sql`
      SELECT in_many, variant_name, local_bucket, identities_counted
      FROM (
        SELECT
          ${quarantined} AS in_many,
          if(in_many, toUInt64(0), ${countedHash}) AS variant_hash,
          ${scan.bucketOf(dateTime(firstSecond))} AS local_bucket,
          count() AS identities_counted
        FROM (
          SELECT
            ${lines(...state)}
          FROM ${from}
          ${where([...predicates, ...identityPredicates])}
          GROUP BY ${identityGroup}
        )
        GROUP BY in_many, variant_hash, local_bucket
      ) AS counted
      INNER JOIN (
        ${variantsByHash(exposures, key)}
        UNION ALL
        SELECT toUInt8(1) AS in_many, toUInt64(0) AS variant_hash, '' AS variant_name
      ) AS named USING (in_many, variant_hash)
    `
  },
  'first-seen': (exposures, scan) => {
    const { from, predicates, identityPredicates, identityGroup } = exposures
    const { state, quarantined, firstSecond, firstInstantAndKey } = shardIdentityStates(
      exposures,
      'first-seen',
      scan.own,
    )
    return sql`
      SELECT
        ${quarantined} AS in_many,
        substring(${firstInstantAndKey}, 9) AS variant_name,
        ${scan.bucketOf(dateTime(firstSecond))} AS local_bucket,
        count() AS identities_counted
      FROM (
        SELECT ${lines(...state)}
        FROM ${from}
        ${where([...predicates, ...identityPredicates])}
        GROUP BY ${identityGroup}
      )
      GROUP BY variant_name, local_bucket
    `
  },
}
