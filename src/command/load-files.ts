import { exposureSpec } from '../index.js'
import { experimentNameOf, type GivenColumns, type ReportArguments } from './arguments.js'
import { badRows, badRowsError } from './bad-rows.js'
import type { EmbeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import { fileColumns, type Proposal } from './file-columns.js'
import { reading, tolerant, type FileCleaning, type Load, type Plans } from './file-load.js'
import type { InputFile } from './input-files.js'
import { loadOne, type Loaded } from './load-file.js'
import { isEmpty, openFile, readRows, type FileReading, type OpenedFile } from './open-file.js'
import { oneLine } from './report-error.js'
import { rowFilters } from './row-filters.js'
import { spellingNotes } from './spelling-notes.js'
import { firstValues, planOf } from './time-column.js'
import { count, counted } from './words.js'

/** What the user asks about files. */
export interface FileRequest extends Pick<ReportArguments, 'feature' | 'timeZone' | 'policy'> {
  readonly columns: GivenColumns
  readonly reading: FileReading
  readonly cleaning: FileCleaning
}

/** Loads whole files of exposures into a table of the embedded engine. Throws a `ReportError` if it cannot. */
export async function loadFiles(
  engine: EmbeddedClickHouse,
  inputs: readonly InputFile[],
  { columns: given, reading, cleaning, ...request }: FileRequest,
): Promise<Experiment | Proposal> {
  const { client } = engine
  const files: OpenedFile[] = []
  for (const [index, input] of inputs.entries()) files.push(await openFile(engine, input, index, reading))
  const columns = await fileColumns(client, files, given)
  if ('sample' in columns) return columns

  const name = files.length === 1 ? (files[0]?.name ?? '') : `${count(files.length)} files`
  const experiment = request.feature ?? (files.length === 1 ? experimentNameOf(name) : name)
  const load: Load = {
    engine,
    columns,
    experiment,
    timeZone: request.timeZone,
    cleaning,
    filters: files.map((file) => rowFilters(file, cleaning.where)),
  }
  // The rows are read a few times only, so nothing is sorted, and parts are not merged.
  for (const table of ['exposures', 'loading']) {
    await client.command({
      query: `CREATE TABLE ${table}
      (
        experiment LowCardinality(String),
        identity Nullable(String),
        variant LowCardinality(Nullable(String)),
        exposed_at DateTime64(9, 'UTC'),
        ${columns.arrival === undefined ? '' : "arrived_at Nullable(DateTime64(9, 'UTC')),"}
        ${columns.breakdown === undefined ? '' : 'slice LowCardinality(Nullable(String)),'}
        status UInt8,
        unread String
      )
      ENGINE = MergeTree
      PARTITION BY status
      ORDER BY tuple()
      SETTINGS max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1,
        parts_to_delay_insert = 1000000, parts_to_throw_insert = 1000000`,
    })
  }
  const { plan, results } = await loaded(load, files)
  const rows = results.reduce((sum, { good, bad }) => sum + good + bad, 0)
  const bad = results.reduce((sum, each) => sum + each.bad, 0)
  const blank = results.reduce((sum, each) => sum + each.blank, 0)
  const examples = bad === 0 ? [] : await badRows(load, files, results, plan)
  if (bad > 0 && !cleaning.skipBadRows) throw badRowsError(name, bad, rows, examples, load)

  const isFiltered = columns.feature !== undefined || cleaning.where.length > 0
  const spelling = await spellingNotes(client, cleaning)
  const { rows: good, unusable } = spelling
  if (good === 0 && !isFiltered) {
    throw bad > 0 ? badRowsError(name, bad, rows, examples, load) : isEmpty(name)
  }
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
    sliceColumn: 'slice',
    notes: [
      ...(bad === 0
        ? []
        : [
            `Left out: ${count(bad)} of ${counted(rows, 'row', 'rows')} that cannot be read (--skip-bad-rows), such as ${examples[0]?.where}: ${examples[0]?.what}.`,
          ]),
      ...(blank === 0 ? [] : [`${counted(blank, 'blank row is', 'blank rows are')} skipped.`]),
      ...files.flatMap(({ notes }) => notes),
      ...new Set([...plan.timestamp.notes, ...plan.arrival.notes]),
      ...(cleaning.where.length === 0
        ? []
        : [`Only rows where ${cleaning.where.map((each) => oneLine(each, 60)).join(', ')}.`]),
      ...spelling.notes,
    ],
    variants: spelling.variants,
    scanned: async () => {
      if (columns.feature === undefined) return `Scanned: all ${count(good)} rows of ${name}.`
      const others = await rowsOfOthers(load, files)
      return (
        `Scanned: the ${count(good)} rows of ${name} whose ${quoted(columns.feature)} is ${quoted(experiment)}; ` +
        `${counted(others, 'row belongs', 'rows belong')} to other experiments.`
      )
    },
    nothingFound: async () => {
      if (good > 0) return `${name} has no exposure in the window`
      if (columns.feature === undefined) {
        return `${name} has no row where ${cleaning.where.map((each) => oneLine(each, 60)).join(' and ')}`
      }
      return `${name} has no row whose ${quoted(columns.feature)} is ${quoted(experiment)}; ${await featuresOf(load, files)}`
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
    await client.command({ query: 'TRUNCATE TABLE exposures' })
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

async function featuresOf(load: Load, files: readonly OpenedFile[]): Promise<string> {
  const names = new Map<string, number>()
  for (const [index, file] of files.entries()) {
    const { read, parameters } = reading(load, file, index, [])
    const rows = await readRows<{ experiment_name: string | null; rows: string | number }>(
      load.engine.client,
      file,
      `SELECT ${read.text('feature')} AS experiment_name, count() AS rows
      FROM ${read.from}
      GROUP BY experiment_name ORDER BY rows DESC, experiment_name LIMIT 100
      SETTINGS ${tolerant(file)}`,
      parameters,
    )
    for (const { experiment_name, rows: found } of rows) {
      const key = experiment_name ?? 'NULL'
      names.set(key, (names.get(key) ?? 0) + Number(found))
    }
  }
  const all = [...names].sort((a, b) => b[1] - a[1]).map(([name]) => name)
  return all.length === 0 ? 'it is empty' : `it has ${listed(all)}`
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 60))
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map(quoted)
  return names.length > shown.length ? `${shown.join(', ')} and more` : shown.join(', ')
}
