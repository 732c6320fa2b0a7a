import type { FileColumns } from './arguments.js'
import { patternOf, reading, tolerant, type Load, type Plans, type TimeColumn } from './file-load.js'
import { inLines, readRows, type OpenedFile } from './open-file.js'
import type { FileRead } from './read-file.js'
import { hasZone, isUnitOfTime, timestampKind, timestampSql } from './timestamp-form.js'
import { timestampPlan } from './timestamp-plan.js'

/** The first values of a column of time, of every file that has text or numbers in it. */
export async function firstValues(
  load: Load,
  files: readonly OpenedFile[],
  role: TimeColumn,
): Promise<string[]> {
  const column = load.columns[role]
  if (column === undefined || column === null) return []
  const values: string[] = []
  for (const [index, file] of files.entries()) {
    if (isInstant(file, column)) continue
    const rowsOf = (file: OpenedFile): Promise<{ value: string }[]> => {
      const { read, condition, parameters } = reading(load, file, index, [role])
      return readRows<{ value: string }>(
        load.engine.client,
        file,
        `SELECT ${timeText(file, column, read, role)} AS value
      FROM ${read.from}
      WHERE ${condition} AND value != ''
      LIMIT 1000
      SETTINGS ${tolerant(file)}`,
        parameters,
      )
    }
    const rows = await rowsOf(file)
      .catch(() => (file.format.kind === 'lines' ? rowsOf(inLines(file)) : []))
      .catch(() => [])
    values.push(...rows.map(({ value }) => value))
  }
  return values
}

/** How a column of time is read, given some of its values, and whether it holds only dates. */
export async function planOf(
  load: Load,
  files: readonly OpenedFile[],
  role: TimeColumn,
  values: readonly string[],
  mayBeDates: boolean,
): Promise<Plans[TimeColumn]> {
  const column = load.columns[role]
  const { client } = load.engine
  if (column === undefined || column === null)
    return { forms: [], hasNaive: false, notes: [], isDates: false }
  const textual = files.filter((file) => !isInstant(file, column))
  const { timestampForms } = load.cleaning
  const plan =
    timestampForms === undefined
      ? await timestampPlan(client, { files: textual, column, option: `--${role}` }, values)
      : {
          forms: timestampForms,
          // A pattern may read ten digits as a date and an hour.
          hasNaive:
            !timestampForms.some(isUnitOfTime) &&
            values.some((value) => timestampKind(value) === 'epoch' || !hasZone(value)),
          notes: [],
        }
  const areDates = files.every((file) => !isInstant(file, column) || isDate(file, column))
  const { isDate: date } = timestampSql('value', plan.forms)
  const dated =
    areDates && mayBeDates && values.length > 0
      ? await client.query({
          query: `SELECT min(${date}) AS all_dates FROM (SELECT arrayJoin({values:Array(String)}) AS value)`,
          query_params: {
            values: [...new Set(values)].slice(0, 1000),
            timestamp_pattern: patternOf(plan.forms),
          },
          format: 'JSONEachRow',
        })
      : undefined
  const [row] = (await dated?.json<{ all_dates: number | boolean }>()) ?? []
  return {
    ...plan,
    isDates: areDates && mayBeDates && (row === undefined ? values.length === 0 : Boolean(row.all_dates)),
  }
}

/** Whether a column has a type that is an instant or a date, and not a text, a number or a time without a zone. */
function isInstant(file: OpenedFile, column: string): boolean {
  const type = file.types.get(column) ?? ''
  return isDate(file, column) || /DateTime(64\(\d+, ?)?\(?'/.test(type)
}

function isDate(file: OpenedFile, column: string): boolean {
  return /Date(?!Time)/.test(file.types.get(column) ?? '')
}

/** A value of a column of time as text. A time without a zone shows its own clock. */
function timeText(file: OpenedFile, column: string, read: FileRead, role: TimeColumn): string {
  const isNaive = /DateTime/.test(file.types.get(column) ?? '') && !isInstant(file, column)
  const text = isNaive ? `toString(${read.value(role)}, 'UTC')` : read.text(role)
  return `trimBoth(ifNull(${text}, ''))`
}

/**
 * The expressions for an instant of a row: its text; the instant, NULL for a value that is no timestamp; and, where the
 * timestamps are dates, whether it is one. A date is the start of its local day.
 */
export function instantIn(
  file: OpenedFile,
  columns: FileColumns,
  role: TimeColumn,
  plan: Plans,
  read: FileRead,
): { readonly text: string; readonly instant: string; readonly isDate: string | undefined } | undefined {
  const column = columns[role]
  if (column === undefined || column === null) return undefined
  const { forms, isDates } = plan[role]
  const text = timeText(file, column, read, role)
  const day = (instant: string): string => `toDateTime64(toDate32(${instant}), 9, {time_zone:String})`
  if (isInstant(file, column)) {
    const value = read.value(role)
    // Nanoseconds end in 2262, and databases write 9999 where there is no time.
    const end = (digits: number): string => `toDateTime64('2262-01-01 00:00:00', ${digits}, 'UTC')`
    const instant = /DateTime64\([0-8],/.test(file.types.get(column) ?? '')
      ? `nullIf(toDateTime64(least(${value}, ${end(0)}), 9, 'UTC'), ${end(9)})`
      : `toDateTime64(${value}, 9, 'UTC')`
    return {
      text: `ifNull(toString(${value}), '')`,
      instant: isDates || isDate(file, column) ? day(value) : instant,
      isDate: undefined,
    }
  }
  const alias = role === 'timestamp' ? 'first_exposure_time' : 'first_exposure_arrival'
  // A day may have no midnight: its clock is read in UTC, and its day begins where the zone says.
  const { instant, isDate: date } = timestampSql(alias, forms, isDates ? `'UTC'` : '{time_zone:String}')
  return { text, instant: isDates ? day(instant) : instant, isDate: isDates ? date : undefined }
}
