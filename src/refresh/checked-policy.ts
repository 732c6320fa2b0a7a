import { ExposureError, received } from '../errors.js'
import type { RefreshPolicy } from './refresh-policy.js'

const defaults: RefreshPolicy = /* @__PURE__ */ Object.freeze({
  throttleMs: 5 * 60_000,
  presumedLostAfterMs: 10 * 60_000,
  settleMs: 60 * 60_000,
})

/** The policy, completed by the defaults. Throws `invalid-policy`, naming the field. */
export function checkedPolicy(policy: Partial<RefreshPolicy>): RefreshPolicy {
  const given = Object.entries(policy).filter(([, value]) => value !== undefined)
  for (const [field, value] of given) {
    if (!Object.hasOwn(defaults, field)) {
      throw invalidPolicy(field, value, `A policy has the fields ${Object.keys(defaults).join(', ')}.`)
    }
    if (!Number.isSafeInteger(value) || value < 0) {
      throw invalidPolicy(field, value, 'Pass whole milliseconds, 0 or more.')
    }
  }
  return { ...defaults, ...Object.fromEntries(given) }
}

function invalidPolicy(field: string, value: unknown, advice: string): ExposureError {
  return new ExposureError(
    'invalid-policy',
    `policy.${field} is not usable: received ${received(value)}. ${advice}`,
    {
      field,
      received: received(value),
    },
  )
}
