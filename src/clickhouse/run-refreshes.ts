import { aFunction, withFields } from '../checks.js'
import { invalidPolicy } from '../errors.js'
import { exposureSpec } from '../experiment/exposure-spec.js'
import { aSignal, rejectOnAbort } from './fetch-rows.js'
import type { RefreshGroup } from './refresh-group.js'
import {
  checkedMany,
  dueNow,
  listed,
  refreshJob,
  refreshManyFields,
  refusalOf,
  reportOf,
  sharing,
  type ListedExperiment,
  type RefreshJob,
  type RefreshMany,
  type RefreshManyInput,
} from './refresh-many.js'
import { retryDelayMs } from './retry-delay.js'
import { runJobs, type Job } from './run-jobs.js'

/** What a worker passes to {@link runRefreshes}. */
export interface RunRefreshesInput<Version> extends RefreshManyInput<Version> {
  /**
   * Lists the experiments: called at once, and then every minute, or every `throttleMs` if that is shorter. If it fails,
   * those known before stay.
   */
  readonly experiments: () => readonly ListedExperiment[] | Promise<readonly ListedExperiment[]>
  /** Ends the loop. */
  readonly signal: AbortSignal
}

/** The list is read no less often than this. */
const listEveryMs = 60_000

/**
 * Keeps many experiments up to date until the signal: the loop of a worker. Run it on as many hosts as you like; they
 * agree through the store on who computes.
 *
 * Each experiment is refreshed as {@link refreshStoredExposures} does it, as soon as it is due, `concurrency` at a time;
 * the one that has waited longest comes first. A transient failure is tried again after its `retryAfterMs`, six times in
 * all, and then once in `throttleMs`. Claims that a stopped host gave back are taken up at once. What has ended, or has
 * not started, costs one read of the store in `throttleMs`.
 *
 * With `groupSize`, those that are due at the same time share a statement. What has failed is tried by itself. To stay
 * together, they are refreshed up to a tenth of `throttleMs` later.
 *
 * A failure of the warehouse, of the store, of the list or of one experiment is reported and never ends the loop. Only
 * misuse does, a clock that gives no time, and what `onOutcome` throws: then the promise rejects. In any case, running
 * queries are ended first and their claims given back, and nothing is left behind: no timer, no listener. (A store that
 * does not answer is waited for: give it a timeout.)
 *
 * @param input.experiments - lists the experiments: `{ key, spec, experiment }`, and `settings`, `partitions` and
 *   `concurrency` of its query where it needs them. An entry that is new or has changed is looked at at once
 * @param input.now - the clock: `Date.now`
 * @param input.signal - ends the loop
 * @param input.onOutcome - called with each report: the outcome, the state, and when this host tries next
 * @returns resolves after the signal, when nothing runs any more
 * @throws {@link ExposureError} `invalid-policy`, `invalid-instant` for misuse of what the experiments have in common;
 *   what `onOutcome` throws
 *
 * @example
 * ```ts
 * import { exposureSpec } from 'first-exposure'
 * import { memoryRefreshStore, runRefreshes } from 'first-exposure/clickhouse'
 *
 * const stopping = new AbortController() // process.once('SIGTERM', () => stopping.abort())
 * const outcomes: string[] = []
 * await runRefreshes({
 *   client: { query: async () => ({ json: async () => [] }) },
 *   store: memoryRefreshStore(),
 *   experiments: async () => [
 *     {
 *       key: 'checkout',
 *       spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *       experiment: { startedAt: Date.UTC(2026, 5, 1), endedAt: null },
 *     },
 *   ],
 *   now: Date.now,
 *   signal: stopping.signal,
 *   onOutcome: ({ key, outcome }) => {
 *     outcomes.push(`${key}: ${outcome.type}`)
 *     stopping.abort()
 *   },
 * })
 * outcomes // => ['checkout: refreshed']
 * ```
 */
export async function runRefreshes<Version>(input: RunRefreshesInput<Version>): Promise<void> {
  withFields(input, [...refreshManyFields, 'experiments', 'signal'], 'input', invalidPolicy, '')
  const { experiments, signal } = input
  aFunction(experiments, 'experiments', invalidPolicy, 'Pass a function that lists the experiments.')
  aSignal(signal, 'signal', invalidPolicy)
  const many = checkedMany(input)
  const jobs = new Set<Job<RefreshGroup>>()
  jobs.add(listJob(input, many, jobs))
  await runJobs(jobs, many, sharing(many))
}

/** Reads the list again and again, and keeps the jobs of its experiments. */
function listJob<Version>(
  { experiments, onOutcome }: RunRefreshesInput<Version>,
  many: RefreshMany,
  jobs: Set<Job<RefreshGroup>>,
): Job<RefreshGroup> {
  const { now, random, restMs } = many
  const everyMs = Math.min(listEveryMs, restMs)
  const known = new Map<string, { readonly job: RefreshJob; text: unknown }>()
  let failures = 0
  return {
    due: dueNow(many),
    takesPlace: false,
    run: async (signal) => {
      let entries: ReturnType<typeof listed>
      try {
        // Nobody waits for a list that never comes.
        entries = listed(await rejectOnAbort(signal, async () => await experiments()))
      } catch (error) {
        if (signal.aborted) return null
        failures++
        const nextAt = now() + Math.max(1000, retryDelayMs(failures, random, everyMs))
        await onOutcome?.(
          reportOf({
            key: null,
            outcome: { type: 'list-failed', error },
            state: null,
            costs: [],
            failures,
            nextAt,
          }),
        )
        return nextAt
      }
      failures = 0
      const keys = new Set<string>()
      const nextAt = now() + everyMs
      for (const entry of entries) {
        if ('error' in entry) {
          await onOutcome?.(refusalOf(entry, nextAt))
          continue
        }
        keys.add(entry.key)
        const before = known.get(entry.key)
        const text = textOf(entry.experiment)
        if (before === undefined) {
          const job = refreshJob(copyOf(entry.experiment), many, {
            again: true,
            report: async (report) => await onOutcome?.(report),
          })
          known.set(entry.key, { job, text })
          jobs.add(job)
        } else if (before.text !== text) {
          before.text = text
          before.job.experiment = copyOf(entry.experiment)
          before.job.due = dueNow(many)
        }
      }
      for (const [key, { job }] of known) {
        if (keys.has(key)) continue
        known.delete(key)
        jobs.delete(job)
      }
      return nextAt
    },
  }
}

/** Equal for equal entries. An entry that is not data is never equal, and is refused when it is asked about. */
function textOf(experiment: ListedExperiment): unknown {
  try {
    return JSON.stringify(experiment)
  } catch {
    return Symbol('not data')
  }
}

/** A copy, because the host may change its own list. An entry that cannot be copied is refused when it is asked about. */
function copyOf(listed: ListedExperiment): ListedExperiment {
  try {
    // structuredClone would not keep what marks trusted SQL in a spec.
    const { spec, ...others } = listed
    return { ...structuredClone(others), spec: exposureSpec(spec) }
  } catch {
    return listed
  }
}
