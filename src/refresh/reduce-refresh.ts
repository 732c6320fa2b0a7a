import { anObject, type Check } from '../checks.js'
import { invalidEvent } from '../errors.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { anEpochMs, inMilliseconds } from '../time/instant.js'
import { canonicalCopy } from './canonical-copy.js'
import { aQuestion } from './checked-question.js'
import { checkedError } from './checked-state.js'
import { mergeRefreshStates } from './merge-refresh-states.js'
import type { RefreshQuestion } from './refresh-question.js'
import type { RefreshError, RefreshState } from './refresh-state.js'

/**
 * What happened to a refresh. `at` is when, `asOf` the end of the window that the run computed, both in epoch
 * milliseconds. `question` is what was asked, by `refreshQuestion`; left out, it is one that nobody knows, as in 0.1.
 *
 * A run claims its turn by `requested`, and computes up to its request's `at`, or to the experiment's end where that is
 * earlier. So its outcome cannot be confused with that of an older, slower run, and answers the right request. It reports
 * its outcome under the question of its request.
 */
export type RefreshEvent<Summary = ExposuresSummary> =
  | { readonly type: 'requested'; readonly at: number; readonly question?: RefreshQuestion }
  | {
      readonly type: 'succeeded'
      readonly asOf: number
      readonly at: number
      readonly summary: Summary
      readonly question?: RefreshQuestion
    }
  | {
      readonly type: 'failed'
      readonly asOf: number
      readonly at: number
      readonly error: RefreshError
      readonly question?: RefreshQuestion
    }

/**
 * What is known after one more report? Joins an event to the state; the order of events does not matter, nor how
 * often each arrives.
 *
 * A success clears failures up to its own `(asOf, at)`. A failure never touches the last good summary or its `asOf`.
 * An older success never replaces a newer one. All this holds within one question; a later question begins anew. See {@link mergeRefreshStates} for the order and the laws.
 *
 * @param state - `initialRefreshState`, or what this function returned before
 * @param event - what happened; its instants are whole epoch milliseconds, its summary any data that survives JSON
 * @returns a frozen state that holds copies of the event's data; `state` itself where the event changes nothing
 * @throws {@link ExposureError} `invalid-event`, naming the field: an unknown type, an instant that is not epoch
 *   milliseconds or looks like seconds or microseconds, an error without its short code or message, a summary that JSON would lose or change
 *
 * @example
 * ```ts
 * import { initialRefreshState, reduceRefresh } from 'first-exposure'
 *
 * const newer = reduceRefresh(initialRefreshState, {
 *   type: 'succeeded',
 *   asOf: 1780272000000,
 *   at: 1780272004000,
 *   summary: { total: 7 },
 * })
 * newer.success?.summary // => { total: 7 }
 * const older = { type: 'succeeded', asOf: 1780271000000, at: 1780272009000, summary: { total: 5 } } as const
 * reduceRefresh(newer, older) === newer // => true
 * ```
 */
export function reduceRefresh<Summary>(
  state: RefreshState<Summary>,
  event: RefreshEvent<Summary>,
): RefreshState<Summary> {
  return mergeRefreshStates(state, stateAfter(event))
}

const anInstant: Check<number> = (value, path, refuse) =>
  inMilliseconds(anEpochMs(value, path, refuse), path, refuse)

/** The least state in which the event has happened. */
function stateAfter<Summary>(event: RefreshEvent<Summary>): RefreshState<Summary> {
  anObject(event, 'event', invalidEvent)
  const at = anInstant(event.at, 'event.at', invalidEvent)
  const about =
    event.question === undefined
      ? {}
      : { question: aQuestion(event.question, 'event.question', invalidEvent) }
  switch (event.type) {
    case 'requested':
      return Object.freeze({ ...about, requestedAt: at, success: null, failure: null })
    case 'succeeded': {
      const asOf = anInstant(event.asOf, 'event.asOf', invalidEvent)
      const summary = canonicalCopy(event.summary, 'event.summary', invalidEvent)
      return Object.freeze({
        ...about,
        requestedAt: null,
        success: Object.freeze({ asOf, at, summary }),
        failure: null,
      })
    }
    case 'failed': {
      const asOf = anInstant(event.asOf, 'event.asOf', invalidEvent)
      const error = checkedError(event.error, 'event.error', invalidEvent)
      return Object.freeze({
        ...about,
        requestedAt: null,
        success: null,
        failure: Object.freeze({ asOf, at, error }),
      })
    }
    default:
      throw invalidEvent(
        'event.type',
        (event as { readonly type: unknown }).type,
        "Pass 'requested', 'succeeded' or 'failed'.",
      )
  }
}
