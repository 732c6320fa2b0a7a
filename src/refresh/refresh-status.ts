import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { epochMs, type Instant } from '../time/instant.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { beyondBelief, knownOf, type FormerAnswer } from './known-of-question.js'
import { isFinal, isInFlight } from './refresh-decision.js'
import { checkedExperiment, type RefreshExperiment } from './refresh-experiment.js'
import { checkedPolicy, type RefreshPolicy } from './refresh-policy.js'
import {
  aRefreshState,
  type RefreshFailure,
  type RefreshState,
  type RefreshSuccess,
} from './refresh-state.js'

/**
 * What a panel shows, with all it needs to show it. See {@link refreshStatus}. `window` is what the success covers, for
 * `exposuresView(success.summary, { window })`; absent without a success, and where its reporter did not say what it
 * asked, as 0.1 did not.
 */
export type RefreshStatus<Summary = ExposuresSummary> =
  | {
      readonly type: 'final'
      readonly success: RefreshSuccess<Summary>
      readonly window?: ExposureWindow
    }
  | {
      readonly type: 'refreshing'
      /** The request that is being answered, in epoch milliseconds. */
      readonly requestedAt: number
      /** What to show meanwhile; `null` before the first success. */
      readonly success: RefreshSuccess<Summary> | null
      readonly window?: ExposureWindow
      /** What went wrong since the success; `null` where nothing did. */
      readonly failure: RefreshFailure | null
      /** The answer to another question, to show as old; absent where there is a success, or no such answer. */
      readonly former?: FormerAnswer<Summary>
    }
  | {
      readonly type: 'stale'
      readonly success: RefreshSuccess<Summary>
      readonly window?: ExposureWindow
      readonly failure: RefreshFailure
    }
  | {
      readonly type: 'failed'
      readonly failure: RefreshFailure
      /** The answer to another question, to show as old; absent where there is no such answer. */
      readonly former?: FormerAnswer<Summary>
    }
  | {
      readonly type: 'loaded'
      readonly success: RefreshSuccess<Summary>
      readonly window?: ExposureWindow
    }
  | {
      readonly type: 'outdated'
      /** The answer to another question, to show as old. */
      readonly former: FormerAnswer<Summary>
    }
  | { readonly type: 'empty' }

/**
 * What does a panel show? The first row that holds decides:
 *
 * | status | when |
 * |---|---|
 * | `final` | the success reaches `endedAt` and was made at `endedAt + settleMs` or later, and no other question was asked since |
 * | `refreshing` | no outcome answers the latest request, less than `presumedLostAfterMs` from `now` |
 * | `stale` | there is a success, and a newer run failed |
 * | `failed` | there is no success, and a run failed |
 * | `loaded` | there is a success |
 * | `outdated` | there is only an answer to another question |
 * | `empty` | otherwise |
 *
 * The success, the request and the failure are those of the question that is asked now: of its fingerprint, its start,
 * and an end that no run has passed. An answer to another question comes apart from them, as `former`, with the window
 * that it covers: show it as old, until there is a success.
 *
 * `refreshDecision` says when a request is answered, and how one ahead of `now` counts: a lost run is never shown as
 * refreshing for ever. Every status but `failed`, `outdated` and `empty` carries the last good summary, where there is
 * one.
 *
 * @param state - what is known of the experiment's refreshes
 * @param experiment - when it started and ended, in epoch milliseconds, and its fingerprint
 * @param now - the time: a `Date`, epoch milliseconds or ISO 8601 with a zone
 * @param policy - what differs from the defaults, in milliseconds: `presumedLostAfterMs` 600,000, `settleMs`
 *   3,600,000 (`throttleMs` plays a part only for reports of a clock that is ahead)
 * @returns a frozen status; the same for the same arguments
 * @throws {@link ExposureError} `invalid-instant`, `invalid-policy` (for the fingerprint too), `malformed-state` for
 *   something else than a state
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
  const checked = checkedExperiment(experiment)
  const { endsAt } = checked
  const nowMs = epochMs(now, 'now')
  const patience = checkedPolicy(policy)
  const known = knownOf(aRefreshState(state), checked, beyondBelief(nowMs, patience))
  const { success, failure, window, former } = known
  const { requestedAt } = known.running
  const covers = window === undefined ? {} : { window }
  const before = former === undefined ? {} : { former }
  return Object.freeze(status())

  function status(): RefreshStatus<Summary> {
    if (success !== null && isFinal(known, endsAt, patience)) return { type: 'final', success, ...covers }
    if (requestedAt !== null && isInFlight(known.running, endsAt, nowMs, patience)) {
      return { type: 'refreshing', requestedAt, success, failure, ...covers, ...before }
    }
    if (success !== null)
      return failure === null
        ? { type: 'loaded', success, ...covers }
        : { type: 'stale', success, failure, ...covers }
    if (failure !== null) return { type: 'failed', failure, ...before }
    return former === undefined ? { type: 'empty' } : { type: 'outdated', former }
  }
}
