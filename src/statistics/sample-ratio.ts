import { quoted } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { chiSquaredCriticalValue } from './chi-squared-upper-tail.js'
import {
  isTimed,
  numbersByVariant,
  timedSteps,
  whyNoCounts,
  whyNoSum,
  type TimedCounts,
  type TimedStep,
  type VariantCount,
} from './counts.js'
import {
  areTrusted,
  multinomialTail,
  noEvidence,
  shareInterval,
  type PValueMethod,
  type ShareInterval,
  type TestEvidence,
} from './evidence.js'
import {
  expectedPhases,
  phaseThroughout,
  type ExpectedPhase,
  type ExpectedShares,
} from './expected-phases.js'
import { checkedOptions, type CheckOptions, type TimeWindow } from './options.js'
import { fit, phaseEvidence, type DeviatingArm, type Fit } from './phase-evidence.js'
import { below, identities } from './words.js'

/**
 * What a check of the sample ratio found.
 *
 * - `consistent`: no mismatch was found, and there are enough identities to find one. It does not prove that there is
 *   none: `detectable` of an arm says what this many identities could have shown
 * - `mismatch`: with the expected shares, the probability of such a split is below the threshold; something between
 *   assignment and counting loses or adds identities
 * - `not-enough-traffic`: no mismatch was found, and there are too few identities for that to be meaningful
 * - `not-computable`: there is nothing to compare, or a number cannot be a count or a share
 */
export type SampleRatioStatus = 'consistent' | 'mismatch' | 'not-enough-traffic' | 'not-computable'

/**
 * How strongly the p-value speaks against the split: `mismatch` below the threshold, `warning` from there up to the
 * warning threshold (check again with more identities), `none` above. `null` if there is no verdict.
 */
export type SampleRatioSeverity = 'none' | 'warning' | 'mismatch'

/** One configured variant, observed and expected. */
export interface SampleRatioArm {
  readonly variant: string
  /** Counted identities; 0 for a variant without traffic. */
  readonly observed: number
  /** Expected identities: the variant's share of all judged identities, summed over the phases if there are several. */
  readonly expected: number
  /** Its share of the statistic, 0 to 1: how much of the evidence comes from this arm. `null` if `statistic` is. */
  readonly statisticShare: number | null
  /** `observed` as a share of all judged identities, 0 to 1; `null` if no identity was judged. */
  readonly share: number | null
  /** `expected` as a share of all judged identities, 0 to 1; `null` if no identity was judged. */
  readonly expectedShare: number | null
  /**
   * The shares compatible with the count, with confidence 1 − threshold, for this arm alone. `null` if no identity was
   * judged.
   */
  readonly interval: ShareInterval | null
  /**
   * The nearest shares below and above the expected one that would have been a mismatch with this many identities, with
   * the other arms in proportion; `null` if even none or all of the identities would not be one. A share between the
   * two could not be detected. Of two arms and one phase they are exact. Of more arms they come from the chi-squared
   * distribution: if an arm expects few identities, the nearest mismatch may be a little further away. Of more phases
   * they are those of one phase with the same sums: the test of all phases together may need more.
   */
  readonly detectable: {
    readonly below: number | null
    readonly above: number | null
  }
}

/** Identities in variants that are not a configured arm. No other number includes them. */
export interface SampleRatioStrays {
  /** `none`; `few`, at most 1 % of all counted identities; or `many`. */
  readonly status: 'none' | 'few' | 'many'
  /** Which variants, as a readable sentence. Absent if there are no such variants. */
  readonly reason?: string
  readonly identities: number
  /** As a share of all identities counted and not left out, 0 to 1; 0 if no identity was counted. */
  readonly share: number
  /** By key. With phases, a variant is listed with its identities from the phases that give it no share. */
  readonly variants: readonly VariantCount[]
}

/** The arm that is missing most, if the deviation is a loss. */
export interface SampleRatioLoss {
  readonly variant: string
  /** The share of its identities that would be missing, 0 to 1, if the arm with the most for its share lost none. */
  readonly share: number
}

/** The verdict of {@link sampleRatio}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface SampleRatioResult {
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, as a readable sentence. */
  readonly reason?: string
  readonly severity: SampleRatioSeverity | null
  /**
   * Pearson's statistic, Σ (observed − expected)² / expected, over the arms of every phase. `null` if it cannot be
   * computed.
   */
  readonly statistic: number | null
  /** The number of arms with an expected share, minus one, summed over the phases. `null` for `not-computable`. */
  readonly degreesOfFreedom: number | null
  /**
   * The probability of a split at least this far from the expected one, if the expected shares are true, 0 to 1. `null`
   * if it cannot be computed. Read the verdict from `status`, not from a comparison with this: `null < 0.001` is true.
   */
  readonly pValue: number | null
  /** Its natural logarithm, even if the p-value is too small for a number and shows as 0. */
  readonly logPValue: number | null
  /** Where the p-value comes from. */
  readonly method: PValueMethod | null
  /** The arms in the order of `expected`. Empty for `not-computable`. */
  readonly arms: readonly SampleRatioArm[]
  /**
   * Practical size: how large the loss would be. A measured rate can be wrong by about as much. `null` if no identity
   * was judged.
   */
  readonly impliedLoss: SampleRatioLoss | null
  /** The number of identities from which a split without a mismatch is `consistent`. `null` for `not-computable`. */
  readonly neededTotal: number | null
  readonly strays: SampleRatioStrays
  /** The variants that the caller left out and that have identities, by key. No other number includes them. */
  readonly leftOut: readonly VariantCount[]
  /** If two phases or more were judged: the two tests. `pValue` is twice the smaller of theirs. */
  readonly components?: {
    readonly phases: TestEvidence
    readonly pooled: TestEvidence
  }
  /**
   * With phases: the identities of arms that could not be judged. They are those of a bucket in which the split
   * changed, and of a phase in which a single variant has the whole share. No other number includes them. Absent if it
   * is 0.
   */
  readonly unjudgedIdentities?: number
}

/** How strict {@link sampleRatio} is, and which data it uses. */
export interface SampleRatioOptions {
  /** The p-value below which the split is a mismatch, above 0 and below 1. Default 0.001. */
  readonly threshold?: number
  /** The p-value below which `severity` is `warning`, from `threshold` and below 1. Default 0.01, or `threshold` if more. */
  readonly warningThreshold?: number
  /**
   * The identities, over all arms, below which no verdict is given; a whole number. By default, a mismatch is reported
   * at any size, because its p-value holds at any size. `consistent` is reported from the number of identities that
   * would have shown that the smallest arm lost half of its own: 98 for two equal arms, 4,332 for 99 : 1.
   */
  readonly minimumTotal?: number
  /**
   * Variants that are neither arms nor strays: a holdout, `off`. Their identities are left out, and the shares of the
   * others are scaled to sum to 1. Default none.
   */
  readonly leaveOut?: readonly string[]
  /** The window of a summary. A view may have its own. Buckets are clipped to it; those outside of it are left out. */
  readonly window?: TimeWindow
}

export const optionNames: readonly (keyof SampleRatioOptions)[] = [
  'threshold',
  'warningThreshold',
  'minimumTotal',
  'leaveOut',
  'window',
]

/** The counts of a check, by kind. */
interface Sorted {
  readonly byPhase: readonly ReadonlyMap<string, number>[]
  /** Identities of configured arms in buckets in which the split changed. */
  readonly between: number
  readonly strays: SampleRatioStrays
  readonly leftOut: readonly VariantCount[]
}

/**
 * Does the split between the variants look like the one that was configured? Pearson's chi-squared test of goodness of
 * fit, exact if counts are small. Use it once: for a dashboard that is checked repeatedly, see
 * {@link sequentialSampleRatio}.
 *
 * If the expected count of every arm is large enough, the p-value is the tail of the chi-squared distribution. Enough
 * is 100 for a threshold of 0.001 or more, and below that it grows with the sixth power of the normal quantile (270 at
 * 0.0001). Otherwise the p-value is the exact probability of the multinomial distribution, summed over all outcomes
 * whose statistic is at least as great, ties included; see {@link PValueMethod} for its limits. So a correct split of
 * few identities is called a mismatch at most as often as the threshold says.
 *
 * Identities in a variant that is not in `expected`, or whose share is 0, do not affect the verdict: `strays` reports
 * them. A variant without traffic counts as 0.
 *
 * Sources: K. Pearson, "On the criterion that a given system of deviations…", Philosophical Magazine 50 (1900). The
 * threshold of 0.001 is GrowthBook's and Eppo's; Microsoft writes 0.0005, Statsig 0.01 with a warning level before it.
 * On causes: A. Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019.
 *
 * If the split changed during the experiment, the totals follow no single split. So pass the phases, and counts with
 * times: each identity is judged against the split in force at its first exposure. Two tests share the threshold, each
 * with half of it. The first adds up the phases' statistics and their degrees of freedom (R. A. Fisher, "Statistical
 * Methods for Research Workers", 1925): two phases that are wrong in opposite directions do not cancel out. The second
 * adds up their deviations, against the sum of their variances: it finds a small loss that is the same in every phase.
 * A first exposure is known only to its hour or day, so a bucket in which the split changed is left out;
 * `unjudgedIdentities` is the number of its identities. If assignment does not stick, a change of the split itself
 * moves identities to another variant and into quarantine, from one arm more than from another. The mismatch that the
 * earlier phases then show is real, and {@link assignedRatio} shows its cause.
 *
 * @param observed - identities by variant, whole numbers from 0; or an `ExposuresSummary`, a view, or steps in the
 *   order of time. With phases, one of these three; with several phases, steps must have their ends
 * @param expected - what each variant should get, finite and from 0: shares, percentages or weights, of any sum. Or
 *   phases in any order, each with its shares and, except the earliest, when they came into force
 * @returns frozen data. Never `consistent` unless every number was valid, at least two variants have a share above 0
 *   and enough identities were counted. A count or share that is NaN, infinite or negative, or a count that is not
 *   whole, is `not-computable`, with the reason. The order of the variants changes only the order of the arms
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type, points out of order, two phases
 *   from the same instant or an option out of bounds; `invalid-instant` for a time that cannot be one
 *
 * @example
 * ```ts
 * import { sampleRatio } from 'first-exposure/statistics'
 *
 * const result = sampleRatio({ control: 600, treatment: 400 }, { control: 1, treatment: 1 })
 * result.status // => 'mismatch'
 * result.reason
 * // => 'If the expected shares were true, a split at least this far from them would have a probability of 2.54e-10, below 0.001.'
 * result.pValue?.toPrecision(9) // => '2.53962859e-10'
 * result.method // => 'chi-squared'
 * const treatment = result.arms[1]
 * treatment?.share // => 0.4
 * treatment?.detectable // => { below: 0.447, above: 0.553 }
 * treatment?.interval?.high.toFixed(4) // => '0.4518'
 * result.impliedLoss?.share.toFixed(3) // => '0.333'
 *
 * // A hundred identities: no mismatch, but only 67 : 33 or further would have been one.
 * const small = sampleRatio({ control: 53, treatment: 47 }, { control: 50, treatment: 50 })
 * small.status // => 'consistent'
 * small.arms[0]?.detectable // => { below: 0.33, above: 0.67 }
 * sampleRatio({ control: 9, treatment: 1 }, { control: 0.5, treatment: 0.5 }).status // => 'not-enough-traffic'
 *
 * // A stray identity is reported beside the verdict.
 * const stray = sampleRatio({ control: 505, treatment: 495, qa: 1 }, { control: 1, treatment: 1 })
 * stray.status // => 'consistent'
 * stray.strays.reason // => '1 identity is in no configured arm: "qa" (1).'
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
  observed: Readonly<Record<string, number>> | TimedCounts,
  expected: Readonly<Record<string, number>>,
  options?: SampleRatioOptions,
): SampleRatioResult
export function sampleRatio(
  observed: TimedCounts,
  expected: ExpectedShares,
  options?: SampleRatioOptions,
): SampleRatioResult
export function sampleRatio(
  observed: Readonly<Record<string, number>> | TimedCounts,
  expected: ExpectedShares,
  options: SampleRatioOptions = {},
): SampleRatioResult {
  const checked = checkedOptions(options, optionNames)
  return ratioOf([{ observed, name: 'observed' }], expected, checked)
}

/** Counts that are judged together, with their name in a message. */
export interface NamedCounts {
  readonly observed: unknown
  readonly name: string
}

/** The least probable outcome of as many identities, in each phase, as were judged. */
interface LeastOutcome {
  /** The logarithm of its probability, which is in proportion to the number of identities. */
  readonly log: number
  /** The logarithm of how many outcomes are as improbable. */
  readonly logTies: number
}

/** The check of counts, and whether any counts of as many identities could be a mismatch. */
export interface JudgedRatio {
  readonly result: SampleRatioResult
  /** `null` if no identity was judged. */
  readonly least: LeastOutcome | null
}

/** The check of the given counts. */
export function ratioOf(
  counts: readonly NamedCounts[],
  expected: ExpectedShares,
  options: CheckOptions,
): SampleRatioResult {
  return judgedRatio(counts, expected, options, options.threshold).result
}

/**
 * The check of the given counts.
 *
 * @param level - the probability to compare the p-value with, if that is not the threshold
 */
export function judgedRatio(
  counts: readonly NamedCounts[],
  expected: ExpectedShares,
  options: CheckOptions,
  level: number,
): JudgedRatio {
  const given = counts.flatMap(({ observed, name }) => {
    if (Array.isArray(expected) || isTimed(observed)) {
      const isRamp = Array.isArray(expected) && expected.length > 1
      return timedSteps(observed, isRamp, options.window)
    }
    return [atOnce(observed, name)]
  })
  const phases = expectedPhases(expected, options.leaveOut)
  if (typeof phases === 'string') return notComputable(phases)
  const sorted = sortedCounts(given, phases, options.leaveOut)
  return typeof sorted === 'string' ? notComputable(sorted) : judged(phases, sorted, options, level)
}

/** All in an arm with the smallest share, in every phase. With several phases, the p-value is twice that of a test. */
function leastOutcome(fits: readonly Fit[]): LeastOutcome | null {
  if (fits.every(({ total }) => total === 0)) return null
  const leasts = fits.map(({ phase, total }) => {
    const share = Math.min(...phase.shares.values())
    const arms = [...phase.shares].filter(([, each]) => each <= share * (1 + 1e-9)).map(([arm]) => arm)
    return { log: total * Math.log(share), arms }
  })
  const alike = leasts.map(({ arms }) => arms).reduce((a, b) => a.filter((arm) => b.includes(arm)))
  return {
    log: leasts.reduce((sum, { log }) => sum + log, 0),
    logTies: Math.log(Math.max(1, alike.length)) + (fits.length > 1 ? Math.LN2 : 0),
  }
}

/** The counts of all time, which belong to a phase without an end. */
function atOnce(observed: unknown, name: string): TimedStep {
  return {
    start: '',
    startMs: 0,
    endMs: 0,
    isOpen: false,
    counts: numbersByVariant(observed, name),
  }
}

/** The counts by phase, those in no arm, and those left out; or, as a text, why they cannot be counts. */
function sortedCounts(
  steps: readonly TimedStep[],
  phases: readonly ExpectedPhase[],
  leaveOut: ReadonlySet<string>,
): Sorted | string {
  const byPhase = phases.map(() => new Map<string, number>())
  const configured = new Set(phases.flatMap(({ shares }) => [...shares.keys()]))
  const strays = new Map<string, number>()
  const straysByPhase = new Map<string, number>()
  const leftOut = new Map<string, number>()
  let [between, all] = [0, 0]
  const add = (sums: Map<string, number>, key: string, count: number): unknown =>
    sums.set(key, (sums.get(key) ?? 0) + count)
  for (const step of steps) {
    const name = step.start === '' ? 'The count' : `In the bucket ${step.start} the count`
    const noCounts = whyNoCounts(step.counts, name)
    if (noCounts !== undefined) return noCounts
    const phase = phaseThroughout(phases, step)
    for (const [variant, count] of step.counts) {
      if (count === 0) continue
      if (leaveOut.has(variant)) {
        add(leftOut, variant, count)
        continue
      }
      all += count
      const shares = phases[phase]?.shares
      if (shares === undefined ? configured.has(variant) : shares.has(variant)) {
        if (shares === undefined) between += count
        else add(byPhase[phase] ?? new Map(), variant, count)
      } else {
        add(strays, variant, count)
        add(straysByPhase, `${quoted(variant)}${phases[phase]?.name ?? ''}`, count)
      }
    }
  }
  const noSum = whyNoSum(all)
  if (noSum !== undefined) return noSum
  return {
    byPhase,
    between,
    strays: straysOf(
      strays,
      all,
      [...straysByPhase].map(([name, count]) => `${name} (${count})`),
    ),
    leftOut: byKey(leftOut),
  }
}

/** The report of the identities in no arm. */
export function straysOf(
  strays: ReadonlyMap<string, number>,
  all: number,
  names: readonly string[],
): SampleRatioStrays {
  const variants = byKey(strays)
  const sum = variants.reduce((total, { identities: count }) => total + count, 0)
  const share = all === 0 ? 0 : sum / all
  return {
    status: sum === 0 ? 'none' : share > 0.01 ? 'many' : 'few',
    ...(sum === 0
      ? {}
      : {
          reason: `${identities(sum, ['is', 'are'])} in no configured arm: ${[...names].sort().join(', ')}.`,
        }),
    identities: sum,
    share,
    variants,
  }
}

export const noStrays: SampleRatioStrays = {
  status: 'none',
  identities: 0,
  share: 0,
  variants: [],
}

/** The counts of a map, in the order of the keys. */
export function byKey(counts: ReadonlyMap<string, number>): readonly VariantCount[] {
  return [...counts]
    .map(([variant, count]) => ({ variant, identities: count }))
    .sort((a, b) => (a.variant < b.variant ? -1 : 1))
}

function judged(
  phases: readonly ExpectedPhase[],
  { byPhase, between, strays, leftOut }: Sorted,
  options: CheckOptions,
  level: number,
): JudgedRatio {
  const { threshold } = options
  const fits = phases.map((phase, place) => fit(phase, byPhase[place] ?? new Map()))
  const testable = fits.filter(({ phase }) => phase.degreesOfFreedom > 0)
  const counted = testable.filter(({ total }) => total > 0)
  const tested = counted.length > 0 ? counted : testable
  const total = totalOf(tested)
  const evidence = phaseEvidence(tested, level)
  const arms = armsOf(fits, tested)
  const shares = arms.filter(({ expected }) => expected > 0 || total === 0)
  const neededTotal = options.minimumTotal ?? neededFor(sharesOf(arms, total, tested), threshold)
  const unjudgedIdentities = between + totalOf(fits) - total
  const result = deepFreeze({
    ...splitVerdict(evidence.logPValue, total, arms, neededTotal, options),
    statistic: evidence.statistic,
    degreesOfFreedom: evidence.degreesOfFreedom,
    pValue: evidence.pValue,
    logPValue: evidence.logPValue,
    method: evidence.method,
    arms: arms.map((arm) => shownArm(arm, shares.length, total, evidence.statistic, threshold)),
    impliedLoss: lossOf(shares, total),
    neededTotal,
    strays,
    leftOut,
    ...(evidence.components === undefined ? {} : { components: evidence.components }),
    ...(unjudgedIdentities > 0 ? { unjudgedIdentities } : {}),
  })
  return { result, least: leastOutcome(tested) }
}

function totalOf(fits: readonly Fit[]): number {
  return fits.reduce((sum, { total }) => sum + total, 0)
}

/** The arms added up over the phases that are tested. */
function armsOf(fits: readonly Fit[], tested: readonly Fit[]): readonly DeviatingArm[] {
  const variants = new Set(fits.flatMap(({ phase }) => [...phase.shares.keys()]))
  const sums = new Map(
    [...variants].map((variant) => [variant, { variant, observed: 0, expected: 0, deviation: 0 }]),
  )
  for (const arm of tested.flatMap(({ arms }) => arms)) {
    const sum = sums.get(arm.variant)
    if (sum === undefined) continue
    sum.observed += arm.observed
    sum.expected += arm.expected
    sum.deviation += arm.deviation
  }
  return [...sums.values()]
}

/** The arms' shares of the judged identities; if no identity was judged, those of the first phase. */
function sharesOf(arms: readonly DeviatingArm[], total: number, tested: readonly Fit[]): readonly number[] {
  if (total === 0) return [...(tested[0]?.phase.shares.values() ?? [])]
  return arms.map(({ expected }) => expected / total).filter((share) => share > 0)
}

/**
 * How many identities would show that the smallest arm lost half of its own? With a share p it would have
 * p / (2 − p) of the rest, and the others in proportion, so that Pearson's statistic is N p (1 − p) / (2 − p)².
 */
export function neededFor(shares: readonly number[], threshold: number): number {
  const p = Math.min(...shares)
  if (shares.length < 2) return 1
  const critical = chiSquaredCriticalValue(threshold, shares.length - 1)
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil((critical * (2 - p) ** 2) / (p * (1 - p))))
}

function shownArm(
  { variant, observed, expected, deviation }: DeviatingArm,
  arms: number,
  total: number,
  statistic: number | null,
  threshold: number,
): SampleRatioArm {
  return {
    variant,
    observed,
    expected,
    statisticShare: statistic === null ? null : statistic === 0 ? 0 : deviation / statistic,
    share: total === 0 ? null : observed / total,
    expectedShare: total === 0 ? null : expected / total,
    interval: total === 0 ? null : shareInterval(observed, total, threshold),
    detectable: detectable(expected, total, arms, threshold),
  }
}

/** The nearest shares of an arm that would have been a mismatch, with the other arms in proportion. */
function detectable(
  expected: number,
  total: number,
  arms: number,
  threshold: number,
): SampleRatioArm['detectable'] {
  if (!(expected > 0)) return { below: null, above: null }
  const share = expected / total
  const critical = chiSquaredCriticalValue(threshold, arms - 1)
  const statisticOf = (count: number): number => (count - expected) ** 2 / (expected * (1 - share))
  const isTrusted = arms > 2 || areTrusted([expected, total - expected], threshold)
  const isFound = (count: number): boolean =>
    isTrusted
      ? statisticOf(count) > critical
      : multinomialTail([count, total - count], [share, 1 - share], statisticOf(count), threshold).logPValue <
        Math.log(threshold)
  const nearest = (end: number, within: number): number | null => {
    if (!isFound(end)) return null
    if (isFound(within)) return within / total
    let [near, found] = [within, end]
    while (Math.abs(found - near) > 1) {
      const between = Math.round((near + found) / 2)
      if (isFound(between)) found = between
      else near = between
    }
    return found / total
  }
  return {
    below: nearest(0, Math.floor(expected)),
    above: nearest(total, Math.ceil(expected)),
  }
}

/** The arm with the fewest identities for its share, against the one with the most. */
function lossOf(arms: readonly DeviatingArm[], total: number): SampleRatioLoss | null {
  if (total === 0) return null
  const filled = arms.map(({ variant, observed, expected }) => ({
    variant,
    fill: observed / expected,
  }))
  const least = filled.reduce((a, b) =>
    b.fill < a.fill || (b.fill === a.fill && b.variant < a.variant) ? b : a,
  )
  const most = Math.max(...filled.map(({ fill }) => fill))
  return {
    variant: least.variant,
    share: most > 0 && Number.isFinite(most) ? 1 - least.fill / most : 1,
  }
}

type VerdictOptions = Pick<CheckOptions, 'threshold' | 'warningThreshold' | 'minimumTotal'>

/** How the two sentences of a verdict begin and end. */
interface VerdictWords {
  /** What the p-value assumes, and the deviation that it is the probability of. */
  readonly premise: string
  /** What was done to the identities that decide: `counted`. */
  readonly done: string
  /** Why fewer identities are too few, with a colon before it. */
  readonly whyTooFew?: string
  /** What the p-value is corrected for, with a space before it. */
  readonly correction?: string
}

/**
 * The verdict from a p-value.
 *
 * @param total - the identities that decide
 * @param needed - how many of them a verdict needs
 */
export function verdict(
  logPValue: number | null,
  total: number,
  needed: number,
  { threshold, warningThreshold, minimumTotal }: VerdictOptions,
  { premise, done, whyTooFew = '', correction }: VerdictWords,
): Pick<SampleRatioResult, 'status' | 'reason' | 'severity'> {
  const isBelow = (level: number): boolean => logPValue !== null && logPValue < Math.log(level)
  const isSilenced = minimumTotal !== undefined && total < minimumTotal
  if (logPValue !== null && isBelow(threshold) && !isSilenced) {
    const reason = `${premise} would have a probability of ${below(logPValue, threshold, correction)}.`
    return { status: 'mismatch', reason, severity: 'mismatch' }
  }
  if (logPValue === null || total < needed) {
    return {
      status: 'not-enough-traffic',
      reason: `${identities(total, ['was', 'were'])} ${done}, and a verdict needs ${Math.max(needed, 1)}${whyTooFew}.`,
      severity: isBelow(warningThreshold) && !isSilenced ? 'warning' : null,
    }
  }
  return { status: 'consistent', severity: isBelow(warningThreshold) ? 'warning' : 'none' }
}

/** The verdict on the split between these arms. */
export function splitVerdict(
  logPValue: number | null,
  total: number,
  arms: readonly Pick<DeviatingArm, 'variant' | 'expected'>[],
  needed: number,
  options: VerdictOptions,
  correction: string = '',
): Pick<SampleRatioResult, 'status' | 'reason' | 'severity'> {
  // Not an arm whose phase has not come yet. Of arms with the same share, the first by key: the order of the variants
  // changes no sentence.
  const inForce = arms.filter(({ expected }) => expected > 0)
  const smallest = (inForce.length > 0 ? inForce : arms).reduce((a, b) =>
    b.expected < a.expected || (b.expected === a.expected && b.variant < a.variant) ? b : a,
  )
  return verdict(logPValue, total, needed, options, {
    premise: 'If the expected shares were true, a split at least this far from them',
    done: 'counted',
    whyTooFew:
      options.minimumTotal === undefined && total > 0
        ? `: fewer could not show that ${quoted(smallest.variant)} lost half of its own`
        : '',
    correction,
  })
}

/** The answer where there is nothing to compare. */
function notComputable(reason: string): JudgedRatio {
  const result: SampleRatioResult = deepFreeze({
    status: 'not-computable',
    reason,
    severity: null,
    ...noEvidence(null),
    arms: [],
    impliedLoss: null,
    neededTotal: null,
    strays: noStrays,
    leftOut: [],
  })
  return { result, least: null }
}
