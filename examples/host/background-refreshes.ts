import { setTimeout as delay } from 'node:timers/promises'
import { initialRefreshState, type RefreshPolicy } from 'first-exposure'
import {
  refreshStoredExposures,
  type ExposureClient,
  type RefreshOutcome,
  type RefreshStore,
} from 'first-exposure/clickhouse'
import type { HostExperiment } from './experiments.js'

// Well below the time after which a claim counts as lost (10 minutes). The rest allows for clocks that differ by a few
// minutes, so that two hosts never compute the same refresh at once.
const patienceMs = 4 * 60_000
const mostTries = 6

/** Refreshes that run in the background, after the requests that asked for them are answered. */
export interface BackgroundRefreshes {
  /**
   * Starts a refresh if one is due.
   *
   * @returns `claimed` as soon as the claim is stored and the computation begins; otherwise the outcome of
   *   `refreshStoredExposures`, which says why not
   * @throws what the store throws
   */
  start(experiment: HostExperiment): Promise<RefreshOutcome | { readonly type: 'claimed' }>
  /** Continues the refreshes that an earlier process of this service did not finish. */
  resume(experiment: HostExperiment): Promise<void>
  /** Aborts running refreshes, and waits until every claim is given back. */
  stop(): Promise<void>
}

export interface BackgroundRefreshesInput {
  readonly client: ExposureClient
  readonly store: RefreshStore
  readonly policy: Partial<RefreshPolicy>
  /** Called with how each try ended, or what the store threw. */
  readonly log: (line: string) => void
}

export function backgroundRefreshes({
  client,
  store,
  policy,
  log,
}: BackgroundRefreshesInput): BackgroundRefreshes {
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()

  /** Tries until there is nothing left to retry. */
  const refresh = async (
    { id, spec, experiment }: HostExperiment,
    firstAttempt: number,
    onFirst: (outcome: RefreshOutcome | { readonly type: 'claimed' }) => void,
  ): Promise<void> => {
    for (let attempt = firstAttempt; ; attempt++) {
      const { outcome } = await refreshStoredExposures({
        client,
        spec,
        experiment,
        store: onceSaved(store, () => {
          onFirst({ type: 'claimed' })
        }),
        key: id,
        now: Date.now(),
        policy,
        attempt,
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(patienceMs)]),
      })
      onFirst(outcome)
      if (outcome.type === 'refreshed') log(`${id}: refreshed as of ${new Date(outcome.asOf).toISOString()}`)
      if (outcome.type === 'aborted') log(`${id}: aborted, the claim is given back`)
      if (outcome.type !== 'failed') return
      const retries = outcome.kind === 'transient' && attempt + 1 < mostTries
      log(
        `${id}: ${outcome.error.message}` +
          (retries ? ` Next try in ${outcome.retryAfterMs} ms.` : ' Gave up.'),
      )
      if (!retries) return
      await delay(outcome.retryAfterMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
    }
  }

  const start = async (
    experiment: HostExperiment,
    firstAttempt = 0,
  ): Promise<RefreshOutcome | { readonly type: 'claimed' }> => {
    const { id } = experiment
    // Between two tries nobody has a claim, but this process will make one soon.
    if (running.has(id)) return { type: 'in-flight' }
    return await new Promise((resolve, reject) => {
      const work = refresh(experiment, firstAttempt, resolve)
        .catch((error: unknown) => {
          // If an outcome cannot be stored, the claim of its run expires by itself.
          // The code says what it was. The message may contain more than a log should.
          const { code } = error as { readonly code?: unknown }
          log(`${id}: the store failed (${typeof code === 'string' ? code : 'no code'})`)
          reject(error)
        })
        .finally(() => running.delete(id))
      running.set(id, work)
    })
  }

  return {
    start: (experiment) => start(experiment),
    resume: async (experiment) => {
      const { failure } = (await store.load(experiment.id))?.state ?? initialRefreshState
      if (failure?.error.transient === true) await start(experiment, 1)
    },
    stop: async () => {
      stopping.abort()
      await Promise.all(running.values())
    },
  }
}

/** The store, with a callback after the first successful save of a call, which is its claim. */
function onceSaved(store: RefreshStore, onSaved: () => void): RefreshStore {
  return {
    load: (key) => store.load(key),
    save: async (key, state, expectedVersion) => {
      const saved = await store.save(key, state, expectedVersion)
      if (saved.type === 'saved') onSaved()
      return saved
    },
  }
}
