// Runs one task on one engine in one process: `engine-process.ts <directory> <task as JSON>`. A process's peak memory
// never falls, so every measurement needs its own process.
import { createHash } from 'node:crypto'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import { askForm } from './ask-form.js'
import type { EngineReply, EngineTask, Measurement } from './engine-task.js'
import type { Form } from './forms.js'

const [directory = '', taskText = ''] = process.argv.slice(2)
const task = JSON.parse(taskText) as EngineTask
const client = createClient({
  // The connection's type lags behind the client's; at run time they fit.
  connection: createChdbConnection({ path: directory }) as never,
  log: { level: ClickHouseLogLevel.OFF },
})

/** How long a warm server is asked, in milliseconds: before it is measured, and again while it is. */
const warmMs = 1000

async function measure(table: string, form: Form, isWarm: boolean): Promise<Measurement> {
  // Opens the table, loads the code, and does whatever is done only once.
  const warmUp = await client.query({ query: `SELECT * FROM ${table} LIMIT 1`, format: 'JSONEachRow' })
  await warmUp.json()
  const before = process.resourceUsage().maxRSS
  const askFor = async (ms: number): Promise<{ readonly answer: unknown; readonly times: number }> => {
    const start = performance.now()
    for (let times = 1; ; times++) {
      const answer = await askForm(client, table, form)
      if (performance.now() - start >= ms) return { answer, times }
    }
  }
  if (isWarm) await askFor(warmMs)
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const { answer, times } = await askFor(isWarm ? warmMs : 0)
  const seconds = (performance.now() - start) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  return {
    seconds: seconds / times,
    cpuSeconds: (cpu.user + cpu.system) / 1e6 / times,
    peakBytes: (process.resourceUsage().maxRSS - before) * 1024,
    digest: answer === undefined ? '' : createHash('sha256').update(JSON.stringify(answer)).digest('hex'),
  }
}

async function run(): Promise<EngineReply> {
  if (task.kind === 'commands') {
    for (const command of task.commands) await client.command(command)
    return { done: true }
  }
  return { measured: await measure(task.table, task.form, task.isWarm) }
}

const reply = await run()
await client.close()
process.stdout.write(JSON.stringify(reply), () => process.exit(0))
