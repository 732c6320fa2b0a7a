import type { ExposuresSummary, ExposureWindow } from 'first-exposure'

/** What a reader wants to see of a summary, derived from it: totals, shares and the series as they grew. */
export interface CumulativeView {
  /** Control first, then by key. */
  readonly variants: readonly {
    readonly key: string
    readonly total: number
    /** The growth of one variant, from `{ atMs: window.startMs, total: 0 }` to `{ atMs: window.asOfMs, total }`. */
    readonly growth: readonly { readonly atMs: number; readonly total: number }[]
  }[]
  /** Over all variants; the excluded are not among them. */
  readonly counted: number
  readonly excluded: number
}

/** The view of a summary that was asked for this window. */
export function cumulativeView(summary: ExposuresSummary, window: ExposureWindow): CumulativeView {
  const { points, granularity } = summary.timeseries
  const widthMs = granularity === 'hour' ? 3_600_000 : 86_400_000
  const keys = [...new Set(points.flatMap(({ newIdentities }) => Object.keys(newIdentities)))].sort(
    (a, b) => Number(b === 'control') - Number(a === 'control') || (a < b ? -1 : 1),
  )
  const variants = keys.map((key) => {
    const growth = [{ atMs: window.startMs, total: 0 }]
    let total = 0
    for (const { bucket, newIdentities } of points) {
      const startMs = Date.parse(bucket)
      // A bucket grows from its start to its end, and a bucket that is left out does not grow at all.
      growth.push({ atMs: Math.max(startMs, window.startMs), total })
      total += Object.hasOwn(newIdentities, key) ? (newIdentities[key] ?? 0) : 0
      growth.push({ atMs: Math.min(startMs + widthMs, window.asOfMs), total })
    }
    growth.push({ atMs: window.asOfMs, total })
    return { key, total, growth }
  })
  return {
    variants,
    counted: variants.reduce((sum, { total }) => sum + total, 0),
    excluded: summary.excludedIdentities,
  }
}
