import type { ExposuresSummary } from '../summary/exposures-summary.js'
import type { RefreshError } from './refresh-state.js'

/**
 * What happened to a refresh. `at` is when, `asOf` the end of the window that the run computed, both in epoch
 * milliseconds.
 *
 * A run claims its turn by `requested`, and computes up to its request's `at`, or to the experiment's end where that
 * is earlier: by this an outcome is told from that of an older, slower run, and answers the right request.
 */
export type RefreshEvent<Summary = ExposuresSummary> =
  | { readonly type: 'requested'; readonly at: number }
  | { readonly type: 'succeeded'; readonly asOf: number; readonly at: number; readonly summary: Summary }
  | { readonly type: 'failed'; readonly asOf: number; readonly at: number; readonly error: RefreshError }
