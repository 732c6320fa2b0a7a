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
  refreshStoredExposures,
  type ExposureClient,
  type RefreshOutcome,
  type RefreshStore,
  type SaveOutcome,
} from 'first-exposure/clickhouse'
import { runs } from '../arbitraries/runs.js'

// What holds, and how exactly. Let the hosts' clocks differ by at most S, and let a call's claim be in the store at
// most L after the call read its clock. Then:
//
// 1. A claim is respected for P - S - L after it was stored, P being presumedLostAfterMs: until then, or until its
//    outcome is stored, nobody else claims. (The clock of the host that looks may be ahead of the claimer's by S, which
//    makes the claim look older; and the claim bears the instant at which its call began, which is older by L.)
// 2. A claim holds nobody up for longer than P + S after its call began, whatever became of its host. (The clock of the
//    claimer may be ahead by S.) To S comes a millisecond for each claim made within the same one: claims never bear the
//    same instant.
// 3. Whatever happens, in whatever order: the stored state only ever grows, and what a host was told is stored, is.
const minute = 60_000
const policy = { throttleMs: 5 * minute, presumedLostAfterMs: 10 * minute, settleMs: 5 * minute }
const greatestSkewMs = 4 * minute
const storeDelayMs = minute
const hostCount = 4
const startedAt = Date.UTC(2026, 5, 1)
const spec = exposureSpec({ environmentKey: 'production', featureName: 'checkout' })

/** A point at which a host waits for the world, and can be stopped for good. */
interface Gate {
  readonly kind: 'store' | 'query'
  /** Lets it go on; what becomes of it, where it is a query. */
  pass(way: Way): void
}

type Way = 'succeeds' | 'fails for now' | 'fails for good'

interface Claim {
  /** The first claim is 1. A later one knows more, and so its number stands in the summary that it computes. */
  readonly number: number
  readonly storedAt: number
  readonly calledAt: number
}

interface Host {
  readonly skewMs: number
  /** Where the call under way waits; gone when the host has crashed. */
  gate: Gate | undefined
  /** The call under way. */
  call: Call | undefined
}

interface Call {
  readonly controller: AbortController
  readonly calledAt: number
  claim: Claim | undefined
  /** What the query that succeeded was asked and gave. */
  computed: { readonly asOf: number; readonly number: number } | undefined
}

/** The hosts, the store they share and the time, moved one step at a time; checks after each step what must hold. */
class World {
  readonly #store: RefreshStore<number> = memoryRefreshStore()
  readonly #hosts: readonly Host[]
  readonly #endedAt: number | null
  /** True time, which no host knows. */
  nowMs: number = startedAt + 60 * minute
  #stored: RefreshState = initialRefreshState
  /** Claims whose outcome is not stored; those of crashed hosts too. */
  readonly #unanswered = new Set<Claim>()
  #lastClaim: Claim | undefined
  #claims = 0
  /** What went wrong where no command could throw it. */
  #wrong: unknown
  readonly seen: Record<string, number> = {}

  constructor(skewsMs: readonly number[], endedAt: number | null) {
    this.#hosts = skewsMs.map((skewMs) => ({ skewMs, gate: undefined, call: undefined }))
    this.#endedAt = endedAt
  }

  host(index: number): Host {
    return this.#hosts[index] as Host
  }

  /** The most that time can move while every call that has not claimed yet keeps to the store's delay. */
  get mayPassMs(): number {
    const left = this.#hosts.map(({ call, gate }) =>
      call === undefined || gate === undefined || call.claim !== undefined
        ? Infinity
        : call.calledAt + storeDelayMs - this.nowMs,
    )
    return Math.min(...left)
  }

  call(index: number, attempt: number): void {
    const host = this.host(index)
    const call: Call = {
      controller: new AbortController(),
      calledAt: this.nowMs,
      claim: undefined,
      computed: undefined,
    }
    host.call = call
    void this.#refresh(host, call, attempt)
  }

  async #refresh(host: Host, call: Call, attempt: number): Promise<void> {
    try {
      const { state, outcome } = await refreshStoredExposures({
        client: this.#clientOf(host, call),
        store: this.#storeOf(host, call),
        key: 'checkout',
        spec,
        experiment: { startedAt, endedAt: this.#endedAt },
        policy,
        now: call.calledAt + host.skewMs,
        signal: call.controller.signal,
        attempt,
        random: () => 0.5,
      })
      this.#ended(call, state, outcome)
    } catch (error) {
      this.#wrong ??= error
    }
    if (host.call === call) host.call = undefined
  }

  /** The host is gone, wherever it was; one in its place may call anew. */
  crash(index: number): void {
    const host = this.host(index)
    host.call = undefined
    host.gate = undefined
  }

  /** Waits until every host waits for the world, and checks what must hold then. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#wrong !== undefined) throw this.#wrong
    const heldUntil =
      this.#lastClaim === undefined
        ? -Infinity
        : this.#lastClaim.calledAt + policy.presumedLostAfterMs + greatestSkewMs + this.#claims
    if (this.nowMs >= heldUntil) {
      for (const { skewMs } of this.#hosts) {
        const decision = this.#decision(this.nowMs + skewMs)
        expect(['due', 'final', 'not-started']).toContain(decision)
      }
    }
  }

  /** After everything, a new host can refresh as soon as the last claim cannot hold it up any more. */
  async recover(skewMs: number): Promise<void> {
    for (let index = 0; index < hostCount; index++) this.crash(index)
    this.nowMs += policy.presumedLostAfterMs + greatestSkewMs + this.#claims
    const now = this.nowMs + skewMs
    const before = (await this.#store.load('checkout'))?.state ?? initialRefreshState
    const { state, outcome } = await refreshStoredExposures({
      client: { query: async () => ({ json: async () => [] }) },
      store: this.#store,
      key: 'checkout',
      spec,
      experiment: { startedAt, endedAt: this.#endedAt },
      policy,
      now,
    })
    expect(outcome.type).toBe(this.#decisionOf(before, now) === 'final' ? 'final' : 'refreshed')
    expect(state.success?.asOf).toBeGreaterThanOrEqual(Math.min(now, this.#endedAt ?? Infinity))
    expect(grows(before, state)).toBe(true)
  }

  #decisionOf(state: RefreshState, now: number): string {
    return refreshDecision(state, { startedAt, endedAt: this.#endedAt }, now, policy).type
  }

  #decision(now: number): string {
    return this.#decisionOf(this.#stored, now)
  }

  #note(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1
  }

  async #wait(host: Host, call: Call, kind: Gate['kind']): Promise<Way> {
    return await new Promise((resolve) => {
      // A host that has crashed waits for ever.
      if (host.call !== call) return
      const gate: Gate = {
        kind,
        pass: (way) => {
          if (host.gate === gate) host.gate = undefined
          resolve(way)
        },
      }
      host.gate = gate
    })
  }

  /** The store as a host has it: it can be stopped before each operation takes effect, and before it hears of it. */
  #storeOf(host: Host, call: Call): RefreshStore<number> {
    return {
      load: async (key) => {
        await this.#wait(host, call, 'store')
        const stored = await this.#store.load(key)
        await this.#wait(host, call, 'store')
        return stored
      },
      save: async (key, state, expectedVersion) => {
        await this.#wait(host, call, 'store')
        const saved = await this.#store.save(key, state, expectedVersion)
        this.#saved(call, state, saved)
        await this.#wait(host, call, 'store')
        return saved
      },
    }
  }

  #saved(call: Call, state: RefreshState, saved: SaveOutcome<number>): void {
    this.#note(saved.type)
    if (saved.type === 'conflict') return
    expect(grows(this.#stored, state), 'the stored state only grows').toBe(true)
    this.#stored = state
    if (call.claim === undefined) {
      // The law of the claim's life.
      for (const { storedAt } of this.#unanswered) {
        this.#note('claimed although another computes')
        expect(this.nowMs - storedAt).toBeGreaterThanOrEqual(
          policy.presumedLostAfterMs - greatestSkewMs - storeDelayMs - this.#claims,
        )
      }
      call.claim = { number: ++this.#claims, storedAt: this.nowMs, calledAt: call.calledAt }
      this.#lastClaim = call.claim
      this.#unanswered.add(call.claim)
    } else {
      this.#unanswered.delete(call.claim)
      if (call.computed !== undefined) this.#expectStored(call.computed)
    }
  }

  #expectStored({ asOf, number }: { readonly asOf: number; readonly number: number }): void {
    const { success } = this.#stored
    expect(success?.asOf).toBeGreaterThanOrEqual(asOf)
    // Only a run that knows as much may stand in its place.
    if (success?.asOf === asOf) expect(success.summary.excludedIdentities).toBeGreaterThanOrEqual(number)
  }

  #clientOf(host: Host, call: Call): ExposureClient {
    return {
      query: async ({ query, query_params }) => {
        if (query.startsWith('KILL')) return { json: async () => [] }
        // Nobody computes without a claim. What a client throws would only be a failed run.
        if (call.claim === undefined) this.#wrong ??= new Error('computed without a claim')
        const number = call.claim?.number ?? 0
        const way = await this.#wait(host, call, 'query')
        if (way === 'fails for now') throw Object.assign(new Error('too much memory'), { code: '241' })
        if (way === 'fails for good') throw Object.assign(new Error('no such table'), { code: '60' })
        const asOf = Number(Object.entries(query_params).find(([name]) => /as_?of/i.test(name))?.[1])
        if (!call.controller.signal.aborted) call.computed = { asOf, number }
        const bucket = new Date(startedAt).toISOString().slice(0, 19).replace('T', ' ')
        return { json: async () => [{ quarantined: 1, variant: null, bucket, new_identities: number }] }
      },
    }
  }

  #ended(call: Call, state: RefreshState, outcome: RefreshOutcome): void {
    this.#note(outcome.type === 'failed' ? outcome.kind : outcome.type)
    switch (outcome.type) {
      case 'refreshed':
        expect(outcome.asOf).toBe(call.computed?.asOf)
        expect(state.success?.asOf).toBeGreaterThanOrEqual(outcome.asOf)
        if (call.computed !== undefined) this.#expectStored(call.computed)
        break
      case 'failed':
      case 'aborted':
        // The claim is given back: it holds nobody up, unless another was made since.
        if (call.claim !== undefined && call.claim === this.#lastClaim) {
          for (const { skewMs } of this.#hosts)
            expect(this.#decision(this.nowMs + skewMs)).not.toBe('in-flight')
        }
        break
      case 'in-flight':
      case 'throttled':
      case 'final':
      case 'not-started':
        expect(call.claim, 'who is told to do nothing has claimed nothing').toBeUndefined()
    }
  }
}

/** Whether the second state knows all that the first did. */
function grows(before: RefreshState, after: RefreshState): boolean {
  return encodeRefreshState(mergeRefreshStates(before, after)) === encodeRefreshState(after)
}

/** The world is its own model: what must hold is checked at every step, whatever came before. */
type Step = fc.AsyncCommand<World, World, true>

const host = (): fc.Arbitrary<number> => fc.nat({ max: hostCount - 1 })

function step(
  name: string,
  may: (world: World) => boolean,
  go: (world: World) => Promise<void>,
): Step & { toString(): string } {
  return {
    check: async (world) => may(world as World),
    run: async (world) => {
      await go(world)
      await world.settle()
    },
    toString: () => name,
  }
}

const ways = ['succeeds', 'succeeds', 'fails for now', 'fails for good'] as const
const waits = (world: World, index: number): boolean => world.host(index).gate !== undefined
const often = <Value>(times: number, make: () => Value): Value[] => Array.from({ length: times }, make)

const steps: fc.Arbitrary<Step>[] = [
  ...often(3, () =>
    fc.tuple(host(), fc.constantFrom(0, 0, 1)).map(([index, attempt]) =>
      step(
        `call(${index}, attempt ${attempt})`,
        (world) => world.host(index).call === undefined,
        async (world) => {
          world.call(index, attempt)
        },
      ),
    ),
  ),
  ...often(8, () =>
    fc.tuple(host(), fc.constantFrom(...ways)).map(([index, way]) =>
      step(
        `goOn(${index}, a query ${way})`,
        (world) => waits(world, index),
        async (world) => world.host(index).gate?.pass(way),
      ),
    ),
  ),
  // Without a stop to the end, or to where it computes: long histories need it.
  ...often(4, () =>
    fc.tuple(host(), fc.boolean(), fc.constantFrom(...ways)).map(([index, andCompute, way]) =>
      step(
        `goOnUntil${andCompute ? 'End' : 'Query'}(${index}, a query ${way})`,
        (world) => waits(world, index),
        async (world) => {
          for (let gate = world.host(index).gate; gate !== undefined; gate = world.host(index).gate) {
            if (gate.kind === 'query' && !andCompute) return
            gate.pass(way)
            await world.settle()
          }
        },
      ),
    ),
  ),
  host().map((index) =>
    step(
      `abort(${index})`,
      (world) => world.host(index).call?.controller.signal.aborted === false,
      async (world) => world.host(index).call?.controller.abort(),
    ),
  ),
  host().map((index) =>
    step(
      `crash(${index})`,
      (world) => world.host(index).call !== undefined,
      async (world) => {
        world.crash(index)
      },
    ),
  ),
  ...often(2, () =>
    fc
      .oneof(
        fc.constantFrom(1, 1000, ...[1, 5, 6, 10, 14].map((minutes) => minutes * minute)),
        fc.integer({ min: 1, max: 20 * minute }),
      )
      .map((ms) =>
        step(
          `pass(${ms} ms)`,
          (world) => world.mayPassMs > 0,
          async (world) => {
            world.nowMs += Math.min(ms, world.mayPassMs)
          },
        ),
      ),
  ),
]

const seen: Record<string, number> = {}

test('many hosts and one store, whatever happens to any of them between any two steps', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.constantFrom(-greatestSkewMs / 2, 0, greatestSkewMs / 2),
          fc.integer({ min: -greatestSkewMs / 2, max: greatestSkewMs / 2 }),
        ),
        { minLength: hostCount, maxLength: hostCount },
      ),
      fc.constantFrom(null, startedAt + 70 * minute, startedAt + 61 * minute),
      fc.commands(steps, { maxCommands: 150, size: '+1' }),
      async (skewsMs, endedAt, commands) => {
        const world = new World(skewsMs, endedAt)
        await fc.asyncModelRun(() => ({ model: world, real: world }), commands)
        await world.recover(skewsMs[0] ?? 0)
        for (const [what, count] of Object.entries(world.seen)) seen[what] = (seen[what] ?? 0) + count
      },
    ),
    { numRuns: runs(200) },
  )
})

test('the histories above held all that can happen to a host', () => {
  expect(Object.keys(seen).sort()).toEqual([
    'aborted',
    'claimed although another computes',
    'conflict',
    'final',
    'in-flight',
    'permanent',
    'refreshed',
    'saved',
    'throttled',
    'transient',
  ])
})
