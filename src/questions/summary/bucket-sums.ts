import type { ExposureBucket } from './rows.js'

/** Adds up the buckets of several answers about disjoint identities: one sum for each bucket and variant. */
export interface BucketSums {
  readonly add: (buckets: readonly ExposureBucket[]) => void
  readonly buckets: () => readonly ExposureBucket[]
}

/** Starts with no buckets. `onMore` gets the number of buckets after each answer. */
export function bucketSums(onMore: (count: number) => void): BucketSums {
  const sums = new Map<number, Map<string | null, ExposureBucket>>()
  let count = 0
  return {
    add: (buckets) => {
      for (const bucket of buckets) {
        const variants = sums.get(bucket.bucketMs) ?? new Map<string | null, ExposureBucket>()
        sums.set(bucket.bucketMs, variants)
        const known = variants.get(bucket.variant)
        if (known === undefined) count++
        const newIdentities = (known?.newIdentities ?? 0) + bucket.newIdentities
        variants.set(bucket.variant, known === undefined ? bucket : { ...bucket, newIdentities })
      }
      onMore(count)
    },
    buckets: () => [...sums.values()].flatMap((variants) => [...variants.values()]),
  }
}
