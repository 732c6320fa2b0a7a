import { withFields } from '../checks.js'
import { invalidPolicy } from '../errors.js'
import { refreshGroup, type RefreshGroup } from './refresh-group.js'
import {
  checkedMany,
  hasFailed,
  listed,
  refreshManyFields,
  refusalOf,
  reportOf,
  type ListedExperiment,
  type RefreshManyInput,
  type RefreshReport,
} from './refresh-many.js'

/** What a host passes to {@link refreshStoredExposuresBatch}. */
export interface RefreshBatchInput<Version> extends RefreshManyInput<Version> {
  /** The list. Each key is there once. */
  readonly experiments: readonly ListedExperiment[]
  /** The most experiments to claim and to ask about at a time, 1 to 1,000. Default 500. */
  readonly groupSize?: number
  /** How many statements of a group to ask at a time, 1 or more. Default 1. Their memory adds up. */
  readonly concurrency?: number
  /**
   * The longest that the statements of one group may take, in milliseconds from 1. Default: two fifths of
   * `presumedLostAfterMs`, so that they end well before the claims count as lost; but 1,000 at least.
   */
  readonly timeoutMs?: number
  /** Ends the call: running queries are ended, and their claims given back. */
  readonly signal?: AbortSignal
}

/**
 * Brings the stored states of many experiments up to date, those that are due, in few statements: one round, for a
 * scheduler. `refreshDueExposures` does the same with one statement for each experiment. Choose this one if many
 * experiments share a table that is not sorted by feature.
 *
 * Each experiment is decided, claimed and reported by itself, exactly as `refreshStoredExposures` does it, and any number
 * of hosts may do so at once. Only the question is shared: `fetchExposuresSummaries` asks about up to `groupSize` claimed
 * experiments together. So a crash between two steps loses no state: the claims of the host expire, and the last good
 * summaries stay. The next group is claimed after the reports of the one before.
 *
 * A group that exceeds the server's memory or time is asked again in halves, so one large experiment fails alone and
 * never holds up the others. Nothing is tried again in the same call, and a later call does not know of this one: what
 * failed waits for `throttleMs`, like any refresh. Experiments with `settings`, `partitions` or `concurrency` of their own
 * are asked by themselves.
 *
 * @param input.experiments - the list: `{ key, spec, experiment }`
 * @param input.now - the clock, `Date.now`: the claims of a group have the time at which its first was made
 * @param input.groupSize - the most experiments to claim and to ask about at a time, 1 to 1,000; default 500
 * @param input.concurrency - how many statements of a group to ask at a time; default 1
 * @param input.timeoutMs - the longest that the statements of one group may take, in milliseconds; default two fifths of
 *   `presumedLostAfterMs`, 1,000 at least
 * @param input.onCost - called after each group with the cost of each shared statement
 * @param input.onOutcome - called with each report, group by group: the progress. An error that it throws ends the call
 *   after the group
 * @param input.signal - ends the call
 * @returns one frozen report for each entry of the list, in its order; after an abort, of those that were begun
 * @throws {@link ExposureError} `invalid-policy`, `invalid-instant` for misuse of what the experiments have in common;
 *   what `onOutcome` throws
 *
 * @example
 * ```ts
 * import { exposureSpec } from 'first-exposure'
 * import { memoryRefreshStore, refreshStoredExposuresBatch } from 'first-exposure/clickhouse'
 *
 * let statements = 0
 * const reports = await refreshStoredExposuresBatch({
 *   client: { query: async () => ({ json: async () => (statements++, []) }) },
 *   store: memoryRefreshStore(),
 *   experiments: ['checkout', 'search'].map((featureName) => ({
 *     key: featureName,
 *     spec: exposureSpec({ environmentKey: 'prod', featureName }),
 *     experiment: { startedAt: Date.UTC(2026, 5, 1), endedAt: null },
 *   })),
 *   now: () => Date.UTC(2026, 5, 2), // Date.now
 * })
 * reports.map(({ key, outcome }) => `${key}: ${outcome.type}`) // => ['checkout: refreshed', 'search: refreshed']
 * statements // => 1
 * ```
 */
export async function refreshStoredExposuresBatch<Version>(
  input: RefreshBatchInput<Version>,
): Promise<readonly RefreshReport[]> {
  withFields(input, [...refreshManyFields, 'experiments', 'signal'], 'input', invalidPolicy, '')
  const many = checkedMany(input)
  const { groupSize = 500 } = many
  const entries = listed(input.experiments)
  const reports: RefreshReport[] = []
  let begun: Promise<RefreshReport>[] = []
  // Opened when there is something to add: a group listens to the signal until it has asked.
  let group: RefreshGroup | undefined
  /** Asks about the group, and waits for its reports. */
  const finish = async (): Promise<void> => {
    await group?.ask()
    const found = await Promise.all(begun)
    const { costs = [] } = group ?? {}
    begun = []
    group = undefined
    // Not one call of push, which takes only so many arguments.
    for (const report of found) reports.push(report)
    for (const cost of costs) input.onCost?.(cost)
    for (const report of found) await input.onOutcome?.(report)
  }
  for (const entry of entries) {
    if (input.signal?.aborted === true) break
    if ('error' in entry) {
      begun.push(Promise.resolve(refusalOf(entry, null)))
      continue
    }
    group ??= refreshGroup(many, input.concurrency ?? 1, input.signal)
    const { claimed, tried } = group.add(entry.experiment, 0)
    begun.push(
      tried.then((found) =>
        reportOf({ key: entry.key, ...found, failures: hasFailed(found) ? 1 : 0, nextAt: null }),
      ),
    )
    await claimed
    if (group.size() >= groupSize) await finish()
  }
  await finish()
  return Object.freeze(reports)
}
