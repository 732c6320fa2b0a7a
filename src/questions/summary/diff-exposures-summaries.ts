import { withFields } from '../../checks.js'
import { incompatibleSummaries, invalidSpec } from '../../errors.js'
import {
  aMultiVariantPolicy,
  multiVariantPolicies,
  type MultiVariantPolicy,
} from '../../experiment/multi-variant-policy.js'
import { deepFreeze } from '../../freeze.js'
import { bucketAxis } from '../../time/local-days.js'
import { granularities, type Granularity } from '../../time/granularity.js'
import { checkedSummary } from './checked-summary.js'
import type { ExposuresSummary } from './exposures-summary.js'

/** What a refresh changed in one variant. */
export interface VariantChange {
  readonly variant: string
  readonly before: number
  readonly after: number
  /**
   * At least this many of the identities that counted in this variant before are excluded now. There may be more, if
   * new identities hide them.
   */
  readonly movedToExcluded: number
}

/** What a refresh changed in one bucket. */
export interface ExposuresChange {
  /** The bucket's start, as an ISO 8601 instant in UTC. */
  readonly bucket: string
  /** True if the bucket had ended when `before` was made: `before` has identities in a later bucket. */
  readonly closed: boolean
  /** By variant key, every count that changed: after minus before. Read it with `Object.entries` or `Object.hasOwn`. */
  readonly change: Readonly<Record<string, number>>
}

/** What a refresh changed, and whether the change is possible. Plain data, deeply frozen. */
export interface ExposuresDiff {
  /** The granularity of the comparison: days if either side is by day. */
  readonly granularity: Granularity
  readonly timeZone: string
  /** Whether both can be about the same experiment, with the second covering at least as much of it. */
  readonly possible: boolean
  /**
   * Why it is not possible. `null` if it is possible. `excluded-fell`: excluded identities never return. `seen-fell`:
   * identities were lost. `counted-fell`: counts fell by more than the newly excluded can explain. `window-shrank`:
   * days became hours again.
   */
  readonly reason: 'excluded-fell' | 'seen-fell' | 'counted-fell' | 'window-shrank' | null
  /** Identities seen now and not before, counted or excluded. Exact. */
  readonly newIdentities: number
  /** Identities excluded now and not before, whether they counted before or not. Exact. */
  readonly newlyExcluded: number
  /** At least this many of `newlyExcluded` counted before. It is the sum over the variants. */
  readonly movedToExcluded: number
  /** At least this many identities entered closed buckets through late exposures: the sum of the rises there. */
  readonly lateArrivals: number
  /** Every variant of either side, by key. */
  readonly variants: readonly VariantChange[]
  /** In chronological order. Buckets without a change are left out. */
  readonly points: readonly ExposuresChange[]
}

/**
 * What did a refresh change? Reports new identities, identities that moved to excluded, changes by variant and bucket,
 * and late arrivals in closed buckets. It also says whether such a change is possible at all.
 *
 * What is possible: exposures are only ever added. So under `quarantine`, an identity that was seen stays seen, and an
 * excluded identity stays excluded. A counted identity stays in its variant until it is excluded. It stays in its
 * bucket, or moves to an earlier bucket if an earlier exposure arrives late. So the count of a single bucket can fall
 * without any quarantine, but the count of a variant up to the end of a bucket cannot. The largest fall of that count
 * is the minimum number of identities that left the variant (`movedToExcluded`). The change is possible exactly when
 * the sum of these numbers is at most `newlyExcluded`. Under `first-seen` an identity can also change its variant. Then
 * only the count of all variants up to the end of a bucket never falls.
 *
 * A possible change is not necessarily a correct one: a summary does not say who the identities are, where its window
 * starts, or when it was made. So late arrivals are recognised only in buckets before the last bucket of `before`.
 *
 * A window that grows past 72 h changes from hours to days. Hours are then added up to the days of their time zone,
 * with this platform's time zone database, and everything is compared by day.
 *
 * @param before - the summary of the earlier refresh
 * @param after - the summary of the later refresh: the same experiment, the same start, the same or a later `asOf`
 * @param options.multiVariant - the policy of both queries; default `quarantine`
 * @returns a frozen comparison
 * @throws {@link ExposureError} `incompatible-summaries` if they differ in time zone, or one has excluded identities
 *   under `first-seen`; `malformed-summary`, naming the field; `invalid-spec` for an unknown option or policy
 *
 * @example
 * ```ts
 * import { diffExposuresSummaries, summarizeExposures } from 'first-exposure'
 *
 * const summary = (control: number, excluded: number) =>
 *   summarizeExposures(
 *     [
 *       { quarantined: false, variant: 'control', bucketMs: 1780272000000, newIdentities: control },
 *       { quarantined: true, variant: null, bucketMs: 1780272000000, newIdentities: excluded },
 *     ],
 *     { granularity: 'day' },
 *   )
 * diffExposuresSummaries(summary(100, 5), summary(98, 9))
 * // => {
 * //   granularity: 'day',
 * //   timeZone: 'UTC',
 * //   possible: true,
 * //   reason: null,
 * //   newIdentities: 2,
 * //   newlyExcluded: 4,
 * //   movedToExcluded: 2,
 * //   lateArrivals: 0,
 * //   variants: [{ variant: 'control', before: 100, after: 98, movedToExcluded: 2 }],
 * //   points: [{ bucket: '2026-06-01T00:00:00.000Z', closed: false, change: { control: -2 } }],
 * // }
 * diffExposuresSummaries(summary(100, 5), summary(95, 9)).reason // => 'seen-fell'
 * ```
 */
export function diffExposuresSummaries(
  before: ExposuresSummary,
  after: ExposuresSummary,
  options: { readonly multiVariant?: MultiVariantPolicy } = {},
): ExposuresDiff {
  withFields(options, ['multiVariant'], 'options', invalidSpec)
  const policy = aMultiVariantPolicy(options.multiVariant ?? 'quarantine', 'multiVariant', invalidSpec)
  const { excludes } = multiVariantPolicies[policy]
  const sides = {
    before: checkedSummary(before, 'before'),
    after: checkedSummary(after, 'after'),
  }
  const [earlier, later] = [sides.before.timeseries, sides.after.timeseries]
  const { timeZone } = earlier
  if (timeZone !== later.timeZone) {
    throw incompatibleSummaries(
      'after.timeseries.timeZone',
      later.timeZone,
      'Compare two refreshes of one experiment, asked in one time zone.',
      `Buckets of ${timeZone} and of ${later.timeZone} do not compare.`,
    )
  }
  for (const side of ['before', 'after'] as const) {
    const { excludedIdentities } = sides[side]
    if (excludes || excludedIdentities === 0) continue
    throw incompatibleSummaries(
      `${side}.excludedIdentities`,
      excludedIdentities,
      'Pass the policy that both were asked with.',
      `Under ${policy} nobody is excluded, but ${side} excludes ${excludedIdentities}.`,
    )
  }

  const width = ({ granularity }: ExposuresSummary['timeseries']): number =>
    granularities[granularity].widthMs
  const { granularity } = width(earlier) < width(later) ? later : earlier

  // Cumulative counts at the end of each bucket: the largest fall of each variant, and of all variants together.
  const variants = new Map<string, { before: number; after: number; fallen: number }>()
  const all = { before: 0, after: 0, fallen: 0 }
  const points: ExposuresChange[] = []
  let lateArrivals = 0
  for (const { bucketMs, closed, changes } of countsByBucket(sides, granularity)) {
    const change: [string, number][] = []
    for (const [variant, count] of [...changes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const running = variants.get(variant) ?? {
        before: 0,
        after: 0,
        fallen: 0,
      }
      variants.set(variant, running)
      for (const sum of [running, all]) {
        sum.before += count.before
        sum.after += count.after
      }
      running.fallen = Math.max(running.fallen, running.before - running.after)
      const rise = count.after - count.before
      if (rise !== 0) change.push([variant, rise])
      if (closed && rise > 0) lateArrivals += rise
    }
    all.fallen = Math.max(all.fallen, all.before - all.after)
    if (change.length > 0) {
      points.push({
        bucket: new Date(bucketMs).toISOString(),
        closed,
        change: Object.fromEntries(change),
      })
    }
  }

  const variantChanges = [...variants]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([variant, running]): VariantChange => ({
      variant,
      before: running.before,
      after: running.after,
      movedToExcluded: excludes ? running.fallen : 0,
    }))
  const newlyExcluded = sides.after.excludedIdentities - sides.before.excludedIdentities
  const newIdentities = all.after - all.before + newlyExcluded
  const movedToExcluded = variantChanges.reduce((sum, change) => sum + change.movedToExcluded, 0)
  const lost = excludes ? movedToExcluded > newlyExcluded : all.fallen > 0
  const reason =
    newlyExcluded < 0
      ? 'excluded-fell'
      : newIdentities < 0
        ? 'seen-fell'
        : lost
          ? 'counted-fell'
          : width(later) < width(earlier)
            ? 'window-shrank'
            : null
  return deepFreeze({
    granularity,
    timeZone,
    possible: reason === null,
    reason,
    newIdentities,
    newlyExcluded,
    movedToExcluded,
    lateArrivals,
    variants: variantChanges,
    points,
  })
}

interface CountChange {
  before: number
  after: number
}

interface BucketChange {
  readonly bucketMs: number
  readonly closed: boolean
  readonly changes: ReadonlyMap<string, CountChange>
}

/** The counts of both sides by bucket and variant, in chronological order. */
function countsByBucket(
  sides: Readonly<Record<'before' | 'after', ExposuresSummary>>,
  compared: Granularity,
): readonly BucketChange[] {
  const buckets = new Map<number, Map<string, CountChange>>()
  let lastBefore = -Infinity
  for (const side of ['before', 'after'] as const) {
    const { granularity, timeZone, points } = sides[side].timeseries
    const { floor } = bucketAxis(timeZone, compared)
    for (const { bucket, newIdentities } of points) {
      const startMs = Date.parse(bucket)
      const bucketMs = granularity === compared ? startMs : floor(startMs)
      const changes = buckets.get(bucketMs) ?? new Map<string, CountChange>()
      buckets.set(bucketMs, changes)
      for (const [variant, count] of Object.entries(newIdentities)) {
        const change = changes.get(variant) ?? { before: 0, after: 0 }
        changes.set(variant, change)
        change[side] += count
      }
      if (side === 'before') lastBefore = Math.max(lastBefore, bucketMs)
    }
  }
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([bucketMs, changes]) => ({
      bucketMs,
      closed: bucketMs < lastBefore,
      changes,
    }))
}
