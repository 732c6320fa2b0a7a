import { aBoolean, aList, anObject, aString } from '../checks.js'
import { malformedState } from '../errors.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { anEpochMs } from '../time/instant.js'
import { aQuestion } from './checked-question.js'
import type { RefreshQuestion } from './refresh-question.js'

/** Why a run failed: what a program switches on, whether to try again, and what a person reads. */
export interface RefreshError {
  /** For programs, such as `memory-limit`: 1 to 64 ASCII letters, digits, dots, hyphens and underscores. */
  readonly code: string
  /** `true` where the same run may succeed a little later; `false` where somebody has to change something first. */
  readonly transient: boolean
  /**
   * For people: 1 to 500 characters of well-formed Unicode. It is stored and shown, so whoever reports the failure keeps
   * SQL, parameters, host names, credentials and stacks out of it.
   */
  readonly message: string
}

/** A run that succeeded. */
export interface RefreshSuccess<Summary = ExposuresSummary> {
  /** The end of the window that the run computed, in epoch milliseconds. */
  readonly asOf: number
  /** The instant that the run reported, in epoch milliseconds; this library's own refreshes report when they began. */
  readonly at: number
  readonly summary: Summary
}

/** A run that failed. */
export interface RefreshFailure {
  /** The end of the window that the run was to compute, in epoch milliseconds. */
  readonly asOf: number
  /** The instant that the run reported, in epoch milliseconds; this library's own refreshes report when they began. */
  readonly at: number
  readonly error: RefreshError
}

/** What was reported about one question. */
export interface QuestionState<Summary = ExposuresSummary> {
  /** What was asked. Absent where the reports do not say it, as those of 0.1 do not. */
  readonly question?: RefreshQuestion
  /** The latest request, answered or not, in epoch milliseconds; `null` where there was none. */
  readonly requestedAt: number | null
  /** The success with the greatest `asOf`, among these the latest; `null` where there was none. */
  readonly success: RefreshSuccess<Summary> | null
  /** The failure with the greatest `asOf`, among these the latest; `null` where the success has cleared them all. */
  readonly failure: RefreshFailure | null
}

/**
 * All that is known of the refreshes of one experiment: a join of everything that was reported, whatever the order in
 * which it arrived.
 *
 * Its own fields are about the question that was asked last. What was reported about the questions before it is apart
 * from them, in `earlier`: read a state through `refreshStatus`, which knows what belongs to the question of its caller.
 *
 * Plain data, frozen through and through, safe as JSON. `Summary` is any JSON data; the library's own is
 * {@link ExposuresSummary}.
 */
export interface RefreshState<Summary = ExposuresSummary> extends QuestionState<Summary> {
  /**
   * The questions before it, from the latest to the earliest: two, and where none of the three has a success yet, the
   * last one before them that has. Absent where there were none.
   */
  readonly earlier?: readonly QuestionState<Summary>[]
}

/**
 * The state before anything was reported: merging it into another state changes nothing.
 *
 * @example
 * ```ts
 * import { initialRefreshState } from 'first-exposure'
 *
 * initialRefreshState // => { requestedAt: null, success: null, failure: null }
 * ```
 */
export const initialRefreshState: RefreshState<never> = /* @__PURE__ */ Object.freeze({
  requestedAt: null,
  success: null,
  failure: null,
})

/**
 * A state, by its fields alone: what its summary is, only its host knows. A store may have made it from anything. Throws
 * `malformed-state`.
 */
export function aRefreshState<Summary>(state: RefreshState<Summary>, path = 'state'): RefreshState<Summary> {
  assertQuestionState(state, path)
  const { earlier }: { readonly earlier?: unknown } = state
  if (earlier !== undefined) {
    for (const [index, each] of aList(earlier, `${path}.earlier`, malformedState).entries()) {
      assertQuestionState(each, `${path}.earlier[${index}]`)
    }
  }
  return state
}

function assertQuestionState(state: unknown, path: string): void {
  const isState =
    typeof state === 'object' &&
    state !== null &&
    'requestedAt' in state &&
    'success' in state &&
    'failure' in state
  if (!isState) {
    throw malformedState(path, state, 'Pass initialRefreshState, or a state that this library returned.')
  }
  const { requestedAt, success, failure } = state
  if ('question' in state && state.question !== undefined) {
    aQuestion(state.question, `${path}.question`, malformedState)
  }
  if (requestedAt !== null) anEpochMs(requestedAt, `${path}.requestedAt`, malformedState)
  if (success !== null) assertRun(success, 'summary', `${path}.success`)
  if (failure !== null) {
    const error = anObject(
      assertRun(failure, 'error', `${path}.failure`),
      `${path}.failure.error`,
      malformedState,
    )
    aString(error['code'], `${path}.failure.error.code`, malformedState)
    aBoolean(error['transient'], `${path}.failure.error.transient`, malformedState)
    aString(error['message'], `${path}.failure.error.message`, malformedState)
  }
}

/** What came of the run. */
function assertRun(value: unknown, outcome: 'summary' | 'error', path: string): unknown {
  const run = anObject(value, path, malformedState)
  anEpochMs(run['asOf'], `${path}.asOf`, malformedState)
  anEpochMs(run['at'], `${path}.at`, malformedState)
  if (run[outcome] !== undefined) return run[outcome]
  throw malformedState(`${path}.${outcome}`, run[outcome], 'Pass a state that this library returned.')
}
