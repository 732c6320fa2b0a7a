import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { createClient as createWebClient } from '@clickhouse/client-web'
import { exposureSpec, exposureWindow, initialRefreshState, type ExposureSpec } from 'first-exposure'
import {
  classifyFailure,
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresBreakdown,
  fetchExposuresSummary,
  fetchIdentityTimeline,
  refreshExposures,
  type ExposureClient,
} from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable } from '../engine/events-table.js'
import { startServer, type EngineServer } from '../engine/server.js'

const log = { level: ClickHouseLogLevel.OFF }
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const spec = exposureSpec({
  environmentKey: 'prod',
  featureName: 'checkout',
  breakdown: { column: 'sdk_language' },
  source: { table: { database: 'exposures', table: 'events' } },
})

type Settings = Readonly<Record<string, string | number>>
const questions: readonly (readonly [
  string,
  (client: ExposureClient, spec: ExposureSpec, settings?: Settings) => Promise<unknown>,
])[] = [
  ['summary', (client, spec, settings = {}) => fetchExposuresSummary(client, spec, window, { settings })],
  ['breakdown', (client, spec, settings = {}) => fetchExposuresBreakdown(client, spec, window, { settings })],
  ['ledger', (client, spec, settings = {}) => fetchExposureLedger(client, spec, window, { settings })],
  ['crossovers', (client, spec, settings = {}) => fetchCrossovers(client, spec, window, { settings })],
  [
    'timeline',
    (client, spec, settings = {}) => fetchIdentityTimeline(client, spec, window, '7', { settings }),
  ],
]

describe.skipIf(!engineAvailable)('corners of a real server', () => {
  let server: EngineServer
  let client: ClickHouseClient
  beforeAll(async () => {
    server = await startServer()
    client = createClient({ url: server.url, log })
    await client.command({ query: 'CREATE DATABASE exposures' })
    await createEventsTable(client, 'exposures.events')
    await client.command({
      query: `INSERT INTO exposures.events (environment_key, event, feature_name, timestamp, identifier, value, sdk_language)
        SELECT 'prod', '$flag_exposure', 'checkout', toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + toIntervalHour(number),
          toString(number % 200), ['control', 'b'][1 + number % 2], concat('language-', leftPad(toString(number % 3), 3, '0'))
        FROM numbers(300)`,
    })
  })
  afterAll(async () => {
    await client.close()
    await server.stop()
  })
  /** Asks as a user whose profile has these settings; with `readonly`, one who may not change them. */
  const as = async <Value>(
    profile: Settings,
    call: (client: ExposureClient) => Promise<Value>,
  ): Promise<Value> => {
    const user = createClient({ url: server.url, clickhouse_settings: { ...profile }, log })
    try {
      return await call(user)
    } finally {
      await user.close()
    }
  }
  const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
    await promise.then(
      () => 'answered',
      (error: unknown) => classifyFailure(error).code,
    )

  test('two statements at once in one session: transient, and the sentence names the cause', async () => {
    const session = createClient({ url: server.url, session_id: 'one', log })
    const busy = session.query({ query: 'SELECT sleep(1)', format: 'JSONEachRow' })
    // The session is taken once the server runs the statement.
    for (let running = 0; running === 0;) {
      const answer = await client.query({
        query: "SELECT count() AS running FROM system.processes WHERE query LIKE 'SELECT sleep%'",
        format: 'JSONEachRow',
      })
      running = Number((await answer.json<{ running: number }>())[0]?.running)
    }
    const { outcome } = await refreshExposures({
      client: session,
      spec,
      experiment: { startedAt: window.startMs, endedAt: null },
      state: initialRefreshState,
      now: window.asOfMs,
    })
    await (await busy).json()
    await session.close()
    expect(outcome).toMatchObject({
      type: 'failed',
      kind: 'transient',
      error: { code: 'session-locked', message: expect.stringMatching(/session_id.*one statement/) },
    })
  })

  test('a session that is not there: permanent', async () => {
    const answer = await fetch(`${server.url}/?session_id=none&session_check=1&query=SELECT+1`)
    expect(classifyFailure(new Error(await answer.text()))).toMatchObject({
      code: 'session-refused',
      transient: false,
    })
  })

  test('its other port, and a path that it does not know', async () => {
    for (const url of [`http://127.0.0.1:${server.tcpPort}`, `${server.url}/exposures`]) {
      const wrong = createClient({ url, pathname: new URL(url).pathname, log })
      expect(await codeOf(fetchExposuresSummary(wrong, spec, window)), url).toBe('not-clickhouse')
      await wrong.close()
    }
  })

  describe.each([
    ['Node', (username: string) => createClient({ url: server.url, username, log })],
    ['Web', (username: string) => createWebClient({ url: server.url, username, log })],
  ])('long lists of the %s client', (_, create) => {
    // Three languages are there; the others fill the list.
    const filtered = (count: number): ExposureSpec =>
      exposureSpec({
        ...spec,
        filters: [
          {
            column: 'sdk_language',
            in: Array.from({ length: count }, (_, n) =>
              `language-${String(n).padStart(3, '0')}`.slice(0, 12),
            ),
          },
        ],
      })

    test.each(['default', 'reader'])('7,000 values of 12 characters are answered to %s', async (username) => {
      const asks = create(username)
      const all = await fetchExposuresSummary(asks, spec, window)
      expect(await fetchExposuresSummary(asks, filtered(7000), window)).toEqual(all)
      await asks.close()
    })

    test('as many as can be sent are answered, and one more is refused before it is sent', async () => {
      const asks = create('default')
      const all = await fetchExposuresSummary(asks, spec, window)
      expect(await fetchExposuresSummary(asks, filtered(8738), window)).toEqual(all)
      await expect(fetchExposuresSummary(asks, filtered(8739), window)).rejects.toMatchObject({
        code: 'invalid-spec',
        details: { path: 'filter_1_in' },
      })
      await asks.close()
    })

    test('sent in the URL by a client that is too old for the body, the server’s refusal is permanent', async () => {
      const asks = create('default')
      const old: ExposureClient = {
        query: async (params) => {
          const { use_multipart_params: _, ...known } = params
          return await (asks as ExposureClient).query(known)
        },
      }
      const thrown: unknown = await fetchExposuresSummary(old, filtered(7000), window).catch(
        (each: unknown) => each,
      )
      await asks.close()
      expect(classifyFailure(thrown)).toMatchObject({ code: 'query-too-large', transient: false })
    })
  })

  describe.each(questions)('%s', (_, ask) => {
    test('as an array of all rows, of the settings or of the profile', async () => {
      const plain = await ask(client, spec)
      expect(await ask(client, spec, { output_format_json_array_of_rows: 1 })).toEqual(plain)
      expect(
        await as(
          { output_format_json_array_of_rows: 1, readonly: '1' },
          async (user) => await ask(user, spec),
        ),
      ).toEqual(plain)
    })

    test('without global WITH: answered, or unsafe-setting for a readonly user; never an unknown table', async () => {
      const plain = await ask(client, spec)
      expect(await ask(client, spec, { enable_global_with_statement: 0 })).toEqual(plain)
      expect(
        await codeOf(
          as({ enable_global_with_statement: 0, readonly: '1' }, async (user) => await ask(user, spec)),
        ),
      ).toBe('unsafe-setting')
    })

    test('with the query cache: the answer, or a class of its own', async () => {
      const plain = await ask(client, spec)
      expect(await ask(client, spec, { use_query_cache: 1 })).toEqual(plain)
      expect(await as({ use_query_cache: 1 }, async (user) => await ask(user, spec))).toEqual(plain)
      expect(['answered', 'unsafe-setting', 'query-cache']).toContain(
        await codeOf(as({ use_query_cache: 1, readonly: '1' }, async (user) => await ask(user, spec))),
      )
    })
  })
})
