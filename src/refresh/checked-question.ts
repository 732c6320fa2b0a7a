import { aWholeNumber, anObject, type Check } from '../checks.js'
import { anEpochMs } from '../time/instant.js'
import { aFingerprint } from './refresh-experiment.js'
import type { RefreshQuestion } from './refresh-question.js'

/** A question with nothing in it but what belongs there, frozen. */
export const aQuestion: Check<RefreshQuestion> = (value, path, refuse) => {
  const { revision, fingerprint, startedAt } = anObject(value, path, refuse)
  return Object.freeze({
    revision: aWholeNumber(1)(revision, `${path}.revision`, refuse),
    fingerprint: fingerprint === null ? null : aFingerprint(fingerprint, `${path}.fingerprint`, refuse),
    startedAt: anEpochMs(startedAt, `${path}.startedAt`, refuse),
  })
}
