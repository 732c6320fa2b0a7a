import { ExposureError, received } from '../errors.js'
import { epochMs } from '../instant.js'
import { checkedPolicy } from '../refresh/checked-policy.js'
import { reduceRefresh } from '../refresh/reduce-refresh.js'
import { refreshDecision, type RefreshDecision } from '../refresh/refresh-decision.js'
import type { RefreshExperiment } from '../refresh/refresh-experiment.js'
import type { RefreshPolicy } from '../refresh/refresh-policy.js'
import type { RefreshError, RefreshState } from '../refresh/refresh-state.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import { exposureWindow, type ExposureWindow } from '../spec/exposure-window.js'
import { classifyFailure } from './classify-failure.js'
import { endQuery } from './end-query.js'
import type { ExposureClient } from './exposure-client.js'
import { assertParts, fetchExposuresSummary } from './fetch-exposures-summary.js'
import { queryIdPrefix } from './fetch-rows.js'
import { retryDelayMs } from './retry-delay.js'

/** What a refresh needs to know, wherever the state is kept. */
export interface RefreshInput {
  /** The host's own ClickHouse client; it stays open. */
  readonly client: ExposureClient
  /** Made by `exposureSpec`. */
  readonly spec: ExposureSpec
  /** When the experiment ran, in epoch milliseconds. */
  readonly experiment: RefreshExperiment
  /** The time, in epoch milliseconds. Everything that this call reports happened at this instant. */
  readonly now: number
  /** What differs from the defaults of `refreshDecision`, in milliseconds. */
  readonly policy?: Partial<RefreshPolicy>
  /** Ends the refresh. An `AbortSignal.timeout(…)` counts as a failure for lack of time, any other abort as the host's wish. */
  readonly signal?: AbortSignal
  /** The query's id on the server; default `first-exposure-` and a random UUID. It must be new for each run. */
  readonly queryId?: string
  /** ClickHouse settings for the query. None is needed. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** In how many parts to ask, and how many of them at a time: see `fetchExposuresSummary`. Default 1 each. */
  readonly partitions?: number
  readonly concurrency?: number
  /**
   * How many tries in a row failed for a passing reason before this one. Default 0. From 1 on, a refresh may follow such a
   * failure without waiting for `throttleMs`: the host waited for `retryAfterMs` instead.
   */
  readonly attempt?: number
  /** Where the jitter of `retryAfterMs` comes from: a number from 0 to 1 on each call. Default `Math.random`. */
  readonly random?: () => number
}

/** How a call ended. What the decision was, where nothing was due; see `refreshDecision`. */
export type RefreshOutcome =
  | { readonly type: 'refreshed'; readonly asOf: number }
  | {
      readonly type: 'failed'
      /** `transient`: the same run may succeed after `retryAfterMs`. `permanent`: somebody must change something first. */
      readonly kind: 'transient' | 'permanent'
      readonly error: RefreshError
      /** Milliseconds: a random part of an exponential backoff for a transient failure, `throttleMs` for a permanent one. */
      readonly retryAfterMs: number
    }
  | { readonly type: 'aborted' }
  | Exclude<RefreshDecision, { readonly type: 'due' }>

/** The state after a call, and how it ended. */
export interface RefreshResult {
  readonly state: RefreshState
  readonly outcome: RefreshOutcome
}

/**
 * Brings the state of an experiment up to date: decides, computes the whole window from `startedAt` to the earlier of
 * `now` and `endedAt`, and reports. What the warehouse does never throws: it is an outcome, and the last good summary
 * and its `asOf` stay.
 *
 * All it reports bears the instant `now`, when the run began: what arrives while it runs may be missing from it, so
 * the settle time counts from there. Where the state knows of an instant a little ahead of `now` (another host's clock
 * is ahead), that instant counts instead, so that the state moves forward. Where an end was set before what was computed
 * already, the window stays as wide as it was: to shrink it, start from `initialRefreshState`. Do so too where a clock that
 * was far ahead has reported a success: nothing earlier can take its place.
 *
 * An abort, a timeout or a broken connection leaves the query running on the server: a closed connection alone does not
 * end it. So each run has a query id of its own, and after any such end `KILL QUERY` is asked for, for up to 5 s, best
 * effort. Users may end their own queries, under `readonly = 1` too, if they may see them: where a user has only what
 * was granted, `GRANT SELECT(query_id, user, query) ON system.processes`. Or let the server itself end what its client
 * has left, by `cancel_http_readonly_queries_on_client_close = 1` in the user's profile.
 *
 * An answer that is not whole, or not to this query, is a failure. What cannot be found: an older answer, under the new
 * query's id or one that a proxy gave it, whose buckets all lie inside the window; and one that was cut exactly between
 * two rows and looks ended. Such is what a proxy closes as if it were whole, and, to `fetch`, a connection that breaks
 * under `Connection: close`.
 *
 * @param input.state - what is known: `initialRefreshState`, or what an earlier call returned
 * @returns the state to keep and how the call ended; the same `state` by reference where nothing was due
 * @throws {@link ExposureError} for misuse only: `invalid-spec`, `invalid-instant`, `invalid-window`, `invalid-policy`
 *
 * @example
 * ```ts
 * import { exposureSpec, initialRefreshState } from 'first-exposure'
 * import { refreshExposures } from 'first-exposure/clickhouse'
 *
 * const client = { query: async () => ({ json: async () => [] }) }
 * const { state, outcome } = await refreshExposures({
 *   client,
 *   spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   experiment: { startedAt: Date.UTC(2026, 5, 1), endedAt: null },
 *   state: initialRefreshState,
 *   now: Date.UTC(2026, 5, 2),
 * })
 * outcome // => { type: 'refreshed', asOf: Date.UTC(2026, 5, 2) }
 * state.success?.summary.excludedIdentities // => 0
 * ```
 */
export async function refreshExposures(
  input: RefreshInput & { readonly state: RefreshState },
): Promise<RefreshResult> {
  const { state, signal } = input
  const decision = decideRefresh(state, input)
  if (decision.type !== 'due') return result(state, decision)
  if (signal?.aborted === true) return result(state, { type: 'aborted' })
  const claim = claimRefresh(state, input)
  const { outcome, report } = await runRefresh(claim, input)
  return result(report(claim.state), outcome)
}

/** The decision of `refreshDecision`, but that a retry need not wait as long as a refresh. Checks all of the input. */
export function decideRefresh(state: RefreshState, input: RefreshInput): RefreshDecision {
  const { client, spec, experiment, now, policy, attempt = 0, queryId, partitions, concurrency } = input
  if (typeof client?.query !== 'function') {
    throw invalidInput('client', client, 'Pass a ClickHouse client.')
  }
  assertParts(partitions, concurrency)
  if (!Number.isSafeInteger(attempt) || attempt < 0) {
    throw invalidInput('attempt', attempt, 'Pass 0, 1, 2, …')
  }
  if (queryId === '') {
    throw new ExposureError(
      'invalid-policy',
      'queryId is empty. Leave it out, or pass one that is new for each run.',
      {
        field: 'queryId',
      },
    )
  }
  const decision = refreshDecision(state, experiment, now, policy)
  // Misuse shows at once, and not only when a refresh is due.
  if (decision.type !== 'not-started') windowOf(state, input, now)
  exposureSpec(spec)
  const { requestedAt, failure } = state
  const retries = attempt > 0 && failure?.error.transient === true && failure.at >= (requestedAt ?? 0)
  return decision.type === 'throttled' && retries ? { type: 'due' } : decision
}

function invalidInput(field: string, value: unknown, advice: string): ExposureError {
  return new ExposureError(
    'invalid-policy',
    `${field} is not usable: received ${received(value)}. ${advice}`,
    { field, received: received(value) },
  )
}

/** A run's turn: the instant that all its reports bear, and the state in which it has claimed it. */
export interface RefreshClaim {
  readonly at: number
  readonly state: RefreshState
  /** How long to wait before the next try, should this one fail for a passing reason. */
  readonly retryAfterMs: number
}

/** Claims a turn by a request that is later than any the state knows of. */
export function claimRefresh(
  state: RefreshState,
  { now, policy = {}, attempt = 0, random = Math.random }: RefreshInput,
): RefreshClaim {
  const { presumedLostAfterMs, throttleMs } = checkedPolicy(policy)
  // Drawn before anything is claimed: what random gives may be misuse.
  const retryAfterMs = retryDelayMs(attempt, random, throttleMs)
  const known = state.requestedAt ?? -Infinity
  // A host whose clock is behind must move the state too, or nobody would see its claim. A request from the far
  // future is no clock to follow.
  const at = known >= now && known - now < presumedLostAfterMs ? known + 1 : now
  return { at, state: reduceRefresh(state, { type: 'requested', at }), retryAfterMs }
}

/** Computes what the claim is for. The report is to be joined to whatever is known by then. */
export async function runRefresh(
  { at, state: claimed, retryAfterMs }: RefreshClaim,
  input: RefreshInput,
): Promise<{ readonly outcome: RefreshOutcome; readonly report: (state: RefreshState) => RefreshState }> {
  const { client, spec, settings, signal, partitions, concurrency } = input
  const window = windowOf(claimed, input, at)
  const asOf = window.asOfMs
  const queryId = input.queryId ?? `${queryIdPrefix}${crypto.randomUUID()}`
  const asked = signal?.aborted !== true
  try {
    const summary = await fetchExposuresSummary(client, spec, window, {
      queryId,
      ...(signal === undefined ? {} : { signal }),
      ...(settings === undefined ? {} : { settings }),
      ...(partitions === undefined ? {} : { partitions }),
      ...(concurrency === undefined ? {} : { concurrency }),
    })
    return {
      outcome: { type: 'refreshed', asOf },
      report: (state) => reduceRefresh(state, { type: 'succeeded', asOf, at, summary }),
    }
  } catch (thrown) {
    const error = signal?.aborted === true ? abortError(signal.reason) : classifyFailure(thrown)
    // Where nothing was asked, or ClickHouse itself gave up, there is nothing to end, but for other parts.
    const hasOtherParts = Math.min(partitions ?? 1, concurrency ?? 1) > 1
    if (asked && (mayStillRun(error) || hasOtherParts)) await endQuery(client, queryId, partitions)
    return {
      outcome: outcomeOf(error, retryAfterMs, input),
      report: (state) => reduceRefresh(state, { type: 'failed', asOf, at, error }),
    }
  }
}

/** Freezes what a call returns. */
export function result(state: RefreshState, outcome: RefreshOutcome): RefreshResult {
  return Object.freeze({ state, outcome: Object.freeze(outcome) })
}

/** From the start to the earlier of now and the end, and never less than what was computed already. */
function windowOf(state: RefreshState, { experiment }: RefreshInput, now: number): ExposureWindow {
  const endsAt = experiment.endedAt === null ? Infinity : epochMs(experiment.endedAt, 'experiment.endedAt')
  const asOf = Math.max(Math.min(now, endsAt), Math.min(now, state.success?.asOf ?? -Infinity))
  return exposureWindow(experiment.startedAt, asOf)
}

const abortedByHost: RefreshError = /* @__PURE__ */ Object.freeze({
  code: 'aborted',
  transient: true,
  message: 'The refresh was stopped before it finished.',
})

function abortError(reason: unknown): RefreshError {
  const timedOut =
    typeof reason === 'object' && reason !== null && (reason as { name?: unknown }).name === 'TimeoutError'
  return timedOut
    ? Object.freeze({
        code: 'timeout',
        transient: true,
        message: 'The refresh took longer than its host allows.',
      })
    : abortedByHost
}

function outcomeOf(error: RefreshError, retryAfterMs: number, { policy }: RefreshInput): RefreshOutcome {
  if (error === abortedByHost) return { type: 'aborted' }
  return error.transient
    ? { type: 'failed', kind: 'transient', error, retryAfterMs }
    : { type: 'failed', kind: 'permanent', error, retryAfterMs: checkedPolicy(policy ?? {}).throttleMs }
}

const stillRunning: ReadonlySet<string> = new Set([
  'aborted',
  'timeout',
  'connection-reset',
  'connection-timeout',
  'malformed-answer',
  'unknown',
])

function mayStillRun({ code }: RefreshError): boolean {
  return stillRunning.has(code)
}
