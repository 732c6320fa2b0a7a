import * as fc from 'fast-check'
import type { ExposuresSummary, RefreshError, RefreshEvent } from 'first-exposure'
import { exposuresSummary } from './exposures-summary.js'

const startMs = Date.UTC(2026, 5, 1)

/** Few instants, so that different reports of the same one are common. */
const instant = (): fc.Arbitrary<number> => fc.nat({ max: 6 }).map((minutes) => startMs + minutes * 60_000)

export const refreshError = (): fc.Arbitrary<RefreshError> =>
  fc.record({
    code: fc.constantFrom('memory-limit', 'network', 'TIMEOUT_EXCEEDED'),
    transient: fc.boolean(),
    message: fc.constantFrom('Too busy.', 'Not reachable.', '…'),
  })

/** Anything that may be reported, in any relation of `asOf` and `at`. */
export const refreshEvent = (
  summary: fc.Arbitrary<ExposuresSummary> = exposuresSummary(),
): fc.Arbitrary<RefreshEvent> =>
  fc.oneof(
    fc.record({ type: fc.constant('requested' as const), at: instant() }),
    fc.record({ type: fc.constant('succeeded' as const), asOf: instant(), at: instant(), summary }),
    fc.record({
      type: fc.constant('failed' as const),
      asOf: instant(),
      at: instant(),
      error: refreshError(),
    }),
  )

/** A history of reports; long enough for the interesting coincidences, short enough to read when it fails. */
export const refreshEvents = (
  summary: fc.Arbitrary<ExposuresSummary> = exposuresSummary(),
): fc.Arbitrary<readonly RefreshEvent[]> => fc.array(refreshEvent(summary), { maxLength: 10 })
