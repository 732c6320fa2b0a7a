import { createReadStream, createWriteStream, symlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { ClickHouseClient } from '@clickhouse/client'
import { quotedForShell } from './arguments.js'
import { compressionOf, type Compression } from './compression.js'
import type { EmbeddedClickHouse } from './embedded-clickhouse.js'
import { hasKnownEnding, readFormatOf, unknownType, type FileFormat } from './file-format.js'
import type { InputFile } from './input-files.js'
import { oneLine, ReportError } from './report-error.js'
import { rewritingOf } from './rewriting.js'
import { encodingName, encodingOf, hasByteOrderMark, type TextEncoding } from './text-encoding.js'
import { endsWithCr, textLayoutOf, type TextLayout } from './text-layout.js'

/** What the user says about how files are written; what is left out is found out. */
export interface FileReading {
  /** One of the endings that `readFormats` knows. */
  readonly format?: string | undefined
  readonly delimiter?: string | undefined
  readonly encoding?: TextEncoding | undefined
}

/** A file that the engine can read: how, and what its columns are. */
export interface OpenedFile {
  /** What the user calls it. */
  readonly name: string
  readonly bytes: number
  readonly format: FileFormat
  /** What the engine calls the format. */
  readonly engineFormat: string
  readonly compression: Compression
  /** Where the engine reads it. */
  readonly path: string
  /** Settings of the engine, made of constants. */
  readonly settings: string
  /** Its columns in order, each with the type that it is read as. A column in another is called `outer.inner`. */
  readonly types: ReadonlyMap<string, string>
  /** The columns of JSON whose own name has a dot in it, and which are in no other column. */
  readonly dotted?: ReadonlySet<string>
  /** How the table is written, if it is one of text. */
  readonly layout: TextLayout | undefined
  /** How the columns are read that are not wholly plain. */
  readonly reading: 'by name' | 'by place' | 'line by line'
  /** What the reader of the report should know about how the file was read, as sentences. */
  readonly notes: readonly string[]
}

// Values stay as they were written: the identity 007 is not 7, and an empty field is an empty text.
const asWritten = `
  input_format_csv_use_best_effort_in_schema_inference = 0,
  input_format_tsv_use_best_effort_in_schema_inference = 0,
  input_format_csv_detect_header = 0,
  input_format_tsv_detect_header = 0,
  input_format_csv_empty_as_default = 0,
  input_format_tsv_empty_as_default = 0,
  input_format_tsv_crlf_end_of_line = 1,
  input_format_csv_skip_trailing_empty_lines = 1,
  input_format_tsv_skip_trailing_empty_lines = 1,
  input_format_json_throw_on_bad_escape_sequence = 0,
  input_format_try_infer_integers = 0,
  input_format_try_infer_dates = 0,
  input_format_try_infer_datetimes = 0,
  input_format_parquet_local_time_as_utc = 0,
  session_timezone = 'UTC',
  storage_file_read_method = 'pread',
  max_query_size = 100000000`

const headBytes = 256 * 1024
/** As much is looked at where the line of names is longer. */
const wideHeadBytes = 16 * headBytes

/** Finds out how a file is written, from its first bytes. Throws a `ReportError` if it cannot be read. */
export async function openFile(
  { client, directory }: Pick<EmbeddedClickHouse, 'client' | 'directory'>,
  file: InputFile,
  index: number,
  given: FileReading,
): Promise<OpenedFile> {
  const { name, bytes } = file
  // ClickHouse reads a path as a pattern, in which * ? { } and :: are special.
  const link = join(directory, `input-${index}`)
  symlinkSync(file.path, link)
  const stored = await firstBytes(file.path, headBytes)
  const compression = compressionOf(stored)
  if (compression === 'bz2') {
    throw new ReportError(`${name} is compressed with bzip2, which the embedded ClickHouse cannot read`, {
      details: [
        'Decompress it, and report that file:',
        `  bzip2 --decompress --keep ${quotedForShell(file.typed)}`,
      ],
    })
  }
  const headUpTo = async (most: number): Promise<Uint8Array> =>
    compression === 'none'
      ? firstBytes(file.path, most)
      : decompressedHead(client, name, link, compression, most)
  let head = compression === 'none' ? stored : await headUpTo(headBytes)
  if (head.length === 0) throw isEmpty(name)

  const format = readFormatOf(name, Buffer.from(head).toString('latin1'), given.format)
  const plain = {
    name,
    bytes,
    format,
    compression,
    path: link,
    notes: file.notes ?? [],
    layout: undefined,
  }
  if (format.kind === 'table' && head.length >= headBytes && !hasLineEnd(head)) {
    head = await headUpTo(wideHeadBytes)
    if (head.length >= wideHeadBytes && !hasLineEnd(head))
      throw new ReportError(
        `${name} has a first line of more than 4 MB, which is too long for the names of columns`,
      )
  }
  if (format.kind === 'typed') {
    const opened: OpenedFile = {
      ...plain,
      engineFormat: format.format,
      settings: asWritten,
      types: new Map(),
      reading: 'by name',
    }
    return { ...opened, types: (await described(client, opened)).types }
  }

  const encoding = given.encoding ?? encodingOf(head)
  const text = new TextDecoder(encoding).decode(head)
  if (/^\s*(\[\s*\]\s*)?$/.test(text)) throw isEmpty(name)
  if (text.includes('\0')) throw unknownType(name)
  const decodedTo = (): Promise<string> =>
    decodedFile(file, compression, encoding, join(directory, `decoded-${index}`))
  const decoded = {
    ...plain,
    ...(encoding === 'utf-8'
      ? {}
      : {
          path: await decodedTo(),
          compression: 'none' as const,
          notes: [...plain.notes, `${name} is read as ${encodingName(encoding)}.`],
        }),
  }
  const input = { ...file, compression }
  if (format.kind === 'lines') assertRecords(input, text)
  return format.kind === 'lines'
    ? openLines(client, { ...decoded, format }, text)
    : openTable(client, decoded, input, text, {
        ...given,
        isCut: head.length >= headBytes,
        withoutMark: encoding === 'utf-8' && hasByteOrderMark(head) ? decodedTo : undefined,
      })
}

type Input = InputFile & { readonly compression: Compression }

/** Refuses a file with the command that makes one of it that can be read. */
function rewritten(
  { name, typed, compression }: Input,
  is: string,
  write: string,
  program: readonly string[],
  to: string,
): ReportError {
  const words = (given: readonly string[]): string => given.map(quotedForShell).join(' ')
  const command =
    compression === 'none'
      ? words([...program, typed])
      : `${words([compression === 'gz' ? 'gzip' : compression, '-dc', typed])} | ${words(program)}`
  return new ReportError(`${name} ${is}`, {
    details: [`${write}, and report that file:`, `  ${command} > ${to}`],
  })
}

/** Refuses a text of JSON that the engine cannot read, or would read as something else. */
function assertRecords(file: Input, text: string): void {
  const withoutTexts = text.replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""')
  if (/[:,[]\s*-?(?:NaN|Infinity)\s*[,}\]]/.test(withoutTexts)) {
    throw rewritten(
      file,
      'has NaN or Infinity in it, as Python writes them, which is no JSON',
      'Write null instead',
      ['sed', '-E', 's/([:,[] *)-?(NaN|Infinity)/\\1null/g'],
      'records.ndjson',
    )
  }
  const rewriting = rewritingOf(text)
  if (rewriting === undefined) return
  const { is, write, filter, isCsv } = rewriting
  throw rewritten(
    file,
    oneLine(is, 120),
    write,
    ['jq', isCsv ? '-r' : '-c', filter],
    isCsv ? 'records.csv' : 'records.ndjson',
  )
}

/** Refuses a table whose lines end twice: the engine would take the first end for a part of the last value. */
function assertBreaks(file: Input, text: string): void {
  if (!/^[^\n]*\r\r\n/.test(text)) return
  throw rewritten(
    file,
    'has two carriage returns at the end of its lines, as Python writes them on Windows',
    'Leave them out',
    ['perl', '-pe', String.raw`s/\r+$//`],
    'lines.csv',
  )
}

/** Refuses a table whose quotes are not those of CSV: the engine would take it apart in other places. */
function assertQuotes(file: Input, text: string, delimiter: string): void {
  const between = `[${delimiter.replace(/[\\\]^-]/g, String.raw`\$&`)}]`
  const escaped = new RegExp(String.raw`(?:^|${between})"(?:[^"]|"")*?\\"(?!"|\s*(?:$|${between}))`, 'm')
  if (escaped.test(text)) {
    throw rewritten(
      file,
      'has a backslash before the quotes in its fields, where CSV has two quotes',
      'Write two quotes instead',
      ['sed', String.raw`s/\\"/""/g`],
      'quoted.csv',
    )
  }
  const [firstLine = ''] = text.split(/\r\n|\n|\r/, 1)
  const fields = firstLine.split(delimiter).map((field) => field.trim())
  if (fields.length > 1 && fields.every((field) => /^'[^']*'$/.test(field))) {
    throw rewritten(
      file,
      `has single quotes around its fields, where CSV has double ones`,
      'Write double quotes instead',
      ['sed', `s/"/""/g; s/'/"/g`],
      'quoted.csv',
    )
  }
}

type Plain = Omit<OpenedFile, 'engineFormat' | 'settings' | 'types' | 'reading'>

async function openTable(
  client: ClickHouseClient,
  file: Plain,
  input: Input,
  text: string,
  {
    delimiter,
    isCut,
    format: givenFormat,
    withoutMark,
    mayBePlain = true,
  }: FileReading & {
    readonly isCut: boolean
    /** Writes a copy without the byte order mark; `undefined` if the file has none. */
    readonly withoutMark: (() => Promise<string>) | undefined
    readonly mayBePlain?: boolean
  },
): Promise<OpenedFile> {
  assertBreaks(input, text)
  // The last line of a cut text may lack fields.
  const whole = isCut ? text.slice(0, text.lastIndexOf('\n') + 1) || text : text
  const layout = textLayoutOf(whole, {
    given: delimiter ?? (givenFormat === 'tsv' ? '\t' : undefined),
    preferred: file.format.name === 'TSV' ? '\t' : undefined,
    mayBePlain,
  })
  const { skippedRecords, names, hasNames, hasTypes, quoted } = layout
  if (quoted) assertQuotes(input, whole, layout.delimiter)
  const isKnown = givenFormat !== undefined || delimiter !== undefined || hasKnownEnding(file.name)
  if (!isKnown && !whole.split('\n', 5).some((line) => line.includes(layout.delimiter)))
    throw unknownType(file.name)
  const doubled = [
    ...new Set((names ?? []).map((name) => (/ \(\d+\)$/.test(name) ? name.replace(/ \(\d+\)$/, '') : ''))),
  ].filter((name) => name !== '' && names?.includes(name))
  const prefix = quoted ? 'csv' : 'tsv'
  const opened: OpenedFile = {
    ...file,
    // The engine takes the mark for a part of the first value.
    ...(names !== undefined && skippedRecords === 0 && withoutMark !== undefined
      ? { path: await withoutMark(), compression: 'none' as const }
      : {}),
    format: { ...file.format, name: layout.delimiter === '\t' ? 'TSV' : 'CSV' },
    engineFormat: `${prefix.toUpperCase()}${names === undefined ? 'WithNames' : ''}`,
    settings:
      `${asWritten},\n  input_format_${prefix}_skip_first_lines = ${skippedRecords}` +
      (quoted ? `,\n  ${delimiterSettings(layout.delimiter)}` : '') +
      (endsWithCr(whole) ? ',\n  input_format_csv_allow_cr_end_of_line = 1' : ''),
    types: new Map((names ?? []).map((name) => [name, 'Nullable(String)'])),
    layout,
    reading: names === undefined ? 'by name' : 'by place',
    notes: [
      ...file.notes,
      ...doubled.map(
        (name) =>
          `${file.name} has several columns called ${JSON.stringify(oneLine(name, 40))}: this is the first; the next is ${JSON.stringify(oneLine(`${name} (2)`, 40))}.`,
      ),
      ...(hasTypes
        ? [`${file.name} has the types of its columns in a line after their names: that is no record.`]
        : []),
      ...(hasNames
        ? []
        : [
            `${file.name} has no line of column names: its columns are called "column 1", "column 2" and so on.`,
          ]),
    ],
  }
  if (names !== undefined) return opened
  try {
    return { ...opened, types: (await described(client, opened)).types }
  } catch (error) {
    if (!isParseError(error)) throw error
    // To describe a file, the engine reads more than its names, and some faults stop it.
    return openTable(client, file, input, text, {
      delimiter,
      isCut,
      format: givenFormat,
      withoutMark,
      mayBePlain: false,
    })
  }
}

/** What the engine needs to know to read, or write, CSV with a delimiter, which is one ASCII character. */
export function delimiterSettings(delimiter: string): string {
  const byte = delimiter.charCodeAt(0).toString(16).padStart(2, '0')
  return (
    `format_csv_delimiter = '\\x${byte}'` +
    (/[\t ]/.test(delimiter) ? ', input_format_csv_allow_whitespace_or_tab_as_delimiter = 1' : '')
  )
}

async function openLines(client: ClickHouseClient, file: Plain, text: string): Promise<OpenedFile> {
  const opened: OpenedFile = {
    ...file,
    engineFormat: file.format.format,
    settings: asWritten,
    types: new Map(),
    reading: 'by name',
  }
  try {
    const { isMixed, ...found } = await described(client, opened)
    return isMixed ? inLines({ ...opened, ...found }) : { ...opened, ...found }
  } catch (error) {
    // The engine gives up if a value is an object in one line and a text in another, or if a line is no JSON.
    const paths = pathsOf(text)
    if (paths.length === 0) throw error
    return inLines({ ...opened, types: new Map(paths.map((path) => [path, 'Nullable(String)'])) })
  }
}

/** The same file of JSON lines, in which each line is read by itself, so that one cannot spoil another. */
export function inLines(file: OpenedFile): OpenedFile {
  return { ...file, engineFormat: 'LineAsString', reading: 'line by line' }
}

/** Whether every record of a file of JSON stands in a line of its own, as far as the first lines tell. */
function pathsOf(text: string): readonly string[] {
  const paths = new Set<string>()
  for (const line of text.split('\n').slice(0, 1000)) {
    try {
      const record: unknown = JSON.parse(line)
      if (!isObject(record)) continue
      for (const path of leaves(record)) paths.add(path)
    } catch {
      continue
    }
  }
  return [...paths]
}

function leaves(record: Readonly<Record<string, unknown>>, prefix = ''): string[] {
  return Object.entries(record).flatMap(([key, value]) =>
    isObject(value) ? leaves(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The columns of a file as the engine sees them. In place of a column of named columns, these. Says also which of them
 * have a dot in their own name, and whether one of these is in another column in some records.
 */
async function described(
  client: ClickHouseClient,
  file: OpenedFile,
): Promise<Required<Pick<OpenedFile, 'types' | 'dotted'>> & { readonly isMixed: boolean }> {
  const rows = await readRows<{ name: string; type: string; is_subcolumn: string | number }>(
    client,
    file,
    `DESCRIBE TABLE file({path:String}, {format:String}, 'auto', {compression:String})
    SETTINGS describe_include_subcolumns = 1, ${file.settings}${
      // Only the line of names matters here, whatever is wrong with others.
      file.format.kind === 'table'
        ? ', input_format_csv_allow_variable_number_of_columns = 1, input_format_tsv_allow_variable_number_of_columns = 1'
        : ''
    }`,
    { path: file.path, format: file.engineFormat, compression: file.compression },
  )
  const isOuter = (type: string): boolean => /^(Nullable\()?Tuple\(/.test(type)
  const outer = new Set(rows.filter(({ type }) => isOuter(type)).map(({ name }) => name))
  // The engine also lists what it makes of a column itself: its sizes and its nulls.
  const isInside = (name: string): boolean => outer.has(name.slice(0, Math.max(0, name.lastIndexOf('.'))))
  const columns = rows.filter(
    ({ name, type, is_subcolumn }) =>
      !isOuter(type) && (Number(is_subcolumn) === 0 || (isInside(name) && !name.endsWith('.null'))),
  )
  const types = new Map(
    columns.map(({ name, type }) => [name, file.format.isText ? 'Nullable(String)' : type]),
  )
  return {
    types,
    dotted: new Set(
      columns.flatMap(({ name, is_subcolumn }) =>
        Number(is_subcolumn) === 0 && name.includes('.') ? [name] : [],
      ),
    ),
    isMixed: types.size < columns.length,
  }
}

/** Reads rows of a file. Throws a `ReportError` in words if the engine cannot. */
export async function readRows<Row>(
  client: ClickHouseClient,
  file: OpenedFile,
  query: string,
  query_params: Record<string, unknown>,
): Promise<Row[]> {
  try {
    const result = await client.query({ query, query_params, format: 'JSONEachRow' })
    return await result.json<Row>()
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** Whether the engine stopped at a fault of a row. */
export function isParseError(error: unknown): boolean {
  return /Cannot parse|CANNOT_PARSE|Cannot read|INCORRECT_DATA|expected|Expected|ERROR:/.test(
    String((error as { message?: unknown }).message ?? error),
  )
}

/** The engine's error about a file, in one line, without the engine's own name for the file. */
export function unreadable(file: OpenedFile, error: unknown): ReportError {
  const message = String((error as { message?: unknown }).message ?? error)
  if (/the file is empty|Cannot read rows from the data/.test(message)) return isEmpty(file.name, error)
  if (file.compression !== 'none' && /inflate failed|ZSTD|LZMA|LZ4|[Dd]ecompress/.test(message)) {
    return new ReportError(
      `${file.name} cannot be read as ${file.format.name}: its compression (${file.compression}) is damaged or cut off`,
      { cause: error },
    )
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

export function isEmpty(name: string, cause?: unknown): ReportError {
  return new ReportError(`${name} is empty: there is nothing to report`, { cause })
}

function hasLineEnd(bytes: Uint8Array): boolean {
  return bytes.includes(10) || bytes.includes(13)
}

async function firstBytes(path: string, most: number): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function decompressedHead(
  client: ClickHouseClient,
  name: string,
  path: string,
  compression: Compression,
  most: number,
): Promise<Uint8Array> {
  try {
    if (compression === 'gz') return await headOf(createReadStream(path).pipe(createGunzip()), most)
    const result = await client.query({
      query: `SELECT base64Encode(line) AS line
        FROM file({path:String}, 'LineAsString', 'line String', {compression:String})
        LIMIT 1000`,
      query_params: { path, compression },
      format: 'JSONEachRow',
    })
    const lines = await result.json<{ line: string }>()
    return Buffer.concat(
      lines.flatMap(({ line }) => [Buffer.from(line, 'base64'), Buffer.from('\n')]),
    ).subarray(0, most)
  } catch (error) {
    throw new ReportError(
      `${name} cannot be read: its compression (${compression}) is damaged or cut off (${oneLine((error as Error).message, 100)})`,
      { cause: error },
    )
  }
}

async function headOf(stream: Readable, most: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= most) break
    }
  } catch (error) {
    // The engine says later that a file is cut off.
    if (length === 0) throw error
  }
  return Buffer.concat(chunks).subarray(0, most)
}

/** The whole file as UTF-8, because the engine reads nothing else. */
async function decodedFile(
  { path, name }: InputFile,
  compression: Compression,
  encoding: TextEncoding,
  to: string,
): Promise<string> {
  if (compression !== 'none' && compression !== 'gz') {
    throw new ReportError(
      `${name} is ${encodingName(encoding)} and compressed: decompress it, and name that file`,
    )
  }
  const bytes = createReadStream(path)
  await pipeline(
    compression === 'gz' ? bytes.pipe(createGunzip()) : bytes,
    async function* (chunks: AsyncIterable<Buffer>) {
      const decoder = new TextDecoder(encoding)
      for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
      yield decoder.decode()
    },
    createWriteStream(to),
  )
  return to
}
