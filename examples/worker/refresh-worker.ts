import { setTimeout as delay } from 'node:timers/promises'
import { isExposureError } from 'first-exposure'
import { refreshStoredExposures, type ExposureClient, type RefreshStore } from 'first-exposure/clickhouse'
import type { WorkerExperiment } from './worker-experiment.js'

// Well below the time after which a claim counts as lost (10 minutes). The rest allows for clocks that differ by a few
// minutes, so that two processes never compute the same refresh at once.
const patienceMs = 4 * 60_000
const mostTries = 6

export interface RefreshWorkerInput {
  readonly client: ExposureClient
  readonly store: RefreshStore
  /** Called before every round, so a change needs no restart. If it fails, the previous list stays. */
  readonly experiments: () => Promise<readonly WorkerExperiment[]>
  /** From the start of a round to the start of the next, in milliseconds; the same for every process. */
  readonly everyMs: number
  /** The maximum number of experiments refreshed at the same time. */
  readonly concurrency: number
  /** How many rounds; `Infinity` to run for ever. */
  readonly rounds: number
  /** Stops the worker. Running refreshes are aborted and their claims given back before the promise resolves. */
  readonly signal: AbortSignal
  /** Called with the outcome of each experiment, as plain data without secrets. */
  readonly log: (event: Readonly<Record<string, unknown>>) => void
}

/**
 * Refreshes every experiment in every round, on any number of processes. They agree through the store on who computes.
 *
 * @returns how many experiments failed in the last round
 */
export async function refreshWorker(input: RefreshWorkerInput): Promise<number> {
  const { everyMs, concurrency, rounds, signal, log } = input
  let known: readonly WorkerExperiment[] = []
  let failed = 0
  for (let round = 0; round < rounds && !signal.aborted; round++) {
    const nextRound = round + 1 < rounds ? delay(everyMs, undefined, { signal }).catch(() => {}) : undefined
    try {
      known = await input.experiments()
    } catch (error) {
      log({ type: 'experiments-unreadable', message: (error as Error).message })
    }
    failed = 0
    // Several loops share one iterator: each takes the next experiment when it is free.
    const queue = known.values()
    const loop = async (): Promise<void> => {
      for (const experiment of queue) if (!(await refresh(experiment, input))) failed++
    }
    await Promise.all(Array.from({ length: concurrency }, loop))
    await nextRound
  }
  return failed
}

/** Brings one experiment up to date, and logs how each try ended. Returns false if it finally failed. */
async function refresh(
  { key, spec, experiment }: WorkerExperiment,
  input: RefreshWorkerInput,
): Promise<boolean> {
  const { client, store, everyMs, signal, log } = input
  try {
    for (let attempt = 0; !signal.aborted;) {
      const { state, outcome } = await refreshStoredExposures({
        client,
        spec,
        experiment,
        store,
        key,
        now: Date.now(),
        // A little less than the interval, so that a round that starts slightly early is not throttled.
        policy: { throttleMs: Math.floor(everyMs * 0.9) },
        attempt,
        signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      })
      if (attempt === 0 && outcome.type === 'throttled' && state.failure?.error.code === 'aborted') {
        // A stopped process gave its claim back. That was the first try, and this is the next.
        attempt = 1
        continue
      }
      attempt++
      const retries = outcome.type === 'failed' && outcome.kind === 'transient' && attempt < mostTries
      log({ key, ...outcome, ...(outcome.type === 'failed' ? { retries } : {}) })
      if (!retries) return outcome.type !== 'failed'
      await delay(outcome.retryAfterMs, undefined, { signal }).catch(() => {})
    }
    return true
  } catch (error) {
    // Our own errors say what to fix and contain no secret. For the store's errors, log only the code.
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
    log(
      isExposureError(error)
        ? { key, type: 'refused', code, message }
        : { key, type: 'store-failed', code: typeof code === 'string' ? code : null },
    )
    return false
  }
}
