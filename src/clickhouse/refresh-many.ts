import { aFunction, aList, aName, anObject, aWholeNumber, withFields } from '../checks.js'
import { invalidPolicy, received, type ExposureError } from '../errors.js'
import { mostInBatch } from '../questions/batch/statement.js'
import { checkedExperiment } from '../refresh/refresh-experiment.js'
import { checkedPolicy, type RefreshPolicy } from '../refresh/refresh-policy.js'
import type { RefreshState } from '../refresh/refresh-state.js'
import { epochMs } from '../time/instant.js'
import type { ExposureClient } from './exposure-client.js'
import { aClient, aSignal } from './fetch-rows.js'
import type { QueryCost } from './query-cost.js'
import { knownTo, type RefreshInput, type RefreshOutcome } from './refresh-exposures.js'
import { refreshGroup, triedRefresh, type RefreshGroup, type Tried } from './refresh-group.js'
import { assertStore, refreshStoredExposures } from './refresh-stored-exposures.js'
import type { RefreshStore } from './refresh-store.js'
import { retryDelayMs } from './retry-delay.js'
import { longestMs, type Due, type Grouping, type Job } from './run-jobs.js'

/** One experiment of many: its key in the store, and what of a refresh is its own. */
export interface ListedExperiment extends Pick<
  RefreshInput,
  'spec' | 'experiment' | 'settings' | 'partitions' | 'concurrency'
> {
  /** The experiment's key in the store: text that is not empty. */
  readonly key: string
}

const listedFields: readonly string[] = [
  'key',
  'spec',
  'experiment',
  'settings',
  'partitions',
  'concurrency',
] satisfies readonly (keyof ListedExperiment)[]

/** What the refreshes of many experiments have in common. */
export interface RefreshManyInput<Version> {
  /** The host's own ClickHouse client; it stays open. */
  readonly client: ExposureClient
  /** Where the states are kept. */
  readonly store: RefreshStore<Version>
  /** The clock, in epoch milliseconds: pass `Date.now`. */
  readonly now: () => number
  /** Overrides of the defaults of `refreshDecision`, in milliseconds. `throttleMs` is how often each is refreshed. */
  readonly policy?: Partial<RefreshPolicy>
  /** How many experiments to refresh at a time, 1 or more. Default 4. */
  readonly concurrency?: number
  /**
   * The most experiments to ask about in one statement, 1 to 1,000. Default 1: each by itself. Those that are due at the
   * same time share a statement, as `fetchExposuresSummaries` asks it, and then count as one in `concurrency`.
   */
  readonly groupSize?: number
  /**
   * Called with what each shared statement cost. The `costs` of a report are only those of an experiment that was asked
   * by itself. An error that it throws ends the call.
   */
  readonly onCost?: (cost: QueryCost) => void
  /**
   * The longest that one refresh may take, in milliseconds from 1; after it, the refresh has failed with `timeout`.
   * Default: two fifths of `presumedLostAfterMs`, so that it ends well before its claim counts as lost; but 1,000 at
   * least.
   */
  readonly timeoutMs?: number
  /**
   * Called with the outcome of each try, one after another for one experiment. The next step of the experiment waits for
   * what it returns. An error that it throws ends the call.
   */
  readonly onOutcome?: (report: RefreshReport) => void | Promise<void>
  /** Where the jitter of the waits comes from: a number from 0 to 1 on each call. Default `Math.random`. */
  readonly random?: () => number
}

export const refreshManyFields: readonly string[] = [
  'client',
  'store',
  'now',
  'policy',
  'concurrency',
  'groupSize',
  'onCost',
  'timeoutMs',
  'onOutcome',
  'random',
] satisfies readonly (keyof RefreshManyInput<unknown>)[]

/** How one try ended, of one experiment of many. */
export interface RefreshReport {
  /** The experiment's key; `null` if it is about the list, or about an entry that has no key. */
  readonly key: string | null
  /**
   * The outcome of `refreshStoredExposures`, or what prevented one. From the sixth failure in a row on, its `retryAfterMs`
   * is `throttleMs`.
   */
  readonly outcome:
    | RefreshOutcome
    /** The entry or the stored state cannot be used; the message says what to fix. */
    | { readonly type: 'refused'; readonly error: ExposureError }
    /** What the store threw. Its message may hold more than a log should. */
    | { readonly type: 'store-failed'; readonly error: unknown }
    /** What the function that lists the experiments threw; those known before stay. */
    | { readonly type: 'list-failed'; readonly error: unknown }
  /** What is stored now, as far as this try knows; `null` if it could not be had. */
  readonly state: RefreshState | null
  /** What the server says of each statement that it answered for this try; empty if it answered none. */
  readonly costs: readonly QueryCost[]
  /** How many tries in a row have failed on this host, by the warehouse or by the store; 0 after a success. */
  readonly failures: number
  /** When this host tries next, in epoch milliseconds; `null` if it does not. */
  readonly nextAt: number | null
}

/** The common input, checked and complete. */
export interface RefreshMany<Version = unknown> {
  readonly input: RefreshManyInput<Version>
  readonly policy: RefreshPolicy
  readonly concurrency: number
  /** `undefined` if it was left out. */
  readonly groupSize: number | undefined
  readonly timeoutMs: number
  readonly random: () => number
  readonly signal: AbortSignal | undefined
  /** The clock. Throws `invalid-instant` for what is no time. */
  readonly now: () => number
  /** The time from one look at an experiment to the next, if nothing says otherwise. */
  readonly restMs: number
}

/** Nothing is asked more often than this, whatever the policy. */
const leastRestMs = 1000
/** A refresh has this time, if nobody says how much: less would end many that are well. */
const leastTimeoutMs = 1000
/** Tries in a row that wait only for `retryAfterMs`; later ones wait for `throttleMs`. */
const quickTries = 6
/** Experiments that share statements are looked at at so many instants in a rest. */
const slotsOfRest = 10

/** Checks what many refreshes have in common. Throws `invalid-policy`. */
export function checkedMany<Version>(
  input: RefreshManyInput<Version> & { readonly signal?: AbortSignal },
): RefreshMany<Version> {
  const { client, store, now, concurrency = 4, groupSize, onCost, onOutcome, signal } = input
  const { random = Math.random } = input
  aClient(client, 'query', invalidPolicy)
  assertStore(store)
  aFunction(now, 'now', invalidPolicy, 'Pass the clock itself: now: Date.now.')
  for (const [path, value] of Object.entries({ onCost, onOutcome, random })) {
    if (value !== undefined) aFunction(value, path, invalidPolicy)
  }
  if (signal !== undefined) aSignal(signal, 'signal', invalidPolicy)
  const policy = checkedPolicy(input.policy ?? {})
  const timeoutMs =
    input.timeoutMs ??
    Math.min(Math.max(leastTimeoutMs, Math.floor(policy.presumedLostAfterMs * 0.4)), longestMs)
  return {
    input,
    policy,
    concurrency: aWholeNumber(1)(concurrency, 'concurrency', invalidPolicy),
    groupSize:
      groupSize === undefined
        ? undefined
        : aWholeNumber(1, mostInBatch)(groupSize, 'groupSize', invalidPolicy),
    timeoutMs: aWholeNumber(1, longestMs)(timeoutMs, 'timeoutMs', invalidPolicy),
    random,
    signal,
    now: () => epochMs(now(), 'now()'),
    restMs: Math.max(policy.throttleMs, leastRestMs),
  }
}

/** An entry of a list: an experiment, or why it cannot be one. */
export type Listed =
  | { readonly key: string; readonly experiment: ListedExperiment }
  | { readonly key: string | null; readonly error: ExposureError }

/**
 * The entries of a list, each with its key. Entries that share a key are refused, all of them: each would overwrite the
 * state of the other.
 *
 * Throws `invalid-policy` for something else than a list.
 */
export function listed(experiments: readonly ListedExperiment[]): readonly Listed[] {
  const entries = aList(experiments, 'experiments', invalidPolicy).map((entry, index): Listed => {
    const path = `experiments[${index}]`
    let key: string | null = null
    try {
      const experiment = anObject(entry, path, invalidPolicy) as unknown as ListedExperiment
      key = aName(experiment.key, `${path}.key`, invalidPolicy)
      return { key, experiment: withFields(experiment, listedFields, path, invalidPolicy) }
    } catch (error) {
      return { key, error: error as ExposureError }
    }
  })
  const times = new Map<string | null, number>()
  for (const { key } of entries) times.set(key, (times.get(key) ?? 0) + 1)
  return entries.map((entry) =>
    entry.key === null || times.get(entry.key) === 1
      ? entry
      : {
          key: entry.key,
          error: invalidPolicy(
            'experiments',
            experiments,
            'Give each a key of its own, because one would overwrite the state of the other.',
            `Several experiments have the key ${received(entry.key)}.`,
          ),
        },
  )
}

export function dueNow({ now }: RefreshMany): Due {
  const at = now()
  return { at, since: at }
}

/** How experiments that are due at the same time share a statement; `undefined` if each is asked by itself. */
export function sharing(many: RefreshMany): Grouping<RefreshGroup> | undefined {
  const { groupSize = 1, input } = many
  if (groupSize === 1) return undefined
  return {
    size: groupSize,
    // A group takes one place, and asks one statement at a time.
    open: (signal) => refreshGroup(many, 1, signal),
    close: async (group) => {
      await group.ask()
      for (const cost of group.costs) input.onCost?.(cost)
    },
  }
}

/** The report about an entry that cannot be used. */
export function refusalOf(
  { key, error }: Extract<Listed, { readonly error: ExposureError }>,
  nextAt: number | null,
): RefreshReport {
  return reportOf({ key, outcome: { type: 'refused', error }, state: null, costs: [], failures: 0, nextAt })
}

export function reportOf(report: RefreshReport): RefreshReport {
  return Object.freeze({
    ...report,
    outcome: Object.freeze(report.outcome),
    costs: Object.freeze(report.costs),
  })
}

/** An experiment that is refreshed whenever it is due. `experiment` may be changed at any time. */
export interface RefreshJob extends Job<RefreshGroup> {
  experiment: ListedExperiment
}

/** @param how.again - whether it is looked at again after any outcome, and not only after a failure that may pass */
export function refreshJob(
  experiment: ListedExperiment,
  many: RefreshMany,
  how: { readonly again: boolean; readonly report: (report: RefreshReport) => void | Promise<void> },
): RefreshJob {
  let failures = 0
  const job: RefreshJob = {
    experiment,
    due: dueNow(many),
    takesPlace: true,
    // What has failed is tried by itself, so that one that takes too long does not take the others along for ever.
    get sharesPlace() {
      return failures === 0
    },
    run: async (signal, group) => {
      const asked = job.experiment
      const attempt = failures < quickTries ? failures : 0
      const { outcome, state, costs } =
        group === undefined
          ? await tryRefresh(asked, many, attempt, signal)
          : await group.add(asked, attempt).tried
      if (hasFailed({ outcome })) failures++
      else if (state !== null && knownTo(asked, state, many.now(), many.policy).failure === null) failures = 0
      const nextAt =
        signal.aborted || !(how.again || (isTransient(outcome) && failures < quickTries))
          ? null
          : job.experiment === asked
            ? nextLook(outcome, state, failures, asked, many)
            : many.now()
      await how.report(
        reportOf({
          key: asked.key,
          outcome: waitOf(outcome, failures, many),
          state,
          costs,
          failures,
          nextAt,
        }),
      )
      return nextAt
    },
  }
  return job
}

/** One try, whatever becomes of it. */
async function tryRefresh(
  { key, ...own }: ListedExperiment,
  many: RefreshMany,
  attempt: number,
  signal: AbortSignal,
): Promise<Tried> {
  const { input, policy, timeoutMs, random, now } = many
  const { client, store } = input
  const limit = new AbortController()
  const timer = setTimeout(() => {
    limit.abort(new DOMException('The refresh took longer than timeoutMs.', 'TimeoutError'))
  }, timeoutMs)
  const onAbort = (): void => {
    limit.abort(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await triedRefresh(
      own,
      many,
      attempt,
      async (attempts) =>
        await refreshStoredExposures({
          ...own,
          client,
          store,
          key,
          now: now(),
          policy,
          attempt: attempts,
          random,
          signal: limit.signal,
        }),
    )
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Whether the warehouse or the store has failed. */
export function hasFailed({ outcome }: Pick<RefreshReport, 'outcome'>): boolean {
  return outcome.type === 'failed' || outcome.type === 'store-failed'
}

function isTransient(outcome: RefreshReport['outcome']): boolean {
  return outcome.type === 'failed' && outcome.kind === 'transient'
}

/** The outcome with the wait that follows: after the quick tries, it is as long as that of any refresh. */
function waitOf(
  outcome: RefreshReport['outcome'],
  failures: number,
  { policy: { throttleMs } }: RefreshMany,
): RefreshReport['outcome'] {
  return outcome.type === 'failed' && failures >= quickTries
    ? { ...outcome, retryAfterMs: throttleMs }
    : outcome
}

/** When to look at an experiment again: the next instant at which it may be due, and never later than a rest from now. */
function nextLook(
  outcome: RefreshReport['outcome'],
  state: RefreshState | null,
  failures: number,
  listed: ListedExperiment,
  { now, restMs, groupSize = 1, policy, random }: RefreshMany,
): number {
  const nowMs = now()
  const within = (at: number): number => Math.max(nowMs, Math.min(at, nowMs + restMs))
  // Those that were refreshed apart, because one was tried again, are due together the next time.
  const slotMs = groupSize === 1 ? 1 : Math.ceil(restMs / slotsOfRest)
  const together = (at: number): number => Math.ceil(within(at) / slotMs) * slotMs
  const known = state === null ? null : knownTo(listed, state, nowMs, policy)
  const requestedAt = known?.running.requestedAt ?? nowMs
  switch (outcome.type) {
    case 'failed':
      return within(
        outcome.kind === 'transient' && failures < quickTries
          ? nowMs + outcome.retryAfterMs
          : // What has failed before its claim left an older one.
            (known?.failure?.at === requestedAt ? requestedAt : nowMs) + restMs,
      )
    case 'store-failed':
      return within(nowMs + Math.max(leastRestMs, retryDelayMs(failures, random, restMs)))
    case 'throttled':
      return together(nowMs + Math.max(1, outcome.retryAfterMs))
    case 'in-flight':
      // Somebody else's run ends, or counts as lost.
      return together(
        [requestedAt + restMs, requestedAt + policy.presumedLostAfterMs].find((at) => at > nowMs) ?? Infinity,
      )
    case 'not-started': {
      const { startedAt } = checkedExperiment(listed.experiment)
      return together(startedAt >= nowMs ? startedAt + 1 : Infinity)
    }
    case 'refreshed':
      return together(requestedAt + restMs)
    case 'final':
    case 'aborted':
    case 'refused':
    case 'list-failed':
  }
  return together(Infinity)
}
