import { ExposureError } from '../errors.js'
import { checkedObject } from './checked-object.js'
import { checkedState } from './checked-state.js'
import { malformedState } from './malformed-state.js'
import type { RefreshState } from './refresh-state.js'

/**
 * Which state was stored? Reads what {@link encodeRefreshState} wrote, and vouches for every part of it.
 *
 * Fields that version 1 does not know are left out. A newer version is refused whole, so that an older host never
 * half-reads it and writes the half back.
 *
 * @param text - what `encodeRefreshState` returned
 * @returns a state, frozen through and through; `decodeRefreshState(encodeRefreshState(state))` equals `state`
 * @throws {@link ExposureError} `malformed-state`, saying where (`success.summary.timeseries.points[3].bucket`): text
 *   that is no JSON, a missing field, an instant or count that is none, points out of order, an unknown granularity
 *   or time zone; `unsupported-version` for the text of a newer version of this library
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
  const stored = checkedObject(parsed(text), 'state', malformedState)
  const { version } = stored
  if (!Number.isSafeInteger(version) || Number(version) < 1) {
    throw malformedState('version', version, 'Expected a whole number, 1 or more.')
  }
  if (version !== 1) {
    throw new ExposureError(
      'unsupported-version',
      `The refresh state was stored in version ${String(version)}; this release reads version 1. ` +
        'Upgrade first-exposure on this host, and leave the stored state as it is.',
      { version },
    )
  }
  return checkedState(stored)
}

function parsed(text: string): unknown {
  if (typeof text !== 'string') {
    throw malformedState('state', text, 'Pass the text that encodeRefreshState returned.')
  }
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which may be anything: only its length is told.
    throw new ExposureError(
      'malformed-state',
      `The refresh state is malformed at state: a text of ${text.length} characters is no JSON. ` +
        'Was it cut, or stored by something else?',
      { path: 'state', length: text.length },
    )
  }
}
