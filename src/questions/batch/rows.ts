import { assertRows, cell, decodeCount } from '../cell.js'
import { bucketColumns, bucketRowDecoder, type ExposureBucket } from '../summary/rows.js'

/** The names of the answer's columns, for the SELECT and for the decoder. */
export const batchColumns: { readonly experiment: 'experiment' } & typeof bucketColumns =
  /* @__PURE__ */ Object.freeze({ experiment: 'experiment', ...bucketColumns })

/** A bucket of one of many experiments. */
export type BatchBucket = ExposureBucket & {
  /** The place of the experiment in the question, from 0. */
  readonly experiment: number
}

/**
 * What do the warehouse's rows say? Checks and converts every row that `firstExposuresBatchQuery` returns.
 *
 * @param rows - the parsed rows of the answer
 * @returns one frozen bucket per row, in the same order, with the place of its experiment. `summarizeExposures` takes the
 *   buckets of one experiment
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, as `decodeBucketRows` does
 *
 * @example
 * ```ts
 * import { decodeBatchRows, summarizeExposures } from 'first-exposure'
 *
 * const row = { quarantined: 0, variant: 'control', bucket: '2026-06-01 00:00:00' }
 * const buckets = decodeBatchRows([
 *   { experiment: 0, ...row, new_identities: 100 },
 *   { experiment: 1, ...row, new_identities: 7 },
 * ])
 * const second = summarizeExposures(
 *   buckets.filter(({ experiment }) => experiment === 1),
 *   { granularity: 'day' },
 * )
 * second.timeseries.points[0]?.newIdentities // => { control: 7 }
 * ```
 */
export function decodeBatchRows(rows: readonly unknown[]): readonly BatchBucket[] {
  assertRows(rows)
  const decode = bucketRowDecoder()
  return Object.freeze(
    rows.map((row, index) => {
      const experiment = experimentOf(row, index)
      return Object.freeze({ ...decode(row, index, String(experiment)), experiment })
    }),
  )
}

/**
 * The place of a row's experiment. Throws `malformed-rows`.
 *
 * @param experiments - how many the question was about
 */
export function experimentOf(row: unknown, index: number, experiments: number = Infinity): number {
  const placeOf = (value: unknown): number | undefined => {
    const place = decodeCount(value)
    return place !== undefined && place < experiments ? place : undefined
  }
  return cell(row, index, batchColumns.experiment, placeOf, 'the place of an experiment, from 0')
}
