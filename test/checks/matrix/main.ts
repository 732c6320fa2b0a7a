import { entryPoints } from '../package/manifest.js'
import { bundlerCells } from './bundler-cells.js'
import { Skipped } from './cell.js'
import { clientCells } from './client-cells.js'
import { nodeCells } from './node-cells.js'
import { typescriptCells } from './typescript-cells.js'
import { consumer, openWorkspace } from './workspace.js'

// Tries the package, as packed, with everything that it is said to work with, and prints what was really run. What
// cannot be tried here is skipped by name. `npm run check:matrix`; `npm run check:matrix -- client` for what has
// "client" in its name.

const chosen = process.argv[2] ?? ''
const used = await consumer('every-entry-point')
const unused = entryPoints.filter(({ name }) => !used.includes(`'${name}'`)).map(({ name }) => name)
if (unused.length > 0) throw new Error(`consumer/every-entry-point.ts does not call ${unused.join(', ')}.`)

const workspace = await openWorkspace()
const clients = clientCells(workspace)
const cells = [
  ...nodeCells(workspace),
  ...bundlerCells(workspace),
  ...typescriptCells(workspace),
  ...clients.cells,
].filter(({ group, title }) => `${group} ${title}`.includes(chosen))

const rows: string[][] = []
const failures: string[] = []
try {
  if (cells.length === 0) throw new Error(`Nothing in the matrix has "${chosen}" in its name.`)
  for (const [index, cell] of cells.entries()) {
    const { group, title } = cell
    const startedAt = performance.now()
    let [result, ran] = ['ok', '']
    try {
      ran = await cell.run()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      result = error instanceof Skipped ? 'skipped' : 'FAILED'
      ran = error instanceof Skipped ? message : 'see below'
      if (!(error instanceof Skipped)) failures.push(`${group}: ${title}\n${message.replaceAll(/^/gm, '  ')}`)
    }
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    process.stderr.write(`${index + 1}/${cells.length} ${group}: ${title}: ${result}, ${seconds} s\n`)
    rows.push([group, title, result, ran])
  }
} finally {
  await clients.close()
  await workspace.remove()
}

const head = ['', 'what', 'result', 'what was run']
const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)))
console.log()
for (const row of [head, ...rows])
  console.log(
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
console.log()
for (const failure of failures) console.log(`${failure}\n`)
const count = (result: string): number => rows.filter((row) => row[2] === result).length
console.log(`${count('ok')} ok, ${count('FAILED')} failed, ${count('skipped')} skipped`)
if (failures.length > 0) process.exitCode = 1
