import { sql, where, type Sql } from '../sql/sql.js'
import type { Exposures } from './exposure-scan.js'

// A shard cannot use ranks. A scalar such as the list of the variants is evaluated by the node that receives the query,
// on its own table, and its value is sent to the other nodes. So shards distinguish variants by a hash.

/** The 64-bit hash of an exposure's variant. Two variants may have the same one; {@link variantsByHash} refuses them. */
export function variantHash({ variantKey }: Pick<Exposures, 'variantKey'>): Sql {
  return sql`cityHash64(assumeNotNull(${variantKey}))`
}

/**
 * A SELECT of each hash and its variant, from a small scan of its own, as the columns `in_many` (0), `variant_hash` and
 * `variant_name`. The statement fails if two variants have the same hash.
 *
 * @param key - a name for the variant that is no name of the source
 */
export function variantsByHash({ from, predicates, variantKey }: Exposures, key: Sql): Sql {
  return sql`
    SELECT toUInt8(0) AS in_many, cityHash64(${key}) AS variant_hash, any(${key}) AS variant_name
    FROM (
      SELECT assumeNotNull(${variantKey}) AS ${key}
      FROM ${from}
      ${where(predicates)}
      GROUP BY assumeNotNull(${variantKey})
    )
    GROUP BY variant_hash
    HAVING throwIf(count() > 1, 'first-exposure: two variants have the same hash') = 0
  `
}
