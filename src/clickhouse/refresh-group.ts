import { isExposureError } from '../errors.js'
import { mostInBatch } from '../questions/batch/statement.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { endQuery } from './end-query.js'
import { fetchExposuresSummaries } from './fetch-exposures-summaries.js'
import { newQueryId } from './fetch-rows.js'
import type { QueryCost } from './query-cost.js'
import {
  askAlone,
  knownTo,
  type RefreshAsking,
  type RefreshInput,
  type RefreshResult,
} from './refresh-exposures.js'
import type { ListedExperiment, RefreshMany, RefreshReport } from './refresh-many.js'
import { refreshStored } from './refresh-stored-exposures.js'

/** One try to refresh an experiment, whatever became of it. */
export type Tried = Pick<RefreshReport, 'outcome' | 'state' | 'costs'>

/** Experiments that are decided, claimed and reported each by itself, and asked about together. */
export interface RefreshGroup {
  /**
   * Decides and claims one experiment, after those that were added before. `claimed` resolves when it waits for its
   * answer, or when it needs none. What was `tried` comes after `ask`, if it was due.
   *
   * @param attempt - how many tries have failed before
   */
  readonly add: (
    experiment: ListedExperiment,
    attempt: number,
  ) => { readonly claimed: Promise<void>; readonly tried: Promise<Tried> }
  /** The number of experiments that wait for their answers. */
  readonly size: () => number
  /** Asks about all, once they are claimed; call it once. Resolves when each has its answer. Never rejects. */
  readonly ask: () => Promise<void>
  /** What the shared statements have cost. */
  readonly costs: readonly QueryCost[]
}

/** A claimed experiment that waits for its summary. */
interface Waiting extends Pick<RefreshInput, 'spec'> {
  readonly window: ExposureWindow
  readonly answered: (summary: ExposuresSummary) => void
  readonly failed: (error: unknown) => void
}

/**
 * A group of experiments to refresh together.
 *
 * @param statements - how many shared statements to ask at a time
 * @param signal - ends it
 */
export function refreshGroup(
  many: RefreshMany,
  statements: number,
  signal: AbortSignal | undefined,
): RefreshGroup {
  const { input, policy, random } = many
  const { client, store } = input
  // One instant for all: their windows end together, and they are due together the next time.
  const now = many.now()
  const queryId = newQueryId()
  const limit = new AbortController()
  const onAbort = (): void => {
    limit.abort(signal?.reason)
  }
  if (signal?.aborted === true) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })
  const together: Waiting[] = []
  // Those with settings of their own: each waits for its turn.
  const alone: (() => Promise<void>)[] = []
  const costs: QueryCost[] = []
  let claims: Promise<unknown> = Promise.resolve()
  let ended: Promise<void> | undefined

  const add: RefreshGroup['add'] = ({ key, ...own }, attempt) => {
    let claimed = (): void => undefined
    const isWaiting = new Promise<void>((resolve) => {
      claimed = resolve
    })
    const isAlone = [own.settings, own.partitions, own.concurrency].some((each) => each !== undefined)
    const asking: RefreshAsking = isAlone
      ? {
          ...askAlone,
          ask: async (...asked) =>
            await new Promise<ExposuresSummary>((answered, failed) => {
              alone.push(async () => await askAlone.ask(...asked).then(answered, failed))
              claimed()
            }),
        }
      : {
          ask: async ({ spec }, window) =>
            await new Promise<ExposuresSummary>((answered, failed) => {
              together.push({ spec, window, answered, failed })
              claimed()
            }),
          // Halves of halves: at most twice as many statements as experiments.
          end: async () => {
            ended ??= endQuery(client, queryId, 2 * together.length)
            await ended
          },
        }
    const tried = claims.then(
      async () =>
        await triedRefresh(
          own,
          many,
          attempt,
          async (attempts) =>
            await refreshStored(
              {
                ...own,
                client,
                store,
                key,
                now,
                policy,
                attempt: attempts,
                random,
                signal: limit.signal,
              },
              asking,
            ),
        ),
    )
    const isClaimed = Promise.race([isWaiting, tried.then(() => undefined)])
    claims = isClaimed
    return { claimed: isClaimed, tried }
  }

  const askTogether = async (): Promise<void> => {
    if (together.length === 0) return
    try {
      const results = await fetchExposuresSummaries(
        client,
        together.map(({ spec, window }) => ({ spec, window })),
        {
          queryId,
          concurrency: statements,
          groupSize: mostInBatch,
          signal: limit.signal,
          onCost: (cost) => void costs.push(cost),
        },
      )
      for (const [index, result] of results.entries()) {
        if (result.type === 'answered') together[index]?.answered(result.summary)
        else together[index]?.failed(result.error)
      }
    } catch (error) {
      for (const { failed } of together) failed(error)
    }
  }
  const ask: RefreshGroup['ask'] = async () => {
    await claims
    const timer = setTimeout(() => {
      limit.abort(new DOMException('The refreshes took longer than timeoutMs.', 'TimeoutError'))
    }, many.timeoutMs)
    try {
      await askTogether()
      const next = async (): Promise<void> => {
        for (let turn = alone.shift(); turn !== undefined; turn = alone.shift()) await turn()
      }
      await Promise.all(Array.from({ length: statements }, next))
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }
  return { add, size: () => together.length + alone.length, ask, costs }
}

/**
 * One try, or two: a host that was stopped gave its claim back. That was a try too, and what follows is the next.
 *
 * @param refresh - refreshes the experiment, after this many failed tries
 */
export async function triedRefresh(
  own: Pick<ListedExperiment, 'spec' | 'experiment'>,
  many: Pick<RefreshMany, 'now' | 'policy'>,
  attempt: number,
  refresh: (attempts: number) => Promise<RefreshResult>,
): Promise<Tried> {
  try {
    const first = await refresh(attempt)
    const isGivenBack =
      first.outcome.type === 'throttled' &&
      knownTo(own, first.state, many.now(), many.policy).failure?.error.code === 'aborted'
    return isGivenBack ? await refresh(Math.max(attempt, 1)) : first
  } catch (error) {
    return {
      outcome: isExposureError(error) ? { type: 'refused', error } : { type: 'store-failed', error },
      state: null,
      costs: [],
    }
  }
}
