import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import { exposureSpec, exposureWindow } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { questionWithEvents } from '../arbitraries/exposure-events.js'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'
import { inEveryLayout, publishedLayouts } from '../engine/published-layouts.js'
import { referenceSummary } from '../reference-model.js'
import { audit, daysToBackfill, run } from './rollup-of-events.js'

// Those whose columns are expressions.
const layouts = publishedLayouts.filter(({ source }) =>
  Object.values(source.columns ?? {}).some((column) => column !== null && typeof column === 'object'),
)

describe.skipIf(!engineAvailable)('9. the rollup of a source of expressions answers as the events do', () => {
  const numRuns = runs(8)
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await client.command({ query: 'CREATE DATABASE layouts' })
    await client.command({ query: 'USE layouts' })
    for (const layout of layouts) await layout.create(client)
  })
  afterAll(async () => {
    await client.close()
  })

  test('there are such layouts', () => {
    expect(layouts.map(({ name }) => name.split(',')[0])).toEqual(['PostHog', 'PostHog', 'OpenTelemetry'])
  })

  test.each(layouts)(
    '$name',
    async ({ table, source, rows, spec, read }) => {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents,
          fc.constantFrom('hash', 'exact'),
          async ({ question, events: any }, identityKey) => {
            const events = inEveryLayout(any)
            const schema = rollupSchema({ source, rollup: 'exposures_by_identity' })
            await run(client, schema.drop)
            await client.command({ query: `TRUNCATE TABLE ${table}` })
            const insert = async (half: number): Promise<void> => {
              const values = rows(events, question).filter((_, index) => index % 2 === half)
              if (values.length > 0) await client.insert({ table, format: 'JSONEachRow', values })
            }
            // Half of them before the view, which only the backfill finds.
            await insert(0)
            await run(client, schema.create)
            await insert(1)
            await run(client, rollupBackfill(schema, await daysToBackfill(client, schema)))

            const window = exposureWindow(question.startMs, question.asOfMs)
            for (const multiVariant of ['quarantine', 'first-seen'] as const) {
              const input = { ...spec(question), multiVariant, identityKey }
              const asked = exposureSpec({ ...input, source: rolledUp(source, 'exposures_by_identity') })
              expect(read(await fetchExposuresSummary(client, asked, window)), multiVariant).toEqual(
                referenceSummary(events, question, multiVariant),
              )
              const days = await audit(client, asked, window, schema)
              expect(days.filter(({ mend }) => mend.length > 0)).toEqual([])
            }
          },
        ),
        { numRuns },
      )
    },
    Math.max(60_000, numRuns * 5000),
  )
})
