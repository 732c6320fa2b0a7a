import { oneOf, type Check } from '../checks.js'

/**
 * What happens to an identity that was exposed to more than one variant inside the window: it is counted as
 * excluded and nowhere else (`quarantine`), or it counts in the variant of its first exposure (`first-seen`; at
 * the same instant, the smallest key in byte order).
 */
export type MultiVariantPolicy = 'quarantine' | 'first-seen'

/** What follows from a policy. Its SQL is with the statements, in tables by `Record<MultiVariantPolicy, …>` too. */
export const multiVariantPolicies: Readonly<
  Record<
    MultiVariantPolicy,
    {
      /** Whether such identities are excluded, rather than counted in one of their variants. */
      readonly excludes: boolean
    }
  >
> = /* @__PURE__ */ Object.freeze({
  quarantine: { excludes: true },
  'first-seen': { excludes: false },
})

/** The name of a policy. */
export const aMultiVariantPolicy: Check<MultiVariantPolicy> = /* @__PURE__ */ oneOf(
  Object.keys(multiVariantPolicies) as readonly MultiVariantPolicy[],
)
