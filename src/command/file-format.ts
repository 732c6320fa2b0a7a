import { ReportError } from './report-error.js'

/** A format of files with rows, as ClickHouse reads and writes it. */
export interface FileFormat {
  readonly name: string
  /** What ClickHouse calls it. */
  readonly format: string
  /** Whether values are text as it was written; the other formats have types. */
  readonly isText: boolean
  /** What messages call one record, and the number of the first. */
  readonly record: string
  readonly firstRecord: number
}

export const csv: FileFormat = {
  name: 'CSV',
  format: 'CSVWithNames',
  isText: true,
  record: 'line',
  firstRecord: 2,
}
const tsv: FileFormat = { ...csv, name: 'TSV', format: 'TSVWithNames' }
const json: FileFormat = {
  name: 'JSON lines',
  format: 'JSONEachRow',
  isText: true,
  record: 'line',
  firstRecord: 1,
}
const parquet: FileFormat = {
  name: 'Parquet',
  format: 'Parquet',
  isText: false,
  record: 'row',
  firstRecord: 1,
}

const formats: Readonly<Record<string, FileFormat>> = {
  csv,
  tsv,
  tab: tsv,
  parquet,
  jsonl: json,
  ndjson: json,
  json,
}

/** The format that a file's ending names. Throws a `ReportError` that names the known endings. */
export function formatOf(name: string): FileFormat {
  const extension = /\.([a-z0-9]+?)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase()
  const format = extension !== undefined && Object.hasOwn(formats, extension) ? formats[extension] : undefined
  if (format === undefined) {
    throw new ReportError(
      `${name}: unknown file type; known types are ` +
        `${Object.keys(formats)
          .map((known) => `.${known}`)
          .join(', ')}, each also as .gz`,
    )
  }
  return format
}
