import { epochMs } from '../instant.js'
import { checkedExperiment } from './checked-experiment.js'
import { checkedPolicy } from './checked-policy.js'
import { isFinal } from './is-final.js'
import { isInFlight } from './is-in-flight.js'
import type { RefreshExperiment } from './refresh-experiment.js'
import type { RefreshPolicy } from './refresh-policy.js'
import type { RefreshState } from './refresh-state.js'

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
 * not before `endedAt`. A request can lie ahead of `now`, made by a host whose clock is ahead; so distances count
 * either way, and a request further ahead than `presumedLostAfterMs` and `throttleMs` holds nobody up. After a
 * failure, transient or not, the next request waits `throttleMs` like any other.
 *
 * @param state - what is known of the experiment's refreshes
 * @param experiment - when it started and ended, in epoch milliseconds
 * @param now - the time, in epoch milliseconds
 * @param policy - what differs from the defaults, in milliseconds: `throttleMs` 300,000, `presumedLostAfterMs`
 *   600,000, `settleMs` 3,600,000
 * @returns a frozen decision; the same for the same arguments
 * @throws {@link ExposureError} `invalid-instant`, `invalid-policy`
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
  now: number,
  policy: Partial<RefreshPolicy> = {},
): RefreshDecision {
  const { startedAt, endsAt } = checkedExperiment(experiment)
  const nowMs = epochMs(now, 'now')
  const patience = checkedPolicy(policy)
  if (Math.min(nowMs, endsAt) <= startedAt) return Object.freeze({ type: 'not-started' })
  if (isFinal(state, endsAt, patience)) return Object.freeze({ type: 'final' })
  if (isInFlight(state, endsAt, nowMs, patience)) return Object.freeze({ type: 'in-flight' })
  const { throttleMs } = patience
  if (state.requestedAt !== null && Math.abs(nowMs - state.requestedAt) < throttleMs) {
    // Of a request ahead of now, the wait would be longer than any that this host asked for.
    const retryAfterMs = Math.min(throttleMs, state.requestedAt + throttleMs - nowMs)
    return Object.freeze({ type: 'throttled', retryAfterMs })
  }
  return Object.freeze({ type: 'due' })
}
