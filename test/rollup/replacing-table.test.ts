import type { ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, type ExposureSpec, type ExposuresSummary } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable, insertEvents } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { audit, run } from './rollup-of-events.js'

const startMs = Date.UTC(2026, 5, 8)
const window = exposureWindow(startMs, startMs + 1000)
const source = { table: 'events' }
const schema = rollupSchema({ source, rollup: 'exposures_by_identity' })

// A view sees every row of an insert; the table keeps one of those with the same sorting key.
describe.skipIf(!engineAvailable)(
  'two variants of an identity at one instant, in a ReplacingMergeTree',
  () => {
    let client: ClickHouseClient
    beforeAll(() => {
      client = openInProcess()
    })
    afterAll(async () => {
      await client.close()
    })

    const answers = async (
      sortingKey: string,
    ): Promise<Readonly<Record<'events' | 'rollup', ExposuresSummary>> & { readonly spec: ExposureSpec }> => {
      await run(client, schema.drop)
      await createEventsTable(
        client,
        'events',
        `ReplacingMergeTree ORDER BY (${sortingKey}) SETTINGS allow_nullable_key = 1`,
      )
      await run(client, schema.create)
      await insertEvents(
        client,
        ['control', 'treatment'].map((variant) => ({
          environment: 'prod',
          event: '$flag_exposure',
          feature: 'checkout',
          timestampMs: startMs,
          identity: 'ann',
          variant,
        })),
      )
      const asked = { environmentKey: 'prod', featureName: 'checkout' }
      const spec = exposureSpec({ ...asked, source: rolledUp(source, 'exposures_by_identity') })
      return {
        spec,
        events: await fetchExposuresSummary(client, exposureSpec({ ...asked, source }), window),
        rollup: await fetchExposuresSummary(client, spec, window),
      }
    }

    test('a sorting key without the variant: the rollup has what the table dropped, and the audit says so', async () => {
      const { events, rollup, spec } = await answers('feature_name, timestamp, identifier')
      expect([events.excludedIdentities, rollup.excludedIdentities]).toEqual([0, 1])
      expect(await audit(client, spec, window, schema)).toMatchObject([{ missing: 0, surplus: 1 }])
    })

    test('a sorting key with the variant: both say the same', async () => {
      const { events, rollup } = await answers('feature_name, timestamp, identifier, value')
      expect(events.excludedIdentities).toBe(1)
      expect(rollup).toEqual(events)
    })
  },
)
