import { invalidSpec } from '../errors.js'
import { bound, sql, type Sql } from '../sql/sql.js'

/** A part of the identities: those whose hash modulo `of` is `index`. */
export interface IdentityPartition {
  /** From 0 to `of - 1`. */
  readonly index: number
  /** From 1 to 65,536. */
  readonly of: number
}

/** The condition for an identity of the partition. Empty if there is no partition. Throws `invalid-spec`. */
export function inPartition(partition: IdentityPartition | undefined, identity: Sql): readonly Sql[] {
  if (partition === undefined) return []
  const { index, of } = partition
  if (!Number.isInteger(of) || of < 1 || of > 65_536) {
    throw invalidSpec('partition.of', of, 'Pass a whole number from 1 to 65,536.')
  }
  if (!Number.isInteger(index) || index < 0 || index >= of) {
    throw invalidSpec('partition.index', index, `Pass a whole number from 0 to ${of - 1}.`)
  }
  // The hash is salted. Tables are often sharded by a plain hash, and every partition must hold some of every shard.
  const hash = sql`cityHash64('partition', assumeNotNull(${identity}))`
  return [
    sql`${hash} % ${bound('partition_count', 'UInt64', of)} = ${bound('partition_index', 'UInt64', index)}`,
  ]
}
