import * as fc from 'fast-check'
import type { ExposuresSummary, RefreshError, RefreshEvent, RefreshQuestion } from 'first-exposure'
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

/** What a report says it is about: few, so that many reports are about the same one, or about two of one revision. */
const refreshQuestion = (): fc.Arbitrary<RefreshQuestion> =>
  fc.record({
    revision: fc.integer({ min: 1, max: 5 }),
    fingerprint: fc.constantFrom(null, 'a', 'b'),
    startedAt: fc.constantFrom(startMs - 60_000, startMs),
  })

/** Reports that do not say what they are about, as those of 0.1. */
const unsaid: fc.Arbitrary<undefined> = fc.constant(undefined)

/** Anything that may be reported, in any relation of `asOf` and `at`, about any question. */
export const refreshEvent = (
  summary: fc.Arbitrary<ExposuresSummary> = exposuresSummary(),
  question: fc.Arbitrary<RefreshQuestion | undefined> = fc.oneof(
    unsaid,
    refreshQuestion(),
    refreshQuestion(),
  ),
): fc.Arbitrary<RefreshEvent> =>
  fc
    .tuple(
      fc.oneof(
        fc.record({ type: fc.constant('requested' as const), at: instant() }),
        fc.record({ type: fc.constant('succeeded' as const), asOf: instant(), at: instant(), summary }),
        fc.record({
          type: fc.constant('failed' as const),
          asOf: instant(),
          at: instant(),
          error: refreshError(),
        }),
      ),
      question,
    )
    .map(([event, question]) => (question === undefined ? event : { ...event, question }))

/** A history of reports; long enough for the interesting coincidences, short enough to read when it fails. */
export const refreshEvents = (
  summary: fc.Arbitrary<ExposuresSummary> = exposuresSummary(),
  question?: fc.Arbitrary<RefreshQuestion | undefined>,
): fc.Arbitrary<readonly RefreshEvent[]> => fc.array(refreshEvent(summary, question), { maxLength: 14 })
