import { assertRows, cell, decodeCount, decodeFlag, decodeNull, decodeText, malformedRow } from '../cell.js'

/** The names of the answer's columns, for the SELECT and for the decoder. */
export const overlapColumns: {
  readonly one: 'one'
  readonly other: 'other'
  readonly oneQuarantined: 'one_quarantined'
  readonly oneVariant: 'one_variant'
  readonly otherQuarantined: 'other_quarantined'
  readonly otherVariant: 'other_variant'
  readonly identities: 'identities'
} = /* @__PURE__ */ Object.freeze({
  one: 'one',
  other: 'other',
  oneQuarantined: 'one_quarantined',
  oneVariant: 'one_variant',
  otherQuarantined: 'other_quarantined',
  otherVariant: 'other_variant',
  identities: 'identities',
})

/**
 * The identities that are in one variant of one experiment and in one variant of another. If both are the same
 * experiment, these are all identities of that variant.
 */
export interface OverlapCell {
  /** The places of the experiments in the question, from 0. `one` is never after `other`. */
  readonly one: number
  readonly other: number
  /** `null` for the identities that are quarantined there. */
  readonly oneVariant: string | null
  readonly otherVariant: string | null
  readonly identities: number
}

/**
 * What do the warehouse's rows say? Checks and converts every row that `overlapQuery` or `overlapsQuery` returns.
 *
 * @param rows - the parsed rows of the answer
 * @returns one frozen cell for each row, in the same order; no two for the same experiments and variants
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for rows that the query cannot return
 *
 * @example
 * ```ts
 * import { decodeOverlapRows } from 'first-exposure'
 *
 * decodeOverlapRows([
 *   {
 *     one: 0,
 *     other: 1,
 *     one_quarantined: 0,
 *     one_variant: 'control',
 *     other_quarantined: 1,
 *     other_variant: null,
 *     identities: '7',
 *   },
 * ])
 * // => [{ one: 0, other: 1, oneVariant: 'control', otherVariant: null, identities: 7 }]
 * ```
 */
export function decodeOverlapRows(rows: readonly unknown[]): readonly OverlapCell[] {
  assertRows(rows)
  const seen = new Set<string>()
  return Object.freeze(
    rows.map((row, index) => {
      const place = (column: string): number =>
        cell(row, index, column, decodeCount, 'the place of an experiment, from 0')
      const variant = (flag: string, column: string): string | null =>
        cell(row, index, flag, decodeFlag, '0 or 1')
          ? cell(row, index, column, decodeNull, 'NULL on a quarantined row')
          : cell(row, index, column, decodeText, 'the variant’s key')
      const columns = overlapColumns
      const decoded: OverlapCell = {
        one: place(columns.one),
        other: place(columns.other),
        oneVariant: variant(columns.oneQuarantined, columns.oneVariant),
        otherVariant: variant(columns.otherQuarantined, columns.otherVariant),
        identities: cell(row, index, columns.identities, decodeCount, 'a whole number from 0 to 2^53 - 1'),
      }
      const { one, other, oneVariant, otherVariant } = decoded
      if (one > other) {
        throw malformedRow(
          index,
          columns.other,
          other,
          'Each pair is listed once, in the order of the question.',
        )
      }
      if (one === other && oneVariant !== otherVariant) {
        const column = columns.otherVariant
        throw malformedRow(index, column, otherVariant, 'An identity counts once in an experiment.')
      }
      const key = JSON.stringify([one, other, oneVariant, otherVariant])
      if (seen.has(key)) {
        throw malformedRow(
          index,
          columns.otherVariant,
          otherVariant,
          'A pair of two variants is listed once.',
        )
      }
      seen.add(key)
      return Object.freeze(decoded)
    }),
  )
}
