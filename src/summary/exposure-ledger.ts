import type { EventDisposition } from '../query/event-disposition.js'

/**
 * What became of an event: what kept it from being an exposure, or what the exposure was. Every event of the
 * experiment is of exactly one of these, the first that is true of it in this order:
 *
 * | part | the event |
 * |---|---|
 * | `no-timestamp` | its timestamp is NULL |
 * | `before-window`, `after-window` | is before the window's start; is at its `asOf` or later |
 * | `filtered` | does not meet the spec's filters |
 * | `no-variant` | its variant is NULL |
 * | `no-identity` | its identity is NULL or empty |
 * | `first-exposure` | one for each identity that is counted |
 * | `duplicate` | any further exposure of a counted identity; under `first-seen` also one to another variant |
 * | `quarantined` | an exposure of a quarantined identity |
 */
export type LedgerPartName =
  Exclude<EventDisposition, 'exposure'> | 'first-exposure' | 'duplicate' | 'quarantined'

/** The events of one part. */
export interface LedgerPart {
  readonly part: LedgerPartName
  readonly events: number
  /**
   * Those of them that have a variant, by its key, every count above 0; of `first-exposure` and `duplicate`, the
   * variant that the identity is counted in. Empty for `quarantined`, whose identities have several.
   */
  readonly byVariant: Readonly<Record<string, number>>
}

/** How long after their timestamps the exposures arrived. */
export interface LedgerLateness {
  /** The exposures whose arrival is known. */
  readonly events: number
  /** Those of them that arrived `latenessMs` of the query or more after the end of their bucket. */
  readonly lateEvents: number
  /**
   * Half of them were no later than this, in whole seconds, rounded down; negative where a clock was ahead. `null`
   * where there are none.
   */
  readonly p50Seconds: number | null
  readonly p90Seconds: number | null
  readonly p99Seconds: number | null
  readonly maxSeconds: number | null
}

/**
 * Where every event of the experiment went. Plain data, frozen through and through;
 * `JSON.parse(JSON.stringify(ledger))` equals it.
 */
export interface ExposureLedger {
  /** The events of the experiment, at any time: the sum of the parts. */
  readonly scanned: number
  /** All of the parts, in the order in which an event is tried, also where they are empty. */
  readonly parts: readonly LedgerPart[]
  /** As the summary has them. By variant, they are the events of the part `first-exposure`. */
  readonly countedIdentities: number
  /** As the summary has them. */
  readonly excludedIdentities: number
  /** The exposures by their own variant, whatever became of their identity: the last three parts once more. */
  readonly exposuresByVariant: Readonly<Record<string, number>>
  /**
   * Of that, the variants that are not configured, by key, and the identities counted in them. They count in the
   * summary as any other, so this is no part. `null` where nobody said which are configured.
   */
  readonly unconfigured: Readonly<
    Record<string, { readonly events: number; readonly identities: number }>
  > | null
  /** `null` where the source has no arrival column. */
  readonly lateness: LedgerLateness | null
}
