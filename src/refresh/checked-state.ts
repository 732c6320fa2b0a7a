import { aBoolean, aList, anObject } from '../checks.js'
import { malformedState, type Refusal } from '../errors.js'
import { checkedSummary } from '../questions/summary/checked-summary.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { anEpochMs } from '../time/instant.js'
import { aQuestion } from './checked-question.js'
import { mergeRefreshStates } from './merge-refresh-states.js'
import {
  initialRefreshState,
  type QuestionState,
  type RefreshError,
  type RefreshState,
} from './refresh-state.js'

/** A state with nothing in it but what belongs there, frozen. Throws `malformed-state`, saying where. */
export function checkedState(value: unknown): RefreshState {
  const { earlier, ...latest } = anObject(value, 'state', malformedState)
  // Merging puts the questions in order, and clears a failure that a state made by hand may hold although its success is
  // greater.
  return [
    checkedQuestionState(latest, ''),
    ...(earlier === undefined ? [] : aList(earlier, 'earlier', malformedState)).map((each, index) =>
      checkedQuestionState(each, `earlier[${index}]`),
    ),
  ].reduce<RefreshState>(
    (state, each) => mergeRefreshStates<ExposuresSummary>(state, each),
    initialRefreshState,
  )
}

function checkedQuestionState(value: unknown, path: string): QuestionState {
  const { question, requestedAt, success, failure } = anObject(value, path, malformedState)
  const within = path === '' ? '' : `${path}.`
  return Object.freeze({
    ...(question === undefined ? {} : { question: aQuestion(question, `${within}question`, malformedState) }),
    requestedAt: requestedAt === null ? null : anEpochMs(requestedAt, `${within}requestedAt`, malformedState),
    success: checkedRun(success, `${within}success`, 'summary', checkedSummary),
    failure: checkedRun(failure, `${within}failure`, 'error', checkedError),
  })
}

function checkedRun<Outcome extends string, Value>(
  value: unknown,
  path: string,
  outcome: Outcome,
  check: (value: unknown, path: string, refuse: Refusal) => Value,
): ({ readonly asOf: number; readonly at: number } & Readonly<Record<Outcome, Value>>) | null {
  if (value === null) return null
  const run = anObject(value, path, malformedState)
  return Object.freeze({
    asOf: anEpochMs(run['asOf'], `${path}.asOf`, malformedState),
    at: anEpochMs(run['at'], `${path}.at`, malformedState),
    ...({
      [outcome]: check(run[outcome], `${path}.${outcome}`, malformedState),
    } as Record<Outcome, Value>),
  })
}

/** Code, transience and message, without anything else that came along (a stack, a query). */
export function checkedError(value: unknown, path: string, refuse: Refusal): RefreshError {
  const { code, transient, message } = anObject(value, path, refuse)
  if (typeof code !== 'string' || !/^[\w.-]{1,64}$/.test(code)) {
    throw refuse(`${path}.code`, code, 'Pass 1 to 64 ASCII letters, digits, dots, hyphens and underscores.')
  }
  const isTransient = aBoolean(transient, `${path}.transient`, refuse)
  if (typeof message !== 'string' || !/^[^]{1,500}$/.test(message) || !message.isWellFormed()) {
    throw refuse(`${path}.message`, message, 'Pass 1 to 500 characters of well-formed Unicode.')
  }
  return Object.freeze({ code, transient: isTransient, message })
}
