import { readFile } from 'node:fs/promises'
import type { ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, flagsmithEvents, trustedSql } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill, rollupMigration, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { audit, daysToBackfill, run } from './rollup-of-events.js'

const rollup = 'exposures_by_identity'
const source = rolledUp(flagsmithEvents(), rollup)
const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const june = exposureWindow('2026-06-01T00:00:00Z', '2026-07-01T00:00:00Z')

describe.skipIf(!engineAvailable)('a rollup, on the engine', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await client.command({ query: 'CREATE DATABASE migrations' })
    await client.command({ query: 'USE migrations' })
  })
  afterAll(async () => {
    await client.close()
  })

  const insert = async (from: number, metadata = '{}'): Promise<void> => {
    await client.command({
      query: `INSERT INTO events (environment_key, event, feature_name, timestamp, identifier, value, metadata)
        SELECT ['prod', 'test'][1 + number % 3 = 2], '$flag_exposure', concat('checkout', if(number % 5 = 0, '-2', '')),
          toDateTime64('2026-06-01', 3, 'UTC') + toIntervalMinute(cityHash64(number) % 30000),
          concat('id-', toString(cityHash64(number, 1) % 700)), ['control', 'b'][1 + (cityHash64(number, 2) % 9 = 0)], {metadata:String}
        FROM numbers(${from}, 2000)`,
      query_params: { metadata },
    })
  }

  test.each([undefined, 36_500])(
    'of version 0.1 becomes one of this version (ttlDays %s)',
    async (ttlDays) => {
      await createEventsTable(client)
      const script = await readFile('test/fixtures/rollup/by-day-0.1.sql', 'utf8')
      for (const table of [`${rollup}_view`, rollup, 'exposures_by_day_view', 'exposures_by_day']) {
        await client.command({ query: `DROP TABLE IF EXISTS ${table} SYNC` })
      }
      for (const query of script.split(';\n').filter((each) => each.trim() !== '')) {
        await client.command({ query, query_params: { event_name: '$flag_exposure' } })
      }
      await insert(0)
      await insert(2000)
      const input = {
        source: flagsmithEvents(),
        rollup,
        ...(ttlDays === undefined ? {} : { ttlDays }),
      }
      const old = exposureSpec({ ...minimal, source: rolledUp(flagsmithEvents(), 'exposures_by_day') })
      await expect(fetchExposuresSummary(client, old, june)).rejects.toMatchObject({
        code: 'unreadable-rollup',
        message: expect.stringContaining('rollupMigration') as unknown,
      })
      const statements = rollupMigration(input, 'exposures_by_day')
      await run(client, statements.slice(0, 2))
      await insert(4000)
      await run(client, statements.slice(2))
      await insert(6000)
      // Again, as after an interruption.
      await run(client, statements)
      const schema = rollupSchema(input)
      for (const featureName of ['checkout', 'checkout-2']) {
        const spec = { ...minimal, featureName }
        const days = await audit(client, exposureSpec({ ...spec, source }), june, schema)
        expect(days.length).toBeGreaterThan(0)
        expect(days.flatMap(({ mend }) => mend)).toEqual([])
        for (const multiVariant of ['quarantine', 'first-seen'] as const) {
          expect(
            await fetchExposuresSummary(client, exposureSpec({ ...spec, multiVariant, source }), june),
          ).toEqual(await fetchExposuresSummary(client, exposureSpec({ ...spec, multiVariant }), june))
        }
      }
      const comment = await client.query({
        query: "SELECT comment FROM system.tables WHERE database = 'migrations' AND name = {name:String}",
        query_params: { name: rollup },
        format: 'JSONEachRow',
      })
      const [table] = await comment.json<{ comment: string }>()
      expect(table?.comment).toMatch(/^first-exposure rollup 2:/)
    },
    120_000,
  )

  test('two experiments on one feature, told apart by an expression, are two experiments in it', async () => {
    await createEventsTable(client)
    const byExperiment = {
      table: 'events',
      columns: {
        feature: trustedSql`concat(feature_name, '/', JSONExtractString(metadata, ${'experiment_id'}))`,
      },
    }
    const schema = rollupSchema({ source: byExperiment, rollup: 'by_experiment' })
    await run(client, schema.drop)
    await insert(0, '{"experiment_id":"17"}')
    await run(client, schema.create)
    await insert(1000, '{"experiment_id":"18"}')
    await run(client, rollupBackfill(schema, await daysToBackfill(client, schema)))
    await client.command({ query: 'OPTIMIZE TABLE by_experiment FINAL' })
    const of = async (id: string, through: boolean): Promise<unknown> =>
      await fetchExposuresSummary(
        client,
        exposureSpec({
          ...minimal,
          featureName: `checkout/${id}`,
          source: through ? rolledUp(byExperiment, 'by_experiment') : byExperiment,
        }),
        june,
      )
    const [one, other] = [await of('17', true), await of('18', true)]
    expect(one).toEqual(await of('17', false))
    expect(other).toEqual(await of('18', false))
    expect(one).not.toEqual(other)
  })

  test('an insert whose rows were not merged on arrival is not counted twice', async () => {
    await createEventsTable(client)
    const schema = rollupSchema({ source: flagsmithEvents(), rollup: 'unmerged' })
    await run(client, schema.drop)
    await run(client, schema.create)
    await client.command({ query: 'SYSTEM STOP MERGES unmerged' })
    await client.command({
      query: `INSERT INTO events (environment_key, event, feature_name, timestamp, identifier, value)
        SELECT 'prod', '$flag_exposure', 'checkout', toDateTime64('2026-06-02', 3, 'UTC'), concat('id-', toString(number % 40)), 'control'
        FROM numbers(100) SETTINGS optimize_on_insert = 0`,
    })
    const spec = exposureSpec({ ...minimal, source: rolledUp(flagsmithEvents(), 'unmerged') })
    const { timeseries } = await fetchExposuresSummary(client, spec, june)
    expect(timeseries.points.map(({ newIdentities }) => newIdentities)).toEqual([{ control: 40 }])
    const rows = await client.query({ query: 'SELECT count() AS n FROM unmerged', format: 'JSONEachRow' })
    expect(await rows.json()).toEqual([{ n: 100 }])
    await run(client, schema.drop)
  })
})
