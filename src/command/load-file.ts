import { accessSync, constants, statSync, symlinkSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { exposureSpec } from '../index.js'
import type { ClickHouseClient } from '@clickhouse/client'
import { experimentNameOf, type FileColumns, type ReportArguments } from './arguments.js'
import type { EmbeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import { csv, formatOf, type FileFormat } from './file-format.js'
import { count, counted } from './words.js'
import { oneLine, ReportError } from './report-error.js'

// Values stay as they were written: the identity 007 is not 7, and an empty field is an empty text.
const readingSettings = `
  input_format_csv_use_best_effort_in_schema_inference = 0,
  input_format_tsv_use_best_effort_in_schema_inference = 0,
  input_format_csv_empty_as_default = 0,
  input_format_tsv_empty_as_default = 0,
  input_format_tsv_crlf_end_of_line = 1,
  input_format_try_infer_integers = 0,
  input_format_try_infer_dates = 0,
  input_format_try_infer_datetimes = 0`

// Year first, because 05/06/2026 is ambiguous. ClickHouse reads year 0 as this year, month 0 as January, day 0 as the
// first, and 25:00 as 01:00 of the next day; it refuses 31 June by itself.
const date = '[1-9][0-9]{3}[-/](0?[1-9]|1[0-2])[-/](0?[1-9]|[12][0-9]|3[01])'
const timestampText =
  `^(${date}` +
  '([T ]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?' +
  '( ?(Z|UTC|GMT|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?))?)?' +
  '|[0-9]{10}([.][0-9]+)?|[0-9]{13}|[0-9]{16}|[0-9]{19})$'

// Programs write dates also as midnight. A zone makes it an instant.
const dateText = `^${date}([T ]0?0:00(:00([.]0+)?)?)?$`

/** Loads a whole file of exposures into a table of the embedded engine. Throws a `ReportError` if it cannot. */
export async function loadFile(
  engine: EmbeddedClickHouse,
  path: string,
  columns: FileColumns,
  { feature, timeZone, policy }: Pick<ReportArguments, 'feature' | 'timeZone' | 'policy'>,
): Promise<Experiment> {
  const { client } = engine
  const name = basename(path)
  const bytes = readableBytes(path, name)
  const format = formatOf(name)
  const experiment = feature ?? experimentNameOf(path)
  const spec = exposureSpec({
    featureName: experiment,
    timeZone,
    multiVariant: policy,
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
  })
  if (bytes === 0) throw new ReportError(`${name} is empty: there is nothing to report`)

  const file: File = {
    name,
    format,
    // ClickHouse reads a path as a pattern, in which * ? { } and :: are special.
    path: link(path, join(engine.directory, `input${/\.gz$/i.test(name) ? '.gz' : ''}`)),
    types: new Map(),
    dates: new Set(),
    timeZone,
  }
  const typed = { ...file, types: await describe(client, file) }
  assertColumns(typed, columns)
  const described = { ...typed, dates: await datesIn(client, typed, columns, experiment) }

  await client.command({
    query: `CREATE TABLE exposures
      (
        experiment LowCardinality(String),
        identity Nullable(String),
        variant LowCardinality(Nullable(String)),
        exposed_at DateTime64(9, 'UTC'),
        arrived_at Nullable(DateTime64(9, 'UTC')),
        slice LowCardinality(Nullable(String))
      )
      ENGINE = MergeTree
      ORDER BY exposed_at`,
  })
  await load(engine, described, columns, experiment, bytes)

  const { loaded, unusable } = await loadedRows(client)
  if (loaded === 0 && columns.feature === undefined) {
    throw new ReportError(`${name} is empty: there is nothing to report`)
  }
  return {
    client,
    spec,
    origin:
      `${name}, ${count(loaded)} ${loaded === 1 ? 'event' : 'events'}` +
      (unusable === 0 ? '' : `, ${count(unusable)} of them without an identity or variant`) +
      (described.dates.has('timestamp') ? ', dated by day' : ''),
    hasDates: described.dates.has('timestamp'),
    sliceColumn: 'slice',
    scanned: async () => {
      if (columns.feature === undefined) return `Scanned: all ${count(loaded)} rows of ${name}.`
      const others = await rowsOfOthers(client, described, columns, experiment)
      return (
        `Scanned: the ${count(loaded)} rows of ${name} whose ${quoted(columns.feature)} is ${quoted(experiment)}; ` +
        `${counted(others, 'row belongs', 'rows belong')} to other experiments.`
      )
    },
    nothingFound: async () =>
      columns.feature === undefined || loaded > 0
        ? `${name} has no exposure in the window`
        : `${name} has no row whose ${quoted(columns.feature)} is ${quoted(experiment)}; ` +
          (await featuresOf(client, described, columns.feature)),
    close: () => engine.close(),
  }
}

interface File {
  /** What the user calls it. */
  readonly name: string
  readonly format: FileFormat
  /** Where the engine reads it. */
  readonly path: string
  /** Its columns in order, each with the type that it is read as. */
  readonly types: ReadonlyMap<string, string>
  /** Which of its columns of time hold only dates. */
  readonly dates: ReadonlySet<TimeColumn>
  /** The zone whose days the dates are. */
  readonly timeZone: string
}

type TimeColumn = 'timestamp' | 'arrival'

function readableBytes(path: string, name: string): number {
  try {
    const file = statSync(path)
    if (file.isDirectory()) throw new ReportError(`${name} is a directory: name a file in it`)
    accessSync(path, constants.R_OK)
    return file.size
  } catch (error) {
    if (error instanceof ReportError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new ReportError(
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `there is no file ${oneLine(path)} (looked in ${process.cwd()})`
        : `${name} cannot be read: ${code === 'EACCES' ? 'permission denied' : String(code)}`,
      { cause: error },
    )
  }
}

function link(path: string, to: string): string {
  symlinkSync(resolve(path), to)
  return to
}

async function describe(client: ClickHouseClient, file: File): Promise<ReadonlyMap<string, string>> {
  const rows = await read<{ name: string; type: string }>(
    client,
    file,
    `DESCRIBE TABLE file({path:String}, {format:String}) SETTINGS ${readingSettings}`,
  )
  return new Map(rows.map(({ name, type }) => [name, file.format.isText ? 'Nullable(String)' : type]))
}

function assertColumns({ name, types }: File, columns: FileColumns): void {
  const options = {
    identity: '--identity',
    variant: '--variant',
    timestamp: '--timestamp',
    feature: '--feature-column',
    arrival: '--arrival',
    breakdown: '--breakdown',
  }
  for (const [role, option] of Object.entries(options)) {
    const column = columns[role as keyof FileColumns]
    if (column === undefined) continue
    if (!types.has(column)) {
      throw new ReportError(
        `${name} has no column ${quoted(column)} (${option}); it has ${listed([...types.keys()])}`,
      )
    }
    // The engine's parser doubles the backslashes of a bound identifier.
    if (column.includes('\\')) {
      throw new ReportError(
        `${name}: a column with a backslash in its name cannot be read; rename ${quoted(column)}`,
      )
    }
  }
}

async function load(
  engine: EmbeddedClickHouse,
  file: File,
  columns: FileColumns,
  experiment: string,
  bytes: number,
): Promise<void> {
  const identity = file.types.get(columns.identity) ?? ''
  const query = `INSERT INTO exposures
    SELECT
      {experiment:String},
      ${identity.includes('UUID') ? `nullIf(toString({identity:Identifier}), '00000000-0000-0000-0000-000000000000')` : 'toString({identity:Identifier})'},
      toString({variant:Identifier}),
      assumeNotNull(${instantIn(file, 'timestamp', columns.timestamp)} AS exposed_at_or_null),
      ${columns.arrival === undefined ? 'NULL' : instantIn(file, 'arrival', columns.arrival)},
      ${columns.breakdown === undefined ? 'NULL' : 'toString({breakdown:Identifier})'}
    FROM file({path:String}, {format:String}, {structure:String})
    WHERE ${wanted(columns)} AND throwIf(${wanted(columns)} AND exposed_at_or_null IS NULL, 'no timestamp') = 0
    SETTINGS ${readingSettings}`
  try {
    await engine.run(
      `Loading ${oneLine(file.name, 30)}`,
      { bytes },
      {
        query,
        query_params: parameters(file, columns, experiment, [...new Set(Object.values(columns))]),
      },
    )
  } catch (error) {
    const row = await firstWithoutTimestamp(engine.client, file, columns, experiment).catch(() => undefined)
    if (row === undefined) throw unreadable(file, error)
    throw new ReportError(
      `${file.name}, ${file.format.record} ${row.number}: ${row.value === null ? 'NULL' : quoted(row.value)} in ` +
        `${quoted(columns.timestamp)} is not a timestamp; use ISO 8601, such as 2026-06-01 09:30:00, or a count of seconds (or finer) since 1970`,
    )
  }
}

/**
 * Which columns of time hold only dates: by their type, or because no value of the experiment's rows has a time of day.
 * A file of instants is read only as far as the first.
 */
async function datesIn(
  client: ClickHouseClient,
  file: File,
  columns: FileColumns,
  experiment: string,
): Promise<ReadonlySet<TimeColumn>> {
  const dates = new Set<TimeColumn>()
  for (const role of ['timestamp', 'arrival'] as const) {
    const column = columns[role]
    if (column === undefined) continue
    const type = file.types.get(column) ?? ''
    if (/Date(?!Time)/.test(type)) dates.add(role)
    if (/Date/.test(type)) continue
    const text = textOf(role)
    const instants = await read(
      client,
      file,
      `SELECT 1
      FROM file({path:String}, {format:String}, {structure:String})
      WHERE ${wanted(columns)} AND match(${text}, '${timestampText}') AND NOT match(${text}, '${dateText}')
      LIMIT 1
      SETTINGS ${readingSettings}`,
      parameters(file, columns, experiment, [...new Set([column, columns.feature])]),
    )
    if (instants.length === 0) dates.add(role)
  }
  return dates
}

function textOf(parameter: TimeColumn): string {
  return `trimBoth(toString({${parameter}:Identifier}))`
}

/** The expression for an instant of a row; NULL if the value is not an instant. A date is the start of its local day. */
function instantIn({ types, dates }: File, parameter: TimeColumn, column: string): string {
  const text = textOf(parameter)
  const instant = /Date/.test(types.get(column) ?? '')
    ? `{${parameter}:Identifier}`
    : `if(match(${text}, '${timestampText}'), parseDateTime64BestEffortOrNull(${text}, 9, 'UTC'), NULL)`
  return dates.has(parameter)
    ? `toDateTime64(toDate32(${instant}), 9, {time_zone:String})`
    : `toDateTime64(${instant}, 9, 'UTC')`
}

/** The condition that a row belongs to the experiment to report. */
function wanted({ feature }: FileColumns): string {
  return feature === undefined
    ? 'true'
    : 'ifNull(toString({feature:Identifier}) = {experiment:String}, false)'
}

function parameters(
  file: File,
  columns: FileColumns,
  experiment: string,
  read: readonly (string | undefined)[],
): Record<string, unknown> {
  return {
    path: file.path,
    format: file.format.format,
    // A declaration of columns, sent as a value; its names are quoted as ClickHouse quotes names.
    structure: read
      .filter((name) => name !== undefined)
      .map((name) => `\`${name.replace(/[\\`]/g, '\\$&')}\` ${file.types.get(name) ?? ''}`)
      .join(', '),
    experiment,
    time_zone: file.timeZone,
    identity: columns.identity,
    variant: columns.variant,
    timestamp: columns.timestamp,
    ...(columns.feature === undefined ? {} : { feature: columns.feature }),
    ...(columns.arrival === undefined ? {} : { arrival: columns.arrival }),
    ...(columns.breakdown === undefined ? {} : { breakdown: columns.breakdown }),
  }
}

/** Reads the file again, in order, to find what stopped the load. */
async function firstWithoutTimestamp(
  client: ClickHouseClient,
  file: File,
  columns: FileColumns,
  experiment: string,
): Promise<{ number: number; value: string | null } | undefined> {
  const inOrder = `${readingSettings}, input_format_parallel_parsing = 0, max_threads = 1`
  const all = [...file.types.keys()]
  const [row] = await read<{ row_index: string | number; value: string | null }>(
    client,
    file,
    `SELECT _row_number AS row_index, toString({timestamp:Identifier}) AS value
    FROM file({path:String}, {format:String}, {structure:String})
    WHERE ${wanted(columns)} AND ${instantIn(file, 'timestamp', columns.timestamp)} IS NULL
    ORDER BY row_index
    LIMIT 1
    SETTINGS ${inOrder}`,
    parameters(file, columns, experiment, all),
  )
  if (row === undefined) return undefined
  const index = Number(row.row_index)
  // A quoted CSV field may span several lines.
  const [lines] =
    file.format === csv
      ? await read<{ breaks: string | number }>(
          client,
          file,
          `SELECT sum(arraySum(field -> countSubstrings(ifNull(field, ''), '\\n'), array(* EXCEPT _row_number))) AS breaks
          FROM (SELECT *, _row_number FROM file({path:String}, {format:String}, {structure:String}))
          WHERE _row_number < {row_index:UInt64}
          SETTINGS ${inOrder}`,
          { ...parameters(file, columns, experiment, all), row_index: index },
        )
      : []
  const breaks = Number(lines?.breaks ?? 0) + (file.format === csv ? all.join('').split('\n').length - 1 : 0)
  return { number: file.format.firstRecord + index + breaks, value: row.value }
}

async function loadedRows(client: ClickHouseClient): Promise<{ loaded: number; unusable: number }> {
  const result = await client.query({
    query: `SELECT count() AS loaded, countIf(ifNull(identity, '') = '' OR variant IS NULL) AS unusable FROM exposures`,
    format: 'JSONEachRow',
  })
  const [row] = await result.json<{ loaded: string | number; unusable: string | number }>()
  return { loaded: Number(row?.loaded ?? 0), unusable: Number(row?.unusable ?? 0) }
}

/** How many rows of the file were not loaded. */
async function rowsOfOthers(
  client: ClickHouseClient,
  file: File,
  columns: FileColumns,
  experiment: string,
): Promise<number> {
  const [row] = await read<{ others: string | number }>(
    client,
    file,
    `SELECT countIf(NOT ${wanted(columns)}) AS others
    FROM file({path:String}, {format:String}, {structure:String})
    SETTINGS ${readingSettings}`,
    parameters(file, columns, experiment, [columns.feature]),
  )
  return Number(row?.others ?? 0)
}

async function featuresOf(client: ClickHouseClient, file: File, column: string): Promise<string> {
  const rows = await read<{ name: string | null }>(
    client,
    file,
    `SELECT toString({feature:Identifier}) AS name
    FROM file({path:String}, {format:String}, {structure:String})
    GROUP BY name ORDER BY count() DESC, name LIMIT 6
    SETTINGS ${readingSettings}`,
    parameters(
      file,
      {
        identity: '',
        variant: '',
        timestamp: '',
        feature: column,
        arrival: undefined,
        breakdown: undefined,
      },
      '',
      [column],
    ),
  )
  return rows.length === 0 ? 'it is empty' : `it has ${listed(rows.map(({ name }) => name ?? 'NULL'))}`
}

async function read<Row>(
  client: ClickHouseClient,
  file: File,
  query: string,
  query_params: Record<string, unknown> = { path: file.path, format: file.format.format },
): Promise<Row[]> {
  try {
    const result = await client.query({ query, query_params, format: 'JSONEachRow' })
    return await result.json<Row>()
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** The engine's error about a file, in one line, without the engine's own name for the file. */
function unreadable(file: File, error: unknown): ReportError {
  const message = String((error as { message?: unknown }).message ?? error)
  if (/the file is empty|Cannot read rows from the data/.test(message)) {
    return new ReportError(`${file.name} is empty: there is nothing to report`, { cause: error })
  }
  const [complaint = ''] = message.split(/\(in file\/uri|: ?While |\n:|Row 1:|\(at row \d+\)\n/)
  const row = /\(at row (\d+)\)/.exec(message)?.[0]
  return new ReportError(
    `${file.name} cannot be read as ${file.format.name}: ` +
      oneLine(complaint.replaceAll(file.path, file.name), 240).replace(/[.: ]+$/, '') +
      (row === undefined || complaint.includes(row) ? '' : ` ${row}`),
    { cause: error },
  )
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 60))
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map(quoted)
  return names.length > shown.length ? `${shown.join(', ')} and more` : shown.join(', ')
}
