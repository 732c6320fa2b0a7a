import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import { exposureSpec, exposureWindow } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { questionWithEvents } from '../arbitraries/exposure-events.js'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'
import { inEveryLayout, publishedLayouts } from '../engine/published-layouts.js'
import { referenceSummary } from '../reference-model.js'

describe.skipIf(!engineAvailable)('published layouts', () => {
  const numRuns = runs(40)
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await client.command({ query: 'CREATE DATABASE layouts' })
    await client.command({ query: 'USE layouts' })
    for (const layout of publishedLayouts) await layout.create(client)
  })
  afterAll(async () => {
    await client.close()
  })

  test(
    'one set of events, written in every layout, has one summary, under both policies',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          questionWithEvents,
          fc.constantFrom('hash', 'exact'),
          async ({ question, events: any }, identityKey) => {
            const events = inEveryLayout(any)
            const window = exposureWindow(question.startMs, question.asOfMs)
            for (const { name, table, source, rows, spec, read } of publishedLayouts) {
              await client.command({ query: `TRUNCATE TABLE ${table}` })
              const values = rows(events, question)
              if (values.length > 0) await client.insert({ table, format: 'JSONEachRow', values })
              for (const multiVariant of ['quarantine', 'first-seen'] as const) {
                const asked = exposureSpec({ ...spec(question), source, multiVariant, identityKey })
                const summary = await fetchExposuresSummary(client, asked, window)
                expect(read(summary), `${name}, ${multiVariant}`).toEqual(
                  referenceSummary(events, question, multiVariant),
                )
              }
            }
          },
        ),
        { numRuns },
      )
    },
    Math.max(60_000, numRuns * 5000),
  )
})
