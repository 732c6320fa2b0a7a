// Reads the exposed identities of one server in one process: `stream-process.ts <url> <form>`. A process's peak memory
// never falls, so every measurement needs its own process.
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { exposedIdentitiesQuery, exposureSpec, exposureWindow } from 'first-exposure'
import { streamExposedIdentities } from 'first-exposure/clickhouse'
import { shapeWindow } from './shape.js'
import type { StreamForm, StreamMeasurement } from './streaming.js'

const [url, form] = process.argv.slice(2) as [string, StreamForm]
const client = createClient({ url, request_timeout: 3_600_000, log: { level: ClickHouseLogLevel.OFF } })
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow(shapeWindow.startMs, shapeWindow.asOfMs)

interface Row {
  readonly identity: string | number
  readonly variant: string | null
}

/** Reads all rows. What is done with each row is the same, and makes sure that it was read. */
const readers: Readonly<Record<StreamForm, (seen: (row: Row) => void) => Promise<void>>> = {
  "the client's own stream": async (seen) => {
    const { query, query_params } = exposedIdentitiesQuery(spec, window)
    const answer = await client.query({ query, query_params, format: 'JSONEachRow' })
    for await (const block of answer.stream<Row>()) {
      for (const row of block) seen(row.json())
    }
  },
  streamExposedIdentities: async (seen) => {
    for await (const row of streamExposedIdentities(client, spec, window)) seen(row)
  },
}

let rows = 0
let characters = 0
let byVariant = 0
const cpuBefore = process.cpuUsage()
const start = performance.now()
await readers[form](({ identity, variant }) => {
  rows++
  characters += String(identity).length
  byVariant += variant === 'variant-1' ? 1 : 0
})
const seconds = (performance.now() - start) / 1000
const cpu = process.cpuUsage(cpuBefore)
await client.close()
const measured: StreamMeasurement = {
  seconds,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  digest: [rows, characters, byVariant].join(),
}
process.stdout.write(JSON.stringify(measured))
