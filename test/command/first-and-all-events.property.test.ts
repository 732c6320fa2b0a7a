import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runReport } from '../../src/command/run-report.js'
import { runs, timeFor } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-exposure-test-'))
  vi.stubEnv('TMPDIR', folder)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

interface Answer {
  readonly exitCode: number
  readonly summary: unknown
  readonly said: string
}

async function report(args: readonly string[]): Promise<Answer> {
  let [printed, said] = ['', '']
  const exitCode = await runReport(args, {
    print: (text) => (printed += text),
    say: (text) => (said += text),
    width: 80,
    colour: false,
  })
  const { explain: _, ...summary } = (printed === '' ? {} : JSON.parse(printed)) as Record<string, unknown>
  return { exitCode, summary, said }
}

const aTime = fc.constantFrom(
  '2026-06-01 08:00:00',
  '2026-06-01 08:00:00.250',
  '2026-06-01 23:59:59.999',
  '2026-06-02 00:00:00',
  '2026-06-20 12:00:00',
  '2026-09-01 00:00:00',
  '2029-01-01 00:00:00',
)
const aDate = fc.constantFrom('2026-06-01', '2026-06-02', '2026-06-20', '2026-10-25', '2029-01-01')
const anIdentity = fc.constantFrom(...'abcdefghijklmnop', 'A', ' a', '007', 'null', '')
const aVariant = fc.constantFrom('control', 'control', 'one-page', 'One-page', '')
const rowsOf = (time: fc.Arbitrary<string>, broken: string): fc.Arbitrary<readonly string[]> =>
  fc.array(
    fc
      .tuple(anIdentity, aVariant, fc.oneof({ weight: 12, arbitrary: time }, fc.constant(broken)))
      .map((cells) => cells.join(',')),
    { minLength: 1, maxLength: 60 },
  )

describe.skipIf(!engineAvailable)('a report keeps only what its answer needs', () => {
  // With --explain it keeps every event, so nothing but the explanation may differ.
  test(
    'the first exposures give the summary and the notes that all events give',
    async () => {
      let file = 0
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(rowsOf(aTime, 'soon'), rowsOf(aDate, '2026-02-30')),
          fc.subarray(['--skip-bad-rows', '--fold-case']),
          fc.constantFrom('quarantine', 'first-seen'),
          fc.constantFrom('UTC', 'Europe/Madrid', 'America/Santiago'),
          async (rows, flags, policy, zone) => {
            const path = join(folder, `${file++}.csv`)
            writeFileSync(path, ['who,arm,at', ...rows, ''].join('\n'))
            const columns = [
              '--identity',
              'who',
              '--variant',
              'arm',
              '--timestamp',
              'at',
              '--time-zone',
              zone,
            ]
            const args = [path, ...columns, '--policy', policy, ...flags, '--json']
            expect(await report(args)).toEqual(await report([...args, '--explain']))
          },
        ),
        { numRuns: runs(25) },
      )
    },
    timeFor(600_000),
  )
})
