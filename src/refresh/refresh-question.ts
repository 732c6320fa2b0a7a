import { isBeyondBelief, knownOf } from './known-of-question.js'
import { checkedExperiment, type RefreshExperiment } from './refresh-experiment.js'
import { aRefreshState, type RefreshState } from './refresh-state.js'

/** What a report is about, and how many questions its reporter knew to have been asked before. */
export interface RefreshQuestion {
  /**
   * 1 for the first question, and one more than that of the question asked before. So "later" is what was asked in
   * knowledge of the other; clocks play no part. Of two that did not know of each other, the greater fingerprint is the
   * later one.
   */
  readonly revision: number
  /** By `exposureFingerprint(spec, startedAt)`; `null` where the host does not say. */
  readonly fingerprint: string | null
  /** The start of the window, in epoch milliseconds. */
  readonly startedAt: number
}

/**
 * Under which question does the next run report? For a host that makes its own reports with `reduceRefresh`;
 * `refreshExposures` and `refreshStoredExposures` do this by themselves.
 *
 * It is the question that was asked last, where that is the experiment's. Otherwise it is a new one, with the next
 * revision: where the fingerprint or the start is another, where a success or a failure reaches beyond `endedAt`, or
 * where another question was asked in between.
 *
 * It looks at no clock. The library's own refreshes also ask anew if a request or a failure is further ahead of `now` than
 * `presumedLostAfterMs` and `throttleMs`, because the claim would not show beside it.
 *
 * @param state - what is known of the experiment's refreshes
 * @param experiment - when it started and ended, in epoch milliseconds, and its fingerprint
 * @returns a frozen question, for the `question` of the request and of its outcome
 * @throws {@link ExposureError} `invalid-instant`, `invalid-policy` for the fingerprint, `malformed-state` for something
 *   else than a state
 *
 * @example
 * ```ts
 * import { initialRefreshState, reduceRefresh, refreshQuestion } from 'first-exposure'
 *
 * const experiment = { startedAt: 1780272000000, endedAt: null, fingerprint: 'by-exposureFingerprint' }
 * const question = refreshQuestion(initialRefreshState, experiment)
 * question // => { revision: 1, fingerprint: 'by-exposureFingerprint', startedAt: 1780272000000 }
 * const asked = reduceRefresh(initialRefreshState, { type: 'requested', at: 1780272004000, question })
 * refreshQuestion(asked, experiment) // => question
 * refreshQuestion(asked, { ...experiment, fingerprint: 'another' }).revision // => 2
 * ```
 */
export function refreshQuestion<Summary>(
  state: RefreshState<Summary>,
  experiment: RefreshExperiment,
): RefreshQuestion {
  return questionOfRun(state, experiment, Infinity)
}

/**
 * The same, and a new question also where the last one has a request or a failure that is not believed: within that
 * question, no other host would see the claim of the run, and its success would not clear the failure.
 *
 * @param beyondMs - by `beyondBelief`
 */
export function questionOfRun<Summary>(
  state: RefreshState<Summary>,
  experiment: RefreshExperiment,
  beyondMs: number,
): RefreshQuestion {
  const { question } = aRefreshState(state)
  const checked = checkedExperiment(experiment)
  if (question !== undefined && knownOf(state, checked).isLatest && !isBeyondBelief(state, beyondMs)) {
    return question
  }
  return Object.freeze({
    revision: (question?.revision ?? 0) + 1,
    fingerprint: checked.fingerprint ?? null,
    startedAt: checked.startedAt,
  })
}
