import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ClickHouseClient } from '@clickhouse/client'
import {
  growthbookViews,
  postHogEvents,
  trustedSql,
  type ExposureSourceInput,
  type ExposureSpecInput,
  type ExposuresSummary,
} from 'first-exposure'
import type { Asked, ExposureEvent } from '../arbitraries/exposure-events.js'
import { clickHouseTime, eventRow, createEventsTable } from './events-table.js'

/** A layout that somebody publishes: its table, and how an event and a question are put in its words. */
export interface PublishedLayout {
  readonly name: string
  readonly table: string
  readonly source: ExposureSourceInput
  readonly create: (client: ClickHouseClient) => Promise<void>
  readonly rows: (events: readonly ExposureEvent[], asked: Asked) => readonly object[]
  readonly spec: (asked: Asked) => Pick<ExposureSpecInput, 'environmentKey' | 'featureName' | 'eventName'>
  /** The summary with the variants as the events have them. */
  readonly read: (summary: ExposuresSummary) => unknown
}

/** Runs a statement of a fixture on a table of another name. */
export async function createPublishedTable(
  client: ClickHouseClient,
  fixture: string,
  table: string,
): Promise<void> {
  const sql = await readFile(new URL(`../fixtures/layouts/${fixture}.sql`, import.meta.url), 'utf8')
  await client.command({ query: sql.replace(/\bTABLE \w+/, `TABLE ${table}`) })
}

const seconds = (ms: number): number => Math.floor(ms / 1000)
const asItIs = (summary: ExposuresSummary): unknown => summary

/** A person of the identity; nobody is the nil UUID. */
function personOf(identity: string | null): string {
  if (identity === null || identity === '') return '00000000-0000-0000-0000-000000000000'
  const hash = createHash('md5').update(identity).digest('hex')
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The row of an event of PostHog; `keyOf` writes features and variants. A NULL variant is a property that is absent. */
function postHogRow(e: ExposureEvent, asked: Asked, keyOf: (text: string) => string): object {
  return {
    uuid: randomUUID(),
    event: e.event === asked.event ? '$feature_flag_called' : '$pageview',
    properties: JSON.stringify({
      $lib: 'web',
      $feature_flag: keyOf(e.feature),
      ...(e.variant === null ? {} : { $feature_flag_response: keyOf(e.variant) }),
    }),
    timestamp: clickHouseTime(e.timestampMs),
    created_at: clickHouseTime(e.timestampMs),
    team_id: e.environment === asked.environment ? 1 : 2,
    distinct_id: e.identity ?? '',
    person_id: personOf(e.identity),
  }
}

// A materialised column keeps JSON's escapes, and PostHog allows none in a flag's key. Hexadecimal digits need none,
// and have the order of the bytes that they stand for.
const hexOf = (text: string): string => `k${Buffer.from(text).toString('hex')}`
const textOf = (hex: string): string => Buffer.from(hex.slice(1), 'hex').toString()

/** The logs of feature-flag evaluations, as the README shows them. */
const openTelemetryLogs: ExposureSourceInput = {
  table: 'otel_logs',
  columns: {
    environment: trustedSql`ResourceAttributes['deployment.environment.name']`,
    event: null,
    feature: trustedSql`LogAttributes['feature_flag.key']`,
    timestamp: 'Timestamp',
    identity: trustedSql`LogAttributes['feature_flag.context.id']`,
    variant: trustedSql`nullIf(LogAttributes['feature_flag.result.variant'], '')`,
  },
}

/** All of them, and the default one first. */
export const publishedLayouts: readonly PublishedLayout[] = [
  {
    name: 'Flagsmith',
    table: 'flagsmith_events',
    source: { table: 'flagsmith_events' },
    create: async (client) => {
      await createEventsTable(client, 'flagsmith_events')
    },
    rows: (events) =>
      events.map((e) => ({
        ...eventRow(e),
      })),
    spec: (asked) => ({
      environmentKey: asked.environment,
      eventName: asked.event,
      featureName: asked.feature,
    }),
    read: asItIs,
  },
  {
    name: 'GrowthBook',
    table: 'experiment_views',
    source: growthbookViews(),
    create: async (client) => {
      await createPublishedTable(client, 'growthbook-experiment-views', 'experiment_views')
    },
    // Of one environment here, and exposures only; without a variation there is no row, and no user is the empty one.
    rows: (events, asked) =>
      events
        .filter((e) => e.environment === asked.environment && e.event === asked.event && e.variant !== null)
        .map((e) => ({
          timestamp: seconds(e.timestampMs),
          experiment_id: e.feature,
          variation_id: e.variant,
          user_id: e.identity ?? '',
        })),
    spec: (asked) => ({ featureName: asked.feature }),
    read: asItIs,
  },
  {
    name: 'PostHog, by person, from JSON',
    table: 'posthog_events',
    source: postHogEvents({ table: 'posthog_events' }),
    create: async (client) => {
      await createPublishedTable(client, 'posthog-events', 'posthog_events')
    },
    rows: (events, asked) => events.map((e) => postHogRow(e, asked, (text) => text)),
    spec: (asked) => ({ environmentKey: '1', featureName: asked.feature }),
    read: asItIs,
  },
  {
    name: 'PostHog, by distinct id, from materialised columns',
    table: 'posthog_materialized',
    source: postHogEvents({
      table: 'posthog_materialized',
      identity: 'distinct_id',
      materialized: ['$feature_flag', '$feature_flag_response'],
    }),
    create: async (client) => {
      await createPublishedTable(client, 'posthog-events', 'posthog_materialized')
      await createPublishedTable(client, 'posthog-materialized-columns', 'posthog_materialized')
    },
    rows: (events, asked) => events.map((e) => postHogRow(e, asked, hexOf)),
    spec: (asked) => ({ environmentKey: '1', featureName: hexOf(asked.feature) }),
    read: ({ excludedIdentities, timeseries }) => ({
      excludedIdentities,
      timeseries: {
        ...timeseries,
        points: timeseries.points.map(({ bucket, newIdentities }) => ({
          bucket,
          newIdentities: Object.fromEntries(
            Object.entries(newIdentities).map(([hex, count]) => [textOf(hex), count]),
          ),
        })),
      },
    }),
  },
  {
    name: 'OpenTelemetry',
    table: 'otel_logs',
    source: openTelemetryLogs,
    create: async (client) => {
      await createPublishedTable(client, 'otel-logs', 'otel_logs')
    },
    // An attribute that is absent reads as empty; another event is a log of something else.
    rows: (events, asked) =>
      events.map((e) => ({
        Timestamp: `${seconds(e.timestampMs)}.000000000`,
        ResourceAttributes: { 'deployment.environment.name': e.environment },
        LogAttributes:
          e.event === asked.event
            ? {
                'feature_flag.key': e.feature,
                ...(e.identity === null ? {} : { 'feature_flag.context.id': e.identity }),
                ...(e.variant === null ? {} : { 'feature_flag.result.variant': e.variant }),
              }
            : {},
      })),
    spec: (asked) => ({ environmentKey: asked.environment, featureName: asked.feature }),
    read: asItIs,
  },
]

/**
 * The events as every layout can hold them: in whole seconds, as GrowthBook's DateTime, and with no variant that is
 * empty, `null` or `false`, which PostHog's layout has for none.
 */
export function inEveryLayout(events: readonly ExposureEvent[]): readonly ExposureEvent[] {
  return events.map((e) => ({
    ...e,
    timestampMs: seconds(e.timestampMs) * 1000,
    variant: e.variant !== null && ['', 'null', 'false'].includes(e.variant) ? `_${e.variant}` : e.variant,
  }))
}
