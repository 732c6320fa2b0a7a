import { ExposureError } from '../errors.js'
import { brokenOff } from './answered-rows.js'
import type { ByteReader } from './byte-reader.js'

/** Some rows of an answer. A row is the list of its cells. */
export interface RowBlock {
  /** The names of the columns. */
  readonly names: readonly string[]
  /** How many rows came before. */
  readonly first: number
  readonly rows: readonly (readonly unknown[])[]
}

const startOfRows = '\n\t"data":\n\t[\n'
const endOfRows = '\t],'
const lineFeed = 10

/**
 * The rows of an answer in JSONCompact, block by block as they arrive. Every row is a line, and after the rows comes
 * their number. So an answer that breaks off is always noticed, even between two rows, and the server has counted the
 * rows in any case. Throws `malformed-rows` for such an answer, and for an exception after the first rows.
 *
 * @param onEnd - called with the server's statistics, which come last, if the answer is complete
 */
export async function* answeredBlocks(
  read: ByteReader['read'],
  onEnd: (statistics: unknown) => void = () => {},
): AsyncGenerator<RowBlock, void> {
  const decoder = new TextDecoder()
  let names: readonly string[] | undefined
  let first = 0
  let isAfterRows = false
  // What is not used yet: the text before the first row, or after the last one.
  let text = ''
  for await (const lines of wholeLines(read)) {
    const added = decoder.decode(lines)
    if (isAfterRows) {
      text += added
      continue
    }
    let block = added
    if (names === undefined) {
      text += added
      const start = text.indexOf(startOfRows)
      if (start < 0) continue
      names = columnNames(text.slice(0, start))
      block = text.slice(start + startOfRows.length)
      text = ''
    }
    // A block begins with a line.
    const end = block.startsWith(endOfRows) ? 0 : block.indexOf(`\n${endOfRows}`) + 1
    if (end > 0 || block.startsWith(endOfRows)) {
      isAfterRows = true
      text = block.slice(end)
      block = block.slice(0, end)
    }
    const rows = rowsIn(block, first)
    if (rows.length > 0) yield { names, first, rows }
    first += rows.length
  }
  if (!isAfterRows) throw brokenOff(first, text)
  onEnd(assertComplete(text, first))
}

/** The bytes, in pieces that end with a line feed, and at last what comes without one. */
async function* wholeLines(read: ByteReader['read']): AsyncGenerator<Uint8Array, void> {
  let begun: Uint8Array[] = []
  for (let chunk = await read(); chunk !== undefined; chunk = await read()) {
    const end = chunk.lastIndexOf(lineFeed) + 1
    if (end > 0) {
      yield joined([...begun, chunk.subarray(0, end)])
      begun = []
    }
    if (end < chunk.length) begun.push(chunk.subarray(end))
  }
  if (begun.length > 0) yield joined(begun)
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return only
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

function columnNames(head: string): readonly string[] {
  try {
    const { meta } = JSON.parse(`${head.trimEnd().replace(/,$/, '')}}`) as {
      readonly meta: readonly { readonly name: string }[]
    }
    return meta.map(({ name }) => name)
  } catch {
    throw brokenOff(0, head)
  }
}

/** The rows in some whole lines. One call parses them all, which is several times faster than one call for each. */
function rowsIn(lines: string, first: number): readonly (readonly unknown[])[] {
  const list = lines.trimEnd()
  if (list === '') return []
  try {
    const rows = JSON.parse(`[${list.endsWith(',') ? list.slice(0, -1) : list}]`) as readonly unknown[][]
    if (rows.every(Array.isArray)) return rows
  } catch {
    // The loop below finds the row.
  }
  const all = list.split('\n')
  const wrong = all.findIndex((line) => !isRow(line))
  throw brokenOff(first + Math.max(wrong, 0), all.slice(wrong).join('\n'))
}

function isRow(line: string): boolean {
  try {
    return Array.isArray(JSON.parse(line.replace(/,$/, '')))
  } catch {
    return false
  }
}

/** What comes after the rows: their number and the statistics, which it returns; or an exception. */
function assertComplete(text: string, rows: number): unknown {
  let after: { readonly rows?: unknown; readonly exception?: unknown; readonly statistics?: unknown }
  try {
    after = JSON.parse(`{"data":[${text}`) as typeof after
  } catch {
    throw brokenOff(rows, text)
  }
  if (typeof after.exception === 'string') throw brokenOff(rows, after.exception)
  if (Number(after.rows) !== rows) {
    throw new ExposureError(
      'malformed-rows',
      `The answer has ${rows} rows, and the server has counted ${String(after.rows)}. Check what sits between the ` +
        'host and ClickHouse.',
      { row: rows },
    )
  }
  return after.statistics
}
