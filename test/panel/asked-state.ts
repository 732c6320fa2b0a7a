import { exposureFingerprint, initialRefreshState, refreshQuestion } from 'first-exposure'
import type { ExposuresAnswerInput } from 'first-exposure/panel'

/** The input, with its reports about what it asks. */
export function askedState<Input extends Pick<ExposuresAnswerInput, 'state' | 'experiment' | 'spec'>>(
  input: Input,
): Input {
  const { state, experiment, spec } = input
  const fingerprint = exposureFingerprint(spec, experiment.startedAt)
  const question = refreshQuestion(initialRefreshState, { ...experiment, fingerprint })
  return { ...input, state: { ...state, question } }
}
