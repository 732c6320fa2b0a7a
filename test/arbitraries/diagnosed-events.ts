import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import { clickHouseTime, eventRow } from '../engine/events-table.js'
import { questionWithEvents, type Asked, type ExposureEvent } from './exposure-events.js'

/** An event with what only a diagnosis looks at: the column of a filter, and when it arrived. */
export interface DiagnosedEvent extends ExposureEvent {
  readonly sdk: string
  readonly arrivalMs: number
}

/** How late an event is: not, by a little, about a bucket, by days, or as if from the future. */
const latenessMs = fc.oneof(
  fc.constant(0),
  fc.integer({ min: -3000, max: 3000 }),
  fc.integer({ min: -100_000, max: 2 * 3_600_000 }),
  fc.integer({ min: 0, max: 3 * 86_400_000 }),
)

/** A question with events around it, duplicates among them. */
export const questionWithDiagnosedEvents: fc.Arbitrary<{ question: Asked; events: DiagnosedEvent[] }> =
  questionWithEvents.chain(({ question, events }) =>
    fc
      .record({
        delivered: fc.subarray(events).map((again) => [...events, ...again]),
        lateness: fc.array(latenessMs, { minLength: 2 * events.length, maxLength: 2 * events.length }),
        sdks: fc.array(fc.constantFrom('ios', 'web', 'web', 'web'), {
          minLength: 2 * events.length,
          maxLength: 2 * events.length,
        }),
      })
      .map(({ delivered, lateness, sdks }) => ({
        question,
        events: delivered.map((event, index) => ({
          ...event,
          sdk: sdks[index] ?? '',
          arrivalMs: event.timestampMs + (lateness[index] ?? 0),
        })),
      })),
  )

/** Replaces all events of the table that `createEventsTable` made. */
export async function replaceDiagnosedEvents(
  client: ClickHouseClient,
  events: readonly DiagnosedEvent[],
): Promise<void> {
  await client.command({ query: 'TRUNCATE TABLE events' })
  await insertDiagnosedEvents(client, events)
}

/** Adds events to that table, in one batch. */
export async function insertDiagnosedEvents(
  client: ClickHouseClient,
  events: readonly DiagnosedEvent[],
): Promise<void> {
  if (events.length === 0) return
  await client.insert({
    table: 'events',
    format: 'JSONEachRow',
    values: events.map((e) => ({
      ...eventRow(e),
      collected_at: clickHouseTime(e.arrivalMs),
      sdk_language: e.sdk,
    })),
  })
}
