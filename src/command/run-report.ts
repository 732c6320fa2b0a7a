import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isExposureError, type ExposuresSummary, type ExposureWindow } from '../index.js'
import { fetchCrossovers, fetchExposuresSummary, fetchIdentityTimeline } from '../clickhouse/index.js'
import { isSameFile, reportArguments, type ReportArguments } from './arguments.js'
import { byDay } from './by-day.js'
import { clickhouseServer } from './clickhouse-server.js'
import { configuredVariants } from './configured-variants.js'
import { embeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import { fetchExplanation } from './explanation.js'
import { generateExperiment } from './generate-experiment.js'
import { inOptions } from './in-options.js'
import type { Proposal } from './file-columns.js'
import { inputFiles, isReadOnce } from './input-files.js'
import { loadFiles } from './load-files.js'
import { identityStoryText } from './print-identity-story.js'
import { openInBrowser } from './open-in-browser.js'
import { reportText, type Configured, type Terminal } from './print-report.js'
import { withProgress } from './progress.js'
import { fetchCombinations, totalsOf, totalsText } from './print-totals.js'
import { commandLine, proposedCommand } from './proposed-command.js'
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
  /** Asks the user, where there is one who can answer. */
  readonly ask?: (question: string) => Promise<string>
}

/** Runs a command line (without the program's own name): all of the program except the process. Returns the exit code. */
export async function runReport(argv: readonly string[], output: ReportOutput): Promise<0 | 1> {
  try {
    const request = reportArguments(argv)
    if (request === 'help shown') return 0
    const answer = await report(request, output)
    if (typeof answer === 'string') {
      output.print(answer)
      return 0
    }
    return await proposed(argv, request, answer, output)
  } catch (error) {
    output.say(`report: ${isExposureError(error) ? oneLine(inOptions(error)) : errorLine(error)}\n`)
    return 1
  }
}

/** Shows which columns may be meant. Goes on if the user says yes; nothing is guessed silently. */
async function proposed(
  argv: readonly string[],
  { source }: ReportArguments,
  proposal: Proposal,
  output: ReportOutput,
): Promise<0 | 1> {
  if (source.kind !== 'file') return 1
  const { argv: complete, command, found, withFormat } = proposedCommand(argv, source.columns, proposal)
  const names = [...proposal.sample.keys()].map((name) => oneLine(JSON.stringify(name), 60)).join(', ')
  const problem =
    complete === undefined || source.paths.some(isReadOnce) ? undefined : await problemOf(complete)
  const ways = problem?.remedies ?? []
  const commands = ways.map(({ add }) => [...(complete ?? []), ...add])
  output.say(
    [
      'report: which column holds what? By their names and values:',
      ...found,
      ...(complete === undefined ? [`Its columns: ${names}`, ...textsOfJson(proposal)] : []),
      ...(proposal.columns.areCounts
        ? [
            'It seems to hold counts of identities. A report needs a row for each exposure: who, which variant, and when.',
          ]
        : []),
      ...(problem === undefined
        ? []
        : errorLine(problem)
            .split('\n')
            .filter((line) => !/^(To|If|They)/.test(line))),
      ...(withFormat === undefined ? [] : [withFormat.says, `  ${withFormat.command}`]),
      ...(complete === undefined
        ? [
            proposal.columns.areCounts
              ? 'If it has such rows, name their columns:'
              : 'Name the missing ones:',
            `  ${command}`,
          ]
        : ways.length === 0
          ? [
              problem !== undefined
                ? 'Put that right first, and then run:'
                : withFormat === undefined
                  ? 'If this is right, run:'
                  : 'If they are not, run, for totals without a chart:',
              `  ${command}`,
            ]
          : ways.flatMap(({ says }, index) => [
              `If this is right, and ${says}, run:`,
              `  ${commandLine(commands[index] ?? [])}`,
            ])),
      '',
    ].join('\n'),
  )
  // What came through a pipe is gone.
  if (complete === undefined || output.ask === undefined || source.paths.some(isReadOnce)) return 1
  // Only the user can do what must come first, or knows what the values are.
  if (withFormat !== undefined || (problem !== undefined && ways.length === 0)) return 1
  if (commands.length > 1) {
    const answer = await output.ask(
      `Report it like this? [${commands.map((_, index) => index + 1).join('/')}/n] `,
    )
    const chosen = commands[Number(answer.trim()) - 1]
    return chosen === undefined ? 1 : runReport(chosen, output)
  }
  const answer = await output.ask('Report it like this? [Y/n] ')
  return /^\s*(y|yes|)\s*$/i.test(answer) ? runReport(commands[0] ?? complete, output) : 1
}

/** Says which columns hold JSON as text: what is looked for may be in there. */
function textsOfJson({ sample }: Proposal): string[] {
  return [...sample]
    .filter(([, values]) => values.some((value) => /^\s*(\{\s*"|\[\s*\{)/.test(value ?? '')))
    .map(
      ([name]) =>
        `${oneLine(JSON.stringify(name), 60)} holds JSON as text, and its fields are no columns: if what is missing is in it, export that field as a column of its own.`,
    )
}

/** Files up to this size are read once before a command is proposed, so that the command works. */
const tryableBytes = 200_000_000

/** What would stop a command line, if something would. */
async function problemOf(argv: readonly string[]): Promise<ReportError | undefined> {
  const request = reportArguments(argv)
  if (request === 'help shown' || request.source.kind !== 'file') return undefined
  const { paths } = request.source
  if (paths.some((path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > tryableBytes))
    return undefined
  try {
    const experiment = await openExperiment(request)
    if (!('sample' in experiment)) await experiment.close()
    return undefined
  } catch (error) {
    return error instanceof ReportError ? error : undefined
  }
}

async function report(request: ReportArguments, output: ReportOutput): Promise<string | Proposal> {
  const experiment = await openExperiment(request)
  if ('sample' in experiment) return experiment
  try {
    return await reportOf(experiment, request, output)
  } catch (error) {
    throw experiment.inWords === undefined ? error : await experiment.inWords(error)
  } finally {
    await experiment.close()
  }
}

async function openExperiment({ source, ...request }: ReportArguments): Promise<Experiment | Proposal> {
  if (source.kind === 'server') return clickhouseServer(source.url, source.spec)
  const engine = await embeddedClickHouse()
  try {
    if (source.kind === 'generated') return await generateExperiment(engine, request)
    const inputs = await inputFiles(source.paths, engine.directory)
    for (const option of ['html', 'assignments'] as const) {
      const replaced = inputs.find(({ path }) => isSameFile(path, request[option]))
      if (replaced !== undefined) {
        throw new ReportError(`--${option} needs a file of its own: it would replace ${replaced.name}`)
      }
    }
    const opened = await loadFiles(engine, inputs, {
      ...request,
      ...source,
      keepsAll: isAboutEvents(request) || source.columns.arrival !== undefined,
    })
    if ('sample' in opened) await engine.close()
    return opened
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** Whether the first exposures do not answer it. */
function isAboutEvents({
  explain,
  breakdown,
  identityStory,
  start,
  asOf,
}: Pick<ReportArguments, 'explain' | 'breakdown' | 'identityStory' | 'start' | 'asOf'>): boolean {
  return explain || [breakdown, identityStory, start, asOf].some((each) => each !== undefined)
}

async function reportOf(
  experiment: Experiment,
  asked: ReportArguments,
  output: ReportOutput,
): Promise<string> {
  const { client, spec } = experiment
  const { explain, breakdown, identityStory, assignments, json } = asked
  const html = asked.html ?? (asked.open ? pageOfItsOwn() : undefined)
  let request = asked
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
  const { notes: decided, ...configuration } =
    summary === undefined || isEmpty
      ? { ...request, notes: [] }
      : configuredVariants(request, await variantsOf(experiment, request, summary, window))
  request = { ...request, ...configuration }
  const notes = [...(experiment.notes ?? []), ...decided]
  if (json || summary === undefined) for (const note of notes) output.say(`Note: ${note}\n`)
  if (experiment.hasTimes === false && summary !== undefined) {
    return await totalsReport(experiment, request, summary, window, notes, output)
  }
  const explanation = isAlone
    ? {}
    : bucketed(await withProgress('Explaining', () => fetchExplanation(experiment, window, request)))
  const strays = summary === undefined ? undefined : await findStrays(experiment, summary, window, request)
  if (html !== undefined && summary !== undefined) {
    const { bytes } = await withProgress('Drawing the page', () =>
      writePanel(html, summary, window, explanation, strays, experiment, request),
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
  // The JSON has no place for it.
  if (strays !== undefined && json) output.say(`${strays.sentence}\n`)
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
  const context = { spec, origin: experiment.origin, notes, configured, explanation, strays, scanned }
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

/** The variants that the exposures have, to check the names that the user gave. */
async function variantsOf(
  { client, spec, variants }: Experiment,
  { control, expectedShares }: ReportArguments,
  summary: ExposuresSummary,
  window: ExposureWindow,
): Promise<readonly string[]> {
  if (variants !== undefined) return variants
  const counted = Object.keys(totalsOf(summary).identities)
  const named = [...(control === undefined ? [] : [control]), ...Object.keys(expectedShares ?? {})]
  if (named.every((key) => counted.includes(key))) return counted
  // All identities of a variant may be excluded.
  const { pairs } = await fetchCrossovers(client, spec, window)
  return [
    ...new Set([
      ...counted,
      ...pairs.flatMap(({ firstVariant, nextVariant }) => [firstVariant, nextVariant]),
    ]),
  ]
}

/** The report of a file without timestamps. */
async function totalsReport(
  experiment: Experiment,
  request: ReportArguments,
  summary: ExposuresSummary,
  window: ExposureWindow,
  notes: readonly string[],
  output: ReportOutput,
): Promise<string> {
  const { client, spec, origin } = experiment
  const { breakdown, expectedShares, control, json } = request
  const combinations = await fetchCombinations(client)
  const explanation = await fetchExplanation(experiment, window, {
    explain: false,
    breakdown,
    expectedShares,
  })
  if (json) {
    const slices = explanation.breakdown
    const all = {
      ...totalsOf(summary),
      crossovers: combinations,
      ...(slices === undefined ? {} : { breakdown: slices }),
    }
    return `${JSON.stringify(all, null, 2)}\n`
  }
  return totalsText(
    summary,
    window,
    combinations,
    { spec, origin, notes, configured: { expectedShares, control }, explanation, scanned: '' },
    output,
  )
}
