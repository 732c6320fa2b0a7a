import type { ClickHouseClient } from '@clickhouse/client'
import { exposureWindow, type ExposureWindow, type SourceColumn, type SourceTable } from '../index.js'
import type { GivenInstant, ReportArguments } from './arguments.js'
import type { Experiment } from './experiment.js'
import { oneLine, ReportError } from './report-error.js'

/**
 * The window of a report. Unless the user gives it, it runs from the first event, rounded down to the millisecond, to
 * one millisecond after the last, so that every event counts. Only rows that can be exposures are considered. If the
 * timestamps are dates, it runs to the end of the last local day, and a date that the user gives is a local day too.
 *
 * @returns `undefined` if there is no event to take it from
 */
export async function reportWindow(
  { client, spec, hasDates = false, extent }: Pick<Experiment, 'client' | 'spec' | 'hasDates' | 'extent'>,
  { start, asOf }: Pick<ReportArguments, 'start' | 'asOf'>,
): Promise<ExposureWindow | undefined> {
  // What the user gives without a zone is a clock of the report's zone, and a date is the start of its local day.
  const msOf = async (given: GivenInstant | undefined): Promise<number | undefined> =>
    given?.local === undefined || spec.timeZone === 'UTC'
      ? given?.ms
      : localInstant(client, given.local, spec.timeZone)
  const startMs = await msOf(start)
  const asOfMs = await msOf(asOf)
  if (startMs !== undefined && asOfMs !== undefined) return exposureWindow(startMs, asOfMs)
  if (startMs === undefined && asOfMs === undefined && extent !== undefined) {
    const { firstMs, lastMs } = extent
    return windowOf(firstMs, hasDates ? await endOfDay(client, lastMs, spec.timeZone) : lastMs + 1)
  }
  const { columns } = spec.source
  // The arguments of the report name a table.
  const table = spec.source.table as SourceTable
  const type = 'toTypeName({timestamp:Identifier})'
  const conditions = [
    // Known without reading a row, and so before a number or a text is taken for an instant.
    `throwIf(position(${type}, 'DateTime') = 0, concat('report: the timestamp has type <', ${type}, '>')) = 0`,
    ...(columns.environment === null ? [] : ['{environment:Identifier} = {environment_key:String}']),
    ...(columns.event === null ? [] : ['{event:Identifier} = {event_name:String}']),
    ...(typeof columns.feature === 'string' ? ['{feature:Identifier} = {feature_name:String}'] : []),
    '{variant:Identifier} IS NOT NULL',
    `toString({identity:Identifier}) != ''`,
    ...(startMs === undefined
      ? []
      : ['{timestamp:Identifier} >= fromUnixTimestamp64Milli({start_ms:Int64})']),
    ...(asOfMs === undefined ? [] : ['{timestamp:Identifier} < fromUnixTimestamp64Milli({as_of_ms:Int64})']),
  ]
  const request = client.query({
    query: `SELECT
      toUnixTimestamp64Milli(toDateTime64(min({timestamp:Identifier}), 3)) AS first_ms,
      ${
        hasDates
          ? 'toUnixTimestamp64Milli(toDateTime64(toDate32(max({timestamp:Identifier}), {time_zone:String}) + 1, 3, {time_zone:String})) - 1'
          : 'toUnixTimestamp64Milli(toDateTime64(max({timestamp:Identifier}), 3))'
      } AS last_ms,
      count() AS events
    FROM ${table.database === null ? '' : '{database:Identifier}.'}{table:Identifier}
    WHERE ${conditions.join(' AND ')}`,
    query_params: {
      ...(table.database === null ? {} : { database: table.database }),
      table: table.table,
      ...Object.fromEntries(Object.entries(columns).filter(([, column]) => typeof column === 'string')),
      environment_key: spec.environmentKey,
      event_name: spec.eventName,
      feature_name: spec.featureName,
      ...(hasDates ? { time_zone: spec.timeZone } : {}),
      ...(startMs === undefined ? {} : { start_ms: startMs }),
      ...(asOfMs === undefined ? {} : { as_of_ms: asOfMs }),
    },
    format: 'JSONEachRow',
  })
  const result = await request.catch((error: unknown) => {
    throw otherType(error, columns.timestamp) ?? error
  })
  const [row] = await result.json<Record<'first_ms' | 'last_ms' | 'events', string | number>>()
  if (row === undefined || Number(row.events) === 0) return undefined
  return windowOf(startMs ?? Number(row.first_ms), asOfMs ?? Number(row.last_ms) + 1)
}

function windowOf(startMs: number, asOfMs: number): ExposureWindow {
  try {
    return exposureWindow(startMs, asOfMs)
  } catch (error) {
    throw new ReportError(
      `the events run from ${new Date(startMs).toISOString()} to ${new Date(asOfMs).toISOString()}, ` +
        'but only 1970-01-02 to 2106-01-01 is possible; use --start and --as-of to leave the outliers out',
      { cause: error },
    )
  }
}

/** What to do if the column holds numbers, text or dates. */
function otherType(error: unknown, column: SourceColumn): ReportError | undefined {
  // An error of another kind quotes the statement, and so this message too.
  if ((error as { readonly type?: unknown }).type !== 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO') return undefined
  const [, type] = /report: the timestamp has type <(.*?)>/.exec((error as Error).message) ?? []
  if (type === undefined) return undefined
  return new ReportError(
    `the column ${typeof column === 'string' ? JSON.stringify(oneLine(column, 60)) : 'of timestamps'} has the type ${type}, and --url needs a DateTime or DateTime64; ` +
      'make a view that converts it, as docs/recipes.md shows, and name the view with --table',
    { cause: error },
  )
}

/** Epoch milliseconds of the end of the local day of an instant. */
async function endOfDay(client: ClickHouseClient, ms: number, timeZone: string): Promise<number> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp64Milli(toDateTime64(
        toDate32(fromUnixTimestamp64Milli({ms:Int64}), {time_zone:String}) + 1, 3, {time_zone:String})) AS end_ms`,
    query_params: { ms, time_zone: timeZone },
    format: 'JSONEachRow',
  })
  const [row] = await result.json<{ end_ms: string | number }>()
  return Number(row?.end_ms)
}

/** Epoch milliseconds of a local clock, or of the start of a local day, which may have no midnight. */
async function localInstant(client: ClickHouseClient, local: string, timeZone: string): Promise<number> {
  const isDay = /^[-0-9]+$/.test(local)
  const result = await client.query({
    query: `SELECT toUnixTimestamp64Milli(toDateTime64(${isDay ? 'toDate32({local:String})' : '{local:String}'}, 3, {time_zone:String})) AS start_ms`,
    query_params: { local, time_zone: timeZone },
    format: 'JSONEachRow',
  })
  const [row] = await result.json<{ start_ms: string | number }>()
  return Number(row?.start_ms)
}
