import { aList } from '../checks.js'
import { invalidStatistics, quoted } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import {
  timedSteps,
  whyNoCounts,
  whyNoSum,
  windowOf,
  type SampleRatioStep,
  type SampleRatioSummary,
  type SampleRatioView,
  type VariantCount,
} from './counts.js'
import {
  expectedPhases,
  phaseThroughout,
  type ExpectedPhase,
  type ExpectedShares,
} from './expected-phases.js'
import { logMean, multinomialLogBayesFactor } from './multinomial-log-bayes-factor.js'
import { checkedOptions, type TimeWindow } from './options.js'
import { byKey, noStrays, straysOf, type SampleRatioStatus, type SampleRatioStrays } from './sample-ratio.js'

/** What the test knew after one bucket. */
export interface SequentialSampleRatioLook {
  /** The bucket's start, as it was passed; a `Date` or a number as ISO 8601 in UTC. */
  readonly start: string
  /** Judged identities up to and including this bucket: those of the arms, without those between two phases. */
  readonly total: number
  /**
   * The logarithm of the Bayes factor against the expected shares, averaged over the concentrations: above 0 the counts
   * are evidence against them, below 0 for them.
   */
  readonly logBayesFactor: number
  /** The running p-value: the smallest of 1 and every 1 / Bayes factor so far. It never rises along the path. */
  readonly pValue: number
}

/** Identities in variants that are not a configured arm, and since when. */
export interface SequentialStrays extends SampleRatioStrays {
  /** The start of the first closed bucket with one; `null` for none. */
  readonly since: string | null
}

/** The verdict of {@link sequentialSampleRatio}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface SequentialSampleRatioResult {
  /**
   * As in `sampleRatio`, except that `consistent` needs no minimum number of identities: the test has not crossed its
   * threshold so far. `not-enough-traffic` means that no closed bucket has an identity to judge.
   */
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, as a readable sentence. */
  readonly reason?: string
  /** After the last closed bucket; `null` for `not-computable` and where there is no look. */
  readonly logBayesFactor: number | null
  /** After the last closed bucket; `null` for `not-computable` and where there is no look. */
  readonly pValue: number | null
  /** The start of the first bucket after which the running p-value was below the threshold; `null` for none. */
  readonly firstCrossedAt: string | null
  /** The start of the last bucket of the window if it was left out because it is still open; otherwise `null`. */
  readonly openBucket: string | null
  /** One look for each closed bucket, in the order of time. Empty for `not-computable`. */
  readonly path: readonly SequentialSampleRatioLook[]
  /** The identities in no configured arm, in closed buckets. */
  readonly strays: SequentialStrays
  /** The variants that the caller left out and that have identities in closed buckets, by key. */
  readonly leftOut: readonly VariantCount[]
  /** With phases: the identities of arms in closed buckets in which the split changed. Absent if it is 0. */
  readonly unjudgedIdentities?: number
}

/** The prior, the threshold and the data of {@link sequentialSampleRatio}. */
export interface SequentialSampleRatioOptions {
  /**
   * The sum of the Dirichlet prior's parameters, above 0 and up to 1e9. It says how close to the expected shares the
   * alternatives are that the test looks for. A greater value finds smaller deviations, but needs more identities to
   * find a large one. A list averages their Bayes factors. Default 10, 100, 1,000, 10,000 and 100,000.
   */
  readonly concentration?: number | readonly number[]
  /** The running p-value below which the split is a mismatch, above 0 and below 1. Default 0.001. */
  readonly threshold?: number
  /** Variants that are neither arms nor strays, as in `sampleRatio`. Default none. */
  readonly leaveOut?: readonly string[]
  /**
   * The window of the steps or the summary; required with a summary. A view may have its own. Steps must then have their
   * ends: a bucket that is not over when the window ends is still open, and one outside of the window is left out.
   */
  readonly window?: TimeWindow
}

/** The concentrations that are averaged over by default. */
export const mixture: readonly number[] = [10, 100, 1000, 10_000, 100_000]

/**
 * Does the split between the variants look like the one that was configured, if you look after every bucket? This is an
 * anytime-valid test: under the expected shares, the probability that it ever reports a mismatch is at most
 * `threshold`, however often and however long you look. The price is a later answer than that of one
 * {@link sampleRatio} at a size fixed in advance.
 *
 * The prior is a Dirichlet distribution around the expected shares, αᵢ = concentration × shareᵢ. After each bucket
 *
 *     ln BF = ln Γ(A) − ln Γ(A + N) + Σ [ln Γ(αᵢ + nᵢ) − ln Γ(αᵢ)] − Σ nᵢ ln shareᵢ
 *     p = min(p before, 1 / mean of BF over the concentrations)
 *
 * where A = Σ αᵢ, nᵢ counts variant i so far and N = Σ nᵢ. Source: M. Lindon and A. Malek, "Anytime-Valid Inference for
 * Multinomial Count Data", NeurIPS 2022. Each Bayes factor is a martingale under the expected shares, and so is their
 * mean; a martingale that starts at 1 exceeds 1 / threshold at any time with at most that probability (J. Ville, 1939). A
 * single concentration sees deviations of about 1 / √concentration best: at 10,000, Optimizely's default, 360 : 0 is not
 * yet a mismatch. The mean over five crosses 0.001 of two equal arms with 23 identities of 100 : 0, 125 of 70 : 30 and
 * about 12,400 of 52 : 48.
 *
 * If the split changed during the experiment, pass the phases. Each has a prior of its own around its own shares, and
 * the logarithms of their Bayes factors add up, separately for each concentration: a split is known before any identity
 * is assigned by it, so the product is still a martingale. A bucket in which the split changed is left out;
 * `unjudgedIdentities` is the number of its identities. Identities in no configured arm do not affect the verdict: see
 * `strays`.
 *
 * **What is promised.** For counts that only grow: if the expected shares are true, the probability that a look at
 * *any* closed bucket reports a mismatch is at most `threshold`. Within one answer the running p-value never rises, so
 * only closed buckets may be used: the last bucket is left out if the window ends inside it or, without a window, if it
 * has `partial: true` (a first one is closed and counts).
 *
 * **What is not.** There is no state to store: each answer is computed anew from the whole series, so "never forgets"
 * is true of the path within an answer, not from one answer to the next. Quarantine takes identities back out of past
 * buckets, and late arrivals add to them. Then the path changes, and yesterday's mismatch may be `consistent` today,
 * even if quarantine is even. For a permanent alarm, store the first `firstCrossedAt` you get. For counts that only
 * grow, pass identities by their *first* variant, quarantined or not (see {@link assignedRatio}): no identity leaves
 * those counts. And show {@link excludedRatio} beside the verdict.
 *
 * @param points - the steps in the order of time, or a view with such `points`, or a summary with its `window`; with
 *   several phases or a window, steps must have their ends
 * @param expected - what each variant should get, finite and from 0: shares, percentages or weights, of any sum; or
 *   phases in any order, as for {@link sampleRatio}
 * @returns frozen data. Never `consistent` unless every number was valid, at least two variants have a share above 0
 *   and an identity was judged. Anything else among the counts or shares is `not-computable`, with the reason
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type, steps out of order, two phases
 *   from the same instant or an option out of bounds; `invalid-instant` for a time that cannot be one
 *
 * @example
 * ```ts
 * import { sequentialSampleRatio } from 'first-exposure/statistics'
 *
 * const points = [
 *   { start: '2026-06-01T00:00:00.000Z', newIdentities: { control: 5000, treatment: 5050 } },
 *   { start: '2026-06-02T00:00:00.000Z', newIdentities: { control: 5000, treatment: 4500 } },
 *   { start: '2026-06-03T00:00:00.000Z', newIdentities: { control: 5000, treatment: 4400 } },
 *   { start: '2026-06-04T00:00:00.000Z', newIdentities: { control: 90, treatment: 10 }, partial: true },
 * ]
 * const { status, firstCrossedAt, openBucket, path } = sequentialSampleRatio(points, { control: 1, treatment: 1 })
 * status // => 'mismatch'
 * firstCrossedAt // => '2026-06-03T00:00:00.000Z'
 * openBucket // => '2026-06-04T00:00:00.000Z'
 * path.map(({ total }) => total) // => [10050, 19550, 28950]
 * ```
 */
export function sequentialSampleRatio(
  points: readonly SampleRatioStep[] | SampleRatioView,
  expected: ExpectedShares,
  options?: SequentialSampleRatioOptions,
): SequentialSampleRatioResult
export function sequentialSampleRatio(
  summary: SampleRatioSummary,
  expected: ExpectedShares,
  options: SequentialSampleRatioOptions & { readonly window: TimeWindow },
): SequentialSampleRatioResult
export function sequentialSampleRatio(
  points: readonly SampleRatioStep[] | SampleRatioView | SampleRatioSummary,
  expected: ExpectedShares,
  options: SequentialSampleRatioOptions = {},
): SequentialSampleRatioResult {
  const names = ['concentration', 'threshold', 'leaveOut', 'window']
  const { threshold, leaveOut, window } = checkedOptions(options, names)
  const concentrations = checkedConcentrations(options.concentration)
  const isSummary = 'timeseries' in Object(points)
  if (isSummary && window === undefined) {
    const advice = 'Pass the window that the summary was asked for: it says whether the last bucket is over.'
    throw invalidStatistics('options.window', undefined, advice)
  }
  const isRamp = Array.isArray(expected) && expected.length > 1
  const steps = timedSteps(points, isRamp || windowOf(points, window) !== undefined, window)
  const last = steps.at(-1)
  const openBucket = last?.isOpen === true ? last.start : null
  const phases = expectedPhases(expected, leaveOut)
  if (typeof phases === 'string') return notComputable(phases, openBucket)

  const counts = phases.map(() => new Map<string, number>())
  const configured = new Set(phases.flatMap(({ shares }) => [...shares.keys()]))
  const path: SequentialSampleRatioLook[] = []
  const strays = new Map<string, number>()
  const straySince = new Map<string, string>()
  const leftOut = new Map<string, number>()
  let [total, unjudgedIdentities, pValue] = [0, 0, 1]
  for (const step of openBucket === null ? steps : steps.slice(0, -1)) {
    const { start } = step
    const noCounts = whyNoCounts(step.counts, `In the bucket ${start} the count`)
    if (noCounts !== undefined) return notComputable(noCounts, openBucket)
    const place = phaseThroughout(phases, step)
    const shares = phases[place]?.shares
    for (const [variant, count] of step.counts) {
      if (count === 0) continue
      if (leaveOut.has(variant)) leftOut.set(variant, (leftOut.get(variant) ?? 0) + count)
      else if (!(shares === undefined ? configured : shares).has(variant)) {
        strays.set(variant, (strays.get(variant) ?? 0) + count)
        if (!straySince.has(variant)) straySince.set(variant, start)
      } else if (shares === undefined) unjudgedIdentities += count
      else {
        total += count
        counts[place]?.set(variant, (counts[place].get(variant) ?? 0) + count)
      }
    }
    const noSum = whyNoSum(total)
    if (noSum !== undefined) return notComputable(noSum, openBucket)
    const logBayesFactor = logMean(
      concentrations.map((concentration) => logBayesFactorOf(phases, counts, concentration)),
    )
    // Only a prior too small for a double has no logarithm here.
    if (!Number.isFinite(logBayesFactor)) {
      return notComputable('The expected shares are too far apart for this concentration.', openBucket)
    }
    pValue = Math.min(pValue, Math.exp(-logBayesFactor))
    path.push({ start, total, logBayesFactor, pValue })
  }

  const firstCrossedAt = path.find((look) => look.pValue < threshold)?.start ?? null
  const strayTotal = [...strays.values()].reduce((sum, count) => sum + count, 0)
  const strayNames = [...straySince].map(([variant, start]) => `${quoted(variant)} since ${start}`)
  return deepFreeze({
    ...(total === 0
      ? {
          status: 'not-enough-traffic',
          reason: 'No closed bucket has an identity to judge.',
        }
      : firstCrossedAt === null
        ? { status: 'consistent' }
        : {
            status: 'mismatch',
            reason: `Since ${firstCrossedAt} the running p-value is below ${threshold}.`,
          }),
    logBayesFactor: path.at(-1)?.logBayesFactor ?? null,
    pValue: path.at(-1)?.pValue ?? null,
    firstCrossedAt,
    openBucket,
    path,
    strays: {
      ...straysOf(strays, total + unjudgedIdentities + strayTotal, strayNames),
      since: [...straySince.values()][0] ?? null,
    },
    leftOut: byKey(leftOut),
    ...(unjudgedIdentities > 0 ? { unjudgedIdentities } : {}),
  } satisfies SequentialSampleRatioResult)
}

function checkedConcentrations(value: unknown): readonly number[] {
  if (value === undefined) return mixture
  const list = Array.isArray(value) ? aList(value, 'concentration', invalidStatistics) : [value]
  for (const concentration of list) {
    if (typeof concentration !== 'number' || !(concentration > 0 && concentration <= 1e9)) {
      throw invalidStatistics(
        'concentration',
        concentration,
        'Pass a number above 0 and up to 1e9, or a list of them.',
      )
    }
  }
  if (list.length === 0) throw invalidStatistics('concentration', value, 'Pass one concentration at least.')
  return list as readonly number[]
}

/** The phases' Bayes factors, multiplied. */
export function logBayesFactorOf(
  phases: readonly ExpectedPhase[],
  counts: readonly ReadonlyMap<string, number>[],
  concentration: number,
): number {
  return phases.reduce((sum, { shares }, place) => {
    const arms = [...shares].map(([variant, share]) => ({
      share,
      alpha: concentration * share,
      count: counts[place]?.get(variant) ?? 0,
    }))
    return sum + multinomialLogBayesFactor(arms)
  }, 0)
}

function notComputable(reason: string, openBucket: string | null): SequentialSampleRatioResult {
  return deepFreeze({
    status: 'not-computable',
    reason,
    logBayesFactor: null,
    pValue: null,
    firstCrossedAt: null,
    openBucket,
    path: [],
    strays: { ...noStrays, since: null },
    leftOut: [],
  })
}
