import type { ExposureScan } from './exposure-scan.js'

/** What becomes of an event of the experiment: the first thing that keeps it from being an exposure, in this order. */
export type EventDisposition =
  'no-timestamp' | 'before-window' | 'after-window' | 'filtered' | 'no-variant' | 'no-identity' | 'exposure'

/** All of them, in that order. */
export const eventDispositions: readonly EventDisposition[] = [
  'no-timestamp',
  'before-window',
  'after-window',
  'filtered',
  'no-variant',
  'no-identity',
  'exposure',
]

/** The disposition of an event as SQL, so far in. A condition that is NULL is not met, as in a WHERE. */
export function dispositionSql(scan: ExposureScan, indent: number): string {
  const [started, notOver] = scan.inWindow
  const kept: readonly (readonly [EventDisposition, string])[] = [
    ['no-timestamp', `${scan.columns.timestamp} IS NOT NULL`],
    ['before-window', started],
    ['after-window', notOver],
    ...(scan.filters.length === 0 ? [] : [['filtered', scan.filters.join(' AND ')] as const]),
    ['no-variant', scan.hasVariant],
    ['no-identity', scan.hasIdentity],
  ]
  const line = `\n${' '.repeat(indent)}`
  const steps = kept.map(([disposition, condition]) => `ifNull(NOT (${condition}), 1), '${disposition}',`)
  return `multiIf(${line}  ${[...steps, "'exposure'"].join(`${line}  `)}${line})`
}
