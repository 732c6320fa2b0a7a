import * as fc from 'fast-check'
import type { ExposureBucket, ExposureWindow, Granularity, MultiVariantPolicy } from 'first-exposure'

export interface Exposure {
  readonly identity: number
  readonly variant: string
  readonly atMs: number
}

export const logStartMs: number = Date.UTC(2026, 5, 1)
const hourMs = 3_600_000

const variantKey = fc.oneof(
  fc.constantFrom('control', 'b', 'a'),
  fc.constantFrom('__proto__', 'constructor', 'toString', '10', '2', '', '$multiple'),
  fc.string(),
)

/** Exposures of a dozen identities to a few variants within some days, in the order in which they arrive: any. */
export const exposureLog: fc.Arbitrary<readonly Exposure[]> = fc
  .uniqueArray(variantKey, { minLength: 1, maxLength: 4 })
  .chain((variants) =>
    fc.array(
      fc.record({
        identity: fc.nat(12),
        variant: fc.constantFrom(...variants),
        atMs: fc.integer({ min: -2 * hourMs, max: 120 * hourMs }).map((ms) => logStartMs + ms),
      }),
      { maxLength: 60 },
    ),
  )

export interface FirstExposure {
  /** `null` for a quarantined identity. */
  readonly variant: string | null
  readonly atMs: number
}

/** The reference: who entered, when, in which variant, identity by identity. */
export function firstExposures(
  log: readonly Exposure[],
  { startMs, asOfMs }: ExposureWindow,
  multiVariant: MultiVariantPolicy = 'quarantine',
): ReadonlyMap<number, FirstExposure> {
  const inWindow = log.filter(({ atMs }) => atMs >= startMs && atMs < asOfMs)
  return new Map(
    [...new Set(inWindow.map(({ identity }) => identity))].map((identity) => {
      const own = inWindow.filter((exposure) => exposure.identity === identity)
      const [first] = own.toSorted((a, b) => a.atMs - b.atMs || (a.variant < b.variant ? -1 : 1))
      if (first === undefined) throw new Error('an identity without exposures')
      const inMany = own.some(({ variant }) => variant !== first.variant)
      return [
        identity,
        { variant: inMany && multiVariant === 'quarantine' ? null : first.variant, atMs: first.atMs },
      ]
    }),
  )
}

/** The reference's buckets; `startOf` says where the bucket of an instant starts. */
export function bucketsOf(
  entries: ReadonlyMap<number, FirstExposure>,
  startOf: (instantMs: number) => number,
): readonly ExposureBucket[] {
  return [...entries.values()].map(({ variant, atMs }) =>
    variant === null
      ? { quarantined: true, variant, bucketMs: startOf(atMs), newIdentities: 1 }
      : { quarantined: false, variant, bucketMs: startOf(atMs), newIdentities: 1 },
  )
}

export function utcBucketStart(granularity: Granularity): (instantMs: number) => number {
  const widthMs = granularity === 'hour' ? hourMs : 24 * hourMs
  return (instantMs) => Math.floor(instantMs / widthMs) * widthMs
}
