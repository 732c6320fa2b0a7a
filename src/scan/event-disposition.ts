import { joined, sql, text, type Sql } from '../sql/sql.js'
import type { ExposureScan } from './exposure-scan.js'

/** What becomes of an event of the experiment: the first reason, in this order, why it is not an exposure. */
export type EventDisposition =
  'no-timestamp' | 'before-window' | 'after-window' | 'filtered' | 'no-variant' | 'no-identity' | 'exposure'

/** All dispositions, in that order. */
export const eventDispositions: readonly EventDisposition[] = [
  'no-timestamp',
  'before-window',
  'after-window',
  'filtered',
  'no-variant',
  'no-identity',
  'exposure',
]

/** The disposition of an event as SQL. A condition that is NULL is false, as in a WHERE. */
export function dispositionSql(scan: ExposureScan): Sql {
  const [started, notOver] = scan.inWindow
  const kept: readonly (readonly [EventDisposition, Sql])[] = [
    ['no-timestamp', sql`${scan.columns.timestamp} IS NOT NULL`],
    ['before-window', started],
    ['after-window', notOver],
    ...(scan.filters.length === 0 ? [] : [['filtered', joined(scan.filters, ' AND ')] as const]),
    ['no-variant', scan.hasVariant],
    ['no-identity', scan.hasIdentity],
  ]
  const steps = kept.map(
    ([disposition, condition]) => sql`ifNull(NOT (${condition}), 1), '${text(disposition)}',`,
  )
  return sql`
    multiIf(
      ${joined(steps, '\n')}
      'exposure'
    )
  `
}
