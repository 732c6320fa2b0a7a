import {
  assertRows,
  cell,
  columnOf,
  decodeBucketMs,
  decodeCount,
  decodeFlag,
  decodeNull,
  decodeText,
  malformedRow,
} from '../cell.js'

/** The names of the answer's columns, for the SELECT and for the decoder. */
export const bucketColumns: {
  readonly quarantined: 'quarantined'
  readonly variant: 'variant'
  readonly bucket: 'bucket'
  readonly newIdentities: 'new_identities'
} = /* @__PURE__ */ Object.freeze({
  quarantined: 'quarantined',
  variant: 'variant',
  bucket: 'bucket',
  newIdentities: 'new_identities',
})

/** How many identities had their first exposure in one bucket, either in one variant or quarantined. */
export type ExposureBucket =
  | {
      readonly quarantined: false
      readonly variant: string
      /** The bucket's start, in milliseconds since the epoch. */
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
 * What do the warehouse's rows say? Checks and converts every row that `firstExposuresQuery` returns.
 *
 * It accepts what either official client can return for JSONEachRow under any setting: counts as numbers or as decimal
 * strings, buckets as `YYYY-MM-DD hh:mm:ss`, ISO 8601 or epoch seconds. Columns are found by name. Other columns are
 * ignored.
 *
 * @param rows - the parsed rows of the answer
 * @returns one frozen bucket per row, in the same order; no two for the same bucket and variant
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for an invalid row: a missing column,
 *   an unknown flag, a count that is negative, fractional or not a safe integer, a bucket that is not a time, a variant
 *   that is not text, a bucket listed twice for the same variant
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
  assertRows(rows)
  const decode = bucketRowDecoder()
  return Object.freeze(rows.map((row, index) => decode(row, index, '')))
}

/**
 * Decodes the rows of an answer one by one. Refuses a bucket that is listed twice for the same variant and the same
 * `part`.
 */
export function bucketRowDecoder(): (row: unknown, index: number, part: string) => ExposureBucket {
  const seen = new Map<string, Map<number, Set<string | null>>>()
  const bucketMsOf = rememberingLast(decodeBucketMs)
  return (row, index, part) => {
    const bucket = decodeBucketRow(row, index, bucketMsOf)
    const buckets = seen.get(part) ?? new Map<number, Set<string | null>>()
    const variants = buckets.get(bucket.bucketMs) ?? new Set()
    if (variants.has(bucket.variant)) {
      throw malformedRow(
        index,
        bucketColumns.bucket,
        columnOf(row, index, bucketColumns.bucket),
        'This bucket is listed already for the same variant, so one of the two would be lost or counted twice.',
      )
    }
    seen.set(part, buckets.set(bucket.bucketMs, variants.add(bucket.variant)))
    return bucket
  }
}

function decodeBucketRow(
  row: unknown,
  index: number,
  bucketMsOf: (value: unknown) => number | undefined,
): ExposureBucket {
  const quarantined = cell(row, index, bucketColumns.quarantined, decodeFlag, '0 or 1')
  const bucketMs = cell(row, index, bucketColumns.bucket, bucketMsOf, 'YYYY-MM-DD hh:mm:ss in UTC')
  const newIdentities = cell(
    row,
    index,
    bucketColumns.newIdentities,
    decodeCount,
    'a whole number from 0 to 2^53 - 1',
  )
  return Object.freeze(
    quarantined
      ? {
          quarantined,
          variant: cell(row, index, bucketColumns.variant, decodeNull, 'NULL on a quarantined row'),
          bucketMs,
          newIdentities,
        }
      : {
          quarantined,
          variant: cell(row, index, bucketColumns.variant, decodeText, 'the variant’s key'),
          bucketMs,
          newIdentities,
        },
  )
}

/** Remembers the last value: the rows of a bucket are adjacent, and reading the bucket's name is most of the work. */
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
