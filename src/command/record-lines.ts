import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import type { OpenedFile } from './open-file.js'

/**
 * The lines of a file in which some of its records begin. A quoted field may span lines, so the file is read from its
 * beginning to the last of the records.
 *
 * @param records - the records, counted from 1
 * @returns `undefined` if the file cannot be read here, or has no lines
 */
export async function recordLines(
  { path, compression, format, layout, reading }: OpenedFile,
  records: readonly number[],
): Promise<readonly number[] | undefined> {
  if (format.kind === 'typed') return undefined
  if (layout === undefined) return reading === 'line by line' || format.kind === 'lines' ? records : undefined
  const { quoted, linesAbove, hasNames, hasTypes, delimiter } = layout
  const headers = Number(hasNames) + Number(hasTypes)
  if (!quoted) return records.map((record) => linesAbove + headers + record)
  if (compression !== 'none' && compression !== 'gz') return undefined

  const bytes = createReadStream(path)
  const last = Math.max(...records)
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
  const begin = (): void => {
    if (line > linesAbove) lines.set(record, line)
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
  return records.map((each) => lines.get(each) ?? each)
}
