import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { epochMs, type Instant } from '../time/instant.js'
import { isFinal, isInFlight } from './refresh-decision.js'
import { checkedExperiment, type RefreshExperiment } from './refresh-experiment.js'
import { checkedPolicy, type RefreshPolicy } from './refresh-policy.js'
import {
  aRefreshState,
  type RefreshFailure,
  type RefreshState,
  type RefreshSuccess,
} from './refresh-state.js'

/** What a panel shows, with all it needs to show it. See {@link refreshStatus}. */
export type RefreshStatus<Summary = ExposuresSummary> =
  | { readonly type: 'final'; readonly success: RefreshSuccess<Summary> }
  | {
      readonly type: 'refreshing'
      /** The request that is being answered, in epoch milliseconds. */
      readonly requestedAt: number
      /** What to show meanwhile; `null` before the first success. */
      readonly success: RefreshSuccess<Summary> | null
      /** What went wrong since the success; `null` where nothing did. */
      readonly failure: RefreshFailure | null
    }
  | {
      readonly type: 'stale'
      readonly success: RefreshSuccess<Summary>
      readonly failure: RefreshFailure
    }
  | { readonly type: 'failed'; readonly failure: RefreshFailure }
  | { readonly type: 'loaded'; readonly success: RefreshSuccess<Summary> }
  | { readonly type: 'empty' }

/**
 * What does a panel show? The first row that holds decides:
 *
 * | status | when |
 * |---|---|
 * | `final` | the success reaches `endedAt` and was made at `endedAt + settleMs` or later |
 * | `refreshing` | no outcome answers the latest request, less than `presumedLostAfterMs` from `now` |
 * | `stale` | there is a success, and a newer run failed |
 * | `failed` | there is no success, and a run failed |
 * | `loaded` | there is a success |
 * | `empty` | otherwise |
 *
 * `refreshDecision` says when a request is answered, and how one ahead of `now` counts: a lost run is never shown as
 * refreshing for ever. Every status but `failed` and `empty` carries the last good summary, where there is one.
 *
 * @param state - what is known of the experiment's refreshes
 * @param experiment - when it started and ended, in epoch milliseconds
 * @param now - the time: a `Date`, epoch milliseconds or ISO 8601 with a zone
 * @param policy - what differs from the defaults, in milliseconds: `presumedLostAfterMs` 600,000, `settleMs`
 *   3,600,000 (`throttleMs` plays no part)
 * @returns a frozen status; the same for the same arguments
 * @throws {@link ExposureError} `invalid-instant`, `invalid-policy`, `malformed-state` for something else than a state
 *
 * @example
 * ```ts
 * import { initialRefreshState, reduceRefresh, refreshStatus } from 'first-exposure'
 *
 * const experiment = { startedAt: Date.UTC(2026, 5, 1), endedAt: null }
 * const now = Date.UTC(2026, 5, 2)
 * const requested = reduceRefresh(initialRefreshState, { type: 'requested', at: now })
 * refreshStatus(requested, experiment, now + 1000).type // => 'refreshing'
 * refreshStatus(requested, experiment, now + 600_000) // => { type: 'empty' }
 * ```
 */
export function refreshStatus<Summary>(
  state: RefreshState<Summary>,
  experiment: RefreshExperiment,
  now: Instant,
  policy: Partial<RefreshPolicy> = {},
): RefreshStatus<Summary> {
  const { endsAt } = checkedExperiment(experiment)
  const nowMs = epochMs(now, 'now')
  const patience = checkedPolicy(policy)
  const { success, failure } = aRefreshState(state)
  if (isFinal(state, endsAt, patience)) return Object.freeze({ type: 'final', success: state.success })
  if (isInFlight(state, endsAt, nowMs, patience)) {
    return Object.freeze({
      type: 'refreshing',
      requestedAt: state.requestedAt,
      success,
      failure,
    })
  }
  if (success === null)
    return Object.freeze(failure === null ? { type: 'empty' } : { type: 'failed', failure })
  return Object.freeze(failure === null ? { type: 'loaded', success } : { type: 'stale', success, failure })
}
