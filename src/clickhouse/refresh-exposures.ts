import { aFunction, aName, aWholeNumber, withFields } from '../checks.js'
import { invalidPolicy } from '../errors.js'
import { exposureFingerprint } from '../experiment/exposure-fingerprint.js'
import { exposureSpec, type ExposureSpec } from '../experiment/exposure-spec.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { firstExposuresQuery } from '../questions/summary/statement.js'
import { beyondBelief, knownOf, type Known } from '../refresh/known-of-question.js'
import { questionsOf } from '../refresh/merge-refresh-states.js'
import { reduceRefresh } from '../refresh/reduce-refresh.js'
import { decisionOfTry, type RefreshDecision } from '../refresh/refresh-decision.js'
import { checkedExperiment, type RefreshExperiment } from '../refresh/refresh-experiment.js'
import { checkedPolicy, type RefreshPolicy } from '../refresh/refresh-policy.js'
import { questionOfRun, type RefreshQuestion } from '../refresh/refresh-question.js'
import type { RefreshError, RefreshState } from '../refresh/refresh-state.js'
import { exposureWindow, type ExposureWindow } from '../time/exposure-window.js'
import { epochMs, type Instant } from '../time/instant.js'
import { classifyFailure } from './classify-failure.js'
import { endQuery, mayStillRun } from './end-query.js'
import type { ExposureClient } from './exposure-client.js'
import { assertPartitions } from './ask-partitions.js'
import { aClient, aSignal, assertSendable, newQueryId, type FetchRowsOptions } from './fetch-rows.js'
import { fetchExposuresSummary, type FetchExposuresOptions } from './fetch-exposures-summary.js'
import type { QueryCost } from './query-cost.js'
import { retryDelayMs } from './retry-delay.js'

/** The input of a refresh, whether or not a store keeps the state. */
export interface RefreshInput extends Pick<FetchExposuresOptions, 'settings' | 'partitions' | 'concurrency'> {
  /** The host's own ClickHouse client; it stays open. */
  readonly client: ExposureClient
  /** Made by `exposureSpec`. */
  readonly spec: ExposureSpec
  /**
   * When the experiment ran, in epoch milliseconds. Its fingerprint is computed from `spec` and `startedAt`, whatever is
   * passed.
   */
  readonly experiment: RefreshExperiment
  /**
   * The time: a `Date`, epoch milliseconds or ISO 8601 with a zone. Everything that this call reports happened at this
   * instant.
   */
  readonly now: Instant
  /** Overrides of the defaults of `refreshDecision`, in milliseconds. */
  readonly policy?: Partial<RefreshPolicy>
  /**
   * Ends the refresh. An `AbortSignal.timeout(…)` counts as a failure by timeout, any other abort as the host's
   * decision. If it comes before the claim, the state stays as it is.
   */
  readonly signal?: AbortSignal
  /** The query's id on the server; default `first-exposure-` and a random UUID. It must be new for each run. */
  readonly queryId?: string
  /**
   * The number of tries in a row before this one that failed with a transient error. Default 0. From 1 on, a refresh
   * after such a failure does not wait for `throttleMs`, because the host has waited for `retryAfterMs` instead.
   */
  readonly attempt?: number
  /** Where the jitter of `retryAfterMs` comes from: a number from 0 to 1 on each call. Default `Math.random`. */
  readonly random?: () => number
}

/** The names of those fields. */
export const refreshFields: readonly string[] = [
  'client',
  'spec',
  'experiment',
  'now',
  'policy',
  'signal',
  'queryId',
  'settings',
  'partitions',
  'concurrency',
  'attempt',
  'random',
] satisfies readonly (keyof RefreshInput)[]

/** How a call ended; if nothing was due, the decision of `refreshDecision`. */
export type RefreshOutcome =
  | { readonly type: 'refreshed'; readonly asOf: number }
  | {
      readonly type: 'failed'
      /** `transient`: the same run may succeed after `retryAfterMs`. `permanent`: somebody has to change something first. */
      readonly kind: 'transient' | 'permanent'
      readonly error: RefreshError
      /** Milliseconds: a random part of an exponential backoff for a transient failure, `throttleMs` for a permanent one. */
      readonly retryAfterMs: number
    }
  | { readonly type: 'aborted' }
  | Exclude<RefreshDecision, { readonly type: 'due' }>

/** The state after a call, how it ended, and what it cost. */
export interface RefreshResult {
  readonly state: RefreshState
  readonly outcome: RefreshOutcome
  /**
   * What the server says of each statement that it answered: one, or one for each part, in the order of the answers;
   * empty if nothing was answered.
   */
  readonly costs: readonly QueryCost[]
}

/**
 * Brings the state of an experiment up to date: decides, computes the whole window from `startedAt` to the earlier of
 * `now` and `endedAt`, and reports. It never throws for a failure of the warehouse: such a failure is an outcome, and
 * the last good summary and its `asOf` stay.
 *
 * Everything is reported at the instant `now`, when the run began: exposures that arrive while it runs may be missing,
 * so the settle time counts from there. If the state has an instant a little ahead of `now` (another host's clock is
 * ahead), the report is placed after that instant, so that the state moves forward. If it has a request or a failure
 * further ahead than `presumedLostAfterMs` and `throttleMs`, the question is asked anew, under the next revision. If a
 * clock that was far ahead has reported a success, start from `initialRefreshState`, because nothing earlier can
 * replace it.
 *
 * A state is about the spec, the start and the end that it was asked for. If one of them changes, the question is
 * another one, which is due at once; only an `endedAt` that moves to later goes on with what is known. Read the state
 * with `refreshStatus` and `exposureFingerprint(spec, startedAt)`, which keep the old answer apart until the new one is
 * there. Hosts that know different specs, as during a deploy, do not disturb each other: each refreshes its own question
 * at its own pace.
 *
 * An abort, a timeout or a broken connection leaves the query running on the server: closing a connection does not end
 * it. So each run has its own query id, and after any such end this function sends `KILL QUERY`, best effort, for up to
 * 5 s. Users may kill their own queries, even under `readonly = 1`, if they can see them: a user with only a few grants
 * needs `GRANT SELECT(query_id, user, query) ON system.processes`. Or let the server kill abandoned queries, with
 * `cancel_http_readonly_queries_on_client_close = 1` in the user's profile.
 *
 * An incomplete answer, or an answer to another query, is a failure. Two cases cannot be detected. One is an older
 * answer under the new query's id or a proxy's id, with all its buckets inside the window. The other is an answer that
 * was cut exactly between two rows and then ended properly: some proxies do this, and `fetch` reads a broken connection
 * under `Connection: close` this way.
 *
 * @param input.state - what is known: `initialRefreshState`, or what an earlier call returned
 * @returns the state to keep and how the call ended; the same `state`, by reference, if nothing was due
 * @throws {@link ExposureError} for misuse only: `invalid-spec`, `invalid-instant`, `invalid-window`, `invalid-policy`,
 *   `malformed-state` for anything but a state
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
  withFields(input, [...refreshFields, 'state'], 'input', invalidPolicy, '')
  const { state, signal } = input
  const decision = decideRefresh(state, input)
  if (decision.type !== 'due') return result(state, decision)
  if (signal?.aborted === true) return result(state, stoppedBefore(input, signal))
  const claim = claimRefresh(state, input)
  const { outcome, costs, report } = await runRefresh(claim, input)
  return result(report(claim.state), outcome, costs)
}

/**
 * Checks the input, except the names of its fields, and decides. Misuse shows at once, not only when something is due.
 */
export function decideRefresh(state: RefreshState, input: RefreshInput): RefreshDecision {
  const {
    client,
    spec,
    experiment,
    now,
    policy = {},
    attempt = 0,
    queryId,
    partitions,
    concurrency,
    signal,
    random = Math.random,
  } = input
  aClient(client, 'query', invalidPolicy)
  assertPartitions({ partitions, concurrency })
  aWholeNumber(0)(attempt, 'attempt', invalidPolicy)
  aFunction(random, 'random', invalidPolicy)
  if (queryId !== undefined) aName(queryId, 'queryId', invalidPolicy)
  if (signal !== undefined) aSignal(signal, 'signal', invalidPolicy)
  checkedExperiment(experiment)
  const complete = exposureSpec(spec)
  const decision = decisionOfTry(attempt, state, askedBy(input), now, policy)
  if (decision.type !== 'not-started') {
    assertSendable(firstExposuresQuery(complete, windowOf(input, epochMs(now, 'now'))))
  }
  return decision
}

type Asked = Pick<RefreshInput, 'spec' | 'experiment'>

/** The experiment, with the fingerprint of what is asked. */
function askedBy({ spec, experiment }: Asked): RefreshExperiment {
  return { ...experiment, fingerprint: exposureFingerprint(spec, experiment.startedAt) }
}

/** What a state knows of what is asked, and not of what others ask. */
export function knownTo(
  asked: Asked,
  state: RefreshState,
  now: Instant,
  policy: RefreshPolicy,
): Known<ExposuresSummary> {
  return knownOf(state, checkedExperiment(askedBy(asked)), beyondBelief(epochMs(now, 'now'), policy))
}

/** A run's claim: the instant and the question of all its reports, and the state that contains the claim. */
export interface RefreshClaim {
  readonly at: number
  readonly question: RefreshQuestion
  readonly state: RefreshState
  /** How long to wait before the next try, if this one fails with a transient error. */
  readonly retryAfterMs: number
}

/** Claims a run with a request that is later than any of its fingerprint in the state. */
export function claimRefresh(state: RefreshState, input: RefreshInput): RefreshClaim {
  const { now, policy = {} } = input
  const patience = checkedPolicy(policy)
  // Computed before the claim, because it checks what `random` returns.
  const retryAfterMs = waitAfter(input)
  const nowMs = epochMs(now, 'now')
  const asked = askedBy(input)
  const beyondMs = beyondBelief(nowMs, patience)
  const question = questionOfRun(state, asked, beyondMs)
  // A host whose clock is behind must move the state too; otherwise no host would see its claim. Hosts that know another
  // end see it beside their own requests, so it is later than these too. If a request from the far future is among them,
  // the question is a new one, where the claim shows.
  const known = questionsOf(state)
    .filter((each) => each.question?.fingerprint === asked.fingerprint)
    .map(({ requestedAt }) => requestedAt ?? -Infinity)
    .filter((requestedAt) => requestedAt < beyondMs)
  const at = Math.max(nowMs, ...known.map((requestedAt) => requestedAt + 1))
  return {
    at,
    question,
    state: reduceRefresh(state, { type: 'requested', at, question }),
    retryAfterMs,
  }
}

/** How the summary of a claim is asked for, and how a query that may still run is ended. */
export interface RefreshAsking {
  readonly ask: (
    input: RefreshInput,
    window: ExposureWindow,
    asked: Required<Pick<FetchRowsOptions, 'queryId' | 'onCost'>>,
  ) => Promise<ExposuresSummary>
  readonly end: (input: RefreshInput, queryId: string) => Promise<void>
}

/** Each claim by itself. */
export const askAlone: RefreshAsking = {
  ask: async ({ client, spec, settings, signal, partitions, concurrency }, window, asked) =>
    await fetchExposuresSummary(client, spec, window, {
      ...asked,
      ...(signal === undefined ? {} : { signal }),
      ...(settings === undefined ? {} : { settings }),
      ...(partitions === undefined ? {} : { partitions }),
      ...(concurrency === undefined ? {} : { concurrency }),
    }),
  end: async ({ client, partitions }, queryId) => {
    await endQuery(client, queryId, partitions)
  },
}

/** Computes what the claim is for. The caller joins the report to the state known at that time. */
export async function runRefresh(
  { at, question, retryAfterMs }: RefreshClaim,
  input: RefreshInput,
  { ask, end }: RefreshAsking = askAlone,
): Promise<{
  readonly outcome: RefreshOutcome
  readonly costs: readonly QueryCost[]
  readonly report: (state: RefreshState) => RefreshState
}> {
  const { signal, partitions, concurrency } = input
  const window = windowOf(input, at)
  const asOf = window.asOfMs
  const queryId = input.queryId ?? newQueryId()
  const asked = signal?.aborted !== true
  const costs: QueryCost[] = []
  try {
    const summary = await ask(input, window, { queryId, onCost: (cost) => void costs.push(cost) })
    return {
      outcome: { type: 'refreshed', asOf },
      costs,
      report: (state) => reduceRefresh(state, { type: 'succeeded', asOf, at, summary, question }),
    }
  } catch (thrown) {
    const error = signal?.aborted === true ? abortError(signal.reason) : classifyFailure(thrown)
    // If nothing was asked, or ClickHouse itself gave up, there is nothing to end except other parts.
    const hasOtherParts = Math.min(partitions ?? 1, concurrency ?? 1) > 1
    if (asked && (mayStillRun(error) || hasOtherParts)) await end(input, queryId)
    return {
      outcome: outcomeOf(error, retryAfterMs, input),
      costs,
      report: (state) => reduceRefresh(state, { type: 'failed', asOf, at, error, question }),
    }
  }
}

/** Freezes what a call returns. */
export function result(
  state: RefreshState,
  outcome: RefreshOutcome,
  costs: readonly QueryCost[] = [],
): RefreshResult {
  return Object.freeze({ state, outcome: Object.freeze(outcome), costs: Object.freeze(costs) })
}

/** From the start to the earlier of now and the end. */
function windowOf({ experiment }: RefreshInput, now: number): ExposureWindow {
  const { startedAt, endsAt } = checkedExperiment(experiment)
  return exposureWindow(startedAt, Math.min(now, endsAt))
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

/** How a refresh ends that its signal stops before it has claimed anything. */
export function stoppedBefore(input: RefreshInput, { reason }: AbortSignal): RefreshOutcome {
  return outcomeOf(abortError(reason), waitAfter(input), input)
}

/** How long to wait before the next try, if this one fails with a transient error. */
function waitAfter({ policy, attempt = 0, random = Math.random }: RefreshInput): number {
  return retryDelayMs(attempt, random, checkedPolicy(policy ?? {}).throttleMs)
}

function outcomeOf(error: RefreshError, retryAfterMs: number, { policy }: RefreshInput): RefreshOutcome {
  if (error === abortedByHost) return { type: 'aborted' }
  return error.transient
    ? { type: 'failed', kind: 'transient', error, retryAfterMs }
    : {
        type: 'failed',
        kind: 'permanent',
        error,
        retryAfterMs: checkedPolicy(policy ?? {}).throttleMs,
      }
}
