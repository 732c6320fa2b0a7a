import type { ExposuresSummary } from '../summary/exposures-summary.js'
import { checkedError } from './checked-error.js'
import { checkedInstant } from './checked-instant.js'
import { checkedObject } from './checked-object.js'
import { checkedSummary, type StoredSummaryFormat } from './checked-summary.js'
import { initialRefreshState } from './initial-refresh-state.js'
import { malformedState } from './malformed-state.js'
import { mergeRefreshStates } from './merge-refresh-states.js'
import type { RefreshFailure, RefreshState, RefreshSuccess } from './refresh-state.js'

const format: StoredSummaryFormat = {
  excludedIdentities: 'excludedIdentities',
  newIdentities: 'newIdentities',
  timeZone: 'timeZone',
  leastCount: 1,
  bucketExample: '2026-06-01T00:00:00.000Z',
  toIsoInstant: (bucket) => bucket,
}

/** A state with nothing in it but what belongs there, frozen; throws `malformed-state`, saying where it is none. */
export function checkedState(value: unknown): RefreshState {
  const { requestedAt, success, failure } = checkedObject(value, 'state', malformedState)
  const state: RefreshState = Object.freeze({
    requestedAt: requestedAt === null ? null : checkedInstant(requestedAt, 'requestedAt', malformedState),
    success: success === null ? null : checkedSuccess(success),
    failure: failure === null ? null : checkedFailure(failure),
  })
  // Clears a failure that a state made by hand may hold although its success is greater.
  return mergeRefreshStates<ExposuresSummary>(initialRefreshState, state)
}

function checkedSuccess(value: unknown): RefreshSuccess {
  const { asOf, at, summary } = checkedObject(value, 'success', malformedState)
  return Object.freeze({
    asOf: checkedInstant(asOf, 'success.asOf', malformedState),
    at: checkedInstant(at, 'success.at', malformedState),
    summary: checkedSummary(summary, 'success.summary', format, malformedState),
  })
}

function checkedFailure(value: unknown): RefreshFailure {
  const { asOf, at, error } = checkedObject(value, 'failure', malformedState)
  return Object.freeze({
    asOf: checkedInstant(asOf, 'failure.asOf', malformedState),
    at: checkedInstant(at, 'failure.at', malformedState),
    error: checkedError(error, 'failure.error', malformedState),
  })
}
