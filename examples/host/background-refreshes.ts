import { setTimeout as delay } from 'node:timers/promises'
import { initialRefreshState, type RefreshPolicy } from 'first-exposure'
import {
  refreshStoredExposures,
  type ExposureClient,
  type RefreshOutcome,
  type RefreshStore,
} from 'first-exposure/clickhouse'
import type { HostExperiment } from './experiments.js'

// Well below the time after which a claim counts as lost (10 minutes): what is left bears with clocks that differ by
// some minutes, so that two hosts never compute the same at once.
const patienceMs = 4 * 60_000
const mostTries = 6

/** Refreshes that run beside the requests which asked for them. */
export interface BackgroundRefreshes {
  /**
   * Starts a refresh where one is due.
   *
   * @returns `claimed` as soon as the claim is stored and the computation begins, or why there is none: as
   *   `refreshStoredExposures` says
   * @throws what the store throws
   */
  start(experiment: HostExperiment): Promise<RefreshOutcome | { readonly type: 'claimed' }>
  /** Takes up again what an earlier process of this service left for lack of time or luck. */
  resume(experiment: HostExperiment): Promise<void>
  /** Aborts what runs, and waits until every claim is given back. */
  stop(): Promise<void>
}

export interface BackgroundRefreshesInput {
  readonly client: ExposureClient
  readonly store: RefreshStore
  readonly policy: Partial<RefreshPolicy>
  /** Told how each try ended, or what the store threw. */
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

  /** Tries until there is nothing to retry. */
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
          (retries ? ` Next try in ${outcome.retryAfterMs} ms.` : ' Given up.'),
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
    // Between two tries nobody has a claim, but this process is about to.
    if (running.has(id)) return { type: 'in-flight' }
    return await new Promise((resolve, reject) => {
      const work = refresh(experiment, firstAttempt, resolve)
        .catch((error: unknown) => {
          // The claim of a run whose outcome cannot be stored expires by itself.
          // Its code says what it was; its message may name more than a log should.
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

/** The store, telling when the first save of a call has succeeded, which is its claim. */
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
