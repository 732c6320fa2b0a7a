import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import {
  exposureSpec,
  exposureWindow,
  flagsmithEvents,
  isExposureError,
  trustedSql,
  type ExposureSource,
  type ExposureSpec,
  type MultiVariantPolicy,
} from '../index.js'
import { formatOf, readFormats } from './file-format.js'
import { inputName } from './input-files.js'
import type { FileCleaning } from './file-load.js'
import type { FileReading } from './open-file.js'
import { oneLine, ReportError, usageLine } from './report-error.js'
import { experimentOf, withTableOptions } from './source-options.js'
import type { TextEncoding } from './text-encoding.js'
import { givenForm } from './timestamp-form.js'

/** What the command line asks for, complete and checked. */
export interface ReportArguments {
  readonly source:
    | { readonly kind: 'generated' }
    | {
        readonly kind: 'file'
        /** Paths, patterns, folders, `-` for standard input, and addresses. */
        readonly paths: readonly string[]
        readonly columns: GivenColumns
        readonly reading: FileReading
        readonly cleaning: FileCleaning
      }
    | { readonly kind: 'server'; readonly url: URL; readonly spec: ExposureSpec }
  /** The experiment's name, where one was given. */
  readonly feature: string | undefined
  /** If left out, the first event decides. */
  readonly start: GivenInstant | undefined
  /** If left out, the last event decides. */
  readonly asOf: GivenInstant | undefined
  readonly timeZone: string
  readonly policy: MultiVariantPolicy
  /** The configured split, by variant; `undefined` if the user did not give it. */
  readonly expectedShares: Readonly<Record<string, number>> | undefined
  /** The control's key; `control` if left out. */
  readonly control: string | undefined
  readonly json: boolean
  /** Whether to say why the numbers are what they are: the ledger, the crossovers, the verdicts. */
  readonly explain: boolean
  /** The column to break the report down by, if any. */
  readonly breakdown: string | undefined
  /** The identity whose events to show, if any. */
  readonly identityStory: string | undefined
  /** Where to write the page, if one is wanted. */
  readonly html: string | undefined
  /** Whether to show the page in the user's browser. */
  readonly open: boolean
  /** Where to write one row for each identity, if wanted. */
  readonly assignments: string | undefined
}

/** An end of the window, as the user gave it. */
export interface GivenInstant {
  /** Epoch milliseconds. Of a local clock, in UTC. */
  readonly ms: number
  /** A date or a clock of the report's time zone; `undefined` if the user gave a zone. */
  readonly local: string | undefined
}

/** Which column of a file holds what. */
export interface FileColumns {
  readonly identity: string
  readonly variant: string
  /** `null` if there are no timestamps. */
  readonly timestamp: string | null
  /** The column that names the experiment; `undefined` if the file holds only one. */
  readonly feature: string | undefined
  /** When the exposure arrived; `undefined` if the file has no such column. */
  readonly arrival: string | undefined
  /** What the report is broken down by, if anything. */
  readonly breakdown: string | undefined
}

/** Which column of a file holds what, as far as the user said it. */
export interface GivenColumns extends Omit<FileColumns, 'identity' | 'variant' | 'timestamp'> {
  readonly identity: string | undefined
  readonly variant: string | undefined
  readonly timestamp: string | null | undefined
}

interface Options {
  readonly file?: readonly string[]
  readonly format?: string
  readonly delimiter?: string
  readonly encoding?: TextEncoding
  readonly timestampFormat?: string
  readonly skipBadRows?: true
  readonly foldCase?: true
  readonly rename?: readonly string[]
  readonly null?: readonly string[]
  readonly where?: readonly string[]
  readonly url?: URL
  readonly identity?: string
  readonly variant?: string
  readonly timestamp?: string | boolean
  readonly feature?: string
  readonly featureColumn?: string | boolean
  readonly start?: GivenInstant
  readonly asOf?: GivenInstant
  readonly timeZone: string
  readonly policy: MultiVariantPolicy
  readonly expected?: Readonly<Record<string, number>>
  readonly control?: string
  readonly json?: true
  readonly html?: string
  readonly open?: true
  readonly assignments?: string
  readonly explain?: true
  readonly breakdown?: string
  readonly identityStory?: string
  readonly arrival?: string
  readonly database?: string
  readonly table?: string
  readonly environment?: string
  readonly environmentColumn?: string | boolean
  readonly event?: string
  readonly eventColumn?: string | boolean
}

// In this layout every column is a name, not an expression.
const defaults = flagsmithEvents().columns as Readonly<Record<keyof ExposureSource['columns'], string>>

/** Reads the command line (without the program's own name). Throws a `ReportError` if it makes no sense. */
export function reportArguments(argv: readonly string[]): ReportArguments | 'help shown' {
  const command = reportCommand()
  try {
    refuseSecondValues(command)
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 'help shown'
    throw new ReportError(`${usageLine(error)} (--help lists the options)`)
  }
  const { file: files = [], ...others } = command.opts<Options>()
  const paths = [...files, ...(command.processedArgs[0] as readonly string[])]
  const options: Options = paths.length === 0 ? others : { ...others, file: paths }
  const given = (name: keyof Options): boolean => command.getOptionValueSource(name) === 'cli'
  refuseStrayOptions(options, given)

  const { feature, start, asOf, timeZone, policy, expected, control, html, assignments } = options
  if (start !== undefined && asOf !== undefined && start.ms >= asOf.ms) {
    throw new ReportError('--start must be before --as-of')
  }
  return {
    source: source(options),
    feature,
    start,
    asOf,
    timeZone,
    policy,
    expectedShares: expected,
    control,
    explain: options.explain ?? false,
    breakdown: options.breakdown,
    identityStory: options.identityStory,
    json: options.json ?? false,
    html,
    open: options.open ?? false,
    assignments,
  }
}

function source(options: Options): ReportArguments['source'] {
  const { file, url, identity, variant, feature, featureColumn, arrival, breakdown } = options
  const timestamp = typeof options.timestamp === 'string' ? options.timestamp : undefined
  if (file !== undefined) {
    if (featureColumn === false) throw new ReportError('--no-feature-column works only with --url')
    if (typeof featureColumn === 'string' && feature === undefined) {
      throw new ReportError('--feature-column needs --feature <name>, the experiment to report')
    }
    if (featureColumn === undefined && feature !== undefined) {
      throw new ReportError(
        `--feature ${quotedForShell(feature)} needs --feature-column <name>, the column that names the experiment: without it, the rows of every experiment would count`,
      )
    }
    return {
      kind: 'file',
      paths: file,
      columns: {
        identity,
        variant,
        timestamp: options.timestamp === false ? null : timestamp,
        feature: typeof featureColumn === 'string' ? featureColumn : undefined,
        arrival,
        breakdown,
      },
      reading: { format: options.format, delimiter: options.delimiter, encoding: options.encoding },
      cleaning: {
        skipBadRows: options.skipBadRows ?? false,
        foldCase: options.foldCase ?? false,
        renamed: renamedVariants(options.rename ?? []),
        nulls: (options.null ?? []).flatMap((words) => words.split(',')),
        where: (options.where ?? []).map(rowCondition),
        timestampForms:
          options.timestampFormat === undefined ? undefined : givenForm(options.timestampFormat),
      },
    }
  }
  if (url === undefined) return { kind: 'generated' }

  const { environment, environmentColumn, table, timeZone, policy } = options
  if (feature === undefined && featureColumn !== false) {
    throw new ReportError(
      '--url needs --feature <name>, the experiment to report, or --no-feature-column if the table holds one experiment',
    )
  }
  const featureName = feature ?? table ?? 'events'
  if (environmentColumn !== false && environment === undefined) {
    throw new ReportError(
      '--url needs --environment <key>, or --no-environment-column if the table has no such column',
    )
  }
  const { timestamp: _timestamp, featureColumn: _featureColumn, ...named } = options
  const { source: ofServer, ...experiment } = experimentOf(
    {
      ...named,
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(typeof featureColumn === 'string' ? { featureColumn } : {}),
    },
    featureName,
  )
  const spec = exposureSpec({
    ...experiment,
    timeZone,
    multiVariant: policy,
    source: {
      table: 'events',
      ...ofServer,
      columns: {
        ...ofServer?.columns,
        // Without a column, every row is of the feature that is asked.
        ...(featureColumn === false ? { feature: trustedSql`${featureName}` } : {}),
        arrival: arrival ?? null,
      },
    },
  })
  return { kind: 'server', url, spec }
}

/** An option that would have no effect is a misunderstanding, so it is refused, not ignored. */
function refuseStrayOptions(options: Options, given: (name: keyof Options) => boolean): void {
  const forServers: [keyof Options, string][] = [
    ['database', '--database'],
    ['table', '--table'],
    ['environment', '--environment'],
    ['environmentColumn', '--environment-column'],
    ['event', '--event'],
    ['eventColumn', '--event-column'],
  ]
  const forFiles: [keyof Options, string][] = [
    ['format', '--format'],
    ['delimiter', '--delimiter'],
    ['encoding', '--encoding'],
    ['timestampFormat', '--timestamp-format'],
    ['skipBadRows', '--skip-bad-rows'],
    ['foldCase', '--fold-case'],
    ['rename', '--rename'],
    ['null', '--null'],
    ['where', '--where'],
  ]
  const forFilesAndServers: [keyof Options, string][] = [
    ['identity', '--identity'],
    ['variant', '--variant'],
    ['timestamp', '--timestamp'],
    ['feature', '--feature'],
    ['featureColumn', '--feature-column'],
    ['arrival', '--arrival'],
  ]
  const { json, html, explain, breakdown, identityStory } = options
  const isExplained = explain === true || breakdown !== undefined
  if (json === true && html === undefined && options.open !== true) {
    for (const name of ['expected', 'control'] as const) {
      if (given(name) && !(name === 'expected' && isExplained))
        throw new ReportError(`--${name} has no effect with --json; use it with the report or with --html`)
    }
  }
  if (identityStory === '')
    throw new ReportError('--identity-story needs an identifier: an empty one stands for nobody')
  const { file, url, assignments } = options
  if (file !== undefined && url !== undefined)
    throw new ReportError('--url cannot be used with a file: report one, then the other')
  if (options.timestamp === false) {
    if (url !== undefined || file === undefined) throw new ReportError('--no-timestamp works only with files')
    const timed: readonly (readonly [keyof Options, string])[] = [
      ['start', '--start'],
      ['asOf', '--as-of'],
      ['arrival', '--arrival'],
      ['timestampFormat', '--timestamp-format'],
      ['html', '--html, whose charts are over time,'],
      ['open', '--open, whose charts are over time,'],
      ['assignments', '--assignments, which writes when each identity entered,'],
      ['identityStory', '--identity-story'],
    ]
    for (const [name, what] of timed)
      if (given(name))
        throw new ReportError(`${what} needs timestamps: it cannot be used with --no-timestamp`)
    if (options.policy === 'first-seen') {
      throw new ReportError(
        '--policy first-seen needs timestamps to say which variant came first; without them, use quarantine',
      )
    }
  }
  if (assignments !== undefined && [html, ...(file ?? [])].some((other) => isSameFile(assignments, other))) {
    throw new ReportError('--assignments needs a file of its own: it would replace that of --file or --html')
  }
  const strays = [
    ...(url === undefined
      ? forServers.map(([name, flag]) => [name, `${flag} works only with --url`] as const)
      : []),
    ...(file === undefined
      ? forFiles.map(([name, flag]) => [name, `${flag} works only with files`] as const)
      : []),
    ...(url === undefined && file === undefined
      ? forFilesAndServers.map(([name, flag]) => [name, `${flag} works only with --file or --url`] as const)
      : []),
    ...(explain === true
      ? []
      : [
          [
            'arrival',
            '--arrival has no effect without --explain, which says how late events arrived',
          ] as const,
        ]),
  ]
  for (const [name, sentence] of strays) {
    if (given(name)) throw new ReportError(sentence)
  }
}

function reportCommand(): Command {
  const command = new Command('npx first-exposure report')
  command
    .usage('[files] [options]')
    .argument('[files...]', 'the same as --file')
    .description(
      'Who entered an experiment, when, and in which variant? Each identity is counted once. Without a file ' +
        'or --url, the command generates an experiment of a million events and reports it. Files and the ' +
        'generated experiment are counted by an embedded ClickHouse, so you need no server.',
    )
    .optionsGroup('What to report:')
    .option(
      '--file <path>',
      'a file of exposures (see Files below), a folder, a pattern, an address, or - for standard input; again for more',
      collected,
    )
    .addOption(
      new Option('--url <url>', 'a ClickHouse server, such as http://localhost:8123').argParser(serverUrl),
    )
    .option('--feature <name>', "the experiment's name (needed with --url and with --feature-column)")
    .option('--feature-column <name>', "the column that names the experiment (server: 'feature_name')")
    .option('--no-feature-column', 'the table of the server has no such column: it holds one experiment')
    .optionsGroup('Columns:')
    .option('--identity <name>', `the identity's identifier (default: '${defaults.identity}')`)
    .option('--variant <name>', `the variant's key (default: '${defaults.variant}')`)
    .option(
      '--timestamp <name>',
      `when the exposure happened; date+time for two columns of a file (default: '${defaults.timestamp}')`,
    )
    .option('--no-timestamp', 'the file has no timestamps: report totals, without a chart')
    .option(
      '--arrival <name>',
      'when the exposure arrived, so that --explain can say how late (default: no column)',
    )
    .optionsGroup('How files are written, where it is not found out right:')
    .option('--format <name>', `one of ${Object.keys(readFormats).join(', ')}`, fileFormat)
    .option(
      '--delimiter <character>',
      'what stands between the fields: a character, or tab, comma, semicolon, pipe',
      delimiter,
    )
    .option('--encoding <name>', 'utf-8, utf-16le, utf-16be or latin1', encoding)
    .option(
      '--timestamp-format <format>',
      "day-first, month-first, s, ms, us, ns (since 1970), excel, or a pattern: '%d.%m.%Y %H:%M', 'DD.MM.YYYY HH:mm'",
      timestampFormat,
    )
    .optionsGroup('Which rows and values of files count:')
    .option(
      '--where <column=value>',
      'only rows with this value; again for more values or columns',
      collected,
    )
    .option('--skip-bad-rows', 'leave out rows that cannot be read, and say how many')
    .option('--null <words>', "texts that stand for no value: NULL,N/A; '' is an empty one", collected)
    .option(
      '--fold-case',
      'variants and identities that differ only in case, or in spaces around them, are the same',
    )
    .option('--rename <old=new>', 'another name for a variant; again for more', collected)
    .optionsGroup('How to count:')
    .option('--start <instant>', 'the first instant that counts (default: the first event)', instant('start'))
    .option(
      '--as-of <instant>',
      'the first instant after the window (default: 1 ms after the last event; for dates, the end of the last)',
      instant('asOf'),
    )
    .option('--time-zone <name>', 'the IANA time zone of the days and hours', ianaTimeZone, 'UTC')
    .addOption(
      new Option(
        '--policy <name>',
        'exclude identities exposed to several variants, or count them in the first',
      )
        .choices(['quarantine', 'first-seen'])
        .default('quarantine'),
    )
    .optionsGroup('How it was configured:')
    .option(
      '--expected <shares>',
      'the configured split, to check: control=0.5,treatment=0.5',
      expectedShares,
    )
    .option('--control <key>', "the key of the control variant (default: 'control')")
    .optionsGroup('Why the numbers are what they are:')
    .option('--explain', 'also say where every event went, who crossed over, and whether to trust the split')
    .option('--breakdown <column>', 'also show the split for each of the 20 largest values of a column')
    .option(
      '--identity-story <id>',
      "show one identity's exposures and verdict; alone, instead of the report",
    )
    .optionsGroup('Server (credentials: CLICKHOUSE_USER and CLICKHOUSE_PASSWORD in the environment):')
  return withTableOptions(command)
    .optionsGroup('Output:')
    .option('--json', 'print only the summary as JSON; with --explain, the explanation too, as "explain"')
    .option('--html <path>', 'also write the panel to this file: a self-contained page', outputPath)
    .option('--open', 'show the panel in the browser; without --html, from a file in the temporary folder')
    .option(
      '--assignments <path>',
      'also write who: one row for each identity, as .csv, .tsv, .parquet or .jsonl, each also as .gz',
      assignmentsPath,
    )
    .helpOption('-h, --help', 'show this help')
    .addHelpText(
      'after',
      `
Timestamps: most ways to write them are recognised: ISO 8601, 12/27/2022 9:30 PM,
05.06.2023, 1 Jun 2026, and counts of seconds, milliseconds, microseconds or
nanoseconds since 1970. If a day can be a month, you are asked to say which. Without
a zone they are in --time-zone. This is also true for --start and --as-of.

Dates: if no timestamp of the files has a time of day (other than 00:00:00 without a
zone), each date is a whole day in --time-zone, and so is a date given as --start
or --as-of. The report then ends with the last day.

Files: .csv, .tsv, .jsonl, .parquet, .orc and .arrow, each also as .gz, .zst, .xz or
.lz4. The delimiter, the encoding and lines above the column names are found out.
Several files, a folder or a pattern ('logs/*.csv') are one experiment. A column in a
column has a dot: --identity user.id. An empty variant counts like any other and is
shown as (empty). A row is not an exposure if it has no identity, or if its variant is
NULL (\\N, null).

--assignments: the columns are identity, variant, first_exposure (UTC), quarantined
(0 or 1) and first_variant. The variant of a quarantined identity is NULL (\\N in CSV
and TSV). The rows are in no order. The file appears when it is complete.

--expected: shares, percentages or weights; the sum does not matter. If a key
contains = or a comma, pass JSON: '{"a,b":1,"c":1}'. Without --expected, the page
assumes equal shares and says so.

Examples:
  npx first-exposure report
  npx first-exposure report events.csv.gz
  npx first-exposure report events.csv.gz --identity user_id --variant group \\
      --expected control=50,treatment=50 --html panel.html
  npx first-exposure report --explain --breakdown sdk_language
  npx first-exposure report --assignments who.parquet
  npx first-exposure report events.parquet --feature-column test --feature checkout \\
      --start 2026-06-01 --as-of 2026-06-15 --time-zone Europe/Madrid
  CLICKHOUSE_USER=reader CLICKHOUSE_PASSWORD=secret npx first-exposure report --json \\
      --url http://localhost:8123 --environment production --feature checkout`,
    )
    .configureHelp({ helpWidth: Math.min(process.stdout.columns || 80, 100) })
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
}

/** The name of an experiment if nobody gave one: `events` for `logs/events.csv.gz`. */
export function experimentNameOf(path: string): string {
  return inputName(path).replace(/(?<=.)\..*$/, '')
}

/** Options that may be given several times. All others would quietly replace their first value. */
const repeated = new Set(['file', 'where', 'null', 'rename'])

function refuseSecondValues(command: Command): void {
  const given = new Set<string>()
  for (const option of command.options) {
    const name = option.attributeName()
    if (repeated.has(name)) continue
    command.on(`option:${option.name()}`, () => {
      if (given.has(name)) {
        throw new ReportError(
          `${option.long} is given twice, or after its opposite: the second would replace the first; give it once`,
        )
      }
      given.add(name)
    })
  }
}

function collected(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function fileFormat(text: string): string {
  const name = text.toLowerCase().replace(/^\./, '')
  if (!Object.hasOwn(readFormats, name)) {
    throw new InvalidArgumentError(`Known formats are ${Object.keys(readFormats).join(', ')}.`)
  }
  return name
}

function delimiter(text: string): string {
  const named: Readonly<Record<string, string>> = {
    tab: '\t',
    '\\t': '\t',
    comma: ',',
    semicolon: ';',
    pipe: '|',
    space: ' ',
  }
  const character = Object.hasOwn(named, text) ? (named[text] ?? text) : text
  if (character.length !== 1 || !/^[\p{ASCII}]$/u.test(character) || /["\n\r\0]/.test(character)) {
    throw new InvalidArgumentError("Pass one character, or tab, comma, semicolon, pipe: --delimiter ';'.")
  }
  return character
}

function encoding(text: string): TextEncoding {
  const known: Readonly<Record<string, TextEncoding>> = {
    utf8: 'utf-8',
    utf16: 'utf-16le',
    utf16le: 'utf-16le',
    utf16be: 'utf-16be',
    latin1: 'windows-1252',
    iso88591: 'windows-1252',
    windows1252: 'windows-1252',
    cp1252: 'windows-1252',
  }
  const name = text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const found = Object.hasOwn(known, name) ? known[name] : undefined
  if (found === undefined)
    throw new InvalidArgumentError('Known encodings are utf-8, utf-16le, utf-16be and latin1.')
  return found
}

function timestampFormat(text: string): string {
  if (givenForm(text) === undefined) {
    throw new InvalidArgumentError(
      "Pass day-first, month-first, s, ms, us, ns, excel, or a pattern such as '%d.%m.%Y %H:%M' or 'DD.MM.YYYY HH:mm'.",
    )
  }
  return text
}

function rowCondition(written: string): string {
  if (!written.includes('=')) {
    throw new ReportError(`--where ${quotedForShell(written)} needs column=value, such as --where country=ES`)
  }
  return written
}

function renamedVariants(written: readonly string[]): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>()
  for (const text of written) {
    const at = text.indexOf('=')
    if (at === -1)
      throw new ReportError(
        `--rename ${quotedForShell(text)} needs old=new, such as --rename Control=control`,
      )
    const old = text.slice(0, at)
    if (renamed.has(old))
      throw new ReportError(`--rename gives ${JSON.stringify(oneLine(old, 60))} two names`)
    renamed.set(old, text.slice(at + 1))
  }
  return renamed
}

/** A word of a command line, with quotes only where a shell needs them. */
export function quotedForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

// A ReportError each time: the message of an InvalidArgumentError repeats the argument, in which a password may be.
export function serverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new ReportError(
      '--url is not usable: pass http://host:port or https://host:port, and set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD',
    )
  }
  // Everybody on a machine can read a command line, and the shell stores it.
  if (url.username !== '' || url.password !== '') {
    throw new ReportError(
      '--url must not contain credentials; set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD instead',
    )
  }
  return url
}

/** `control=0.5,treatment=0.5`, or an object of JSON, as weights by variant. */
function expectedShares(text: string): Readonly<Record<string, number>> {
  const advice =
    'Pass a share of 0 or more for each variant, at least two above 0: control=0.5,treatment=0.5.'
  const entries = text.trimStart().startsWith('{') ? jsonEntries(text) : text.split(',').map(assignment)
  // fromEntries defines properties where an assignment to __proto__ would set the prototype.
  const shares = Object.fromEntries(entries ?? [])
  const weights = Object.values(shares)
  const areShares = weights.every((weight) => Number.isFinite(weight) && weight >= 0)
  const [only, ...others] = Object.keys(shares)
  if (areShares && only !== undefined && only !== '' && others.length === 0) {
    throw new InvalidArgumentError(
      `It has a share for ${JSON.stringify(oneLine(only, 60))} only. Name the other variants too: control=50%,treatment=50%.`,
    )
  }
  if (!areShares || weights.filter((weight) => weight > 0).length < 2) throw new InvalidArgumentError(advice)
  if (weights.length !== entries?.length) throw new InvalidArgumentError('A variant is listed twice.')
  return shares
}

function assignment(text: string): [string, number] {
  const at = text.lastIndexOf('=')
  const share = text.slice(at + 1).trim()
  const [, number = ''] = /^(.*?) *%?$/.exec(share) ?? []
  return [text.slice(0, Math.max(0, at)).trim(), at === -1 || number === '' ? NaN : Number(number)]
}

function jsonEntries(text: string): [string, number][] | undefined {
  let entries: [string, unknown][]
  try {
    entries = Object.entries(JSON.parse(text) as object)
  } catch {
    return undefined
  }
  const shares = entries.map(([key, share]): [string, number] => [
    key,
    typeof share === 'number' ? share : NaN,
  ])
  // Of a key that is written twice, JSON.parse keeps the last. In an object of numbers, a text before a colon is a key.
  const written = text.match(/"(?:[^"\\]|\\.)*"\s*:/g) ?? []
  if (written.length > shares.length && shares.every(([, share]) => !Number.isNaN(share)))
    throw new InvalidArgumentError('A variant is listed twice.')
  return shares
}

/** Checked before anything is counted, so that nobody waits for a page that cannot be written. */
function outputPath(text: string): string {
  if (text === '-') {
    throw new InvalidArgumentError(
      'Standard output is for the report. Name a file, or ./- for a file of this name.',
    )
  }
  const path = resolve(text)
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new InvalidArgumentError(`There is no folder ${dirname(path)}.`)
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new InvalidArgumentError('This is a folder. Name a file in it.')
  }
  return path
}

function assignmentsPath(text: string): string {
  const path = outputPath(text)
  formatOf(basename(path))
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch {
    throw new InvalidArgumentError(`The folder ${dirname(path)} cannot be written to.`)
  }
  return path
}

export function isSameFile(path: string, other: string | undefined): boolean {
  const real = (file: string): string => (existsSync(file) ? realpathSync(file) : resolve(file))
  return other !== undefined && real(path) === real(other)
}

/** Checked while the command line is read, so that nobody waits for a load and then gets an error. */
function ianaTimeZone(text: string): string {
  try {
    return exposureSpec({ environmentKey: 'any', featureName: 'any', timeZone: text }).timeZone
  } catch (error) {
    if (isExposureError(error)) throw new ReportError(error.message.replace('timeZone', '--time-zone'))
    throw error
  }
}

/** What a person types as an end of the window. A date, or a time without a zone, is one of the report's zone. */
export function instant(name: 'start' | 'asOf'): (text: string) => GivenInstant {
  return (text) => {
    const iso = text
      .trim()
      .replace(/^(\d{4}-\d{2}-\d{2})$/, '$1T00:00')
      .replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, '$1T')
      .replace(/(T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)$/, '$1Z')
    try {
      // The other end only has to be later or earlier: the window checks whether the instant is valid.
      const ms =
        name === 'start'
          ? exposureWindow(iso, Date.UTC(2106, 0, 1)).startMs
          : exposureWindow(Date.UTC(1970, 0, 2), iso).asOfMs
      const day = /^\d{4}-\d{2}-\d{2}$/.exec(text.trim())?.[0]
      const isLocal = /T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?Z$/.test(iso) && !/Z\s*$/.test(text)
      return {
        ms,
        local: day ?? (isLocal ? new Date(ms).toISOString().replace('T', ' ').slice(0, -1) : undefined),
      }
    } catch {
      throw new InvalidArgumentError(
        'Pass ISO 8601 between 1970-01-02 and 2106-01-01, at most to the millisecond: 2026-06-01, 2026-06-01T09:30, ' +
          '2026-06-01T09:30:00.000+02:00.',
      )
    }
  }
}
