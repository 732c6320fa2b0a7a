import { timestampKind } from './timestamp-form.js'

/** How a table is written as text: what stands between its fields, and where its column names are. */
export interface TextLayout {
  readonly delimiter: string
  /** Whether fields may be quoted, as in CSV; otherwise tabs and breaks in a field are written with a backslash. */
  readonly quoted: boolean
  /** How many lines come before the column names: comments, blank lines, `sep=`, a title. */
  readonly linesAbove: number
  /** How many records the engine skips: these lines, and the column names if they are given here. In quotes, one spans lines. */
  readonly skippedRecords: number
  /** The column names where the line of names cannot be used as it is; `undefined` if the engine can read it. */
  readonly names: readonly string[] | undefined
  /** Whether the file has a line of column names. */
  readonly hasNames: boolean
  /** Whether the line after it holds the types of the columns, as ClickHouse's `…WithNamesAndTypes` write it. */
  readonly hasTypes: boolean
}

const typeOfColumn =
  /^((Nullable|LowCardinality|Array|Map|Tuple|Enum(8|16)|Decimal|FixedString|DateTime(64)?)\(.*\)|U?Int(8|16|32|64|128|256)|B?Float(16|32|64)|String|Bool|UUID|IPv[46]|Date(32)?|DateTime|JSON)$/

const candidates = [',', ';', '\t', '|'] as const

/**
 * The layout of the table that begins with this text. A delimiter is the one by which most lines have as many fields as
 * the line of names, and with the most fields.
 *
 * @param given - the delimiter, if somebody said it
 * @param preferred - the delimiter that the file's name suggests; it wins if it fits at all
 * @param mayBePlain - whether the engine may read the line of names by itself
 */
export function textLayoutOf(
  text: string,
  {
    given,
    preferred,
    mayBePlain = true,
  }: {
    readonly given?: string | undefined
    readonly preferred?: string | undefined
    readonly mayBePlain?: boolean
  } = {},
): TextLayout {
  const lines = text.split(/\r\n|\n|\r/)
  let start = 0
  const declared = /^"?sep=(.|\\t)"?[,;\t|]*$/i.exec(lines[0] ?? '')?.[1]
  if (declared !== undefined) start++
  const isAside = (line: string): boolean => /^\s*(#|\/\/|--)/.test(line) || /^[\s,;|]*$/.test(line)
  while (start < lines.length && isAside(lines[start] ?? '')) start++

  const said = given ?? (declared === '\\t' ? '\t' : declared)
  const fits = (said === undefined ? candidates : [said]).map((delimiter) => ({
    delimiter,
    ...fitOf(delimiter, lines, start),
  }))
  const best = fits.reduce((a, b) => (rank(b, preferred) > rank(a, preferred) ? b : a))
  const { delimiter, fields, titles } = best
  start += titles

  const [written = [], ...records] = recordsOf(lines.slice(start), delimiter, 20)
  // R writes the numbers of the rows first, and no name over them.
  const header = areNumbered(records, written.length + 1) ? ['', ...written] : written
  const first = records[0] ?? []
  const above = /^\s*#\s*(.*)$/.exec(lines[start - 1] ?? '')?.[1]
  const commented = above === undefined ? [] : splitFields(above, delimiter)
  // A line of names may be written as a comment, or its first name is #. Then what follows it is a record.
  const isCommented =
    fields > 1 &&
    commented.length === fields &&
    (holdsValues(header) || (commented[0] === '' && !commented.includes('', 1))) &&
    !holdsValues(commented)
  const hasNames = isCommented || !(holdsValues(header) && (first.length === 0 || holdsValues(first)))
  const names = isCommented ? commented : hasNames ? header : header.map(() => '')
  // The engine takes ID and id for the same name.
  const areDistinct = new Set(names.map((name) => name.toLowerCase())).size === names.length
  const hasTypes =
    !isCommented &&
    hasNames &&
    first.length === header.length &&
    first.every((field) => typeOfColumn.test(field))
  // The engine cannot be asked for a name with a break in it.
  const areInLine = !names.some((name) => /[\t\r\n]/.test(name))
  const isPlain =
    mayBePlain && !isCommented && hasNames && !hasTypes && areDistinct && areInLine && !names.includes('')
  const linesAbove = isCommented ? start - 1 : start
  const recordsAbove = countRecords(lines.slice(0, linesAbove), delimiter)
  return {
    delimiter,
    // Excel writes quotes only where it must, and the engine knows lines that end with CR only in CSV.
    quoted:
      delimiter !== '\t' || /(^|\t)"[^\t]*"(\t|$)/m.test(lines.slice(start).join('\n')) || endsWithCr(text),
    linesAbove,
    skippedRecords: recordsAbove + (isPlain ? 0 : Number(hasNames) + Number(hasTypes)),
    names: isPlain ? undefined : distinct(names.map((name) => name.replace(/\s*[\t\r\n]\s*/g, ' ').trim())),
    hasNames,
    hasTypes,
  }
}

/** Whether lines end as those of an old Mac. */
export function endsWithCr(text: string): boolean {
  return /\r(?!\n)/.test(text) && !text.includes('\n')
}

interface Fit {
  readonly delimiter: string
  /** How many fields most records have. */
  readonly fields: number
  /** The share of the records that have as many. */
  readonly share: number
  /** How many lines of a single field come first. */
  readonly titles: number
}

function rank({ delimiter, fields, share }: Fit, preferred: string | undefined): number {
  if (fields < 2) return 0
  return share * 100 + Math.min(fields, 50) / 100 + (delimiter === preferred && share > 0.5 ? 1000 : 0)
}

function fitOf(delimiter: string, lines: readonly string[], start: number): Omit<Fit, 'delimiter'> {
  const records = recordsOf(lines.slice(start), delimiter, 200).filter((record) => record.join('') !== '')
  const counts = new Map<number, number>()
  for (const { length } of records) counts.set(length, (counts.get(length) ?? 0) + 1)
  const [fields = 1, records_ = 0] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? []
  // A title is one field, over a table of several.
  let titles = 0
  if (fields > 1) {
    while (titles < 20) {
      // The name of a column may have a break in it, and so may a title.
      const end = endOfRecord(lines, start + titles, delimiter)
      const title = lines.slice(start + titles, end).join('\n')
      if (!isTitle(title, delimiter) || isOpen(title, delimiter)) break
      titles = end - start
    }
  }
  const names = recordsOf(lines.slice(start + titles), delimiter, 1)[0] ?? []
  const share = records.length === 0 ? 0 : records_ / records.length
  return { fields, titles, share: names.length === fields ? share : share / 2 }
}

function isTitle(line: string, delimiter: string): boolean {
  const [, ...others] = splitFields(line, delimiter)
  return others.every((field) => field === '')
}

/** The first records of a table, each as its fields. A quoted field may span lines. */
function recordsOf(lines: readonly string[], delimiter: string, most: number): string[][] {
  const records: string[][] = []
  for (let index = 0; index < lines.length && records.length < most;) {
    const end = endOfRecord(lines, index, delimiter)
    const record = lines.slice(index, end).join('\n')
    index = end
    if (record !== '' || index < lines.length) records.push(splitFields(record, delimiter))
  }
  return records
}

function countRecords(lines: readonly string[], delimiter: string): number {
  let count = 0
  for (let index = 0; index < lines.length; index = endOfRecord(lines, index, delimiter)) count++
  return count
}

/** Whether records of so many fields begin with 1, 2, 3 and so on. A delimiter at the end of each makes no field. */
function areNumbered(records: readonly (readonly string[])[], fields: number): boolean {
  const rows = records.filter((record) => record.join('') !== '')
  return (
    rows.length > 1 &&
    rows.some((record) => record.at(-1) !== '') &&
    rows.every(({ length, 0: number }, index) => length === fields && number === String(index + 1))
  )
}

/**
 * The place after the last line of the record that begins in a line. A line inside quotes is looked at by itself: where a
 * quote is never closed, all lines before it would be read again for each.
 */
function endOfRecord(lines: readonly string[], begin: number, delimiter: string): number {
  let end = begin + 1
  for (let open = isOpen(lines[begin] ?? '', delimiter); open && end < lines.length; end++)
    open = isOpen(`"${lines[end] ?? ''}`, delimiter)
  return end
}

/** Whether a quoted field has no end yet. */
export function isOpen(record: string, delimiter: string): boolean {
  return /^\s*"(?:[^"]|"")*$/.test(splitFields(record, delimiter).at(-1) ?? '')
}

/** The fields of a record, without their quotes. A field that is open stays as it is. */
function splitFields(record: string, delimiter: string): string[] {
  const end = `(?:$|${escaped(delimiter)})`
  const quoted = new RegExp(`\\s*"((?:[^"]|"")*)"\\s*${end}`, 'y')
  const open = /\s*"(?:[^"]|"")*$/y
  const fields: string[] = []
  for (let at = 0; ;) {
    quoted.lastIndex = open.lastIndex = at
    const match = quoted.exec(record)
    if (match === null && open.test(record)) return [...fields, record.slice(at)]
    const next = match === null ? record.indexOf(delimiter, at) : at + match[0].length - delimiter.length
    const isLast = match === null ? next === -1 : !match[0].endsWith(delimiter)
    fields.push(match?.[1]?.replaceAll('""', '"') ?? record.slice(at, isLast ? undefined : next).trim())
    if (isLast) return fields
    at = next + delimiter.length
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Whether one of the fields is a timestamp, or a long number, which no column is called. */
function holdsValues(fields: readonly string[]): boolean {
  return fields.some((field) => timestampKind(field) !== undefined || /^[0-9]{5,}$/.test(field))
}

/** Names that differ: an empty one is called by its place, and another of the same name is numbered. */
function distinct(names: readonly string[]): readonly string[] {
  const taken = new Set<string>()
  return names.map((name, index) => {
    const base = name === '' ? `column ${index + 1}` : name
    let chosen = base
    for (let again = 2; taken.has(chosen); again++) chosen = `${base} (${again})`
    taken.add(chosen)
    return chosen
  })
}
