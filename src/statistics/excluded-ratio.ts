import { deepFreeze } from '../freeze.js'
import { checkedOptions } from './options.js'
import { identities, percentages } from './words.js'
import { invalidStatistics } from '../errors.js'

/**
 * Is the quarantined share worth a warning?
 *
 * - `acceptable`: it is at most the threshold
 * - `warning`: it is above it
 * - `not-enough-traffic`: too few identities were seen for a verdict
 * - `not-computable`: a number cannot be a count
 */
export type ExcludedRatioStatus = 'acceptable' | 'warning' | 'not-enough-traffic' | 'not-computable'

/** The verdict of {@link excludedRatio}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface ExcludedRatioResult {
  readonly status: ExcludedRatioStatus
  /** Why it is not `acceptable`, as a readable sentence. */
  readonly reason?: string
  /** Excluded identities as a share of all seen, 0 to 1; `null` if none were seen or a number cannot be a count. */
  readonly share: number | null
  /** Quarantined identities; `null` for `not-computable`. */
  readonly excludedIdentities: number | null
  /** Identities seen: counted and quarantined; `null` for `not-computable`. */
  readonly seenIdentities: number | null
}

/** How strict {@link excludedRatio} is. */
export interface ExcludedRatioOptions {
  /** The share above which to warn, above 0 and below 1. Default 0.01. */
  readonly threshold?: number
  /** The identities seen below which no verdict is given; a whole number. Default 100. */
  readonly minimumTotal?: number
}

/**
 * Is the quarantined share worth a warning? Identities exposed to more than one variant are excluded from the counts;
 * if there are many, the assignment does not stick, and the identities left are no longer a random sample.
 *
 * The share covers every identity seen and is not an estimate, so it is compared with the threshold directly. It says
 * how many identities are missing, not from which arm: see {@link crossoverBias}.
 *
 * @param view - a view, or its two numbers: `total`, the counted identities, and `excludedIdentities`, the quarantined
 *   ones; whole numbers from 0
 * @returns frozen data; never `acceptable` unless both numbers are counts and `minimumTotal` is reached
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type or an option out of bounds
 *
 * @example
 * ```ts
 * import { excludedRatio } from 'first-exposure/statistics'
 *
 * excludedRatio({ total: 970, excludedIdentities: 30 })
 * // => {
 * //   status: 'warning',
 * //   reason: '30 of 1000 identities (3 %) were exposed to more than one variant, more than 1 %.',
 * //   share: 0.03,
 * //   excludedIdentities: 30,
 * //   seenIdentities: 1000,
 * // }
 * excludedRatio({ total: 990, excludedIdentities: 10 }).status // => 'acceptable'
 * ```
 */
export function excludedRatio(
  view: { readonly total: number; readonly excludedIdentities: number },
  options: ExcludedRatioOptions = {},
): ExcludedRatioResult {
  const { threshold, minimumTotal = 100 } = checkedOptions(options, ['threshold', 'minimumTotal'], 0.01)
  if (typeof view?.total !== 'number' || typeof view.excludedIdentities !== 'number') {
    throw invalidStatistics('view', view, 'Pass a view, or { total, excludedIdentities }.')
  }
  // A negative zero becomes zero, as in JSON.
  const total = view.total + 0
  const excludedIdentities = view.excludedIdentities + 0
  for (const [name, count] of Object.entries({ total, excludedIdentities })) {
    if (!Number.isSafeInteger(count) || count < 0) {
      return deepFreeze({
        status: 'not-computable',
        reason: `${name} is ${count}, which cannot be a count of identities.`,
        share: null,
        excludedIdentities: null,
        seenIdentities: null,
      })
    }
  }
  const seenIdentities = total + excludedIdentities
  const share = seenIdentities === 0 ? null : excludedIdentities / seenIdentities
  const evidence = { share, excludedIdentities, seenIdentities }
  if (share === null || seenIdentities < minimumTotal) {
    const reason = `${identities(seenIdentities, ['was', 'were'])} seen, and a verdict needs ${Math.max(minimumTotal, 1)}.`
    return deepFreeze({ status: 'not-enough-traffic', reason, ...evidence })
  }
  if (share <= threshold) return deepFreeze({ status: 'acceptable', ...evidence })
  const [own, most] = percentages(share, threshold)
  const reason = `${excludedIdentities} of ${seenIdentities} identities (${own}) were exposed to more than one variant, more than ${most}.`
  return deepFreeze({ status: 'warning', reason, ...evidence })
}
