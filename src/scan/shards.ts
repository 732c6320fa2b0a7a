import type { ExposureSource } from '../experiment/exposure-source.js'
import { tableName } from '../sql/identifiers.js'
import { bound, sql, type Sql } from '../sql/sql.js'

/** A table as it stands after FROM: by itself, or on every shard of a cluster. */
export function tables(table: ExposureSource['table'], cluster: string | null): Sql {
  return cluster === null
    ? tableName(table)
    : sql`cluster(${bound('cluster', 'String', cluster)}, ${tableName(table)})`
}

/** The table of a source's events as it stands after FROM; replaced rows left out where the source says so. */
export function eventTables(source: ExposureSource, cluster: string | null = source.cluster): Sql {
  const from = tables(source.table, cluster)
  return source.final === true ? sql`${from} FINAL` : from
}

/** The setting of a statement that reads a cluster's tables: a shard that is down fails it, whatever the server is set to. */
export function everyShard(cluster: string | null): readonly string[] {
  return cluster === null ? [] : ['skip_unavailable_shards = 0']
}

/** What the statement says when it fails because shards were skipped; how the failure is known for what it is. */
export const missingShards = 'first-exposure: not every shard answered'
