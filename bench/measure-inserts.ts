import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { flagsmithEvents } from 'first-exposure'
import { rollupSchema } from 'first-exposure/rollup'
import { startServer } from '../test/engine/server.js'
import { median } from './median.js'
import { createEvents } from './shape.js'

/** Rows of a batch: ten minutes of 20 million events in 14 days. */
export const batchRows = 9920
const batches = 40

/** What an insert of one batch costs the server, in milliseconds of CPU: medians. */
export interface InsertCost {
  readonly format: string
  readonly withoutMs: number
  readonly withMs: number
}

const formats = ['JSONEachRow', 'Native'] as const

/**
 * Inserts the same batches into two tables in turn, one of which has the view of a rollup, in the format of the official
 * clients and in the format that costs least. The events have traits and metadata of some length, as real ones have.
 */
export async function measureInserts(step: (what: string) => void): Promise<readonly InsertCost[]> {
  const server = await startServer({
    config: '<query_log><database>system</database><table>query_log</table></query_log>',
  })
  const client = createClient({ url: server.url, log: { level: ClickHouseLogLevel.OFF } })
  try {
    for (const table of ['plain', 'events']) await client.command({ query: createEvents(table) })
    for (const statement of rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_identity' })
      .create) {
      await client.command({ query: statement.query, query_params: { ...statement.query_params } })
    }
    const found: InsertCost[] = []
    for (const format of formats) {
      step(`inserts as ${format}`)
      for (let index = 0; index < batches; index++) {
        const body = await fetch(`${server.url}/`, {
          method: 'POST',
          body: `${rowsOf(index)} FORMAT ${format}`,
        })
        const rows = await body.arrayBuffer()
        for (const table of ['plain', 'events']) {
          const query = encodeURIComponent(`INSERT INTO ${table} FORMAT ${format}`)
          const inserted = await fetch(`${server.url}/?log_comment=${table}-${format}&query=${query}`, {
            method: 'POST',
            body: rows,
          })
          if (!inserted.ok) throw new Error(await inserted.text())
        }
      }
      await client.command({ query: 'SYSTEM FLUSH LOGS' })
      const [withoutMs = NaN, withMs = NaN] = await Promise.all(
        ['plain', 'events'].map(async (table) => {
          const result = await client.query({
            query: `SELECT (ProfileEvents['UserTimeMicroseconds'] + ProfileEvents['SystemTimeMicroseconds']) / 1e3 AS ms
              FROM system.query_log WHERE type = 'QueryFinish' AND log_comment = {comment:String}`,
            query_params: { comment: `${table}-${format}` },
            format: 'JSONEachRow',
          })
          return median((await result.json<{ ms: number }>()).map(({ ms }) => ms))
        }),
      )
      found.push({ format, withoutMs, withMs })
    }
    return found
  } finally {
    await client.close()
    await server.stop()
  }
}

function rowsOf(batch: number): string {
  const text = (salt: string): string => `hex(sipHash128(number, '${salt}'))`
  return `SELECT 'prod' AS environment_key, '$flag_exposure' AS event, 'checkout' AS feature_name,
    fromUnixTimestamp64Milli(toInt64(1780272000000 + ${batch} * 600000 + number * 60)) AS timestamp, timestamp AS collected_at,
    concat('user-', hex(cityHash64(cityHash64(number, ${batch}) % 5000000))) AS identifier, concat('variant-', toString(cityHash64(identifier) % 3)) AS value,
    concat('{"plan":"', ${text('plan')}, '","country":"', ${text('country')}, '","device":"', ${text('device')}, '"}') AS traits,
    concat('{"page":"', ${text('page')}, '","session":"', ${text('session')}, '"}') AS metadata,
    ['js', 'python', 'ios'][1 + number % 3] AS sdk_language, '1.2.3' AS sdk_version
    FROM numbers(${batchRows})`
}
