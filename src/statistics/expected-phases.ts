import { withFields } from '../checks.js'
import { invalidStatistics, quoted } from '../errors.js'
import { epochMs, type Instant } from '../time/instant.js'
import { numbersByVariant, type TimedStep } from './counts.js'

/** A period in which one split was in force. It ends where the next phase begins. */
export interface SampleRatioPhase {
  /**
   * When the split came into force: a `Date`, epoch milliseconds or ISO 8601 with Z or an offset. The earliest phase
   * also covers everything before it, so its time may be left out.
   */
  readonly from?: Instant
  /** What each variant should get, finite and from 0: shares, percentages or weights, of any sum. */
  readonly shares: Readonly<Record<string, number>>
}

/** What each variant should get: plain shares, or phases in any order. */
export type ExpectedShares = Readonly<Record<string, number>> | readonly SampleRatioPhase[]

/** A phase as the checks read it. */
export interface ExpectedPhase {
  /** Epoch milliseconds; -Infinity for the earliest. */
  readonly fromMs: number
  /** Its name in a message, with a space before it; empty if it is the only phase. */
  readonly name: string
  /** The shares above 0, of the variants that are not left out. They sum to 1; empty if all are left out. */
  readonly shares: ReadonlyMap<string, number>
  /** The number of shares above 0, minus one. */
  readonly degreesOfFreedom: number
}

/**
 * The phases in the order of time; plain shares become one phase over all time. Or, as a text, why there is nothing to
 * test. At least one phase has two shares above 0.
 *
 * @param leaveOut - variants whose shares do not count; the other shares are scaled to sum to 1
 */
export function expectedPhases(
  expected: unknown,
  leaveOut: ReadonlySet<string> = new Set(),
): readonly ExpectedPhase[] | string {
  const given: readonly unknown[] = Array.isArray(expected) ? expected : [{ shares: expected }]
  if (given.length === 0) throw invalidStatistics('expected', expected, 'Pass shares, or one phase or more.')
  const inOrder = given
    .map((phase, place) => {
      const path = Array.isArray(expected) ? `expected[${place}]` : 'expected'
      if (typeof phase !== 'object' || phase === null) {
        throw invalidStatistics(path, phase, 'Pass phases with from and shares.')
      }
      const { from, shares } = withFields(
        phase as SampleRatioPhase,
        ['from', 'shares'],
        path,
        invalidStatistics,
      )
      const fromMs = from === undefined ? -Infinity : epochMs(from, `${path}.from`)
      const weights = numbersByVariant(shares, Array.isArray(expected) ? `${path}.shares` : path)
      return { path, from, fromMs, weights }
    })
    // Compared explicitly: the difference of two phases without a start is NaN.
    .sort((a, b) => (a.fromMs < b.fromMs ? -1 : a.fromMs > b.fromMs ? 1 : 0))

  const phases: ExpectedPhase[] = []
  for (const [index, { path, from, fromMs, weights }] of inOrder.entries()) {
    if (index > 0 && fromMs === inOrder[index - 1]?.fromMs) {
      throw invalidStatistics(
        `${path}.from`,
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
    const shares = normalised(weights, leaveOut)
    if (typeof shares === 'string') return shares.replace(/\.$/, name === '' ? '.' : `,${name}.`)
    phases.push({
      fromMs: index === 0 ? -Infinity : fromMs,
      name,
      shares,
      degreesOfFreedom: shares.size - 1,
    })
  }
  return phases.some(({ degreesOfFreedom }) => degreesOfFreedom > 0)
    ? phases
    : 'Only one variant has an expected share above 0: there is no ratio to test.'
}

/** The index of the phase that was in force during a whole bucket; -1 if the split changed inside it. */
export function phaseThroughout(
  phases: readonly ExpectedPhase[],
  { startMs, endMs }: Pick<TimedStep, 'startMs' | 'endMs'>,
): number {
  if (phases.some(({ fromMs }) => fromMs > startMs && fromMs < endMs)) return -1
  const following = phases.findIndex(({ fromMs }) => fromMs > startMs)
  return (following === -1 ? phases.length : following) - 1
}

/** The shares above 0, scaled to sum to 1, in their given order; or, as a text, why they cannot be shares. */
function normalised(
  weights: readonly (readonly [string, number])[],
  leaveOut: ReadonlySet<string>,
): ReadonlyMap<string, number> | string {
  const wrong = weights.find(([, weight]) => !Number.isFinite(weight) || weight < 0)
  if (wrong) {
    return `The expected share of variant ${quoted(wrong[0])} is ${wrong[1]}, which cannot be a share.`
  }
  if (!weights.some(([, weight]) => weight > 0)) return 'No variant has an expected share above 0.'
  const kept = weights.filter(([variant]) => !leaveOut.has(variant))
  // First divided by the greatest, so that no sum of finite weights is infinite. Summed from the smallest, so that the
  // order of the variants has no effect.
  const greatest = Math.max(0, ...kept.map(([, weight]) => weight))
  const sum = ascendingSum(kept.map(([, weight]) => weight / greatest))
  return new Map(
    kept
      .map(([variant, weight]) => [variant, weight / greatest / sum] as const)
      .filter(([, share]) => share > 0),
  )
}

/** 1 − share, by the shares of the others: where an arm has almost the whole share, the difference has no digits. */
export function shareOfOthers(shares: ReadonlyMap<string, number>, variant: string): number {
  return ascendingSum([...shares].filter(([other]) => other !== variant).map(([, share]) => share))
}

/** A sum that does not depend on the order of its terms. */
export function ascendingSum(terms: readonly number[]): number {
  return [...terms].sort((a, b) => a - b).reduce((sum, term) => sum + term, 0)
}
