import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ClickHouseClient } from '@clickhouse/client'
import { exposureSpec } from '../index.js'
import { experimentNameOf, type FileColumns, type ReportArguments } from './arguments.js'
import type { EmbeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import {
  inLines,
  isEmpty,
  openFile,
  readRows,
  unreadable,
  type FileReading,
  type OpenedFile,
} from './open-file.js'
import { fileColumns, type Proposal } from './file-columns.js'
import type { InputFile } from './input-files.js'
import { fileRead, type FileRead } from './read-file.js'
import { recordLines } from './record-lines.js'
import { oneLine, ReportError } from './report-error.js'
import { spellingNotes } from './spelling-notes.js'
import { timestampSql, type TimestampForm } from './timestamp-form.js'
import { timestampPlan, type TimestampPlan } from './timestamp-plan.js'
import { rowFilters, type RowFilter } from './row-filters.js'
import { count, counted } from './words.js'

/** What is done to the values of files before they are counted. */
export interface FileCleaning {
  /** Whether rows that cannot be read are left out; otherwise they stop the report. */
  readonly skipBadRows: boolean
  /** Whether variants and identities that differ only in case, or in spaces around them, are the same. */
  readonly foldCase: boolean
  /** Other names for variants. */
  readonly renamed: ReadonlyMap<string, string>
  /** The texts that stand for no value, in the columns of the identity and the variant. */
  readonly nulls: readonly string[]
  /** `column=value`, as the user wrote it. */
  readonly where: readonly string[]
  /** How timestamps are written, if the user said it. */
  readonly timestampForms: readonly TimestampForm[] | undefined
}

/** What the user asks about files. */
export interface FileRequest extends Pick<ReportArguments, 'feature' | 'timeZone' | 'policy'> {
  readonly columns: Parameters<typeof fileColumns>[2]
  readonly reading: FileReading
  readonly cleaning: FileCleaning
}

/** Loads whole files of exposures into a table of the embedded engine. Throws a `ReportError` if it cannot. */
export async function loadFiles(
  engine: EmbeddedClickHouse,
  inputs: readonly InputFile[],
  { columns: given, reading, cleaning, ...request }: FileRequest,
): Promise<Experiment | Proposal> {
  const { client } = engine
  const files: OpenedFile[] = []
  for (const [index, input] of inputs.entries()) files.push(await openFile(engine, input, index, reading))
  const columns = await fileColumns(client, files, given)
  if ('sample' in columns) return columns

  const name = files.length === 1 ? (files[0]?.name ?? '') : `${count(files.length)} files`
  const experiment = request.feature ?? (files.length === 1 ? experimentNameOf(name) : name)
  const load: Load = {
    engine,
    columns,
    experiment,
    timeZone: request.timeZone,
    cleaning,
    filters: files.map((file) => rowFilters(file, cleaning.where)),
  }
  for (const table of ['exposures', 'loading']) {
    await client.command({
      query: `CREATE TABLE ${table}
      (
        experiment LowCardinality(String),
        identity Nullable(String),
        variant LowCardinality(Nullable(String)),
        exposed_at DateTime64(9, 'UTC'),
        ${columns.arrival === undefined ? '' : "arrived_at Nullable(DateTime64(9, 'UTC')),"}
        ${columns.breakdown === undefined ? '' : 'slice LowCardinality(Nullable(String)),'}
        status UInt8,
        unread String
      )
      ENGINE = MergeTree
      PARTITION BY status
      ORDER BY tuple()`,
    })
  }
  const { plan, results } = await loaded(load, files)
  const rows = results.reduce((sum, { good, bad }) => sum + good + bad, 0)
  const bad = results.reduce((sum, each) => sum + each.bad, 0)
  const blank = results.reduce((sum, each) => sum + each.blank, 0)
  const examples = bad === 0 ? [] : await badRows(load, files, results, plan)
  if (bad > 0 && !cleaning.skipBadRows) throw badRowsError(name, bad, rows, examples, load)

  const isFiltered = columns.feature !== undefined || cleaning.where.length > 0
  const spelling = await spellingNotes(client, cleaning)
  const { rows: good, unusable } = spelling
  if (good === 0 && !isFiltered) {
    throw bad > 0 ? badRowsError(name, bad, rows, examples, load) : isEmpty(name)
  }
  const hasDates = columns.timestamp !== null && plan.timestamp.isDates
  const isNaive = columns.timestamp !== null && !hasDates && plan.timestamp.hasNaive
  return {
    client,
    spec: exposureSpec({
      featureName: experiment,
      timeZone: request.timeZone,
      multiVariant: request.policy,
      source: {
        table: 'exposures',
        columns: {
          environment: null,
          event: null,
          feature: 'experiment',
          timestamp: 'exposed_at',
          identity: 'identity',
          variant: 'variant',
          arrival: columns.arrival === undefined ? null : 'arrived_at',
        },
      },
    }),
    origin:
      `${name}, ${count(good)} ${good === 1 ? 'event' : 'events'}` +
      (unusable === 0 ? '' : `, ${count(unusable)} of them without an identity or variant`) +
      (hasDates ? ', dated by day' : '') +
      (isNaive ? `, times without a zone read as ${request.timeZone}` : ''),
    hasDates,
    hasTimes: columns.timestamp !== null,
    sliceColumn: 'slice',
    notes: [
      ...(bad === 0
        ? []
        : [
            `Left out: ${count(bad)} of ${counted(rows, 'row', 'rows')} that cannot be read (--skip-bad-rows), such as ${examples[0]?.where}: ${examples[0]?.what}.`,
          ]),
      ...(blank === 0 ? [] : [`${counted(blank, 'blank row is', 'blank rows are')} skipped.`]),
      ...files.flatMap(({ notes }) => notes),
      ...new Set([...plan.timestamp.notes, ...plan.arrival.notes]),
      ...(cleaning.where.length === 0
        ? []
        : [`Only rows where ${cleaning.where.map((each) => oneLine(each, 60)).join(', ')}.`]),
      ...spelling.notes,
    ],
    variants: spelling.variants,
    scanned: async () => {
      if (columns.feature === undefined) return `Scanned: all ${count(good)} rows of ${name}.`
      const others = await rowsOfOthers(load, files)
      return (
        `Scanned: the ${count(good)} rows of ${name} whose ${quoted(columns.feature)} is ${quoted(experiment)}; ` +
        `${counted(others, 'row belongs', 'rows belong')} to other experiments.`
      )
    },
    nothingFound: async () => {
      if (good > 0) return `${name} has no exposure in the window`
      if (columns.feature === undefined) {
        return `${name} has no row where ${cleaning.where.map((each) => oneLine(each, 60)).join(' and ')}`
      }
      return `${name} has no row whose ${quoted(columns.feature)} is ${quoted(experiment)}; ${await featuresOf(load, files)}`
    },
    close: () => engine.close(),
  }
}

interface Load {
  readonly engine: EmbeddedClickHouse
  readonly columns: FileColumns
  readonly experiment: string
  readonly timeZone: string
  readonly cleaning: FileCleaning
  /** The filters of rows, by file. */
  readonly filters: readonly (readonly RowFilter[])[]
}

type TimeColumn = 'timestamp' | 'arrival'
type Plans = Readonly<Record<TimeColumn, TimestampPlan & { readonly isDates: boolean }>>

/** What became of the rows of a file. */
interface Loaded {
  /** The file, as it was read in the end. */
  readonly file: OpenedFile
  readonly good: number
  readonly bad: number
  readonly blank: number
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

/** Loads the files, and again if their rows are not as the first of them promise. */
async function loaded(
  load: Load,
  files: readonly OpenedFile[],
): Promise<{ readonly plan: Plans; readonly results: readonly Loaded[] }> {
  const { client } = load.engine
  const values = {
    timestamp: await firstValues(load, files, 'timestamp'),
    arrival: await firstValues(load, files, 'arrival'),
  }
  const mayBeDates = { timestamp: true, arrival: true }
  for (;;) {
    const plan: Plans = {
      timestamp: await planOf(load, files, 'timestamp', values.timestamp, mayBeDates.timestamp),
      arrival: await planOf(load, files, 'arrival', values.arrival, mayBeDates.arrival),
    }
    await client.command({ query: 'TRUNCATE TABLE exposures' })
    const results: Loaded[] = []
    let again = false
    for (const [index, file] of files.entries()) {
      const { result, surprises, hasTimes } = await loadOne(load, file, index, plan)
      results.push(result)
      if (hasTimes) mayBeDates.timestamp = mayBeDates.arrival = false
      again ||= hasTimes
      const known = new Set(plan.timestamp.forms)
      const wider = await planOf(
        load,
        files,
        'timestamp',
        [...values.timestamp, ...surprises],
        mayBeDates.timestamp,
      ).catch(() => plan.timestamp)
      if (
        load.cleaning.timestampForms === undefined &&
        wider.forms.some((form) => !known.has(form)) &&
        surprises.length > 0
      ) {
        values.timestamp = [...values.timestamp, ...surprises]
        again = true
      }
    }
    if (!again) return { plan, results }
  }
}

/** The first values of a column of time, of every file that has text or numbers in it. */
async function firstValues(load: Load, files: readonly OpenedFile[], role: TimeColumn): Promise<string[]> {
  const column = load.columns[role]
  if (column === undefined || column === null) return []
  const values: string[] = []
  for (const [index, file] of files.entries()) {
    if (isInstant(file, column)) continue
    const { read, condition, parameters } = reading(load, file, index, [role])
    const rows = await readRows<{ value: string }>(
      load.engine.client,
      file,
      `SELECT ${timeText(file, column, read, role)} AS value
      FROM ${read.from}
      WHERE ${condition} AND value != ''
      LIMIT 1000
      SETTINGS ${tolerant(file)}`,
      parameters,
    ).catch(() => [])
    values.push(...rows.map(({ value }) => value))
  }
  return values
}

async function planOf(
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
      : { forms: timestampForms, hasNaive: true, notes: [] }
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

/** Loads one file, at first as one without faults; if it has some, row by row. */
async function loadOne(
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
  for (const [attempt, { file: tried, settings }] of attempts.entries()) {
    await client.command({ query: 'TRUNCATE TABLE loading' })
    try {
      await insert(load, tried, index, plan, settings)
    } catch (error) {
      const next = attempts[attempt + 1]
      if (next === undefined || !isParseError(error)) throw unreadable(file, error)
      continue
    }
    const result = await client.query({
      query: `SELECT status, count() AS rows FROM loading GROUP BY status`,
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
    const faults = path === undefined || !existsSync(path) ? [] : await brokenRecords(client, path)
    const faulty = faults.filter(({ text }) => text.replaceAll(/[\s,;|]/g, '') !== '')
    // A file of something else has no line that is a record.
    if (
      tried.reading === 'line by line' &&
      of(good) === 0 &&
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
  const { engine, columns, cleaning } = load
  const roles = ['identity', 'variant', 'timestamp', 'arrival', 'breakdown'] as const
  const { read, condition, parameters } = reading(load, file, index, roles)
  const value = (role: 'identity' | 'variant'): string =>
    cleaned(read.text(role), cleaning, role === 'variant')
  const timestamp = instantIn(file, columns, 'timestamp', plan, read)
  const arrival = instantIn(file, columns, 'arrival', plan, read)
  const isBlank = ['identity', 'variant']
    .map((role) => `trimBoth(ifNull(${read.text(role)}, '')) = ''`)
    .concat(timestamp === undefined ? [] : `first_exposure_time = ''`)
    .join(' AND ')
  const statuses = [
    ...(read.isBroken === 'false' ? [] : [`${read.isBroken}, ${broken}`]),
    ...(timestamp === undefined
      ? [`${isBlank}, ${blank}`]
      : [
          `isNull(${timestamp.instant}), if(${isBlank}, ${blank}, ${noTimestamp})`,
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
  await engine.run(
    `Loading ${oneLine(file.name, 30)}`,
    { bytes: file.bytes },
    {
      query: `INSERT INTO loading
      ${aliases.length === 0 ? '' : `WITH ${aliases.join(', ')}`}
      SELECT
        {experiment:String},
        ${value('identity')},
        ${value('variant')},
        ${timestamp === undefined ? `toDateTime64('2020-01-01 00:00:00', 9, 'UTC')` : `ifNull(${timestamp.instant}, toDateTime64(0, 9, 'UTC'))`},
        ${arrival === undefined ? '' : `${arrival.instant},`}
        ${columns.breakdown === undefined ? '' : `${read.text('breakdown')},`}
        ${statuses.length === 0 ? good : `multiIf(${statuses.join(', ')}, ${good})`} AS first_exposure_status,
        ${timestamp === undefined ? `''` : `if(first_exposure_status = ${noTimestamp}, first_exposure_time, '')`}
      FROM ${read.from}
      WHERE ${read.isBroken === 'false' ? condition : `(${read.isBroken} OR ${condition})`}
      SETTINGS ${file.settings}${settings}`,
      query_params: {
        ...parameters,
        ...timeParameters(load, plan),
        nulls: cleaning.nulls.map((each) => each.trim()),
        rename_from: [...cleaning.renamed.keys()].map((name) =>
          cleaning.foldCase ? name.trim().toLowerCase() : name,
        ),
        rename_to: [...cleaning.renamed.values()],
      },
    },
  )
}

/** A value with the user's wishes. */
function cleaned(text: string, { nulls, foldCase, renamed }: FileCleaning, isVariant: boolean): string {
  const known = nulls.length === 0 ? text : `if(has({nulls:Array(String)}, trimBoth(${text})), NULL, ${text})`
  const folded = foldCase ? `lowerUTF8(trimBoth(${known}))` : known
  return isVariant && renamed.size > 0
    ? `transform(${folded}, {rename_from:Array(String)}, {rename_to:Array(String)}, ${folded})`
    : folded
}

/** How a statement reads a file's columns of these roles, and which of its rows are wanted. */
function reading(
  load: Load,
  file: OpenedFile,
  index: number,
  roles: readonly (keyof FileColumns)[],
): { readonly read: FileRead; readonly condition: string; readonly parameters: Record<string, unknown> } {
  const filters = load.filters[index] ?? []
  const named = Object.fromEntries(
    [...roles, 'feature' as const].flatMap((role) => {
      const column = load.columns[role]
      return typeof column === 'string' ? [[role, column] as const] : []
    }),
  )
  const read = fileRead(file, {
    ...named,
    ...Object.fromEntries(filters.map(({ column }, at) => [`where_${at}`, column])),
  })
  const conditions = [
    ...(load.columns.feature === undefined
      ? []
      : [`ifNull(${read.text('feature')} = {experiment:String}, false)`]),
    ...filters.map(
      (_, at) => `has({where_${at}_values:Array(String)}, ifNull(${read.text(`where_${at}`)}, ''))`,
    ),
  ]
  return {
    read,
    condition: conditions.length === 0 ? 'true' : conditions.join(' AND '),
    parameters: {
      ...read.query_params,
      experiment: load.experiment,
      ...Object.fromEntries(filters.map(({ values }, at) => [`where_${at}_values`, values])),
    },
  }
}

function timeParameters({ timeZone, cleaning }: Load, plan: Plans): Record<string, unknown> {
  return {
    time_zone: timeZone,
    timestamp_pattern: patternOf(cleaning.timestampForms ?? plan.timestamp.forms),
  }
}

function patternOf(forms: readonly TimestampForm[]): string {
  return forms.flatMap((form) => (typeof form === 'object' ? [form.pattern] : []))[0] ?? ''
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
 * The expressions for an instant of a row: its text; the instant, NULL if the value is none; and, where the timestamps
 * are dates, whether it is one. A date is the start of its local day.
 */
function instantIn(
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
    return {
      text: `ifNull(toString(${value}), '')`,
      instant: isDates || isDate(file, column) ? day(value) : `toDateTime64(${value}, 9, 'UTC')`,
      isDate: undefined,
    }
  }
  const alias = role === 'timestamp' ? 'first_exposure_time' : 'first_exposure_arrival'
  // A day may have no midnight: its clock is read in UTC, and its day begins where the zone says.
  const { instant, isDate: date } = timestampSql(alias, forms, isDates ? `'UTC'` : '{time_zone:String}')
  return { text, instant: isDates ? day(instant) : instant, isDate: isDates ? date : undefined }
}

function lenient(errors: string): string {
  // The path is one of ours: a temporary folder of the system, with quotes and backslashes escaped.
  const path = errors.replace(/[\\']/g, '\\$&')
  return (
    `,\n  input_format_allow_errors_num = 4000000000, input_format_allow_errors_ratio = 1,` +
    ` input_format_parallel_parsing = 0, max_threads = 1, input_format_record_errors_file_path = '${path}'`
  )
}

/** The settings to look at some rows of a file, whatever is wrong with others. */
function tolerant(file: OpenedFile): string {
  return file.format.kind === 'table'
    ? `${file.settings}, input_format_allow_errors_num = 4000000000, input_format_allow_errors_ratio = 1`
    : file.settings
}

function isParseError(error: unknown): boolean {
  return /Cannot parse|CANNOT_PARSE|Cannot read|INCORRECT_DATA|expected|Expected|ERROR:/.test(
    String((error as { message?: unknown }).message ?? error),
  )
}

/** The records that the engine could not take apart, from the file that it wrote of them. */
async function brokenRecords(
  client: ClickHouseClient,
  path: string,
): Promise<{ record: number; text: string }[]> {
  const result = await client.query({
    query: `SELECT record, text
      FROM file({path:String}, 'CSV', 'at String, a Nullable(String), b Nullable(String), record UInt64, reason String, text String')
      ORDER BY record`,
    query_params: { path },
    format: 'JSONEachRow',
  })
  const rows = await result.json<{ record: string | number; text: string }>()
  return rows.map(({ record, text }) => ({ record: Number(record), text }))
}

interface BadRow {
  /** `line 17`, and of which file, if there are several. */
  readonly where: string
  readonly what: string
  readonly value: string
}

/** The first three rows that cannot be read, in the order of the files. */
async function badRows(
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
        what: `${quoted(text)} does not have the fields of the other lines`,
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
            first.map(({ record }) => record),
          )
    rows.push(
      ...first.map(({ record, what, value }, at) => ({
        where:
          (lines === undefined ? `row ${count(record)}` : `line ${lines[at]}`) +
          (files.length > 1 ? ` of ${file.name}` : ''),
        what,
        value,
      })),
    )
    if (rows.length >= 3) break
  }
  return rows
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
          `(isNull(${timestamp.instant}) AND NOT (first_exposure_time = '' AND ${isBlank}) AND ${condition})`,
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
      _row_number AS row_index,
      ${value('timestamp', timestamp)} AS timestamp_value,
      ${value('arrival', arrival)} AS arrival_value,
      ${read.isBroken} AS is_broken,
      ${timestamp === undefined ? 'true' : `isNotNull(${timestamp.instant})`} AS is_late,
      ${read.isBroken === 'false' ? `''` : 'line'} AS line_text
    FROM ${read.from}
    WHERE ${conditions.join(' OR ')}
    ORDER BY row_index
    LIMIT 3
    SETTINGS ${tolerant(file)}, input_format_parallel_parsing = 0, max_threads = 1`,
    { ...parameters, ...timeParameters(load, plan) },
  )
  return rows.map(({ row_index, timestamp_value, arrival_value, is_broken, is_late, line_text }) => {
    const column = Boolean(is_late) ? columns.arrival : columns.timestamp
    const found = Boolean(is_broken) ? line_text : Boolean(is_late) ? arrival_value : timestamp_value
    const shown = found === null ? 'NULL' : quoted(found)
    return {
      record: recordOf(Number(row_index), faults),
      value: found ?? '',
      what: Boolean(is_broken)
        ? `${shown} is not an object of JSON`
        : `${shown} in ${quoted(column ?? '')} is not a timestamp`,
    }
  })
}

/** The record of a row, counted from 1: the engine does not number those that it could not take apart. */
function recordOf(index: number, faults: Loaded['broken']): number {
  let record = index + 1
  for (const fault of faults) if (fault.record <= record) record++
  return record
}

function badRowsError(
  name: string,
  bad: number,
  rows: number,
  examples: readonly BadRow[],
  { columns, cleaning }: Load,
): ReportError {
  const areSerials = examples.some(({ value }) => /^[34][0-9]{4}([.][0-9]+)?$/.test(value))
  const isTime = examples.some(({ what }) => what.endsWith('is not a timestamp'))
  const advice = [
    ...(bad < rows ? ['To leave them out, add --skip-bad-rows.'] : []),
    ...(isTime && cleaning.timestampForms === undefined
      ? [
          areSerials
            ? 'They may be days as Excel counts them: --timestamp-format excel.'
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

/** How many rows of the files are of other experiments. */
async function rowsOfOthers(load: Load, files: readonly OpenedFile[]): Promise<number> {
  let others = 0
  for (const [index, file] of files.entries()) {
    const { read, condition, parameters } = reading(load, file, index, [])
    const [row] = await readRows<{ others: string | number }>(
      load.engine.client,
      file,
      `SELECT countIf(NOT (${condition})) AS others FROM ${read.from} SETTINGS ${tolerant(file)}`,
      parameters,
    )
    others += Number(row?.others ?? 0)
  }
  return others
}

async function featuresOf(load: Load, files: readonly OpenedFile[]): Promise<string> {
  const names = new Map<string, number>()
  for (const [index, file] of files.entries()) {
    const { read, parameters } = reading(load, file, index, [])
    const rows = await readRows<{ experiment_name: string | null; rows: string | number }>(
      load.engine.client,
      file,
      `SELECT ${read.text('feature')} AS experiment_name, count() AS rows
      FROM ${read.from}
      GROUP BY experiment_name ORDER BY rows DESC, experiment_name LIMIT 100
      SETTINGS ${tolerant(file)}`,
      parameters,
    )
    for (const { experiment_name, rows: found } of rows) {
      const key = experiment_name ?? 'NULL'
      names.set(key, (names.get(key) ?? 0) + Number(found))
    }
  }
  const all = [...names].sort((a, b) => b[1] - a[1]).map(([name]) => name)
  return all.length === 0 ? 'it is empty' : `it has ${listed(all)}`
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 60))
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map(quoted)
  return names.length > shown.length ? `${shown.join(', ')} and more` : shown.join(', ')
}
