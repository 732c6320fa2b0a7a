import { received } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { assertOptions } from './assert-options.js'
import { expectedPhases, phaseThroughout, type SampleRatioPhase } from './expected-phases.js'
import { invalidStatistics } from './invalid-statistics.js'
import { multinomialLogBayesFactor } from './multinomial-log-bayes-factor.js'
import { numbersByVariant, whyNoCounts } from './numbers-by-variant.js'
import { orderedSteps, type SampleRatioStep } from './ordered-steps.js'
import type { SampleRatioStatus } from './sample-ratio.js'
import { assertThreshold } from './threshold.js'

/** The part of a view that the test reads. */
export interface SampleRatioView {
  readonly points: readonly SampleRatioStep[]
  /** The window that the view was told: it says whether the last bucket is over. */
  readonly window?: { readonly asOfMs: number } | null
}

/** What the test knew after one bucket. */
export interface SequentialSampleRatioLook {
  /** The bucket's start, as it was passed. */
  readonly start: string
  /** Identities counted up to and including this bucket, less those that could not be judged. */
  readonly total: number
  /**
   * The logarithm of the Bayes factor against the expected shares: above 0 the counts speak against them, below 0 for
   * them. `null` where it is infinite: identities where none are expected.
   */
  readonly logBayesFactor: number | null
  /** The running p-value: the least of 1 and every 1 / Bayes factor so far. It never rises. */
  readonly pValue: number
}

/** The verdict of {@link sequentialSampleRatio}, with its evidence. Plain, frozen data without NaN or Infinity. */
export interface SequentialSampleRatioResult {
  /** As in `sampleRatio`; `not-enough-traffic` here means that no closed bucket has an identity. */
  readonly status: SampleRatioStatus
  /** Why it is not `consistent`, in a sentence for people. */
  readonly reason?: string
  /** After the last closed bucket; `null` where it is infinite, and where there is no look. */
  readonly logBayesFactor: number | null
  /** After the last closed bucket; `null` for `not-computable` and where there is no look. */
  readonly pValue: number | null
  /** The start of the first bucket after which the running p-value was below the threshold; `null` for none. */
  readonly firstCrossedAt: string | null
  /** The start of the last bucket where it was left out because it is still open; else `null`. */
  readonly openBucket: string | null
  /** One look for each closed bucket, in the order of time. Empty for `not-computable`. */
  readonly path: readonly SequentialSampleRatioLook[]
  /** With phases: the identities of closed buckets in which the split changed. Left out where it is 0. */
  readonly unjudgedIdentities?: number
}

/** How {@link sequentialSampleRatio} weighs and judges. */
export interface SequentialSampleRatioOptions {
  /**
   * How near to the expected shares the alternatives are that the test looks for: the sum of the Dirichlet prior's
   * parameters, above 0 and up to 1e9. The greater, the finer the deviations, and the more identities it takes to see
   * a coarse one. Default 10000.
   */
  readonly concentration?: number
  /** The running p-value below which the split is a mismatch, above 0 and below 1. Default 0.001. */
  readonly threshold?: number
}

/**
 * Does the split between the variants look like the one that was configured, for someone who looks after every
 * bucket? An anytime-valid test: under the expected shares the probability that it ever reports a mismatch is at most
 * `threshold`, however often and for however long it is looked at. Its price is a later answer than that of one
 * {@link sampleRatio} at a size fixed in advance.
 *
 * The prior is a Dirichlet distribution around the expected shares, αᵢ = concentration × shareᵢ. After each bucket
 *
 *     ln BF = ln Γ(A) − ln Γ(A + N) + Σ [ln Γ(αᵢ + nᵢ) − ln Γ(αᵢ)] − Σ nᵢ ln shareᵢ
 *     p = min(p before, 1 / BF)
 *
 * where A = Σ αᵢ, nᵢ counts variant i so far and N = Σ nᵢ. Source: M. Lindon and A. Malek, "Anytime-Valid Inference
 * for Multinomial Count Data", NeurIPS 2022. The default concentration is that of Optimizely's test; the authors later
 * used 100.
 *
 * Where the split changed in mid-experiment, pass the phases. Each has a prior of its own around its own shares, and
 * the logarithms of their Bayes factors add up: what the split will be is known before anyone is assigned by it, so the
 * product is still a martingale under the expected shares, and the promise holds. A bucket in which the split changed
 * is left out; `unjudgedIdentities` says how many that were.
 *
 * A running minimum never forgets, so only closed buckets may be fed: a last bucket with `partial: true` is left out
 * (a first one is closed and counts). Recompute it from the whole series each time; there is no state to store.
 *
 * Its promise is for counts that only grow. Quarantine takes identities back out of past buckets, so where many are
 * excluded the promise is approximate: show {@link excludedRatio} beside it. Late arrivals into closed buckets do the
 * same on a smaller scale.
 *
 * @param points - the steps in the order of time, or a view with such `points`; with several phases they say where they
 *   end
 * @param expected - what each variant should get, finite and from 0: shares, percentages or weights, of any sum; or
 *   phases in any order, as for {@link sampleRatio}. Identities in a variant whose share is 0, or that is not listed,
 *   are a mismatch from that bucket on
 * @returns frozen data. Never `consistent` unless every number was one, at least two variants have a share above 0 and
 *   an identity was counted. A count or share that is none is `not-computable`, with the reason
 * @throws {@link ExposureError} `invalid-statistics` for an argument of the wrong type, steps out of order, two
 *   phases from the same instant or an option out of bounds; `invalid-instant` for a time that is none
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
  expected: Readonly<Record<string, number>> | readonly SampleRatioPhase[],
  options: SequentialSampleRatioOptions = {},
): SequentialSampleRatioResult {
  assertOptions(options, ['concentration', 'threshold'])
  const { concentration = 10_000, threshold = 0.001 } = options
  assertThreshold(threshold)
  if (typeof concentration !== 'number' || !(concentration > 0 && concentration <= 1e9)) {
    throw invalidStatistics('concentration', concentration, 'Pass a number above 0 and up to 1e9.')
  }
  const steps = orderedSteps(points, Array.isArray(expected) && expected.length > 1)
  const last = steps.at(-1)
  const openBucket = last !== undefined && isOpen(last, points) ? last.start : null
  const phases = expectedPhases(expected)
  if (typeof phases === 'string') return notComputable(phases, openBucket)

  const armsByPhase = phases.map(({ shares }) => {
    const arms = new Map<string, { share: number; alpha: number; count: number }>()
    for (const [variant, share] of shares) {
      if (share > 0) arms.set(variant, { share, alpha: concentration * share, count: 0 })
    }
    return arms
  })
  const path: SequentialSampleRatioLook[] = []
  let total = 0
  let unjudgedIdentities = 0
  let pValue = 1
  const unexpected = new Map<string, string>()
  for (const step of openBucket === null ? steps : steps.slice(0, -1)) {
    const { start, newIdentities } = step
    const counts = numbersByVariant(newIdentities, `newIdentities of ${start}`)
    const noCounts = whyNoCounts(counts, `In the bucket ${start} the count`)
    if (noCounts !== undefined) return notComputable(noCounts, openBucket)
    const arms = armsByPhase[phaseThroughout(phases, step)]
    for (const [variant, count] of counts) {
      if (arms === undefined) {
        unjudgedIdentities += count
        continue
      }
      total += count
      const arm = arms.get(variant)
      if (arm !== undefined) arm.count += count
      else if (count > 0 && !unexpected.has(variant)) unexpected.set(variant, start)
    }
    const logBayesFactor =
      unexpected.size > 0
        ? Infinity
        : armsByPhase.reduce((sum, arms) => sum + multinomialLogBayesFactor([...arms.values()]), 0)
    // A prior too small for a double has no logarithm; nothing else gets here without one.
    if (unexpected.size === 0 && !Number.isFinite(logBayesFactor)) {
      return notComputable('The expected shares are too far apart for this concentration.', openBucket)
    }
    pValue = Math.min(pValue, Math.exp(-logBayesFactor))
    path.push({
      start,
      total,
      logBayesFactor: Number.isFinite(logBayesFactor) ? logBayesFactor : null,
      pValue,
    })
  }

  const firstCrossedAt = path.find(({ pValue }) => pValue < threshold)?.start ?? null
  const since = [...unexpected].map(([variant, start]) => `${received(variant)} since ${start}`)
  return deepFreeze({
    ...(total === 0
      ? { status: 'not-enough-traffic', reason: 'No closed bucket has an identity.' }
      : firstCrossedAt === null
        ? { status: 'consistent' }
        : {
            status: 'mismatch',
            reason:
              since.length > 0
                ? `Identities are counted where none are expected: ${since.join(', ')}.`
                : `Since ${firstCrossedAt} the running p-value is below ${threshold}.`,
          }),
    logBayesFactor: path.at(-1)?.logBayesFactor ?? null,
    pValue: path.at(-1)?.pValue ?? null,
    firstCrossedAt,
    openBucket,
    path,
    ...(unjudgedIdentities > 0 ? { unjudgedIdentities } : {}),
  } satisfies SequentialSampleRatioResult)
}

/** Does the window end inside the bucket? One that it only begins in is closed, and a view tells them apart. */
function isOpen({ partial, end }: SampleRatioStep, points: object): boolean {
  const { window } = points as Partial<SampleRatioView>
  return partial === true && (window == null || end === undefined || Date.parse(end) > window.asOfMs)
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
  })
}
