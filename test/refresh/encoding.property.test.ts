import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeRefreshState,
  encodeRefreshState,
  initialRefreshState,
  isExposureError,
  reduceRefresh,
  type RefreshState,
} from 'first-exposure'
import { refreshEvents } from '../arbitraries/refresh-event.js'
import { runs } from '../arbitraries/runs.js'

const refreshState = (): fc.Arbitrary<RefreshState> =>
  refreshEvents().map((events) =>
    events.reduce<RefreshState>((state, event) => reduceRefresh(state, event), initialRefreshState),
  )

/** Whether a text is refused by its code, or decoded to what is stored and read as itself. */
const outcomeOf = (text: string): unknown => {
  try {
    const again = encodeRefreshState(decodeRefreshState(text))
    return encodeRefreshState(decodeRefreshState(again)) === again ? 'sound' : again
  } catch (error) {
    return isExposureError(error, 'malformed-state') || isExposureError(error, 'unsupported-version')
      ? 'sound'
      : error
  }
}

describe('the stored form', () => {
  test('decoding gives the encoded state back, and encodes to the same bytes', () => {
    fc.assert(
      fc.property(refreshState(), (state) => {
        const text = encodeRefreshState(state)
        const decoded = decodeRefreshState(text)
        expect(decoded).toEqual(state)
        expect(encodeRefreshState(decoded)).toBe(text)
      }),
      { numRuns: runs(300) },
    )
  })

  test('a cut or damaged text is refused by its code, or says something that is stored as itself', () => {
    fc.assert(
      fc.property(
        refreshState(),
        fc.nat(),
        fc.nat(),
        fc.constantFrom('', '0', '-', '"', '}', 'null', '9'),
        (state, from, length, put) => {
          const text = encodeRefreshState(state)
          const start = from % text.length
          const damaged = text.slice(0, start) + put + text.slice(start + (length % 4))
          expect(outcomeOf(damaged)).toBe('sound')
        },
      ),
      { numRuns: runs(300) },
    )
  })
})
