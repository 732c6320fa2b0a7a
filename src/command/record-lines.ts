import { createReadStream, statSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import type { OpenedFile } from './open-file.js'
import { isOpen, type TextLayout } from './text-layout.js'

/**
 * The lines of a file in which some of its records begin. A quoted field may span lines, so the file is read from its
 * beginning to the last of the records.
 *
 * @param records - the records, counted from 1
 * @returns `undefined` if the file cannot be read here, or has no lines
 */
export async function recordLines(
  file: OpenedFile,
  records: readonly number[],
): Promise<readonly number[] | undefined> {
  const { format, layout, reading } = file
  if (format.kind === 'typed') return undefined
  if (layout === undefined) return reading === 'line by line' || format.kind === 'lines' ? records : undefined
  if (!layout.quoted) {
    const headers = Number(layout.hasNames) + Number(layout.hasTypes)
    return records.map((record) => layout.linesAbove + headers + record)
  }
  const lines = (await scanned(file, layout, Math.max(...records)))?.lines
  return lines === undefined ? undefined : records.map((each) => lines.get(each) ?? each)
}

/**
 * The line of a quote that is never closed, with lines after it; `undefined` if every quote is closed, or if the file
 * cannot be read here. The engine takes the end of the file for the end of such a field, and all lines after it for a part of it.
 */
export async function openQuote(file: OpenedFile): Promise<number | undefined> {
  const { layout, compression } = file
  if (layout?.quoted !== true || (compression !== 'none' && compression !== 'gz')) return undefined
  const line = await lastWithQuote(file)
  return line !== undefined && isOpen(line, layout.delimiter)
    ? (await scanned(file, layout, Infinity))?.openLine
    : undefined
}

// Of a large file, only the end is looked at, and of a line of any length.
const mostTail = 64_000_000
const mostLine = 1_000_000

/** The last line of a file that has a quote, if others follow. */
async function lastWithQuote({ path, compression }: OpenedFile): Promise<string | undefined> {
  const start = compression === 'none' ? Math.max(0, statSync(path).size - mostTail) : 0
  const bytes = createReadStream(path, { start, highWaterMark: mostLine })
  let line: Buffer | undefined
  let isFollowed = false
  let rest = Buffer.alloc(0)
  for await (const chunk of (compression === 'gz'
    ? bytes.pipe(createGunzip({ chunkSize: mostLine }))
    : bytes) as AsyncIterable<Buffer>) {
    const text = Buffer.concat([rest, chunk])
    const at = text.lastIndexOf('"')
    const end = at === -1 ? 0 : text.indexOf('\n', at)
    if (at !== -1) line = end === -1 ? undefined : text.subarray(text.lastIndexOf('\n', at) + 1, end)
    // A few bytes more are the end of the last line.
    isFollowed = end !== -1 && (at === -1 ? isFollowed || text.length > 2 : text.length > end + 3)
    rest = text.subarray(Math.max(text.lastIndexOf('\n') + 1, text.length - mostLine))
  }
  return isFollowed ? line?.toString('latin1') : undefined
}

/** Reads a file up to a record: the lines in which records begin, and that of a quote that is still open. */
async function scanned(
  { path, compression }: OpenedFile,
  { linesAbove, hasNames, hasTypes, delimiter }: TextLayout,
  last: number,
): Promise<
  { readonly lines: ReadonlyMap<number, number>; readonly openLine: number | undefined } | undefined
> {
  if (compression !== 'none' && compression !== 'gz') return undefined
  const headers = Number(hasNames) + Number(hasTypes)
  const bytes = createReadStream(path)
  // Of a whole file, only the quotes are asked for.
  const areKept = Number.isFinite(last)
  const lines = new Map<number, number>()
  const quote = 34
  const newline = 10
  const separator = delimiter.charCodeAt(0)
  let line = 1
  // The last header is record 0.
  let record = 1 - headers
  let isQuoted = false
  let isStart = true
  let isClosed = false
  let opened = 0
  const begin = (): void => {
    if (areKept && line > linesAbove) lines.set(record, line)
  }
  begin()
  for await (const chunk of (compression === 'gz'
    ? bytes.pipe(createGunzip())
    : bytes) as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      if (byte === quote) {
        // A quote inside quotes is written twice.
        const isOpened: boolean = !isQuoted && (isStart || isClosed)
        isClosed = isQuoted
        isQuoted = isOpened
        if (isOpened && isStart) opened = line
        isStart = false
        continue
      }
      isClosed = false
      if (byte === newline) {
        line++
        if (line <= linesAbove + 1) isQuoted = false
        else if (!isQuoted) record++
        if (!isQuoted) {
          isStart = true
          begin()
        }
      } else if (!isQuoted && byte === separator) isStart = true
      else if (byte !== 32 && byte !== 13) isStart = false
    }
    if (record > last) break
  }
  return { lines, openLine: isQuoted ? opened : undefined }
}
