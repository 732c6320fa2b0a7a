import { epochMs, type Instant } from '../time/instant.js'
import { checkedExperiment, type RefreshExperiment } from './refresh-experiment.js'
import { checkedPolicy, type RefreshPolicy } from './refresh-policy.js'
import { aRefreshState, type RefreshState, type RefreshSuccess } from './refresh-state.js'

/** Whether to refresh now, and if not, why. See {@link refreshDecision}. */
export type RefreshDecision =
  | { readonly type: 'not-started' }
  | { readonly type: 'final' }
  | { readonly type: 'in-flight' }
  | {
      readonly type: 'throttled'
      /** How long to wait before asking again: 1 to `throttleMs`. */
      readonly retryAfterMs: number
    }
  | { readonly type: 'due' }

/**
 * Should a refresh run now? The first row that holds decides:
 *
 * | decision | when |
 * |---|---|
 * | `not-started` | the window from `startedAt` to the earlier of `now` and `endedAt` is empty |
 * | `final` | the success reaches `endedAt` and was made at `endedAt + settleMs` or later |
 * | `in-flight` | no outcome answers the latest request, less than `presumedLostAfterMs` from `now` |
 * | `throttled` | the latest request is less than `throttleMs` from `now` |
 * | `due` | otherwise |
 *
 * An outcome answers a request when its `at` is the request's or later, and its `asOf` is not before the request, or
 * not before `endedAt`. A request can be ahead of `now`, where the clock of another host is ahead: distances count
 * either way, and a request further ahead than `presumedLostAfterMs` and `throttleMs` delays nobody. After a failure,
 * transient or not, the next request waits `throttleMs` like any other.
 *
 * @param state - what is known of the experiment's refreshes
 * @param experiment - when it started and ended, in epoch milliseconds
 * @param now - the time: a `Date`, epoch milliseconds or ISO 8601 with a zone
 * @param policy - what differs from the defaults, in milliseconds: `throttleMs` 300,000, `presumedLostAfterMs`
 *   600,000, `settleMs` 3,600,000
 * @returns a frozen decision; the same for the same arguments
 * @throws {@link ExposureError} `invalid-instant`, `invalid-policy`, `malformed-state` for something else than a state
 *
 * @example
 * ```ts
 * import { initialRefreshState, reduceRefresh, refreshDecision } from 'first-exposure'
 *
 * const experiment = { startedAt: Date.UTC(2026, 5, 1), endedAt: null }
 * const now = Date.UTC(2026, 5, 2)
 * refreshDecision(initialRefreshState, experiment, now) // => { type: 'due' }
 *
 * const requested = reduceRefresh(initialRefreshState, { type: 'requested', at: now })
 * refreshDecision(requested, experiment, now + 1000) // => { type: 'in-flight' }
 *
 * const refreshed = reduceRefresh(requested, { type: 'succeeded', asOf: now, at: now + 2000, summary: {} })
 * refreshDecision(refreshed, experiment, now + 60_000) // => { type: 'throttled', retryAfterMs: 240_000 }
 * ```
 */
export function refreshDecision<Summary>(
  state: RefreshState<Summary>,
  experiment: RefreshExperiment,
  now: Instant,
  policy: Partial<RefreshPolicy> = {},
): RefreshDecision {
  return decisionOfTry(0, state, experiment, now, policy)
}

/**
 * The same for a host that tries again: from the second try on (`attempt` 1 or more), it has waited for the
 * `retryAfterMs` of a transient failure instead of `throttleMs`.
 */
export function decisionOfTry<Summary>(
  attempt: number,
  state: RefreshState<Summary>,
  experiment: RefreshExperiment,
  now: Instant,
  policy: Partial<RefreshPolicy>,
): RefreshDecision {
  const { startedAt, endsAt } = checkedExperiment(experiment)
  const nowMs = epochMs(now, 'now')
  const patience = checkedPolicy(policy)
  aRefreshState(state)
  if (Math.min(nowMs, endsAt) <= startedAt) return Object.freeze({ type: 'not-started' })
  if (isFinal(state, endsAt, patience)) return Object.freeze({ type: 'final' })
  if (isInFlight(state, endsAt, nowMs, patience)) return Object.freeze({ type: 'in-flight' })
  const { requestedAt, failure } = state
  const { throttleMs } = patience
  if (requestedAt !== null && Math.abs(nowMs - requestedAt) < throttleMs) {
    const isRetry = attempt > 0 && failure?.error.transient === true && failure.at >= requestedAt
    if (isRetry) return Object.freeze({ type: 'due' })
    // For a request ahead of now, the wait would be longer than any that this host asked for.
    const retryAfterMs = Math.min(throttleMs, requestedAt + throttleMs - nowMs)
    return Object.freeze({ type: 'throttled', retryAfterMs })
  }
  return Object.freeze({ type: 'due' })
}

/** Does the last good summary cover all of the experiment, and was it made after the late exposures had arrived? */
export function isFinal<Summary>(
  state: RefreshState<Summary>,
  endsAt: number,
  { settleMs }: RefreshPolicy,
): state is RefreshState<Summary> & {
  readonly success: RefreshSuccess<Summary>
} {
  const { success } = state
  return success !== null && success.asOf >= endsAt && success.at >= endsAt + settleMs
}

/**
 * Is a run under way that will still answer the latest request?
 *
 * An outcome answers it when it was reported at the request or later and its window reaches as far as a run of that
 * request computes: an older, slower run that ends now does not. Hosts' clocks differ, so a request may be ahead of
 * `now`; one that is further ahead than a run may take does not count.
 */
export function isInFlight<Summary>(
  state: RefreshState<Summary>,
  endsAt: number,
  now: number,
  { presumedLostAfterMs }: RefreshPolicy,
): state is RefreshState<Summary> & { readonly requestedAt: number } {
  const { requestedAt, success, failure } = state
  if (requestedAt === null || Math.abs(now - requestedAt) >= presumedLostAfterMs) return false
  const reachesTo = Math.min(requestedAt, endsAt)
  return ![success, failure].some((run) => run !== null && run.at >= requestedAt && run.asOf >= reachesTo)
}
