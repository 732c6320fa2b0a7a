import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { createClient as createWebClient } from '@clickhouse/client-web'
import { exposureSpec, exposureWindow } from 'first-exposure'
import {
  classifyFailure,
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresSummary,
  fetchIdentityTimeline,
  streamExposedIdentities,
  type ExposureClient,
  type FetchRowsOptions,
  type QueryCost,
} from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { startServer, type EngineServer } from '../engine/server.js'

const log = { level: ClickHouseLogLevel.OFF }
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')

const questions: Readonly<
  Record<string, (client: ExposureClient, options: FetchRowsOptions) => Promise<unknown>>
> = {
  summary: (client, options) => fetchExposuresSummary(client, spec, window, options),
  'summary in parts': (client, options) =>
    fetchExposuresSummary(client, spec, window, { ...options, partitions: 3 }),
  ledger: (client, options) => fetchExposureLedger(client, spec, window, options),
  crossovers: (client, options) => fetchCrossovers(client, spec, window, options),
  timeline: (client, options) => fetchIdentityTimeline(client, spec, window, '7', options),
}

async function costsOf(ask: (options: FetchRowsOptions) => Promise<unknown>): Promise<readonly QueryCost[]> {
  const costs: QueryCost[] = []
  await ask({ onCost: (cost) => void costs.push(cost) })
  return costs
}

describe.skipIf(!engineAvailable)('what a statement cost, and where to find it', () => {
  let server: EngineServer
  let admin: ClickHouseClient
  beforeAll(async () => {
    server = await startServer({
      config: `<query_log><database>system</database><table>query_log</table>
        <flush_interval_milliseconds>200</flush_interval_milliseconds></query_log>`,
    })
    admin = createClient({ url: server.url, log })
    await createEventsTable(admin)
    await admin.command({
      query: `INSERT INTO events (environment_key, event, feature_name, timestamp, identifier, value)
        SELECT 'prod', '$flag_exposure', 'checkout', toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + number % 1000000,
          toString(cityHash64(number) % 70000), ['control', 'b'][1 + cityHash64(number) % 2]
        FROM numbers(200000)`,
    })
  })
  afterAll(async () => {
    await admin?.close()
    await server?.stop()
  })

  /** What the server's log has of so many statements that ended, in their order; it may hear of an end a little later. */
  async function logged(condition: string, count = 1): Promise<readonly Readonly<Record<string, string>>[]> {
    return await vi.waitFor(
      async () => {
        const rows = await loggedNow(condition)
        expect(rows).toHaveLength(count)
        return rows
      },
      { timeout: 20_000, interval: 200 },
    )
  }

  async function loggedNow(condition: string): Promise<readonly Readonly<Record<string, string>>[]> {
    await admin.command({ query: 'SYSTEM FLUSH LOGS' })
    const answer = await admin.query({
      query: `SELECT query_id, toString(read_rows) AS read_rows, toString(read_bytes) AS read_bytes,
          log_comment, http_user_agent
        FROM system.query_log WHERE type = 'QueryFinish' AND ${condition} ORDER BY event_time_microseconds`,
      format: 'JSONEachRow',
    })
    return await answer.json()
  }

  const clients: Readonly<Record<string, () => ExposureClient & { close(): Promise<void> }>> = {
    'the Node client': () => createClient({ url: server.url, username: 'reader', log }),
    'the Node client, compressed': () =>
      createClient({ url: server.url, log, compression: { response: true } }),
    'the Web client': () => createWebClient({ url: server.url, username: 'reader', log }),
  }
  const waiting = { wait_end_of_query: 1 }
  test.each(
    Object.keys(clients).flatMap((client) =>
      Object.keys(questions).flatMap((question) => [
        [client, question, {}] as const,
        [client, question, waiting] as const,
      ]),
    ),
  )(
    '%s, the %s and the settings %o: the rows and bytes of the log, and a time',
    async (name, question, settings) => {
      const client = (clients[name] as (typeof clients)[string])()
      try {
        const begin = performance.now()
        const costs = await costsOf((options) =>
          (questions[question] as (typeof questions)[string])(client, { ...options, settings }),
        )
        const waitedMs = performance.now() - begin
        expect(costs).toHaveLength(question === 'summary in parts' ? 3 : 1)
        for (const { queryId, readRows, readBytes, elapsedMs } of costs) {
          const [row] = await logged(`query_id = '${queryId}'`)
          const told = [Number(readRows), Number(readBytes)]
          const inLog = [Number(row?.['read_rows']), Number(row?.['read_bytes'])]
          if (settings === waiting || question.startsWith('summary')) expect(told).toEqual(inLog)
          else {
            // What it has read when it sends the first rows of its answer.
            for (const [index, each] of told.entries()) expect(each).toBeLessThanOrEqual(inLog[index] ?? 0)
            expect(told[0]).toBeGreaterThan(0)
          }
          expect(elapsedMs).toBeGreaterThan(0)
          // The log's own duration is no bound: the server takes it before it writes the header, or after.
          expect(elapsedMs).toBeLessThan(waitedMs)
        }
      } finally {
        await client.close()
      }
    },
  )

  test('a stream tells what it read to its end', async () => {
    const reader = createClient({ url: server.url, username: 'reader', log })
    let identities = 0
    const [cost] = await costsOf(async (options) => {
      for await (const _ of streamExposedIdentities(reader, spec, window, options)) identities++
    })
    await reader.close()
    const [row] = await logged(`query_id = '${cost?.queryId}'`)
    expect(identities).toBeGreaterThan(60_000)
    expect([cost?.readRows, cost?.readBytes].map(String)).toEqual([row?.['read_rows'], row?.['read_bytes']])
    expect(cost?.elapsedMs).toBeGreaterThan(0)
  })

  test('every statement has an id that tells whose it is, also for a user that may set nothing', async () => {
    const reader = createClient({ url: server.url, username: 'reader', log, application: 'panels' })
    const since = `user = 'reader' AND http_user_agent LIKE 'panels %'`
    for (const ask of Object.values(questions)) await ask(reader, {})
    await reader.close()
    const rows = await logged(since, Object.keys(questions).length + 2)
    expect(rows.map(({ query_id: id = '' }) => id).filter((id) => !id.startsWith('first-exposure-'))).toEqual(
      [],
    )
  })

  test('log_comment is a setting for users that may set it; for others it is a refusal that says so', async () => {
    await fetchExposuresSummary(admin, spec, window, { settings: { log_comment: 'panel: checkout' } })
    expect((await logged(`log_comment = 'panel: checkout'`))[0]?.['query_id']).toMatch(/^first-exposure-/)
    const reader = createClient({ url: server.url, username: 'reader', log })
    const refused = await fetchExposuresSummary(reader, spec, window, {
      settings: { log_comment: 'a' },
    }).catch(classifyFailure)
    await reader.close()
    expect(refused).toMatchObject({ code: 'readonly', transient: false })
  })

  test('the embedded engine says nothing of it', async () => {
    const embedded = openInProcess()
    await createEventsTable(embedded, 'events', 'Memory')
    const [cost] = await costsOf((options) => fetchExposuresSummary(embedded, spec, window, options))
    await embedded.close()
    expect(cost).toMatchObject({ readRows: null, readBytes: null, elapsedMs: null })
  })
})
