import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { startServer } from '../test/engine/server.js'
import { median } from './median.js'
import { createEvents, generateEvents, usualShape } from './shape.js'

export const streamForms = ["the client's own stream", 'streamExposedIdentities'] as const
export type StreamForm = (typeof streamForms)[number]

/** What reading all identities cost the process that reads them. */
export interface StreamMeasurement {
  /** From the question to the last row, which includes the server's work. */
  readonly seconds: number
  readonly cpuSeconds: number
  /** The peak memory of the whole process. */
  readonly peakBytes: number
  /** What was read. */
  readonly digest: string
}

export interface StreamCost extends Omit<StreamMeasurement, 'digest'> {
  readonly form: StreamForm
}

/**
 * Reads the exposed identities of a real server in each form, in turn, each time in a process of its own. Throws if the
 * forms read different rows.
 */
export async function measureStreaming(
  identities: number,
  rounds: number,
  step: (title: string) => void,
): Promise<readonly StreamCost[]> {
  step('starting a server')
  const server = await startServer()
  try {
    step('filling its table')
    const client = createClient({
      url: server.url,
      request_timeout: 3_600_000,
      log: { level: ClickHouseLogLevel.OFF },
    })
    await client.command({ query: createEvents('events') })
    const shape = { ...usualShape, events: identities, exposuresEach: 1 }
    await client.command({ query: generateEvents('events', shape) })
    await client.close()
    const measured = streamForms.map((form) => ({ form, measurements: [] as StreamMeasurement[] }))
    for (let round = 0; round < rounds; round++) {
      for (const { form, measurements } of measured) {
        step(form)
        measurements.push(await measureIn(server.url, form))
      }
    }
    const digests = new Set(measured.flatMap(({ measurements }) => measurements.map(({ digest }) => digest)))
    if (digests.size > 1) throw new Error('The rows of the streams differ: one of the forms is wrong.')
    return measured.map(({ form, measurements }) => ({
      form,
      seconds: median(measurements.map(({ seconds }) => seconds)),
      cpuSeconds: median(measurements.map(({ cpuSeconds }) => cpuSeconds)),
      peakBytes: Math.max(...measurements.map(({ peakBytes }) => peakBytes)),
    }))
  } finally {
    await server.stop()
  }
}

async function measureIn(url: string, form: StreamForm): Promise<StreamMeasurement> {
  const program = fileURLToPath(new URL('stream-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, url, form])
  return JSON.parse(stdout) as StreamMeasurement
}
