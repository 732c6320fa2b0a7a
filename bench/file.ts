import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { embeddedClickHouse } from '../src/command/embedded-clickhouse.js'
import { median } from './median.js'

export const fileForms = ["the engine's own count", 'report'] as const
export type FileForm = (typeof fileForms)[number]

/** What reading the file cost the process that read it. */
export interface FileMeasurement {
  readonly seconds: number
  readonly cpuSeconds: number
  /** The peak memory of the whole process. */
  readonly peakBytes: number
  /** The identities of each variant. */
  readonly digest: string
}

export interface FileCosts {
  readonly bytes: number
  readonly rows: number
  readonly costs: readonly (Omit<FileMeasurement, 'digest'> & { readonly form: FileForm })[]
}

/** Characters in a row of the file: a UUID, a variant, an instant. */
const bytesInRow = 92
const exposuresEach = 50

/**
 * Reports a generated CSV file, and counts its distinct identities by variant with the engine alone, in turn, each time in
 * a process of its own. Throws if they count differently.
 */
export async function measureFile(
  bytes: number,
  rounds: number,
  step: (title: string) => void,
): Promise<FileCosts> {
  const folder = mkdtempSync(join(tmpdir(), 'first-exposure-bench-'))
  try {
    step('writing the file')
    const path = join(folder, 'exposures.csv')
    const rows = Math.ceil(bytes / bytesInRow)
    const engine = await embeddedClickHouse()
    await engine.client.command({
      query: `
        INSERT INTO FUNCTION file({path:String}, 'CSVWithNames')
        SELECT
          toString(reinterpretAsUUID(sipHash128(number % {identities:UInt64}))) AS user_id,
          ['control', 'one-page'][1 + sipHash64(number % {identities:UInt64}) % 2] AS arm,
          toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + number * 1209600 / {rows:UInt64} AS seen_at,
          'some more text' AS page
        FROM numbers({rows:UInt64})`,
      query_params: { path, rows, identities: Math.ceil(rows / exposuresEach) },
    })
    await engine.close()
    const measured = fileForms.map((form) => ({ form, measurements: [] as FileMeasurement[] }))
    for (let round = 0; round < rounds; round++) {
      for (const { form, measurements } of measured) {
        step(form)
        measurements.push(await measureIn(path, form))
      }
    }
    const digests = new Set(measured.flatMap(({ measurements }) => measurements.map(({ digest }) => digest)))
    if (digests.size > 1)
      throw new Error('The report and the engine count differently: one of them is wrong.')
    return {
      bytes: statSync(path).size,
      rows,
      costs: measured.map(({ form, measurements }) => ({
        form,
        seconds: median(measurements.map(({ seconds }) => seconds)),
        cpuSeconds: median(measurements.map(({ cpuSeconds }) => cpuSeconds)),
        peakBytes: median(measurements.map(({ peakBytes }) => peakBytes)),
      })),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureIn(path: string, form: FileForm): Promise<FileMeasurement> {
  const script = fileURLToPath(new URL('file-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, path, form])
  return JSON.parse(stdout) as FileMeasurement
}
