// One process, one task, one engine on the data directory: `engine-process.ts <directory> <task as JSON>`. The peak of
// a process's memory only ever rises, so every measurement has a process of its own.
import { createHash } from 'node:crypto'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import {
  decodeBucketRows,
  exposureSpec,
  exposureWindow,
  summarizeExposures,
  type ExposuresSummary,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import type { EngineReply, EngineTask, Measurement } from './engine-task.js'
import type { Form } from './forms.js'
import { shapeWindow } from './shape.js'

const [directory = '', taskText = ''] = process.argv.slice(2)
const task = JSON.parse(taskText) as EngineTask
const client = createClient({
  // The type of the connection lags behind the client's; at run time they fit.
  connection: createChdbConnection({ path: directory }) as never,
  log: { level: ClickHouseLogLevel.OFF },
})

async function ask(table: string, { asks }: Form): Promise<ExposuresSummary | undefined> {
  if ('spec' in asks) {
    return await fetchExposuresSummary(
      client,
      exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source: { table }, ...asks.spec }),
      exposureWindow(shapeWindow.startMs, shapeWindow.asOfMs),
      asks.options,
    )
  }
  const result = await client.query({
    query: asks.statement,
    query_params: {
      table,
      start: new Date(shapeWindow.startMs).toISOString().slice(0, -1),
      as_of: new Date(shapeWindow.asOfMs).toISOString().slice(0, -1),
    },
    format: 'JSONEachRow',
  })
  const rows = await result.json()
  return asks.givesBuckets ? summarizeExposures(decodeBucketRows(rows), { granularity: 'day' }) : undefined
}

async function measure(table: string, form: Form, memoryLimit: number): Promise<Measurement> {
  // Opens the table, loads the code and pays for what is paid once.
  const warmUp = await client.query({ query: `SELECT * FROM ${table} LIMIT 1`, format: 'JSONEachRow' })
  await warmUp.json()
  if (memoryLimit > 0) await client.command({ query: `SET max_memory_usage = ${memoryLimit}` })
  const before = process.resourceUsage().maxRSS
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const summary = await ask(table, form)
  const seconds = (performance.now() - start) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  return {
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    peakBytes: (process.resourceUsage().maxRSS - before) * 1024,
    digest: summary === undefined ? '' : createHash('sha256').update(JSON.stringify(summary)).digest('hex'),
  }
}

async function run(): Promise<EngineReply> {
  if (task.kind === 'commands') {
    for (const command of task.commands) await client.command(command)
    return { done: true }
  }
  try {
    return { measured: await measure(task.table, task.form, task.memoryLimit) }
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown }
    // 241 is MEMORY_LIMIT_EXCEEDED, which is a finding; anything else is a mistake.
    if (String(code) !== '241') throw error
    return { failed: String(message) }
  }
}

const reply = await run()
await client.close()
process.stdout.write(JSON.stringify(reply), () => process.exit(0))
