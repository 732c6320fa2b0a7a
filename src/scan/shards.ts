import type { ExposureSource } from '../experiment/exposure-source.js'
import type { ExposureSpec } from '../experiment/exposure-spec.js'
import { tableName } from '../sql/identifiers.js'
import { bound, sql, trustedSelect, type Sql } from '../sql/sql.js'
import { isTrustedSql } from '../sql/trusted-sql.js'

/**
 * A table as written after FROM: the table itself, that table on every shard of a cluster, or a SELECT in parentheses.
 */
export function tables(table: ExposureSource['table'], cluster: string | null): Sql {
  if (isTrustedSql(table)) return trustedSelect(table, 'source')
  return cluster === null
    ? tableName(table)
    : sql`cluster(${bound('cluster', 'String', cluster)}, ${tableName(table)})`
}

/** The table of a source's events as written after FROM. Replaced rows are left out if the source says so. */
export function eventTables(source: ExposureSource, cluster: string | null = source.cluster): Sql {
  const from = tables(source.table, cluster)
  return source.final === true ? sql`${from} FINAL` : from
}

/**
 * Whether each shard counts its own identities. With aliases, the identifiers of one identity may be on several shards,
 * so their states are merged where the query arrives.
 */
export function countsOnShards({ source, aliases }: Pick<ExposureSpec, 'source' | 'aliases'>): boolean {
  return source.cluster !== null && source.shardedByIdentity && aliases === null
}

/** A setting for statements that read a cluster's tables: they fail if a shard is down, even if the server skips it. */
export function everyShard(cluster: string | null): readonly string[] {
  return cluster === null ? [] : [skipsNoShard]
}

/** That setting. */
export const skipsNoShard = 'skip_unavailable_shards = 0'

/** The message of the statement when it fails because shards were skipped. The failure is recognised by it. */
export const missingShards = 'first-exposure: not every shard answered'
