import { assertOptions } from './assert-options.js'
import { invalidStatistics } from './invalid-statistics.js'
import { assertThreshold } from './threshold.js'

/** From when on there is a verdict, and which one. */
interface VerdictOptions {
  readonly threshold: number
  readonly minimumTotal: number
}

/** The options of a verdict, completed: 100 identities unless told. Throws `invalid-statistics`, naming the option. */
export function checkedVerdictOptions(
  options: Partial<VerdictOptions>,
  defaultThreshold: number,
): VerdictOptions {
  assertOptions(options, ['threshold', 'minimumTotal'])
  const { threshold = defaultThreshold, minimumTotal = 100 } = options
  assertThreshold(threshold)
  if (!Number.isSafeInteger(minimumTotal) || minimumTotal < 0) {
    throw invalidStatistics('minimumTotal', minimumTotal, 'Pass a whole number from 0.')
  }
  return { threshold, minimumTotal }
}
