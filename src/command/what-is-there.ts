import type { ClickHouseClient } from '@clickhouse/client'
import type { ExposureSpec, SourceTable } from '../index.js'
import { oneLine } from './report-error.js'
import { count, counted, localTime } from './words.js'

/**
 * Why does a server have no exposure to report? Looks for the first thing that is not there, from the outside in: the
 * environment, the event, the feature, an exposure with a variant and an identity. Says what is there instead, and with
 * which option to choose it.
 */
export async function whatIsThere(client: ClickHouseClient, spec: ExposureSpec): Promise<string> {
  const { columns } = spec.source
  // The arguments of the report name a table and its columns.
  const { database, table } = spec.source.table as SourceTable
  const named = Object.fromEntries(Object.entries(columns).filter(([, column]) => typeof column === 'string'))
  const rows = async <Row>(
    select: string,
    conditions: readonly string[],
    rest = '',
  ): Promise<readonly Row[]> => {
    const result = await client.query({
      query: `SELECT ${select}
        FROM ${database === null ? '' : '{database:Identifier}.'}{table:Identifier}
        ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`} ${rest}`,
      query_params: {
        ...named,
        ...(database === null ? {} : { database }),
        table,
        environment_key: spec.environmentKey,
        event_name: spec.eventName,
        feature_name: spec.featureName,
      },
      format: 'JSONEachRow',
    })
    return await result.json<Row>()
  }
  const levels = [
    {
      column: columns.environment,
      parameter: 'environment',
      is: '{environment:Identifier} = {environment_key:String}',
      asked: spec.environmentKey,
      one: 'environment',
      many: 'environments',
      advice: 'Choose one with --environment, or pass --no-environment-column to count them all.',
    },
    {
      column: columns.event,
      parameter: 'event',
      is: '{event:Identifier} = {event_name:String}',
      asked: spec.eventName as string | null,
      one: 'event',
      many: 'events',
      advice:
        spec.eventName === usualEvent
          ? 'Choose the one that is an exposure with --event, or pass --no-event-column if every row is one.'
          : `Choose one with --event; without it, ${JSON.stringify(usualEvent)} is asked.`,
    },
    {
      column: typeof columns.feature === 'string' ? columns.feature : null,
      parameter: 'feature',
      is: '{feature:Identifier} = {feature_name:String}',
      asked: spec.featureName,
      one: 'feature',
      many: 'features',
      advice: 'Choose one with --feature, or pass --no-feature-column if the table holds one experiment.',
    },
  ].filter(({ column }) => column !== null)

  const [all] = await rows<{ events: string }>('count() AS events', [])
  if (Number(all?.events ?? 0) === 0) return `the table ${table} is empty`
  const conditions: string[] = []
  for (const { parameter, is, asked, one, many, advice } of levels) {
    // A table may have a column of any name, and an alias of that name would replace it.
    const there = await rows<{ first_exposure_found: string | null; events: string }>(
      `toString({${parameter}:Identifier}) AS first_exposure_found, count() AS events`,
      conditions,
      `GROUP BY first_exposure_found ORDER BY first_exposure_found = ${asked === null ? "''" : `{${parameterOf[parameter]}:String}`} DESC, count() DESC LIMIT ${most + 1}`,
    )
    if (there[0]?.first_exposure_found !== asked) {
      const list = there
        .slice(0, most)
        .map((each) => `${shown(each.first_exposure_found)} (${count(Number(each.events))})`)
      const more = there.length > most ? ', and more' : ''
      return (
        `there is no ${one} ${shown(asked)}${conditions.length === 0 ? '' : ' there'}. ${advice} ` +
        `${conditions.length === 0 ? `Its ${many}` : `The ${many} there`}, by number of rows: ${list.join(', ')}${more}.`
      )
    }
    conditions.push(is)
  }
  const exposure = "{variant:Identifier} IS NOT NULL AND toString({identity:Identifier}) != ''"
  const [found] = await rows<Record<'events' | 'exposures' | 'first_ms' | 'last_ms', string>>(
    `count() AS events, countIf(${exposure}) AS exposures,
      toUnixTimestamp64Milli(toDateTime64(minIf({timestamp:Identifier}, ${exposure}), 3)) AS first_ms,
      toUnixTimestamp64Milli(toDateTime64(maxIf({timestamp:Identifier}, ${exposure}), 3)) AS last_ms`,
    conditions,
  )
  const events = Number(found?.events ?? 0)
  if (Number(found?.exposures ?? 0) === 0)
    return (
      `${shown(spec.featureName)} has ${counted(events, 'event', 'events')}, but none has both a variant and an identity: ` +
      'are --variant and --identity the right columns?'
    )
  const at = (ms: string | undefined): string => localTime(Number(ms), spec.timeZone)
  return (
    `the exposures of ${shown(spec.featureName)} run from ${at(found?.first_ms)} to ${at(found?.last_ms)} in ${spec.timeZone}; ` +
    'none is in the window. Leave --start and --as-of out to report them all.'
  )
}

const usualEvent = '$flag_exposure'
const most = 8
const parameterOf: Readonly<Record<string, string>> = {
  environment: 'environment_key',
  event: 'event_name',
  feature: 'feature_name',
}

function shown(name: string | null): string {
  return name === null ? 'NULL' : JSON.stringify(oneLine(name, 40))
}
