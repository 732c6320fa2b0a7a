import { assertRows, cell, decodeFlag, decodeNull, decodeText } from '../cell.js'
import { bucketRowDecoder, type ExposureBucket } from '../summary/rows.js'

/** The columns that {@link exposuresBreakdownQuery} returns in addition to those of `firstExposuresQuery`. */
export const breakdownColumns: {
  readonly other: 'other'
  readonly value: 'value'
} = /* @__PURE__ */ Object.freeze({
  /** Whether the row is about the values that have no slice of their own. */
  other: 'other',
  /** The slice's value. NULL if the column is NULL, and NULL for the other values. */
  value: 'value',
})

/** The buckets of one value of the column, or of all values without their own slice. */
export interface SliceBuckets {
  readonly other: boolean
  /** `null` if the column is NULL, and `null` for the other values. */
  readonly value: string | null
  readonly buckets: readonly ExposureBucket[]
}

/** Checks and converts every row that `exposuresBreakdownQuery` returns. Throws `malformed-rows`. */
export function decodeExposuresBreakdownRows(rows: readonly unknown[]): readonly SliceBuckets[] {
  assertRows(rows)
  const decode = bucketRowDecoder()
  const slices = new Map<string, { other: boolean; value: string | null; buckets: ExposureBucket[] }>()
  for (const [index, row] of rows.entries()) {
    const other = cell(row, index, breakdownColumns.other, decodeFlag, '0 or 1')
    const value = other
      ? cell(row, index, breakdownColumns.value, decodeNull, 'NULL on a row of the others')
      : cell(row, index, breakdownColumns.value, decodeTextOrNull, 'a text or NULL')
    const part = other ? 'other' : JSON.stringify(value)
    const slice = slices.get(part) ?? { other, value, buckets: [] }
    slices.set(part, slice)
    slice.buckets.push(decode(row, index, part))
  }
  return [...slices.values()]
}

function decodeTextOrNull(value: unknown): string | null | undefined {
  return value === null ? null : decodeText(value)
}
