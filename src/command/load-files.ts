import { exposureSpec } from '../index.js'
import { experimentNameOf, type GivenColumns, type ReportArguments } from './arguments.js'
import { badRows, badRowsError } from './bad-rows.js'
import type { ClickHouseClient } from '@clickhouse/client'
import { absentValues } from './column-values.js'
import { noSuchVariant } from './configured-variants.js'
import type { EmbeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import { columnsOfExperiments, fileColumns, severalExperiments, type Proposal } from './file-columns.js'
import { createExposures, reading, tolerant, type FileCleaning, type Load, type Plans } from './file-load.js'
import type { InputFile } from './input-files.js'
import { foldedName, loadOne, type Loaded } from './load-file.js'
import { isEmpty, openFile, readRows, type FileReading, type OpenedFile } from './open-file.js'
import { oneLine, ReportError } from './report-error.js'
import { rowFilters, type RowFilter } from './row-filters.js'
import { spellingNotes } from './spelling-notes.js'
import { firstValues, planOf } from './time-column.js'
import { count, counted, localTime } from './words.js'

/** What the user asks about files. */
export interface FileRequest extends Pick<ReportArguments, 'feature' | 'timeZone' | 'policy'> {
  readonly columns: GivenColumns
  /** Whether anything is asked about single events. */
  readonly keepsAll: boolean
  readonly reading: FileReading
  readonly cleaning: FileCleaning
}

/** Loads whole files of exposures into a table of the embedded engine. Throws a `ReportError` if it cannot. */
export async function loadFiles(
  engine: EmbeddedClickHouse,
  inputs: readonly InputFile[],
  { columns: given, reading, cleaning, keepsAll, ...request }: FileRequest,
): Promise<Experiment | Proposal> {
  const { client } = engine
  const files: OpenedFile[] = []
  for (const [index, input] of inputs.entries()) files.push(await openFile(engine, input, index, reading))
  const columns = await fileColumns(client, files, given)
  if ('sample' in columns) return columns

  const name = files.length === 1 ? (files[0]?.name ?? '') : `${count(files.length)} files`
  const experiment = request.feature ?? (files.length === 1 ? experimentNameOf(name) : name)
  const filters = files.map((file) => rowFilters(file, cleaning.where))
  const load: Load = {
    engine,
    columns,
    experiment,
    timeZone: request.timeZone,
    cleaning,
    keepsAll,
    mayName: columnsOfExperiments(files, columns, filters),
    filters,
  }
  const { plan, results } = await loaded(load, files)
  // As they were read in the end.
  const read = results.map(({ file }) => file)
  const rows = results.reduce((sum, { good, bad }) => sum + good + bad, 0)
  const bad = results.reduce((sum, each) => sum + each.bad, 0)
  const blank = results.reduce((sum, each) => sum + each.blank, 0)
  const names = results.reduce((sum, each) => sum + each.names, 0)
  const examples = bad === 0 ? [] : await badRows(load, files, results, plan)
  if (bad > 0 && !cleaning.skipBadRows) throw badRowsError(name, bad, rows, examples, load)

  const isFiltered = columns.feature !== undefined || cleaning.where.length > 0
  const spelling = await spellingNotes(client, cleaning)
  const experiments = await severalExperiments(client, load.mayName)
  const { rows: good, unusable } = spelling
  if (good === 0 && !isFiltered) {
    throw bad > 0 ? badRowsError(name, bad, rows, examples, load) : isEmpty(name)
  }
  if (good > 0) await assertRenamed(client, cleaning)
  // Of several values of one column, each should have rows: one that was misspelled would quietly not count.
  if (good > 0) await assertValues(load, name, read, ({ values }) => values.length > 1)
  const hasDates = columns.timestamp !== null && plan.timestamp.isDates
  const isNaive = columns.timestamp !== null && !hasDates && plan.timestamp.hasNaive
  return {
    client,
    spec: exposureSpec({
      featureName: experiment,
      timeZone: request.timeZone,
      multiVariant: request.policy,
      source: {
        table: 'exposures',
        columns: {
          environment: null,
          event: null,
          feature: 'experiment',
          timestamp: 'exposed_at',
          identity: 'identity',
          variant: 'variant',
          arrival: columns.arrival === undefined ? null : 'arrived_at',
        },
      },
    }),
    origin:
      `${name}, ${count(good)} ${good === 1 ? 'event' : 'events'}` +
      (unusable === 0 ? '' : `, ${count(unusable)} of them without an identity or variant`) +
      (hasDates ? ', dated by day' : '') +
      (isNaive ? `, times without a zone read as ${request.timeZone}` : ''),
    hasDates,
    hasTimes: columns.timestamp !== null,
    ...(spelling.extent === undefined ? {} : { extent: spelling.extent }),
    sliceColumn: 'slice',
    notes: [
      ...(bad === 0
        ? []
        : [
            `Left out: ${count(bad)} of ${counted(rows, 'row', 'rows')} that cannot be read (--skip-bad-rows), such as ${examples[0]?.where}: ${examples[0]?.what}.`,
          ]),
      ...(blank === 0 ? [] : [`${counted(blank, 'blank row is', 'blank rows are')} skipped.`]),
      ...(names === 0
        ? []
        : [
            `${counted(names, 'line', 'lines')} of column names between the rows ${names === 1 ? 'is' : 'are'} skipped.`,
          ]),
      ...files.flatMap(({ notes }) => notes),
      ...new Set([...plan.timestamp.notes, ...plan.arrival.notes]),
      ...(cleaning.where.length === 0
        ? []
        : [`Only rows where ${cleaning.where.map((each) => oneLine(each, 60)).join(', ')}.`]),
      ...(experiments === undefined ? [] : [experiments]),
      ...spelling.notes,
    ],
    variants: spelling.variants,
    scanned: async () => {
      if (columns.feature === undefined) return `Scanned: all ${counted(good, 'row', 'rows')} of ${name}.`
      const others = await rowsOfOthers(load, read)
      return (
        `Scanned: the ${counted(good, 'row', 'rows')} of ${name} whose ${quoted(columns.feature)} is ${quoted(experiment)}; ` +
        `${counted(others, 'row belongs', 'rows belong')} to other experiments.`
      )
    },
    ...(keepsAll
      ? {}
      : {
          loadAll: async () => {
            await loaded({ ...load, keepsAll: true }, files)
          },
        }),
    nothingFound: async () => {
      if (spelling.extent !== undefined) {
        const [from, to] = [spelling.extent.firstMs, spelling.extent.lastMs].map((ms) =>
          localTime(ms, request.timeZone),
        )
        return `${name} has no exposure in the window; its exposures are from ${from} to ${to}, so change --start or --as-of`
      }
      if (good > 0) return `${name} has no row with both an identity and a variant`
      const { feature: column } = columns
      const absent =
        column === undefined
          ? undefined
          : await absentValues(load, name, read, {
              column,
              values: [experiment],
              option: '--feature',
            })
      if (absent !== undefined) return absent
      await assertValues(load, name, read, () => true)
      const asked = [...(column === undefined ? [] : [`${column}=${experiment}`]), ...cleaning.where]
      return `${name} has no row where ${asked.map((each) => oneLine(each, 60)).join(' and ')}`
    },
    close: () => engine.close(),
  }
}

/** Loads the files, and again if their rows are not as the first of them promise. */
async function loaded(
  load: Load,
  files: readonly OpenedFile[],
): Promise<{ readonly plan: Plans; readonly results: readonly Loaded[] }> {
  const { client } = load.engine
  const values = {
    timestamp: await firstValues(load, files, 'timestamp'),
    arrival: await firstValues(load, files, 'arrival'),
  }
  const mayBeDates = { timestamp: true, arrival: true }
  for (;;) {
    const plan: Plans = {
      timestamp: await planOf(load, files, 'timestamp', values.timestamp, mayBeDates.timestamp),
      arrival: await planOf(load, files, 'arrival', values.arrival, mayBeDates.arrival),
    }
    for (const table of ['exposures', 'loading'] as const)
      await client.command({ query: createExposures(table, load) })
    const results: Loaded[] = []
    let again = false
    for (const [index, file] of files.entries()) {
      const { result, surprises, hasTimes } = await loadOne(load, file, index, plan)
      results.push(result)
      if (hasTimes) mayBeDates.timestamp = mayBeDates.arrival = false
      again ||= hasTimes
      const known = new Set(plan.timestamp.forms)
      const wider = await planOf(
        load,
        files,
        'timestamp',
        [...values.timestamp, ...surprises],
        mayBeDates.timestamp,
      ).catch(() => plan.timestamp)
      if (
        load.cleaning.timestampForms === undefined &&
        wider.forms.some((form) => !known.has(form)) &&
        surprises.length > 0
      ) {
        values.timestamp = [...values.timestamp, ...surprises]
        again = true
      }
    }
    if (!again) return { plan, results }
  }
}

/** How many rows of the files are of other experiments. */
async function rowsOfOthers(load: Load, files: readonly OpenedFile[]): Promise<number> {
  let others = 0
  for (const [index, file] of files.entries()) {
    const { read, condition, parameters } = reading(load, file, index, [])
    const [row] = await readRows<{ others: string | number }>(
      load.engine.client,
      file,
      `SELECT countIf(NOT (${condition})) AS others FROM ${read.from} SETTINGS ${tolerant(file)}`,
      parameters,
    )
    others += Number(row?.others ?? 0)
  }
  return others
}

/** Refuses other names for variants that are not there: those that were meant would keep theirs. */
async function assertRenamed(client: ClickHouseClient, cleaning: FileCleaning): Promise<void> {
  if (cleaning.renamed.size === 0) return
  const result = await client.query({
    query: `SELECT former_variant AS name FROM exposures WHERE former_variant IS NOT NULL
      GROUP BY name ORDER BY sum(events) DESC, name LIMIT 1000`,
    format: 'JSONEachRow',
  })
  const variants = (await result.json<{ name: string }>()).map(({ name }) => name)
  const missing = [...cleaning.renamed.keys()].filter(
    (name) => !variants.includes(foldedName(name, cleaning)),
  )
  if (missing.length > 0) throw noSuchVariant('--rename', missing, variants)
}

/** Refuses values of `--where` that no row has: the rows that were meant would not count. */
async function assertValues(
  load: Load,
  name: string,
  files: readonly OpenedFile[],
  isAsked: (filter: RowFilter) => boolean,
): Promise<void> {
  for (const { column, values } of (load.filters[0] ?? []).filter(isAsked)) {
    const absent = await absentValues(load, name, files, { column, values, option: '--where' })
    if (absent !== undefined) throw new ReportError(absent)
  }
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 60))
}
