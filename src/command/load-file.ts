import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { ClickHouseClient } from '@clickhouse/client'
import { foldedSql, foldedText } from './folded.js'
import { reading, timeParameters, type FileCleaning, type Load, type Plans } from './file-load.js'
import { delimiterSettings, inLines, isParseError, unreadable, type OpenedFile } from './open-file.js'
import type { FileRead } from './read-file.js'
import { openQuote } from './record-lines.js'
import { oneLine, ReportError } from './report-error.js'
import { instantIn } from './time-column.js'
import { count } from './words.js'

/** What became of the rows of a file. */
export interface Loaded {
  /** The file, as it was read in the end. */
  readonly file: OpenedFile
  readonly good: number
  readonly bad: number
  readonly blank: number
  /** The lines of column names between the rows, where files were put together. */
  readonly names: number
  /** The rows that the engine could not take apart, counted from 1, blank ones too. */
  readonly broken: readonly { readonly record: number; readonly text: string }[]
}

// What a row is.
const good = 0
const blank = 1
const noTimestamp = 2
const noArrival = 3
/** A row with a time of day, where all others seem to be dates. */
const notDate = 4
const broken = 5
/** Column names instead of values. */
const names = 6

// Each keeps a block of rows in memory.
const insertThreads = Math.min(4, availableParallelism())

/** Loads one file, at first as one without faults; if it has some, row by row. */
export async function loadOne(
  load: Load,
  file: OpenedFile,
  index: number,
  plan: Plans,
): Promise<{ readonly result: Loaded; readonly surprises: readonly string[]; readonly hasTimes: boolean }> {
  const { client, directory } = load.engine
  const errors = join(directory, `errors-${index}`)
  const attempts: readonly { readonly file: OpenedFile; readonly settings: string }[] =
    file.format.kind === 'typed' || file.reading === 'line by line'
      ? [{ file, settings: '' }]
      : file.format.kind === 'lines'
        ? [
            { file, settings: '' },
            { file: inLines(file), settings: '' },
          ]
        : [
            { file, settings: '' },
            { file, settings: lenient(`${errors}-${Date.now()}`) },
          ]
  const openLine = file.format.kind === 'table' ? openQuote(file).catch(() => undefined) : undefined
  for (const [attempt, { file: tried, settings }] of attempts.entries()) {
    await client.command({ query: 'TRUNCATE TABLE loading' })
    try {
      await insert(load, tried, index, plan, settings)
    } catch (error) {
      const next = attempts[attempt + 1]
      if (next === undefined || !isParseError(error)) throw unreadable(file, error)
      continue
    }
    const line = await openLine
    if (line !== undefined) {
      throw new ReportError(
        `${file.name} has a quote in line ${count(line)} that is never closed, so all lines after it would be one row; put that line right in the file`,
      )
    }
    const result = await client.query({
      query: `SELECT status, sum(events) AS rows FROM loading GROUP BY status`,
      format: 'JSONEachRow',
    })
    const rows = new Map(
      (await result.json<{ status: number; rows: string | number }>()).map(({ status, rows }) => [
        status,
        Number(rows),
      ]),
    )
    const of = (status: number): number => rows.get(status) ?? 0
    const path = /record_errors_file_path = '(.*)'/.exec(settings)?.[1]
    const faults = path === undefined || !existsSync(path) ? [] : await brokenRecords(client, tried, path)
    const faulty = faults.filter(({ text }) => text.replaceAll(/[\s,;|]/g, '') !== '')
    // A file of something else has no line that is a record.
    if (
      tried.reading === 'line by line' &&
      of(good) + of(notDate) === 0 &&
      of(broken) > 0 &&
      file.reading !== 'line by line'
    ) {
      throw unreadable(file, new Error('no line is an object of JSON'))
    }
    const surprises =
      of(noTimestamp) === 0
        ? []
        : await (
            await client.query({
              query: `SELECT DISTINCT unread FROM loading WHERE status = ${noTimestamp} AND unread != '' LIMIT 1000`,
              format: 'JSONEachRow',
            })
          ).json<{ unread: string }>()
    if (of(good) > 0) {
      await client.command({ query: `ALTER TABLE loading MOVE PARTITION ${good} TO TABLE exposures` })
    }
    return {
      result: {
        file: tried,
        good: of(good),
        bad: of(noTimestamp) + of(noArrival) + of(broken) + faulty.length,
        blank: of(blank) + faults.length - faulty.length,
        names: of(names),
        broken: faults,
      },
      surprises: surprises.map(({ unread }) => unread),
      hasTimes: of(notDate) > 0,
    }
  }
  throw new ReportError(`${file.name} cannot be read`)
}

async function insert(
  load: Load,
  file: OpenedFile,
  index: number,
  plan: Plans,
  settings: string,
): Promise<void> {
  const { engine, columns, cleaning, mayName } = load
  const roles = ['identity', 'variant', 'timestamp', 'arrival', 'breakdown'] as const
  const namedIn = mayName.map((column, at) =>
    file.types.has(column) ? ([`named_${at}`, column] as const) : undefined,
  )
  const { read, condition, parameters } = reading(
    load,
    file,
    index,
    roles,
    Object.fromEntries(namedIn.filter((each) => each !== undefined)),
  )
  const value = (role: 'identity' | 'variant'): string =>
    cleaned(read.text(role), cleaning, role === 'variant')
  const timestamp = instantIn(file, columns, 'timestamp', plan, read)
  const arrival = instantIn(file, columns, 'arrival', plan, read)
  const isBlank = ['identity', 'variant']
    .map((role) => `trimBoth(ifNull(${read.text(role)}, '')) = ''`)
    .concat(timestamp === undefined ? [] : `first_exposure_time = ''`)
    .join(' AND ')
  const areNamesToo = file.format.kind === 'table' ? [`${areNames(read)}, ${names}`] : []
  const statuses = [
    ...(read.isBroken === 'false' ? [] : [`${read.isBroken}, ${broken}`]),
    ...(timestamp === undefined
      ? [...areNamesToo, `${isBlank}, ${blank}`]
      : [
          // A line of names has no timestamp, so only rows without one are looked at.
          `isNull(${timestamp.instant}), multiIf(${[...areNamesToo, `${isBlank}, ${blank}`].join(', ')}, ${noTimestamp})`,
          ...(timestamp.isDate === undefined ? [] : [`NOT ${timestamp.isDate}, ${notDate}`]),
        ]),
    ...(arrival === undefined
      ? []
      : [
          `first_exposure_arrival != '' AND isNull(${arrival.instant}), ${noArrival}`,
          ...(arrival.isDate === undefined
            ? []
            : [`first_exposure_arrival != '' AND NOT ${arrival.isDate}, ${notDate}`]),
        ]),
  ]
  const aliases = [
    ...(timestamp === undefined ? [] : [`${timestamp.text} AS first_exposure_time`]),
    ...(arrival === undefined ? [] : [`${arrival.text} AS first_exposure_arrival`]),
  ]
  const rows = `${aliases.length === 0 ? '' : `WITH ${aliases.join(', ')}`}
      SELECT
        ${value('identity')} AS first_exposure_identity,
        ${value('variant')} AS first_exposure_variant,
        ${timestamp === undefined ? `toDateTime64('2020-01-01 00:00:00', 9, 'UTC')` : `ifNull(${timestamp.instant}, toDateTime64(0, 9, 'UTC'))`} AS first_exposure_instant,
        ${arrival === undefined ? '' : `${arrival.instant} AS first_exposure_arrived,`}
        ${columns.breakdown === undefined ? '' : `${read.text('breakdown')} AS first_exposure_slice,`}
        ${cleaning.renamed.size === 0 ? '' : `${cleaned(read.text('variant'), { ...cleaning, renamed: new Map() }, true)} AS first_exposure_former,`}
        ${namedIn.map((each, at) => `${each === undefined ? `''` : `ifNull(${read.text(each[0])}, '')`} AS first_exposure_named_${at},`).join('\n        ')}
        ${statuses.length === 0 ? good : `multiIf(${statuses.join(', ')}, ${good})`} AS first_exposure_status,
        ${timestamp === undefined ? `''` : `if(first_exposure_status = ${noTimestamp}, first_exposure_time, '')`} AS first_exposure_unread
      FROM ${read.from}
      WHERE ${read.isBroken === 'false' ? condition : `(${read.isBroken} OR ${condition})`}`
  // Texts that cannot be NULL are grouped much faster. A NULL and an empty identity are the same: no identity.
  const identityKey = `ifNull(first_exposure_identity, '')`
  const variantKey = (column: string): string => `ifNull(${column}, ''), isNull(${column})`
  const variantOf = (column: string): string => `if(isNull(${column}), NULL, ifNull(${column}, ''))`
  const former = (each: (column: string) => string): string =>
    cleaning.renamed.size === 0 ? '' : `${each('first_exposure_former')},`
  // Once it has compiled a statement, ClickHouse takes instants before 1970 for the latest of a group.
  const ofNanoseconds = (aggregate: 'min' | 'max'): string =>
    `fromUnixTimestamp64Nano(${aggregate}(toUnixTimestamp64Nano(first_exposure_instant)), 'UTC')`
  const kept = load.keepsAll
    ? `SELECT {experiment:String}, * FROM (${rows})`
    : `SELECT
        {experiment:String},
        ${identityKey},
        ${variantOf('first_exposure_variant')},
        ${ofNanoseconds('min')},
        ${former(variantOf)}
        ${mayName.map((_, at) => `min(first_exposure_named_${at}), max(first_exposure_named_${at}),`).join(' ')}
        first_exposure_status,
        any(first_exposure_unread),
        ${ofNanoseconds('max')},
        count()
      FROM (${rows})
      GROUP BY
        ${identityKey},
        ${variantKey('first_exposure_variant')},
        ${former(variantKey)}
        first_exposure_status`
  await engine.run(
    `Loading ${oneLine(file.name, 30)}`,
    { bytes: file.bytes },
    {
      query: `INSERT INTO loading
      ${kept}
      SETTINGS ${file.settings}, max_insert_threads = ${insertThreads}${settings}`,
      query_params: {
        ...parameters,
        ...timeParameters(load, plan),
        nulls: cleaning.nulls.map((each) => each.trim()),
        rename_from: [...cleaning.renamed.keys()].map((name) => foldedName(name, cleaning)),
        rename_to: [...cleaning.renamed.values()],
      },
    },
  )
}

/** The condition that a row holds the names of its columns, before which a byte order mark may stand. */
export function areNames(read: FileRead): string {
  return ['identity', 'variant']
    .map(
      (role) =>
        `trimBoth(replaceOne(ifNull(${read.text(role)}, ''), '\ufeff', '')) = trimBoth({${role}:String})`,
    )
    .join(' AND ')
}

/** The name of a variant that the user wrote, as the values are. */
export function foldedName(name: string, { foldCase }: Pick<FileCleaning, 'foldCase'>): string {
  return foldCase ? foldedText(name) : name
}

/** A value with the user's wishes. */
function cleaned(text: string, { nulls, foldCase, renamed }: FileCleaning, isVariant: boolean): string {
  const known = nulls.length === 0 ? text : `if(has({nulls:Array(String)}, trimBoth(${text})), NULL, ${text})`
  const folded = foldCase ? foldedSql(known) : known
  return isVariant && renamed.size > 0
    ? `transform(${folded}, {rename_from:Array(String)}, {rename_to:Array(String)}, ${folded})`
    : folded
}

function lenient(errors: string): string {
  // The path is one of ours: a temporary folder of the system, with quotes and backslashes escaped.
  const path = errors.replace(/[\\']/g, '\\$&')
  return (
    `,\n  input_format_allow_errors_num = 4000000000, input_format_allow_errors_ratio = 1,` +
    ` input_format_parallel_parsing = 0, max_threads = 1, input_format_record_errors_file_path = '${path}'`
  )
}

/** The records that the engine could not take apart, from the file that it wrote of them. */
async function brokenRecords(
  client: ClickHouseClient,
  { layout }: OpenedFile,
  path: string,
): Promise<{ record: number; text: string }[]> {
  const result = await client.query({
    query: `SELECT record, text
      FROM file({path:String}, 'CSV', 'at String, a Nullable(String), b Nullable(String), record UInt64, reason String, text String')
      ORDER BY record
      SETTINGS input_format_csv_detect_header = 0, ${delimiterSettings(layout?.quoted === true ? layout.delimiter : ',')}`,
    query_params: { path },
    format: 'JSONEachRow',
  })
  const rows = await result.json<{ record: string | number; text: string }>()
  return rows.map(({ record, text }) => ({ record: Number(record), text }))
}
