import type { ClickHouseClient } from '@clickhouse/client'
import type { ExposuresSummary, ExposureWindow, SourceTable } from '../index.js'
import { exposuresView } from '../view/index.js'
import type { ReportArguments } from './arguments.js'
import type { Experiment } from './experiment.js'
import { counted, localTime } from './words.js'

/** Exposures that are far from all others, as a wrong clock makes them. */
export interface Strays {
  /** The window without them: what a chart draws. */
  readonly axis: ExposureWindow
  /** How many there are, when, and which options leave them out. */
  readonly sentence: string
}

/** When the identities of one bucket entered. */
interface Entered {
  readonly startMs: number
  readonly endMs: number
  readonly identities: number
}

/**
 * The part of a window that holds nearly all who entered, if the rest of it is nearly empty and much longer.
 *
 * The rest counts as strays if it has at most one identity in a hundred (and may always have one of ten or more), and if
 * it is further from the main part than 30 days and than three times the length of the main part. So a chart of all would
 * give the main part less than a quarter of its width.
 */
export function mainPart(entered: readonly Entered[], window: ExposureWindow): ExposureWindow | undefined {
  const all = entered.reduce((sum, { identities }) => sum + identities, 0)
  if (all < 10) return undefined
  const few = Math.max(1, Math.floor(all / 100))
  // The part that is certainly main, whichever of the first and the last few are strays.
  const first = beyond(entered, few)
  const last = entered.length - 1 - beyond(entered.toReversed(), few)
  let startMs = entered[first]?.startMs ?? 0
  let endMs = entered[last]?.endMs ?? 0
  if (first > last) return undefined
  const isFar = (ms: number): boolean => ms > Math.max(30 * 86_400_000, 3 * (endMs - startMs))
  let [from, to] = [first, last]
  for (let grows = true; grows;) {
    const [before, after] = [entered[from - 1], entered[to + 1]]
    grows = false
    if (before !== undefined && !isFar(startMs - before.endMs)) {
      startMs = before.startMs
      from -= 1
      grows = true
    }
    if (after !== undefined && !isFar(after.startMs - endMs)) {
      endMs = after.endMs
      to += 1
      grows = true
    }
  }
  const outside = [...entered.slice(0, from), ...entered.slice(to + 1)]
  if (outside.reduce((sum, { identities }) => sum + identities, 0) > few) return undefined
  const axis = {
    startMs: isFar(startMs - window.startMs) ? startMs : window.startMs,
    asOfMs: isFar(window.asOfMs - endMs) ? endMs : window.asOfMs,
  }
  return axis.startMs === window.startMs && axis.asOfMs === window.asOfMs ? undefined : axis
}

/** The first place where more than `few` have entered. */
function beyond(entered: readonly Entered[], few: number): number {
  let sum = 0
  return Math.max(
    0,
    entered.findIndex(({ identities }) => (sum += identities) > few),
  )
}

/** The strays of an experiment; `undefined` if it has none. An end that the user gave is where it should be. */
export async function findStrays(
  experiment: Pick<Experiment, 'client' | 'spec' | 'hasDates'>,
  summary: ExposuresSummary,
  window: ExposureWindow,
  { start, asOf }: Pick<ReportArguments, 'start' | 'asOf'>,
): Promise<Strays | undefined> {
  if (start !== undefined && asOf !== undefined) return undefined
  const entered = exposuresView(summary, { window }).points.map(({ start, end, newIdentities }) => ({
    startMs: Math.max(Date.parse(start), window.startMs),
    endMs: Math.min(Date.parse(end), window.asOfMs),
    identities: Object.values(newIdentities).reduce((sum, each) => sum + each, 0),
  }))
  const main = mainPart(entered, window)
  if (main === undefined) return undefined
  const axis = {
    startMs: start === undefined ? main.startMs : window.startMs,
    asOfMs: asOf === undefined ? main.asOfMs : window.asOfMs,
  }
  const { early, late, firstMs, lastMs } = await exposuresOutside(experiment, window, axis)
  if (early + late === 0) return undefined
  const { timeZone } = experiment.spec
  const at = (ms: number): string => localTime(ms, timeZone).slice(0, experiment.hasDates === true ? 10 : 19)
  const option = (ms: number): string =>
    experiment.hasDates === true ? at(ms) : new Date(ms).toISOString().replace('.000Z', 'Z')
  const [before, after] = [early > 0, late > 0]
  const them = early + late === 1 ? 'it' : 'them'
  const sentence = `Far from all others: ${counted(early + late, 'exposure', 'exposures')} (${[
    ...(before ? [`${early === 1 ? 'at' : 'from'} ${at(firstMs)}`] : []),
    ...(after ? [`${late === 1 ? 'at' : 'up to'} ${at(lastMs)}`] : []),
  ].join(
    ', and ',
  )}). The chart leaves ${them} out, the numbers do not. To leave ${them} out of these too, add ${[
    ...(before ? [`--start ${option(axis.startMs)}`] : []),
    ...(after ? [`--as-of ${option(axis.asOfMs)}`] : []),
  ].join(' ')}.`
  return { axis, sentence }
}

/** How many exposures of a window are before and after a part of it, and the first and the last of them. */
async function exposuresOutside(
  { client, spec }: { readonly client: ClickHouseClient; readonly spec: Experiment['spec'] },
  window: ExposureWindow,
  axis: ExposureWindow,
): Promise<Readonly<Record<'early' | 'late' | 'firstMs' | 'lastMs', number>>> {
  const { columns } = spec.source
  // The arguments of the report name a table.
  const { database, table } = spec.source.table as SourceTable
  const at = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64})`
  const conditions = [
    ...(columns.environment === null ? [] : ['{environment:Identifier} = {environment_key:String}']),
    ...(columns.event === null ? [] : ['{event:Identifier} = {event_name:String}']),
    ...(typeof columns.feature === 'string' ? ['{feature:Identifier} = {feature_name:String}'] : []),
    '{variant:Identifier} IS NOT NULL',
    `toString({identity:Identifier}) != ''`,
    `{timestamp:Identifier} >= ${at('start_ms')}`,
    `{timestamp:Identifier} < ${at('as_of_ms')}`,
    `({timestamp:Identifier} < ${at('axis_start_ms')} OR {timestamp:Identifier} >= ${at('axis_as_of_ms')})`,
  ]
  const result = await client.query({
    query: `SELECT
        countIf({timestamp:Identifier} < ${at('axis_start_ms')}) AS first_exposures_early,
        countIf({timestamp:Identifier} >= ${at('axis_as_of_ms')}) AS first_exposures_late,
        toUnixTimestamp64Milli(toDateTime64(min({timestamp:Identifier}), 3)) AS first_exposures_first,
        toUnixTimestamp64Milli(toDateTime64(max({timestamp:Identifier}), 3)) AS first_exposures_last
      FROM ${database === null ? '' : '{database:Identifier}.'}{table:Identifier}
      WHERE ${conditions.join(' AND ')}`,
    query_params: {
      ...(database === null ? {} : { database }),
      table,
      ...Object.fromEntries(Object.entries(columns).filter(([, column]) => typeof column === 'string')),
      environment_key: spec.environmentKey,
      event_name: spec.eventName,
      feature_name: spec.featureName,
      start_ms: window.startMs,
      as_of_ms: window.asOfMs,
      axis_start_ms: axis.startMs,
      axis_as_of_ms: axis.asOfMs,
    },
    format: 'JSONEachRow',
  })
  const [row] = await result.json<Record<string, string | number>>()
  const cell = (name: string): number => Number(row?.[`first_exposures_${name}`] ?? 0)
  return { early: cell('early'), late: cell('late'), firstMs: cell('first'), lastMs: cell('last') }
}
