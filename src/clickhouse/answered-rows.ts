import { ExposureError } from '../errors.js'
import type { Answer } from './exposure-client.js'
import { exceptionNumber } from './exception-number.js'

/**
 * The rows of an answer in JSONEachRow. Throws `malformed-rows` if the answer breaks off: in the middle of a row, or
 * with an exception after the rows, in any of the forms that versions of ClickHouse write.
 */
export async function answeredRows(answer: Answer): Promise<unknown> {
  const rows = answer.text === undefined ? await answer.json() : rowsIn(await answer.text())
  if (Array.isArray(rows)) {
    // Since 23.9, a setting makes an exception the last row.
    const last: unknown = rows.at(-1)
    const text =
      typeof last === 'object' && last !== null && Object.keys(last).join() === 'exception'
        ? (last as { readonly exception: unknown }).exception
        : undefined
    if (typeof text === 'string') throw brokenOff(rows.length - 1, text)
  }
  return rows
}

function rowsIn(text: string): readonly unknown[] {
  // One array of all rows, one line per row: the form of output_format_json_array_of_rows.
  const isArray = text.startsWith('[\n')
  const rows: unknown[] = []
  let from = isArray ? 2 : 0
  while (from < text.length) {
    const end = text.indexOf('\n', from)
    // Every row ends with a line feed: a row without it was cut, even if it can be parsed.
    if (end < 0) throw brokenOff(rows.length, text.slice(from))
    const line = text.slice(from, end)
    if (isArray && line === ']' && end === text.length - 1) return rows
    if (!isArray || line !== '' || rows.length > 0) {
      try {
        rows.push(JSON.parse(isArray ? line.replace(/,$/, '') : line))
      } catch {
        throw brokenOff(rows.length, text.slice(from))
      }
    }
    from = end + 1
  }
  if (isArray) throw brokenOff(rows.length, '')
  return rows
}

/** The error for an answer that breaks off at a row, from the text that is there instead. */
export function brokenOff(row: number, rest: string): ExposureError {
  const exception = exceptionNumber(rest)
  return new ExposureError(
    'malformed-rows',
    exception === undefined
      ? `The answer is not complete: row ${row} was cut. Check what sits between the host and ClickHouse.`
      : `ClickHouse gave up at row ${row} of the answer, with its error ${exception}.`,
    { row, ...(exception === undefined ? {} : { exception }) },
  )
}
