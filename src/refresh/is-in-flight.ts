import type { RefreshPolicy } from './refresh-policy.js'
import type { RefreshState } from './refresh-state.js'

/**
 * Is a run under way that will still answer the latest request?
 *
 * An outcome answers it when it was reported at the request or later and its window reaches as far as a run of that
 * request computes: an older, slower run that ends now does not. Hosts' clocks differ, so a request may lie ahead of
 * `now`; one that lies further ahead than a run may take is not believed.
 */
export function isInFlight<Summary>(
  state: RefreshState<Summary>,
  endsAt: number,
  now: number,
  { presumedLostAfterMs }: RefreshPolicy,
): state is RefreshState<Summary> & { readonly requestedAt: number } {
  const { requestedAt, success, failure } = state
  if (requestedAt === null || Math.abs(now - requestedAt) >= presumedLostAfterMs) return false
  const reachesTo = Math.min(requestedAt, endsAt)
  return ![success, failure].some((run) => run !== null && run.at >= requestedAt && run.asOf >= reachesTo)
}
