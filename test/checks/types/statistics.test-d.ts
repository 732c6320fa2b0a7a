import type { Crossovers, ExposuresBreakdown, ExposuresSummary } from 'first-exposure'
import {
  assignedRatio,
  crossoverBias,
  exposureHealth,
  quarantineOverTime,
  sampleRatio,
  sampleRatioBySlice,
  sampleRatioOnset,
  sequentialSampleRatio,
  type CrossoverBiasResult,
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
  sequentialSampleRatio(summary, phases, { window: { startMs: 0, asOfMs: 1 } })
  // @ts-expect-error whose last bucket is open, a summary does not say
  sequentialSampleRatio(summary, phases)
})

test('phases ask for them, shares for plain counts', () => {
  sampleRatio({ control: 1 }, shares)
  // @ts-expect-error when were they exposed
  sampleRatio({ control: 1 }, phases)
  sampleRatio(summary, shares)
  sampleRatio(view, shares)
  sampleRatio(view.points, shares)
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
  expectTypeOf(crossoverBias({ counted: shares, quarantined: shares })).toEqualTypeOf<CrossoverBiasResult>()
  // @ts-expect-error which is which
  crossoverBias(shares, shares)
})

test('what the core answers is taken as it is', () => {
  const crossovers = {} as Crossovers
  quarantineOverTime(view, crossovers)
  crossoverBias({ counted: shares, quarantined: crossovers.firstVariants })
  assignedRatio({ counted: summary, quarantined: crossovers.firstVariants }, shares)
  sampleRatioBySlice({} as ExposuresBreakdown, shares)
  sampleRatioOnset(summary, phases)
  exposureHealth(view, phases)
})
