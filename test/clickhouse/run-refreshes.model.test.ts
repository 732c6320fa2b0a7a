import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeRefreshState,
  exposureSpec,
  initialRefreshState,
  mergeRefreshStates,
  refreshDecision,
  type RefreshState,
} from 'first-exposure'
import {
  memoryRefreshStore,
  runRefreshes,
  type ExposureClient,
  type ListedExperiment,
  type RefreshReport,
  type RefreshStore,
} from 'first-exposure/clickhouse'
import { runs, timeFor } from '../arbitraries/runs.js'
import { virtualTime } from './virtual-time.js'

// Hosts that run the loop on one store, on a clock that the test moves. What must hold, whatever the queries and the
// store do, and whenever a host is stopped:
//
// 1. A host runs no more queries at a time than it may, and all hosts together no two of one experiment.
// 2. An experiment is asked about once in throttleMs, by all hosts together, but for tries after a failure that may pass
//    or after a host that stopped; and no host tries before the instant that it said.
// 3. None starves: a host looks at an experiment not much later than it said.
// 4. The stored state only grows. A host that stops leaves nothing running, no timer, and no claim.
const minute = 60_000
const policy = { throttleMs: 5 * minute, presumedLostAfterMs: 10 * minute, settleMs: 0 }
const timeoutMs = 2 * minute
const startedAt = Date.UTC(2026, 5, 1)
const begin = startedAt + 60 * minute

type Way = 'succeeds' | 'fails for now' | 'fails for good' | 'hangs'
interface Turn {
  readonly way: Way
  readonly ms: number
}

interface Plan {
  readonly concurrency: number
  readonly groupSize: number
  /** For each experiment, what becomes of its queries, one after another and then from the first again. */
  readonly experiments: readonly (readonly Turn[])[]
  /** For each host, when it starts and when it is stopped. */
  readonly hosts: readonly { readonly startsAfterMs: number; readonly stopsAfterMs: number }[]
  /** Every so many operations of the store fail; 0: none. */
  readonly storeFailsEvery: number
}

const plans: fc.Arbitrary<Plan> = fc.record({
  concurrency: fc.integer({ min: 1, max: 3 }),
  groupSize: fc.constantFrom(1, 1, 2, 5),
  experiments: fc.array(
    fc.array(
      fc.record({
        way: fc.constantFrom<Way>(
          'succeeds',
          'succeeds',
          'succeeds',
          'fails for now',
          'fails for good',
          'hangs',
        ),
        ms: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: minute })),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    { minLength: 1, maxLength: 7 },
  ),
  hosts: fc.array(
    fc.record({
      startsAfterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10 * minute })),
      stopsAfterMs: fc.integer({ min: 0, max: 50 * minute }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  storeFailsEvery: fc.constantFrom(0, 0, 0, 7, 30),
})

const seen: Record<string, number> = {}
const note = (what: string): void => {
  seen[what] = (seen[what] ?? 0) + 1
}

interface Run {
  readonly host: number
  readonly startAt: number
  end: { readonly at: number; readonly mayPass: boolean } | undefined
}

test('many hosts that run the loop on one store, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const time = virtualTime(begin)
      const wrong: unknown[] = []
      const check = (holds: boolean, what: string): void => {
        if (!holds) wrong.push(new Error(what))
      }
      const runsOf = new Map<string, Run[]>()
      const running = new Map<number, number>()
      const stored = new Map<string, RefreshState>()
      const memory = memoryRefreshStore()
      let operations = 0
      const mayFail = (): void => {
        if (plan.storeFailsEvery > 0 && ++operations % plan.storeFailsEvery === 0)
          throw new Error('the store is down')
      }
      const store: RefreshStore<number> = {
        load: async (key) => {
          mayFail()
          return await memory.load(key)
        },
        save: async (key, state, expectedVersion) => {
          mayFail()
          const saved = await memory.save(key, state, expectedVersion)
          if (saved.type === 'saved') {
            const before = stored.get(key) ?? initialRefreshState
            const joined = encodeRefreshState(mergeRefreshStates(before, state))
            check(joined === encodeRefreshState(state), 'the stored state only grows')
            stored.set(key, state)
          }
          return saved
        },
      }
      const list: readonly ListedExperiment[] = plan.experiments.map((_, index) => ({
        key: `exp-${index}`,
        spec: exposureSpec({ environmentKey: 'prod', featureName: `exp-${index}` }),
        experiment: { startedAt, endedAt: null },
      }))
      /** What a host said that it does next, by experiment. */
      const promised = plan.hosts.map(() => new Map<string, number>())
      const dead = plan.hosts.map(() => false)

      const clientOf = (host: number): ExposureClient => ({
        query: async ({ query, query_params, abort_signal }) => {
          if (query.startsWith('KILL')) return { json: async () => [] }
          // A shared statement asks about several; it does what becomes of the first.
          const keys = (query_params['feature_names'] ?? [
            Object.values(query_params).find((value) => String(value).startsWith('exp-')),
          ]) as readonly string[]
          check(keys.length <= plan.groupSize, 'more experiments in a statement than allowed')
          if (keys.length > 1) note('shared')
          const nowMs = Date.now()
          const begun = keys.map((key): Run => {
            const past = runsOf.get(key) ?? []
            runsOf.set(key, past)
            const last = past.at(-1)
            check(last === undefined || last.end !== undefined, 'two queries of one experiment at a time')
            // A half of a statement that failed is asked later than it was claimed.
            const claimedAt = stored.get(key)?.requestedAt ?? nowMs
            check(
              last === undefined ||
                last.end?.mayPass === true ||
                claimedAt - last.startAt >= policy.throttleMs,
              'asked again within throttleMs',
            )
            check(nowMs >= (promised[host]?.get(key) ?? 0), 'tried before the instant that was said')
            const run: Run = { host, startAt: claimedAt, end: undefined }
            past.push(run)
            return run
          })
          const end = (mayPass: boolean): void => {
            for (const run of begun) run.end = { at: Date.now(), mayPass }
          }
          running.set(host, (running.get(host) ?? 0) + 1)
          check((running.get(host) ?? 0) <= plan.concurrency, 'more queries at a time than allowed')
          const turns = plan.experiments[list.findIndex((each) => each.key === keys[0])] ?? []
          const { way, ms } = turns[((runsOf.get(keys[0] as string)?.length ?? 1) - 1) % turns.length] as Turn
          try {
            await new Promise<void>((resolve, reject) => {
              const timer = way === 'hangs' ? undefined : setTimeout(resolve, ms)
              abort_signal?.addEventListener('abort', () => {
                clearTimeout(timer)
                reject(abort_signal.reason as Error)
              })
            })
            if (way === 'fails for now') throw Object.assign(new Error('too much memory'), { code: '241' })
            if (way === 'fails for good') throw Object.assign(new Error('no such table'), { code: '60' })
            end(false)
          } catch (error) {
            end(way === 'fails for now' || abort_signal?.aborted === true)
            throw error
          } finally {
            running.set(host, (running.get(host) ?? 0) - 1)
          }
          return { json: async () => [] }
        },
      })

      const hosts = plan.hosts.map(async ({ startsAfterMs, stopsAfterMs }, host) => {
        await new Promise((resolve) => setTimeout(resolve, startsAfterMs))
        const stopping = new AbortController()
        let stoppedAt = Infinity
        setTimeout(() => {
          stoppedAt = Date.now()
          stopping.abort()
        }, stopsAfterMs)
        await runRefreshes({
          client: clientOf(host),
          store,
          experiments: () => list,
          now: Date.now,
          policy,
          timeoutMs,
          concurrency: plan.concurrency,
          groupSize: plan.groupSize,
          signal: stopping.signal,
          random: () => 0.5,
          onOutcome: ({ key, outcome, state, failures, nextAt }: RefreshReport) => {
            note(outcome.type === 'failed' ? outcome.kind : outcome.type)
            check(!(dead[host] ?? false), 'reported after its end')
            if (key === null) return
            // The answer of one half is lost if the other half does not end in time, or the host stops.
            const lastRun = runsOf.get(key)?.at(-1)
            if (lastRun?.host === host && lastRun.end !== undefined) {
              if (outcome.type === 'aborted' || (outcome.type === 'failed' && outcome.kind === 'transient'))
                lastRun.end = { ...lastRun.end, mayPass: true }
            }
            const longestWait = (2 * list.length + 1) * (timeoutMs + 5000)
            const before = promised[host]?.get(key)
            check(before === undefined || Date.now() <= before + longestWait, `${key} starves`)
            check(nextAt !== null || stopping.signal.aborted, 'a loop always looks again')
            if (nextAt === null) return
            const restMs = policy.throttleMs * (plan.groupSize === 1 ? 1 : 1.1)
            check(nextAt >= Date.now() && nextAt <= Date.now() + restMs, 'looks again within a rest')
            promised[host]?.set(key, nextAt)
            if (outcome.type !== 'failed')
              check(outcome.type === 'store-failed' || state !== null, 'knows the state')
            else if (outcome.kind === 'transient' && failures < 6)
              check(nextAt === Date.now() + outcome.retryAfterMs, 'waits for retryAfterMs')
          },
        })
        dead[host] = true
        check(Date.now() === stoppedAt, 'a stop takes no time')
        check((running.get(host) ?? 0) === 0, 'something still runs')
      })
      try {
        await time.pass(61 * minute)
        await Promise.all(hosts)
        expect(time.timers()).toBe(0)
      } finally {
        time.end()
      }
      if (plan.storeFailsEvery === 0) {
        for (const { key, experiment } of list) {
          const state = (await memory.load(key))?.state ?? initialRefreshState
          expect(refreshDecision(state, experiment, begin + 61 * minute, policy).type).not.toBe('in-flight')
        }
      }
      if (wrong.length > 0) throw wrong[0]
    }),
    // On a busy machine it ends before the test would be over: its clock is not that of the tests that follow.
    { numRuns: runs(30), interruptAfterTimeLimit: timeFor(45_000) },
  )
})

test('the histories above held all that can happen to a loop', () => {
  expect(Object.keys(seen).sort()).toEqual([
    'aborted',
    'in-flight',
    'permanent',
    'refreshed',
    'shared',
    'store-failed',
    'throttled',
    'transient',
  ])
})
