import type { ExposureSource } from '../experiment/exposure-source.js'
import { columnsOf, isIdentity, type Columns } from '../scan/columns.js'
import { rollupColumns } from '../scan/rolled-up-exposures.js'
import { tables } from '../scan/shards.js'
import { ownNames } from '../sql/own-names.js'
import { lines, sql, where, type Sql } from '../sql/sql.js'

/** Every exposure among a source's rows, as a rollup holds it. */
export interface SourceExposures {
  readonly select: Sql
  /** What its columns are called. */
  readonly names: Readonly<
    Record<'environment' | 'event' | 'feature' | 'day' | 'identity' | 'variant' | 'exposedAt', Sql>
  >
}

/**
 * The one SELECT under the view, the backfill and the audit, so that they cannot disagree about what an exposure is.
 *
 * @param predicates - on the source's columns; only rows that meet them are converted, and the instants among them
 *   must fit nanoseconds in 64 bits
 * @param guards - what makes sure that the columns can be read rightly; a view has none, because it must never fail an
 *   insert
 * @param cluster - whose every shard's table is read; default: the server's own, as a view and a backfill do
 */
export function sourceExposures(
  source: ExposureSource,
  predicates: (columns: Columns) => readonly Sql[],
  guards: (columns: Columns) => readonly Sql[],
  cluster: string | null = null,
): SourceExposures {
  const columns = columnsOf(source.columns)
  // An alias that is also a column of the source would stand for that column in the predicates.
  const own = ownNames({ source, filters: [], breakdown: null })
  const [environment, event, feature, day] = own(
    rollupColumns.environment,
    rollupColumns.event,
    rollupColumns.feature,
    rollupColumns.day,
  )
  const [identity, variant, exposedAt] = own(rollupColumns.identity, rollupColumns.variant, 'exposed_at')
  const asText = (column: Sql): Sql => sql`assumeNotNull(toString(${column}))`
  const selected = [
    ...(columns.environment === null ? [] : [sql`${asText(columns.environment)} AS ${environment}`]),
    ...(columns.event === null ? [] : [sql`${asText(columns.event)} AS ${event}`]),
    sql`${asText(columns.feature)} AS ${feature}`,
    sql`toDate(${columns.timestamp}, 'UTC') AS ${day}`,
    sql`${asText(columns.identity)} AS ${identity}`,
    sql`${asText(columns.variant)} AS ${variant}`,
    sql`toDateTime64(${columns.timestamp}, 9, 'UTC') AS ${exposedAt}`,
  ]
  const isExposure = [sql`${columns.variant} IS NOT NULL`, isIdentity(columns.identity)]
  return {
    names: { environment, event, feature, day, identity, variant, exposedAt },
    select: sql`
      SELECT
        ${lines(...selected)}
      FROM ${tables(source.table, cluster)}
      ${where([...guards(columns), ...predicates(columns), ...isExposure])}
    `,
  }
}
