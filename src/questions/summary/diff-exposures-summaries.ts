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
   * At least so many of the identities that this variant counted before are excluded now. There may be more, which new
   * identities hide.
   */
  readonly movedToExcluded: number
}

/** What a refresh changed in one bucket. */
export interface ExposuresChange {
  /** The bucket's start, as an ISO 8601 instant in UTC. */
  readonly bucket: string
  /** True where the bucket was over when `before` was made: `before` has identities in a later one. */
  readonly closed: boolean
  /** By variant key, every count that changed: after less before. Read it with `Object.entries` or `Object.hasOwn`. */
  readonly change: Readonly<Record<string, number>>
}

/** What a refresh changed, and whether that is possible. Plain data, frozen through and through. */
export interface ExposuresDiff {
  /** The buckets by which the two were compared: days where either side is by the day. */
  readonly granularity: Granularity
  readonly timeZone: string
  /** Whether both can be answers about the same experiment, the second covering at least as much of it. */
  readonly possible: boolean
  /**
   * Why it is not possible; `null` where it is. `excluded-fell`: excluded identities never return. `seen-fell`:
   * identities were lost. `counted-fell`: by more than the newly excluded can explain. `window-shrank`: from days back to
   * hours.
   */
  readonly reason: 'excluded-fell' | 'seen-fell' | 'counted-fell' | 'window-shrank' | null
  /** Identities seen now and not before, counted or excluded. Exact. */
  readonly newIdentities: number
  /** Identities excluded now and not before, whether they had been counted or not. Exact. */
  readonly newlyExcluded: number
  /** At least so many of `newlyExcluded` had been counted before: the sum over the variants. */
  readonly movedToExcluded: number
  /** At least so many identities entered closed buckets, by exposures that arrived late: the sum of what those rose by. */
  readonly lateArrivals: number
  /** Every variant of either side, by key. */
  readonly variants: readonly VariantChange[]
  /** In the order of time; a bucket in which nothing changed is left out. */
  readonly points: readonly ExposuresChange[]
}

/**
 * What did a refresh change? New identities, those moved to excluded, by variant and bucket, late arrivals into
 * buckets that were already closed; and whether such a change is possible at all.
 *
 * What is possible: exposures are only ever added. So under `quarantine`, an identity that was seen stays seen, and an
 * excluded one stays excluded. A counted one stays in its variant until it is excluded; it stays in its bucket, or moves
 * to an earlier one if an earlier exposure arrives late. So the count of a single bucket can fall without any
 * quarantine, but the count of a variant up to the end of a bucket cannot. The most by which that count falls is the
 * least number of identities that left the variant (`movedToExcluded`), and the change is possible exactly when the sum
 * of these is at most `newlyExcluded`. Under `first-seen` an identity may also change its variant, and only the count of
 * all variants up to the end of a bucket never falls.
 *
 * Possible is not the same as true: a summary does not say who the identities are, where its window starts, or when it
 * was made. So late arrivals are recognised only in buckets before the last one of `before`.
 *
 * A window that grows past 72 h changes from hours to days. Hours are then added up to the days of their zone, by this
 * platform's time zone database, and everything is compared by day.
 *
 * @param before - the summary of the earlier refresh
 * @param after - the summary of the later refresh: the same experiment, the same start, the same or a later `asOf`
 * @param options.multiVariant - the policy that both were asked with; default `quarantine`
 * @returns a frozen comparison
 * @throws {@link ExposureError} `incompatible-summaries` where they differ in time zone, or one excludes somebody under
 *   `first-seen`; `malformed-summary`, naming the field; `invalid-spec` for an unknown option or policy
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

  // Counted up to the end of each bucket: what is the most by which each variant, and all of them together, fell?
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

/** Both sides' counts by bucket and variant, in the order of time. */
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
