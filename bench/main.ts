// Measures what the query costs, as ratios within one run. See `npm run bench -- --help`.
import { cpus, totalmem } from 'node:os'
import { aliasPairs, aliasRows } from './aliases.js'
import { benchArguments, sections, type Section } from './arguments.js'
import { measureBatch } from './batch.js'
import { calibrationSteps, calibrationTables } from './calibration.js'
import { measureClientSide } from './client-side.js'
import { measureCluster } from './cluster-bytes.js'
import { openEngine } from './engine.js'
import { fileForms, measureFile } from './file.js'
import { fittedExponent } from './fitted-exponent.js'
import {
  byHash,
  countHashes,
  countIdentifiers,
  exact,
  firstSeen,
  forms,
  inParts,
  ledger,
  onRollup,
  spilling,
  handWritten,
  makingWho,
  metricOnTable,
  metricOnWho,
  whoByHand,
  whoForms,
  type Form,
} from './forms.js'
import { batchRows, measureInserts } from './measure-inserts.js'
import { measureForms, type Cost } from './measure-forms.js'
import { measurePanel } from './panel.js'
import { alignedTable, costTable } from './print.js'
import { measureStreaming, streamForms } from './streaming.js'
import { showSteps, type Progress } from './progress.js'
import { measureQueryMemory } from './query-memory.js'
import { otherShapes, rollupShapes, usualShape, type Shape } from './shape.js'

const options = benchArguments(process.argv.slice(2))
const { events, rounds } = options
const shapeForms = [countIdentifiers, countHashes, handWritten, byHash, exact, firstSeen, ledger, onRollup()]
const rollupForms = (days = 14): readonly Form[] => [
  { ...handWritten, days },
  { ...byHash, days },
  onRollup(days),
  onRollup(days, 'after'),
]
const memoryForms = [
  handWritten,
  byHash,
  ...[2, 4, 8].map(inParts),
  spilling(Math.floor(options.memoryLimit / 4)),
]
const aliasShape = { ...usualShape, events }
const aliasForms = aliasPairs(aliasShape)
const growthForms = [countHashes, byHash]
const steps: Readonly<Record<Section, number>> = {
  compare: 1 + forms.length * rounds,
  who: 1 + whoForms.length * rounds,
  shapes: otherShapes(events).length * (1 + shapeForms.length * rounds),
  rollup: rollupShapes(events).length * (1 + rollupForms().length * rounds) + 3,
  aliases: 1 + 2 * aliasForms.length * rounds,
  growth: options.growth.length * (1 + growthForms.length * rounds),
  memory: 2 + memoryForms.length * (rounds + 1),
  client: 9,
  panel: rounds + 3,
  cluster: 4 + 3 * rounds,
  stream: 2 + streamForms.length * rounds,
  batch: 3 + 4 * rounds,
  file: 1 + fileForms.length * rounds,
  calibration: calibrationSteps,
}
const asked = sections.filter((section) => options.sections.includes(section))
const figures: Record<string, unknown> = {
  machine: {
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  },
  node: process.version,
  rounds,
}
const text: string[] = [
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; medians of ${rounds}`,
]
const engine = openEngine()
// One bar per section, so that each table can be shown as soon as it is ready.
let progress: Progress = { step: () => undefined, end: () => undefined }

async function measureShapes(
  shapes: readonly Shape[],
  compared: (days?: number) => readonly Form[],
  { isWarm = false }: { readonly isWarm?: boolean } = {},
): Promise<readonly { readonly shape: Shape; readonly costs: readonly Cost[] }[]> {
  const found: { readonly shape: Shape; readonly costs: readonly Cost[] }[] = []
  for (const shape of shapes) {
    const costs = await measureForms(engine, shape, compared(shape.days), { rounds, progress, isWarm })
    found.push({ shape, costs })
    text.push(costTable(isWarm ? `${shape.name}, warm` : shape.name, costs, handWritten.name))
  }
  return found
}

const run: Readonly<Record<Section, () => Promise<void>>> = {
  compare: async () => {
    const shape = { ...usualShape, events }
    const costs = await measureForms(engine, shape, forms, { rounds, progress })
    figures['compare'] = { shape, costs }
    text.push(
      costTable(`${events.toLocaleString('en')} events, ${usualShape.name}`, costs, handWritten.name),
      costTable('the same', costs, countHashes.name),
    )
  },
  who: async () => {
    const shape = { ...usualShape, events }
    const costs = await measureForms(engine, shape, whoForms, { rounds, progress })
    const title = `${events.toLocaleString('en')} events, ${usualShape.name}`
    const of = (form: Form): Cost['cost'] | undefined => costs.find((one) => one.form === form.name)?.cost
    const table = of(metricOnTable)
    const made = of(makingWho)
    const ratio = (what: 'seconds' | 'cpuSeconds'): number =>
      (of(metricOnWho)?.[what] ?? NaN) / ((made?.[what] ?? NaN) + (table?.[what] ?? NaN))
    const ratios = { seconds: ratio('seconds'), cpuSeconds: ratio('cpuSeconds') }
    figures['who'] = { shape, costs, onWhoToMakingAndTable: ratios }
    text.push(
      costTable(title, costs, whoByHand.name),
      costTable('the same', costs, metricOnTable.name),
      alignedTable(
        [metricOnWho.name, 'seconds', 'CPU s'],
        [
          [
            `÷ (${makingWho.name} + ${metricOnTable.name})`,
            ratios.seconds.toFixed(2),
            ratios.cpuSeconds.toFixed(2),
          ],
        ],
      ),
    )
  },
  shapes: async () => {
    figures['shapes'] = await measureShapes(otherShapes(events), () => shapeForms)
  },
  rollup: async () => {
    // A rollup answers so fast that what a server does only once would be most of it.
    const shapes = await measureShapes(rollupShapes(events), rollupForms, { isWarm: true })
    const inserts = await measureInserts(progress.step)
    figures['rollup'] = { shapes, inserts }
    text.push(
      alignedTable(
        [
          `inserts of ${batchRows.toLocaleString('en')} rows, CPU ms`,
          'without a view',
          'with the view',
          'ratio',
        ],
        inserts.map(({ format, withoutMs, withMs }) => [
          format,
          withoutMs.toFixed(1),
          withMs.toFixed(1),
          (withMs / withoutMs).toFixed(2),
        ]),
      ),
    )
  },
  aliases: async () => {
    const costs = await measureForms(engine, aliasShape, aliasForms.flat(), { rounds, progress })
    figures['aliases'] = { shape: aliasShape, costs }
    text.push(
      costTable(
        `${events.toLocaleString('en')} events, a tenth of the identities aliased`,
        costs,
        aliasForms[0]?.[0].name ?? '',
      ),
      alignedTable(['aliased ÷ not', 'seconds', 'CPU', 'peak'], aliasRows(aliasForms, costs)),
    )
  },
  growth: async () => {
    const found: { readonly events: number; readonly costs: readonly Cost[] }[] = []
    for (const size of options.growth) {
      const shape = { ...usualShape, name: `${size.toLocaleString('en')} events`, events: size }
      const costs = await measureForms(engine, shape, growthForms, { rounds, progress })
      found.push({ events: size, costs })
      text.push(costTable(shape.name, costs, countHashes.name))
    }
    const exponents = Object.fromEntries(
      growthForms.map(({ name }) => {
        const points = (what: 'seconds' | 'cpuSeconds'): { size: number; cost: number }[] =>
          found.map(({ events, costs }) => ({
            size: events,
            cost: costs.find(({ form }) => form === name)?.cost[what] ?? NaN,
          }))
        return [
          name,
          { seconds: fittedExponent(points('seconds')), cpuSeconds: fittedExponent(points('cpuSeconds')) },
        ]
      }),
    )
    figures['growth'] = { found, exponents }
    text.push(
      alignedTable(
        ['fitted exponent', 'of seconds', 'of CPU s'],
        Object.entries(exponents).map(([form, of]) => [
          form,
          of.seconds.toFixed(2),
          of.cpuSeconds.toFixed(2),
        ]),
      ),
    )
  },
  memory: async () => {
    const shape = {
      ...usualShape,
      name: `${options.memoryEvents.toLocaleString('en')} events`,
      events: options.memoryEvents,
    }
    const limit = options.memoryLimit
    const costs = await measureQueryMemory(shape, memoryForms, { rounds, limit, step: progress.step })
    figures['memory'] = { shape, limit, costs }
    text.push(
      alignedTable(
        [shape.name, 'CPU s', 'peak MiB', 'spilled MiB', `within ${Math.round(limit / 2 ** 20)} MiB`],
        costs.map(({ form, cpuSeconds, peakBytes, spilledBytes, fits }) => [
          form,
          ...(Number.isFinite(peakBytes)
            ? [cpuSeconds.toFixed(2), (peakBytes / 2 ** 20).toFixed(0), (spilledBytes / 2 ** 20).toFixed(0)]
            : ['-', 'too much', '-']),
          fits ? 'answers' : 'fails',
        ]),
      ),
    )
  },
  client: async () => {
    const { costs, exponents } = measureClientSide(rounds, progress.step)
    figures['client'] = { costs, exponents }
    text.push(
      alignedTable(
        ['client side, CPU s', 'variants', 'decode', 'summarise', 'view', 'exponent'],
        costs.map(({ rows, variants, decode, summarize, view }) => [
          `${rows.toLocaleString('en')} rows`,
          String(variants),
          decode.toFixed(2),
          summarize.toFixed(2),
          view.toFixed(2),
          (exponents[variants] ?? NaN).toFixed(2),
        ]),
      ),
    )
  },
  panel: async () => {
    const costs = await measurePanel(rounds, progress.step)
    figures['panel'] = costs
    text.push(
      alignedTable(
        ['the panel in Chromium', 'ms', 'ratio'],
        costs.map(({ name, ms, ratio }) => [name, ms.toFixed(1), ratio.toFixed(0)]),
      ),
    )
  },
  cluster: async () => {
    const costs = await measureCluster(options.clusterIdentities, rounds, progress.step)
    const least = Math.min(...costs.map(({ receivedBytes }) => receivedBytes))
    figures['cluster'] = { identities: options.clusterIdentities, costs }
    text.push(
      alignedTable(
        [
          `${options.clusterIdentities.toLocaleString('en')} identities on 3 shards`,
          'seconds',
          'received',
          'ratio',
        ],
        costs.map(({ form, seconds, receivedBytes }) => [
          form,
          seconds.toFixed(2),
          `${receivedBytes.toLocaleString('en')} B`,
          (receivedBytes / least).toFixed(1),
        ]),
      ),
    )
  },
  stream: async () => {
    const identities = options.streamIdentities
    const costs = await measureStreaming(identities, rounds, progress.step)
    const own = costs.find(({ form }) => form === "the client's own stream")
    figures['stream'] = { identities, costs }
    text.push(
      alignedTable(
        [`${identities.toLocaleString('en')} identities`, 'seconds', 'ratio', 'CPU s', 'ratio', 'peak MiB'],
        costs.map(({ form, seconds, cpuSeconds, peakBytes }) => [
          form,
          seconds.toFixed(2),
          (seconds / (own?.seconds ?? NaN)).toFixed(2),
          cpuSeconds.toFixed(2),
          (cpuSeconds / (own?.cpuSeconds ?? NaN)).toFixed(2),
          (peakBytes / 2 ** 20).toFixed(0),
        ]),
      ),
    )
  },
  file: async () => {
    const { bytes, rows, costs } = await measureFile(options.fileBytes, rounds, progress.step)
    const own = costs.find(({ form }) => form === fileForms[0])
    figures['file'] = { bytes, rows, costs }
    text.push(
      alignedTable(
        [
          `a CSV file of ${(bytes / 1e6).toFixed(0)} MB, ${rows.toLocaleString('en')} rows`,
          'seconds',
          'ratio',
          'rows a second',
          'CPU s',
          'ratio',
          'peak MiB',
        ],
        costs.map(({ form, seconds, cpuSeconds, peakBytes }) => [
          form,
          seconds.toFixed(2),
          (seconds / (own?.seconds ?? NaN)).toFixed(2),
          Math.round(rows / seconds).toLocaleString('en'),
          cpuSeconds.toFixed(2),
          (cpuSeconds / (own?.cpuSeconds ?? NaN)).toFixed(2),
          (peakBytes / 2 ** 20).toFixed(0),
        ]),
      ),
    )
  },
  batch: async () => {
    const costs = await measureBatch(options.batchEvents, rounds, progress.step)
    figures['batch'] = { events: options.batchEvents, costs }
    text.push(
      alignedTable(
        [
          `300 experiments, ${options.batchEvents.toLocaleString('en')} events`,
          'largest alone, CPU s',
          'all together',
          '÷ largest',
          'one by one ÷ together',
          'peak MiB',
          '÷ largest',
        ],
        costs.map(({ layout, windows, largestAlone, together, oneByOne }) => [
          `${layout}, ${windows}`,
          largestAlone.cpuSeconds.toFixed(2),
          together.cpuSeconds.toFixed(2),
          (together.cpuSeconds / largestAlone.cpuSeconds).toFixed(1),
          (oneByOne.cpuSeconds / together.cpuSeconds).toFixed(1),
          (together.peakBytes / 2 ** 20).toFixed(0),
          (together.peakBytes / largestAlone.peakBytes).toFixed(1),
        ]),
      ),
    )
  },
  calibration: async () => {
    const tables = calibrationTables(progress.step)
    figures['calibration'] = tables
    for (const { name, head, rows } of tables) text.push(`${name}\n${alignedTable(head, rows)}`)
    await Promise.resolve()
  },
}

try {
  for (const section of asked) {
    progress = showSteps(steps[section])
    try {
      await run[section]()
    } finally {
      progress.end()
    }
    if (!options.json)
      process.stdout.write(
        text
          .splice(0)
          .map((table) => `${table}\n\n`)
          .join(''),
      )
  }
} finally {
  engine.close()
}
if (options.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
