import type { ClickHouseClient } from '@clickhouse/client'
import { quotedForShell, type FileColumns, type GivenColumns } from './arguments.js'
import { dateAndTime } from './date-and-time.js'
import { didYouMean } from './did-you-mean.js'
import { isEmpty, readRows, type OpenedFile } from './open-file.js'
import {
  mayHaveRole,
  mayNameExperiment,
  mostExperiments,
  proposeColumns,
  type ProposedColumns,
  type Sample,
} from './propose-columns.js'
import { fileRead } from './read-file.js'
import { oneLine, ReportError } from './report-error.js'
import type { RowFilter } from './row-filters.js'
import { count } from './words.js'

const options = {
  identity: '--identity',
  variant: '--variant',
  timestamp: '--timestamp',
  feature: '--feature-column',
  arrival: '--arrival',
  breakdown: '--breakdown',
} as const

/** The names that columns have in the default table of events, which need no option. */
const defaultColumns = { identity: 'identifier', variant: 'value', timestamp: 'timestamp' } as const

/** What is proposed to a user who did not say which column holds what. */
export interface Proposal {
  readonly columns: ProposedColumns
  readonly sample: Sample
}

/**
 * The columns to report. Throws a `ReportError` that names every column that is missing. Returns a proposal if the user
 * did not say enough.
 */
export async function fileColumns(
  client: ClickHouseClient,
  files: readonly OpenedFile[],
  given: GivenColumns,
): Promise<FileColumns | Proposal> {
  for (const file of files) assertColumns(file, given, files.length > 1)
  const isDefault = (role: keyof typeof defaultColumns): boolean =>
    given[role] === undefined && files.every(({ types }) => types.has(defaultColumns[role]))
  const roles = ['identity', 'variant', 'timestamp'] as const
  if (roles.every((role) => given[role] !== undefined || isDefault(role))) {
    const {
      identity = defaultColumns.identity,
      variant = defaultColumns.variant,
      timestamp = defaultColumns.timestamp,
    } = given
    return { ...given, identity, variant, timestamp }
  }
  // Of several files, the first may be empty.
  for (const file of files) {
    const sample = await sampleOf(client, file)
    if ([...sample.values()].some(({ length }) => length > 0))
      return { columns: proposeColumns(sample, given), sample }
  }
  throw isEmpty(files.length === 1 ? (files[0]?.name ?? '') : `${count(files.length)} files`)
}

function assertColumns({ name, types, layout }: OpenedFile, given: GivenColumns, areSeveral: boolean): void {
  const asked = Object.entries(options).flatMap(([role, option]) => {
    const column = given[role as keyof typeof options]
    if (typeof column !== 'string') return []
    const isTime = role === 'timestamp' || role === 'arrival'
    return ((isTime ? dateAndTime(column, types) : undefined) ?? [column]).map((column) => ({
      column,
      option,
    }))
  })
  const missing = asked.filter(({ column }) => !types.has(column))
  const names = [...types.keys()]
  if (missing.length > 0) {
    const sentences = missing.map(({ column, option }) => {
      const meant = didYouMean(column, names)
      return `${quoted(column)} (${option}${meant === undefined ? '' : `; did you mean ${quoted(meant)}?`})`
    })
    throw new ReportError(`${name} has no column ${sentences.join(', nor ')}`, {
      details: [
        `Its columns: ${names.map(quoted).join(', ')}`,
        ...(areSeveral && layout?.hasNames === false
          ? ['It has no line of column names. If it is a piece of a file, put the pieces together first.']
          : []),
        ...(areSeveral
          ? [
              'Files of one report need the same names for these columns: rename them in the files, or report each file by itself.',
            ]
          : []),
      ],
    })
  }
  const odd = asked.find(({ column }) => !isAskable(column))
  if (odd !== undefined) {
    throw new ReportError(
      `${name}: a column with a backslash, a tab or a line break in its name cannot be read; rename ${JSON.stringify(odd.column)}`,
    )
  }
}

/** Whether the engine can be asked for a column: its parser takes what is written with a backslash as it is written. */
function isAskable(name: string): boolean {
  return !/[\\\t\r\n]/.test(name)
}

/** The columns that may say of which experiment a row is, where the user did not say that they want one of them. */
export function columnsOfExperiments(
  files: readonly OpenedFile[],
  columns: FileColumns,
  filters: readonly (readonly RowFilter[])[],
): readonly string[] {
  if (columns.feature !== undefined) return []
  const taken = new Set<string | null | undefined>([
    ...Object.values(columns),
    ...filters.flat().map(({ column }) => column),
  ])
  const names = new Set(files.flatMap(({ types }) => [...types.keys()]))
  return [...names]
    .filter((name) => mayNameExperiment(name) && !taken.has(name) && isAskable(name))
    .slice(0, 4)
}

/** Says that the rows seem to be of several experiments; else `undefined`. All rows are looked at. */
export async function severalExperiments(
  client: ClickHouseClient,
  mayName: readonly string[],
): Promise<string | undefined> {
  for (const [at, column] of mayName.entries()) {
    // A row may stand for several, of which it has the first and the last name in the order of the alphabet.
    const result = await client.query({
      query: `SELECT trimBoth(arrayJoin(arrayDistinct([named_${at}, other_${at}]))) AS name
        FROM exposures
        GROUP BY name HAVING name != ''
        ORDER BY sum(events) DESC, name LIMIT ${mostExperiments + 1}`,
      format: 'JSONEachRow',
    })
    const names = (await result.json<{ name: string }>()).map(({ name }) => name)
    if (names.length < 2 || names.length > mostExperiments) continue
    const [first = '', second = ''] = names
    return (
      `${quoted(column)} has several values, such as ${quoted(first)} and ${quoted(second)}, and all count together; if they are ` +
      `experiments, report one at a time: --feature-column ${quotedForShell(column)} --feature ${quotedForShell(first)}.`
    )
  }
  return undefined
}

async function sampleOf(client: ClickHouseClient, file: OpenedFile): Promise<Sample> {
  const all = [...file.types.keys()].filter(isAskable)
  // Of very many columns, those whose name says something come first.
  const sampled = new Set([...all.filter(mayHaveRole), ...all].slice(0, 200))
  const names = all.filter((name) => sampled.has(name))
  const roles = Object.fromEntries(names.map((name, index) => [`sampled_${index}`, name]))
  const { from, query_params, text } = fileRead(file, roles)
  const rows = await readRows<Record<string, string | null>>(
    client,
    file,
    `SELECT ${Object.keys(roles)
      .map((role) => `${text(role)} AS ${role}`)
      .join(', ')}
    FROM ${from}
    LIMIT 2000
    SETTINGS ${file.settings}, input_format_${file.layout?.quoted === false ? 'tsv' : 'csv'}_allow_variable_number_of_columns = 1`,
    query_params,
  )
  return new Map(names.map((name, index) => [name, rows.map((row) => row[`sampled_${index}`] ?? null)]))
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 60))
}
