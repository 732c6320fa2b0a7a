import { aWholeNumber, anObject } from '../checks.js'
import { ExposureError, malformedState } from '../errors.js'
import { canonicalCopy } from './canonical-copy.js'
import { checkedState } from './checked-state.js'
import type { RefreshState } from './refresh-state.js'

/**
 * How is a state stored? As a short text, JSON with its keys in one order: equal states give equal text, whatever
 * the order in which their events arrived.
 *
 * The text has a version: 1, which 0.1 reads too, where no report says what it is about; otherwise 2. It is meant for a column of text, or a file. It is for the library's own summaries, because
 * {@link decodeRefreshState} checks every count; a host stores a state of other summaries in its own way. A count of 0
 * is left out. A variant key with NUL is written as an escape, which PostgreSQL's `text` accepts and its `jsonb` does
 * not.
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
  const checked = checkedState(state)
  // What 0.1 could say is said as 0.1 did, for hosts that are not upgraded yet.
  const version = checked.question === undefined && checked.earlier === undefined ? 1 : 2
  return JSON.stringify(canonicalCopy({ version, ...checked }, 'state', malformedState))
}

/**
 * Which state was stored? Reads what {@link encodeRefreshState} wrote, and checks every part of it.
 *
 * It reads version 1, of 0.1, and version 2. Fields that a version does not know are left out. A newer version is
 * refused, so that an older host never reads half of it and writes that half back: 0.1 reads version 1 alone.
 *
 * @param text - what `encodeRefreshState` returned
 * @returns a state, frozen through and through; `decodeRefreshState(encodeRefreshState(state))` equals `state`
 * @throws {@link ExposureError} `malformed-state`, saying where (`success.summary.timeseries.points[3].bucket`): text
 *   that is not JSON, a missing field, an instant or count that is not usable, points out of order, an unknown
 *   granularity or time zone; `unsupported-version` for the text of a newer version of this library
 *
 * @example
 * ```ts
 * import { decodeRefreshState } from 'first-exposure'
 *
 * decodeRefreshState('{"failure":null,"requestedAt":1780272000000,"success":null,"version":1}')
 * // => { requestedAt: 1780272000000, success: null, failure: null }
 * ```
 */
export function decodeRefreshState(text: string): RefreshState {
  const stored = anObject(parsed(text), 'state', malformedState)
  const version = aWholeNumber(1)(stored['version'], 'version', malformedState)
  if (version > 2) {
    throw new ExposureError(
      'unsupported-version',
      `The refresh state was stored in version ${version}; this release reads versions 1 and 2. ` +
        'Upgrade first-exposure on this host, and leave the stored state as it is.',
      { path: 'version', received: String(version) },
    )
  }
  if (version === 2) return checkedState(stored)
  const { question: _, earlier: __, ...known } = stored
  return checkedState(known)
}

function parsed(text: unknown): unknown {
  if (typeof text === 'string') {
    try {
      return JSON.parse(text)
    } catch {
      // The parser's message quotes the text, which may be anything: the error tells no more than its length.
      throw new ExposureError(
        'malformed-state',
        `The refresh state is malformed at state: a text of ${text.length} characters is not JSON. ` +
          'Was it cut, or stored by something else?',
        { path: 'state', received: `a text of ${text.length} characters` },
      )
    }
  }
  throw malformedState('state', text, 'Pass the text that encodeRefreshState returned.')
}
