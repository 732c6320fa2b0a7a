import { ExposureError, received } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { assertOptions } from '../spec/assert-options.js'
import type { MultiVariantPolicy } from '../spec/exposure-spec.js'
import type { Granularity } from '../spec/select-granularity.js'
import { checkedBucketStarts } from './checked-bucket-starts.js'
import type { ExposuresSummary } from './exposures-summary.js'
import { localDayStarts } from './local-day-starts.js'

/** What a refresh changed in one variant. */
export interface VariantChange {
  readonly variant: string
  readonly before: number
  readonly after: number
  /**
   * At least so many of the identities that this variant counted before are excluded now. More may be: new
   * identities hide them.
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

/** What a refresh changed, and whether it can have. Plain data, frozen through and through. */
export interface ExposuresDiff {
  /** By what the two were compared: days where either side is by the day. */
  readonly granularity: Granularity
  readonly timeZone: string
  /** Whether both can be answers about the same experiment, the second about no less of it. */
  readonly possible: boolean
  /**
   * Why not, or `null` where it is possible: `excluded-fell`, although nobody is ever counted again; `seen-fell`, so
   * identities were lost; `counted-fell`, further than the newly excluded can explain; `window-shrank`, from days back
   * to hours.
   */
  readonly reason: 'excluded-fell' | 'seen-fell' | 'counted-fell' | 'window-shrank' | null
  /** Identities seen now and not before, counted or excluded. Exact. */
  readonly newIdentities: number
  /** Identities excluded now and not before, whether they had been counted or not. Exact. */
  readonly newlyExcluded: number
  /** At least so many of `newlyExcluded` had been counted: the sum over the variants. */
  readonly movedToExcluded: number
  /** At least so many identities entered closed buckets, by exposures that arrived late: what those rose by. */
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
 * What is possible: exposures are only ever added. So, under `quarantine`, an identity seen stays seen, one excluded
 * stays excluded, and one counted stays in its variant, in its bucket or, if an earlier exposure arrives late, in an
 * earlier one, until it is excluded. The count of a single bucket can therefore fall without any quarantine, but the
 * count of a variant up to the end of a bucket cannot. By how much that falls, at its worst, is the least number of
 * identities that left the variant (`movedToExcluded`), and the change is possible exactly when these add up to
 * `newlyExcluded` or less. Under `first-seen` an identity may also change its variant, and what never falls is the
 * count of all variants up to the end of a bucket.
 *
 * Possible is not the same as true: a summary does not say who the identities are, from where its window starts, or
 * when it was made. So late arrivals are told from others only in buckets before the last one of `before`.
 *
 * A window that grows past 72 h turns from hours to days. Hours are then added up to the days of their zone, as this
 * platform's time zone database has them, and all is compared by day.
 *
 * @param before - the summary of the earlier refresh
 * @param after - the summary of the later refresh: the same experiment, the same start, the same or a later `asOf`
 * @param options.multiVariant - the policy that both were asked with; default `quarantine`
 * @returns a frozen comparison
 * @throws {@link ExposureError} `incompatible-summaries` where they differ in time zone, or, under `first-seen`, one
 *   excludes somebody; `malformed-summary` for what is no summary; `invalid-spec` for an unknown policy or time zone
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
  assertOptions(options, ['multiVariant'], 'options')
  const { multiVariant = 'quarantine' } = options
  if (multiVariant !== 'quarantine' && multiVariant !== 'first-seen') {
    throw new ExposureError(
      'invalid-spec',
      `multiVariant is not usable: received ${received(multiVariant)}. Pass 'quarantine' or 'first-seen'.`,
      { field: 'multiVariant', received: received(multiVariant) },
    )
  }
  const starts = [checkedBucketStarts(before, 'before'), checkedBucketStarts(after, 'after')] as const
  const { timeZone } = before.timeseries
  if (timeZone !== after.timeseries.timeZone) {
    throw new ExposureError(
      'incompatible-summaries',
      `Buckets of ${timeZone} and of ${after.timeseries.timeZone} do not compare. ` +
        'Compare two refreshes of one experiment, asked in one time zone.',
      { asked: [timeZone, after.timeseries.timeZone] },
    )
  }
  if (multiVariant === 'first-seen' && before.excludedIdentities + after.excludedIdentities > 0) {
    throw new ExposureError(
      'incompatible-summaries',
      'Under first-seen nobody is excluded, but one of the summaries excludes somebody. ' +
        'Pass the policy that they were asked with.',
      { excludedIdentities: [before.excludedIdentities, after.excludedIdentities] },
    )
  }

  const byDay = before.timeseries.granularity === 'day' || after.timeseries.granularity === 'day'
  const counts = countsByBucket(
    { before: { summary: before, starts: starts[0] }, after: { summary: after, starts: starts[1] } },
    byDay,
  )

  // Up to the end of each bucket: how far did each variant, and all of them together, fall at the worst?
  const variants = new Map<string, { before: number; after: number; fallen: number }>()
  const all = { before: 0, after: 0, fallen: 0 }
  const points: ExposuresChange[] = []
  let lateArrivals = 0
  for (const { bucketMs, closed, changes } of counts) {
    const change: [string, number][] = []
    for (const [variant, count] of [...changes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const running = variants.get(variant) ?? { before: 0, after: 0, fallen: 0 }
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

  const quarantine = multiVariant === 'quarantine'
  const variantChanges = [...variants]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([variant, running]): VariantChange => ({
      variant,
      before: running.before,
      after: running.after,
      movedToExcluded: quarantine ? running.fallen : 0,
    }))
  const newlyExcluded = after.excludedIdentities - before.excludedIdentities
  const newIdentities = all.after - all.before + newlyExcluded
  const movedToExcluded = variantChanges.reduce((sum, change) => sum + change.movedToExcluded, 0)
  const lost = quarantine ? movedToExcluded > newlyExcluded : all.fallen > 0
  const windowShrank = before.timeseries.granularity === 'day' && after.timeseries.granularity === 'hour'
  const reason =
    newlyExcluded < 0
      ? 'excluded-fell'
      : newIdentities < 0
        ? 'seen-fell'
        : lost
          ? 'counted-fell'
          : windowShrank
            ? 'window-shrank'
            : null
  return deepFreeze({
    granularity: byDay ? 'day' : 'hour',
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

interface Side {
  readonly summary: ExposuresSummary
  readonly starts: readonly number[]
}

/** Both sides' counts by bucket and variant, in the order of time. */
function countsByBucket(sides: { before: Side; after: Side }, byDay: boolean): readonly BucketChange[] {
  const buckets = new Map<number, Map<string, CountChange>>()
  let lastBefore = -Infinity
  for (const side of ['before', 'after'] as const) {
    const { summary, starts } = sides[side]
    const { granularity, timeZone, points } = summary.timeseries
    const comparedStarts = byDay && granularity === 'hour' ? localDayStarts(starts, timeZone) : starts
    points.forEach(({ newIdentities }, index) => {
      const bucketMs = comparedStarts[index] ?? NaN
      const changes = buckets.get(bucketMs) ?? new Map<string, CountChange>()
      buckets.set(bucketMs, changes)
      for (const [variant, count] of Object.entries(newIdentities)) {
        const change = changes.get(variant) ?? { before: 0, after: 0 }
        changes.set(variant, change)
        change[side] += count
        if (side === 'before' && count > 0) lastBefore = Math.max(lastBefore, bucketMs)
      }
    })
  }
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([bucketMs, changes]) => ({ bucketMs, closed: bucketMs < lastBefore, changes }))
}
