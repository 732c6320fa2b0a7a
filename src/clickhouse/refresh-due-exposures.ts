import { withFields } from '../checks.js'
import { invalidPolicy } from '../errors.js'
import type { RefreshGroup } from './refresh-group.js'
import {
  checkedMany,
  listed,
  refreshJob,
  refreshManyFields,
  refusalOf,
  sharing,
  type ListedExperiment,
  type RefreshManyInput,
  type RefreshReport,
} from './refresh-many.js'
import { runJobs, type Job } from './run-jobs.js'

/**
 * Brings each of many experiments up to date that is due: one round, for a scheduler such as cron.
 *
 * Each is refreshed as {@link refreshStoredExposures} does it, `concurrency` at a time. A transient failure is tried
 * again after its `retryAfterMs`, six times in all. An experiment that fails, or cannot be used, does not stop the
 * others. Give a scheduler that runs every five minutes a `throttleMs` of a little less, because a round that starts
 * slightly early would be throttled.
 *
 * @param input.experiments - the list: `{ key, spec, experiment }`, and `settings`, `partitions` and `concurrency` of its
 *   query where it needs them. Each key is there once
 * @param input.now - the clock, `Date.now`: a round takes time, and each claim has the time at which it is made
 * @param input.signal - ends the round: running queries are ended, their claims given back
 * @returns the last report about each entry of the list, in its order; after an abort, of those that were begun
 * @throws {@link ExposureError} `invalid-policy`, `invalid-instant` for misuse of what the experiments have in common;
 *   what `onOutcome` throws
 *
 * @example
 * ```ts
 * import { exposureSpec } from 'first-exposure'
 * import { memoryRefreshStore, refreshDueExposures } from 'first-exposure/clickhouse'
 *
 * const reports = await refreshDueExposures({
 *   client: { query: async () => ({ json: async () => [] }) },
 *   store: memoryRefreshStore(),
 *   experiments: ['checkout', 'search'].map((featureName) => ({
 *     key: featureName,
 *     spec: exposureSpec({ environmentKey: 'prod', featureName }),
 *     experiment: { startedAt: Date.UTC(2026, 5, 1), endedAt: null },
 *   })),
 *   now: () => Date.UTC(2026, 5, 2), // Date.now
 * })
 * reports.map(({ key, outcome }) => `${key}: ${outcome.type}`) // => ['checkout: refreshed', 'search: refreshed']
 * ```
 */
export async function refreshDueExposures<Version>(
  input: RefreshManyInput<Version> & {
    readonly experiments: readonly ListedExperiment[]
    readonly signal?: AbortSignal
  },
): Promise<readonly RefreshReport[]> {
  withFields(input, [...refreshManyFields, 'experiments', 'signal'], 'input', invalidPolicy, '')
  const many = checkedMany(input)
  const entries = listed(input.experiments)
  const reports: (RefreshReport | undefined)[] = entries.map(() => undefined)
  const jobs = new Set<Job<RefreshGroup>>()
  for (const [index, entry] of entries.entries()) {
    const keep = async (report: RefreshReport): Promise<void> => {
      reports[index] = report
      await input.onOutcome?.(report)
    }
    if ('error' in entry) await keep(refusalOf(entry, null))
    else jobs.add(refreshJob(entry.experiment, many, { again: false, report: keep }))
  }
  await runJobs(jobs, many, sharing(many))
  return Object.freeze(reports.filter((report) => report !== undefined))
}
