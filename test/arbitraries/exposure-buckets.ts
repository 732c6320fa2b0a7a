import fc from 'fast-check'
import type { ExposureBucket } from 'first-exposure'
import { anyKey } from './exposure-events.js'

const newIdentities = fc.integer({ min: 0, max: 1_000_000 })

/** Buckets by the UTC day. */
export const dailyBuckets: fc.Arbitrary<ExposureBucket[]> = fc.array(
  fc.oneof(
    fc.record({
      quarantined: fc.constant(false as const),
      variant: fc.oneof(fc.constantFrom('control', 'b', '__proto__', ''), anyKey),
      bucketMs: fc.integer({ min: 18_000, max: 18_010 }).map((day) => day * 86_400_000),
      newIdentities,
    }),
    fc.record({
      quarantined: fc.constant(true as const),
      variant: fc.constant(null),
      bucketMs: fc.integer({ min: 18_000, max: 18_010 }).map((day) => day * 86_400_000),
      newIdentities,
    }),
  ),
  { maxLength: 30 },
)
