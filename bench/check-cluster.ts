// Checks whether a table is really sharded by identity: queries the cluster in both forms, on the owner's own data, and
// compares the results. See `npm run check:cluster -- --help`.
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { Command } from 'commander'
import {
  diffExposuresSummaries,
  exposureSpec,
  exposureWindow,
  isExposureError,
  type ExposuresSummary,
  type MultiVariantPolicy,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { alignedTable } from './print.js'

interface Options {
  readonly url: string
  readonly cluster: string
  readonly database: string
  readonly table: string
  readonly feature: string
  readonly environment?: string
  readonly event?: string
  readonly environmentColumn: string | false
  readonly eventColumn: string | false
  readonly featureColumn: string
  readonly identity: string
  readonly variant: string
  readonly timestamp: string
  readonly start: string
  readonly asOf: string
  readonly policy: MultiVariantPolicy
}

const options = new Command('npm run check:cluster --')
  .description(
    'Checks whether a table is sharded by identity: queries the cluster in both forms, on your own data, and compares ' +
      'the results. Set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD. The exit code is 1 if the results differ.',
  )
  .requiredOption('--url <url>', 'the HTTP address of one node')
  .requiredOption('--cluster <name>', 'the cluster, by its name in system.clusters')
  .requiredOption('--database <name>', 'the database on every shard')
  .option('--table <name>', 'the table on every shard, not a Distributed one', 'events')
  .requiredOption('--feature <name>', 'the feature or experiment')
  .option('--environment <key>', 'the environment')
  .option('--event <name>', 'the event that is an exposure')
  .option('--environment-column <name>', 'its column', 'environment_key')
  .option('--no-environment-column', 'the table has no such column')
  .option('--event-column <name>', 'its column', 'event')
  .option('--no-event-column', 'the table has no such column')
  .option('--feature-column <name>', 'its column', 'feature_name')
  .option('--identity <name>', 'its column', 'identifier')
  .option('--variant <name>', 'its column', 'value')
  .option('--timestamp <name>', 'its column', 'timestamp')
  .requiredOption('--start <instant>', 'the start of the window, ISO 8601 with Z or an offset')
  .requiredOption(
    '--as-of <instant>',
    'the end of the window; choose one in the past, so that no events arrive between the two queries',
  )
  .option('--policy <name>', 'quarantine or first-seen', 'quarantine')
  .helpOption('-h, --help', 'show this help')
  .parse()
  .opts<Options>()

/** Queries in one form. Returns the summary, and how long it took. */
async function askForm(
  shardedByIdentity: boolean,
): Promise<{ readonly summary: ExposuresSummary; readonly seconds: number }> {
  const start = performance.now()
  const summary = await fetchExposuresSummary(
    client,
    exposureSpec({
      environmentKey: options.environment ?? null,
      featureName: options.feature,
      eventName: options.event ?? null,
      multiVariant: options.policy,
      source: {
        table: { database: options.database, table: options.table },
        columns: {
          environment: options.environmentColumn === false ? null : options.environmentColumn,
          event: options.eventColumn === false ? null : options.eventColumn,
          feature: options.featureColumn,
          identity: options.identity,
          variant: options.variant,
          timestamp: options.timestamp,
        },
        cluster: options.cluster,
        shardedByIdentity,
      },
    }),
    exposureWindow(options.start, options.asOf),
  )
  return { summary, seconds: (performance.now() - start) / 1000 }
}

function counted({ timeseries }: ExposuresSummary): number {
  return timeseries.points
    .flatMap(({ newIdentities }) => Object.values(newIdentities))
    .reduce((sum, count) => sum + count, 0)
}

async function main(): Promise<void> {
  const together = await askForm(false)
  const byShard = await askForm(true)
  process.stdout.write(
    `${alignedTable(
      ['', 'counted', 'excluded', 'seconds'],
      [['on the queried node', together] as const, ['on each shard', byShard] as const].map(
        ([form, { summary, seconds }]) => [
          form,
          counted(summary).toLocaleString('en'),
          summary.excludedIdentities.toLocaleString('en'),
          seconds.toFixed(2),
        ],
      ),
    )}\n\n`,
  )
  if (JSON.stringify(together.summary) === JSON.stringify(byShard.summary)) {
    process.stdout.write(
      counted(together.summary) + together.summary.excludedIdentities === 0
        ? 'Both results are empty, which proves nothing. Choose an experiment and a window with exposures.\n'
        : 'Both results are the same: shardedByIdentity: true is right for this data.\n',
    )
    return
  }
  const { points } = diffExposuresSummaries(together.summary, byShard.summary, {
    multiVariant: options.policy,
  })
  process.stdout.write(
    `The results differ in ${points.length} buckets. Either one identity has exposures on several shards, or events ` +
      'arrived in between. Try again with an earlier --as-of. If they still differ, do not use shardedByIdentity.\n',
  )
  process.exitCode = 1
}

const client = createClient({
  url: options.url,
  username: process.env['CLICKHOUSE_USER'] ?? 'default',
  password: process.env['CLICKHOUSE_PASSWORD'] ?? '',
  application: 'first-exposure-check-cluster',
  request_timeout: 600_000,
  log: { level: ClickHouseLogLevel.OFF },
})
try {
  await main()
} catch (error) {
  const { type, message } = error as { type?: unknown; message?: unknown }
  const name = isExposureError(error) ? error.code : typeof type === 'string' ? type : 'not asked'
  process.stderr.write(`check:cluster: ${name}: ${String(message).split('\n')[0]}\n`)
  process.exitCode = 2
} finally {
  await client.close()
}
