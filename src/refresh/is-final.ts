import type { RefreshPolicy } from './refresh-policy.js'
import type { RefreshState, RefreshSuccess } from './refresh-state.js'

/** Does the last good summary cover all of the experiment, and was it made when the late exposures had arrived? */
export function isFinal<Summary>(
  state: RefreshState<Summary>,
  endsAt: number,
  { settleMs }: RefreshPolicy,
): state is RefreshState<Summary> & { readonly success: RefreshSuccess<Summary> } {
  const { success } = state
  return success !== null && success.asOf >= endsAt && success.at >= endsAt + settleMs
}
