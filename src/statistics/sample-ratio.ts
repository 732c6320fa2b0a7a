import { received } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { checkedVerdictOptions } from './checked-verdict-options.js'
import { countsAtOnce, countsByPhase, countsByTime } from './counts-by-phase.js'
import { expectedPhases, type ExpectedPhase, type SampleRatioPhase } from './expected-phases.js'
import type { SampleRatioStep } from './ordered-steps.js'
import { deviation, notComputable, pearsonEvidence, shortly, type DeviatingArm } from './pearson-evidence.js'
import type { SampleRatioSummary } from './summary-steps.js'

/**
 * What a check of the sample ratio found.
 *
 * - `consistent`: the split is one that the expected shares give often enough
 * - `mismatch`: it is not; something between assignment and counting loses or adds identities
 * - `not-enough-traffic`: too few identities to say
 * - `not-computable`: there is nothing to compare, or a number that is none
 */
export type SampleRatioStatus = 'consistent' | 'mismatch' | 'not-enough-traffic' | 'not-computable'

/** One variant of the experiment, as seen and as expected. */
export interface SampleRatioArm {
  readonly variant: string
  /** Identities counted; 0 for a variant without traffic. */
  readonly observed: number
  /**
   * Identities expected: the variant's normalised share of all that were counted, summed over the phases where there
   * are several. `null` for a variant that was seen without being in `expected`.
   */
  readonly expected: number | null
  /** Its share of the statistic, 0 to 1: which arm the evidence comes from. `null` where `statistic` is. */
  readonly statisticShare: number | null
}

/** The verdict of {@link sampleRatio}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface SampleRatioResult {
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, in a sentence for people. */
  readonly reason?: string
  /**
   * Pearson's statistic, Σ (observed − expected)² / expected, over the variants of every phase. `null` where there is
   * none to compute, and where it is infinite: identities where none were expected.
   */
  readonly statistic: number | null
  /** Variants with an expected share above 0, less one, summed over the phases. `null` for `not-computable`. */
  readonly degreesOfFreedom: number | null
  /**
   * The probability of a statistic at least this great under the expected shares, 0 to 1. `null` where there is none
   * to compute. Read the verdict from `status`, not from a comparison with this: `null < 0.001` is true.
   */
  readonly pValue: number | null
  /** The expected variants in the order of `expected`, then the others by key. Empty for `not-computable`. */
  readonly arms: readonly SampleRatioArm[]
  /**
   * With phases: the identities that could not be judged and are in no other number. Those of a bucket in which the
   * split changed, of a phase with fewer than `minimumTotal`, and of one in which a single variant has all the share.
   * Left out where it is 0.
   */
  readonly unjudgedIdentities?: number
}

/** How strict {@link sampleRatio} is. */
export interface SampleRatioOptions {
  /** The p-value below which the split is a mismatch, above 0 and below 1. Default 0.001. */
  readonly threshold?: number
  /**
   * The identities, over all variants, below which no verdict is given, and below which a phase is left out; a whole
   * number. Default 100.
   */
  readonly minimumTotal?: number
}

/**
 * Does the split between the variants look like the one that was configured? Pearson's chi-squared test of goodness
 * of fit, asked once: for a panel that is looked at again and again, see {@link sequentialSampleRatio}.
 *
 * Identities in a variant whose share is 0, or that is not in `expected`, are a mismatch, however few: no split that
 * was configured gives them. The reason names the variants. A variant without traffic counts as 0.
 *
 * The p-value is that of the chi-squared distribution, which small counts follow only roughly. Where one variant should
 * get 1 % of 100 identities, a right split is called a mismatch 3 times in 1000 instead of once, from 1000 identities
 * on 1.5 times: with a small share ask for a `minimumTotal` that expects ten identities of it.
 *
 * Source: K. Pearson, "On the criterion that a given system of deviations…", Philosophical Magazine 50 (1900). The
 * threshold of 0.001 is the convention of the field: A. Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online
 * Controlled Experiments", KDD 2019.
 *
 * Where the split changed in mid-experiment, the totals follow no split at all. So pass the phases, and counts that
 * know their time: each identity is judged against the split in force at its first exposure. Each phase has its own
 * statistic, and they add up with their degrees of freedom, as independent chi-squared variables do (R. A. Fisher,
 * "Statistical Methods for Research Workers", 1925): two phases that are wrong in opposite directions do not make up
 * for each other. A first exposure is known to its hour or day only, so a bucket in which the split changed is left
 * out, and so is a phase too small for the test; `unjudgedIdentities` says how many that were. Where assignment does
 * not stick, a change of the split itself moves identities to another variant and into quarantine, out of one arm more
 * than another: the mismatch that the phases before it then show is real.
 *
 * @param observed - identities by variant, whole numbers from 0: the totals of a view, or any counts. With phases: an
 *   `ExposuresSummary`, a view, or steps in the order of time, which with several phases say where they end
 * @param expected - what each variant should get, finite and from 0: shares, percentages or weights, of any sum. Or
 *   phases in any order, each with its shares and, but for the earliest, when they came into force
 * @returns frozen data. Never `consistent` unless every number was one, at least two variants have a share above 0
 *   and `minimumTotal` is reached. A count or share that is NaN, infinite or negative, or a count that is not whole, is
 *   `not-computable`, with the reason. The order of the variants and the sum of `expected` change nothing.
 *   One phase gives what its shares alone do.
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type, steps out of order, two phases
 *   from the same instant or an option out of bounds; `invalid-instant` for a time that is none
 *
 * @example
 * ```ts
 * import { sampleRatio } from 'first-exposure/statistics'
 *
 * sampleRatio({ control: 600, treatment: 400 }, { control: 1, treatment: 1 })
 * // => {
 * //   status: 'mismatch',
 * //   reason: 'A split this far from the expected one has a probability of 2.54e-10, below 0.001.',
 * //   statistic: 40,
 * //   degreesOfFreedom: 1,
 * //   pValue: 2.53962858947086e-10,
 * //   arms: [
 * //     { variant: 'control', observed: 600, expected: 500, statisticShare: 0.5 },
 * //     { variant: 'treatment', observed: 400, expected: 500, statisticShare: 0.5 },
 * //   ],
 * // }
 * sampleRatio({ control: 505, treatment: 495 }, { control: 50, treatment: 50 }).status // => 'consistent'
 * sampleRatio({ control: 9, treatment: 1 }, { control: 0.5, treatment: 0.5 }).status // => 'not-enough-traffic'
 *
 * // Three days at 10 % and two at 50 %, each as it should be.
 * const day = (date: string, control: number, treatment: number) => {
 *   const start = new Date(date)
 *   const end = new Date(start.getTime() + 86_400_000)
 *   return { start: start.toISOString(), end: end.toISOString(), newIdentities: { control, treatment } }
 * }
 * const days = [
 *   day('2026-06-01', 910, 90),
 *   day('2026-06-02', 890, 110),
 *   day('2026-06-03', 905, 95),
 *   day('2026-06-04', 510, 490),
 *   day('2026-06-05', 495, 505),
 * ]
 * const ramp = [
 *   { shares: { control: 90, treatment: 10 } },
 *   { from: '2026-06-04T00:00:00Z', shares: { control: 50, treatment: 50 } },
 * ]
 * sampleRatio(days, ramp).status // => 'consistent'
 * sampleRatio({ control: 3710, treatment: 1290 }, { control: 50, treatment: 50 }).status // => 'mismatch'
 * ```
 */
export function sampleRatio(
  observed: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
  options?: SampleRatioOptions,
): SampleRatioResult
export function sampleRatio(
  observed: SampleRatioSummary | { readonly points: readonly SampleRatioStep[] } | readonly SampleRatioStep[],
  expected: readonly SampleRatioPhase[],
  options?: SampleRatioOptions,
): SampleRatioResult
export function sampleRatio(
  observed: object,
  expected: Readonly<Record<string, number>> | readonly SampleRatioPhase[],
  options: SampleRatioOptions = {},
): SampleRatioResult {
  const { threshold, minimumTotal } = checkedVerdictOptions(options, 0.001)
  const given = Array.isArray(expected)
    ? countsByTime(observed, expected.length > 1)
    : [countsAtOnce(observed)]
  const phases = expectedPhases(expected)
  if (typeof phases === 'string') return notComputable(phases)
  const counts = countsByPhase(given, phases)
  if (typeof counts === 'string') return notComputable(counts)

  const fits = phases.map((phase, place) => fit(phase, counts.byPhase[place] ?? new Map()))
  const testable = fits.filter(({ phase }) => phase.degreesOfFreedom > 0)
  const needed = Math.max(minimumTotal, 1)
  const judged = fits.filter(
    ({ phase, total, strays }) => strays.length > 0 || (phase.degreesOfFreedom > 0 && total >= needed),
  )
  // Where no phase can be judged, the evidence is that of all that have any.
  const counted = testable.filter(({ total }) => total > 0)
  const tested = [judged, counted].find((some) => some.length > 0) ?? testable
  const evidence = pearsonEvidence(
    armsOf(fits, tested),
    tested.reduce((sum, { phase }) => sum + phase.degreesOfFreedom, 0),
    totalOf(tested),
  )
  const unjudgedIdentities = counts.between + totalOf(fits) - totalOf(tested)
  return deepFreeze({
    ...verdict(judged, testable, evidence.pValue ?? 1, threshold, needed),
    ...evidence,
    ...(unjudgedIdentities > 0 ? { unjudgedIdentities } : {}),
  })
}

/** A phase, with what was counted while it was in force. */
interface Fit {
  readonly phase: ExpectedPhase
  readonly total: number
  readonly arms: readonly DeviatingArm[]
  /** The arms with identities where none are expected. */
  readonly strays: readonly DeviatingArm[]
}

function fit(phase: ExpectedPhase, counts: ReadonlyMap<string, number>): Fit {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const unlisted = [...counts.keys()].filter((variant) => !phase.shares.has(variant))
  const arms = [...phase.shares.keys(), ...unlisted.sort()].map((variant) => {
    const observed = counts.get(variant) ?? 0
    const share = phase.shares.get(variant)
    const expected = share === undefined ? null : total * share
    return { variant, observed, expected, deviation: deviation(observed, expected ?? 0) }
  })
  const strays = arms.filter(({ observed, expected }) => observed > 0 && (expected ?? 0) === 0)
  return { phase, total, arms, strays }
}

function totalOf(fits: readonly Fit[]): number {
  return fits.reduce((sum, { total }) => sum + total, 0)
}

/** The arms added up over the phases that are tested: those that any phase expects, then the others by key. */
function armsOf(fits: readonly Fit[], tested: readonly Fit[]): readonly DeviatingArm[] {
  const expected = new Set(fits.flatMap(({ phase }) => [...phase.shares.keys()]))
  const others = fits
    .flatMap(({ arms }) => arms.map(({ variant }) => variant))
    .filter((v) => !expected.has(v))
  const sums = new Map(
    [...expected, ...others.sort()].map((variant) => [
      variant,
      { variant, observed: 0, expected: expected.has(variant) ? 0 : null, deviation: 0 },
    ]),
  )
  for (const arm of tested.flatMap(({ arms }) => arms)) {
    const sum = sums.get(arm.variant)
    if (sum === undefined) continue
    sum.observed += arm.observed
    if (sum.expected !== null) sum.expected += arm.expected ?? 0
    sum.deviation += arm.deviation
  }
  return [...sums.values()]
}

function verdict(
  judged: readonly Fit[],
  testable: readonly Fit[],
  pValue: number,
  threshold: number,
  needed: number,
): Pick<SampleRatioResult, 'status' | 'reason'> {
  const strays = judged.flatMap(({ phase, strays }) =>
    strays.map(({ variant, observed }) => `${received(variant)} (${observed}${phase.name})`),
  )
  if (strays.length > 0) {
    return {
      status: 'mismatch',
      reason: `Identities were counted where none are expected: ${strays.join(', ')}.`,
    }
  }
  if (judged.length === 0) {
    const most = Math.max(...testable.map(({ total }) => total))
    const where = testable.length > 1 ? ' in the largest phase' : testable[0]?.phase.name
    return {
      status: 'not-enough-traffic',
      reason: `${most} identities were counted${where}, and a verdict needs ${needed}.`,
    }
  }
  if (pValue >= threshold) return { status: 'consistent' }
  return {
    status: 'mismatch',
    reason: `A split this far from the expected one has a probability of ${shortly(pValue)}, below ${threshold}.`,
  }
}
