import type { EventDisposition } from '../query/event-disposition.js'

/** What the summary makes of an identity, and why. Instants are epoch milliseconds. */
export type IdentityVerdict =
  /** In this variant, since its first exposure. */
  | { readonly type: 'counted'; readonly variant: string; readonly at: number }
  /** Its first exposure was to `variant`; the first one to another, `by`, quarantined it. */
  | {
      readonly type: 'quarantined'
      readonly variant: string
      readonly at: number
      readonly by: string
      readonly byAt: number
    }
  /** It has no exposure. `because` is what became of the event that came nearest to being one. */
  | {
      readonly type: 'never-counted'
      readonly because: 'no-events' | Exclude<EventDisposition, 'exposure'>
    }

/** One event of an identity. */
export interface IdentityTimelineEvent {
  /** Epoch milliseconds; `null` where the event has no timestamp. */
  readonly at: number | null
  /** `null` where the event has none. */
  readonly variant: string | null
  /** An exposure, or what kept the event from being one. */
  readonly disposition: EventDisposition
}

/**
 * One identity's story. Plain data, frozen through and through; `JSON.parse(JSON.stringify(timeline))` equals it.
 */
export interface IdentityTimeline {
  /** Judged by all of the identity's events, also by those that are not listed. */
  readonly verdict: IdentityVerdict
  /** How many events the identity has, at any time. */
  readonly scanned: number
  /** In the order of time; those without a timestamp last. */
  readonly events: readonly IdentityTimelineEvent[]
  /** Whether there are more than are listed. */
  readonly truncated: boolean
}
