import { malformedState } from '../errors.js'
import { canonicalCopy } from './canonical-copy.js'
import type { RefreshQuestion } from './refresh-question.js'
import { aRefreshState, type QuestionState, type RefreshState } from './refresh-state.js'

/**
 * What do two hosts know together? The join of two states: the same as if every event of both had been reported to
 * one, in any order, any number of times.
 *
 * It keeps the latest request, the greatest success and the greatest failure, each by `(asOf, at)`. Between two different
 * reports of the same `(asOf, at)`, the greater canonical text (JSON with sorted keys) wins, so that all hosts agree. A
 * failure that is not greater than the success by `(asOf, at)` is cleared.
 *
 * All this holds within one question. A question that was asked later, by its `revision`, takes the place of the one
 * before as a whole: what was reported about the two is never joined. The state keeps the three questions that were asked
 * last, and, where none of these has a success, the last success before them.
 *
 * Commutative, associative and idempotent. The latest question never moves backwards, nor does `asOf` within it; and the
 * last summary is never lost, though it may have become one of an `earlier` question.
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
  const merged = keptOf(byQuestion([...questionsOf(a), ...questionsOf(b)]))
  for (const state of [a, b]) if (isSame(questionsOf(state), merged)) return state
  const [latest = nothing, ...earlier] = merged
  return Object.freeze({ ...latest, ...(earlier.length === 0 ? {} : { earlier: Object.freeze(earlier) }) })
}

// A question that is asked while others are, as during a deploy, keeps a place for its own requests, so that it is
// refreshed at its own pace. More than three at a time are kept apart by `refreshDecision`.
export const questionsKept = 3

const nothing: QuestionState<never> = /* @__PURE__ */ Object.freeze({
  requestedAt: null,
  success: null,
  failure: null,
})

/** A state's questions, the one that was asked last first, without those that nobody has reported on. */
export function questionsOf<Summary>(state: RefreshState<Summary>): readonly QuestionState<Summary>[] {
  return [aRefreshState(state), ...(state.earlier ?? [])].filter(
    ({ requestedAt, success, failure }) => requestedAt !== null || success !== null || failure !== null,
  )
}

/** One of each question, joined, the latest first. */
function byQuestion<Summary>(all: readonly QuestionState<Summary>[]): readonly QuestionState<Summary>[] {
  const sorted = [...all].sort((a, b) => compareQuestions(b.question, a.question))
  const isFirst = sorted.map(({ question }, i) => compareQuestions(question, sorted[i - 1]?.question) !== 0)
  return sorted.flatMap(({ question }, index) =>
    index === 0 || isFirst[index] === true
      ? [
          Object.freeze({
            ...(question === undefined ? {} : { question }),
            ...joinedReports(sorted.filter((each) => compareQuestions(each.question, question) === 0)),
          }),
        ]
      : [],
  )
}

/** What a state keeps: the latest questions, and an answer to show, however old. */
function keptOf<Summary>(all: readonly QuestionState<Summary>[]): readonly QuestionState<Summary>[] {
  const kept = all.slice(0, questionsKept)
  if (kept.some(({ success }) => success !== null)) return kept
  const last = all.slice(questionsKept).find(({ success }) => success !== null)
  return last === undefined ? kept : [...kept, Object.freeze({ ...last, requestedAt: null, failure: null })]
}

function isSame(some: readonly QuestionState<unknown>[], others: readonly QuestionState<unknown>[]): boolean {
  return (
    some.length === others.length &&
    some.every((one, index) => {
      const other = others[index]
      return (
        other !== undefined &&
        compareQuestions(one.question, other.question) === 0 &&
        one.requestedAt === other.requestedAt &&
        one.success === other.success &&
        one.failure === other.failure
      )
    })
  )
}

/** Which was asked later: negative where `b` was. An unknown question, as of 0.1, was asked before all others. */
function compareQuestions(a: RefreshQuestion | undefined, b: RefreshQuestion | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  const byRevision = a.revision - b.revision
  if (byRevision !== 0) return byRevision
  const [one, other] = [a.fingerprint ?? '', b.fingerprint ?? '']
  return one === other ? a.startedAt - b.startedAt : one < other ? -1 : 1
}

/** The join of what was reported about one question. */
export function joinedReports<Summary>(
  all: readonly QuestionState<Summary>[],
): Omit<QuestionState<Summary>, 'question'> {
  const requestedAt = all.map((each) => each.requestedAt).reduce(later, null)
  const success = all.map((each) => each.success).reduce((a, b) => greater(a, b, 'success'), null)
  const greatestFailure = all.map((each) => each.failure).reduce((a, b) => greater(a, b, 'failure'), null)
  // A cleared failure can be forgotten: the same success clears all failures that are less.
  const failure =
    greatestFailure !== null && success !== null && compareRuns(greatestFailure, success) <= 0
      ? null
      : greatestFailure
  return { requestedAt, success, failure }
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
