import type { ClickHouseClient } from '@clickhouse/client'
import type { ExposureSpec, SourceColumn, SourceTable } from '../index.js'
import { oneLine } from './report-error.js'

const optionOf: Readonly<Record<string, string>> = {
  environment: '--environment-column or --no-environment-column',
  feature: '--feature-column or --no-feature-column',
  event: '--event-column or --no-event-column',
  timestamp: '--timestamp',
  identity: '--identity',
  variant: '--variant',
  arrival: '--arrival',
}

/**
 * What a server does not have, if that is why it refused: the database, the table, or columns. All missing columns are
 * named at once, each with the option that names it, and what is there instead. `undefined` for any other error, and if
 * the server does not tell.
 */
export async function notOnServer(
  client: ClickHouseClient,
  spec: ExposureSpec,
  error: unknown,
): Promise<string | undefined> {
  const { type } = error as { readonly type?: unknown }
  // The arguments of the report name a table.
  const { database, table } = spec.source.table as SourceTable
  const names = async (query: string): Promise<readonly string[]> => {
    const result = await client.query({
      query,
      query_params: { ...(database === null ? {} : { database }), table },
      format: 'JSONEachRow',
    })
    return (await result.json<{ name: string }>()).map(({ name }) => name)
  }
  const inDatabase = database === null ? 'currentDatabase()' : '{database:String}'
  try {
    if (type === 'UNKNOWN_DATABASE') {
      const there = await names('SELECT name FROM system.databases ORDER BY name')
      return `the server has no database ${quoted(database)}. Its databases: ${listed(there)}. Choose one with --database.`
    }
    if (type === 'UNKNOWN_TABLE') {
      const elsewhere = await names(
        'SELECT DISTINCT database AS name FROM system.tables WHERE tables.name = {table:String} ORDER BY name',
      )
      const there = await names(
        `SELECT name FROM system.tables WHERE database = ${inDatabase} AND NOT is_temporary ORDER BY name`,
      )
      return (
        `the server has no table ${quoted(table)} in ${database === null ? "the user's database" : `the database ${quoted(database)}`}. ` +
        (elsewhere.length > 0
          ? `A table of this name is in ${listed(elsewhere)}: choose it with --database.`
          : there.length > 0
            ? `Its tables: ${listed(there)}. Choose one with --table.`
            : 'It has no tables that this user may see. Choose another with --database.')
      )
    }
    if (type !== 'UNKNOWN_IDENTIFIER') return undefined
    const there = await names(
      `DESCRIBE TABLE ${database === null ? '' : '{database:Identifier}.'}{table:Identifier}`,
    )
    const missing = Object.entries(spec.source.columns).flatMap(
      ([field, column]: [string, SourceColumn | null]) =>
        typeof column === 'string' && !there.includes(column)
          ? [`column ${quoted(column)} (${optionOf[field]})`]
          : [],
    )
    if (missing.length === 0) return undefined
    return `the table ${quoted(table)} has no ${missing.join(', and no ')}. Its columns: ${listed(there)}.`
  } catch {
    // A user who may not ask this still gets the first error.
    return undefined
  }
}

const most = 30

function listed(names: readonly string[]): string {
  const shown = names.slice(0, most).map(quoted)
  return [...shown, ...(names.length > most ? [`and ${names.length - most} more`] : [])].join(', ')
}

function quoted(name: string | null): string {
  return JSON.stringify(oneLine(name ?? '', 60))
}
