import {
  ExposureError,
  decodeBucketRows,
  exposureSpec,
  growthbookViews,
  isExposureError,
  postHogEvents,
  type CrossoverPair,
  type Crossovers,
  type ExposureBucket,
  type ExposureLedger,
  type ExposureSource,
  type ExposuresBreakdown,
  type ExposuresSummary,
  type GrowthbookViewsOptions,
  type IdentityVerdict,
} from 'first-exposure'
import { expectTypeOf, test } from 'vitest'

test('a bucket is either counted in a variant or quarantined', () => {
  const [bucket] = decodeBucketRows([])
  if (bucket === undefined) return
  expectTypeOf(bucket).toEqualTypeOf<ExposureBucket>()
  if (bucket.quarantined) expectTypeOf(bucket.variant).toEqualTypeOf<null>()
  else expectTypeOf(bucket.variant).toEqualTypeOf<string>()
})

test('a summary cannot be written to', () => {
  const summary = {} as ExposuresSummary
  // @ts-expect-error read-only
  summary.excludedIdentities = 1
  // @ts-expect-error read-only
  summary.timeseries.points[0] = { bucket: '', newIdentities: {} }
})

test('an error’s code is a literal, and narrows', () => {
  const error: unknown = new ExposureError('invalid-spec', '')
  if (isExposureError(error, 'invalid-spec')) expectTypeOf(error.code).toEqualTypeOf<'invalid-spec'>()
  // @ts-expect-error no such code
  isExposureError(error, 'no-such-code')
})

test('a misspelt field of a spec does not compile', () => {
  // @ts-expect-error timezone is not timeZone
  exposureSpec({ featureName: 'f', timezone: 'UTC' })
})

test('a misspelt option of a ready-made source does not compile', () => {
  expectTypeOf(postHogEvents()).toEqualTypeOf<ExposureSource>()
  expectTypeOf(growthbookViews).parameter(0).toEqualTypeOf<GrowthbookViewsOptions | undefined>()
  // @ts-expect-error a person's id is person_id
  postHogEvents({ identity: 'personId' })
  // @ts-expect-error no such property of a flag
  postHogEvents({ materialized: ['$feature_flag_payload'] })
  // @ts-expect-error GrowthBook's views are all exposures
  growthbookViews({ eventName: 'Experiment Viewed' })
})

test('crossovers and breakdowns cannot be written to', () => {
  const crossovers = {} as Crossovers
  expectTypeOf(crossovers.pairs[0]).toEqualTypeOf<CrossoverPair | undefined>()
  // @ts-expect-error read-only
  crossovers.firstVariants['control'] = 1
  const breakdown = {} as ExposuresBreakdown
  expectTypeOf(breakdown.slices[0]?.value).toEqualTypeOf<string | null | undefined>()
  expectTypeOf(breakdown.other).toEqualTypeOf<ExposuresSummary | null>()
  // @ts-expect-error read-only
  breakdown.other = null
})

test('a verdict narrows by its type', () => {
  const verdict = {} as IdentityVerdict
  if (verdict.type === 'quarantined') expectTypeOf(verdict.byAt).toEqualTypeOf<number>()
  // @ts-expect-error only a quarantined identity was exposed to another variant
  if (verdict.type === 'counted') void verdict.by
  if (verdict.type === 'never-counted') expectTypeOf(verdict.because).not.toEqualTypeOf<string>()
})

test('a ledger cannot be written to', () => {
  const ledger = {} as ExposureLedger
  // @ts-expect-error read-only
  ledger.scanned = 1
})
