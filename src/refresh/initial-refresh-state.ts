import type { RefreshState } from './refresh-state.js'

/**
 * The state before anything was reported: the least of all states, which merges into any other without a trace.
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
