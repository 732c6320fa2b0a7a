import { sql, type Sql } from '../sql/sql.js'
import { sortableInstant } from './instants.js'

/**
 * What an identity keeps of a column: its value at the first exposure; of several at that instant, the least in byte
 * order. NULL is a value like any other and the last in that order.
 */
export function valueAtFirst(exposedAt: Sql, column: Sql): Sql {
  return sql`min(concat(${sortableInstant(exposedAt)}, ifNull(concat('0', toString(${column})), '1')))`
}

/** Of that: the value as text that sorts so. */
export function sortedValue(kept: Sql): Sql {
  return sql`substring(${kept}, 9)`
}

/** Of that: the value, or NULL. */
export function valueOf(sorted: Sql): Sql {
  return sql`if(${sorted} = '1', NULL, substring(${sorted}, 2))`
}
