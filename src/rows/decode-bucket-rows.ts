import { ExposureError, received } from '../errors.js'
import { resultColumns } from '../query/result-columns.js'

/** How many identities had their first exposure in one bucket: in one variant, or quarantined. */
export type ExposureBucket =
  | {
      readonly quarantined: false
      readonly variant: string
      /** The bucket's start, in epoch milliseconds. */
      readonly bucketMs: number
      readonly newIdentities: number
    }
  | {
      readonly quarantined: true
      readonly variant: null
      readonly bucketMs: number
      readonly newIdentities: number
    }

/**
 * What do the warehouse's rows say? Checks and converts every row of the answer to `firstExposuresQuery`.
 *
 * Takes what either official client can return for JSONEachRow under any setting: counts as numbers or as decimal
 * strings, buckets as `YYYY-MM-DD hh:mm:ss`, ISO 8601 or epoch seconds. Columns are found by name; others are ignored.
 *
 * @param rows - the parsed rows of the answer
 * @returns one frozen bucket per row, in the same order; no two for the same bucket and variant
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for whatever it cannot vouch for: a
 *   missing column, an unknown flag, a count that is negative, fractional or not a safe integer, a bucket that is not
 *   a time, a variant that is not text, a bucket listed twice for the same variant
 *
 * @example
 * ```ts
 * import { decodeBucketRows } from 'first-exposure'
 *
 * decodeBucketRows([
 *   { quarantined: 0, variant: 'control', bucket: '2026-06-01 00:00:00', new_identities: '100' },
 *   { quarantined: 1, variant: null, bucket: '2026-06-01 00:00:00', new_identities: 5 },
 * ])
 * // => [
 * //   { quarantined: false, variant: 'control', bucketMs: 1780272000000, newIdentities: 100 },
 * //   { quarantined: true, variant: null, bucketMs: 1780272000000, newIdentities: 5 },
 * // ]
 * ```
 */
export function decodeBucketRows(rows: readonly unknown[]): readonly ExposureBucket[] {
  if (!Array.isArray(rows)) {
    throw new ExposureError(
      'malformed-rows',
      `The answer is not a list of rows: received ${received(rows)}. ` +
        'Pass what resultSet.json() gives for the format JSONEachRow.',
      { received: received(rows) },
    )
  }
  const seen = new Map<number, Set<string | null>>()
  const bucketMsOf = rememberingLast(decodeBucketMs)
  return Object.freeze(
    rows.map((row: unknown, index) => {
      const bucket = decodeBucketRow(row, index, bucketMsOf)
      const variants = seen.get(bucket.bucketMs) ?? new Set()
      if (variants.has(bucket.variant)) {
        throw malformedRow(
          index,
          resultColumns.bucket,
          columnOf(row, index, resultColumns.bucket),
          'This bucket is listed already for the same variant, so one of the two would be lost or counted twice.',
        )
      }
      seen.set(bucket.bucketMs, variants.add(bucket.variant))
      return bucket
    }),
  )
}

function decodeBucketRow(
  row: unknown,
  index: number,
  bucketMsOf: (value: unknown) => number | undefined,
): ExposureBucket {
  const quarantined = cell(row, index, resultColumns.quarantined, decodeFlag, '0 or 1')
  const bucketMs = cell(row, index, resultColumns.bucket, bucketMsOf, 'YYYY-MM-DD hh:mm:ss in UTC')
  const newIdentities = cell(
    row,
    index,
    resultColumns.newIdentities,
    decodeCount,
    'a whole number from 0 to 2^53 - 1',
  )
  return Object.freeze(
    quarantined
      ? {
          quarantined,
          variant: cell(row, index, resultColumns.variant, decodeNull, 'NULL on a quarantined row'),
          bucketMs,
          newIdentities,
        }
      : {
          quarantined,
          variant: cell(row, index, resultColumns.variant, decodeKey, 'the variant’s key'),
          bucketMs,
          newIdentities,
        },
  )
}

function cell<Value>(
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

function columnOf(row: unknown, index: number, column: string): unknown {
  if (typeof row !== 'object' || row === null || !Object.hasOwn(row, column)) {
    throw malformedRow(index, column, row, 'The column is missing.')
  }
  return (row as Readonly<Record<string, unknown>>)[column]
}

function malformedRow(row: number, column: string, value: unknown, advice: string): ExposureError {
  return new ExposureError(
    'malformed-rows',
    `Row ${row}, column ${column}: received ${received(value)}. ${advice} ` +
      'Is it the answer to firstExposuresQuery, unchanged?',
    { row, column, received: received(value) },
  )
}

function decodeFlag(value: unknown): boolean | undefined {
  if (value === 0 || value === false || value === '0') return false
  if (value === 1 || value === true || value === '1') return true
  return undefined
}

function decodeNull(value: unknown): null | undefined {
  return value === null ? value : undefined
}

function decodeKey(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function decodeCount(value: unknown): number | undefined {
  const count = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined
}

/** The rows of a bucket follow each other, and reading its name is most of the work. */
function rememberingLast(decode: (value: unknown) => number | undefined): typeof decode {
  let last: unknown
  let decoded: number | undefined
  return (value) => {
    if (value !== last || decoded === undefined) {
      decoded = decode(value)
      last = value
    }
    return decoded
  }
}

function decodeBucketMs(value: unknown): number | undefined {
  // date_time_output_format: 'unix_timestamp' gives seconds, 'simple' and 'iso' a text; the column is pinned to UTC.
  const text = String(value)
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?$/.test(value)) return undefined
  const iso = `${value.slice(0, 10)}T${value.slice(11, 19)}.000Z`
  const ms = Date.parse(iso)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === iso ? ms : undefined
}
