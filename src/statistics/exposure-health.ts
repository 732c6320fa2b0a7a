import { invalidStatistics, quoted } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { binomial, logLowerTail } from './count-distributions.js'
import { timedSteps, whyNoCounts, whyNoSum, windowOf, type TimedCounts } from './counts.js'
import { expectedPhases, phaseThroughout, type ExpectedShares } from './expected-phases.js'
import { checkedOptions, type TimeWindow } from './options.js'
import { identities, percentages } from './words.js'

/** Whether an arm is still exposed. */
export interface ArmHealth {
  readonly variant: string
  /** Counted identities in closed buckets. */
  readonly identities: number
  /** The start of the last closed bucket with an identity of the arm; `null` for none. */
  readonly lastSeen: string | null
  /** Identities of the other arms in the closed buckets after that one. */
  readonly othersSince: number
  /**
   * The probability that an arm that is still exposed gets none of that many identities, corrected for the number of
   * arms, 0 to 1.
   */
  readonly pValue: number
  readonly isSilent: boolean
}

/** Whether new identities still arrive. */
export interface ExposureRate {
  /** `steady`; `fallen`; or `unknown`, if fewer than three periods say what is usual, or the usual rate is 0. */
  readonly status: 'steady' | 'fallen' | 'unknown'
  /** Identities of all arms in the last period. */
  readonly recent: number
  /** The median of the whole periods before it, from the first identity to the last one; `null` without any. */
  readonly usual: number | null
  /** `recent` over `usual`; `null` if there is no usual rate, or it is 0. */
  readonly ratio: number | null
}

/** The answer of {@link exposureHealth}. Plain, frozen data without NaN or Infinity. */
export interface ExposureHealthResult {
  /** `warning` if an arm is silent or the rate has fallen; `unknown` if neither can be judged; otherwise `healthy`. */
  readonly status: 'healthy' | 'warning' | 'unknown' | 'not-computable'
  /** Why it is not `healthy`, as a readable sentence. */
  readonly reason?: string
  /** In the order of `expected`. Empty for `not-computable`. */
  readonly arms: readonly ArmHealth[]
  readonly rate: ExposureRate
}

/** How strict {@link exposureHealth} is. */
export interface ExposureHealthOptions {
  /** The p-value below which an arm is silent, and a rate may have fallen; above 0 and below 1. Default 0.001. */
  readonly threshold?: number
  /** The ratio to the usual rate below which a rate may have fallen, above 0 and below 1. Default 0.5. */
  readonly fallenBelow?: number
  /** How long a period is, in hours, 1 to 1e6. Default 24; use 168 if weekends are quiet. */
  readonly periodHours?: number
  /** Variants that are neither arms nor strays, as in `sampleRatio`. Default none. */
  readonly leaveOut?: readonly string[]
  /**
   * The window of the steps or the summary. A view may have its own. Without one, nothing is known after the last bucket.
   */
  readonly window?: TimeWindow
}

/**
 * Does the experiment still run? A sample ratio covers everything ever counted, so it detects late that one arm
 * stopped, and never that all arms stopped. This check compares the end of the series with the experiment's own past.
 *
 * **Silent arm.** The check counts the identities of the other arms since this arm was last seen. The chance that each
 * would have been in this arm is the arm's share: the expected one, or the past one if that is smaller. The probability
 * that none was is Π (1 − share), times the number of arms.
 *
 * **Fallen rate.** The last period, 24 hours by default, is compared with the median of all whole periods before it,
 * from the first identity on. If the last period has nobody, these periods end with the last bucket that has somebody: a
 * silence does not become the usual rate, and stays a warning however long it is. With fewer than three of them, nobody
 * knows what is usual. The rate has fallen if it is less than half of that median, and if a fair coin would divide the
 * two this unevenly with a probability below the threshold. The factor of one half is needed because first exposures vary
 * with the hour and the day, and become fewer once most identities have been seen: a test without it would always raise an
 * alarm.
 *
 * Only closed buckets are read: with a window, those in it that are over when it ends. Sparse series are fine: a missing
 * bucket has no identities.
 *
 * @param observed - a summary, a view, or steps in the order of time, with their ends
 * @param expected - shares or phases, as for {@link sampleRatio}
 * @returns frozen data
 * @throws {@link ExposureError} as `sampleRatio`
 *
 * @example
 * ```ts
 * import { exposureHealth } from 'first-exposure/statistics'
 *
 * const day = (date: number, control: number, treatment: number) => ({
 *   start: new Date(Date.UTC(2026, 5, date)).toISOString(),
 *   end: new Date(Date.UTC(2026, 5, date + 1)).toISOString(),
 *   newIdentities: { control, treatment },
 * })
 * const days = [day(1, 510, 490), day(2, 520, 515), day(3, 480, 500), day(4, 505, 0), day(5, 150, 0)]
 * const health = exposureHealth(days, { control: 1, treatment: 1 })
 * health.status // => 'warning'
 * health.reason
 * // => '"treatment" has no identity since the bucket 2026-06-03T00:00:00.000Z, while 655 fell on other arms. The last 24 hours brought 150 identities, 15.2 % of the usual 990.'
 * ```
 */
export function exposureHealth(
  observed: TimedCounts,
  expected: ExpectedShares,
  options: ExposureHealthOptions = {},
): ExposureHealthResult {
  const { threshold, leaveOut, window } = checkedOptions(options, [
    'threshold',
    'fallenBelow',
    'periodHours',
    'leaveOut',
    'window',
  ])
  const { fallenBelow = 0.5, periodHours = 24 } = options
  if (typeof fallenBelow !== 'number' || !(fallenBelow > 0 && fallenBelow < 1)) {
    throw invalidStatistics('fallenBelow', fallenBelow, 'Pass a number above 0 and below 1.')
  }
  // No granularity is finer than an hour: most of the shorter periods would have nobody.
  if (typeof periodHours !== 'number' || !(periodHours >= 1 && periodHours <= 1e6)) {
    throw invalidStatistics('periodHours', periodHours, 'Pass a number from 1 to 1e6.')
  }
  const steps = timedSteps(observed, true, window)
  const phases = expectedPhases(expected, leaveOut)
  if (typeof phases === 'string') return notComputable(phases)
  const wrong = steps
    .map(({ start, counts }) => whyNoCounts(counts, `In the bucket ${start} the count`))
    .find((reason) => reason !== undefined)
  if (wrong !== undefined) return notComputable(wrong)
  const noSum = whyNoSum(steps.flatMap(({ counts }) => counts).reduce((sum, [, count]) => sum + count, 0))
  if (noSum !== undefined) return notComputable(noSum)

  const known = new Set(phases.flatMap(({ shares }) => [...shares.keys()]))
  const variants = [...known]
  const open = steps.at(-1)?.isOpen === true ? steps.at(-1) : undefined
  const closed = (open === undefined ? steps : steps.slice(0, -1)).map(
    ({ start, startMs, endMs, counts, ...step }) => {
      const byVariant = new Map(counts.filter(([variant]) => known.has(variant)))
      return {
        start,
        startMs,
        endMs,
        byVariant,
        total: [...byVariant.values()].reduce((sum, count) => sum + count, 0),
        shares: phases[phaseThroughout(phases, { startMs, endMs, ...step })]?.shares,
      }
    },
  )
  const arms = variants.map((variant): ArmHealth => {
    const last = closed.findLastIndex(({ byVariant }) => (byVariant.get(variant) ?? 0) > 0)
    const past = closed.slice(0, last + 1)
    const countOf = ({ byVariant }: (typeof closed)[number]): number => byVariant.get(variant) ?? 0
    // What the arm got is compared with what it should have got in the same buckets.
    const judged = past.filter(({ shares }) => shares?.has(variant) === true)
    const got = judged.reduce((sum, bucket) => sum + countOf(bucket), 0)
    const should = judged.reduce((sum, { total, shares }) => sum + total * (shares?.get(variant) ?? 0), 0)
    const fill = should === 0 ? 1 : Math.min(1, got / should)
    const since = closed.slice(last + 1)
    // A bucket without anybody says nothing, even where the arm should get everybody and the logarithm is infinite.
    const logPValue = since
      .filter(({ total }) => total > 0)
      .reduce(
        (sum, { total, shares }) => sum + total * Math.log1p(-fill * (shares?.get(variant) ?? 0)),
        Math.log(variants.length),
      )
    // An arm with the whole share is the only arm.
    const pValue = Math.min(1, Math.exp(logPValue))
    return {
      variant,
      identities: past.reduce((sum, bucket) => sum + countOf(bucket), 0),
      lastSeen: past.at(-1)?.start ?? null,
      othersSince: since.reduce((sum, { total }) => sum + total, 0),
      pValue,
      isSilent: pValue < threshold,
    }
  })

  const endMs = open?.startMs ?? windowOf(observed, window)?.asOfMs ?? closed.at(-1)?.endMs ?? 0
  const rate = rateOf(closed, endMs, periodHours * 3_600_000, fallenBelow, threshold)
  const reasons = arms
    .filter(({ isSilent }) => isSilent)
    .map(
      ({ variant, lastSeen, othersSince }) =>
        `${quoted(variant)} has no identity${lastSeen === null ? '' : ` since the bucket ${lastSeen}`}, while ${othersSince} fell on other arms.`,
    )
  if (rate.status === 'fallen' && rate.ratio !== null) {
    reasons.push(
      `The last ${periodHours === 1 ? 'hour' : `${periodHours} hours`} brought ${identities(rate.recent)}, ${percentages(rate.ratio, 1)[0]} of the usual ${rate.usual}.`,
    )
  }
  const isUnknown = rate.status === 'unknown' && arms.every((arm) => arm.identities === 0)
  return deepFreeze({
    ...(reasons.length > 0
      ? { status: 'warning', reason: reasons.join(' ') }
      : isUnknown
        ? { status: 'unknown', reason: 'No closed bucket has an identity.' }
        : { status: 'healthy' }),
    arms,
    rate,
  } satisfies ExposureHealthResult)
}

function rateOf(
  closed: readonly {
    readonly startMs: number
    readonly endMs: number
    readonly total: number
  }[],
  endMs: number,
  periodMs: number,
  fallenBelow: number,
  threshold: number,
): ExposureRate {
  // A series may be filled or sparse: a bucket without identities is as one that is missing.
  const busy = closed.filter(({ total }) => total > 0)
  const [first, last] = [busy[0], busy.at(-1)]
  if (first === undefined || last === undefined) {
    return noRate
  }
  const periodsUntil = (ms: number): number => Math.floor((ms - first.startMs) / periodMs + 0.1)
  // By how many periods before an instant; only those with a bucket, because a window may have any number of periods.
  const totalsUntil = (ms: number): ReadonlyMap<number, number> => {
    const totals = new Map<number, number>()
    for (const bucket of busy) {
      // A bucket belongs to the period of its middle: a day of 25 hours belongs to the period of its day.
      const place = Math.ceil((ms - (bucket.startMs + bucket.endMs) / 2) / periodMs) - 1
      totals.set(place, (totals.get(place) ?? 0) + bucket.total)
    }
    return totals
  }
  const totals = totalsUntil(endMs)
  const recent = totals.get(0) ?? 0
  const elapsed = Math.max(0, periodsUntil(endMs) - 1)
  // A silence is not what is usual: the periods before it end with the last identity.
  const [usualTotals, nearest, before] =
    recent > 0
      ? [totals, 1, elapsed]
      : [totalsUntil(last.endMs), 0, Math.min(elapsed, periodsUntil(last.endMs))]
  const sorted = [...usualTotals]
    .filter(([place]) => place >= nearest && place < nearest + before)
    .map(([, total]) => total)
    .sort((a, b) => a - b)
  // Before them in this order are the periods without a bucket, which have nobody.
  const at = (place: number): number => sorted[place - (before - sorted.length)] ?? 0
  const usual = before === 0 ? null : (at(Math.ceil(before / 2) - 1) + at(Math.floor(before / 2))) / 2
  const ratio = usual === null || usual === 0 ? null : recent / usual
  if (before < 3 || usual === null || ratio === null) return { status: 'unknown', recent, usual, ratio }
  const coin = binomial(recent + Math.round(usual), 0.5, 0.5)
  const isFallen = ratio < fallenBelow && logLowerTail(coin, recent) < Math.log(threshold)
  return { status: isFallen ? 'fallen' : 'steady', recent, usual, ratio }
}

const noRate: ExposureRate = { status: 'unknown', recent: 0, usual: null, ratio: null }

function notComputable(reason: string): ExposureHealthResult {
  return deepFreeze({
    status: 'not-computable',
    reason,
    arms: [],
    rate: noRate,
  })
}
