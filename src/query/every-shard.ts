/** What ends a statement that reads a cluster's tables: a shard that is down fails it, whatever the server is set to. */
export function everyShard(cluster: string | null): string {
  return cluster === null ? '' : '\nSETTINGS skip_unavailable_shards = 0'
}
