import type { ClickHouseClient } from '@clickhouse/client'
import { quotedForShell, type FileColumns, type GivenColumns } from './arguments.js'
import { didYouMean } from './did-you-mean.js'
import { readRows, type OpenedFile } from './open-file.js'
import { mayNameExperiment, proposeColumns, type ProposedColumns, type Sample } from './propose-columns.js'
import { fileRead } from './read-file.js'
import { oneLine, ReportError } from './report-error.js'

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
  const [first] = files
  if (first === undefined) throw new ReportError('there is no file to report')
  const sample = await sampleOf(client, first)
  return { columns: proposeColumns(sample, given), sample }
}

function assertColumns({ name, types, layout }: OpenedFile, given: GivenColumns, areSeveral: boolean): void {
  const asked = Object.entries(options).flatMap(([role, option]) => {
    const column = given[role as keyof typeof options]
    return typeof column === 'string' ? [{ column, option }] : []
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
  // The engine's parser doubles the backslashes of a bound identifier.
  const odd = asked.find(({ column }) => column.includes('\\'))
  if (odd !== undefined) {
    throw new ReportError(
      `${name}: a column with a backslash in its name cannot be read; rename ${quoted(odd.column)}`,
    )
  }
}

/**
 * Says that the rows seem to be of several experiments, where the user did not say that they want one of them; else
 * `undefined`.
 */
export async function severalExperiments(
  client: ClickHouseClient,
  files: readonly OpenedFile[],
  columns: FileColumns,
  filtered: readonly string[],
): Promise<string | undefined> {
  if (columns.feature !== undefined) return undefined
  for (const file of files) {
    if (![...file.types.keys()].some((name) => mayNameExperiment(name) && !filtered.includes(name))) continue
    const { feature } = proposeColumns(await sampleOf(client, file), columns)
    if (feature === undefined || filtered.includes(feature.column)) continue
    const [first = '', second = ''] = feature.experiments
    return (
      `${quoted(feature.column)} has several values, such as ${quoted(first)} and ${quoted(second)}, and all count together; if they are ` +
      `experiments, report one at a time: --feature-column ${quotedForShell(feature.column)} --feature ${quotedForShell(first)}.`
    )
  }
  return undefined
}

async function sampleOf(client: ClickHouseClient, file: OpenedFile): Promise<Sample> {
  const names = [...file.types.keys()].filter((name) => !name.includes('\\')).slice(0, 200)
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
