import { epochMs, type Instant } from '../time/instant.js'
import { beyondBelief, knownOf, type Known } from './known-of-question.js'
import { questionsKept, questionsOf } from './merge-refresh-states.js'
import { checkedExperiment, type RefreshExperiment } from './refresh-experiment.js'
import { checkedPolicy, type RefreshPolicy } from './refresh-policy.js'
import { aRefreshState, type QuestionState, type RefreshState } from './refresh-state.js'

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
 * | `final` | the success reaches `endedAt` and was made at `endedAt + settleMs` or later, and no other question was asked since |
 * | `in-flight` | no outcome answers the latest request, less than `presumedLostAfterMs` from `now` |
 * | `throttled` | the latest request is less than `throttleMs` from `now` |
 * | `throttled` | nothing is known of this question, and three others were requested less than `throttleMs` from `now` |
 * | `due` | nothing is known of this question: its fingerprint or `startedAt` has changed, or 0.1 stored what is known |
 * | `due` | nothing is known of this question: `endedAt` has moved to before the end of what was computed |
 * | `due` | the success ends before `endedAt`, which may have moved to after it |
 * | `due` | otherwise |
 *
 * The success, the request and the outcomes are those of this question alone: of its fingerprint, its start, and an end
 * that no run has passed. So another question neither blocks nor delays it, and is never taken for its answer. Only a
 * request that does not say what it is about, as those of 0.1, may be about this question: while it is the last one, it
 * is in flight for this question too.
 *
 * An outcome answers a request when its `at` is the request's or later, and its `asOf` is not before the request, or
 * not before `endedAt`; and, where the reports say what they are about, when its `at` is the request's. A request can be ahead of `now`, where the clock of another host is ahead: distances count
 * either way, and a request further ahead than `presumedLostAfterMs` and `throttleMs` delays nobody. Once this question
 * was asked anew, such a request or failure from before is passed over. After a failure, transient or not, the next
 * request waits `throttleMs` like any other.
 *
 * @param state - what is known of the experiment's refreshes
 * @param experiment - when it started and ended, in epoch milliseconds, and its fingerprint
 * @param now - the time: a `Date`, epoch milliseconds or ISO 8601 with a zone
 * @param policy - what differs from the defaults, in milliseconds: `throttleMs` 300,000, `presumedLostAfterMs`
 *   600,000, `settleMs` 3,600,000
 * @returns a frozen decision; the same for the same arguments
 * @throws {@link ExposureError} `invalid-instant`, `invalid-policy` (for the fingerprint too), `malformed-state` for
 *   something else than a state
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
  const checked = checkedExperiment(experiment)
  const { startedAt, endsAt } = checked
  const nowMs = epochMs(now, 'now')
  const patience = checkedPolicy(policy)
  const known = knownOf(aRefreshState(state), checked, beyondBelief(nowMs, patience))
  if (Math.min(nowMs, endsAt) <= startedAt) return Object.freeze({ type: 'not-started' })
  const { throttleMs } = patience
  const isRecent = (requestedAt: number | null): requestedAt is number =>
    requestedAt !== null && Math.abs(nowMs - requestedAt) < throttleMs
  // For a request ahead of now, the wait would be longer than any that this host asked for.
  const throttledBy = (requestedAt: number): RefreshDecision =>
    Object.freeze({ type: 'throttled', retryAfterMs: Math.min(throttleMs, requestedAt + throttleMs - nowMs) })
  if (isFinal(known, endsAt, patience)) return Object.freeze({ type: 'final' })
  if (isInFlight(known.running, endsAt, nowMs, patience)) return Object.freeze({ type: 'in-flight' })
  const { requestedAt, failure } = known
  if (isRecent(requestedAt)) {
    const isRetry = attempt > 0 && failure?.error.transient === true && failure.at >= requestedAt
    if (!isRetry) return throttledBy(requestedAt)
  }
  if (!known.isKnown) {
    // With more questions about than a state keeps, each would push another one out, and all would always be due.
    const recent = questionsOf(state)
      .map((each) => each.requestedAt)
      .filter(isRecent)
    if (recent.length >= questionsKept) return throttledBy(Math.min(...recent))
  }
  return Object.freeze({ type: 'due' })
}

/**
 * Does the last good summary cover all of the experiment, and was it made after the late exposures had arrived? Where
 * another question was asked since, it is asked again, so that what the state itself shows is about what was asked last.
 */
export function isFinal<Summary>(
  { success, isShown }: Pick<Known<Summary>, 'success' | 'isShown'>,
  endsAt: number,
  { settleMs }: RefreshPolicy,
): boolean {
  return isShown && success !== null && success.asOf >= endsAt && success.at >= endsAt + settleMs
}

/**
 * Is a run under way that will still answer the latest request?
 *
 * An outcome answers it when it was reported at the request or later and its window reaches as far as a run of that
 * request computes: an older, slower run that ends now does not. Hosts' clocks differ, so a request may be ahead of
 * `now`; one that is further ahead than a run may take does not count.
 */
export function isInFlight<Summary>(
  { question, requestedAt, success, failure }: QuestionState<Summary>,
  endsAt: number,
  now: number,
  { presumedLostAfterMs }: RefreshPolicy,
): boolean {
  if (requestedAt === null || Math.abs(now - requestedAt) >= presumedLostAfterMs) return false
  const reachesTo = Math.min(requestedAt, endsAt)
  return ![success, failure].some(
    (run) =>
      run !== null &&
      // Reports of this library are placed at their request. They answer it also where the end has moved since.
      ((question !== undefined && run.at === requestedAt) ||
        (run.at >= requestedAt && run.asOf >= reachesTo)),
  )
}
