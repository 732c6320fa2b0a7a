import { dateAndTime, joinedText } from './date-and-time.js'
import type { OpenedFile } from './open-file.js'

/** How a statement reads columns of a file: each by the role that it plays in the statement. */
export interface FileRead {
  /** What stands after FROM. */
  readonly from: string
  /** The parameters of `from` and `text`. */
  readonly query_params: Readonly<Record<string, unknown>>
  /** The expression for the value of a column, as text; NULL where there is no value. */
  readonly text: (role: string) => string
  /** The expression for the value with its own type. */
  readonly value: (role: string) => string
  /** The condition that a row is no record at all. */
  readonly isBroken: string
  /** The expression for the text of such a row. */
  readonly written: string
  /** The expression for the number of a row, counted from 0. */
  readonly row: string
}

/** Reads some columns of a file: which column each role stands for, or which two, as `date+time`. */
export function fileRead(file: OpenedFile, columns: Readonly<Record<string, string>>): FileRead {
  const joined = new Set<string>()
  const single = Object.entries(columns).flatMap(([role, column]): [string, string][] => {
    const pair = dateAndTime(column, file.types)
    if (pair === undefined) return [[role, column]]
    joined.add(role)
    return [
      [`${role}_date`, pair[0]],
      [`${role}_clock`, pair[1]],
    ]
  })
  const read = readSingle(file, Object.fromEntries(single))
  const either =
    (of: (role: string) => string) =>
    (role: string): string =>
      joined.has(role) ? joinedText(read.text(`${role}_date`), read.text(`${role}_clock`)) : of(role)
  return joined.size === 0 ? read : { ...read, text: either(read.text), value: either(read.value) }
}

function readSingle(file: OpenedFile, columns: Readonly<Record<string, string>>): FileRead {
  const source = { path: file.path, format: file.engineFormat, compression: file.compression }
  const from = 'file({path:String}, {format:String}, {structure:String}, {compression:String})'
  if (file.reading !== 'line by line') {
    // A column may have any name, also that of an alias of ours or of a column that the engine itself makes.
    const free = (name: string): string => (file.types.has(name) ? free(`${name}_`) : name)
    const value = (role: string): string => free(`column_of_${role}`)
    const row = free('number_of_row')
    const number = file.types.has('_row_number') ? 'rowNumberInAllBlocks()' : '_row_number'
    const selected = Object.keys(columns).map((role) => `{${role}:Identifier} AS ${value(role)}`)
    return {
      from: `(SELECT ${[...selected, `${number} AS ${row}`].join(', ')} FROM ${from})`,
      query_params: { ...source, structure: structureOf(file, Object.values(columns)), ...columns },
      value,
      text: (role) => {
        const type = file.types.get(columns[role] ?? '') ?? ''
        // Nobody has this identifier: it stands for none.
        if (type.includes('UUID')) {
          return `nullIf(toString(${value(role)}), '00000000-0000-0000-0000-000000000000')`
        }
        return `toString(${value(role)})`
      },
      isBroken: 'false',
      written: `''`,
      row,
    }
  }
  const keys = Object.fromEntries(
    Object.entries(columns).flatMap(([role, path]) =>
      [path, ...path.split('.')].map((key, index) => [`${role}_key_${index}`, key]),
    ),
  )
  const at = (role: string, from: number, to: number): string =>
    Array.from({ length: to - from }, (_, index) => `{${role}_key_${from + index}:String}`).join(', ')
  const text = (path: string): string =>
    `multiIf(JSONType(line, ${path}) = 'String', replaceOne(JSONExtractString(line, ${path}), '${mark}', ''), ` +
    `JSONType(line, ${path}) = 'Null', NULL, replaceRegexpAll(JSONExtractRaw(line, ${path}), '"${mark}([^"]*)"', '\\\\1'))`
  const ofRole = (role: string): string => {
    const parts = (columns[role] ?? '').split('.').length
    const whole = at(role, 0, 1)
    // A key may have a dot in it.
    return parts === 1
      ? text(whole)
      : `if(JSONHas(line, ${whole}), ${text(whole)}, ${text(at(role, 1, 1 + parts))})`
  }
  return {
    from: `(SELECT written, ${withMarkedNumbers('written')} AS line, _row_number AS row FROM ${from})`,
    query_params: { ...source, structure: 'written String', ...keys },
    text: ofRole,
    value: ofRole,
    isBroken: `(trimBoth(line) != '' AND NOT isValidJSON(line))`,
    written: 'written',
    row: 'row',
  }
}

// No text has this sign, which Unicode keeps for programs.
const mark = '\ufdd0'

/**
 * The expression for a line of JSON whose numbers are texts with a mark before them. The engine's functions for JSON
 * write 1.10 as 1.1 and 1e3 as 1000, and know no number above 2^64.
 */
function withMarkedNumbers(line: string): string {
  const other = String.raw`"(?:[^"\\\\]|\\\\.)*"|[^"0-9-]`
  const number = '-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?'
  // A number at the end, which is taken off again: then no place is left where a match could begin within a text.
  const marked = `replaceRegexpAll(concat(${line}, ',0'), '((?:${other})*)(${number})', '\\\\1"${mark}\\\\2"')`
  return `substring(${marked}, 1, -${Buffer.byteLength(`,"${mark}0"`)})`
}

/** A declaration of columns, sent as a value; its names are quoted as ClickHouse quotes names. */
function structureOf(file: OpenedFile, columns: readonly string[]): string {
  if (file.format.kind === 'typed') return 'auto'
  if (file.reading === 'by place')
    return declared([...file.types.keys()].map((name) => [name, 'Nullable(String)']))
  const wanted = [...new Set(columns)]
  const isPath = (name: string): boolean => file.format.kind === 'lines' && file.dotted?.has(name) !== true
  return declared([
    ...wanted.filter((name) => !isPath(name)).map((name) => [name, 'Nullable(String)'] as const),
    ...nested(wanted.filter(isPath)),
  ])
}

/** Columns in columns as tuples. */
function nested(paths: readonly string[]): [string, string][] {
  const roots = new Map<string, string[]>()
  for (const path of paths) {
    const [root = '', ...rest] = path.split('.')
    roots.set(root, [...(roots.get(root) ?? []), rest.join('.')])
  }
  return [...roots].map(([root, rest]) => [
    root,
    rest.includes('') ? 'Nullable(String)' : `Tuple(${declared(nested(rest))})`,
  ])
}

function declared(columns: readonly (readonly [string, string])[]): string {
  return columns.map(([name, type]) => `\`${name.replace(/[\\`]/g, '\\$&')}\` ${type}`).join(', ')
}
