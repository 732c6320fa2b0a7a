import { setTimeout as delay } from 'node:timers/promises'
import { isExposureError } from 'first-exposure'
import { refreshStoredExposures, type ExposureClient, type RefreshStore } from 'first-exposure/clickhouse'
import type { WorkerExperiment } from './worker-experiment.js'

// Well below the time after which a claim counts as lost (10 minutes): what is left bears with clocks that differ by
// some minutes, so that two processes never compute the same at once.
const patienceMs = 4 * 60_000
const mostTries = 6

export interface RefreshWorkerInput {
  readonly client: ExposureClient
  readonly store: RefreshStore
  /** Asked before every round, so that a change needs no restart. Where it fails, the experiments known before stay. */
  readonly experiments: () => Promise<readonly WorkerExperiment[]>
  /** From the start of a round to the start of the next, in milliseconds; the same for every process. */
  readonly everyMs: number
  /** How many experiments are refreshed at once, at the most. */
  readonly concurrency: number
  /** How many rounds; `Infinity` for ever. */
  readonly rounds: number
  /** Ends the worker: what runs is aborted, and its claims are given back, before the promise resolves. */
  readonly signal: AbortSignal
  /** Told what became of each experiment, as plain data that holds no secret. */
  readonly log: (event: Readonly<Record<string, unknown>>) => void
}

/**
 * Refreshes every experiment in every round, on any number of processes: they agree through the store on who computes.
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
    // Several loops that share one iterator: each takes the next as soon as it has time.
    const queue = known.values()
    const loop = async (): Promise<void> => {
      for (const experiment of queue) if (!(await refresh(experiment, input))) failed++
    }
    await Promise.all(Array.from({ length: concurrency }, loop))
    await nextRound
  }
  return failed
}

/** Brings one experiment up to date, and logs how each try ended. False where it failed for good. */
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
        // A little less than the interval, or a round that comes a moment early would be one for nothing.
        policy: { throttleMs: Math.floor(everyMs * 0.9) },
        attempt,
        signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      })
      if (attempt === 0 && outcome.type === 'throttled' && state.failure?.error.code === 'aborted') {
        // A process that was stopped has given its claim back: that was a try, and this is the next.
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
    // Our own errors say what to mend, and hold no secret; of the store's, the code must do.
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
    log(
      isExposureError(error)
        ? { key, type: 'refused', code, message }
        : { key, type: 'store-failed', code: typeof code === 'string' ? code : null },
    )
    return false
  }
}
