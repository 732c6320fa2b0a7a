import { epochMs } from '../instant.js'
import { invalidStatistics } from './invalid-statistics.js'

/** One bucket: the part of a view's point that the tests read. */
export interface SampleRatioStep {
  /** The bucket's start, ISO 8601 with Z or an offset. */
  readonly start: string
  /** The bucket's end, as its start. Only several phases ask for it: did the split change inside the bucket? */
  readonly end?: string
  /** The identities that entered in this bucket, by variant: increments, not running totals. */
  readonly newIdentities: Readonly<Record<string, number>>
  /** Does the window cover the bucket only partly? The sequential test leaves out a last bucket that it does. */
  readonly partial?: boolean
}

/** A step that knows what time it covers. */
export interface TimedStep extends SampleRatioStep {
  readonly startMs: number
  /** Is the instant, one after the bucket's start, inside the bucket? */
  readonly holds: (instantMs: number) => boolean
}

/**
 * The steps, once their order was found to be that of time.
 *
 * @param withEnds - whether each must say where it ends
 */
export function orderedSteps(points: unknown, withEnds: boolean): readonly TimedStep[] {
  const steps: unknown = 'points' in Object(points) ? (points as { readonly points: unknown }).points : points
  if (!Array.isArray(steps)) {
    throw invalidStatistics('points', steps, 'Pass an array of steps, or a view that has one.')
  }
  let previousMs = -Infinity
  return (steps as readonly unknown[]).map((step) => {
    if (typeof step !== 'object' || step === null) {
      throw invalidStatistics('points', step, 'Pass steps with start and newIdentities.')
    }
    const { start, end } = step as SampleRatioStep
    const startMs = epochMs(start, 'start')
    if (startMs <= previousMs) {
      throw invalidStatistics('points', start, 'Pass each bucket once, in the order of time.')
    }
    previousMs = startMs
    const endMs = withEnds ? endOf(startMs, end) : NaN
    return { ...(step as SampleRatioStep), startMs, holds: (instantMs) => instantMs < endMs }
  })
}

function endOf(startMs: number, end: string | undefined): number {
  if (end === undefined) {
    throw invalidStatistics(
      'end',
      end,
      'With several phases pass where each step ends, as the points of a view say.',
    )
  }
  const endMs = epochMs(end, 'end')
  if (endMs <= startMs) throw invalidStatistics('end', end, 'Pass an end after the start.')
  return endMs
}
