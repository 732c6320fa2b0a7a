import type { Granularity } from '../../time/granularity.js'

/** The identities whose first exposure was in one bucket, by variant. */
export interface ExposuresPoint {
  /** The bucket's start, as an ISO 8601 instant in UTC: `2026-06-01T00:00:00.000Z`. */
  readonly bucket: string
  /**
   * By variant key. Every count is above 0. A key can be any string, even `__proto__` or `constructor`. Read it with
   * `Object.entries` or `Object.hasOwn`.
   */
  readonly newIdentities: Readonly<Record<string, number>>
}

/**
 * Who entered, when and in which variant. It holds increments only, nothing that can be derived from the rest.
 *
 * Plain data, deeply frozen. `JSON.parse(JSON.stringify(summary))` equals it.
 */
export interface ExposuresSummary {
  /** The quarantined identities, counted once and nowhere else. */
  readonly excludedIdentities: number
  readonly timeseries: {
    readonly granularity: Granularity
    /** The IANA time zone of the buckets' hours or days. */
    readonly timeZone: string
    /** Chronological. Buckets in which no identity entered are left out. */
    readonly points: readonly ExposuresPoint[]
  }
}
