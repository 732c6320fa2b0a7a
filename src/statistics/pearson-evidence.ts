import { deepFreeze } from '../freeze.js'
import { chiSquaredUpperTail } from './chi-squared-upper-tail.js'
import { ascendingSum } from './expected-shares.js'
import type { SampleRatioArm, SampleRatioResult } from './sample-ratio.js'

/** An arm with its part of Pearson's statistic. */
export interface DeviatingArm extends Pick<SampleRatioArm, 'variant' | 'observed' | 'expected'> {
  readonly deviation: number
}

/** A cell's part of Pearson's statistic; infinite for identities where none can be. */
export function deviation(observed: number, expected: number): number {
  return expected === 0 ? (observed === 0 ? 0 : Infinity) : (observed - expected) ** 2 / expected
}

/**
 * What Pearson's test says of these arms.
 *
 * @param total - the identities that were compared; without any there is no statistic
 */
export function pearsonEvidence(
  arms: readonly DeviatingArm[],
  degreesOfFreedom: number,
  total: number,
): Pick<SampleRatioResult, 'statistic' | 'degreesOfFreedom' | 'pValue' | 'arms'> {
  const sum = ascendingSum(arms.map(({ deviation }) => deviation))
  const statistic = total > 0 && Number.isFinite(sum) ? sum : null
  return {
    statistic,
    degreesOfFreedom,
    pValue: total === 0 ? null : statistic === null ? 0 : chiSquaredUpperTail(statistic, degreesOfFreedom),
    arms: arms.map(({ variant, observed, expected, deviation }) => ({
      variant,
      observed,
      expected,
      statisticShare: statistic === null ? null : statistic === 0 ? 0 : deviation / statistic,
    })),
  }
}

/** A p-value as a sentence shows it. */
export function shortly(pValue: number): string {
  return String(Number(pValue.toPrecision(3)))
}

/** The answer where there is nothing to compare. */
export function notComputable(reason: string): SampleRatioResult {
  return deepFreeze({
    status: 'not-computable',
    reason,
    statistic: null,
    degreesOfFreedom: null,
    pValue: null,
    arms: [],
  })
}
