// Reads one file in one process: `file-process.ts <path> <form>`. A process's peak memory never falls, so every
// measurement needs its own process.
import { runReport } from '../src/command/run-report.js'
import { embeddedClickHouse } from '../src/command/embedded-clickhouse.js'
import type { FileForm, FileMeasurement } from './file.js'

const [path, form] = process.argv.slice(2) as [string, FileForm]

/** Each gives the identities of each variant, as text. */
const readers: Readonly<Record<FileForm, () => Promise<string>>> = {
  "the engine's own count": async () => {
    const engine = await embeddedClickHouse()
    const answer = await engine.client.query({
      query: `SELECT arm, uniqExact(user_id) AS identities FROM file({path:String}, 'CSVWithNames') GROUP BY arm ORDER BY arm`,
      query_params: { path },
      format: 'JSONEachRow',
    })
    const rows = await answer.json<{ arm: string; identities: string | number }>()
    await engine.close()
    return JSON.stringify(rows.map(({ arm, identities }) => [arm, Number(identities)]))
  },
  report: async () => {
    let output = ''
    const columns = ['--identity', 'user_id', '--variant', 'arm', '--timestamp', 'seen_at']
    const exitCode = await runReport([path, ...columns, '--json'], {
      print: (text) => (output += text),
      say: () => undefined,
      width: 80,
      colour: false,
    })
    if (exitCode !== 0) throw new Error('The report failed.')
    const { timeseries } = JSON.parse(output) as {
      timeseries: { points: { newIdentities: Record<string, number> }[] }
    }
    const totals: Record<string, number> = {}
    for (const { newIdentities } of timeseries.points) {
      for (const [arm, count] of Object.entries(newIdentities)) totals[arm] = (totals[arm] ?? 0) + count
    }
    return JSON.stringify(Object.entries(totals).sort(([a], [b]) => (a < b ? -1 : 1)))
  },
}

const cpuBefore = process.cpuUsage()
const start = performance.now()
const digest = await readers[form]()
const cpu = process.cpuUsage(cpuBefore)
const measured: FileMeasurement = {
  seconds: (performance.now() - start) / 1000,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  digest,
}
process.stdout.write(JSON.stringify(measured), () => process.exit(0))
