import { oneOf, type Check } from '../checks.js'

/**
 * What happens to an identity that was exposed to more than one variant inside the window. `quarantine`: it counts as
 * excluded and nowhere else. `first-seen`: it counts in the variant of its first exposure; if there are several at that
 * instant, in the smallest key in byte order.
 */
export type MultiVariantPolicy = 'quarantine' | 'first-seen'

/**
 * What each policy implies. The SQL of each policy is next to the statements, also in `Record<MultiVariantPolicy, …>`.
 */
export const multiVariantPolicies: Readonly<
  Record<
    MultiVariantPolicy,
    {
      /** Whether such identities are excluded instead of counted in one of their variants. */
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
