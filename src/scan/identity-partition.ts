import { anObject } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { bound, sql, type Sql } from '../sql/sql.js'

/** A part of the identities: those whose hash modulo `of` is `index`. */
export interface IdentityPartition {
  /** From 0 to `of - 1`. */
  readonly index: number
  /** From 1 to 65,536. */
  readonly of: number
}

/**
 * What decides the partition of an identity. The hash is salted. Tables are often sharded by a plain hash, and every
 * partition must hold some of every shard.
 */
export function partitionHash(identity: Sql): Sql {
  return sql`cityHash64('partition', assumeNotNull(${identity}))`
}

/** The condition for a hash of the partition. Throws `invalid-spec`. */
export function isInPartition(partition: IdentityPartition, hash: Sql): Sql {
  const { index, of } = anObject(partition, 'partition', invalidSpec) as unknown as IdentityPartition
  if (!Number.isInteger(of) || of < 1 || of > 65_536) {
    throw invalidSpec('partition.of', of, 'Pass a whole number from 1 to 65,536.')
  }
  if (!Number.isInteger(index) || index < 0 || index >= of) {
    throw invalidSpec('partition.index', index, `Pass a whole number from 0 to ${of - 1}.`)
  }
  return sql`${hash} % ${bound('partition_count', 'UInt64', of)} = ${bound('partition_index', 'UInt64', index)}`
}
