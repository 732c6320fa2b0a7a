import type { ExposureWindow } from '../time/exposure-window.js'
import { joinedReports, questionsOf } from './merge-refresh-states.js'
import type { CheckedExperiment } from './refresh-experiment.js'
import type { RefreshPolicy } from './refresh-policy.js'
import type { RefreshQuestion } from './refresh-question.js'
import type { QuestionState, RefreshState, RefreshSuccess } from './refresh-state.js'

/** An answer to another question than the one that is asked now: show it as old, or not at all. */
export interface FormerAnswer<Summary> {
  readonly success: RefreshSuccess<Summary>
  /** What the success covers; absent where 0.1 stored it, which did not say. */
  readonly window?: ExposureWindow
}

/** What a state knows of one question. */
export interface Known<Summary> extends QuestionState<Summary> {
  /** The reports that say whether a run is under way: its own; before these, those of nobody knows which question. */
  readonly running: QuestionState<Summary>
  /** Whether anything was reported about it, or nothing about any question. */
  readonly isKnown: boolean
  /** Whether it is the one that was asked last. */
  readonly isLatest: boolean
  /** Whether its success is the one that the state itself shows. */
  readonly isShown: boolean
  /** What the success covers, where its reporter said it. */
  readonly window: ExposureWindow | undefined
  /** The latest answer to another question, where no success answers this one. */
  readonly former: FormerAnswer<Summary> | undefined
}

/** Reports at this instant or later are by a clock that is too far ahead to be believed. */
export function beyondBelief(nowMs: number, { throttleMs, presumedLostAfterMs }: RefreshPolicy): number {
  // At least the next millisecond, so that what is reported now is always believed.
  return nowMs + Math.max(1, throttleMs, presumedLostAfterMs)
}

/** Whether a request or a failure hides what is reported now, because it lies too far ahead. A success is kept. */
export function isBeyondBelief({ requestedAt, failure }: QuestionState<unknown>, beyondMs: number): boolean {
  return Math.max(requestedAt ?? -Infinity, failure?.at ?? -Infinity) >= beyondMs
}

/**
 * What is known of the question that an experiment asks? All reports under its fingerprint and start, joined, but for
 * those of a question of which a run reached beyond the experiment's end: they count what this one does not. If the
 * question was asked anew, requests and failures from before that are not believed do not count either.
 *
 * @param beyondMs - by {@link beyondBelief}; left out, everything is believed
 */
export function knownOf<Summary>(
  state: RefreshState<Summary>,
  { startedAt, endsAt, fingerprint }: CheckedExperiment,
  beyondMs: number = Infinity,
): Known<Summary> {
  const all = questionsOf(state)
  const [latest] = all
  // A host that does not say what it asks means what was asked last.
  const asked = fingerprint ?? latest?.question?.fingerprint
  const answers = ({ question, success, failure }: QuestionState<Summary>): boolean =>
    question?.fingerprint === asked &&
    // Nothing says what a report of 0.1 is about: its host answers for its start and its end.
    (question === undefined ||
      (question.startedAt === startedAt &&
        [success, failure].every((run) => run === null || run.asOf <= endsAt)))
  const own = all.filter(answers)
  const [asLatest] = own
  const reports = {
    // As it was asked last, where it was asked more than once.
    ...(asLatest?.question === undefined ? {} : { question: asLatest.question }),
    ...joinedReports(own.map((each, index) => (index === 0 ? each : believed(each, beyondMs)))),
  }
  const { success } = reports
  return {
    ...reports,
    running: own.length === 0 && latest !== undefined && latest.question === undefined ? latest : reports,
    isKnown: own.length > 0 || all.length === 0,
    isLatest: latest === undefined || own.includes(latest),
    isShown: latest?.success === success,
    window: success === null ? undefined : windowOf(reports.question, success),
    former:
      success === null
        ? all
            .map(({ question, success: other }) => formerAnswer(question, other))
            .find((each) => each !== undefined)
        : undefined,
  }
}

function believed<Summary>(
  { requestedAt, failure, ...rest }: QuestionState<Summary>,
  beyondMs: number,
): QuestionState<Summary> {
  return {
    ...rest,
    requestedAt: requestedAt !== null && requestedAt >= beyondMs ? null : requestedAt,
    failure: failure !== null && failure.at >= beyondMs ? null : failure,
  }
}

function formerAnswer<Summary>(
  question: RefreshQuestion | undefined,
  success: RefreshSuccess<Summary> | null,
): FormerAnswer<Summary> | undefined {
  if (success === null) return undefined
  const window = windowOf(question, success)
  return Object.freeze({ success, ...(window === undefined ? {} : { window }) })
}

function windowOf(
  question: RefreshQuestion | undefined,
  { asOf: asOfMs }: RefreshSuccess<unknown>,
): ExposureWindow | undefined {
  if (question === undefined || question.startedAt >= asOfMs) return undefined
  return Object.freeze({ startMs: question.startedAt, asOfMs })
}
