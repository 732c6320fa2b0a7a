import type { Granularity } from '../../time/granularity.js'

/** The identities whose first exposure fell into one bucket, by variant. */
export interface ExposuresPoint {
  /** The bucket's start, as an ISO 8601 instant in UTC: `2026-06-01T00:00:00.000Z`. */
  readonly bucket: string
  /**
   * By variant key, every count above 0. A key may be any string, even `__proto__` or `constructor`: read it with
   * `Object.entries` or `Object.hasOwn`.
   */
  readonly newIdentities: Readonly<Record<string, number>>
}

/**
 * Who entered, when and in which variant: increments only, nothing that could be derived from the rest.
 *
 * Plain data, frozen through and through; `JSON.parse(JSON.stringify(summary))` equals it.
 */
export interface ExposuresSummary {
  /** The quarantined identities, counted once, and nowhere else. */
  readonly excludedIdentities: number
  readonly timeseries: {
    readonly granularity: Granularity
    /** The IANA zone whose hours or days the buckets are. */
    readonly timeZone: string
    /** Chronological; a bucket in which nobody entered is left out. */
    readonly points: readonly ExposuresPoint[]
  }
}
