import { exposureHealth, type ExposureHealthResult } from '../statistics/exposure-health.js'
import { excludedRatio, type ExcludedRatioResult } from '../statistics/excluded-ratio.js'
import type { ExpectedShares } from '../statistics/expected-phases.js'
import { sampleRatio, type SampleRatioResult } from '../statistics/sample-ratio.js'
import {
  sequentialSampleRatio,
  type SequentialSampleRatioResult,
} from '../statistics/sequential-sample-ratio.js'
import type { ExposuresView } from '../view/exposures-view.js'

/** `sequentialSampleRatio` without its path: only how many looks it had. */
export interface SequentialVerdict extends Omit<SequentialSampleRatioResult, 'path'> {
  /** The closed buckets that it looked at. */
  readonly looks: number
}

/** Can the numbers be trusted? The checks of `first-exposure/statistics`, with their defaults. */
export interface ExposuresVerdicts {
  /** Whether equal shares were assumed, because no split was given. */
  readonly assumed: boolean
  /** The split at one look at the totals: `sampleRatio`. */
  readonly sampleRatio: SampleRatioResult
  /** The split at a look after every closed bucket: `sequentialSampleRatio`. */
  readonly sequentialSampleRatio: SequentialVerdict
  /** The share of the identities that were in several variants: `excludedRatio`. */
  readonly excludedRatio: ExcludedRatioResult
  /** Whether all arms, and new identities, still arrive: `exposureHealth`. */
  readonly exposureHealth: ExposureHealthResult
}

/** Runs all checks of a view. Without expected shares they assume equal ones among the view's expected variants. */
export function exposuresVerdicts(
  view: ExposuresView,
  expectedShares: ExpectedShares | undefined,
): ExposuresVerdicts {
  const shares = sharesOrEqual(view, expectedShares)
  const { path, ...sequential } = sequentialSampleRatio(view, shares)
  return {
    assumed: expectedShares === undefined,
    sampleRatio: sampleRatio(view, shares),
    sequentialSampleRatio: { ...sequential, looks: path.length },
    excludedRatio: excludedRatio(view),
    exposureHealth: exposureHealth(view, shares),
  }
}

/**
 * The checks of an old answer to another question. The split that was configured then is not known, and the one of now
 * need not be it: so nothing is said of the split, of silent arms and of the rate.
 */
export function formerVerdicts(view: ExposuresView): ExposuresVerdicts {
  const verdicts = exposuresVerdicts(view, {})
  const reason = 'This is an old count, and the split that was configured then is not known.'
  return {
    ...verdicts,
    sampleRatio: { ...verdicts.sampleRatio, reason },
    sequentialSampleRatio: { ...verdicts.sequentialSampleRatio, reason },
    exposureHealth: { ...verdicts.exposureHealth, reason },
  }
}

/** The given shares, or equal ones among the view's expected variants. */
export function sharesOrEqual(
  view: ExposuresView,
  expectedShares: ExpectedShares | undefined,
): ExpectedShares {
  return (
    expectedShares ??
    Object.fromEntries(view.variants.filter(({ expected }) => expected).map(({ key }) => [key, 1]))
  )
}
