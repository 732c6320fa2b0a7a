import type { ClickHouseClient } from '@clickhouse/client'
import { tolerant } from './file-load.js'
import { inLines, readRows, type OpenedFile } from './open-file.js'
import { fileRead } from './read-file.js'
import { oneLine, ReportError } from './report-error.js'
import {
  hasZone,
  namedZone,
  timestampKind,
  type TimestampForm,
  type TimestampKind,
} from './timestamp-form.js'
import { listed } from './words.js'

/** How the timestamps of a column are read, in every file. */
export interface TimestampPlan {
  readonly forms: readonly TimestampForm[]
  /** Whether some of them say no zone. */
  readonly hasNaive: boolean
  /** What the reader of the report should know, as sentences. */
  readonly notes: readonly string[]
}

/** A column of time in the files that have it. */
export interface TimeColumnOf {
  readonly files: readonly OpenedFile[]
  readonly column: string
  /** The option that names it. */
  readonly option: string
}

/**
 * Decides how timestamps are read, by what their first values look like, and by all values where a day and a month can
 * be taken for each other. Throws a `ReportError` if they can be read in two ways.
 */
export async function timestampPlan(
  client: ClickHouseClient,
  { files, column, option }: TimeColumnOf,
  values: readonly string[],
): Promise<TimestampPlan> {
  const kinds = new Map<TimestampKind, string>()
  for (const value of values) {
    const kind = timestampKind(value)
    if (kind !== undefined && !kinds.has(kind)) kinds.set(kind, value)
  }
  const forms: TimestampForm[] = [...kinds.keys()].filter((kind) => kind !== 'numbers')
  const notes: string[] = []
  if (kinds.has('numbers')) {
    for (const kind of ['-/', '.'] as const) {
      const order = await orderOf(client, { files, column, option }, kind)
      if (order === undefined) continue
      forms.push(order.form)
      notes.push(
        `Timestamps such as ${oneLine(order.example, 40)} are read with the ${order.form.startsWith('day') ? 'day' : 'month'} first.`,
      )
    }
  }
  const hours = values.filter((value) => timestampKind(value) === 'epoch')
  const [hour] = hours
  if (hour !== undefined && hours.every((value) => dateAndHour(value) !== undefined)) {
    throw new ReportError(
      `the timestamps in ${JSON.stringify(oneLine(column, 60))} (${option}) can be read in two ways: ${hour} is ${dateAndHour(hour)}:00, ` +
        `or ${new Date(Number(hour) * 1000).toISOString().slice(0, 16).replace('T', ' ')} (seconds since 1970). Say which: ` +
        "--timestamp-format '%Y%m%d%H', or --timestamp-format s",
      {
        remedies: [
          { says: 'they are dates with an hour', add: ['--timestamp-format', '%Y%m%d%H'] },
          { says: 'they are seconds since 1970', add: ['--timestamp-format', 's'] },
        ],
      },
    )
  }
  const zones = new Map(
    values.flatMap((value) => {
      const zone = timestampKind(value) === undefined ? undefined : namedZone(value)
      return zone === undefined ? [] : [[zone.name, zone.offset]]
    }),
  )
  if (zones.size > 0)
    notes.push(
      `Times with ${listed([...zones].map(([name, offset]) => `${name} are read as ${offset}`).sort())}.`,
    )
  const rounded = values.find((value) => /[eE]/.test(value) && timestampKind(value) === 'epoch')
  if (rounded !== undefined && (rounded.match(/[0-9]/g)?.length ?? 0) < 12) {
    notes.push(
      `Timestamps such as ${oneLine(rounded, 40)} were rounded when the file was written, so times of day may be wrong.`,
    )
  }
  return {
    forms: forms.length === 0 ? ['iso'] : forms,
    hasNaive: values.some((value) => timestampKind(value) !== undefined && !hasZone(value)),
    notes,
  }
}

/** A date and an hour in ten digits, as Google Analytics writes them, which is also a count of seconds of the 2030s. */
function dateAndHour(value: string): string | undefined {
  const [, year, month, day, hour] =
    /^(20[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])$/.exec(value.trim()) ?? []
  return year === undefined ? undefined : `${year}-${month}-${day} ${hour}`
}

interface Extent {
  readonly values: string | number
  readonly max_first: string | number
  readonly max_second: string | number
  readonly min_year: string | number
  readonly max_year: string | number
  readonly short_years: string | number
  readonly example: string | null
  readonly short_example: string
  readonly first_over_12: string
  readonly second_over_12: string
}

async function orderOf(
  client: ClickHouseClient,
  { files, column, option }: TimeColumnOf,
  separators: '-/' | '.',
): Promise<
  | { readonly form: Extract<TimestampForm, `${'day' | 'month'}${string}`>; readonly example: string }
  | undefined
> {
  const extents: Extent[] = []
  const extentOf = async (file: OpenedFile, settings: string): Promise<readonly Extent[]> => {
    const { from, query_params, text } = fileRead(file, { timestamp: column })
    const value = `trimBoth(ifNull(${text('timestamp')}, ''))`
    // The set of separators is one of two constants.
    const parts = `extractGroups(${value}, '^([0-9]{1,2})[${separators}]([0-9]{1,2})[${separators}]([0-9]{4}|[0-9]{2})(?:[, T].*)?$')`
    const part = (index: number): string => `toUInt16OrZero(first_exposure_parts[${index}])`
    return readRows<Extent>(
      client,
      file,
      `SELECT
          count() AS values,
          max(${part(1)}) AS max_first,
          max(${part(2)}) AS max_second,
          min(${part(3)}) AS min_year,
          max(${part(3)}) AS max_year,
          countIf(length(first_exposure_parts[3]) = 2) AS short_years,
          anyIf(first_exposure_value, ${part(1)} != ${part(2)}) AS example,
          anyIf(first_exposure_value, length(first_exposure_parts[3]) = 2) AS short_example,
          anyIf(first_exposure_value, ${part(1)} > 12) AS first_over_12,
          anyIf(first_exposure_value, ${part(2)} > 12) AS second_over_12
        FROM (SELECT ${value} AS first_exposure_value, ${parts} AS first_exposure_parts FROM ${from})
        WHERE notEmpty(first_exposure_parts)
        SETTINGS ${settings}`,
      query_params,
    )
  }
  for (const file of files) {
    // A row that cannot be read is told later, with its line.
    const tolerated = file.format.kind === 'lines' ? inLines(file) : file
    extents.push(
      ...(await extentOf(file, file.settings).catch(() => extentOf(tolerated, tolerant(tolerated)))),
    )
  }
  const held = extents.filter(({ values }) => Number(values) > 0)
  if (held.length === 0) return undefined
  const most = (name: 'max_first' | 'max_second' | 'max_year'): number =>
    Math.max(...held.map((each) => Number(each[name])))
  const some = (name: 'example' | 'short_example' | 'first_over_12' | 'second_over_12'): string =>
    held.map((each) => each[name] ?? '').find((text) => text !== '') ?? ''
  const named = `the timestamps in ${JSON.stringify(oneLine(column, 60))} (${option})`
  const say = '--timestamp-format day-first, or --timestamp-format month-first'
  const remedies = (['day-first', 'month-first'] as const).map((form) => ({
    says: `the ${form.slice(0, -6)} comes first`,
    add: ['--timestamp-format', form],
  }))
  const years = most('max_year') - Math.min(...held.map(({ min_year }) => Number(min_year)))
  if (held.some(({ short_years }) => Number(short_years) > 0) && years > 1) {
    const example = some('short_example')
    const yearFirst = yearFirstForm(example)
    throw new ReportError(
      `${named} have years of two digits, and it is not clear where: ${JSON.stringify(example)}; say how they are written: ${say}, or --timestamp-format '${yearFirst}'`,
      {
        remedies: [...remedies, { says: 'the year comes first', add: ['--timestamp-format', yearFirst] }],
      },
    )
  }
  const isDayFirst = most('max_second') <= 12
  const isMonthFirst = most('max_first') <= 12
  if (!isDayFirst && !isMonthFirst) {
    throw new ReportError(
      `${named} hold both ${JSON.stringify(some('first_over_12'))} and ${JSON.stringify(some('second_over_12'))}, which have the day in different places; ` +
        `say how they are written, and leave the others out: --timestamp-format day-first --skip-bad-rows`,
      { remedies: remedies.map(({ says, add }) => ({ says, add: [...add, '--skip-bad-rows'] })) },
    )
  }
  const example = some('example')
  // Where dots are written, the day comes first.
  if (isDayFirst && isMonthFirst && separators === '-/' && example !== '') {
    throw new ReportError(
      `${named} can be read in two ways: ${readings(example)}. No value decides. Say which: ${say}`,
      { remedies },
    )
  }
  const form =
    separators === '.' ? (isDayFirst ? 'day.month' : 'month.day') : isDayFirst ? 'day-first' : 'month-first'
  const proof = isDayFirst ? some('first_over_12') : some('second_over_12')
  return { form, example: proof === '' ? example : proof }
}

/** `05/06/2026 is 5 June 2026 (day first) or 6 May 2026 (month first)`. */
function readings(example: string): string {
  const [, first = '', second = '', year = ''] = /^([0-9]+)[-/]([0-9]+)[-/]([0-9]+)/.exec(example) ?? []
  const date = (day: string, month: string): string =>
    new Intl.DateTimeFormat('en-GB', {
      timeZone: 'UTC',
      day: 'numeric',
      month: 'long',
      year: 'numeric',
    }).format(Date.UTC(Number(year.length === 2 ? `20${year}` : year), Number(month) - 1, Number(day)))
  return `${oneLine(example, 40)} is ${date(first, second)} (day first) or ${date(second, first)} (month first)`
}

/** The form of a timestamp like this one, if its year comes first. */
function yearFirstForm(example: string): string {
  const [, first = '-', second = '-', time = ''] = /^\d\d?(\D)\d\d?(\D)\d\d?(.*)$/.exec(example) ?? []
  const [, separator, seconds] = /^(\D)\d\d?:\d\d(:\d\d)?/.exec(time) ?? []
  return `YY${first}MM${second}DD${separator === undefined ? '' : `${separator}HH:mm${seconds === undefined ? '' : ':ss'}`}`
}
