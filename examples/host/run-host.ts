import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Command, InvalidArgumentError } from 'commander'
import type { RefreshPolicy } from 'first-exposure'
import type { ExposureClient } from 'first-exposure/clickhouse'
import type { panelPage } from 'first-exposure/panel'
import { sqliteRefreshStore } from 'first-exposure/stores'
import { backgroundRefreshes } from './background-refreshes.js'
import { embeddedClickHouse } from './embedded-clickhouse.js'
import { experiments } from './experiments.js'
import { exposuresService } from './exposures-service.js'
import { closeDatabase, openDatabase } from './open-database.js'

interface HostOptions {
  readonly port: number
  readonly store?: string
  readonly pause: number
  readonly throttle: number
}

/**
 * Runs the service as the command line says, until a signal arrives.
 *
 * @param page - makes the pages: `panelPage` of the package
 */
export async function runHost(page: typeof panelPage): Promise<void> {
  const options = hostOptions()
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // The first signal stops it cleanly; the second ends the process at once.
    process.once(signal, () => {
      stopping.abort()
    })
  }
  try {
    await serve(options, page, stopping.signal)
  } catch (error) {
    process.stderr.write(`host: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

function hostOptions(): HostOptions {
  return new Command()
    .name(`npm run ${process.env['npm_lifecycle_event'] ?? 'start'} --`)
    .description('Serves the first exposures of three generated experiments over HTTP, on loopback.')
    .option('--port <port>', 'the port to listen on; 0 for any free port', wholeNumber, 8480)
    .option('--store <file>', 'the SQLite file for the states (default: a temporary file)')
    .option(
      '--throttle <ms>',
      'the minimum time between two refreshes of an experiment, in milliseconds',
      wholeNumber,
      300_000,
    )
    .option(
      '--pause <ms>',
      'make each refresh take this much longer, so that you can watch one',
      wholeNumber,
      0,
    )
    .parse()
    .opts()
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Pass a whole number.')
  return Number(text)
}

const log = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** Opens everything, serves until a signal arrives, and closes everything in the opposite order. */
async function serve(
  { port, store: storePath, pause, throttle }: HostOptions,
  page: typeof panelPage,
  until: AbortSignal,
): Promise<void> {
  const policy: Partial<RefreshPolicy> = { throttleMs: throttle }
  const known = experiments(Date.now())
  const folder = storePath === undefined ? mkdtempSync(join(tmpdir(), 'first-exposure-host-')) : undefined
  const closers: (() => unknown)[] = [() => folder !== undefined && rmSync(folder, { recursive: true })]
  try {
    const database = openDatabase(storePath ?? join(folder ?? '', 'refresh.db'))
    closers.push(() => {
      closeDatabase(database)
    })
    const store = sqliteRefreshStore(database)
    const clickhouse = await embeddedClickHouse(known, Date.now())
    closers.push(() => clickhouse.close())
    const refreshes = backgroundRefreshes({ client: unhurried(clickhouse.client, pause), store, policy, log })
    closers.push(() => refreshes.stop())
    const service = exposuresService({ experiments: known, store, refreshes, policy, page })
    closers.push(() => service.close())
    if (until.aborted) return
    for (const experiment of known) await refreshes.resume(experiment)
    const address = await service.listen({ host: '127.0.0.1', port })
    log(`Listening on ${address}`)
    for (const { id } of known) log(`Panel: ${address}/experiments/${id}`)
    if (!until.aborted)
      await new Promise((resolve) => until.addEventListener('abort', resolve, { once: true }))
    log('Stopping')
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

/** Waits before the query of a refresh. Only such queries have an id. */
function unhurried(client: ExposureClient, pauseMs: number): ExposureClient {
  return {
    query: async (params) => {
      const { abort_signal: signal, query_id } = params
      if (query_id !== undefined) await delay(pauseMs, undefined, signal === undefined ? {} : { signal })
      return await client.query(params)
    },
  }
}
