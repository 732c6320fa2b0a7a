import { isExposureError } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { reportArguments, type ReportArguments } from './arguments.js'
import { clickhouseServer, serverError } from './clickhouse-server.js'
import { embeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import { generateExperiment } from './generate-experiment.js'
import { loadFile } from './load-file.js'
import { reportText, type Terminal } from './print-report.js'
import { errorLine, ReportError } from './report-error.js'
import { reportWindow } from './report-window.js'
import { writePanel } from './write-panel.js'

/** Where a report goes. */
export interface ReportOutput extends Terminal {
  /** The report itself. */
  print(text: string): void
  /** What is said beside it. */
  say(text: string): void
}

/** Runs a command line (without the program's own name): the whole program but the process. Returns its exit code. */
export async function runReport(argv: readonly string[], output: ReportOutput): Promise<0 | 1> {
  try {
    const request = reportArguments(argv)
    if (request !== 'help shown') output.print(await report(request, output))
    return 0
  } catch (error) {
    output.say(`report: ${errorLine(error)}\n`)
    return 1
  }
}

async function report(request: ReportArguments, output: ReportOutput): Promise<string> {
  const experiment = await openExperiment(request)
  try {
    return await reportOf(experiment, request, output)
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

async function reportOf(
  experiment: Experiment,
  request: ReportArguments,
  output: ReportOutput,
): Promise<string> {
  const { client, spec, origin } = experiment
  const window = await reportWindow(client, spec, request)
  if (window === undefined) throw new ReportError(await experiment.nothingFound())
  const summary = await fetchExposuresSummary(client, spec, window)
  if (request.html !== undefined) {
    const { bytes } = await writePanel(request.html, summary, window, experiment, request)
    output.say(`Wrote ${request.html} (${Math.ceil(bytes / 1000)} kB): open it in a browser.\n`)
  }
  if (request.json) return `${JSON.stringify(summary, null, 2)}\n`
  return await reportText(summary, window, spec, origin, request, output)
}
