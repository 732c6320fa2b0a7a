import { aList, anObject } from '../checks.js'
import { type ExposureError, invalidStatistics, quoted } from '../errors.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { aGranularity } from '../time/granularity.js'
import { epochMs } from '../time/instant.js'
import { bucketAxis } from '../time/local-days.js'
import { aTimeZone } from '../time/time-zone.js'
import { aWindow, type TimeWindow } from './options.js'

/** One bucket: the fields of a view's point that the checks read. */
export interface SampleRatioStep {
  /** The bucket's start, ISO 8601 with Z or an offset. */
  readonly start: string
  /** The bucket's end, in the same form. Needed if something may end inside the bucket: a phase, a silence, a window. */
  readonly end?: string
  /** The identities that entered in this bucket, by variant: increments, not running totals. */
  readonly newIdentities: Readonly<Record<string, number>>
  /** Does the window cover the bucket only partly? The sequential test leaves out such a last bucket. */
  readonly partial?: boolean
}

/** The fields of a view that the checks read. */
export interface SampleRatioView {
  readonly points: readonly SampleRatioStep[]
  /** The window passed to the view: buckets are clipped to it, and it says whether the last one is over. */
  readonly window?: TimeWindow | null
}

/** The fields of an `ExposuresSummary` that the checks read. */
export type SampleRatioSummary = Pick<ExposuresSummary, 'timeseries'>

/** Counts with times: a summary, a view, or steps in the order of time. */
export type TimedCounts = SampleRatioSummary | SampleRatioView | readonly SampleRatioStep[]

/** A variant and a number of identities. */
export interface VariantCount {
  readonly variant: string
  readonly identities: number
}

/** The identities of one bucket, by variant, and the time in which they entered. */
export interface TimedStep {
  /** The bucket's start: the text that was passed, or ISO 8601 in UTC. The window may begin after it. */
  readonly start: string
  readonly startMs: number
  /** The first instant after the bucket; Infinity if it is not needed. */
  readonly endMs: number
  /** Whether the window ends before the bucket does. Without a window: whether the bucket is only partly covered. */
  readonly isOpen: boolean
  readonly counts: readonly (readonly [string, number])[]
}

/** Whether these counts have times. A record of counts may have a variant called `points`. */
export function isTimed(observed: unknown): observed is TimedCounts {
  const { timeseries, points } = Object(observed) as Readonly<Record<string, unknown>>
  return Array.isArray(observed) || typeof timeseries === 'object' || typeof points === 'object'
}

/**
 * The entries of a record of numbers, whatever the names of its keys. Refuses anything that cannot be a record. The
 * caller decides which numbers are valid.
 */
export function numbersByVariant(value: unknown, path: string): readonly (readonly [string, number])[] {
  const advice = 'Pass a plain object of numbers by variant key.'
  return entriesOf(value, path, advice).map(([variant, number]) => {
    if (typeof number === 'number') {
      // A negative zero becomes zero, as in JSON.
      return [variant, number + 0] as const
    }
    throw invalidStatistics(`${path} of variant ${quoted(variant)}`, number, 'Pass a number.')
  })
}

/** The entries of a record, whatever they are. Refuses anything that cannot be a record. */
export function entriesOf(
  value: unknown,
  path: string,
  advice: string,
): readonly (readonly [string, unknown])[] {
  // A Map, a promise or a Date has no variants as its own entries: read as a record it would look empty.
  if (
    typeof value !== 'object' ||
    value === null ||
    Symbol.iterator in value ||
    (Object.keys(value).length === 0 && !isPlain(value))
  ) {
    throw invalidStatistics(path, value, advice)
  }
  return Object.entries(value)
}

/** Whether nothing is inherited but what every object inherits, in whatever realm the object was made. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Says in words which of these numbers cannot be a count of identities; undefined if all can. */
export function whyNoCounts(
  counts: readonly (readonly [string, number])[],
  name: string,
): string | undefined {
  const wrong = counts.find(([, count]) => !Number.isSafeInteger(count) || count < 0)
  return (
    wrong && `${name} of variant ${quoted(wrong[0])} is ${wrong[1]}, which cannot be a count of identities.`
  )
}

/** Says in words that a sum of counts is beyond what a number holds exactly; undefined if it is not. */
export function whyNoSum(sum: number): string | undefined {
  return Number.isSafeInteger(sum)
    ? undefined
    : `The counts add up to ${sum}, which cannot be a number of identities.`
}

/** The caller's window, or else a view's own. */
export function windowOf(observed: unknown, window: TimeWindow | undefined): TimeWindow | undefined {
  const { timeseries, window: ofView } = Object(observed) as Partial<SampleRatioSummary & SampleRatioView>
  return window ?? (typeof timeseries === 'object' || ofView == null ? undefined : aWindow(ofView))
}

/**
 * The counts bucket by bucket, clipped to the window if there is one: no identity entered before its start or after its
 * end. So a bucket outside of it is left out.
 *
 * @param withEnds - whether the caller needs the ends of the buckets
 * @param window - the caller's window; a view may have its own
 */
export function timedSteps(
  observed: unknown,
  withEnds: boolean,
  window: TimeWindow | undefined,
): readonly TimedStep[] {
  const own = windowOf(observed, window)
  const { timeseries, points } = Object(observed) as Partial<SampleRatioSummary & SampleRatioView>
  const steps =
    typeof timeseries === 'object'
      ? summarySteps(observed as SampleRatioSummary, withEnds || own !== undefined)
      : orderedSteps(points ?? observed, withEnds)
  return own === undefined ? steps : clipped(steps, own)
}

function clipped(
  steps: readonly TimedStep[],
  { startMs: fromMs = -Infinity, asOfMs }: TimeWindow,
): readonly TimedStep[] {
  return steps.flatMap((step, place) => {
    const { startMs, endMs } = step
    // Without an end of its own, a bucket is over when the next one starts.
    const overMs = Math.min(endMs, steps[place + 1]?.startMs ?? Infinity)
    if (startMs >= asOfMs || overMs <= fromMs) return []
    if (startMs < fromMs && overMs === Infinity) throw withoutEnd(place)
    return {
      ...step,
      startMs: Math.max(startMs, fromMs),
      endMs: Math.min(endMs, asOfMs),
      isOpen: endMs > asOfMs,
    }
  })
}

function withoutEnd(place: number): ExposureError {
  return invalidStatistics(
    `points[${place}].end`,
    undefined,
    'With phases, silences or a window pass where each step ends, as the points of a view say.',
  )
}

/** The steps, after a check that they are in the order of time. */
function orderedSteps(points: unknown, withEnds: boolean): readonly TimedStep[] {
  if (!Array.isArray(points)) {
    throw invalidStatistics('points', points, 'Pass an array of steps, a view or a summary.')
  }
  let previousMs = -Infinity
  // A hole in the array is nothing that can be read: `map` would pass over it.
  return Array.from(points as readonly unknown[], (each, place) => {
    const path = `points[${place}]`
    const { start, end, newIdentities, partial } = anObject(each, path, invalidStatistics)
    const startMs = epochMs(start as string, `${path}.start`)
    if (startMs <= previousMs) {
      throw invalidStatistics(`${path}.start`, start, 'Pass each bucket once, in the order of time.')
    }
    previousMs = startMs
    if (withEnds && end === undefined) throw withoutEnd(place)
    const endMs = end === undefined ? Infinity : epochMs(end as string, `${path}.end`)
    if (endMs <= startMs) throw invalidStatistics(`${path}.end`, end, 'Pass an end after the start.')
    return {
      start: typeof start === 'string' ? start : new Date(startMs).toISOString(),
      startMs,
      endMs,
      isOpen: partial === true,
      counts: numbersByVariant(newIdentities, `${path}.newIdentities`),
    }
  })
}

/** The points of a summary as steps. They are sparse, so the time zone determines where a bucket ends. */
function summarySteps(summary: SampleRatioSummary, withEnds: boolean): readonly TimedStep[] {
  const path = 'summary.timeseries'
  const { granularity, timeZone, points } = anObject(summary.timeseries, path, invalidStatistics)
  const checked = aGranularity(granularity, `${path}.granularity`, invalidStatistics)
  const steps = orderedSteps(
    aList(points, `${path}.points`, invalidStatistics).map((point) => {
      const { bucket: start, newIdentities } = Object(point) as Readonly<Record<string, unknown>>
      return { start, newIdentities }
    }),
    false,
  )
  if (!withEnds) return steps
  const zone = aTimeZone(timeZone, `${path}.timeZone`, invalidStatistics)
  const axis = bucketAxis(zone, checked)
  return steps.map((step, index) => ({
    ...step,
    endMs: Math.min(axis.next(step.startMs), steps[index + 1]?.startMs ?? Infinity),
  }))
}
