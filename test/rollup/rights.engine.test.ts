import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, flagsmithEvents } from 'first-exposure'
import {
  decodeRollupAudit,
  rolledUp,
  rollupAudit,
  rollupBackfill,
  rollupErasure,
  rollupSchema,
} from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable } from '../engine/events-table.js'
import { startServer, type EngineServer } from '../engine/server.js'
import { run } from './rollup-of-events.js'

const database = 'exposures'
const source = { ...flagsmithEvents(), table: { database, table: 'events' } }
const rollup = { database, table: 'by_identity' }
const schema = rollupSchema({ source, rollup })
const spec = exposureSpec({
  environmentKey: 'prod',
  featureName: 'checkout',
  source: rolledUp(source, rollup),
})
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z')
const [events, table, view] = ['events', 'by_identity', 'by_identity_view'].map(
  (name) => `${database}.${name}`,
)

/** The table of rights in docs/production.md. */
const users = {
  creator: [
    `CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, INSERT, SELECT ON ${table}`,
    `CREATE VIEW, DROP VIEW ON ${view}`,
    `SELECT ON ${events}`,
    'TABLE ENGINE ON AggregatingMergeTree',
  ],
  mender: [`ALTER UPDATE, ALTER DELETE, INSERT, SELECT ON ${table}`, `SELECT ON ${events}`],
  eraser: [`ALTER DELETE ON ${events}`, `ALTER DELETE ON ${table}`],
  inserter: [`INSERT, SELECT ON ${events}`],
  blind: [`INSERT ON ${events}`],
}

describe.skipIf(!engineAvailable)('the rights that the guide names', () => {
  let server: EngineServer
  const clients: ClickHouseClient[] = []
  const as = (username: string): ClickHouseClient => {
    const log = { level: ClickHouseLogLevel.OFF }
    const client = createClient({ url: server.url, username, database: 'default', log })
    clients.push(client)
    return client
  }
  const insert = async (username: string): Promise<void> => {
    await as(username).command({
      query: `INSERT INTO ${events} (environment_key, event, feature_name, timestamp, identifier, value)
        VALUES ('prod', '$flag_exposure', 'checkout', '2026-06-01 12:00:00', '${username}', 'control')`,
    })
  }
  beforeAll(async () => {
    server = await startServer({ users })
    await as('default').command({ query: `CREATE DATABASE ${database}` })
    await createEventsTable(as('default'), events)
  })
  afterAll(async () => {
    for (const client of clients) await client.close()
    await server.stop()
  })

  test('are enough', async () => {
    await insert('blind')
    await run(as('creator'), schema.create)
    await insert('inserter')
    await run(as('creator'), rollupBackfill(schema, ['2026-06-01']))
    const { query, query_params, format } = rollupAudit(spec, window)
    const answer = await as('mender').query({ query, query_params: { ...query_params }, format })
    const rows = await answer.json<Record<string, unknown>>()
    expect(rows).toMatchObject([{ in_events: 2, in_rollup: 2 }])
    for (const { mend } of decodeRollupAudit([{ ...rows[0], surplus: 1 }], schema)) {
      await run(as('mender'), mend)
    }
    await run(as('eraser'), rollupErasure(schema, ['blind']))
  })

  test('a user who may only insert cannot once there is a rollup, unless its view has a definer', async () => {
    await expect(insert('blind')).rejects.toMatchObject({ code: '497' })
    await as('default').command({
      query: `ALTER TABLE ${view} MODIFY DEFINER = creator SQL SECURITY DEFINER`,
    })
    await insert('blind')
    await run(as('creator'), schema.drop)
  })
})
