import { canonicalCopy } from './canonical-copy.js'
import { checkedError } from './checked-error.js'
import { checkedInstant } from './checked-instant.js'
import { checkedObject } from './checked-object.js'
import { invalidEvent } from './invalid-event.js'
import { mergeRefreshStates } from './merge-refresh-states.js'
import type { RefreshEvent } from './refresh-event.js'
import type { RefreshState } from './refresh-state.js'

/**
 * What is known after one more report? Joins an event to the state; the order of events does not matter, nor how
 * often each arrives.
 *
 * A success clears failures up to its own `(asOf, at)`. A failure never touches the last good summary or its `asOf`.
 * An older success never replaces a newer one. See {@link mergeRefreshStates} for the order and the laws.
 *
 * @param state - `initialRefreshState`, or what this function returned before
 * @param event - what happened; its instants are whole epoch milliseconds, its summary any data that survives JSON
 * @returns a frozen state that holds copies of the event's data; `state` itself where the event changes nothing
 * @throws {@link ExposureError} `invalid-event`, naming the field: an unknown type, an instant that is none, an error
 *   without its short code or message, a summary that JSON would lose or change. The state is as it was.
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

/** The least state in which the event has happened. */
function stateAfter<Summary>(event: RefreshEvent<Summary>): RefreshState<Summary> {
  checkedObject(event, 'event', invalidEvent)
  const at = checkedInstant(event.at, 'event.at', invalidEvent)
  switch (event.type) {
    case 'requested':
      return Object.freeze({ requestedAt: at, success: null, failure: null })
    case 'succeeded': {
      const asOf = checkedInstant(event.asOf, 'event.asOf', invalidEvent)
      const summary = canonicalCopy(event.summary, 'event.summary', invalidEvent)
      return Object.freeze({
        requestedAt: null,
        success: Object.freeze({ asOf, at, summary }),
        failure: null,
      })
    }
    case 'failed': {
      const asOf = checkedInstant(event.asOf, 'event.asOf', invalidEvent)
      const error = checkedError(event.error, 'event.error', invalidEvent)
      return Object.freeze({ requestedAt: null, success: null, failure: Object.freeze({ asOf, at, error }) })
    }
    default:
      throw invalidEvent(
        'event.type',
        (event as { readonly type: unknown }).type,
        "Pass 'requested', 'succeeded' or 'failed'.",
      )
  }
}
