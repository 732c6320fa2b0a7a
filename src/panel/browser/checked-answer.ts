import { isExposureError } from '../../errors.js'
import { answerVersion } from '../answered-view.js'
import type { ExposuresAnswer } from '../exposures-answer.js'
import type { PanelWords } from '../panel-words.js'

const statusTypes = /* @__PURE__ */ new Set([
  'final',
  'refreshing',
  'stale',
  'failed',
  'loaded',
  'outdated',
  'empty',
])
const decisionTypes = /* @__PURE__ */ new Set(['not-started', 'final', 'in-flight', 'throttled', 'due'])

/** Why an answer cannot be shown, as a sentence for people. */
class UnreadableAnswer extends Error {}

/**
 * What came from a server, if this panel can read it. The parts of the count are checked where they are shown.
 *
 * Throws an error whose message is for people.
 */
export function checkedAnswer(came: unknown, { say }: PanelWords): ExposuresAnswer {
  if (typeof came !== 'object' || came === null || !('version' in came)) {
    throw new UnreadableAnswer(say('noAnswer'))
  }
  if (came.version !== answerVersion) {
    throw new UnreadableAnswer(
      say('otherVersion', { received: String(came.version).slice(0, 20), expected: String(answerVersion) }),
    )
  }
  const { title, experiment, nowMs, timeZone, status, decision } = came as Partial<ExposuresAnswer>
  const isWhole =
    typeof title === 'string' &&
    typeof nowMs === 'number' &&
    typeof timeZone === 'string' &&
    typeof experiment?.startedAt === 'number' &&
    statusTypes.has(String(status?.type)) &&
    decisionTypes.has(String(decision?.type))
  if (!isWhole) throw new UnreadableAnswer(say('noAnswer'))
  return came as ExposuresAnswer
}

/** Any error about an answer as a sentence for people. */
export function whyUnreadable(error: unknown, { say }: PanelWords): string {
  if (error instanceof UnreadableAnswer) return error.message
  // An error of another kind says nothing to a reader: some part of the answer was not there.
  return isExposureError(error) ? say('malformedAnswer', { message: error.message }) : say('noAnswer')
}
