import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isExposureError } from '../index.js'
import { fetchExposuresSummary, fetchIdentityTimeline } from '../clickhouse/index.js'
import { reportArguments, type ReportArguments } from './arguments.js'
import { byDay } from './by-day.js'
import { clickhouseServer } from './clickhouse-server.js'
import { embeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import { fetchExplanation } from './explanation.js'
import { generateExperiment } from './generate-experiment.js'
import { inOptions } from './in-options.js'
import { loadFile } from './load-file.js'
import { identityStoryText } from './print-identity-story.js'
import { openInBrowser } from './open-in-browser.js'
import { reportText, type Configured, type Terminal } from './print-report.js'
import { withProgress } from './progress.js'
import { errorLine, oneLine, ReportError } from './report-error.js'
import { reportWindow } from './report-window.js'
import { findStrays } from './strays.js'
import { writeAssignments } from './write-assignments.js'
import { writePanel } from './write-panel.js'

const cannotOpen = 'no browser could be started here, so open it by hand'

/** Where a report goes. */
export interface ReportOutput extends Terminal {
  /** The report itself. */
  print(text: string): void
  /** Messages beside the report. */
  say(text: string): void
}

/** Runs a command line (without the program's own name): all of the program except the process. Returns the exit code. */
export async function runReport(argv: readonly string[], output: ReportOutput): Promise<0 | 1> {
  try {
    const request = reportArguments(argv)
    if (request !== 'help shown') output.print(await report(request, output))
    return 0
  } catch (error) {
    output.say(`report: ${isExposureError(error) ? oneLine(inOptions(error)) : errorLine(error)}\n`)
    return 1
  }
}

async function report(request: ReportArguments, output: ReportOutput): Promise<string> {
  const experiment = await openExperiment(request)
  try {
    return await reportOf(experiment, request, output)
  } catch (error) {
    throw experiment.inWords === undefined ? error : await experiment.inWords(error)
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
  const { client, spec } = experiment
  const { explain, breakdown, identityStory, assignments, json } = request
  const html = request.html ?? (request.open ? pageOfItsOwn() : undefined)
  const window = await reportWindow(experiment, request)
  if (window === undefined) throw new ReportError(await experiment.nothingFound())
  const story =
    identityStory === undefined
      ? undefined
      : { identity: identityStory, ...(await fetchIdentityTimeline(client, spec, window, identityStory)) }
  const isAlone =
    story !== undefined &&
    !explain &&
    breakdown === undefined &&
    html === undefined &&
    assignments === undefined
  // Dates have no hours, however short the window is.
  const bucketed = experiment.hasDates === true ? byDay : <Answer>(answer: Answer): Answer => answer
  const summary = isAlone
    ? undefined
    : bucketed(await withProgress('Counting', () => fetchExposuresSummary(client, spec, window)))
  // With both ends given, nobody has looked yet whether anything is there.
  const isEmpty = summary?.timeseries.points.length === 0 && summary.excludedIdentities === 0
  if (isEmpty && request.source.kind === 'server')
    output.say(`report: ${oneLine(await experiment.nothingFound(), 1000)}\n`)
  const explanation = isAlone
    ? {}
    : bucketed(await withProgress('Explaining', () => fetchExplanation(experiment, window, request)))
  const strays = summary === undefined ? undefined : await findStrays(experiment, summary, window, request)
  if (html !== undefined && summary !== undefined) {
    const { bytes } = await withProgress('Drawing the page', () =>
      writePanel(html, summary, window, explanation, experiment, request),
    )
    const isOpen = request.open && (await openInBrowser(html))
    const next = isOpen ? 'it is in your browser' : request.open ? cannotOpen : 'open it in a browser'
    output.say(`Wrote ${html} (${Math.ceil(bytes / 1000)} kB): ${next}.\n`)
  }
  if (assignments !== undefined) {
    const { bytes } = await writeAssignments(assignments, experiment, window)
    output.say(`Wrote ${assignments} (${Math.ceil(bytes / 1000)} kB): one row for each identity.\n`)
  }
  const isExplained = Object.keys(explanation).length > 0
  const configured: Configured = {
    expectedShares: request.expectedShares ?? (isExplained ? experiment.expectedShares : undefined),
    control: request.control,
  }
  // The page and the JSON have no place for it.
  if (strays !== undefined && (json || html !== undefined)) output.say(`${strays.sentence}\n`)
  if (json) {
    const explained = {
      ...(isExplained && summary !== undefined
        ? (await import('./explanation-data.js')).explanationData(
            explanation,
            summary,
            window,
            spec.multiVariant,
            configured,
          )
        : {}),
      ...(story === undefined ? {} : { identityStory: story }),
    }
    const all = { ...summary, ...(Object.keys(explained).length === 0 ? {} : { explain: explained }) }
    return `${JSON.stringify(all, null, 2)}\n`
  }
  const scanned = explanation.ledger === undefined ? '' : await experiment.scanned()
  const context = { spec, origin: experiment.origin, configured, explanation, strays, scanned }
  return [
    ...(summary === undefined ? [] : [await reportText(summary, window, context, output)]),
    ...(story === undefined
      ? []
      : [`${identityStoryText(story.identity, story, spec.timeZone, output).join('\n')}\n`]),
  ].join('\n')
}

/** A browser reads it after this program has ended, so it stays. */
function pageOfItsOwn(): string {
  return join(mkdtempSync(join(tmpdir(), 'first-exposure-page-')), 'report.html')
}
