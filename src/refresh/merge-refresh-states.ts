import { malformedState } from '../errors.js'
import { canonicalCopy } from './canonical-copy.js'
import { aRefreshState, type RefreshState } from './refresh-state.js'

/**
 * What do two hosts know together? The join of two states: the same as if every event of both had been reported to
 * one, in any order, any number of times.
 *
 * It keeps the latest request, the greatest success and the greatest failure, each by `(asOf, at)`. Between two different
 * reports of the same `(asOf, at)`, the greater canonical text (JSON with sorted keys) wins, so that all hosts agree. A
 * failure that is not greater than the success by `(asOf, at)` is cleared.
 *
 * Commutative, associative and idempotent; `asOf` never moves backwards and a summary is never lost.
 *
 * @param a - a state made by {@link reduceRefresh}, `decodeRefreshState` or this function
 * @param b - another, of the same experiment
 * @returns a frozen state; `a` itself where `b` adds nothing
 * @throws {@link ExposureError} `malformed-state` where two reports of the same instant hold data that is not JSON, or
 *   for something else than a state
 *
 * @example
 * ```ts
 * import { initialRefreshState, mergeRefreshStates, reduceRefresh } from 'first-exposure'
 *
 * const here = reduceRefresh(initialRefreshState, { type: 'requested', at: 1780272000000 })
 * const there = reduceRefresh(initialRefreshState, {
 *   type: 'succeeded',
 *   asOf: 1780272000000,
 *   at: 1780272004000,
 *   summary: 'any JSON',
 * })
 * mergeRefreshStates(here, there)
 * // => {
 * //   requestedAt: 1780272000000,
 * //   success: { asOf: 1780272000000, at: 1780272004000, summary: 'any JSON' },
 * //   failure: null,
 * // }
 * ```
 */
export function mergeRefreshStates<Summary>(
  a: RefreshState<Summary>,
  b: RefreshState<Summary>,
): RefreshState<Summary> {
  aRefreshState(a)
  aRefreshState(b)
  const requestedAt = later(a.requestedAt, b.requestedAt)
  const success = greater(a.success, b.success, 'success')
  const greatestFailure = greater(a.failure, b.failure, 'failure')
  // A cleared failure can be forgotten: the same success clears all failures that are less.
  const failure =
    greatestFailure !== null && success !== null && compareRuns(greatestFailure, success) <= 0
      ? null
      : greatestFailure
  for (const state of [a, b]) {
    if (state.requestedAt === requestedAt && state.success === success && state.failure === failure) {
      return state
    }
  }
  return Object.freeze({ requestedAt, success, failure })
}

interface Run {
  readonly asOf: number
  readonly at: number
}

/** Which run knows more: negative where `b` does. By the window's end, then by the instant that it reported. */
function compareRuns(a: Run, b: Run): number {
  return a.asOf - b.asOf || a.at - b.at
}

function later(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.max(a, b)
}

/** The greater of two reports; `a` itself where they are equal. */
function greater<Report extends Run>(a: Report | null, b: Report | null, path: string): Report | null {
  if (a === null || b === null) return a ?? b
  const order = a === b ? 0 : compareRuns(a, b)
  if (order !== 0) return order > 0 ? a : b
  return canonicalText(a, path) >= canonicalText(b, path) ? a : b
}

function canonicalText(run: object, path: string): string {
  return JSON.stringify(canonicalCopy(run, path, malformedState))
}
