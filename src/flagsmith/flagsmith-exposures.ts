/** A summary as Flagsmith stores it: hours or days of UTC, increments only. */
export interface FlagsmithPayload {
  readonly excluded_identities: number
  /** What was asked, where the state knows it. A member of this library's own, which Flagsmith keeps and does not read. */
  readonly question?: {
    readonly revision: number
    readonly fingerprint: string | null
    /** The start of the window: `2026-06-01T00:00:00Z`. */
    readonly started_at: string
  }
  readonly timeseries: {
    /** Flagsmith knows these two, whatever else this library counts by. */
    readonly granularity: 'hour' | 'day'
    readonly points: readonly {
      /** The bucket's start: `2026-06-01T00:00:00+00:00`. */
      readonly bucket: string
      readonly new_identities: Readonly<Record<string, number>>
    }[]
  }
}

/** What Flagsmith serves about an experiment's exposures. Its instants are ISO 8601 in UTC: `2026-06-01T00:00:00Z`. */
export interface FlagsmithExposures {
  /** How far the payload reaches; `null` exactly where the payload is `null`. */
  readonly as_of: string | null
  /** When a refresh last failed; `null` where no refresh failed since `as_of`. */
  readonly last_error_at: string | null
  readonly refresh_requested_at: string | null
  readonly payload: FlagsmithPayload | null
  readonly is_final: boolean
}
