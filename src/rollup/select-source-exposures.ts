import { isIdentity } from '../query/is-identity.js'
import { ownNames } from '../query/own-names.js'
import { scanned } from '../query/exposure-scan.js'
import { rollupColumns } from '../query/rollup-columns.js'
import { sourceColumns, type SourceColumns } from '../query/source-columns.js'
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
 * @param cluster - whose every shard's table is read; default: the server's own, as a view and a backfill do
 */
export function selectSourceExposures(
  source: ExposureSource,
  predicates: (columns: SourceColumns['sql']) => readonly string[],
  cluster: string | null = null,
): {
  readonly lines: readonly string[]
  readonly names: SourceExposureNames
  readonly query_params: SourceColumns['query_params']
} {
  const { sql: columns, query_params } = sourceColumns(source.columns)
  // An alias that is also a column of the source would stand for that column in the predicates.
  const own = ownNames({ source, filters: [], breakdown: null })
  const names = {
    environment: own(rollupColumns.environment),
    event: own(rollupColumns.event),
    feature: own(rollupColumns.feature),
    day: own(rollupColumns.day),
    identity: own(rollupColumns.identity),
    variant: own(rollupColumns.variant),
    exposedAt: own('exposed_at'),
  }
  const text = (column: string): string => `assumeNotNull(toString(${column}))`
  const selected = [
    ...(columns.environment === null ? [] : [`${text(columns.environment)} AS ${names.environment}`]),
    ...(columns.event === null ? [] : [`${text(columns.event)} AS ${names.event}`]),
    `${text(columns.feature)} AS ${names.feature}`,
    `toDate(${columns.timestamp}, 'UTC') AS ${names.day}`,
    `${text(columns.identity)} AS ${names.identity}`,
    `${text(columns.variant)} AS ${names.variant}`,
    `toDateTime64(${columns.timestamp}, 9, 'UTC') AS ${names.exposedAt}`,
  ]
  const restricted = [...predicates(columns), `${columns.variant} IS NOT NULL`, isIdentity(columns.identity)]
  return {
    names,
    query_params,
    lines: [
      'SELECT',
      ...selected.map((column, index) => `  ${column}${index < selected.length - 1 ? ',' : ''}`),
      `FROM ${scanned(source.table, cluster)}`,
      ...restricted.map((predicate, index) => `${index === 0 ? 'WHERE' : '  AND'} ${predicate}`),
    ],
  }
}
