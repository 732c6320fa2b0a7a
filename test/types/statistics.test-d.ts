import type { ExposuresSummary } from 'first-exposure'
import {
  crossoverBias,
  sampleRatio,
  sampleRatioBySlice,
  sequentialSampleRatio,
  type SampleRatioResult,
} from 'first-exposure/statistics'
import type { ExposuresView } from 'first-exposure/view'
import { expectTypeOf, test } from 'vitest'

const summary = {} as ExposuresSummary
const view = {} as ExposuresView
const shares = { control: 1, treatment: 1 }
const phases = [{ shares }, { from: new Date(0), shares }] as const

test('a summary, a view and its points are counts that know their time', () => {
  expectTypeOf(sampleRatio(summary, phases)).toEqualTypeOf<SampleRatioResult>()
  sampleRatio(view, phases)
  sampleRatio(view.points, phases)
  sequentialSampleRatio(view, phases)
  // @ts-expect-error whose last bucket is open, a summary does not say
  sequentialSampleRatio(summary, phases)
})

test('phases ask for them, shares for plain counts', () => {
  sampleRatio({ control: 1 }, shares)
  // @ts-expect-error when were they exposed
  sampleRatio({ control: 1 }, phases)
  // @ts-expect-error the totals of a summary are for the view to make
  sampleRatio(summary, shares)
})

test('a breakdown of summaries is taken as it is', () => {
  const breakdown = {} as {
    readonly column: string
    readonly slices: readonly { readonly value: string | null; readonly summary: ExposuresSummary }[]
    readonly other: ExposuresSummary | null
  }
  const { slices, other } = sampleRatioBySlice(breakdown, phases)
  sampleRatioBySlice(breakdown, shares)
  expectTypeOf(slices[0]?.value).toEqualTypeOf<string | null | undefined>()
  expectTypeOf(other?.adjustedPValue).toEqualTypeOf<number | null | undefined>()
})

test('quarantined and counted are named, so that they cannot be swapped', () => {
  expectTypeOf(crossoverBias({ counted: shares, quarantined: shares })).toEqualTypeOf<SampleRatioResult>()
  // @ts-expect-error which is which
  crossoverBias(shares, shares)
})
