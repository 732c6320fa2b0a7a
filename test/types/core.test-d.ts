import {
  ExposureError,
  decodeBucketRows,
  exposureSpec,
  isExposureError,
  type ExposureBucket,
  type ExposuresSummary,
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
