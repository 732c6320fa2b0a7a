import { invalidSpec } from '../errors.js'
import { bound, sql, type Sql } from '../sql/sql.js'

/** Some of the identities: those whose hash leaves `index` when divided by `of`. */
export interface IdentityPartition {
  /** From 0 to `of - 1`. */
  readonly index: number
  /** From 1 to 65,536. */
  readonly of: number
}

/** What an identity of the partition meets; nothing where there is no partition. Throws `invalid-spec`. */
export function inPartition(partition: IdentityPartition | undefined, identity: Sql): readonly Sql[] {
  if (partition === undefined) return []
  const { index, of } = partition
  if (!Number.isInteger(of) || of < 1 || of > 65_536) {
    throw invalidSpec('partition.of', of, 'Pass a whole number from 1 to 65,536.')
  }
  if (!Number.isInteger(index) || index < 0 || index >= of) {
    throw invalidSpec('partition.index', index, `Pass a whole number from 0 to ${of - 1}.`)
  }
  // Its own hash, salted: tables are often sharded by a plain one, and every partition must hold some of every shard.
  const hash = sql`cityHash64('partition', assumeNotNull(${identity}))`
  return [
    sql`${hash} % ${bound('partition_count', 'UInt64', of)} = ${bound('partition_index', 'UInt64', index)}`,
  ]
}
