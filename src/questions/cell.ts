import { ExposureError, received, refusal, type Refusal } from '../errors.js'

/**
 * Decodes one column of one row. Throws `malformed-rows`, naming both, if the column is missing or has a wrong value.
 */
export function cell<Value>(
  row: unknown,
  index: number,
  column: string,
  decode: (value: unknown) => Value | undefined,
  expected: string,
): Value {
  const value = columnOf(row, index, column)
  const decoded = decode(value)
  if (decoded === undefined) throw malformedRow(index, column, value, `Expected ${expected}.`)
  return decoded
}

/** One column of one row, not decoded. */
export function columnOf(row: unknown, index: number, column: string): unknown {
  if (typeof row !== 'object' || row === null || !Object.hasOwn(row, column)) {
    throw malformedRow(index, column, row, '', `Row ${index}: column ${column} is missing.`)
  }
  return (row as Readonly<Record<string, unknown>>)[column]
}

/** The error for a row that the query cannot return. */
export function malformedRow(
  row: number,
  column: string,
  value: unknown,
  advice: string,
  problem: string = `Row ${row}, column ${column}: received ${received(value)}.`,
): ExposureError {
  return new ExposureError(
    'malformed-rows',
    [problem, advice, 'Is it the answer to the query, unchanged?'].filter((each) => each !== '').join(' '),
    { row, column, received: received(value) },
  )
}

const malformedAnswer: Refusal = /* @__PURE__ */ refusal(
  'malformed-rows',
  () => 'The answer is not a list of rows',
)

/** Refuses a value that is not a list of rows. */
export function assertRows(rows: unknown): asserts rows is readonly unknown[] {
  if (Array.isArray(rows)) return
  throw malformedAnswer('rows', rows, 'Pass what resultSet.json() gives for the format JSONEachRow.')
}

export function decodeFlag(value: unknown): boolean | undefined {
  if (value === 0 || value === false || value === '0') return false
  if (value === 1 || value === true || value === '1') return true
  return undefined
}

export function decodeNull(value: unknown): null | undefined {
  return value === null ? value : undefined
}

export function decodeText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The same decoder, which also accepts NULL. */
export function orNull<Value>(
  decode: (value: unknown) => Value | undefined,
): (value: unknown) => Value | null | undefined {
  return (value) => (value === null ? null : decode(value))
}

/** A whole number that a double holds exactly, given as a number or in decimal digits. */
export function decodeInteger(value: unknown): number | undefined {
  const integer = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
  return typeof integer === 'number' && Number.isSafeInteger(integer) ? integer : undefined
}

/** A whole number from 0 to 2⁵³ - 1, given as a number or in decimal digits. */
export function decodeCount(value: unknown): number | undefined {
  const count = decodeInteger(value)
  return count !== undefined && count >= 0 ? count : undefined
}

/** Milliseconds since the epoch of a `DateTime` in UTC, in any format that a setting can produce. */
export function decodeBucketMs(value: unknown): number | undefined {
  // date_time_output_format: 'unix_timestamp' gives seconds; 'simple' and 'iso' give text.
  const text = String(value)
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?$/.test(value)) return undefined
  const iso = `${value.slice(0, 10)}T${value.slice(11, 19)}.000Z`
  const ms = Date.parse(iso)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === iso ? ms : undefined
}
