import { quoted } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { timedSteps, whyNoCounts, whyNoSum, type TimedCounts } from './counts.js'
import { multinomialTail } from './evidence.js'
import { expectedPhases, phaseThroughout, shareOfOthers, type ExpectedShares } from './expected-phases.js'
import { holmAdjusted } from './holm-adjusted.js'
import { logMean } from './multinomial-log-bayes-factor.js'
import { checkedOptions, type TimeWindow } from './options.js'
import { fit, type Fit } from './phase-evidence.js'
import { logBayesFactorOf, mixture } from './sequential-sample-ratio.js'
import { identities } from './words.js'

/** One arm of one bucket. */
export interface SampleRatioOnsetArm {
  readonly variant: string
  readonly observed: number
  readonly expected: number
  /** How many standard deviations `observed` is from `expected`: (observed − expected) / √(expected (1 − share)). */
  readonly residual: number
  /** The p-value with Holm's correction for all arms of all buckets, 0 to 1. */
  readonly adjustedPValue: number
}

/** One bucket that could be judged: one with identities. */
export interface SampleRatioOnsetBucket {
  /** The bucket's start, as it was passed; a `Date` or a number as ISO 8601 in UTC. */
  readonly start: string
  /** The index of the phase in force, in the order of time, from 0. */
  readonly phase: number
  readonly arms: readonly SampleRatioOnsetArm[]
  /** Is the bucket a mismatch by itself: is an arm's corrected p-value below the threshold? */
  readonly isBroken: boolean
}

/** Where the mismatch begins, and what is known from there on. */
export interface SampleRatioOnset {
  /** The start of the bucket in which it most probably began. */
  readonly start: string
  /**
   * The probability that it began in exactly this bucket, 0 to 1, if there is one change and every bucket with identities
   * was equally likely beforehand.
   */
  readonly probability: number
  /** The starts of the buckets between which it began, with a probability of 95 %. */
  readonly earliest: string
  readonly latest: string
  /** The index of the phase in which it began, in the order of time, from 0. */
  readonly phase: number
  /** The arm that is farthest from its expected count since then. */
  readonly arm: Omit<SampleRatioOnsetArm, 'adjustedPValue'>
}

/** The answer of {@link sampleRatioOnset}. Plain, frozen data without NaN or Infinity. */
export interface SampleRatioOnsetResult {
  /** `found`; `not-found`: no change was found; or `not-computable`. */
  readonly status: 'found' | 'not-found' | 'not-computable'
  /** When it began and in which arm, or why there is no answer, as a readable sentence. Absent for `not-found`. */
  readonly reason?: string
  /** `null` unless found. */
  readonly onset: SampleRatioOnset | null
  /** The logarithm of the Bayes factor for a change at some bucket, against none. `null` for `not-computable`. */
  readonly logBayesFactor: number | null
  /** A p-value: the smaller of 1 and 1 / Bayes factor. `null` for `not-computable`. */
  readonly pValue: number | null
  /** The buckets that could be judged, those with identities, in the order of time. */
  readonly buckets: readonly SampleRatioOnsetBucket[]
}

/** How strict {@link sampleRatioOnset} is. */
export interface SampleRatioOnsetOptions {
  /** The threshold for the change and, separately, for the family of buckets; above 0 and below 1. Default 0.001. */
  readonly threshold?: number
  /** Variants that are neither arms nor strays, as in `sampleRatio`. Default none. */
  readonly leaveOut?: readonly string[]
  /** The window of a summary. A view may have its own. Buckets are clipped to it, and left out if outside of it. */
  readonly window?: TimeWindow
}

/**
 * Since when is the split broken, and in which arm? Two answers from the same buckets.
 *
 * **The change.** For every bucket, the check computes the Bayes factor of "from here on the shares are different"
 * against "the shares are always as expected": that of {@link sequentialSampleRatio} for the counts from that bucket
 * on. The mean over the buckets, all equally likely, is the evidence for a change. Its reciprocal is a p-value
 * (Markov's inequality: the mean of Bayes factors has expectation 1 under the expected shares). A bucket's part of the
 * sum is the probability that the change was there. The first bucket is the start of the experiment, so "it was never
 * right" is a possible answer.
 *
 * **The buckets.** For every arm of every bucket, the check computes the exact or chi-squared p-value of its count
 * against all others, with Holm's correction for all of them: the probability that any correct bucket is called broken
 * is at most `threshold`. A fault that was repaired shows here, although it may not show as a change.
 *
 * @param observed - a summary, a view, or steps in the order of time; with several phases, steps must have their ends
 * @param expected - shares or phases, as for {@link sampleRatio}
 * @returns frozen data. Buckets without an identity of an arm, those in which the split changed, and those of a phase in
 *   which a single variant has all the share, are left out
 * @throws {@link ExposureError} as `sampleRatio`
 *
 * @example
 * ```ts
 * import { sampleRatioOnset } from 'first-exposure/statistics'
 *
 * const counts = [510, 495, 503, 400, 394, 411]
 * const steps = counts.map((treatment, day) => ({
 *   start: new Date(Date.UTC(2026, 5, 1 + day)).toISOString(),
 *   newIdentities: { control: 500, treatment },
 * }))
 * const { status, reason, onset } = sampleRatioOnset(steps, { control: 1, treatment: 1 })
 * status // => 'found'
 * onset?.start // => '2026-06-04T00:00:00.000Z'
 * reason
 * // => 'The split is off since 2026-06-04T00:00:00.000Z: "control" has 1500 identities since then and should have 1352.5.'
 * ```
 */
export function sampleRatioOnset(
  observed: TimedCounts,
  expected: ExpectedShares,
  options: SampleRatioOnsetOptions = {},
): SampleRatioOnsetResult {
  const { threshold, leaveOut, window } = checkedOptions(options, ['threshold', 'leaveOut', 'window'])
  const steps = timedSteps(observed, Array.isArray(expected) && expected.length > 1, window)
  const phases = expectedPhases(expected, leaveOut)
  if (typeof phases === 'string') return notComputable(phases)
  const judged: {
    readonly start: string
    readonly phase: number
    readonly fitted: Fit
  }[] = []
  for (const step of steps) {
    const wrong = whyNoCounts(step.counts, `In the bucket ${step.start} the count`)
    if (wrong !== undefined) return notComputable(wrong)
    const place = phaseThroughout(phases, step)
    const phase = phases[place]
    if (phase === undefined || phase.degreesOfFreedom < 1) continue
    const fitted = fit(phase, new Map(step.counts))
    // Nothing could be broken or begin where nobody came: the answer is that of the same series without this bucket.
    if (fitted.total === 0) continue
    judged.push({ start: step.start, phase: place, fitted })
  }
  const noSum = whyNoSum(judged.reduce((sum, { fitted }) => sum + fitted.total, 0))
  if (noSum !== undefined) return notComputable(noSum)
  if (judged.length === 0) {
    return notComputable('No bucket that can be judged has an identity.')
  }

  // Backwards from the last bucket: each adds its counts to those after it.
  const counts = phases.map(() => new Map<string, number>())
  const logarithms = judged
    .toReversed()
    .map(({ phase, fitted }) => {
      const sums = counts[phase]
      for (const { variant, observed: count } of fitted.arms) {
        sums?.set(variant, (sums.get(variant) ?? 0) + count)
      }
      return logMean(mixture.map((concentration) => logBayesFactorOf(phases, counts, concentration)))
    })
    .toReversed()
  const logBayesFactor = logMean(logarithms)
  if (!Number.isFinite(logBayesFactor)) return notComputable('The expected shares are too far apart.')
  const buckets = bucketsOf(judged, threshold)
  const evidence = {
    logBayesFactor,
    pValue: Math.min(1, Math.exp(-logBayesFactor)),
    buckets,
  }
  if (logBayesFactor <= -Math.log(threshold)) {
    return deepFreeze({ status: 'not-found', onset: null, ...evidence })
  }
  const onset = onsetOf(judged, logarithms)
  const { arm } = onset
  return deepFreeze({
    status: 'found',
    reason:
      `The split is off since ${onset.start}: ${quoted(arm.variant)} has ${identities(arm.observed)} since then and ` +
      `should have ${Number(arm.expected.toPrecision(6))}.`,
    onset,
    ...evidence,
  })
}

function onsetOf(
  judged: readonly {
    readonly start: string
    readonly phase: number
    readonly fitted: Fit
  }[],
  logarithms: readonly number[],
): SampleRatioOnset {
  const greatest = Math.max(...logarithms)
  const weights = logarithms.map((logarithm) => Math.exp(logarithm - greatest))
  const sum = weights.reduce((a, b) => a + b, 0)
  const place = logarithms.indexOf(greatest)
  const reached = (probability: number): number => {
    let soFar = 0
    const found = weights.findIndex((weight) => (soFar += weight / sum) >= probability)
    return found === -1 ? weights.length - 1 : found
  }
  const startOf = (at: number): string => judged[at]?.start ?? ''
  const since = new Map<string, { observed: number; expected: number; variance: number }>()
  for (const { fitted } of judged.slice(place)) {
    for (const { variant, observed, expected } of fitted.arms) {
      const sums = since.get(variant) ?? {
        observed: 0,
        expected: 0,
        variance: 0,
      }
      since.set(variant, {
        observed: sums.observed + observed,
        expected: sums.expected + expected,
        variance: sums.variance + expected * shareOfOthers(fitted.phase.shares, variant),
      })
    }
  }
  const arms = [...since].map(([variant, { observed, expected, variance }]) => ({
    variant,
    observed,
    expected,
    residual: (observed - expected) / Math.sqrt(variance),
  }))
  return {
    start: startOf(place),
    probability: 1 / sum,
    earliest: startOf(Math.min(place, reached(0.025))),
    latest: startOf(Math.max(place, reached(0.975))),
    phase: judged[place]?.phase ?? 0,
    arm: arms.reduce((a, b) => (Math.abs(b.residual) > Math.abs(a.residual) ? b : a)),
  }
}

function bucketsOf(
  judged: readonly {
    readonly start: string
    readonly phase: number
    readonly fitted: Fit
  }[],
  threshold: number,
): readonly SampleRatioOnsetBucket[] {
  // Two arms have the same evidence: one test is enough.
  const testsOf = ({ arms }: Fit): Fit['arms'] => (arms.length === 2 ? arms.slice(0, 1) : arms)
  const tests = judged.flatMap(({ fitted }) =>
    testsOf(fitted).map((arm) => ({
      arm,
      total: fitted.total,
      share: fitted.phase.shares.get(arm.variant) ?? 0,
      others: shareOfOthers(fitted.phase.shares, arm.variant),
    })),
  )
  const adjusted = holmAdjusted(
    tests.map(({ arm: { observed, expected }, total, share, others }) => {
      const statistic = (observed - expected) ** 2 / (expected * others)
      const level = threshold / tests.length
      return Math.exp(
        multinomialTail([observed, total - observed], [share, others], statistic, level).logPValue,
      )
    }),
  )
  let next = 0
  return judged.map(({ start, phase, fitted }) => {
    const first = next
    next += testsOf(fitted).length
    const arms = fitted.arms.map(({ variant, observed, expected }, place) => ({
      variant,
      observed,
      expected,
      residual: (observed - expected) / Math.sqrt(expected * shareOfOthers(fitted.phase.shares, variant)),
      adjustedPValue: adjusted[fitted.arms.length === 2 ? first : first + place] ?? 1,
    }))
    return {
      start,
      phase,
      arms,
      isBroken: arms.some(({ adjustedPValue }) => adjustedPValue < threshold),
    }
  })
}

function notComputable(reason: string): SampleRatioOnsetResult {
  return deepFreeze({
    status: 'not-computable',
    reason,
    onset: null,
    logBayesFactor: null,
    pValue: null,
    buckets: [],
  })
}
