import { reading, timeParameters, tolerant, type Load, type Plans, type TimeColumn } from './file-load.js'
import { areNames, type Loaded } from './load-file.js'
import { readRows, type OpenedFile } from './open-file.js'
import { recordLines } from './record-lines.js'
import { oneLine, ReportError } from './report-error.js'
import { instantIn } from './time-column.js'
import { ambiguousZone } from './timestamp-form.js'
import { count, counted } from './words.js'

/** A row that cannot be read, for people. */
export interface BadRow {
  /** `line 17` or `lines 17 to 20`, and of which file, if there are several. */
  readonly where: string
  readonly what: string
  readonly value: string
}

/** The first three rows that cannot be read, in the order of the files. */
export async function badRows(
  load: Load,
  files: readonly OpenedFile[],
  results: readonly Loaded[],
  plan: Plans,
): Promise<readonly BadRow[]> {
  const rows: BadRow[] = []
  for (const [index, { file, bad, broken: faults }] of results.entries()) {
    if (bad === 0) continue
    const faulty = faults.filter(({ text }) => text.replaceAll(/[\s,;|]/g, '') !== '')
    const unread = await unreadRecords(load, file, index, plan, faults)
    const first = [
      ...faulty.map(({ record, text }) => ({
        record,
        value: text,
        what: `${isGone(text) ? 'it' : quoted(text)} does not have the fields of the other lines`,
      })),
      ...unread,
    ]
      .sort((a, b) => a.record - b.record)
      .slice(0, 3 - rows.length)
    const lines =
      first.length === 0
        ? []
        : await recordLines(
            file,
            first.flatMap(({ record }) => [record, record + 1]),
          )
    rows.push(
      ...first.map(({ record, what, value }, at) => ({
        where:
          (lines === undefined
            ? `row ${count(record)}`
            : inLines(lines[2 * at] ?? record, lines[2 * at + 1] ?? record)) +
          (files.length > 1 ? ` of ${file.name}` : ''),
        what,
        value,
      })),
    )
    if (rows.length >= 3) break
  }
  return rows
}

/** The lines of a row: a quote that only a later row's closes takes all lines between for one row. */
function inLines(first: number, next: number): string {
  return next - first > 1 ? `lines ${first} to ${next - 1}` : `line ${first}`
}

/** Whether the engine lost the text of a row, as it does where a row is long or goes to the end of the file. */
function isGone(text: string): boolean {
  return /^(Buffer has gone|Cannot get raw data)/.test(text)
}

/** Reads the file again, in order, for the first records with a value that is no timestamp. */
async function unreadRecords(
  load: Load,
  file: OpenedFile,
  index: number,
  plan: Plans,
  faults: Loaded['broken'],
): Promise<readonly { readonly record: number; readonly value: string; readonly what: string }[]> {
  const { columns } = load
  const { read, condition, parameters } = reading(load, file, index, [
    'identity',
    'variant',
    'timestamp',
    'arrival',
  ])
  const timestamp = instantIn(file, columns, 'timestamp', plan, read)
  const arrival = instantIn(file, columns, 'arrival', plan, read)
  const isBlank = ['identity', 'variant'].map((role) => `ifNull(${read.text(role)}, '') = ''`).join(' AND ')
  const conditions = [
    ...(read.isBroken === 'false' ? [] : [read.isBroken]),
    ...(timestamp === undefined
      ? []
      : [
          `(isNull(${timestamp.instant}) AND NOT (first_exposure_time = '' AND ${isBlank})${file.format.kind === 'table' ? ` AND NOT (${areNames(read)})` : ''} AND ${condition})`,
        ]),
    ...(arrival === undefined
      ? []
      : [`(first_exposure_arrival != '' AND isNull(${arrival.instant}) AND ${condition})`]),
  ]
  if (conditions.length === 0) return []
  const aliases = [
    ...(timestamp === undefined ? [] : [`${timestamp.text} AS first_exposure_time`]),
    ...(arrival === undefined ? [] : [`${arrival.text} AS first_exposure_arrival`]),
  ]
  const value = (role: TimeColumn, given: typeof timestamp): string =>
    given === undefined ? 'NULL' : read.text(role)
  // Of Parquet, the engine loses a column that it reads both to choose the rows and to show them.
  const rows = await readRows<{
    row_index: string | number
    timestamp_value: string | null
    arrival_value: string | null
    is_broken: boolean | number
    is_late: boolean | number
    line_text: string
  }>(
    load.engine.client,
    file,
    `${aliases.length === 0 ? '' : `WITH ${aliases.join(', ')}`}
    SELECT
      ${read.row} AS row_index,
      ${value('timestamp', timestamp)} AS timestamp_value,
      ${value('arrival', arrival)} AS arrival_value,
      ${read.isBroken} AS is_broken,
      ${timestamp === undefined ? 'true' : `isNotNull(${timestamp.instant})`} AS is_late,
      ${read.written} AS line_text
    FROM ${read.from}
    WHERE ${conditions.join(' OR ')}
    ORDER BY row_index
    LIMIT 3
    SETTINGS ${tolerant(file)}, input_format_parallel_parsing = 0, max_threads = 1, optimize_move_to_prewhere = 0`,
    { ...parameters, ...timeParameters(load, plan) },
  )
  return rows.map(({ row_index, timestamp_value, arrival_value, is_broken, is_late, line_text }) => {
    const column = is_late ? columns.arrival : columns.timestamp
    const found = is_broken ? line_text : is_late ? arrival_value : timestamp_value
    const shown = found === null ? 'NULL' : quoted(found)
    return {
      record: recordOf(Number(row_index), faults),
      value: found ?? '',
      what: is_broken
        ? `${shown} ${faultOf(line_text)}`
        : `${shown} in ${quoted(column ?? '')} is not a timestamp`,
    }
  })
}

/** Why the engine cannot read a line: it knows no half of a sign, and no more than 1,024 levels. */
function faultOf(line: string): string {
  try {
    JSON.parse(line)
  } catch {
    return 'is not an object of JSON'
  }
  return /\\u[dD][89a-fA-F]/.test(line) ? 'has half a sign in it' : 'is nested more deeply than can be read'
}

/** The record of a row, counted from 1: the engine does not number those that it could not take apart. */
function recordOf(index: number, faults: Loaded['broken']): number {
  let record = index + 1
  for (const fault of faults) if (fault.record <= record) record++
  return record
}

export function badRowsError(
  name: string,
  bad: number,
  rows: number,
  examples: readonly BadRow[],
  { columns, cleaning }: Load,
): ReportError {
  const areSerials = examples.some(({ value }) => /^[34][0-9]{4}([.,][0-9]+)?$/.test(value))
  const zone = examples.map(({ value }) => ambiguousZone(value)).find((each) => each !== undefined)
  const isTime = examples.some(({ what }) => what.endsWith('is not a timestamp'))
  const advice = [
    ...(bad < rows ? ['To leave them out, add --skip-bad-rows.'] : []),
    ...(isTime && cleaning.timestampForms === undefined
      ? [
          areSerials
            ? 'They may be days as Excel counts them: --timestamp-format excel.'
            : zone !== undefined
              ? `${zone.name} is the name of several zones. Say which, and how the times are written: --time-zone Europe/London --timestamp-format '${zone.pattern}', for instance.`
              : `If they are timestamps, say how they are written, such as --timestamp-format '%d.%m.%Y %H:%M'.`,
        ]
      : []),
    ...(isTime && cleaning.timestampForms !== undefined ? ['They are not as --timestamp-format says.'] : []),
    ...(isTime && bad === rows && columns.timestamp !== null
      ? ['If the file has no timestamps at all, report it with --no-timestamp.']
      : []),
  ]
  return new ReportError(`${count(bad)} of ${counted(rows, 'row', 'rows')} of ${name} cannot be read`, {
    details: [...examples.map(({ where, what }) => `  ${where}: ${what}`), ...advice],
    remedies:
      bad < rows
        ? [{ says: 'these rows may be left out', add: ['--skip-bad-rows'] }]
        : areSerials
          ? [{ says: 'they are days as Excel counts them', add: ['--timestamp-format', 'excel'] }]
          : [],
  })
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 60))
}
