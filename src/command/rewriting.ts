/** How to make a file that can be read of a text of JSON whose records cannot be read where they are. */
export interface Rewriting {
  /** What the file is, after its name. */
  readonly is: string
  /** What is done to it, as the beginning of a sentence. */
  readonly write: string
  /** The filter of jq. */
  readonly filter: string
  /** Whether it writes CSV; otherwise each record on a line of its own. */
  readonly isCsv: boolean
}

/** What to do with a text of JSON that has no record in each line, and is no list of them; else `undefined`. */
export function rewritingOf(text: string): Rewriting | undefined {
  const [firstLine = ''] = text.trimStart().split('\n', 1)
  const whole = parsed(text)
  const value = whole ?? parsed(closed(text) ?? '')
  if (isList(value) ? value.length > 1 && value.every(isList) : isList(parsed(firstLine))) {
    return ofLists(isList(value) && value.every(isList) ? '.[] | @csv' : '@csv', '')
  }
  if (!isObject(value)) return undefined
  const found = listsIn(value, 3).sort((a, b) => b.list.length - a.list.length)[0]
  if (found !== undefined) return ofRecords(found)
  const entries = Object.values(value)
  const keys = [...new Set(entries.flatMap((entry) => (isObject(entry) ? Object.keys(entry) : [])))]
  // The last entry may be cut off.
  const areRecords =
    entries.length > 2 && entries.every(isObject) && keys.length === Object.keys(entries[0] ?? {}).length
  const areNumbered = entries.every(isObject) && keys.length > 1 && keys.every((key) => /^[0-9]+$/.test(key))
  const areLists =
    entries.length > (whole === undefined ? 0 : 1) &&
    entries.every((entry) => isList(entry) && !entry.some(isNested)) &&
    entries.some((entry) => isList(entry) && entry.length > 1)
  if (areNumbered || areLists) {
    return {
      is: 'has its columns one after the other, and not its records',
      write: 'Write the records as CSV',
      filter: '(keys_unsorted, ([.[] | [.[]]] | transpose[])) | @csv',
      isCsv: true,
    }
  }
  if (areRecords) {
    return {
      is: 'is one object with a record under each of its keys',
      write: 'Write each record on a line of its own, with its key as "id"',
      filter: 'to_entries[] | {id: .key} + .value',
      isCsv: false,
    }
  }
  // A single record has few values that are the same.
  if (entries.length > 3 && !entries.some(isNested) && new Set(entries).size <= entries.length / 2) {
    return {
      is: 'is one object with a value under each of its keys',
      write: 'Write each of them on a line of its own, as "id" and "variant"',
      filter: 'to_entries[] | {id: .key, variant: .value}',
      isCsv: false,
    }
  }
  return undefined
}

interface Found {
  /** The keys that lead to the list, outermost first. */
  readonly path: readonly string[]
  readonly list: readonly unknown[]
  /** The object that holds the list. */
  readonly beside: Readonly<Record<string, unknown>>
}

/** The lists of records in an object. Databases write a list of columns beside the records; it is left out. */
function listsIn(object: Readonly<Record<string, unknown>>, depth: number): Found[] {
  if (depth === 0) return []
  return Object.entries(object).flatMap(([key, inner]): Found[] => {
    if (isObject(inner)) {
      return listsIn(inner, depth - 1).map((found) => ({ ...found, path: [key, ...found.path] }))
    }
    const areRecords =
      isList(inner) && inner.length > 1 && inner.every(isNested) && !inner.every((each) => isColumn(each))
    return areRecords ? [{ path: [key], list: inner, beside: object }] : []
  })
}

function ofRecords({ path, list, beside }: Found): Rewriting {
  const outer = path.slice(0, -1)
  const records = filterOf(path)
  const where = JSON.stringify(path.join('.'))
  const [first] = list
  if (!isList(first)) {
    return {
      is: `is one object around its records, which are in ${where}`,
      write: 'Write each record on a line of its own',
      filter: `${records}[]`,
      isCsv: false,
    }
  }
  const names = Object.entries(beside).flatMap(([key, inner]) => {
    const from = filterOf([...outer, key])
    if (!isList(inner) || inner.length !== first.length) return []
    return inner.every((each) => typeof each === 'string')
      ? [from]
      : inner.every((each) => isColumn(each))
        ? [`[${from}[].name]`]
        : []
  })[0]
  return ofLists(
    names === undefined ? `${records}[] | @csv` : `(${names}, ${records}[]) | @csv`,
    `, which are in ${where}`,
  )
}

function ofLists(filter: string, where: string): Rewriting {
  return { is: `has lists for its records${where}`, write: 'Write them as CSV', filter, isCsv: true }
}

/** The filter of jq that follows these keys. */
function filterOf(keys: readonly string[]): string {
  return keys
    .map((key) => (/^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`))
    .join('')
    .replace(/^(?=\[)/, '.')
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isNested(value) && !isList(value)
}

function isColumn(value: unknown): boolean {
  return isObject(value) && typeof value['name'] === 'string' && 'type' in value
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A text of JSON that was cut off, as far as it is whole, and closed; `undefined` if more follows its first value. */
function closed(text: string): string | undefined {
  let open = ''
  let whole = { end: 0, open: '' }
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},]/g)) {
    if (token === '[' || token === '{') open = (token === '[' ? ']' : '}') + open
    else if (token === ',') whole = { end: index, open }
    else if (token === ']' || token === '}') {
      open = open.slice(1)
      if (open === '') return undefined
      whole = { end: index + 1, open }
    }
  }
  return text.slice(0, whole.end) + whole.open
}
