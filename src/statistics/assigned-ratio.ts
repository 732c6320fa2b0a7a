import { withFields } from '../checks.js'
import { invalidStatistics } from '../errors.js'
import { isTimed, type TimedCounts } from './counts.js'
import type { ExpectedShares } from './expected-phases.js'
import { checkedOptions } from './options.js'
import { ratioOf, type SampleRatioOptions, type SampleRatioResult } from './sample-ratio.js'

/** The counts that {@link assignedRatio} adds up. Each identity is in one of the two, once, under its first variant. */
export interface AssignedCounts {
  /** Counted identities: by variant, or a summary, a view or steps. */
  readonly counted: Readonly<Record<string, number>> | TimedCounts
  /**
   * Quarantined identities, by the first variant they were exposed to: `firstVariants` of `Crossovers`. With phases,
   * pass steps or a summary by the time of the first exposure.
   */
  readonly quarantined: Readonly<Record<string, number>> | TimedCounts
}

/**
 * Was the split right when identities were assigned? Counted plus quarantined identities, each under its first variant,
 * are the split as assigned: no identity has been removed. Compare the result with {@link sampleRatio}, which tests the
 * identities left after quarantine:
 *
 * | `assignedRatio` | `sampleRatio` | what is broken |
 * |---|---|---|
 * | `mismatch` | any | the assignment, or the sending of exposures: no analysis of what is left can be trusted |
 * | `consistent` | `mismatch` | the exclusion: quarantine takes more of one arm; see {@link crossoverBias} |
 * | `consistent` | `consistent` | no mismatch was found in either |
 *
 * A first variant is the first one that was *seen*: an exposure that was lost before it was sent is in neither count.
 *
 * @param counts - counted and quarantined identities, whole numbers from 0. Under the policy `first-seen` the counted
 *   already include every identity: pass no identity twice
 * @param expected - as for `sampleRatio`: shares of any sum, or phases, which need counts with times
 * @param options - as for `sampleRatio`
 * @returns frozen data: the result of `sampleRatio` for the sum
 * @throws {@link ExposureError} as `sampleRatio`
 *
 * @example
 * ```ts
 * import { assignedRatio, sampleRatio } from 'first-exposure/statistics'
 *
 * const counted = { control: 9500, treatment: 9000 }
 * const quarantined = { control: 510, treatment: 990 }
 * const even = { control: 1, treatment: 1 }
 * sampleRatio(counted, even).status // => 'mismatch'
 *
 * // 10,010 and 9,990 began: assignment is fine, exclusion is not.
 * assignedRatio({ counted, quarantined }, even).status // => 'consistent'
 * ```
 */
export function assignedRatio(
  counts: AssignedCounts,
  expected: ExpectedShares,
  options: SampleRatioOptions = {},
): SampleRatioResult {
  const checked = checkedOptions(options, [
    'threshold',
    'warningThreshold',
    'minimumTotal',
    'leaveOut',
    'window',
  ])
  const { counted, quarantined } = withFields(
    counts,
    ['counted', 'quarantined'],
    'counts',
    invalidStatistics,
    '',
  )
  const named = [
    { observed: counted, name: 'counted' },
    { observed: quarantined, name: 'quarantined' },
  ]
  const untimed = Array.isArray(expected) ? named.find(({ observed }) => !isTimed(observed)) : undefined
  if (untimed !== undefined) {
    throw invalidStatistics(
      untimed.name,
      untimed.observed,
      'With phases pass a summary, a view or steps: each identity is judged by its time.',
    )
  }
  return ratioOf(named, expected, checked)
}
