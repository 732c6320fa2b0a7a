import { exposureSpec, exposureWindow, type ExposureSpec } from 'first-exposure'
import { fetchOverlap, fetchOverlaps } from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const specOf = (featureName: string, maxRows?: number): ExposureSpec =>
  exposureSpec({ environmentKey: 'prod', featureName, ...(maxRows === undefined ? {} : { maxRows }) })

/** The answer to two experiments: as many pairs of variants as told, each with one identity in both. */
const answering = (rows: number) => ({
  query: async () => ({
    json: async () =>
      Array.from({ length: rows }, (_, index) => ({
        one: 0,
        other: 1,
        one_quarantined: 0,
        one_variant: `v${index}`,
        other_quarantined: 0,
        other_variant: 'a',
        identities: 1,
      })),
  }),
})

describe.each([
  ['fetchOverlap', fetchOverlap],
  [
    'fetchOverlaps',
    async (client: ReturnType<typeof answering>, one: ExposureSpec, other: ExposureSpec) =>
      await fetchOverlaps(client, [one, other], window),
  ],
] as const)('the rows of %s', (_, fetch) => {
  const refused = { code: 'too-many-buckets' }

  test.each([
    [1, 3],
    [3, 1],
  ])('are bounded by the greater maxRows: %d and %d', async (...most) => {
    const [one, other] = [specOf('checkout', most[0]), specOf('search', most[1])]
    await expect(fetch(answering(4), one, other, window)).rejects.toMatchObject(refused)
    // Accepted, and read: these pairs lack the totals of the experiments.
    await expect(fetch(answering(3), one, other, window)).rejects.toMatchObject({ code: 'malformed-rows' })
  })

  test('are bounded also for specs that exposureSpec did not make', async () => {
    const [one, other] = ['checkout', 'search'].map(
      (featureName) => ({ environmentKey: 'prod', featureName }) as unknown as ExposureSpec,
    )
    if (one === undefined || other === undefined) throw new Error('two specs')
    await expect(fetch(answering(100_001), one, other, window)).rejects.toMatchObject(refused)
  })
})
