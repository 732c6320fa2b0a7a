import { assertRows, cell, columnOf, decodeBucketMs, decodeCount, decodeText, malformedRow } from '../cell.js'

/** The column names of the answer to {@link crossoversQuery}: one row for each pair of variants. */
export const crossoverColumns: {
  readonly firstVariant: 'first_variant'
  readonly nextVariant: 'next_variant'
  readonly identities: 'identities'
  readonly medianMs: 'median_ms'
  readonly buckets: 'buckets'
  readonly bucketIdentities: 'bucket_identities'
} = /* @__PURE__ */ Object.freeze({
  firstVariant: 'first_variant',
  nextVariant: 'next_variant',
  identities: 'identities',
  medianMs: 'median_ms',
  buckets: 'buckets',
  bucketIdentities: 'bucket_identities',
})

/** The identities that went from one variant to another: how many, how much later, and when. */
export interface CrossoverRow {
  readonly firstVariant: string
  readonly nextVariant: string
  readonly identities: number
  readonly medianMs: number
  readonly buckets: readonly {
    readonly bucketMs: number
    readonly identities: number
  }[]
}

/** Checks and converts every row that `crossoversQuery` returns. Throws `malformed-rows`. */
export function decodeCrossoversRows(rows: readonly unknown[]): readonly CrossoverRow[] {
  assertRows(rows)
  const seen = new Set<string>()
  return rows.map((row, index) => {
    const of = <Value>(
      column: string,
      decode: (value: unknown) => Value | undefined,
      expected: string,
    ): Value => cell(row, index, column, decode, expected)
    const firstVariant = of(crossoverColumns.firstVariant, decodeText, 'the variant’s key')
    const nextVariant = of(crossoverColumns.nextVariant, decodeText, 'the variant’s key')
    const pair = JSON.stringify([firstVariant, nextVariant])
    if (firstVariant === nextVariant || seen.has(pair)) {
      const column = crossoverColumns.nextVariant
      throw malformedRow(index, column, nextVariant, 'A pair of two variants is listed once.')
    }
    seen.add(pair)
    const identities = of(crossoverColumns.identities, decodeCount, 'a whole number from 0 to 2^53 - 1')
    const starts = of(
      crossoverColumns.buckets,
      listOf(decodeBucketMs),
      'a list of YYYY-MM-DD hh:mm:ss in UTC',
    )
    const counts = of(crossoverColumns.bucketIdentities, listOf(decodeCount), 'a list of whole numbers')
    if (
      starts.length !== counts.length ||
      counts.reduce((sum, count) => sum + count, 0) !== identities ||
      new Set(starts).size !== starts.length
    ) {
      const column = crossoverColumns.bucketIdentities
      throw malformedRow(
        index,
        column,
        columnOf(row, index, column),
        'Each identity is in one of the buckets.',
      )
    }
    return {
      firstVariant,
      nextVariant,
      identities,
      medianMs: of(crossoverColumns.medianMs, decodeMs, 'milliseconds, 0 or more'),
      buckets: starts.map((bucketMs, place) => ({
        bucketMs,
        identities: counts[place] ?? 0,
      })),
    }
  })
}

function listOf<Value>(
  decode: (value: unknown) => Value | undefined,
): (value: unknown) => readonly Value[] | undefined {
  return (value) => {
    if (!Array.isArray(value)) return undefined
    const decoded = value.map(decode).filter((each) => each !== undefined)
    return decoded.length === value.length ? decoded : undefined
  }
}

/** A median can lie between two whole numbers. ClickHouse quotes floating-point numbers if a setting says so. */
function decodeMs(value: unknown): number | undefined {
  const ms = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 ? ms : undefined
}
