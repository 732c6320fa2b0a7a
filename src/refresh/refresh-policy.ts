import { aWholeNumber, withFields } from '../checks.js'
import { invalidPolicy } from '../errors.js'

/** How patient a refresh is. Every duration is in whole milliseconds, 0 or more. */
export interface RefreshPolicy {
  /** The least time between two requests. Default 300,000: 5 minutes. */
  readonly throttleMs: number
  /** After this, a request without an outcome counts as lost. Default 600,000: 10 minutes. */
  readonly presumedLostAfterMs: number
  /**
   * How long after the experiment's end its last exposures may still arrive: a refresh made so late or later is
   * final. Default 3,600,000: 1 hour. 0 makes the first refresh after the end final.
   */
  readonly settleMs: number
}

const defaults: RefreshPolicy = /* @__PURE__ */ Object.freeze({
  throttleMs: 5 * 60_000,
  presumedLostAfterMs: 10 * 60_000,
  settleMs: 60 * 60_000,
})

/** The policy, completed by the defaults. Throws `invalid-policy`, naming the field. */
export function checkedPolicy(policy: Partial<RefreshPolicy>): RefreshPolicy {
  const given = Object.entries(withFields(policy, Object.keys(defaults), 'policy', invalidPolicy))
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, aWholeNumber(0)(value, `policy.${field}`, invalidPolicy)] as const)
  return { ...defaults, ...Object.fromEntries(given) }
}
