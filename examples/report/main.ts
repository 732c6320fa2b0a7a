// The report: who entered an experiment, when, and in which variant. `npm run report -- --help` says how to ask.
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { isExposureError } from 'first-exposure'
import { reportArguments, type ReportArguments } from './arguments.js'
import { clickhouseServer, serverError } from './clickhouse-server.js'
import { embeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import { generateExperiment } from './generate-experiment.js'
import { loadFile } from './load-file.js'
import { reportText } from './print-report.js'
import { errorLine, ReportError } from './report-error.js'
import { reportWindow } from './report-window.js'
import { writePanel } from './write-panel.js'

async function main(): Promise<void> {
  const request = reportArguments(process.argv.slice(2))
  if (request === 'help shown') return
  const experiment = await openExperiment(request)
  try {
    process.stdout.write(await report(experiment, request))
  } catch (error) {
    const { source } = request
    const isOurs = error instanceof ReportError || isExposureError(error)
    throw source.kind === 'server' && !isOurs ? serverError(source.url, error) : error
  } finally {
    await experiment.close()
  }
}

async function openExperiment({ source, ...request }: ReportArguments): Promise<Experiment> {
  if (source.kind === 'server') return clickhouseServer(source.url, source.spec)
  const engine = await embeddedClickHouse()
  try {
    return source.kind === 'file'
      ? await loadFile(engine, source.path, source.columns, request)
      : await generateExperiment(engine, request)
  } catch (error) {
    await engine.close()
    throw error
  }
}

async function report(experiment: Experiment, request: ReportArguments): Promise<string> {
  const { client, spec, origin } = experiment
  const window = await reportWindow(client, spec, request)
  if (window === undefined) throw new ReportError(await experiment.nothingFound())
  const summary = await fetchExposuresSummary(client, spec, window)
  if (request.html !== undefined) {
    const { bytes } = await writePanel(request.html, summary, window, experiment, request)
    process.stderr.write(`Wrote ${request.html} (${Math.ceil(bytes / 1000)} kB): open it in a browser.\n`)
  }
  if (request.json) return `${JSON.stringify(summary, null, 2)}\n`
  return await reportText(summary, window, spec, origin, request, {
    width: Math.min(120, process.stdout.columns ?? 80),
    colour: process.stdout.isTTY && process.stdout.hasColors(),
  })
}

// A reader that has seen enough, such as `head`, closes the pipe: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

try {
  await main()
} catch (error) {
  process.stderr.write(`report: ${errorLine(error)}\n`)
  process.exitCode = 1
}
