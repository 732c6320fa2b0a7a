import { canonicalCopy } from './canonical-copy.js'
import { checkedState } from './checked-state.js'
import { malformedState } from './malformed-state.js'
import type { RefreshState } from './refresh-state.js'

/**
 * How is a state stored? As a short text, JSON with its keys in one order: equal states give equal text, whatever
 * the order in which their events arrived.
 *
 * The text is versioned and meant for a column of text, or a file. It is the encoding of the library's own summary,
 * because {@link decodeRefreshState} checks every count of it; a state of other summaries is the host's to store.
 * A variant key that holds NUL is written as an escape, which PostgreSQL's `text` takes and its `jsonb` does not.
 *
 * @param state - a state of {@link ExposuresSummary}
 * @returns one line of JSON; `decodeRefreshState` gives an equal state back
 * @throws {@link ExposureError} `malformed-state`, saying where, for a state that could not be decoded again
 *
 * @example
 * ```ts
 * import { encodeRefreshState, initialRefreshState, reduceRefresh } from 'first-exposure'
 *
 * encodeRefreshState(reduceRefresh(initialRefreshState, { type: 'requested', at: 1780272000000 }))
 * // => '{"failure":null,"requestedAt":1780272000000,"success":null,"version":1}'
 * ```
 */
export function encodeRefreshState(state: RefreshState): string {
  return JSON.stringify(canonicalCopy({ version: 1, ...checkedState(state) }, 'state', malformedState))
}
