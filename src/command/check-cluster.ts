import { Command, CommanderError, Option } from 'commander'
import { fetchExposuresSummary } from '../clickhouse/index.js'
import {
  diffExposuresSummaries,
  exposureSpec,
  exposureWindow,
  isExposureError,
  type ExposureSpec,
  type ExposuresSummary,
  type MultiVariantPolicy,
} from '../index.js'
import { instant, serverUrl, type GivenInstant } from './arguments.js'
import { serverClient, serverError } from './clickhouse-server.js'
import { inOptions } from './in-options.js'
import { plainTable } from './plain-table.js'
import { oneLine, ReportError, usageLine } from './report-error.js'
import type { ReportOutput } from './run-report.js'
import { experimentOf, missingEnvironment, withSourceOptions, type SourceOptions } from './source-options.js'
import { count, counted, listed } from './words.js'

interface Options extends SourceOptions {
  readonly url: URL
  readonly cluster: string
  readonly database: string
  readonly feature: string
  readonly start: GivenInstant
  readonly asOf: GivenInstant
  readonly policy: MultiVariantPolicy
}

/**
 * Runs `check-cluster`: is a table really sharded by identity? Asks the cluster in both forms, on the owner's own data,
 * and compares the answers. Returns the exit code: 0 if they are the same, 1 if they differ, 2 if there is no answer.
 */
export async function runCheckCluster(argv: readonly string[], output: ReportOutput): Promise<0 | 1 | 2> {
  const command = checkClusterCommand(output)
  let url: URL | undefined
  try {
    command.parse(argv, { from: 'user' })
    const options = command.opts<Options>()
    assertWhole(command)
    url = options.url
    return await check(options, output)
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    output.say(`check-cluster: ${oneLine(inWords(error, url))}\n`)
    return 2
  }
}

function inWords(error: unknown, url: URL | undefined): string {
  if (error instanceof CommanderError) return `${usageLine(error)} (--help lists the options)`
  if (error instanceof ReportError || url === undefined) return (error as Error).message
  return isExposureError(error) ? inOptions(error) : serverError(url, error).message
}

/** Names every option that is missing, where commander would name the first. */
function assertWhole(command: Command): void {
  const needed = ['--url', '--cluster', '--database', '--feature', '--start', '--as-of']
  const missing = needed.filter((flag) => {
    const option = command.options.find(({ long }) => long === flag)
    return option !== undefined && command.getOptionValue(option.attributeName()) === undefined
  })
  if (missing.length === 0) return
  const environment = missingEnvironment(command.opts<SourceOptions>())
  throw new ReportError(`needs ${listed([...missing, ...environment])} (--help lists the options)`)
}

async function check(options: Options, output: ReportOutput): Promise<0 | 1> {
  const { url, cluster, feature, policy, start, asOf } = options
  if (start.ms >= asOf.ms) throw new ReportError('--start must be before --as-of')
  const { source, ...experiment } = experimentOf(options, feature)
  const window = exposureWindow(start.ms, asOf.ms)
  const formOf = (shardedByIdentity: boolean): ExposureSpec =>
    exposureSpec({
      ...experiment,
      multiVariant: policy,
      source: { ...source, table: source?.table ?? 'events', cluster, shardedByIdentity },
    })
  const forms = [
    ['on the queried node', formOf(false)],
    ['on each shard', formOf(true)],
  ] as const
  const client = serverClient(url, 'first-exposure-check-cluster')
  try {
    const answers: { form: string; summary: ExposuresSummary; seconds: number }[] = []
    for (const [form, spec] of forms) {
      const began = performance.now()
      const summary = await fetchExposuresSummary(client, spec, window)
      answers.push({ form, summary, seconds: (performance.now() - began) / 1000 })
    }
    const table = plainTable([
      ['', 'counted', 'excluded', 'seconds'],
      ...answers.map(({ form, summary, seconds }) => [
        form,
        count(enteredOf(summary)),
        count(summary.excludedIdentities),
        seconds.toFixed(2),
      ]),
    ])
    output.print(`${table.join('\n')}\n\n`)
    const [together, byShard] = answers.map(({ summary }) => summary)
    if (together === undefined || byShard === undefined) return 1
    if (JSON.stringify(together) === JSON.stringify(byShard)) {
      output.print(
        enteredOf(together) + together.excludedIdentities === 0
          ? 'Both results are empty, which proves nothing. Choose an experiment and a window with exposures.\n'
          : 'Both results are the same: shardedByIdentity: true is right for this data.\n',
      )
      return 0
    }
    const { points } = diffExposuresSummaries(together, byShard, { multiVariant: policy })
    output.print(
      `The results differ in ${counted(points.length, 'bucket', 'buckets')}. Either one identity has exposures on several shards, or events ` +
        'arrived in between. Try again with an earlier --as-of. If they still differ, do not use shardedByIdentity.\n',
    )
    return 1
  } finally {
    await client.close()
  }
}

function enteredOf({ timeseries }: ExposuresSummary): number {
  return timeseries.points
    .flatMap(({ newIdentities }) => Object.values(newIdentities))
    .reduce((sum, each) => sum + each, 0)
}

function checkClusterCommand(output: ReportOutput): Command {
  const command = new Command('npx first-exposure check-cluster')
    .usage('[options]')
    .description(
      'Checks whether a table is sharded by identity: queries the cluster in both forms, on your own data, and compares ' +
        'the results. Set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD. The exit code is 1 if the results differ, and 2 if ' +
        'there is no result.',
    )
    .option('--url <url>', 'the HTTP address of one node', serverUrl)
    .option('--cluster <name>', 'the cluster, by its name in system.clusters')
    .option('--feature <name>', 'the feature or experiment')
    .option('--start <instant>', 'the start of the window; a date is in UTC', instant('start'))
    .option(
      '--as-of <instant>',
      'the end of the window; choose one in the past, so that no events arrive between the two queries',
      instant('asOf'),
    )
    .addOption(
      new Option('--policy <name>', 'identities in several variants')
        .choices(['quarantine', 'first-seen'])
        .default('quarantine'),
    )
  withSourceOptions(command)
  for (const option of command.options) {
    if (option.long === '--database') option.description = 'the database on every shard'
    if (option.long === '--table')
      option.description = "the table on every shard, not a Distributed one (default: 'events')"
  }
  return command
    .helpOption('-h, --help', 'show this help')
    .configureHelp({ helpWidth: Math.min(output.width, 100) })
    .configureOutput({ writeOut: (help) => output.print(help), outputError: () => undefined })
    .exitOverride()
}
