import type { Command } from 'commander'
import type { ExposureSourceInput, ExposureSpecInput } from '../index.js'
import { flagsmithEvents, growthbookViews, postHogEvents } from '../index.js'
import { ReportError } from './report-error.js'

/** The layouts that the library knows by name. */
export const layouts: {
  readonly flagsmith: typeof flagsmithEvents
  readonly growthbook: typeof growthbookViews
  readonly posthog: typeof postHogEvents
} = { flagsmith: flagsmithEvents, growthbook: growthbookViews, posthog: postHogEvents }

/** What the options below say, by commander's names for them. */
export interface SourceOptions {
  readonly layout?: keyof typeof layouts
  readonly database?: string
  readonly table?: string
  readonly environment?: string
  readonly environmentColumn?: string | boolean
  readonly event?: string
  readonly eventColumn?: string | boolean
  readonly featureColumn?: string
  readonly identity?: string
  readonly variant?: string
  readonly timestamp?: string
  readonly arrival?: string
}

/** Adds the options that say which table of a server holds the exposures, and which of its rows are some. */
export function withTableOptions(command: Command): Command {
  return command
    .option('--database <name>', "the table's database (default: that of the connection)")
    .option('--table <name>', "the table of events (default: 'events')")
    .option('--environment <key>', "the environment's key")
    .option('--environment-column <name>', "its column (default: 'environment_key')")
    .option('--no-environment-column', 'the table has no such column')
    .option('--event <name>', "the event that is an exposure (default: '$flag_exposure')")
    .option('--event-column <name>', "its column (default: 'event')")
    .option('--no-event-column', 'the table has no such column; every row is an exposure')
}

/** The same, and the options that name the columns of an exposure. */
export function withSourceOptions(command: Command): Command {
  return withTableOptions(command)
    .option('--feature-column <name>', "the column that names the experiment (default: 'feature_name')")
    .option('--identity <name>', "the identity's identifier (default: 'identifier')")
    .option('--variant <name>', "the variant's key (default: 'value')")
    .option('--timestamp <name>', "when the exposure happened (default: 'timestamp')")
}

/** The source that the options name. */
export function sourceOf(options: SourceOptions): ExposureSourceInput {
  const { layout = 'flagsmith', database, table, arrival } = options
  const named = {
    ...(options.featureColumn === undefined ? {} : { feature: options.featureColumn }),
    ...(options.identity === undefined ? {} : { identity: options.identity }),
    ...(options.variant === undefined ? {} : { variant: options.variant }),
    ...(options.timestamp === undefined ? {} : { timestamp: options.timestamp }),
    ...(arrival === undefined ? {} : { arrival }),
    ...columnOrNone('environment', options.environmentColumn),
    ...columnOrNone('event', options.eventColumn),
  }
  if (layout !== 'flagsmith' && Object.keys(named).length > 0)
    throw new ReportError(
      `--layout ${layout} has columns of its own: leave out the options that name columns`,
    )
  const { table: usual, columns, ...source } = layouts[layout]()
  const own = {
    ...columns,
    // The layout's column of arrivals may not be in a table whose columns have other names.
    ...(Object.keys(named).length > 0 && arrival === undefined ? { arrival: null } : {}),
    ...named,
  }
  const isNamed = database !== undefined || table !== undefined
  const name = table ?? (usual as { readonly table: string }).table
  return {
    ...source,
    table: isNamed ? { database: database ?? null, table: name } : usual,
    columns: own,
  }
}

/** `--environment`, and what to pass instead, if the table has a column of environments and none was named. */
export function missingEnvironment(options: SourceOptions): readonly string[] {
  if (options.environment !== undefined || sourceOf(options).columns?.environment === null) return []
  const { layout = 'flagsmith' } = options
  return [layout === 'flagsmith' ? '--environment (or --no-environment-column)' : '--environment']
}

/** An experiment, as the options name it: `feature` beside what they say of the source. */
export function experimentOf(options: SourceOptions, feature: string | undefined): ExposureSpecInput {
  const { environment, event } = options
  return {
    featureName: feature as string,
    ...(environment === undefined ? {} : { environmentKey: environment }),
    ...(event === undefined ? {} : { eventName: event }),
    source: sourceOf(options),
  }
}

function columnOrNone(
  name: 'environment' | 'event',
  option: string | boolean | undefined,
): { readonly [column in typeof name]?: string | null } {
  if (option === false) return { [name]: null }
  return typeof option === 'string' ? { [name]: option } : {}
}
