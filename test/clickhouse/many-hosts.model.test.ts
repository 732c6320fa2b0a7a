import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeRefreshState,
  exposureFingerprint,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  initialRefreshState,
  mergeRefreshStates,
  refreshDecision,
  refreshStatus,
  type ExposureSpec,
  type QuestionState,
  type RefreshExperiment,
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
// most L after the call read its clock. Hosts may know different specs, starts and ends, and learn others at any time.
// Then:
//
// 1. A claim is respected for P - S - L after it was stored, P being presumedLostAfterMs: until then, or until its
//    outcome is stored, nobody else claims for the same question, as long as the state keeps it, and no later request
//    under its fingerprint has been answered: the latest request decides, whatever end it was made for. (The clock of
//    the host that looks may be ahead of the claimer's by S, which makes the claim look older; and the claim has the
//    instant at which its call began, which is older by L.)
// 2. A claim holds nobody up for longer than P + S after its call began, whatever became of its host. (The clock of the
//    claimer may be ahead by S.) To S comes a millisecond for each claim made within the same one: claims never bear the
//    same instant.
// 3. Whatever happens, in whatever order: the stored state only ever grows, and what a host was told is stored, is,
//    unless three later questions have pushed it out.
// 4. No host is ever shown, as an answer to its question, what was computed for another one; and every answer comes with
//    the window that it was computed for. (The client that computes remembers what it was really asked.)
// 5. Once all hosts know the same, the state itself is about that, whatever was asked before.
const minute = 60_000
const policy = { throttleMs: 5 * minute, presumedLostAfterMs: 10 * minute, settleMs: 5 * minute }
const greatestSkewMs = 4 * minute
const storeDelayMs = minute
const hostCount = 4
const startedAt = Date.UTC(2026, 5, 1)

/** What a host knows about the experiment. */
interface Asked {
  readonly spec: ExposureSpec
  readonly experiment: RefreshExperiment
}
const spec = exposureSpec({ environmentKey: 'production', featureName: 'checkout' })
const firstSeen = exposureSpec({ ...spec, multiVariant: 'first-seen' })
const asked: readonly Asked[] = [
  { spec, experiment: { startedAt, endedAt: null } },
  { spec, experiment: { startedAt, endedAt: startedAt + 61 * minute } },
  { spec, experiment: { startedAt, endedAt: startedAt + 70 * minute } },
  { spec, experiment: { startedAt: startedAt + minute, endedAt: startedAt + 70 * minute } },
  { spec: firstSeen, experiment: { startedAt, endedAt: null } },
  {
    spec: exposureSpec({ ...spec, timeZone: 'Europe/Madrid' }),
    experiment: { startedAt, endedAt: startedAt + 61 * minute },
  },
]
const askedBy = (index: number): Asked => asked[index] as Asked
/** Computed once for each, because everything is checked after every step. */
const remembered = <Value>(make: (it: Asked, asOf: number) => Value): typeof make => {
  const made = new Map<Asked, Map<number, Value>>(asked.map((it) => [it, new Map()]))
  return (it, asOf) => {
    const known = made.get(it)?.get(asOf)
    if (known !== undefined) return known
    const value = make(it, asOf)
    made.get(it)?.set(asOf, value)
    return value
  }
}
const fingerprintAt = remembered(({ spec, experiment }) => exposureFingerprint(spec, experiment.startedAt))
const fingerprintOf = (it: Asked): string => fingerprintAt(it, 0)
const saying = (it: Asked): RefreshExperiment => ({ ...it.experiment, fingerprint: fingerprintOf(it) })
/** The statement to an end, as a client gets it. */
const statementOf = remembered(({ spec, experiment }, asOf) =>
  sent(firstExposuresQuery(spec, exposureWindow(experiment.startedAt, asOf))),
)
const sent = ({ query, query_params }: Parameters<ExposureClient['query']>[0]): string =>
  JSON.stringify([query, Object.entries(query_params).sort(([a], [b]) => (a < b ? -1 : 1))])
const questionsOf = (state: RefreshState): readonly QuestionState[] => [state, ...(state.earlier ?? [])]

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
  readonly asked: Asked
  readonly revision: number | undefined
}

interface Host {
  readonly skewMs: number
  /** What it knows of the experiment. A call keeps what it began with. */
  asked: Asked
  /** Where the call under way waits; gone when the host has crashed. */
  gate: Gate | undefined
  /** The call under way. */
  call: Call | undefined
}

interface Call {
  readonly controller: AbortController
  readonly asked: Asked
  readonly calledAt: number
  claim: Claim | undefined
  /** What the query that succeeded was asked and gave. */
  computed: { readonly asOf: number; readonly number: number } | undefined
}

/** The hosts, the store they share and the time, moved one step at a time; checks after each step what must hold. */
class World {
  readonly #store: RefreshStore<number> = memoryRefreshStore()
  readonly #hosts: readonly Host[]
  /** True time, which no host knows. */
  nowMs: number = startedAt + 60 * minute
  #stored: RefreshState = initialRefreshState
  /** Claims whose outcome is not stored; those of crashed hosts too. */
  readonly #unanswered = new Set<Claim>()
  /** The number of the last claim under each fingerprint whose outcome is stored. */
  readonly #lastAnswered = new Map<string, number>()
  /** The last claim under each fingerprint. */
  readonly #lastClaims = new Map<string, Claim>()
  #claims = 0
  /** What each claim's query really was, and to which end. */
  readonly #computed = new Map<number, { readonly statement: string; readonly asOf: number }>()
  /** What went wrong where no command could throw it. */
  #wrong: unknown
  readonly seen: Record<string, number> = {}

  constructor(skewsMs: readonly number[], asked: Asked) {
    this.#hosts = skewsMs.map((skewMs) => ({ skewMs, asked, gate: undefined, call: undefined }))
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
      asked: host.asked,
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
        ...call.asked,
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
      Math.max(...[...this.#lastClaims.values()].map(({ calledAt }) => calledAt)) +
      policy.presumedLostAfterMs +
      greatestSkewMs +
      this.#claims
    for (const { skewMs, asked } of this.#hosts) {
      if (this.nowMs >= heldUntil) {
        expect(['due', 'final', 'not-started']).toContain(this.#decision(asked, this.nowMs + skewMs))
      }
      this.#expectOwn(asked, this.nowMs + skewMs)
    }
  }

  /** Law 13: what is shown as an answer was computed for this question, and comes with its window. */
  #expectOwn(it: Asked, now: number): void {
    // The panel of a host that does not pass the fingerprint is not told of another spec, but of another window.
    for (const experiment of [saying(it), it.experiment]) {
      const status = refreshStatus(this.#stored, experiment, now, policy)
      const former = 'former' in status ? status.former : undefined
      const answer = 'success' in status ? status.success : null
      const shown =
        answer === null ? former : { success: answer, window: 'window' in status ? status.window : undefined }
      if (shown === undefined) continue
      const { success, window } = shown
      const computed = this.#computed.get(success.summary.excludedIdentities)
      expect(computed?.asOf).toBe(success.asOf)
      expect(computed?.statement).toContain(`["start_ms",${window?.startMs ?? ''}]`)
      expect(window?.asOfMs).toBe(success.asOf)
      if (answer === null) {
        this.#note('shown as old')
      } else {
        expect(window?.startMs).toBe(it.experiment.startedAt)
        expect(success.asOf).toBeLessThanOrEqual(it.experiment.endedAt ?? Infinity)
        if ('fingerprint' in experiment) expect(computed?.statement).toBe(statementOf(it, success.asOf))
      }
    }
  }

  /** After everything, a new host can refresh as soon as the last claim cannot hold it up any more. */
  async recover(skewMs: number, it: Asked): Promise<void> {
    for (let index = 0; index < hostCount; index++) this.crash(index)
    this.nowMs += policy.presumedLostAfterMs + greatestSkewMs + this.#claims + storeDelayMs
    const now = this.nowMs + skewMs
    const before = (await this.#store.load('checkout'))?.state ?? initialRefreshState
    let statement: string | undefined
    const { state, outcome } = await refreshStoredExposures({
      client: {
        query: async (params) => {
          statement = sent(params)
          return { json: async () => [] }
        },
      },
      store: this.#store,
      key: 'checkout',
      ...it,
      policy,
      now,
    })
    const asOf = Math.min(now, it.experiment.endedAt ?? Infinity)
    const wasFinal = refreshDecision(before, saying(it), now, policy).type === 'final'
    expect(outcome.type).toBe(wasFinal ? 'final' : 'refreshed')
    expect(grows(before, state)).toBe(true)
    // The state itself is about it.
    expect(state.question?.fingerprint).toBe(fingerprintOf(it))
    expect(state.success?.asOf).toBe(asOf)
    if (!wasFinal) expect(statement).toBe(statementOf(it, asOf))
    const status = refreshStatus(state, saying(it), now, policy)
    expect(['loaded', 'final']).toContain(status.type)
    expect('success' in status && status.success).toStrictEqual(state.success)
  }

  #decision(it: Asked, now: number): string {
    return refreshDecision(this.#stored, saying(it), now, policy).type
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
    const before = this.#stored
    this.#stored = state
    const fingerprint = fingerprintOf(call.asked)
    if (call.claim === undefined) {
      // The law of the claim's life.
      for (const other of this.#unanswered) {
        if (fingerprintOf(other.asked) !== fingerprint || !this.#isKept(before, other, call.asked)) continue
        if ((this.#lastAnswered.get(fingerprint) ?? 0) > other.number) continue
        this.#note('claimed although another computes')
        expect(this.nowMs - other.storedAt).toBeGreaterThanOrEqual(
          policy.presumedLostAfterMs - greatestSkewMs - storeDelayMs - this.#claims,
        )
      }
      if (this.#unanswered.size > 0 && state.question?.revision !== before.question?.revision)
        this.#note('another question is asked meanwhile')
      call.claim = {
        number: ++this.#claims,
        storedAt: this.nowMs,
        calledAt: call.calledAt,
        asked: call.asked,
        revision: state.question?.revision,
      }
      expect(state.question?.fingerprint).toBe(fingerprint)
      this.#lastClaims.set(fingerprint, call.claim)
      this.#unanswered.add(call.claim)
    } else {
      this.#unanswered.delete(call.claim)
      this.#lastAnswered.set(
        fingerprint,
        Math.max(call.claim.number, this.#lastAnswered.get(fingerprint) ?? 0),
      )
      if (call.computed !== undefined) this.#expectStored(call.computed, call.claim)
    }
  }

  /** Whether a state still has a claim's request, as one for the end that somebody knows. */
  #isKept(state: RefreshState, { revision, asked }: Claim, { experiment: { endedAt } }: Asked): boolean {
    return questionsOf(state).some(
      ({ question, requestedAt, success, failure }) =>
        question?.revision === revision &&
        question?.fingerprint === fingerprintOf(asked) &&
        requestedAt !== null &&
        [success, failure].every((run) => run === null || run.asOf <= (endedAt ?? Infinity)),
    )
  }

  #expectStored(
    { asOf, number }: { readonly asOf: number; readonly number: number },
    { asked, revision }: Claim,
  ): void {
    const kept = questionsOf(this.#stored)
    const own = kept.find(
      ({ question }) => question?.revision === revision && question?.fingerprint === fingerprintOf(asked),
    )
    if (own === undefined) {
      // Three that were asked later have taken its place.
      expect(
        kept.filter(({ question }) => (question?.revision ?? 0) >= (revision ?? 0)).length,
      ).toBeGreaterThanOrEqual(3)
      return
    }
    expect(own.success?.asOf).toBeGreaterThanOrEqual(asOf)
    // Only a run that knows as much may stand in its place.
    if (own.success?.asOf === asOf)
      expect(own.success.summary.excludedIdentities).toBeGreaterThanOrEqual(number)
  }

  #clientOf(host: Host, call: Call): ExposureClient {
    return {
      query: async (params) => {
        const { query, query_params } = params
        if (query.startsWith('KILL')) return { json: async () => [] }
        // Nobody computes without a claim. What a client throws would only be a failed run.
        if (call.claim === undefined) this.#wrong ??= new Error('computed without a claim')
        const number = call.claim?.number ?? 0
        const way = await this.#wait(host, call, 'query')
        if (way === 'fails for now') throw Object.assign(new Error('too much memory'), { code: '241' })
        if (way === 'fails for good') throw Object.assign(new Error('no such table'), { code: '60' })
        const asOf = Number(Object.entries(query_params).find(([name]) => /as_?of/i.test(name))?.[1])
        if (!call.controller.signal.aborted) call.computed = { asOf, number }
        this.#computed.set(number, {
          statement: sent(params),
          asOf,
        })
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
        expect(grows(state, this.#stored)).toBe(true)
        if (call.computed !== undefined && call.claim !== undefined)
          this.#expectStored(call.computed, call.claim)
        break
      case 'failed':
      case 'aborted':
        // The claim is given back: it holds nobody up, unless another was made since.
        if (
          call.claim !== undefined &&
          call.claim === this.#lastClaims.get(fingerprintOf(call.asked)) &&
          this.#isKept(this.#stored, call.claim, call.asked)
        ) {
          for (const { skewMs } of this.#hosts)
            expect(this.#decision(call.asked, this.nowMs + skewMs)).not.toBe('in-flight')
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

const stepsOfOneQuestion: fc.Arbitrary<Step>[] = [
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

const steps: fc.Arbitrary<Step>[] = [
  ...stepsOfOneQuestion,
  ...often(2, () =>
    fc.tuple(host(), fc.nat({ max: asked.length - 1 })).map(([index, known]) =>
      step(
        `learn(${index}, ${known})`,
        (world) => world.host(index).asked !== askedBy(known),
        async (world) => {
          world.host(index).asked = askedBy(known)
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
      fc.nat({ max: asked.length - 1 }),
      fc.nat({ max: asked.length - 1 }),
      // Half of the histories without a change, which would make long ones about one question rare.
      fc.oneof(
        fc.commands(steps, { maxCommands: 150, size: '+1' }),
        fc.commands(stepsOfOneQuestion, { maxCommands: 150, size: '+1' }),
      ),
      async (skewsMs, first, last, commands) => {
        const world = new World(skewsMs, askedBy(first))
        await fc.asyncModelRun(() => ({ model: world, real: world }), commands)
        await world.recover(skewsMs[0] ?? 0, askedBy(last))
        for (const [what, count] of Object.entries(world.seen)) seen[what] = (seen[what] ?? 0) + count
      },
    ),
    { numRuns: runs(200) },
  )
})

test('the histories above held all that can happen to a host', () => {
  expect(Object.keys(seen).sort()).toEqual([
    'aborted',
    'another question is asked meanwhile',
    'claimed although another computes',
    'conflict',
    'final',
    'in-flight',
    'permanent',
    'refreshed',
    'saved',
    'shown as old',
    'throttled',
    'transient',
  ])
})
