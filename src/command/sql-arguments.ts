import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ExposureSpecInput } from '../index.js'
import { instant, type GivenInstant } from './arguments.js'
import { jsonSpec, type JsonSpec } from './json-spec.js'
import { ReportError } from './report-error.js'
import {
  experimentOf,
  layouts,
  missingEnvironment,
  sourceOf,
  withSourceOptions,
  type SourceOptions,
} from './source-options.js'
import { sqlForms } from './sql-forms.js'
import { sqlStatements, type SqlInput } from './sql-statements.js'
import { listed as inWords } from './words.js'

/** What the command line asks for. */
export interface SqlArguments {
  readonly statement: string
  readonly input: SqlInput
  readonly form: (typeof sqlForms)[number]
  readonly except: readonly string[]
  /** Whether the input was made from options, so that messages speak of these. */
  readonly isFromOptions: boolean
}

interface Options extends SourceOptions {
  readonly spec?: string
  readonly trustedSql?: true
  readonly feature?: readonly string[]
  readonly start?: GivenInstant
  readonly asOf?: GivenInstant
  readonly timeZone?: string
  readonly policy?: 'quarantine' | 'first-seen'
  readonly identityKey?: 'hash' | 'exact'
  readonly maxRows?: number
  readonly final?: true
  readonly cluster?: string
  readonly shardedByIdentity?: true
  readonly rollup?: string
  readonly breakdown?: string
  readonly top?: number
  readonly dimension?: readonly string[]
  readonly partition?: { readonly index: number; readonly of: number }
  readonly prefix?: string
  readonly latenessMs?: number
  readonly limit?: number
  readonly identityStory?: string
  readonly day?: readonly string[]
  readonly keep?: readonly string[]
  readonly from?: string
  readonly erase?: readonly string[]
  readonly ttlDays?: number
  readonly as: (typeof sqlForms)[number]
  readonly inline?: true
  readonly except?: readonly string[]
}

/**
 * Reads the command line of `sql` (without the command's own name). Throws a `ReportError` if it makes no sense, and a
 * `CommanderError` as commander does.
 *
 * @param readSpec - the text of the file of that name, or of standard input for `-`
 */
export async function sqlArguments(
  argv: readonly string[],
  command: Command,
  readSpec: (path: string) => Promise<string>,
): Promise<SqlArguments> {
  sqlCommand(command).parse(argv, { from: 'user' })
  const options = command.opts<Options>()
  const [named] = command.args
  const form = options.inline === true ? 'inline' : options.as
  const except = options.except ?? []
  if (except.length > 0 && form !== 'inline')
    throw new ReportError('--except has no effect without --inline: the other forms bind every parameter')
  const printing = { form, except }
  if (options.spec !== undefined) {
    const stray = command.options.find(
      (option) =>
        command.getOptionValueSource(option.attributeName()) === 'cli' &&
        !['spec', 'trustedSql', 'as', 'inline', 'except'].includes(option.attributeName()),
    )
    if (stray !== undefined)
      throw new ReportError(`${stray.long ?? stray.flags} has no effect with --spec: write it into the spec`)
    const { statement = named, ...input }: JsonSpec = jsonSpec(
      await readSpec(options.spec),
      options.trustedSql ?? false,
    )
    if (typeof statement !== 'string')
      throw new ReportError('name the statement: as "statement" in the spec, or before --spec')
    if (named !== undefined && named !== statement)
      throw new ReportError(`the spec is of the statement ${JSON.stringify(statement)}, not ${named}`)
    return { statement, input, ...printing, isFromOptions: false }
  }
  if (options.trustedSql === true)
    throw new ReportError('--trusted-sql has no effect without --spec: options are names, never expressions')
  if (named === undefined) throw new ReportError(`name a statement: ${Object.keys(sqlStatements).join(', ')}`)
  return { statement: named, input: inputOf(named, options, command), ...printing, isFromOptions: true }
}

// Which options say which field of the input, so that one without effect is refused.
const optionsOf: Readonly<Record<keyof SqlInput, readonly (keyof Options)[]>> = {
  window: ['start', 'asOf'],
  spec: [],
  experiments: [],
  options: [],
  identity: ['identityStory'],
  rollup: ['ttlDays', 'keep'],
  days: ['day'],
  from: ['from'],
  identities: ['erase'],
}
const ofExperiment: readonly (keyof Options)[] = [
  'feature',
  'environment',
  'timeZone',
  'policy',
  'identityKey',
  'maxRows',
  'shardedByIdentity',
  'final',
]
const ofOptions: Readonly<Record<string, keyof Options>> = {
  dimensions: 'dimension',
  partition: 'partition',
  prefix: 'prefix',
  latenessMs: 'latenessMs',
  limit: 'limit',
}

function inputOf(name: string, options: Options, command: Command): SqlInput {
  const statement = Object.hasOwn(sqlStatements, name) ? sqlStatements[name] : undefined
  // Its name is refused where the statement is made.
  if (statement === undefined) return {}
  const fields = new Set([...statement.needs, ...(statement.takes ?? [])])
  const isAboutExperiments = fields.has('spec') || fields.has('experiments')
  const takes = (field: keyof SqlInput): boolean => fields.has(field)
  const strays = [
    ...Object.entries(optionsOf).flatMap(([field, names]) => (takes(field as keyof SqlInput) ? [] : names)),
    ...(isAboutExperiments ? [] : ofExperiment),
    ...(name === 'breakdown' ? [] : (['breakdown', 'top'] as const)),
    ...Object.entries(ofOptions).flatMap(([field, option]) =>
      statement.options?.includes(field) === true ? [] : [option],
    ),
  ]
  for (const option of strays) {
    if (command.getOptionValueSource(option) === 'cli')
      throw new ReportError(`${flagOf(command, option)} has no effect on the statement ${name}`)
  }
  const { feature: features = [], start, asOf, breakdown, top, rollup, cluster } = options
  const needed: readonly (readonly [option: keyof Options, isNeeded: boolean])[] = [
    ['feature', isAboutExperiments],
    ['start', takes('window')],
    ['asOf', takes('window')],
    ['breakdown', name === 'breakdown'],
    ['identityStory', takes('identity')],
    ['day', takes('days')],
    ['from', takes('from')],
    ['erase', takes('identities')],
    ['rollup', takes('rollup') || name === 'rollup-audit'],
  ]
  const missing = needed.filter(([option, isNeeded]) => isNeeded && options[option] === undefined)
  if (missing.length > 0) {
    const flags = missing.map(([option]) => flagOf(command, option))
    const environment = isAboutExperiments ? missingEnvironment(options) : []
    throw new ReportError(`${name} needs ${inWords([...flags, ...environment])}`)
  }
  if (takes('spec') && features.length > 1)
    throw new ReportError(`${name} is about one experiment: give --feature once`)
  if (start !== undefined && asOf !== undefined && start.ms >= asOf.ms)
    throw new ReportError('--start must be before --as-of')

  const experiment = (feature: string): ExposureSpecInput => {
    const { source, ...others } = experimentOf(options, feature)
    return {
      ...others,
      ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
      ...(options.policy === undefined ? {} : { multiVariant: options.policy }),
      ...(options.identityKey === undefined ? {} : { identityKey: options.identityKey }),
      ...(options.maxRows === undefined ? {} : { maxRows: options.maxRows }),
      ...(breakdown === undefined
        ? {}
        : { breakdown: { column: breakdown, ...(top === undefined ? {} : { top }) } }),
      source: {
        ...source,
        table: source?.table ?? 'events',
        ...(options.final === undefined ? {} : { final: true }),
        ...(cluster === undefined ? {} : { cluster }),
        ...(options.shardedByIdentity === undefined ? {} : { shardedByIdentity: true }),
        ...(rollup === undefined ? {} : { rollup }),
      },
    }
  }
  const ofStatement = Object.fromEntries(
    Object.entries(ofOptions).flatMap(([field, option]) =>
      options[option] === undefined ? [] : [[field, options[option]]],
    ),
  )
  return {
    ...(takes('spec') ? { spec: experiment(features[0] ?? '') } : {}),
    ...(takes('experiments')
      ? { experiments: features.map((feature) => ({ spec: experiment(feature) })) }
      : {}),
    ...(start === undefined || asOf === undefined ? {} : { window: { start: start.ms, asOf: asOf.ms } }),
    ...(Object.keys(ofStatement).length === 0 ? {} : { options: ofStatement }),
    ...(options.identityStory === undefined ? {} : { identity: options.identityStory }),
    ...(options.day === undefined ? {} : { days: options.day }),
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.erase === undefined ? {} : { identities: options.erase }),
    ...(takes('rollup')
      ? {
          rollup: {
            source: {
              ...sourceOf(options),
              ...(options.event === undefined ? {} : { eventName: options.event }),
            },
            rollup: rollup ?? '',
            ...(cluster === undefined ? {} : { cluster }),
            ...(options.ttlDays === undefined ? {} : { ttlDays: options.ttlDays }),
            ...(options.keep === undefined ? {} : { columns: options.keep }),
          },
        }
      : {}),
  }
}

function flagOf(command: Command, name: keyof Options): string {
  return command.options.find((option) => option.attributeName() === name && !option.negate)?.long ?? name
}

const collected = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
const listed = (value: string): readonly string[] => value.split(',').map((each) => each.trim())

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Pass a whole number.')
  return Number(text)
}

function partition(text: string): { readonly index: number; readonly of: number } {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  if (index === undefined || of === undefined)
    throw new InvalidArgumentError('Pass index/of, such as 0/16: the first of 16 parts.')
  return { index: Number(index), of: Number(of) }
}

function sqlCommand(command: Command): Command {
  const statements = Object.entries(sqlStatements)
  const width = Math.max(...statements.map(([name]) => name.length))
  command
    .usage('<statement> [options]')
    .description(
      "Prints the library's own SQL, for hosts in other languages and for review. It asks no server. By default the " +
        'statement and the values of its parameters are printed as JSON.',
    )
    .argument('[statement]', 'which statement')
    .optionsGroup('From JSON, instead of the options below:')
    .option('--spec <path>', 'a spec in JSON; - is standard input')
    .option(
      '--trusted-sql',
      'the spec may hold expressions, {"sql": "…"}, which become part of the statement',
    )
    .optionsGroup('Form:')
    .addOption(
      new Option(
        '--as <form>',
        'json; set: SET param_… lines before it, for clickhouse-client; http: a line of param_… for a URL, then it',
      )
        .choices(sqlForms)
        .default('json'),
    )
    .addOption(new Option('--inline', 'the values as literals, in the statement').conflicts('as'))
    .option(
      '--except <names>',
      'with --inline: parameters that stay, such as start_ms,as_of_ms for a view',
      listed,
    )
    .optionsGroup('Experiment:')
    .option(
      '--feature <name>',
      "the experiment's name; several times for batch, overlap and overlaps",
      collected,
    )
    .option('--start <instant>', 'the first instant that counts', instant('start'))
    .option('--as-of <instant>', 'the first instant after the window', instant('asOf'))
    .option('--time-zone <name>', "the IANA time zone of the days and hours (default: 'UTC')")
    .addOption(
      new Option('--policy <name>', "identities in several variants (default: 'quarantine')").choices([
        'quarantine',
        'first-seen',
      ]),
    )
    .addOption(
      new Option('--identity-key <how>', "how identities are distinguished (default: 'hash')").choices([
        'hash',
        'exact',
      ]),
    )
    .option('--max-rows <n>', 'the most rows of an answer (default: 100000)', wholeNumber)
    .optionsGroup('Where its exposures are:')
    .addOption(
      new Option('--layout <name>', 'a published layout of tables (default: flagsmith)').choices(
        Object.keys(layouts),
      ),
    )
  withSourceOptions(command)
    .option('--arrival <name>', 'when the exposure arrived (default: that of the layout)')
    .option('--final', 'read the table with FINAL')
    .option('--cluster <name>', 'a cluster, whose shards each have the table')
    .option('--sharded-by-identity', 'one shard holds all exposures of an identity')
    .option('--rollup <table>', 'the rollup: to make, to audit, or to read through')
    .optionsGroup('One statement:')
    .option('--breakdown <column>', 'breakdown: the column')
    .option('--top <n>', 'breakdown: how many values get their own slice (default: 20)', wholeNumber)
    .option('--dimension <column>', 'exposed-identities: a column to add; several times', collected)
    .option('--prefix <text>', 'exposed-identities: how the names of its parameters begin')
    .option('--partition <index/of>', 'summary, exposed-identities: only a part of the identities', partition)
    .option('--lateness-ms <n>', 'ledger: how late is not yet late (default: 0)', wholeNumber)
    .option('--identity-story <id>', 'timeline: the identity')
    .option('--limit <n>', 'timeline: the most events to list (default: 100)', wholeNumber)
    .option('--keep <column>', 'rollup-…: a column whose values it keeps; several times', collected)
    .option(
      '--ttl-days <n>',
      'rollup-…: remove an identity so many days after it was last exposed',
      wholeNumber,
    )
    .option('--day <date>', 'rollup-backfill: a UTC day; several times', collected)
    .option('--from <table>', 'rollup-migrate: the rollup of version 0.1')
    .option('--erase <id>', 'rollup-erase: an identity; several times', collected)
    .helpOption('-h, --help', 'show this help')
    .addHelpText(
      'after',
      `
Statements:
${statements.map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

Instants: ISO 8601. A date, or a time without a zone, is in UTC.

Spec: {"statement": "summary", "spec": {…}, "window": {"start": "…", "asOf": "…"}}.
"spec" takes what exposureSpec of the library takes; "source" may be the name of a
layout. docs/command.md has all fields.

Examples:
  npx first-exposure sql summary --environment production --feature checkout \\
      --start 2026-06-01 --as-of 2026-06-15
  npx first-exposure sql summary --spec checkout.json --as set > checkout.sql
  npx first-exposure sql exposed-identities --layout posthog --environment 2 --feature checkout \\
      --start 2026-06-01 --as-of 2026-06-15 --inline --except start_ms,as_of_ms
  npx first-exposure sql rollup-create --rollup exposures_by_day --as set`,
    )
  return command
}
