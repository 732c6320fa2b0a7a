import { aRefreshState, initialRefreshState, type RefreshState } from '../refresh/refresh-state.js'
import { aName, withFields, withMethods } from '../checks.js'
import { invalidPolicy, received } from '../errors.js'
import {
  askAlone,
  claimRefresh,
  decideRefresh,
  refreshFields,
  result,
  runRefresh,
  stoppedBefore,
  type RefreshAsking,
  type RefreshInput,
  type RefreshResult,
} from './refresh-exposures.js'
import type { RefreshStore, SaveOutcome } from './refresh-store.js'

/**
 * Brings the stored state of an experiment up to date, on any number of hosts at once: one of them computes, and the
 * others get `in-flight` or `throttled`.
 *
 * It claims the refresh by saving the request before it computes. On a conflict it loads again and joins the states: it
 * never overwrites one. The claim of a worker that dies expires after `presumedLostAfterMs`; a refresh that is aborted
 * gives its claim back. Otherwise it works as {@link refreshExposures}.
 *
 * If hosts' clocks differ by S, a claim is respected for `presumedLostAfterMs` less S and less the time from `now` to
 * the stored claim, and it delays no host for longer than `presumedLostAfterMs` plus S. So let a run end well before
 * that: pass `AbortSignal.timeout(…)` as `signal`, with less than half of `presumedLostAfterMs`. States are always
 * joined: two hosts that compute at once cost time but lose nothing.
 *
 * @param input.store - where the states are kept
 * @param input.key - the experiment's key in the store: text that is not empty
 * @returns what is stored now, as far as this call knows, and how the call ended
 * @throws {@link ExposureError} for misuse, as `refreshExposures`; what the store throws, untouched
 *
 * @example
 * ```ts
 * import { exposureSpec } from 'first-exposure'
 * import { memoryRefreshStore, refreshStoredExposures } from 'first-exposure/clickhouse'
 *
 * const refresh = {
 *   client: { query: async () => ({ json: async () => [] }) },
 *   spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   experiment: { startedAt: Date.UTC(2026, 5, 1), endedAt: null },
 *   store: memoryRefreshStore(),
 *   key: 'checkout',
 *   now: Date.UTC(2026, 5, 2),
 * }
 * const [one, other] = await Promise.all([refreshStoredExposures(refresh), refreshStoredExposures(refresh)])
 * one.outcome.type // => 'refreshed'
 * other.outcome.type // => 'in-flight'
 * ```
 */
export async function refreshStoredExposures<Version>(
  input: StoredRefreshInput<Version>,
): Promise<RefreshResult> {
  return await refreshStored(input, askAlone)
}

/** A refresh, and where its state is kept. */
export interface StoredRefreshInput<Version> extends RefreshInput {
  readonly store: RefreshStore<Version>
  readonly key: string
}

/** The same, with another way to ask for the summary. */
export async function refreshStored<Version>(
  input: StoredRefreshInput<Version>,
  asking: RefreshAsking,
): Promise<RefreshResult> {
  withFields(input, [...refreshFields, 'store', 'key'], 'input', invalidPolicy, '')
  const { store, key, signal } = input
  assertStore(store)
  aName(key, 'key', invalidPolicy)
  for (let conflicts = 0; ; conflicts++) {
    assertFewConflicts(conflicts)
    const stored = await store.load(key)
    // If a stored value that is not a state were treated as nothing, it would be overwritten.
    const state = stored == null ? initialRefreshState : aRefreshState(stored.state, 'stored.state')
    const decision = decideRefresh(state, input)
    if (decision.type !== 'due') return result(state, decision)
    if (signal?.aborted === true) return result(state, stoppedBefore(input, signal))
    const claim = claimRefresh(state, input)
    const saved = aSaveOutcome(await store.save(key, claim.state, stored?.version ?? null))
    // Somebody else has changed the state, perhaps by claiming this refresh: decide again.
    if (saved.type === 'conflict') continue
    const { outcome, costs, report } = await runRefresh(claim, input, asking)
    return result(
      await joinStored(store, key, { state: claim.state, version: saved.version }, report),
      outcome,
      costs,
    )
  }
}

/** Throws `invalid-policy` for what is no store. */
export function assertStore(store: { readonly load?: unknown; readonly save?: unknown } | undefined): void {
  const advice = 'Pass a store with load and save, such as memoryRefreshStore().'
  withMethods(store, ['load', 'save'], 'store', invalidPolicy, advice)
}

/** What a save returned. Anything else would be taken for a conflict, again and again. */
function aSaveOutcome<Version>(outcome: SaveOutcome<Version> | undefined): SaveOutcome<Version> {
  if (outcome?.type === 'saved' || outcome?.type === 'conflict') return outcome
  throw invalidPolicy(
    'store.save',
    outcome,
    "Let it return { type: 'saved', version } or { type: 'conflict' }.",
    `store.save returned ${received(outcome)}.`,
  )
}

const mostConflicts = 300

/**
 * Each conflict means that somebody else has saved, so they end soon. If they do not, the store never saves: it would be
 * asked for ever, and, if it answers at once, nothing else would run, not even a timeout.
 */
function assertFewConflicts(conflicts: number): void {
  if (conflicts < mostConflicts) return
  throw invalidPolicy(
    'store.save',
    { type: 'conflict' },
    'Let it compare expectedVersion with the version that load returns, and let load read what was saved last.',
    `store.save returned a conflict ${mostConflicts} times in a row.`,
  )
}

/** Joins a report to what is stored, however often others save in between. */
async function joinStored<Version>(
  store: RefreshStore<Version>,
  key: string,
  known: { readonly state: RefreshState; readonly version: Version },
  report: (state: RefreshState) => RefreshState,
): Promise<RefreshState> {
  let current: {
    readonly state: RefreshState
    readonly version: Version
  } | null = known
  for (let conflicts = 0; ; conflicts++) {
    assertFewConflicts(conflicts)
    const before: RefreshState = current?.state ?? initialRefreshState
    const after = report(before)
    if (after === before) return before
    const saved = aSaveOutcome(await store.save(key, after, current?.version ?? null))
    if (saved.type === 'saved') return after
    current = await store.load(key)
  }
}
