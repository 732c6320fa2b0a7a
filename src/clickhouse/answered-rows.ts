import { ExposureError } from '../errors.js'
import type { Answer } from './exposure-client.js'
import { exceptionNumber } from './exception-number.js'

/**
 * The rows of an answer in JSONEachRow, or `malformed-rows` where it breaks off: in the middle of a row, or with an
 * exception of ClickHouse's behind the rows, in any of the ways in which its versions write it there.
 */
export async function answeredRows(answer: Answer): Promise<unknown> {
  const rows = answer.text === undefined ? await answer.json() : rowsIn(await answer.text())
  if (Array.isArray(rows)) {
    // Since 23.9, by a setting, an exception is a row: the last one.
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
  const rows: unknown[] = []
  let from = 0
  while (from < text.length) {
    const end = text.indexOf('\n', from)
    // Every row ends with a line feed, so what has none was cut, even if it can be parsed.
    if (end < 0) throw brokenOff(rows.length, text.slice(from))
    try {
      rows.push(JSON.parse(text.slice(from, end)))
    } catch {
      throw brokenOff(rows.length, text.slice(from))
    }
    from = end + 1
  }
  return rows
}

function brokenOff(row: number, rest: string): ExposureError {
  const exception = exceptionNumber(rest)
  return new ExposureError(
    'malformed-rows',
    exception === undefined
      ? `The answer is not whole: row ${row} is no row. Check what sits between the host and ClickHouse.`
      : `ClickHouse gave up at row ${row} of the answer, with its error ${exception}.`,
    { row, ...(exception === undefined ? {} : { exception }) },
  )
}
