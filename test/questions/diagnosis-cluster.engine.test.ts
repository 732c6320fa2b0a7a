import { createClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow } from 'first-exposure'
import { fetchExposureLedger, fetchIdentityTimeline } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExposureEvent } from '../arbitraries/exposure-events.js'
import { engineAvailable } from '../engine/availability.js'
import { startCluster, type EngineCluster } from '../engine/cluster.js'
import { createEventsTable, replaceEvents } from '../engine/events-table.js'

describe.skipIf(!engineAvailable)('a diagnosis of a cluster, by a readonly = 1 user', () => {
  let cluster: EngineCluster
  beforeAll(async () => {
    cluster = await startCluster(2)
    for (const client of cluster.clients) await createEventsTable(client)
    await cluster.initiator.command({
      query: `CREATE TABLE all_events AS events ENGINE = Distributed('${cluster.name}', 'exposures', 'events')`,
    })
  }, 120_000)
  afterAll(async () => {
    await cluster.stop()
  })

  test('what lies on several shards is put together, an identity’s exposures too', async () => {
    const exposure = (identity: string, variant: string | null, day: number): ExposureEvent => ({
      environment: 'prod',
      event: '$flag_exposure',
      feature: 'checkout',
      timestampMs: Date.UTC(2026, 5, day, 12),
      identity,
      variant,
    })
    const events = [
      exposure('a', 'control', 1),
      exposure('a', 'control', 2),
      exposure('b', 'blue', 3),
      exposure('b', 'control', 4),
      exposure('c', null, 5),
      exposure('d', 'control', 20),
    ]
    await Promise.all(
      cluster.clients.map(async (client, shard) => {
        await replaceEvents(
          client,
          events.filter((_, index) => index % 2 === shard),
        )
      }),
    )
    const reader = createClient({
      url: cluster.servers[0]?.url ?? '',
      username: 'reader',
      database: 'exposures',
    })
    const table = { database: 'exposures', table: 'events' }
    const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
    try {
      for (const source of [
        { table: 'all_events', columns: { arrival: 'collected_at' } },
        { table, cluster: cluster.name, columns: { arrival: 'collected_at' } },
        { table, cluster: cluster.name, shardedByIdentity: true, columns: { arrival: 'collected_at' } },
      ]) {
        const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source })
        const ledger = await fetchExposureLedger(reader, spec, window)
        expect(ledger.parts.filter((part) => part.events > 0)).toEqual([
          { part: 'after-window', events: 1, byVariant: { control: 1 } },
          { part: 'no-variant', events: 1, byVariant: {} },
          { part: 'first-exposure', events: 1, byVariant: { control: 1 } },
          { part: 'duplicate', events: 1, byVariant: { control: 1 } },
          { part: 'quarantined', events: 2, byVariant: {} },
        ])
        expect(ledger.lateness).toMatchObject({ events: 4, lateEvents: 0, maxSeconds: 0 })
        const { verdict, events: told } = await fetchIdentityTimeline(reader, spec, window, 'b')
        expect(verdict).toMatchObject({ type: 'quarantined', variant: 'blue', by: 'control' })
        expect(told.map(({ variant }) => variant)).toEqual(['blue', 'control'])
      }
    } finally {
      await reader.close()
    }
  }, 120_000)
})
