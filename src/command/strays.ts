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
  const all = identitiesOf(entered)
  if (all < 10) return undefined
  const few = fewOf(all)
  // The part that is certainly main, whichever of the first and the last few are strays.
  const first = beyond(entered, few)
  const last = entered.length - 1 - beyond(entered.toReversed(), few)
  if (first > last) return undefined
  const main = grown({ startMs: entered[first]?.startMs ?? 0, asOfMs: entered[last]?.endMs ?? 0 }, entered)
  const outside = entered.filter(({ startMs, endMs }) => startMs < main.startMs || endMs > main.asOfMs)
  if (identitiesOf(outside) > few) return undefined
  const axis = {
    startMs: isFar(main, main.startMs - window.startMs) ? main.startMs : window.startMs,
    asOfMs: isFar(main, window.asOfMs - main.asOfMs) ? main.asOfMs : window.asOfMs,
  }
  return axis.startMs === window.startMs && axis.asOfMs === window.asOfMs ? undefined : axis
}

function identitiesOf(entered: readonly Entered[]): number {
  return entered.reduce((sum, { identities }) => sum + identities, 0)
}

/** How many of so many identities may be strays. */
function fewOf(identities: number): number {
  return Math.max(1, Math.floor(identities / 100))
}

/** Whether so long a gap beside a part of a window is longer than what belongs to it. */
function isFar({ startMs, asOfMs }: ExposureWindow, gapMs: number): boolean {
  return gapMs > Math.max(30 * 86_400_000, 3 * (asOfMs - startMs))
}

/** A part of a window with all buckets that are not far from it, or from those that thereby belong to it. */
function grown(
  part: ExposureWindow,
  buckets: readonly { readonly startMs: number; readonly endMs: number }[],
): ExposureWindow {
  let { startMs, asOfMs } = part
  for (let grows = true; grows;) {
    grows = false
    for (const bucket of buckets) {
      if (bucket.startMs < startMs && !isFar({ startMs, asOfMs }, startMs - bucket.endMs)) {
        startMs = bucket.startMs
        grows = true
      }
      if (bucket.endMs > asOfMs && !isFar({ startMs, asOfMs }, bucket.startMs - asOfMs)) {
        asOfMs = bucket.endMs
        grows = true
      }
    }
  }
  return { startMs, asOfMs }
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
  experiment: Pick<Experiment, 'client' | 'spec' | 'hasDates' | 'loadAll'>,
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
  const part = mainPart(entered, window)
  if (part === undefined) return undefined
  await experiment.loadAll?.()
  // Identities may have exposures long after the last of them entered, and these are no strays.
  const main = grown(part, await daysOutside(experiment, window, part))
  const axis = {
    startMs: start === undefined ? Math.max(main.startMs, window.startMs) : window.startMs,
    asOfMs: asOf === undefined ? Math.min(main.asOfMs, window.asOfMs) : window.asOfMs,
  }
  const { early, late, firstMs, lastMs, identities } = await exposuresOutside(experiment, window, axis)
  if (early + late === 0 || identities > fewOf(identitiesOf(entered))) return undefined
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

/** The local days with exposures outside a part of a window. */
async function daysOutside(
  experiment: Pick<Experiment, 'client' | 'spec'>,
  window: ExposureWindow,
  axis: ExposureWindow,
): Promise<readonly { readonly startMs: number; readonly endMs: number }[]> {
  const startOf = (day: string): string =>
    `toUnixTimestamp64Milli(toDateTime64(${day}, 3, {time_zone:String}))`
  const rows = await outside<'start' | 'end'>(
    experiment,
    window,
    axis,
    `${startOf('first_exposures_day')} AS first_exposures_start,
        ${startOf('first_exposures_day + 1')} AS first_exposures_end`,
    'GROUP BY toDate32({timestamp:Identifier}, {time_zone:String}) AS first_exposures_day',
  )
  return rows.map(({ first_exposures_start, first_exposures_end }) => ({
    startMs: Number(first_exposures_start),
    endMs: Number(first_exposures_end),
  }))
}

/**
 * How many exposures of a window are before and after a part of it, the first and the last of them, and the most
 * identities that are on one side.
 */
async function exposuresOutside(
  experiment: Pick<Experiment, 'client' | 'spec'>,
  window: ExposureWindow,
  axis: ExposureWindow,
): Promise<Readonly<Record<'early' | 'late' | 'firstMs' | 'lastMs' | 'identities', number>>> {
  const [row] = await outside<'early' | 'late' | 'first' | 'last' | 'identities'>(
    experiment,
    window,
    axis,
    `countIf({timestamp:Identifier} < ${instant('axis_start_ms')}) AS first_exposures_early,
        countIf({timestamp:Identifier} >= ${instant('axis_as_of_ms')}) AS first_exposures_late,
        toUnixTimestamp64Milli(toDateTime64(min({timestamp:Identifier}), 3)) AS first_exposures_first,
        toUnixTimestamp64Milli(toDateTime64(max({timestamp:Identifier}), 3)) AS first_exposures_last,
        greatest(
          uniqIf({identity:Identifier}, {timestamp:Identifier} < ${instant('axis_start_ms')}),
          uniqIf({identity:Identifier}, {timestamp:Identifier} >= ${instant('axis_as_of_ms')})
        ) AS first_exposures_identities`,
  )
  return {
    early: Number(row?.first_exposures_early ?? 0),
    late: Number(row?.first_exposures_late ?? 0),
    firstMs: Number(row?.first_exposures_first ?? 0),
    lastMs: Number(row?.first_exposures_last ?? 0),
    identities: Number(row?.first_exposures_identities ?? 0),
  }
}

function instant(name: string): string {
  return `fromUnixTimestamp64Milli({${name}:Int64})`
}

/** Asks about the exposures of a window outside a part of it. */
async function outside<Name extends string>(
  { client, spec }: Pick<Experiment, 'client' | 'spec'>,
  window: ExposureWindow,
  axis: ExposureWindow,
  select: string,
  group = '',
): Promise<readonly Readonly<Record<`first_exposures_${Name}`, string | number>>[]> {
  const { columns } = spec.source
  // The arguments of the report name a table.
  const { database, table } = spec.source.table as SourceTable
  const conditions = [
    ...(columns.environment === null ? [] : ['{environment:Identifier} = {environment_key:String}']),
    ...(columns.event === null ? [] : ['{event:Identifier} = {event_name:String}']),
    ...(typeof columns.feature === 'string' ? ['{feature:Identifier} = {feature_name:String}'] : []),
    '{variant:Identifier} IS NOT NULL',
    `toString({identity:Identifier}) != ''`,
    `{timestamp:Identifier} >= ${instant('start_ms')}`,
    `{timestamp:Identifier} < ${instant('as_of_ms')}`,
    `({timestamp:Identifier} < ${instant('axis_start_ms')} OR {timestamp:Identifier} >= ${instant('axis_as_of_ms')})`,
  ]
  const result = await client.query({
    query: `SELECT ${select}
      FROM ${database === null ? '' : '{database:Identifier}.'}{table:Identifier}
      WHERE ${conditions.join(' AND ')}
      ${group}`,
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
      time_zone: spec.timeZone,
    },
    format: 'JSONEachRow',
  })
  return await result.json()
}
