import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RollupStatement } from 'first-exposure/rollup'
import type { EngineReply, EngineTask, Measurement } from './engine-task.js'
import type { Form } from './forms.js'

/** A data directory of the embedded engine. Each task runs in its own process on it, one after another. */
export interface Engine {
  command(...commands: readonly (string | RollupStatement)[]): Promise<void>
  /** Measures one form on a table: once, or on a warm server, as the mean of a second. */
  measure(table: string, form: Form, isWarm?: boolean): Promise<Measurement>
  close(): void
}

/** Makes a data directory in the system's temporary folder. It is removed by `close`, or when the process ends. */
export function openEngine(): Engine {
  const directory = mkdtempSync(join(tmpdir(), 'first-exposure-bench-'))
  const remove = (): void => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  process.once('exit', remove)
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code))
  }
  const run = async (task: EngineTask): Promise<EngineReply> =>
    await new Promise((resolve, reject) => {
      const child = spawn(
        process.execPath,
        [
          '--import',
          'tsx',
          fileURLToPath(new URL('engine-process.ts', import.meta.url)),
          join(directory, 'data'),
          JSON.stringify(task),
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      )
      let output = ''
      let errors = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
      child.once('error', reject)
      child.once('close', (code) => {
        if (code === 0 && output !== '') resolve(JSON.parse(output) as EngineReply)
        else reject(new Error(`The engine's process ended with ${code}:\n${errors.slice(-2000)}`))
      })
    })
  return {
    command: async (...commands) => {
      // A task is an argument of a process, whose length is limited.
      for (let from = 0; from < commands.length; from += 20) {
        await run({
          kind: 'commands',
          commands: commands
            .slice(from, from + 20)
            .map((each) => (typeof each === 'string' ? { query: each, query_params: {} } : each)),
        })
      }
    },
    measure: async (table, form, isWarm = false) => {
      // What was prepared is not needed again, and may be too long for an argument.
      const reply = await run({ kind: 'measure', table, form: { ...form, prepare: [] }, isWarm })
      if (!('measured' in reply)) throw new Error('The engine measured nothing.')
      return reply.measured
    },
    close: () => {
      process.removeListener('exit', remove)
      remove()
    },
  }
}
