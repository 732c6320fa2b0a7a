import type { ExposureSource } from '../experiment/exposure-source.js'
import { columnsOf, isIdentity, textOrNull, type Columns } from '../scan/columns.js'
import { rollupColumns } from '../scan/rolled-up-exposures.js'
import { tables } from '../scan/shards.js'
import { identifier } from '../sql/identifiers.js'
import { ownNames } from '../sql/own-names.js'
import { lines, sql, where, type Sql } from '../sql/sql.js'

/** All exposures in a source's rows, in the form that a rollup holds. */
export interface SourceExposures {
  readonly select: Sql
  /** What its columns are called. */
  readonly names: Readonly<
    Record<'environment' | 'event' | 'feature' | 'identity' | 'variant' | 'exposedAt', Sql>
  >
  /** What the columns are called that hold the values of the declared columns. */
  readonly values: readonly Sql[]
}

/**
 * The SELECT that the view, the backfill and the audit share, so that they agree about what an exposure is.
 *
 * @param predicates - conditions on the source's columns; only rows that meet them are converted, and the instants of
 *   those rows must fit nanoseconds in 64 bits
 * @param guards - conditions that make sure that the columns can be read correctly; a view has none, because it must
 *   never make an insert fail
 * @param cluster - the cluster whose shards are all read; default: only the server's own table, as for a view and a
 *   backfill
 */
export function sourceExposures(
  source: ExposureSource,
  predicates: (columns: Columns) => readonly Sql[],
  guards: (columns: Columns) => readonly Sql[],
  cluster: string | null = null,
): SourceExposures {
  const columns = columnsOf(source.columns)
  // If an alias had the name of a source column, it would replace that column in the predicates.
  const own = ownNames({ source, filters: [], breakdown: null })
  const [environment, event, feature, identity, variant, exposedAt] = own(
    rollupColumns.environment,
    rollupColumns.event,
    rollupColumns.feature,
    rollupColumns.identity,
    'variant',
    'exposed_at',
  )
  const declared = source.rollup?.columns ?? []
  const values = declared.map((_, index) => own(`declared_${index + 1}` as const)[0])
  const asText = (column: Sql): Sql => sql`assumeNotNull(toString(${column}))`
  const selected = [
    ...(columns.environment === null ? [] : [sql`${asText(columns.environment)} AS ${environment}`]),
    ...(columns.event === null ? [] : [sql`${asText(columns.event)} AS ${event}`]),
    sql`${asText(columns.feature)} AS ${feature}`,
    sql`${asText(columns.identity)} AS ${identity}`,
    sql`${asText(columns.variant)} AS ${variant}`,
    sql`toDateTime64(${columns.timestamp}, 9, 'UTC') AS ${exposedAt}`,
    ...declared.map(
      (name, index) =>
        sql`CAST(${textOrNull(identifier(name))}, 'Nullable(String)') AS ${values[index] ?? variant}`,
    ),
  ]
  const isExposure = [sql`${columns.variant} IS NOT NULL`, isIdentity(columns.identity)]
  return {
    names: { environment, event, feature, identity, variant, exposedAt },
    values,
    select: sql`
      SELECT
        ${lines(...selected)}
      FROM ${tables(source.table, cluster)}
      ${where([...guards(columns), ...predicates(columns), ...isExposure])}
    `,
  }
}
