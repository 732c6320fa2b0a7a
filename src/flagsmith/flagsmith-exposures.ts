/** A summary as Flagsmith stores it: hours or days of UTC, increments only. */
export interface FlagsmithPayload {
  readonly excluded_identities: number
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
