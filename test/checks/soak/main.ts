// The soak: many workers in several processes refresh experiments on one store, with faults everywhere, for a while.
// `npm run soak -- --help` says what can be chosen. It exits with 1 where anything happened that must not.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { Pool } from 'pg'
import { encodeRefreshState } from 'first-exposure'
import { refreshStoredExposures, type RefreshStore } from 'first-exposure/clickhouse'
import { postgresRefreshStore, sqliteRefreshStore } from 'first-exposure/stores'
import { openDatabase } from '../../../examples/host/open-database.js'
import { postgresAvailable, startPostgres } from '../../../examples/worker/local-postgres.js'
import { checkJournals } from './check-journals.js'
import { readJournal } from './journal.js'
import { experimentsOf, fingerprintOf, greatestSkewMs, policy, type SoakOptions } from './options.js'

function positive(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Pass a whole number, 1 or more.')
  return Number(text)
}

const chosen = new Command()
  .name('npm run soak --')
  .addOption(
    new Option('--store <store>', 'where the states are kept')
      .choices(['postgres', 'sqlite'])
      .default('postgres'),
  )
  .option('--seconds <n>', 'how long', positive, 60)
  .option('--processes <n>', 'how many processes', positive, 4)
  .option('--workers <n>', 'how many workers in all of them together', positive, 50)
  .option('--experiments <n>', 'how many experiments', positive, 20)
  .parse()
  .opts<{
    store: 'postgres' | 'sqlite'
    seconds: number
    processes: number
    workers: number
    experiments: number
  }>()

/** A store that is there for a soak. */
interface SoakStore {
  readonly options: SoakOptions['store']
  readonly store: RefreshStore<string>
  /** Does to it what may happen to a store, and says how often. */
  disturb(): Promise<number>
  close(): Promise<void>
}

async function openStore(folder: string): Promise<SoakStore> {
  if (chosen.store === 'sqlite') {
    const path = join(folder, 'refresh.db')
    const database = openDatabase(path)
    return {
      options: { type: 'sqlite', path },
      store: sqliteRefreshStore(database),
      disturb: async () => 0,
      close: async () => {
        database.close()
      },
    }
  }
  if (!postgresAvailable) {
    throw new Error('PostgreSQL is not installed here: apt-get install postgresql, or choose --store sqlite')
  }
  const server = await startPostgres()
  const pool = new Pool({ ...server.config, max: 2 }).on('error', () => {})
  return {
    options: { type: 'postgres', config: server.config },
    store: postgresRefreshStore(pool),
    disturb: async () => {
      const { rowCount } = await pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() < 0.15`,
      )
      return rowCount ?? 0
    },
    close: async () => {
      await pool.end()
      await server.stop()
    },
  }
}

interface Soak {
  readonly wrong: readonly string[]
  readonly counts: Readonly<Record<string, number>>
}

async function soak(folder: string, soaked: SoakStore): Promise<Soak> {
  const { options: store, store: shared } = soaked
  const startedAt = Date.now()
  const journals: string[] = []
  const processes: ChildProcess[] = []
  const wrong: string[] = []
  let killed = 0
  let cut = 0
  let isOver = false

  const startProcess = (index: number): void => {
    const journal = join(folder, `${journals.length}.jsonl`)
    journals.push(journal)
    const { workers, processes: of, experiments } = chosen
    const options: SoakOptions = {
      store,
      journal,
      process: index,
      workers: Math.floor(workers / of) + (index < workers % of ? 1 : 0),
      experiments,
      startedAt,
    }
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, 'worker.ts'), JSON.stringify(options)],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    child.once('exit', (code, signal) => {
      if (!isOver && signal !== 'SIGKILL') wrong.push(`process ${index} ended by itself (${code ?? signal})`)
    })
    processes[index] = child
  }
  const stop = async (): Promise<void> => {
    isOver = true
    await Promise.all(
      processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        // Some wait for what never comes.
        const last = setTimeout(() => child.kill('SIGKILL'), 10_000)
        await exited
        clearTimeout(last)
      }),
    )
  }

  try {
    for (let index = 0; index < chosen.processes; index++) startProcess(index)
    const ends = startedAt + chosen.seconds * 1000
    for (let second = 1; Date.now() < ends && !interrupted.signal.aborted; second++) {
      await delay(1000, undefined, { signal: interrupted.signal }).catch(() => undefined)
      cut += await soaked.disturb()
      if (second % 7 === 0) {
        const index = Math.floor(Math.random() * chosen.processes)
        const child = processes[index]
        if (child !== undefined) {
          const exited = once(child, 'exit')
          child.kill('SIGKILL')
          await exited
          killed++
          startProcess(index)
        }
      }
      if (process.stderr.isTTY) process.stderr.write(`\r${second} of ${chosen.seconds} s `)
    }
    if (process.stderr.isTTY) process.stderr.write('\r')
  } finally {
    await stop()
  }

  const finals = new Map<string, { version: string; state: string }>()
  const experiments = experimentsOf({ experiments: chosen.experiments, startedAt })
  for (const key of experiments.keys()) {
    const stored = await shared.load(key)
    if (stored !== null) {
      finals.set(key, { version: stored.version, state: encodeRefreshState(stored.state) })
    }
  }
  const entries = journals.filter((path) => existsSync(path)).flatMap((path) => readJournal(path))
  const figures = checkJournals(entries, finals)
  wrong.push(...figures.wrong)

  // Whatever became of the last claims, none holds anybody up for longer than this.
  await delay(policy.presumedLostAfterMs + greatestSkewMs)
  let recovered = 0
  for (const [key, [asked]] of experiments) {
    if (asked === undefined) continue
    const { outcome, state } = await refreshStoredExposures({
      client: { query: async () => ({ json: async () => [] }) },
      ...asked,
      store: shared,
      key,
      now: Date.now(),
      policy,
    })
    if (outcome.type === 'refreshed' || outcome.type === 'final') recovered++
    else wrong.push(`${key}: afterwards no refresh was possible: ${outcome.type}`)
    if (state.question?.fingerprint !== fingerprintOf(asked))
      wrong.push(`${key}: afterwards the state is about something else`)
  }
  return {
    wrong,
    counts: {
      'processes killed': killed,
      'connections cut': cut,
      ...Object.fromEntries(Object.entries(figures.counts).sort(([a], [b]) => (a < b ? -1 : 1))),
      'experiments that refresh or are final afterwards': recovered,
    },
  }
}

const interrupted = new AbortController()
process.once('SIGINT', () => {
  interrupted.abort()
})
const folder = mkdtempSync(join(tmpdir(), 'first-exposure-soak-'))
try {
  const store = await openStore(folder)
  try {
    const { wrong, counts } = await soak(folder, store)
    process.stdout.write(
      `${chosen.workers} workers in ${chosen.processes} processes, ${chosen.experiments} experiments, ${chosen.store}, ${chosen.seconds} s\n`,
    )
    const width = Math.max(...Object.keys(counts).map((what) => what.length))
    for (const [what, count] of Object.entries(counts)) {
      process.stdout.write(`  ${what.padEnd(width)} ${count.toLocaleString('en').padStart(9)}\n`)
    }
    process.stdout.write(
      wrong.length === 0 ? 'All that must hold held.\n' : `${wrong.length} times it did not hold:\n`,
    )
    for (const what of wrong.slice(0, 20)) process.stdout.write(`  ${what}\n`)
    if (wrong.length > 0) process.exitCode = 1
  } finally {
    await store.close()
  }
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
