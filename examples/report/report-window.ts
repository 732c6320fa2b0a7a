import type { ClickHouseClient } from '@clickhouse/client'
import { exposureWindow, type ExposureSpec, type ExposureWindow } from 'first-exposure'
import { ReportError } from './report-error.js'

/**
 * The window of a report: what the user said, and otherwise from the first event, floored to the millisecond, to one
 * millisecond past the last, so that every event counts. Only rows that can be exposures have a say.
 *
 * @returns `undefined` where there is no event to take it from
 */
export async function reportWindow(
  client: ClickHouseClient,
  spec: ExposureSpec,
  { startMs, asOfMs }: { readonly startMs: number | undefined; readonly asOfMs: number | undefined },
): Promise<ExposureWindow | undefined> {
  if (startMs !== undefined && asOfMs !== undefined) return exposureWindow(startMs, asOfMs)
  const { table, columns } = spec.source
  const conditions = [
    ...(columns.environment === null ? [] : ['{environment:Identifier} = {environment_key:String}']),
    ...(columns.event === null ? [] : ['{event:Identifier} = {event_name:String}']),
    '{feature:Identifier} = {feature_name:String}',
    '{variant:Identifier} IS NOT NULL',
    `toString({identity:Identifier}) != ''`,
    ...(startMs === undefined
      ? []
      : ['{timestamp:Identifier} >= fromUnixTimestamp64Milli({start_ms:Int64})']),
    ...(asOfMs === undefined ? [] : ['{timestamp:Identifier} < fromUnixTimestamp64Milli({as_of_ms:Int64})']),
  ]
  const result = await client.query({
    query: `SELECT
      toUnixTimestamp64Milli(toDateTime64(min({timestamp:Identifier}), 3)) AS first_ms,
      toUnixTimestamp64Milli(toDateTime64(max({timestamp:Identifier}), 3)) AS last_ms,
      count() AS events
    FROM ${table.database === null ? '' : '{database:Identifier}.'}{table:Identifier}
    WHERE ${conditions.join(' AND ')}`,
    query_params: {
      ...(table.database === null ? {} : { database: table.database }),
      table: table.table,
      ...columns,
      environment_key: spec.environmentKey,
      event_name: spec.eventName,
      feature_name: spec.featureName,
      ...(startMs === undefined ? {} : { start_ms: startMs }),
      ...(asOfMs === undefined ? {} : { as_of_ms: asOfMs }),
    },
    format: 'JSONEachRow',
  })
  const [row] = await result.json<Record<'first_ms' | 'last_ms' | 'events', string | number>>()
  if (row === undefined || Number(row.events) === 0) return undefined
  const window = { startMs: startMs ?? Number(row.first_ms), asOfMs: asOfMs ?? Number(row.last_ms) + 1 }
  try {
    return exposureWindow(window.startMs, window.asOfMs)
  } catch (error) {
    throw new ReportError(
      `the events run from ${new Date(window.startMs).toISOString()} to ${new Date(window.asOfMs).toISOString()}, ` +
        'which is more than 1970-01-02 to 2106-01-01; leave the strays out with --start and --as-of',
      { cause: error },
    )
  }
}
