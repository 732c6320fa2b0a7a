import type { ExposureBucket } from 'first-exposure'
import { expect, test } from 'vitest'
import { bucketSums } from '../../../src/questions/summary/bucket-sums.js'

const bucket = (variant: string | null, bucketMs: number, newIdentities: number): ExposureBucket =>
  ({ quarantined: variant === null, variant, bucketMs, newIdentities }) as ExposureBucket

test('the answers about disjoint identities become one, and their number of buckets is told each time', () => {
  const counts: number[] = []
  const sums = bucketSums((count) => counts.push(count))
  sums.add([bucket('a', 0, 1), bucket('b', 0, 2), bucket(null, 0, 4)])
  sums.add([bucket('b', 0, 10), bucket('b', 1, 20), bucket(null, 0, 40)])
  sums.add([])
  expect(sums.buckets()).toEqual([
    bucket('a', 0, 1),
    bucket('b', 0, 12),
    bucket(null, 0, 44),
    bucket('b', 1, 20),
  ])
  expect(counts).toEqual([3, 4, 4])
})
