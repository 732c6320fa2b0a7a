import { sql, type Sql } from '../sql/sql.js'
import { textOrNull } from './columns.js'
import { sortableInstant } from './instants.js'

/**
 * What an identity keeps of a column: its value at the first exposure. If there are several at that instant, it is the
 * smallest in byte order. NULL is a value like any other and comes last in that order.
 */
export function valueAtFirst(exposedAt: Sql, column: Sql): Sql {
  return sql`min(concat(${sortableInstant(exposedAt)}, ifNull(concat('0', ${textOrNull(column)}), '1')))`
}

/** The value in that state, as text that sorts in this order. */
export function sortedValue(kept: Sql): Sql {
  return sql`substring(${kept}, 9)`
}

/** The value itself, or NULL. */
export function valueOf(sorted: Sql): Sql {
  return sql`if(${sorted} = '1', NULL, substring(${sorted}, 2))`
}
