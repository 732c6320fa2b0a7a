import type { ClickHouseClient } from '@clickhouse/client'
import { clickHouseTime, createEventsTable, insertEvents } from '../../engine/events-table.js'
import { createPublishedTable } from '../../engine/published-layouts.js'

/** Creates the tables that the documentation asks, with the few events that its answers are about. */
export async function insertDocumentedEvents(client: ClickHouseClient): Promise<void> {
  await createEventsTable(client)
  const exposure = (identity: string, variant: string): Parameters<typeof insertEvents>[1][number] => ({
    environment: 'prod',
    event: '$flag_exposure',
    feature: 'checkout',
    timestampMs: Date.UTC(2026, 5, 1, 12),
    identity,
    variant,
  })
  const events = [
    exposure('ann', 'control'),
    exposure('bob', 'control'),
    exposure('cyd', 'one-page'),
    exposure('dan', 'control'),
    exposure('dan', 'one-page'),
  ]
  await insertEvents(client, events)
  // A table of the reader's own: other names, and neither environments nor other events.
  await client.command({
    query: `CREATE OR REPLACE TABLE exposures (experiment String, user_id String, arm String, seen_at DateTime64(3, 'UTC'))
      ENGINE = MergeTree ORDER BY (experiment, seen_at)`,
  })
  await client.insert({
    table: 'exposures',
    format: 'JSONEachRow',
    values: events.map((e) => ({
      experiment: e.feature,
      user_id: e.identity,
      arm: e.variant,
      seen_at: clickHouseTime(e.timestampMs),
    })),
  })
  // What a metric counts: a purchase before the first exposure, and two after it.
  await client.command({
    query: `CREATE OR REPLACE TABLE orders (user_id String, amount Float64, ordered_at DateTime64(3, 'UTC'))
      ENGINE = MergeTree ORDER BY user_id`,
  })
  await client.insert({
    table: 'orders',
    format: 'JSONEachRow',
    values: [
      { user_id: 'ann', amount: 5, ordered_at: '2026-06-01 11:59:59.999' },
      { user_id: 'ann', amount: 20, ordered_at: '2026-06-02 09:00:00' },
      { user_id: 'cyd', amount: 30, ordered_at: '2026-06-03 09:00:00' },
    ],
  })
  await createPublishedTable(client, 'otel-logs', 'otel_logs')
  await client.insert({
    table: 'otel_logs',
    format: 'JSONEachRow',
    values: events.map((e) => ({
      Timestamp: `${e.timestampMs / 1000}.000000000`,
      ResourceAttributes: { 'deployment.environment.name': e.environment },
      LogAttributes: {
        'feature_flag.key': e.feature,
        'feature_flag.context.id': e.identity,
        'feature_flag.result.variant': e.variant,
      },
    })),
  })
}
