import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { startServer } from '../test/engine/server.js'
import { askForm } from './ask-form.js'
import type { Form } from './forms.js'
import { median } from './median.js'
import { createEvents, generateEvents, type Shape } from './shape.js'

/** What one form cost the server, as medians of its log. For several queries: the largest peak, and the sum of times. */
export interface QueryMemory {
  readonly form: string
  readonly cpuSeconds: number
  /** The peak memory of the queries, in bytes: what `max_memory_usage` limits. */
  readonly peakBytes: number
  /** Bytes written to disk by queries that spill. */
  readonly spilledBytes: number
  /** Whether it succeeds under the limit. */
  readonly fits: boolean
}

/** The result for a query that needs more than all of the server's memory. */
const exhausted: Logged = { cpuSeconds: NaN, peakBytes: Infinity, spilledBytes: NaN }

interface Logged {
  readonly cpuSeconds: number
  readonly peakBytes: number
  readonly spilledBytes: number
}

/** Queries a server's table in each form: in turn without a memory limit, then once with one. Throws if results differ. */
export async function measureQueryMemory(
  shape: Shape,
  forms: readonly Form[],
  { rounds, limit, step }: { rounds: number; limit: number; step: (title: string) => void },
): Promise<readonly QueryMemory[]> {
  step('starting a server')
  const server = await startServer({
    config: '<query_log><database>system</database><table>query_log</table></query_log>',
  })
  const client = createClient({
    url: server.url,
    request_timeout: 3_600_000,
    log: { level: ClickHouseLogLevel.OFF },
  })
  try {
    step(`generating ${shape.name}`)
    await client.command({ query: createEvents('events') })
    await client.command({ query: generateEvents('events', shape) })
    await client.command({ query: 'OPTIMIZE TABLE events FINAL' })
    const answers = new Set<string>()
    const ask = async (form: Form, comment: string, settings: Record<string, string> = {}): Promise<void> => {
      const answer = await askForm(client, 'events', form, { ...settings, log_comment: comment })
      answers.add(JSON.stringify(answer))
    }
    const measured = new Map<Form, Logged[]>(forms.map((form) => [form, []]))
    for (let round = 0; round < rounds; round++) {
      for (const [form, measurements] of measured) {
        step(form.name)
        const comment = `${round} ${form.name}`
        const answered = await ask(form, comment).then(() => true, unlessOutOfMemory)
        measurements.push(answered ? await logged(client, comment) : exhausted)
      }
    }
    const found: QueryMemory[] = []
    for (const [form, measurements] of measured) {
      step(`${form.name}, limited`)
      const fits = await ask(form, '', { max_memory_usage: String(limit) }).then(
        () => true,
        unlessOutOfMemory,
      )
      const of = (what: keyof Logged): number => median(measurements.map((one) => one[what]))
      found.push({
        form: form.name,
        cpuSeconds: of('cpuSeconds'),
        peakBytes: of('peakBytes'),
        spilledBytes: of('spilledBytes'),
        fits,
      })
    }
    if (answers.size > 1) throw new Error(`The results for ${shape.name} differ: one of the forms is wrong.`)
    return found
  } finally {
    await client.close()
    await server.stop()
  }
}

/** MEMORY_LIMIT_EXCEEDED is an expected result; any other error is a real one. */
function unlessOutOfMemory(error: unknown): false {
  if (String((error as { code?: unknown }).code) !== '241') throw error
  return false
}

/** What the queries with a comment cost, by the server's own log. */
export async function logged(client: ClickHouseClient, comment: string): Promise<Logged> {
  await client.command({ query: 'SYSTEM FLUSH LOGS' })
  const result = await client.query({
    query: `SELECT
        sum(ProfileEvents['UserTimeMicroseconds'] + ProfileEvents['SystemTimeMicroseconds']) / 1e6 AS cpuSeconds,
        toFloat64(max(memory_usage)) AS peakBytes,
        toFloat64(sum(ProfileEvents['ExternalAggregationCompressedBytes'])) AS spilledBytes
      FROM system.query_log
      WHERE type = 'QueryFinish' AND log_comment = {comment:String}`,
    query_params: { comment },
    format: 'JSONEachRow',
  })
  const [row] = await result.json<Logged>()
  if (row === undefined) throw new Error('The server logged nothing.')
  return row
}
