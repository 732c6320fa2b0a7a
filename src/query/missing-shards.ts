/** What the statement says when it fails because shards were skipped; how the failure is known for what it is. */
export const missingShards = 'first-exposure: not every shard answered'
