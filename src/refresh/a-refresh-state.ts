import { malformedState } from '../errors.js'
import type { RefreshState } from './refresh-state.js'

/** A state, by its fields alone: what its summary is, only its host knows. Throws `malformed-state`. */
export function aRefreshState<Summary>(state: RefreshState<Summary>, path = 'state'): RefreshState<Summary> {
  const given: unknown = state
  const isState =
    typeof given === 'object' &&
    given !== null &&
    ['requestedAt', 'success', 'failure'].every((field) => field in given)
  if (isState) return state
  throw malformedState(path, state, 'Pass initialRefreshState, or a state that this library returned.')
}
