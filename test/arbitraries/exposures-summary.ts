import * as fc from 'fast-check'
import { summarizeExposures, type ExposuresSummary } from 'first-exposure'
import { variantKey } from './variant-key.js'

const startMs = Date.UTC(2026, 5, 1)

/** A summary as the library makes it: few buckets, few counts, any keys. */
export const exposuresSummary = (
  timeZone: fc.Arbitrary<string> = fc.constantFrom('UTC', 'Europe/Madrid'),
): fc.Arbitrary<ExposuresSummary> =>
  fc
    .record({
      granularity: fc.constantFrom('hour' as const, 'day' as const),
      timeZone,
      excluded: fc.nat({ max: 3 }),
      counted: fc.array(fc.record({ bucket: fc.nat({ max: 5 }), variant: variantKey(), count: fc.nat() }), {
        maxLength: 6,
      }),
    })
    .map(({ granularity, timeZone, excluded, counted }) =>
      summarizeExposures(
        [
          { quarantined: true, variant: null, bucketMs: startMs, newIdentities: excluded },
          ...counted.map(({ bucket, variant, count }) => ({
            quarantined: false as const,
            variant,
            bucketMs: startMs + bucket * 86_400_000,
            newIdentities: count,
          })),
        ],
        { granularity, timeZone },
      ),
    )
