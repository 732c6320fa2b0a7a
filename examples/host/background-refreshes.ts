import { initialRefreshState, type RefreshPolicy } from 'first-exposure'
import {
  refreshDueExposures,
  type ExposureClient,
  type RefreshOutcome,
  type RefreshStore,
} from 'first-exposure/clickhouse'
import type { HostExperiment } from './experiments.js'

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
  /** Continues the refreshes that an earlier process of this service gave back. */
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
  const running = new Map<string, Promise<unknown>>()

  const start: BackgroundRefreshes['start'] = async ({ id, spec, experiment }) => {
    // Between two tries nobody has a claim, but this process will make one soon.
    if (running.has(id)) return { type: 'in-flight' }
    return await new Promise((resolve, reject) => {
      const round = refreshDueExposures({
        client,
        store: onceSaved(store, () => {
          resolve({ type: 'claimed' })
        }),
        experiments: [{ key: id, spec, experiment }],
        now: Date.now,
        policy,
        signal: stopping.signal,
        onOutcome: ({ outcome, nextAt }) => {
          switch (outcome.type) {
            case 'refreshed':
              log(`${id}: refreshed as of ${new Date(outcome.asOf).toISOString()}`)
              break
            case 'aborted':
              log(`${id}: aborted, the claim is given back`)
              break
            case 'failed':
              log(
                `${id}: ${outcome.error.message} ` +
                  (nextAt === null ? 'Gave up.' : `Next try in ${outcome.retryAfterMs} ms.`),
              )
              break
            case 'store-failed': {
              // The code says what it was. The message may contain more than a log should.
              const { code } = outcome.error as { readonly code?: unknown }
              log(`${id}: the store failed (${typeof code === 'string' ? code : 'no code'})`)
              return reject(outcome.error as Error)
            }
            case 'refused':
            case 'list-failed':
              return reject(outcome.error as Error)
            case 'in-flight':
            case 'throttled':
            case 'final':
            case 'not-started':
          }
          return resolve(outcome)
        },
      }).finally(() => running.delete(id))
      running.set(id, round)
    })
  }

  return {
    start,
    resume: async (experiment) => {
      const { failure } = (await store.load(experiment.id))?.state ?? initialRefreshState
      if (failure?.error.code === 'aborted') await start(experiment)
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
