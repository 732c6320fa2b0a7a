import { aWholeNumber, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { experimentOf } from '../questions/batch/rows.js'
import {
  checkedExperiments,
  firstExposuresBatchQuery,
  mostInBatch,
  type BatchExperiment,
} from '../questions/batch/statement.js'
import { summarizeExposures } from '../questions/summary/answer.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { decodeBucketRows } from '../questions/summary/rows.js'
import { passesOf, type AskedExperiment } from '../scan/passes.js'
import { similarWindows } from '../scan/similar-windows.js'
import { selectGranularity } from '../time/granularity.js'
import { askPartitions } from './ask-partitions.js'
import { assertInWindow } from './assert-in-window.js'
import { classifyFailure } from './classify-failure.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchExposuresSummary } from './fetch-exposures-summary.js'
import { aClient, fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import type { QueryCost } from './query-cost.js'
import { assertRowBound } from './too-many-buckets.js'

/** How ClickHouse is asked about many experiments. */
export interface FetchExposuresSummariesOptions extends FetchRowsOptions {
  /** The prefix of the queries' ids on the server: `<queryId>-0`, `<queryId>-1`, … */
  readonly queryId?: string
  /**
   * The most experiments of one statement, 1 to 1,000; default 500. The server's memory grows with the identities of all
   * of them. A statement that exceeds a limit of the server is asked again in two halves.
   */
  readonly groupSize?: number
  /** How many statements to ask at a time; default 1. Their memory adds up. */
  readonly concurrency?: number
  /** Called after each statement, with the number of experiments that have a result. An error that it throws ends the call. */
  readonly onProgress?: (progress: { readonly answered: number; readonly of: number }) => void
}

/** The summary of one of many experiments, or why it has none. */
export type ExposuresResult =
  | { readonly type: 'answered'; readonly summary: ExposuresSummary }
  /** `error` is what `fetchExposuresSummary` would have thrown. `classifyFailure` says whether to try again. */
  | { readonly type: 'failed'; readonly error: unknown }

/**
 * Who entered each of many experiments, when, and in which variant? Asks ClickHouse in as few statements as possible.
 *
 * Experiments of one source that differ only in their features, windows, time zones, policies and `maxRows` share a
 * statement, up to `groupSize` of them, if their windows are similar: a statement reads at most twice the time that each
 * of its experiments is asked about. The others are asked one by one: those of a source with a rollup or that is
 * `shardedByIdentity`, those with `aliases`, a feature that is asked about twice, and experiments that share their source, environment, events,
 * filters or identity key with no other.
 *
 * One experiment that fails does not take the others along. If its answer has too many rows or is malformed, it fails
 * alone. If a statement exceeds a limit of the server, or the server cannot run it, it is asked again in two halves, down
 * to one experiment. If the server cannot be reached, or refuses the user or the table, all experiments of the statement
 * fail with that error.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param experiments - any number of experiments, each with its spec and its window
 * @param options.signal - ends the wait for all statements
 * @param options.queryId - the prefix of the queries' ids on the server
 * @param options.settings - ClickHouse settings for each statement; none is needed
 * @param options.groupSize - the most experiments of one statement, 1 to 1,000; default 500
 * @param options.concurrency - the number of statements to ask at a time, 1 or more; default 1
 * @param options.onProgress - called after each statement
 * @returns one frozen result for each experiment, in the same order: its summary, which is the one that
 *   `fetchExposuresSummary` returns for it alone, or its error
 * @throws the signal's reason after an abort; {@link ExposureError} `invalid-spec`, `invalid-window` for misuse, before
 *   anything is asked
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchExposuresSummaries } from 'first-exposure/clickhouse'
 *
 * const row = { quarantined: 0, variant: 'control', bucket: '2026-06-01 00:00:00', new_identities: 7 }
 * const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
 * const results = await fetchExposuresSummaries(
 *   { query: async () => ({ json: async () => [{ experiment: 1, ...row }] }) },
 *   ['checkout', 'search'].map((featureName) => ({
 *     spec: exposureSpec({ environmentKey: 'prod', featureName }),
 *     window,
 *   })),
 * )
 * results.map((each) => each.type === 'answered' && each.summary.timeseries.points.length) // => [0, 1]
 * ```
 */
export async function fetchExposuresSummaries(
  client: ExposureClient,
  experiments: readonly BatchExperiment[],
  options: FetchExposuresSummariesOptions = {},
): Promise<readonly ExposuresResult[]> {
  withFields(options, [...fetchRowsOptions, 'groupSize', 'concurrency', 'onProgress'], 'options', invalidSpec)
  const { groupSize = 500, concurrency = 1, onProgress, onCost, queryId, signal, settings } = options
  aWholeNumber(1, mostInBatch)(groupSize, 'groupSize', invalidSpec)
  aWholeNumber(1)(concurrency, 'concurrency', invalidSpec)
  aClient(client, 'query')
  const placed = checkedExperiments(experiments).map((asked, place): Placed => ({ ...asked, place }))
  const groups = passesOf(placed)
    .flatMap(similarWindows)
    .flatMap((group) => inGroups(group, groupSize))

  const results: ExposuresResult[] = []
  let [statements, answered] = [0, 0]
  const ask = async (group: readonly Placed[], ofGroup: AbortSignal): Promise<void> => {
    const costs: QueryCost[] = []
    const asked: FetchRowsOptions = {
      signal: ofGroup,
      onCost: (cost) => void costs.push(cost),
      ...(queryId === undefined ? {} : { queryId: `${queryId}-${statements++}` }),
      ...(settings === undefined ? {} : { settings }),
    }
    const found = await resultsOf(client, group, asked)
    for (const cost of costs) onCost?.(cost)
    if (found === 'too-much') {
      for (const half of inGroups(group, Math.ceil(group.length / 2))) await ask(half, ofGroup)
      return
    }
    for (const [index, { place }] of group.entries()) {
      const result = found[index]
      if (result !== undefined) results[place] = result
    }
    answered += group.length
    onProgress?.({ answered, of: placed.length })
  }
  if (groups.length > 0) {
    await askPartitions(
      { partitions: groups.length, concurrency, ...(signal === undefined ? {} : { signal }) },
      async (index, ofGroup) => await ask(groups[index] ?? [], ofGroup),
    )
  }
  return Object.freeze(results)
}

/** An experiment with its place in the question. */
interface Placed extends AskedExperiment {
  readonly place: number
}

function inGroups(pass: readonly Placed[], size: number): readonly (readonly Placed[])[] {
  return Array.from({ length: Math.ceil(pass.length / size) }, (_, index) =>
    pass.slice(index * size, (index + 1) * size),
  )
}

/** Asks one statement. `too-much` if fewer experiments could be answered. Throws only after an abort. */
async function resultsOf(
  client: ExposureClient,
  group: readonly Placed[],
  asked: FetchRowsOptions,
): Promise<readonly ExposuresResult[] | 'too-much'> {
  const [only] = group
  try {
    if (group.length === 1 && only !== undefined) {
      return [answer(await fetchExposuresSummary(client, only.spec, only.window, asked))]
    }
    const rows = await fetchRows(
      client,
      firstExposuresBatchQuery(group.map(({ spec, window }) => ({ spec, window }))),
      asked,
    )
    const byExperiment = group.map((): unknown[] => [])
    for (const [index, row] of rows.entries()) byExperiment[experimentOf(row, index, group.length)]?.push(row)
    return group.map((experiment, index) => resultOf(byExperiment[index] ?? [], experiment))
  } catch (error) {
    if (asked.signal?.aborted === true) throw error
    if (group.length > 1 && couldBeAnsweredInParts(error)) return 'too-much'
    return group.map(() => failure(error))
  }
}

/** The result of one experiment, from its rows of the answer. */
function resultOf(rows: readonly unknown[], { spec, window }: AskedExperiment): ExposuresResult {
  try {
    assertRowBound(rows, spec.maxRows)
    const buckets = decodeBucketRows(rows)
    for (const [row, { bucketMs }] of buckets.entries()) assertInWindow(bucketMs, window, row)
    const { timeZone } = spec
    return answer(summarizeExposures(buckets, { granularity: selectGranularity(window), timeZone }))
  } catch (error) {
    return failure(error)
  }
}

function answer(summary: ExposuresSummary): ExposuresResult {
  return Object.freeze({ type: 'answered', summary })
}

function failure(error: unknown): ExposuresResult {
  return Object.freeze({ type: 'failed', error })
}

/** A failure that fewer experiments at once may not have: a limit, or an experiment that the server cannot answer. */
function couldBeAnsweredInParts(error: unknown): boolean {
  const { code, transient } = classifyFailure(error)
  return transient ? limits.has(code) : !ofEveryExperiment.has(code)
}

const limits: ReadonlySet<string> = new Set(['memory-limit', 'time-limit'])

/** Permanent failures of the connection, the user or the source: no experiment of the statement could be answered. */
const ofEveryExperiment: ReadonlySet<string> = new Set([
  'authentication',
  'access-denied',
  'unknown-database',
  'unknown-table',
  'unknown-column',
  'query-cache',
  'session-refused',
  'readonly',
  'tls',
  'unknown-host',
  'gateway-refused',
  'not-clickhouse',
  'unsafe-setting',
  'unreadable-column',
  'unreadable-rollup',
])
