import { aWholeNumber, withFields } from '../checks.js'
import { invalidPolicy, isExposureError } from '../errors.js'
import { mostInBatch } from '../questions/batch/statement.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { endQuery } from './end-query.js'
import type { QueryCost } from './query-cost.js'
import { queryIdPrefix } from './fetch-rows.js'
import { fetchExposuresSummaries } from './fetch-exposures-summaries.js'
import { askAlone, type RefreshAsking, type RefreshInput } from './refresh-exposures.js'
import {
  checkedMany,
  listed,
  refreshManyFields,
  refusalOf,
  reportOf,
  type ListedExperiment,
  type RefreshMany,
  type RefreshManyInput,
  type RefreshReport,
} from './refresh-many.js'
import { refreshStored } from './refresh-stored-exposures.js'

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
   * `presumedLostAfterMs`, so that they end well before the claims count as lost.
   */
  readonly timeoutMs?: number
  /**
   * Called after each group with what each of its shared statements cost. The `costs` of a report are only those of an
   * experiment that was asked by itself.
   */
  readonly onCost?: (cost: QueryCost) => void
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
 * never holds up the others. Nothing is tried again in the same call: what failed is due again after its `retryAfterMs`
 * at the next call. Experiments with `settings`, `partitions` or `concurrency` of their own are asked by themselves.
 *
 * @param input.experiments - the list: `{ key, spec, experiment }`
 * @param input.now - the clock, `Date.now`: each claim has the time at which it is made
 * @param input.groupSize - the most experiments to claim and to ask about at a time, 1 to 1,000; default 500
 * @param input.concurrency - how many statements of a group to ask at a time; default 1
 * @param input.timeoutMs - the longest that the statements of one group may take, in milliseconds; default two fifths of
 *   `presumedLostAfterMs`
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
  withFields(
    input,
    [...refreshManyFields, 'experiments', 'groupSize', 'onCost', 'signal'],
    'input',
    invalidPolicy,
    '',
  )
  const many = checkedMany(input)
  const groupSize = aWholeNumber(1, mostInBatch)(input.groupSize ?? 500, 'groupSize', invalidPolicy)
  const entries = listed(input.experiments)
  const reports: RefreshReport[] = []
  let begun: Promise<RefreshReport>[] = []
  let group = newGroup(many, input)
  /** Asks about the group, and waits for its reports. */
  const finish = async (): Promise<void> => {
    const found = await group.finish(begun)
    const { costs } = group
    begun = []
    group = newGroup(many, input)
    reports.push(...found)
    for (const cost of costs) input.onCost?.(cost)
    for (const report of found) await input.onOutcome?.(report)
  }
  for (const entry of entries) {
    if (input.signal?.aborted === true) break
    if ('error' in entry) {
      begun.push(Promise.resolve(refusalOf(entry, null)))
      continue
    }
    const { report, claimedOrDone } = group.begin(entry.experiment)
    begun.push(report)
    await claimedOrDone
    if (group.size() >= groupSize) await finish()
  }
  await finish()
  return Object.freeze(reports)
}

interface Group {
  /** Decides and claims one experiment. Its report comes after `finish`, if it was due. */
  readonly begin: (experiment: ListedExperiment) => {
    readonly report: Promise<RefreshReport>
    readonly claimedOrDone: Promise<void>
  }
  /** What its shared statements cost. */
  readonly costs: readonly QueryCost[]
  /** The number of claimed experiments. */
  readonly size: () => number
  /** Asks about the claimed experiments, and waits for the reports. */
  readonly finish: (begun: readonly Promise<RefreshReport>[]) => Promise<readonly RefreshReport[]>
}

/** A claimed experiment that waits for its summary. */
interface Waiting extends Pick<RefreshInput, 'spec'> {
  readonly window: ExposureWindow
  readonly answered: (summary: ExposuresSummary) => void
  readonly failed: (error: unknown) => void
}

function newGroup<Version>(many: RefreshMany<Version>, input: RefreshBatchInput<Version>): Group {
  const { client, store } = input
  const queryId = `${queryIdPrefix}${crypto.randomUUID()}`
  const limit = new AbortController()
  const waiting: Waiting[] = []
  const costs: QueryCost[] = []
  let ended: Promise<void> | undefined
  let size = 0

  const begin: Group['begin'] = ({ key, ...own }) => {
    let claimed = (): void => undefined
    const isClaimed = new Promise<void>((resolve) => {
      claimed = resolve
    })
    const together: RefreshAsking = {
      ask: async ({ spec }, window) =>
        await new Promise<ExposuresSummary>((answered, failed) => {
          size++
          waiting.push({ spec, window, answered, failed })
          claimed()
        }),
      // Halves of halves: at most twice as many statements as experiments.
      end: async () => {
        ended ??= endQuery(client, queryId, 2 * waiting.length)
        await ended
      },
    }
    const alone: RefreshAsking = {
      ...askAlone,
      ask: async (...asked) => {
        size++
        claimed()
        return await askAlone.ask(...asked)
      },
    }
    const isAlone = [own.settings, own.partitions, own.concurrency].some((each) => each !== undefined)
    const refresh = async (): Promise<RefreshReport> => {
      try {
        const {
          outcome,
          state,
          costs: asked,
        } = await refreshStored(
          {
            ...own,
            client,
            store,
            key,
            now: many.now(),
            policy: many.policy,
            random: many.random,
            signal: limit.signal,
          },
          isAlone ? alone : together,
        )
        const failures = outcome.type === 'failed' ? 1 : 0
        return reportOf({ key, outcome, state, costs: asked, failures, nextAt: null })
      } catch (error) {
        const outcome = isExposureError(error)
          ? ({ type: 'refused', error } as const)
          : ({ type: 'store-failed', error } as const)
        return reportOf({
          key,
          outcome,
          state: null,
          costs: [],
          failures: isExposureError(error) ? 0 : 1,
          nextAt: null,
        })
      }
    }
    const report = refresh()
    return { report, claimedOrDone: Promise.race([isClaimed, report.then(() => undefined)]) }
  }

  const askTogether = async (): Promise<void> => {
    try {
      const results = await fetchExposuresSummaries(
        client,
        waiting.map(({ spec, window }) => ({ spec, window })),
        {
          queryId,
          concurrency: input.concurrency ?? 1,
          groupSize: mostInBatch,
          signal: limit.signal,
          onCost: (cost) => void costs.push(cost),
        },
      )
      for (const [index, result] of results.entries()) {
        if (result.type === 'answered') waiting[index]?.answered(result.summary)
        else waiting[index]?.failed(result.error)
      }
    } catch (error) {
      for (const { failed } of waiting) failed(error)
    }
  }
  const finish: Group['finish'] = async (begun) => {
    const timer = setTimeout(() => {
      limit.abort(new DOMException('The refreshes took longer than timeoutMs.', 'TimeoutError'))
    }, many.timeoutMs)
    const onAbort = (): void => {
      limit.abort(input.signal?.reason)
    }
    input.signal?.addEventListener('abort', onAbort, { once: true })
    if (input.signal?.aborted === true) onAbort()
    try {
      if (waiting.length > 0) await askTogether()
      return await Promise.all(begun)
    } finally {
      clearTimeout(timer)
      input.signal?.removeEventListener('abort', onAbort)
    }
  }
  return { begin, costs, size: () => size, finish }
}
