import { withoutCompression } from './compression.js'
import { ReportError } from './report-error.js'

/** A format of files with rows, as ClickHouse reads and writes it. */
export interface FileFormat {
  readonly name: string
  /** What ClickHouse calls it. */
  readonly format: string
  /** A table whose rows are lines of fields, one object for each line, or a file with types. */
  readonly kind: 'table' | 'lines' | 'typed'
  /** Whether values are text as it was written; the other formats have types. */
  readonly isText: boolean
  /** What messages call one record, and the number of the first. */
  readonly record: string
  readonly firstRecord: number
}

const csv: FileFormat = {
  name: 'CSV',
  format: 'CSVWithNames',
  kind: 'table',
  isText: true,
  record: 'line',
  firstRecord: 2,
}
const tsv: FileFormat = { ...csv, name: 'TSV', format: 'TSVWithNames' }
const json: FileFormat = {
  name: 'JSON lines',
  format: 'JSONEachRow',
  kind: 'lines',
  isText: true,
  record: 'line',
  firstRecord: 1,
}
const parquet: FileFormat = {
  name: 'Parquet',
  format: 'Parquet',
  kind: 'typed',
  isText: false,
  record: 'row',
  firstRecord: 1,
}

/** The formats that the command writes, by ending. */
const written: Readonly<Record<string, FileFormat>> = {
  csv,
  tsv,
  tab: tsv,
  parquet,
  jsonl: json,
  ndjson: json,
  json,
}

/** The formats that the command reads, by ending, which are also the values of --format. */
export const readFormats: Readonly<Record<string, FileFormat>> = {
  ...written,
  orc: { ...parquet, name: 'ORC', format: 'ORC' },
  arrow: { ...parquet, name: 'Arrow', format: 'Arrow' },
  feather: { ...parquet, name: 'Arrow', format: 'Arrow' },
  arrows: { ...parquet, name: 'an Arrow stream', format: 'ArrowStream' },
}

/** The format that a file to write gets by its ending. Throws a `ReportError` that names the known endings. */
export function formatOf(name: string): FileFormat {
  const extension = /\.([a-z0-9]+?)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase()
  const format = extension !== undefined && Object.hasOwn(written, extension) ? written[extension] : undefined
  if (format === undefined) {
    throw new ReportError(`${name}: unknown file type; known types are ${endings(written)}, each also as .gz`)
  }
  return format
}

/** Whether the ending of a name says how to read the file. */
export function hasKnownEnding(name: string): boolean {
  return formatByEnding(name) !== undefined
}

/**
 * The format of a file to read: what the user said; else what its first bytes say, for a name may lie; else what its
 * ending says. Throws a `ReportError` that says what to do with a file of another kind.
 *
 * @param head - the first bytes of the file, as text of one character for each byte
 */
export function readFormatOf(name: string, head: string, given: string | undefined): FileFormat {
  if (given !== undefined) return readFormats[given] ?? csv
  const refused = others.find(({ start }) => start.test(head))
  if (refused !== undefined) throw new ReportError(`${name} ${refused.advice}`)
  const byEnding = formatByEnding(name)
  const begun = magic.find(([start]) => head.startsWith(start))?.[1]
  if (begun !== undefined) return begun
  if (byEnding?.kind === 'typed') return byEnding
  const text = head
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .replaceAll('\0', '')
    .trimStart()
  if (/^\{\s*("|\})/.test(text) || /^\[\s*[{\]]/.test(text)) return json
  return byEnding ?? csv
}

/** The message about a file whose content is no table that can be seen. */
export function unknownType(name: string): ReportError {
  if (hasKnownEnding(name)) {
    return new ReportError(
      `${name} holds neither text nor a table of a known type, whatever its name says; known types are ${endings(readFormats)}`,
    )
  }
  return new ReportError(
    `${name}: unknown file type; known types are ${endings(readFormats)}, each also as .gz, .zst, .xz or .lz4. ` +
      `If it is one of these under another name, say so: --format csv`,
  )
}

function formatByEnding(name: string): FileFormat | undefined {
  const extension = /\.([a-z0-9]+)$/i.exec(withoutCompression(name))?.[1]?.toLowerCase()
  return extension !== undefined && Object.hasOwn(readFormats, extension) ? readFormats[extension] : undefined
}

const magic: readonly (readonly [string, FileFormat])[] = [
  ['PAR1', parquet],
  ['ORC', readFormats['orc'] ?? parquet],
  ['ARROW1', readFormats['arrow'] ?? parquet],
]

const others: readonly { readonly start: RegExp; readonly advice: string }[] = [
  {
    // A zip archive begins with PK and two control characters.
    start: /^PK\p{Cc}{2}[\s\S]*(\[Content_Types\]|xl\/)/u,
    advice: 'is an Excel workbook: save the sheet as CSV (File > Save As > CSV UTF-8), and name that file',
  },
  { start: /^PK\p{Cc}{2}/u, advice: 'is a zip archive: unpack it, and name the file in it' },
  { start: /^[\s\S]{257}ustar/, advice: 'is a tar archive: unpack it, and name the file in it' },
  {
    start: /^\u00d0\u00cf\p{Cc}\u00e0/u,
    advice: 'is a workbook of an old Excel: save the sheet as CSV (File > Save As > CSV), and name that file',
  },
  {
    start: /^SQLite format 3/,
    advice:
      'is a database of SQLite: export a table, as with: sqlite3 -csv -header FILE "SELECT * FROM table" > table.csv',
  },
  {
    start: /^(\u00ef\u00bb\u00bf)?\s*<(!doctype|html|\?xml)/i,
    advice: 'is a web page or XML, not a table: it may be the page around the file; download the file itself',
  },
  {
    start:
      /^(\u00ef\u00bb\u00bf)?(\s*(--[^\n]*|\/\*[^\n]*|\\[a-z]+ [^\n]*)\n)*\s*(INSERT INTO\s|CREATE (TABLE|DATABASE)\s|DROP TABLE\s|SET [\w.]+ ?(=|TO )|BEGIN( TRANSACTION)?;|PRAGMA \w+|COPY [^\n]* FROM stdin|USE \S+;)/i,
    advice: 'is a script of SQL, not a table: run it in its database, and export the table as CSV',
  },
  { start: /^%PDF/, advice: 'is a PDF, not a table: export the data as CSV' },
]

function endings(formats: Readonly<Record<string, FileFormat>>): string {
  return Object.keys(formats)
    .map((known) => `.${known}`)
    .join(', ')
}
