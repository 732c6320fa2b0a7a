// A worker that keeps the exposures of its experiments up to date. See `npm start -- --help`.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { Command, InvalidArgumentError } from 'commander'
import {
  refreshDueExposures,
  runRefreshes,
  type ListedExperiment,
  type RefreshReport,
} from 'first-exposure/clickhouse'
import { postgresRefreshStore } from 'first-exposure/stores'
import { Pool } from 'pg'
import { demoClickHouse } from './demo-clickhouse.js'
import { startPostgres } from './local-postgres.js'
import { isFailure, logLine } from './log-line.js'
import { webhookAlerts } from './webhook-alerts.js'
import { workerExperiments } from './worker-experiment.js'

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('Pass a whole number from 1 to 9999.')
  return Number(text)
}

const options = new Command()
  .name('npm start --')
  .description('Refreshes the exposures of experiments and keeps the states in PostgreSQL.')
  .option('--experiments <file>', 'the list of experiments', join(import.meta.dirname, 'experiments.json'))
  .option(
    '--every <minutes>',
    'how often to refresh each experiment; use the same for every process',
    wholeNumber,
    5,
  )
  .option('--concurrency <n>', 'how many experiments to refresh at the same time', wholeNumber, 4)
  .option('--once', 'end after one round, with status 1 if anything failed', false)
  .addHelpText(
    'after',
    '\nEnvironment variables:\n' +
      '  DATABASE_URL    the PostgreSQL database; if not set, a temporary server is started\n' +
      '  CLICKHOUSE_URL  the ClickHouse server, with user and password; if not set, one runs inside this process\n' +
      '  WEBHOOK_URL     where to post what is new about an experiment, such as a mismatch; if not set, nowhere\n',
  )
  .parse()
  .opts<{ experiments: string; every: number; concurrency: number; once: boolean }>()

const log = (event: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`)
}

/** Replaces an error by the name of what failed and a code, because messages may contain hosts, users and passwords. */
async function reached<Result>(what: string, attempt: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await attempt()
  } catch (error) {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
    throw new Error(`${what} cannot be used (${String(code ?? name)})`, { cause: error })
  }
}

/** Opens everything, works until a signal arrives or all is done, and closes everything in the opposite order. */
async function work(signal: AbortSignal): Promise<void> {
  const { DATABASE_URL: databaseUrl, CLICKHOUSE_URL: clickhouseUrl, WEBHOOK_URL: webhook } = process.env
  let known: readonly ListedExperiment[] = []
  const experiments = async (): Promise<readonly ListedExperiment[]> => {
    known = workerExperiments(await readFile(options.experiments, 'utf8'))
    return known
  }
  // If the list cannot be read at the start, stop: it must be fixed first.
  const atStart = await experiments()
  const closers: (() => Promise<unknown>)[] = []
  try {
    const client =
      clickhouseUrl === undefined
        ? await demoClickHouse(atStart)
        : await reached('CLICKHOUSE_URL', () =>
            createClient({ url: clickhouseUrl, log: { level: ClickHouseLogLevel.OFF } }),
          )
    closers.push(() => client.close())
    const local = databaseUrl === undefined ? await startPostgres() : undefined
    if (local !== undefined) closers.push(() => local.stop())
    const pool = new Pool({
      ...(local?.config ?? { connectionString: databaseUrl }),
      query_timeout: 10_000,
      connectionTimeoutMillis: 10_000,
    })
    pool.on('error', (error: NodeJS.ErrnoException) => {
      if (!pool.ending) log({ type: 'connection-lost', code: error.code ?? null })
    })
    closers.push(() => pool.end())
    await reached('DATABASE_URL', () => pool.query('SELECT 1'))
    if (local !== undefined) log({ type: 'started-postgresql', port: local.config.port })

    const everyMs = options.every * 60_000
    const alert =
      webhook === undefined
        ? undefined
        : webhookAlerts({
            url: webhook,
            policy: { throttleMs: everyMs },
            experiments: () => known,
            onFailure: (reason) => log({ type: 'webhook-failed', reason }),
          })
    const refreshes = {
      client,
      store: postgresRefreshStore(pool),
      now: Date.now,
      concurrency: options.concurrency,
      signal,
      onOutcome: async (report: RefreshReport): Promise<void> => {
        log(logLine(report))
        await alert?.(report)
      },
    }
    if (options.once) {
      const reports = await refreshDueExposures({
        ...refreshes,
        experiments: atStart,
        // A little less than the interval, so that a round that starts slightly early is not throttled.
        policy: { throttleMs: Math.floor(everyMs * 0.9) },
      })
      if (reports.some(isFailure)) process.exitCode = 1
    } else {
      await runRefreshes({ ...refreshes, experiments, policy: { throttleMs: everyMs } })
    }
    log({ type: 'stopped' })
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  // The first signal stops it cleanly; the second ends the process at once.
  process.once(signal, () => {
    stopping.abort()
  })
}
try {
  await work(stopping.signal)
} catch (error) {
  process.stderr.write(`worker: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
