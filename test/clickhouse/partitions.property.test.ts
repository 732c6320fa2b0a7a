import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  decodeBucketRows,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  mergeExposuresSummaries,
  selectGranularity,
  summarizeExposures,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { questionWithEvents } from '../arbitraries/exposure-events.js'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable, replaceEvents } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'

describe.skipIf(!engineAvailable)('partitions', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
  })
  afterAll(async () => {
    await client.close()
  })

  test(
    'the answer in parts is the single query’s, whatever the policy and the key',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents,
          fc.constantFrom('quarantine', 'first-seen'),
          fc.constantFrom('hash', 'exact'),
          fc.integer({ min: 2, max: 6 }),
          async ({ question, events }, multiVariant, identityKey, partitions) => {
            await replaceEvents(client, events)
            const spec = exposureSpec({
              environmentKey: question.environment,
              eventName: question.event,
              featureName: question.feature,
              multiVariant,
              identityKey,
            })
            const window = exposureWindow(question.startMs, question.asOfMs)
            const whole = await fetchExposuresSummary(client, spec, window)
            expect(await fetchExposuresSummary(client, spec, window, { partitions })).toEqual(whole)

            const parts = []
            for (let index = 0; index < partitions; index++) {
              const { query, query_params, format } = firstExposuresQuery(spec, window, {
                partition: { index, of: partitions },
              })
              const answer = await client.query({ query, query_params: { ...query_params }, format })
              parts.push(
                summarizeExposures(decodeBucketRows(await answer.json()), {
                  granularity: selectGranularity(window),
                }),
              )
            }
            expect(mergeExposuresSummaries(...parts)).toEqual(whole)
          },
        ),
        { numRuns: runs(60) },
      )
    },
    runs(120_000),
  )

  test('parts are about as large as each other, also where the table is sharded by cityHash64 of the identity', async () => {
    for (const condition of ['1', 'cityHash64(identifier) % 4 = 1']) {
      await client.command({
        query: `CREATE OR REPLACE TABLE many ENGINE = MergeTree ORDER BY feature_name AS
          SELECT 'f' AS feature_name, toString(number) AS identifier, 'a' AS value,
            toDateTime('2026-06-01 00:00:00', 'UTC') AS timestamp FROM numbers(40000) WHERE ${condition}`,
      })
      const spec = exposureSpec({
        featureName: 'f',
        source: { table: 'many', columns: { environment: null, event: null } },
      })
      const sizes = []
      for (let index = 0; index < 4; index++) {
        const { query, query_params, format } = firstExposuresQuery(
          spec,
          exposureWindow('2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z'),
          { partition: { index, of: 4 } },
        )
        const answer = await client.query({ query, query_params: { ...query_params }, format })
        sizes.push(decodeBucketRows(await answer.json())[0]?.newIdentities ?? 0)
      }
      const whole = sizes.reduce((sum, size) => sum + size, 0)
      for (const size of sizes) expect(size / whole).toBeCloseTo(1 / 4, 1)
    }
  })
})
