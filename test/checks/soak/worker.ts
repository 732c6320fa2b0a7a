// One process of the soak: some workers that refresh experiments on a shared store, each of which may fail or stop for
// good between any two steps. What they do is written down; what can be checked at once is.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import {
  encodeRefreshState,
  initialRefreshState,
  mergeRefreshStates,
  refreshStatus,
  type RefreshQuestion,
  type RefreshState,
} from 'first-exposure'
import { refreshStoredExposures, type ExposureClient, type RefreshStore } from 'first-exposure/clickhouse'
import { postgresRefreshStore, sqliteRefreshStore } from 'first-exposure/stores'
import { openDatabase } from '../../../examples/host/open-database.js'
import { openJournal } from './journal.js'
import {
  experimentsOf,
  fingerprintOf,
  greatestSkewMs,
  policy,
  type Asked,
  type SoakOptions,
} from './options.js'

const options = JSON.parse(process.argv[2] ?? '') as SoakOptions
const journal = openJournal(options.journal)
const stopping = new AbortController()
process.once('SIGTERM', () => {
  stopping.abort()
})

const chance = (probability: number): boolean => Math.random() < probability
const forEver = new Promise<never>(() => {})

/** Thrown at nobody: the call that meets it never goes on, and a new worker takes the place of the old one. */
class Crash {
  readonly happened: Promise<'crashed'>
  #crash: () => void = () => {}
  #isOver = false
  constructor() {
    this.happened = new Promise((resolve) => {
      this.#crash = () => {
        resolve('crashed')
      }
    })
  }
  /** A point between two steps. */
  async mayHappen(): Promise<void> {
    // One that has crashed does nothing any more, not even when its time runs out.
    this.#isOver ||= chance(0.004)
    if (!this.#isOver) return
    this.#crash()
    await forEver
  }
}

interface Call {
  readonly id: string
  readonly worker: string
  readonly calledAt: number
  readonly now: number
  readonly asked: Asked
  /** What it has claimed. */
  question: RefreshQuestion | null
  claimed: boolean
}

// What this process saw of each experiment: what it loads later must know as much.
const known = new Map<string, RefreshState>()
const knownOf = (key: string): RefreshState => known.get(key) ?? initialRefreshState

/** The store as one call has it. */
function observed(store: RefreshStore<string>, call: Call, crash: Crash): RefreshStore<string> {
  const { worker } = call
  let before = encodeRefreshState(initialRefreshState)
  return {
    load: async (key) => {
      await crash.mayHappen()
      // What was known before the load began is the least that it may bring.
      const least = knownOf(key)
      const stored = await store.load(key)
      const state = stored?.state ?? initialRefreshState
      before = encodeRefreshState(state)
      if (encodeRefreshState(mergeRefreshStates(least, state)) !== before) {
        journal.write({
          type: 'wrong',
          worker,
          atMs: Date.now(),
          what: `a load of ${key} knows less than before`,
        })
      }
      known.set(key, mergeRefreshStates(knownOf(key), state))
      const mixed = whatIsMixed(state, call)
      if (mixed !== null) {
        journal.write({ type: 'wrong', worker, atMs: Date.now(), what: `${key}: ${mixed}` })
      }
      await crash.mayHappen()
      return stored
    },
    save: async (key, state, expected) => {
      await crash.mayHappen()
      const save = randomUUID()
      const text = encodeRefreshState(state)
      // A claim is always about what is asked last then.
      if (!call.claimed) call.question = state.question ?? null
      journal.write({
        type: 'save',
        worker,
        atMs: Date.now(),
        key,
        save,
        expected,
        before,
        state: text,
        step: call.claimed ? 'report' : 'claim',
        call: call.id,
        calledAt: call.calledAt,
        endedAt: call.asked.experiment.endedAt,
        question: call.question,
      })
      const saved = await store.save(key, state, expected)
      // Done, but nobody hears of it.
      if (chance(0.004)) throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
      if (saved.type === 'saved') {
        call.claimed = true
        before = text
        journal.write({ type: 'saved', worker, atMs: Date.now(), save, version: saved.version })
        known.set(key, mergeRefreshStates(knownOf(key), state))
      } else {
        journal.write({ type: 'conflict', worker, atMs: Date.now(), save })
      }
      await crash.mayHappen()
      return saved
    },
  }
}

/** What is shown to a host as an answer although it answers something else; `null` where nothing is. */
function whatIsMixed(state: RefreshState, { asked, now }: Call): string | null {
  const fingerprint = fingerprintOf(asked)
  const status = refreshStatus(state, { ...asked.experiment, fingerprint }, now, policy)
  const success = 'success' in status ? status.success : null
  if (success === null || !('window' in status)) return null
  const { startedAt, endedAt } = asked.experiment
  if (status.window?.startMs !== startedAt) return 'the window of a success starts elsewhere'
  if (success.asOf > (endedAt ?? Infinity)) return 'a success counts what is after the end'
  // The client names every variant by what was asked of it.
  const others = success.summary.timeseries.points.flatMap(({ newIdentities }) =>
    Object.keys(newIdentities).filter((variant) => variant !== fingerprint),
  )
  return others.length === 0 ? null : 'a success answers another question'
}

const faults: readonly (() => Error)[] = [
  () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  () => Object.assign(new Error('memory limit exceeded'), { code: '241' }),
  () => Object.assign(new Error('unknown table'), { code: '60' }),
  () => new SyntaxError('Unexpected token < in JSON'),
]

/** A warehouse that is slow, fails, hangs, and answers with whatever may be in it. */
function faultyClient(crash: Crash, asked: Asked): ExposureClient {
  return {
    query: async ({ query, query_params }) => {
      if (query.startsWith('KILL')) return { json: async () => [] }
      await crash.mayHappen()
      // Mostly quick; one in fifty takes longer than its claim lives, one in a hundred hangs.
      if (chance(0.01)) return await forEver
      await delay(chance(0.02) ? policy.presumedLostAfterMs * 1.5 : Math.random() ** 2 * 60)
      if (chance(0.25)) throw faults[Math.floor(Math.random() * faults.length)]?.() ?? new Error('fault')
      const start = Number(Object.entries(query_params).find(([name]) => /start/i.test(name))?.[1])
      const bucket = new Date(start - (start % 3_600_000)).toISOString().slice(0, 19).replace('T', ' ')
      await crash.mayHappen()
      return {
        json: async () => {
          await delay(Math.random() * 3)
          return [
            {
              quarantined: 0,
              variant: fingerprintOf(asked),
              bucket,
              new_identities: Math.floor(Math.random() * 1e6),
            },
            { quarantined: 1, variant: null, bucket, new_identities: Math.floor(Math.random() * 1e3) },
          ]
        },
      }
    },
  }
}

async function work(
  store: RefreshStore<string>,
  index: number,
  experiments: ReadonlyMap<string, readonly Asked[]>,
): Promise<void> {
  const worker = `${options.process}.${index}`
  const skewMs = Math.round((Math.random() - 0.5) * greatestSkewMs)
  const keys = [...experiments.keys()]
  let attempt = 0
  let key = keys[0] ?? ''
  while (!stopping.signal.aborted) {
    if (attempt === 0) key = keys[Math.floor(Math.random() * keys.length)] ?? ''
    const crash = new Crash()
    const calledAt = Date.now()
    const known = experiments.get(key) ?? []
    // Mostly what the worker always knew: some learn of a change late.
    const asked = known[(index + (chance(0.1) ? 1 : 0)) % known.length] as Asked
    const call: Call = {
      id: randomUUID(),
      worker,
      calledAt,
      now: calledAt + skewMs,
      asked,
      question: null,
      claimed: false,
    }
    const abort = AbortSignal.timeout(chance(0.05) ? 10 : policy.presumedLostAfterMs * 2)
    const ended = await Promise.race([
      crash.happened,
      refreshStoredExposures({
        client: faultyClient(crash, asked),
        store: observed(store, call, crash),
        key,
        ...asked,
        policy,
        now: call.now,
        attempt,
        // An abort by the host in every second case, a time-out in the others.
        signal: chance(0.5) ? abort : hostsWish(abort),
      }).catch((error: unknown) => {
        const { code } = error as { readonly code?: unknown }
        return {
          state: null,
          outcome: { type: `store threw ${typeof code === 'string' ? code : 'an error'}` },
        }
      }),
    ])
    const outcome = ended === 'crashed' ? { type: 'crashed' as const } : ended.outcome
    const detail = 'kind' in outcome ? `failed, ${outcome.kind}` : outcome.type
    journal.write({
      type: 'ended',
      worker,
      atMs: Date.now(),
      key,
      outcome: detail,
      ...('asOf' in outcome ? { asOf: outcome.asOf } : {}),
      ...(call.question === null ? {} : { question: call.question }),
    })
    attempt = 'kind' in outcome && outcome.kind === 'transient' ? attempt + 1 : 0
    // A host would wait for retryAfterMs; here a few milliseconds do, for there to be many.
    await delay(Math.random() * 20)
  }
}

function hostsWish(signal: AbortSignal): AbortSignal {
  const controller = new AbortController()
  signal.addEventListener('abort', () => {
    controller.abort()
  })
  return controller.signal
}

const { store } = options
if (store.type === 'sqlite') {
  const database = openDatabase(store.path)
  await run(sqliteRefreshStore(database))
  database.close()
} else {
  // Connections are cut while the soak runs: whoever uses one hears of it, an idle one is replaced.
  const pool = new Pool({ ...store.config, max: 6 }).on('error', () => {})
  await run(postgresRefreshStore(pool))
  await pool.end()
}
journal.close()
// What has hung or crashed waits for ever.
process.exit(0)

async function run(store: RefreshStore<string>): Promise<void> {
  const experiments = experimentsOf(options)
  await Promise.all(Array.from({ length: options.workers }, (_, index) => work(store, index, experiments)))
}
