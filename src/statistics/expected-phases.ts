import { epochMs, type Instant } from '../instant.js'
import { expectedShares } from './expected-shares.js'
import { invalidStatistics } from './invalid-statistics.js'
import type { TimedStep } from './ordered-steps.js'

/** A period in which one split was in force. It ends where the next phase begins. */
export interface SampleRatioPhase {
  /**
   * When the split came into force: a `Date`, epoch milliseconds or ISO 8601 with Z or an offset. The earliest phase
   * also holds for everything before it, so there it may be left out.
   */
  readonly from?: Instant
  /** What each variant should get, finite and from 0: shares, percentages or weights, of any sum. */
  readonly shares: Readonly<Record<string, number>>
}

/** A phase as the tests read it. */
export interface ExpectedPhase {
  /** Epoch milliseconds; -Infinity for the earliest. */
  readonly fromMs: number
  /** What a message calls it, with a space before it; empty where there is no other. */
  readonly name: string
  /** They sum to 1, and at least one is above 0. */
  readonly shares: ReadonlyMap<string, number>
  /** The variants with a share above 0, less one. */
  readonly degreesOfFreedom: number
}

/**
 * The phases in the order of time, one over everything where plain shares came; or, as a text, why there is nothing to
 * test. At least one phase has two shares above 0.
 */
export function expectedPhases(expected: unknown): readonly ExpectedPhase[] | string {
  const given: readonly unknown[] = Array.isArray(expected) ? expected : [{ shares: expected }]
  if (given.length === 0) throw invalidStatistics('expected', expected, 'Pass shares, or one phase or more.')
  const inOrder = given
    .map((phase) => {
      if (typeof phase !== 'object' || phase === null) {
        throw invalidStatistics('expected', phase, 'Pass phases with from and shares.')
      }
      const { from, shares } = phase as SampleRatioPhase
      return { fromMs: from === undefined ? -Infinity : epochMs(from, 'from of a phase'), shares }
    })
    // Written out: the difference of two that leave it out is NaN.
    .sort((a, b) => (a.fromMs < b.fromMs ? -1 : a.fromMs > b.fromMs ? 1 : 0))

  const phases: ExpectedPhase[] = []
  for (const [index, { fromMs, shares: weights }] of inOrder.entries()) {
    if (index > 0 && fromMs === inOrder[index - 1]?.fromMs) {
      const from = Number.isFinite(fromMs) ? new Date(fromMs) : undefined
      throw invalidStatistics(
        'expected',
        from,
        'Give each phase a from of its own; only one may leave it out.',
      )
    }
    const name =
      inOrder.length === 1
        ? ''
        : index === 0
          ? ' in the first phase'
          : ` in the phase from ${new Date(fromMs).toISOString()}`
    const shares = expectedShares(weights)
    if (typeof shares === 'string') return shares.replace(/\.$/, name === '' ? '.' : `,${name}.`)
    const degreesOfFreedom = [...shares.values()].filter((share) => share > 0).length - 1
    phases.push({ fromMs: index === 0 ? -Infinity : fromMs, name, shares, degreesOfFreedom })
  }
  return phases.some(({ degreesOfFreedom }) => degreesOfFreedom > 0)
    ? phases
    : 'Only one variant has an expected share above 0: there is no ratio to test.'
}

/** The place of the phase that was in force throughout a bucket; -1 where the split changed inside it. */
export function phaseThroughout(phases: readonly ExpectedPhase[], { startMs, holds }: TimedStep): number {
  if (phases.some(({ fromMs }) => fromMs > startMs && holds(fromMs))) return -1
  const following = phases.findIndex(({ fromMs }) => fromMs > startMs)
  return (following === -1 ? phases.length : following) - 1
}
