import { isIdentity } from '../query/is-identity.js'
import { quoteIdentifier } from '../query/quote-identifier.js'
import { quoteTable } from '../query/quote-table.js'
import { rollupColumns } from '../query/rollup-columns.js'
import type { ExposureSource } from '../spec/exposure-source.js'

/** What {@link selectSourceExposures} calls its columns. */
export interface SourceExposureNames {
  readonly environment: string
  readonly event: string
  readonly feature: string
  readonly day: string
  readonly identity: string
  readonly variant: string
  readonly exposedAt: string
}

/**
 * Every exposure among a source's rows, as a rollup holds it: the one SELECT under the view, the backfill and the
 * audit, so that they cannot disagree about what an exposure is.
 *
 * @param predicates - on the source's columns; only rows that meet them are converted, and the instants among them
 *   must fit nanoseconds in 64 bits
 */
export function selectSourceExposures(
  { table, columns }: ExposureSource,
  predicates: readonly string[],
): { readonly lines: readonly string[]; readonly names: SourceExposureNames } {
  // An alias that is also a column of the source would stand for that column in the predicates.
  const taken = new Set<string | null>([table.table, ...Object.values(columns)])
  const own = (name: string): string => (taken.has(name) ? own(`${name}_`) : name)
  const names = {
    environment: own(rollupColumns.environment),
    event: own(rollupColumns.event),
    feature: own(rollupColumns.feature),
    day: own(rollupColumns.day),
    identity: own(rollupColumns.identity),
    variant: own(rollupColumns.variant),
    exposedAt: own('exposed_at'),
  }
  const text = (column: string): string => `assumeNotNull(toString(${quoteIdentifier(column)}))`
  const timestamp = quoteIdentifier(columns.timestamp)
  const selected = [
    ...(columns.environment === null ? [] : [`${text(columns.environment)} AS ${names.environment}`]),
    ...(columns.event === null ? [] : [`${text(columns.event)} AS ${names.event}`]),
    `${text(columns.feature)} AS ${names.feature}`,
    `toDate(${timestamp}, 'UTC') AS ${names.day}`,
    `${text(columns.identity)} AS ${names.identity}`,
    `${text(columns.variant)} AS ${names.variant}`,
    `toDateTime64(${timestamp}, 9, 'UTC') AS ${names.exposedAt}`,
  ]
  const restricted = [
    ...predicates,
    `${quoteIdentifier(columns.variant)} IS NOT NULL`,
    isIdentity(quoteIdentifier(columns.identity)),
  ]
  return {
    names,
    lines: [
      'SELECT',
      ...selected.map((column, index) => `  ${column}${index < selected.length - 1 ? ',' : ''}`),
      `FROM ${quoteTable(table)}`,
      ...restricted.map((predicate, index) => `${index === 0 ? 'WHERE' : '  AND'} ${predicate}`),
    ],
  }
}
