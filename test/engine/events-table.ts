import type { ClickHouseClient } from '@clickhouse/client'
import type { ExposureEvent } from '../arbitraries/exposure-events.js'

/** The names of a table's columns, where each is a name and none an expression. */
export type ColumnNames = Readonly<
  Record<'environment' | 'event', string | null> &
    Record<'feature' | 'timestamp' | 'identity' | 'variant', string>
>

const mergeTree = `MergeTree PARTITION BY toYYYYMM(timestamp)
  ORDER BY (environment_key, event, feature_name, timestamp, identifier) SETTINGS allow_nullable_key = 1`

/**
 * The default layout, but that identifier and value may be NULL, so that events without them can be told, and that
 * partitions are months, so that a handful of events does not make a part a day. The engine `Memory` answers the same in
 * two thirds of the time; what indexes leave out it cannot show.
 *
 * @param instant - the type of instants; without a zone, the server's zone is theirs
 */
export async function createEventsTable(
  client: ClickHouseClient,
  table = 'events',
  engine: string = mergeTree,
  instant = "DateTime64(3, 'UTC')",
): Promise<void> {
  await client.command({
    query: `CREATE OR REPLACE TABLE ${table} (
      environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
      timestamp ${instant}, collected_at ${instant} DEFAULT timestamp,
      identifier Nullable(String), value Nullable(String), traits String, metadata String,
      sdk_language LowCardinality(String), sdk_version LowCardinality(String)
    ) ENGINE = ${engine}`,
  })
}

/** Inserts the events in one batch. */
export async function insertEvents(
  client: ClickHouseClient,
  events: readonly ExposureEvent[],
  table = 'events',
): Promise<void> {
  if (events.length === 0) return
  await client.insert({
    table,
    format: 'JSONEachRow',
    values: events.map(eventRow),
  })
}

/** An event as a row of the default layout. */
export function eventRow(e: ExposureEvent): Readonly<Record<string, string | null>> {
  return {
    environment_key: e.environment,
    event: e.event,
    feature_name: e.feature,
    timestamp: clickHouseTime(e.timestampMs),
    identifier: e.identity,
    value: e.variant,
  }
}

/** Replaces all events of the table. */
export async function replaceEvents(
  client: ClickHouseClient,
  events: readonly ExposureEvent[],
  table = 'events',
): Promise<void> {
  await client.command({ query: `TRUNCATE TABLE ${table}` })
  await insertEvents(client, events, table)
}

/** `YYYY-MM-DD hh:mm:ss.SSS` in UTC: JSONEachRow takes no fractional number for a DateTime64. */
export function clickHouseTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
}
