import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import { exposureSpec, exposureWindow, flagsmithEvents, type ExposureSpecInput } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { startServer, type EngineServer } from '../engine/server.js'
import { audit, daysToBackfill, run, schemaOf } from './rollup-of-events.js'

const log = { level: ClickHouseLogLevel.OFF }
const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const source = rolledUp(flagsmithEvents(), 'exposures_by_identity')
const schema = schemaOf()
const identities = 4000

describe.skipIf(!engineAvailable)('9. the rollup, while everything happens at the same time', () => {
  let server: EngineServer
  let client: ClickHouseClient

  beforeAll(async () => {
    server = await startServer()
    const setUp = createClient({ url: server.url, log })
    await setUp.command({ query: 'CREATE DATABASE exposures' })
    await setUp.close()
    client = createClient({ url: server.url, database: 'exposures', log, max_open_connections: 20 })
  }, 60_000)
  afterAll(async () => {
    await client.close()
    await server.stop()
  })

  // A statement that meets a view being detached or a partition being dropped fails, and is sent again.
  const command = async (query: string, left = 100): Promise<void> => {
    await client.command({ query }).catch(async (error: unknown) => {
      if (left === 0 || !['57', '60', '341'].includes(String((error as { code?: unknown }).code))) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
      await command(query, left - 1)
    })
  }
  const startAnew = async (): Promise<void> => {
    await run(client, schema.drop)
    await command(`CREATE OR REPLACE TABLE events (
      environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
      timestamp DateTime64(3, 'UTC'), identifier String, value String
    ) ENGINE = MergeTree PARTITION BY toYYYYMMDD(timestamp)
    ORDER BY (environment_key, event, feature_name, timestamp, identifier)`)
    await run(client, schema.create)
  }
  /** Identities from `from` on, each once: at an hour of June 2026, in one of three variants or in the next one. */
  const insert = async (from: number, count: number, hour: number, next = 0): Promise<void> => {
    await command(`INSERT INTO events SELECT 'prod', '$flag_exposure', 'checkout',
      toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + toIntervalHour(${hour}) + toIntervalSecond(cityHash64(number) % 3600),
      concat('id-', toString(number)), concat('variant-', toString((number + ${next}) % 3))
      FROM numbers(${from}, ${count})`)
  }
  const ask = async (
    input: Partial<ExposureSpecInput>,
    [start, end]: readonly [number, number],
  ): Promise<unknown> =>
    await fetchExposuresSummary(
      client,
      exposureSpec({ ...minimal, ...input }),
      exposureWindow(Date.UTC(2026, 5, 1, start), Date.UTC(2026, 5, 1, end)),
    )
  /** Runs all of them until the time is over, each again and again. */
  const meanwhile = async (
    seconds: number,
    ...work: readonly ((turn: number) => Promise<void>)[]
  ): Promise<void> => {
    const end = performance.now() + seconds * 1000
    await Promise.all(
      work.map(async (each) => {
        for (let turn = 0; performance.now() < end; turn++) await each(turn)
      }),
    )
  }

  test('exposures that change nothing change no answer, whatever is merged, rewritten or inserted while it is asked', async () => {
    await startAnew()
    await insert(0, identities, 1)
    await command('OPTIMIZE TABLE exposures_by_identity FINAL')
    const window = [0, 24 * 20] as const
    const expected = await ask({}, window)
    let asked = 0
    await meanwhile(
      12,
      // The same identities in the same variants, later.
      async (turn) => await insert((turn * 97) % (identities - 50), 50, 2 + (turn % 400)),
      async (turn) => await insert((turn * 389) % (identities - 900), 900, 3 + (turn % 400)),
      async () => await command('OPTIMIZE TABLE exposures_by_identity FINAL'),
      async () =>
        await command(
          'ALTER TABLE exposures_by_identity UPDATE first_exposures = first_exposures WHERE 1 SETTINGS mutations_sync = 1',
        ),
      ...(['quarantine', 'first-seen'] as const).map((multiVariant) => async (): Promise<void> => {
        for (const identityKey of ['hash', 'exact'] as const) {
          expect(await ask({ source, multiVariant, identityKey }, window)).toEqual(expected)
          asked++
        }
      }),
    )
    expect(asked).toBeGreaterThan(3)
  }, 180_000)

  const turmoil = fc.record({
    /** Hours and shifts of variants of the batches. */
    batches: fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 2 })), {
      minLength: 8,
      maxLength: 12,
    }),
    droppedDay: fc.integer({ min: 1, max: 15 }),
    detachedDay: fc.integer({ min: 1, max: 15 }),
    erased: fc.integer({ min: 0, max: identities - 200 }),
  })

  test('after inserts, merges, mutations, drops and detaches at the same time, the audit corrects every loss', async () => {
    await fc.assert(
      fc.asyncProperty(turmoil, async ({ batches, droppedDay, detachedDay, erased }) => {
        await startAnew()
        await insert(0, identities, 12)
        const day = (number: number): string => `202606${String(number).padStart(2, '0')}`
        const from = (index: number): number => (index * 1237) % (identities - 800)
        await Promise.all([
          (async () => {
            for (const [index, [hour, next]] of batches.entries()) await insert(from(index), 800, hour, next)
          })(),
          (async () => {
            await command('DETACH TABLE exposures_by_identity_view')
            await insert(100, 300, 30, 1)
            await command('ATTACH TABLE exposures_by_identity_view')
          })(),
          (async () => {
            await command(`ALTER TABLE events DROP PARTITION '${day(droppedDay)}'`)
            await command(`ALTER TABLE events DETACH PARTITION '${day(detachedDay)}'`)
          })(),
          command(
            `ALTER TABLE events DELETE WHERE toUInt32(substring(identifier, 4)) BETWEEN ${erased} AND ${erased + 99} SETTINGS mutations_sync = 1`,
          ),
          command('OPTIMIZE TABLE exposures_by_identity FINAL'),
          run(client, rollupBackfill(schema, ['2026-06-01', '2026-06-02'])),
        ])
        const spec = exposureSpec({ ...minimal, source })
        const june = exposureWindow('2026-06-01T00:00:00Z', '2026-07-01T00:00:00Z')
        const differing = async (): Promise<
          ReturnType<typeof audit> extends Promise<infer Days> ? Days : never
        > => (await audit(client, spec, june, schema)).filter(({ mend }) => mend.length > 0)
        const found = await differing()
        expect(found.length).toBeGreaterThan(0)
        await run(
          client,
          found.flatMap(({ mend }) => mend),
        )
        expect(await differing()).toEqual([])
        // What was detached comes back, and no view sees it.
        await command(`ALTER TABLE events ATTACH PARTITION '${day(detachedDay)}'`)
        await run(client, rollupBackfill(schema, await daysToBackfill(client, schema)))
        expect(await differing()).toEqual([])
        for (const window of [
          [0, 720],
          [0, 13],
          [13, 400],
          [40, 300],
          [200, 720],
        ] as const) {
          for (const multiVariant of ['quarantine', 'first-seen'] as const) {
            expect(await ask({ source, multiVariant }, window)).toEqual(await ask({ multiVariant }, window))
          }
        }
      }),
      { numRuns: runs(3), endOnFailure: true },
    )
  }, 600_000)
})
