import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClickHouseClient } from '@clickhouse/client'
import { askedPackage } from './asked-package.js'
import { embeddedClient, type EmbeddedConnection } from './embedded-client.js'
import { showProgress } from './progress.js'
import { ReportError } from './report-error.js'
import { tidyBeforeSignal } from './tidy-before-signal.js'

/** A ClickHouse inside this process. Its data is in a temporary directory that is removed at the end. */
export interface EmbeddedClickHouse {
  readonly client: ClickHouseClient
  /** The engine's directory. We may put files of our own there. */
  readonly directory: string
  /**
   * Runs a long statement and shows its progress.
   *
   * @param of - all there is to read, in rows or in bytes
   */
  run(
    title: string,
    of: { readonly rows: number } | { readonly bytes: number },
    statement: { readonly query: string; readonly query_params?: Record<string, unknown> },
  ): Promise<void>
  close(): Promise<void>
}

/** Starts the engine. Its directory is removed on `close` and on the signals that end a program. */
export async function embeddedClickHouse(): Promise<EmbeddedClickHouse> {
  const createChdbConnection = connectionFactory()
  // Listen before the directory exists, so that a signal can never leave it behind.
  const stopListening = tidyBeforeSignal(() => removeAfterExit(directory))
  const directory = mkdtempSync(join(tmpdir(), 'first-exposure-report-'))
  const remove = (): void => {
    // The engine's background threads may still tidy up: hence the retries.
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    stopListening()
  }

  const connect = (): ClickHouseClient =>
    embeddedClient(createChdbConnection({ path: join(directory, 'data') }))
  const client = attempt(connect, remove)
  return {
    client,
    directory,
    run: async (title, of, statement) => {
      // One connection runs the statement, another asks for its progress.
      const observer = connect()
      const progress = showProgress(title, async () => {
        const result = await observer.query({
          query:
            "SELECT read_rows, read_bytes FROM system.processes WHERE query_kind = 'Insert' ORDER BY elapsed DESC LIMIT 1",
          format: 'JSONEachRow',
        })
        const [now] = await result.json<{ read_rows: string | number; read_bytes: string | number }>()
        if (now === undefined) return undefined
        return 'rows' in of ? Number(now.read_rows) / of.rows : Number(now.read_bytes) / of.bytes
      })
      try {
        await client.command(statement)
      } finally {
        await progress.end()
        await observer.close()
      }
    },
    close: async () => {
      try {
        await client.close()
      } finally {
        remove()
      }
    },
  }
}

/** Does something, and cleans up if it fails. */
function attempt<Value>(work: () => Value, putRight: () => void): Value {
  try {
    return work()
  } catch (error) {
    putRight()
    throw error
  }
}

function connectionFactory(): (options: { path: string }) => EmbeddedConnection {
  try {
    const chdb = askedPackage(
      'chdb/connection',
      'files and the generated experiment are counted by an embedded ClickHouse, which needs',
      'chdb',
    )
    return (chdb as { readonly createChdbConnection: (options: { path: string }) => EmbeddedConnection })
      .createChdbConnection
  } catch (error) {
    if (error instanceof ReportError) throw error
    throw new ReportError(
      'The embedded ClickHouse does not run here. It needs Linux (glibc) or macOS. Use --url to report from a server.',
      { cause: error },
    )
  }
}

/**
 * Removes a directory after this process has ended. Until then the engine's threads may still write into it. The
 * helper waits for the end of its standard input, which stays open while this process lives.
 */
function removeAfterExit(directory: string): void {
  const program =
    "process.stdin.resume().on('end', () => require('node:fs').rmSync(process.argv[1], { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }))"
  spawn(process.execPath, ['-e', program, directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    // The helper must not inherit anything, such as a loader.
    env: {},
  }).unref()
}
