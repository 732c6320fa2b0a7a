import { exposureSpec, exposureWindow } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable, insertEvents } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { run } from './rollup-of-events.js'

const client = engineAvailable ? openInProcess() : undefined
const dayMs = 86_400_000
const startMs = Date.UTC(2026, 5, 8)
const source = { table: 'events' }

beforeAll(async () => {
  if (client === undefined) return
  await createEventsTable(client)
  await run(client, rollupSchema({ source, rollup: 'exposures_by_identity' }).create)
})
afterAll(async () => {
  await client?.close()
})

// An insert computes its indexes before it merges the rows of an identity: what they say must hold afterwards too.
test.skipIf(client === undefined).each([
  ['in the order of time', [-dayMs, 0]],
  ['the latest first', [0, -dayMs]],
  ['in the middle', [0, -dayMs, 1]],
])('one insert with several exposures of one identity, %s', async (order, offsets) => {
  if (client === undefined) return
  await insertEvents(
    client,
    offsets.map((offset) => ({
      environment: 'prod',
      event: '$flag_exposure',
      feature: order,
      timestampMs: startMs + offset,
      identity: 'ann',
      variant: 'control',
    })),
  )
  const window = exposureWindow(startMs, startMs + 1000)
  const spec = exposureSpec({ environmentKey: 'prod', featureName: order, source })
  const throughRollup = exposureSpec({ ...spec, source: rolledUp(source, 'exposures_by_identity') })
  const summary = await fetchExposuresSummary(client, throughRollup, window)
  expect(summary).toEqual(await fetchExposuresSummary(client, spec, window))
  expect(summary.timeseries.points.map(({ newIdentities }) => newIdentities)).toEqual([{ control: 1 }])
})
