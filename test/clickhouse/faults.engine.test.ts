import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { createClient as createWebClient } from '@clickhouse/client-web'
import {
  exposureSpec,
  exposureWindow,
  initialRefreshState,
  refreshStatus,
  type ExposuresSummary,
  type RefreshState,
} from 'first-exposure'
import {
  fetchExposuresSummary,
  memoryRefreshStore,
  refreshExposures,
  refreshStoredExposures,
  type ExposureClient,
  type RefreshInput,
  type RefreshStore,
} from 'first-exposure/clickhouse'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable } from '../engine/events-table.js'
import {
  send,
  startFaultProxy,
  writeHead,
  type Answer,
  type Fault,
  type FaultProxy,
} from '../engine/fault-proxy.js'
import { startServer, type EngineServer } from '../engine/server.js'

const log = { level: ClickHouseLogLevel.OFF }
const minute = 60_000
const startedAt = Date.UTC(2026, 5, 1)
const experiment = { startedAt, endedAt: null }
/** When the last good refresh was made, and when the one that a fault befalls. */
const goodAt = Date.UTC(2026, 5, 5)
const now = Date.UTC(2026, 5, 9)
const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const events = { database: 'exposures', table: 'events' }
const endless = { database: 'exposures', table: 'endless' }
const spec = exposureSpec({ ...minimal, source: { table: events } })
const manySpec = exposureSpec({ ...minimal, source: { table: { database: 'exposures', table: 'many' } } })
const endlessSpec = exposureSpec({ ...minimal, source: { table: endless } })

/** The tables that every server here has: some exposures, more than fit in a little memory, and some that nobody lives to see the end of. */
async function fill(client: ClickHouseClient): Promise<void> {
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS exposures' })
  await createEventsTable(client, 'exposures.events')
  await client.command({
    query: `INSERT INTO exposures.events (environment_key, event, feature_name, timestamp, identifier, value)
      SELECT 'prod', '$flag_exposure', 'checkout', toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + toIntervalHour(number),
        toString(number), ['control', 'b'][1 + number % 2]
      FROM numbers(20 * 24) WHERE number < 8 * 24 OR number > 10 * 24`,
  })
  for (const [view, identifier, events] of [
    ['endless', 'toString(number % 10)', 100_000_000_000],
    ['many', 'toString(number)', 3_000_000],
  ] as const) {
    await client.command({
      query: `CREATE OR REPLACE VIEW exposures.${view} AS
        SELECT 'prod' AS environment_key, '$flag_exposure' AS event, 'checkout' AS feature_name,
          toDateTime64('2026-06-01 12:00:00', 3, 'UTC') AS timestamp, ${identifier} AS identifier, 'b' AS value
        FROM numbers(${events})`,
    })
  }
}

/** What keeps a process alive and belongs to connections and waits. */
function held(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = { TCPSocketWrap: 0, TCPServerWrap: 0, Timeout: 0 }
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** The answer that a panel shows, of this question or of the one before it. */
function lastGood(state: RefreshState): RefreshState['success'] {
  const status = refreshStatus(state, experiment, now)
  const former = 'former' in status ? status.former : undefined
  return former?.success ?? ('success' in status ? status.success : null)
}

async function eventually(check: () => void | Promise<void>): Promise<void> {
  await expect.poll(check, { timeout: 15_000, interval: 25 }).toBeUndefined()
}

async function running(client: ClickHouseClient): Promise<readonly unknown[]> {
  const answer = await client.query({
    query: "SELECT query_id FROM system.processes WHERE query_id LIKE 'first-exposure-%'",
    format: 'JSONEachRow',
  })
  return await answer.json()
}

describe.skipIf(!engineAvailable)('what may befall a refresh', () => {
  let server: EngineServer
  let admin: ClickHouseClient
  let proxy: FaultProxy
  let good: RefreshState
  let truth: ExposuresSummary
  let before: ReturnType<typeof held>

  beforeAll(async () => {
    server = await startServer()
    admin = createClient({ url: server.url, log, keep_alive: { enabled: false } })
    await fill(admin)
    proxy = await startFaultProxy(server.httpPort)
    good = (
      await refreshExposures({ client: admin, spec, experiment, state: initialRefreshState, now: goodAt })
    ).state
    truth = await fetchExposuresSummary(admin, spec, exposureWindow(startedAt, now))
    expect(good.success?.summary.timeseries.points).toHaveLength(4)
    expect(truth.timeseries.points).toHaveLength(8)
  })
  afterAll(async () => {
    await proxy.refuse()
    await admin.close()
    await server.stop()
  })
  beforeEach(() => {
    proxy.fault = null
    before = held()
  })

  /** Nothing of ours holds the process, and no query of ours runs on the server. */
  async function nothingIsLeft(): Promise<void> {
    // fetch keeps connections for later, and cannot be told that there is no later.
    proxy.hangUp()
    await eventually(async () => {
      expect(await running(admin)).toEqual([])
      const after = held()
      for (const [kind, count] of Object.entries(after))
        expect([kind, count]).toEqual([kind, Math.min(count, before[kind] ?? 0)])
    })
  }

  interface Befallen {
    readonly fault?: Fault
    readonly with?: Partial<RefreshInput>
    readonly code: string
    readonly kind?: 'transient' | 'permanent'
    /** How the client is made that meets the fault; the next refresh is another's where it is given. */
    readonly client?: () => ExposureClient & { close(): Promise<void> }
  }

  /** The whole promise: the last good summary stays, the outcome is right, nothing is left, and the next refresh succeeds. */
  async function survives({
    fault,
    with: extra = {},
    code,
    kind = 'transient',
    client: create,
  }: Befallen): Promise<void> {
    const client = (create ?? ((): ClickHouseClient => createClient({ url: proxy.url, log })))()
    proxy.fault = fault ?? null
    const { state, outcome } = await refreshExposures({
      client,
      spec,
      experiment,
      state: good,
      now,
      random: () => 1,
      ...extra,
    })
    expect(outcome).toEqual({
      type: 'failed',
      kind,
      error: { code, transient: kind === 'transient', message: expect.any(String) as unknown },
      retryAfterMs: kind === 'transient' ? 1000 : 5 * minute,
    })
    expect(lastGood(state)).toEqual(good.success)
    // Some faults need another table, which is another question: its failure shows the good answer as a former one.
    expect(refreshStatus(state, experiment, now).type).toBe(extra.spec === undefined ? 'stale' : 'failed')
    await eventually(async () => {
      expect(await running(admin)).toEqual([])
    })

    proxy.fault = null
    const later = create === undefined ? client : createClient({ url: proxy.url, log })
    const next = await refreshExposures({ client: later, spec, experiment, state, now: now + 5 * minute })
    expect(next.outcome).toEqual({ type: 'refreshed', asOf: now + 5 * minute })
    expect(next.state.success?.summary).toEqual(truth)
    expect(next.state.failure).toBeNull()
    await Promise.all([client.close(), later.close()])
    await nothingIsLeft()
  }

  /** What the proxy does to the answer is no fault. */
  async function isRefreshed(): Promise<void> {
    const client = createClient({ url: proxy.url, log })
    const { state, outcome } = await refreshExposures({ client, spec, experiment, state: good, now })
    expect(outcome.type).toBe('refreshed')
    expect(state.success?.summary).toEqual(truth)
    await client.close()
    await nothingIsLeft()
  }

  const web =
    (options: object = {}) =>
    () =>
      createWebClient({ url: proxy.url, log, ...options })
  const node =
    (options: object = {}) =>
    () =>
      createClient({ url: proxy.url, log, ...options })
  /** A fault that needs the true answer first. */
  const spoiled =
    (spoil: (answer: Answer, exchange: Parameters<Fault>[0]) => void | Promise<void>): Fault =>
    async (exchange) => {
      await spoil(await exchange.ask(), exchange)
    }
  const changed = (change: (answer: Answer) => Partial<Answer>): Fault =>
    spoiled((answer, { response }) => {
      send(response, { ...answer, ...change(answer) })
    })
  const half = ({ body }: Answer): Buffer => body.subarray(0, body.indexOf('\n', body.length / 2) + 10)
  const never: Fault = () => undefined

  test('none: the proxy itself is no fault', async () => {
    const client = createClient({ url: proxy.url, log })
    expect(await fetchExposuresSummary(client, spec, exposureWindow(startedAt, now))).toEqual(truth)
    await client.close()
    await nothingIsLeft()
  })

  describe('connections', () => {
    test.each([
      ['Node', node()],
      ['Web', web()],
    ])('refused (%s)', async (_, create) => {
      await proxy.refuse()
      const refused = create()
      const { state, outcome } = await refreshExposures({
        client: refused,
        spec,
        experiment,
        state: good,
        now,
      })
      expect(outcome).toMatchObject({
        type: 'failed',
        kind: 'transient',
        error: { code: 'connection-refused' },
      })
      expect(lastGood(state)).toEqual(good.success)
      await proxy.accept()
      const next = await refreshExposures({
        client: refused,
        spec,
        experiment,
        state,
        now: now + 1,
        attempt: 1,
      })
      expect(next.outcome).toEqual({ type: 'refreshed', asOf: now + 1 })
      await refused.close()
      await nothingIsLeft()
    })

    describe.each([
      ['Node', node],
      ['Web', web],
    ])('reset, as the %s client sees it', (_, create) => {
      test('before the headers', async () => {
        await survives({
          fault: ({ socket }) => void socket.resetAndDestroy(),
          code: 'connection-reset',
          client: create(),
        })
      })
      test('in the middle of the headers', async () => {
        await survives({
          fault: ({ socket }) => {
            socket.write('HTTP/1.1 200 OK\r\nContent-Type: applic', () => socket.resetAndDestroy())
          },
          code: 'connection-reset',
          client: create(),
        })
      })
      test('after the headers', async () => {
        await survives({
          fault: spoiled((answer, { response, socket }) => {
            writeHead(response, answer)
            response.flushHeaders()
            setTimeout(() => socket.resetAndDestroy(), 20)
          }),
          code: 'connection-reset',
          client: create(),
        })
      })
      test('in the middle of the body', async () => {
        await survives({
          fault: spoiled((answer, { response, socket }) => {
            writeHead(response, answer)
            response.write(half(answer))
            setTimeout(() => socket.resetAndDestroy(), 20)
          }),
          code: 'connection-reset',
          client: create(),
        })
      })
      test('closed in the middle of the body, as if nothing were wrong', async () => {
        await survives({
          fault: spoiled((answer, { response, socket }) => {
            writeHead(response, answer)
            response.write(half(answer))
            setTimeout(() => socket.end(), 20)
          }),
          code: 'connection-reset',
          client: create(),
        })
      })
    })
  })

  describe('bodies', () => {
    describe.each([
      ['Node', node],
      ['Web', web],
    ])('as the %s client reads them', (_, create) => {
      test('cut in the middle of a row, and ended as if whole', async () => {
        await survives({
          fault: changed((answer) => ({ body: half(answer) })),
          code: 'malformed-answer',
          client: create(),
        })
      })
      test('cut before the last line feed', async () => {
        await survives({
          fault: changed(({ body }) => ({ body: body.subarray(0, -1) })),
          code: 'malformed-answer',
          client: create(),
        })
      })

      test('an exception behind some rows, as servers wrote it before 25.11', async () => {
        await survives({
          fault: changed((answer) => ({
            body: Buffer.concat([
              half(answer),
              Buffer.from(
                'Code: 241. DB::Exception: Memory limit (for query) exceeded: … (MEMORY_LIMIT_EXCEEDED) (version 24.3.1.1)\n',
              ),
            ]),
          })),
          code: 'memory-limit',
          client: create(),
        })
      })
      test('an exception as the last row, as http_write_exception_in_output_format has it', async () => {
        await survives({
          fault: changed((answer) => ({
            body: Buffer.concat([
              answer.body.subarray(0, half(answer).lastIndexOf('\n') + 1),
              Buffer.from(
                '{"exception": "Code: 159. DB::Exception: Timeout exceeded: … (TIMEOUT_EXCEEDED) (version 24.3.1.1)"}\n',
              ),
            ]),
          })),
          code: 'time-limit',
          client: create(),
        })
      })
      test('a tagged exception, as servers write it since 25.11: the bytes of the real one', async () => {
        // More rows than the server's buffer takes, so that status and rows are out when it happens.
        const real = await fetch(`${server.url}/?default_format=JSONEachRow&max_block_size=1000`, {
          method: 'POST',
          headers: { 'accept-encoding': 'identity' },
          body: 'SELECT throwIf(number = 300000) AS a FROM numbers(1000000)',
        })
        const tag = real.headers.get('x-clickhouse-exception-tag') ?? ''
        const parts: Uint8Array[] = []
        // Behind the exception the server breaks the connection off.
        await (async () => {
          for await (const part of real.body as unknown as AsyncIterable<Uint8Array>) parts.push(part)
        })().catch(() => undefined)
        const all = Buffer.concat(parts)
        const tail = all.subarray(all.indexOf('\r\n__exception__'))
        expect(real.status).toBe(200)
        expect(tail.toString()).toContain(`__exception__\r\n${tag}`)
        for (const cut of [(answer: Answer) => half(answer), ({ body }: Answer) => body]) {
          await survives({
            fault: changed((answer) => ({
              headers: { ...answer.headers, 'x-clickhouse-exception-tag': tag },
              body: Buffer.concat([cut(answer), tail]),
            })),
            code: 'clickhouse-395',
            kind: 'permanent',
            client: create(),
          })
        }
      })

      test('a proxy’s page, with status 502 and with 200', async () => {
        for (const [status, code] of [
          [502, 'unavailable'],
          [200, 'malformed-answer'],
        ] as const) {
          await survives({
            fault: ({ response }) => {
              send(response, {
                status,
                headers: { 'content-type': 'text/html' },
                body: Buffer.from(
                  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body></html>\r\n',
                ),
              })
            },
            code,
            client: create(),
          })
        }
      })

      test('HTTP 500 with an exception', async () => {
        await survives({
          fault: ({ response }) => {
            send(response, {
              status: 500,
              headers: { 'x-clickhouse-exception-code': '210' },
              body: Buffer.from(
                'Code: 210. DB::NetException: Connection reset by peer (NETWORK_ERROR) (version 26.7.2.1)\n',
              ),
            })
          },
          code: 'network',
          client: create(),
        })
      })
    })

    test.each([
      ['an object', '{"status":"ok"}\n'],
      ['a list', '[]\n'],
      ['a number', '7\n'],
      ['null', 'null\n'],
      ['other columns', '{"variant":"b","count":7}\n'],
      [
        'counts that are none',
        '{"quarantined":0,"variant":"b","bucket":"2026-06-01 00:00:00","new_identities":-1}\n',
      ],
    ])('valid JSON of another shape: %s', async (_, body) => {
      await survives({ fault: changed(() => ({ body: Buffer.from(body) })), code: 'malformed-answer' })
    })

    test('a slow trickle is an answer like any other', async () => {
      proxy.fault = spoiled(async (answer, { response }) => {
        writeHead(response, answer)
        for (const byte of answer.body) {
          response.write(Buffer.of(byte))
          await new Promise(setImmediate)
        }
        response.end()
      })
      await isRefreshed()
    })

    test('a trickle that does not end in time', async () => {
      await survives({
        fault: spoiled((answer, { response, socket }) => {
          writeHead(response, answer)
          const drip = setInterval(() => response.write('{'), 10)
          socket.once('close', () => {
            clearInterval(drip)
          })
        }),
        with: { signal: AbortSignal.timeout(200) },
        code: 'timeout',
      })
    })
  })

  describe('an answer to something else', () => {
    /** What the proxy has kept of an older refresh, of another window. */
    async function previous(until: number): Promise<Answer> {
      let kept: Answer | undefined
      proxy.fault = spoiled((answer, { response }) => {
        kept = answer
        send(response, answer)
      })
      const client = createClient({ url: proxy.url, log })
      await fetchExposuresSummary(client, spec, exposureWindow(startedAt, until), {
        queryId: 'first-exposure-an-older-one',
      })
      await client.close()
      if (kept === undefined) throw new Error('nothing was asked')
      return kept
    }

    test('of the previous query, with its headers, is known by its id', async () => {
      const answer = await previous(goodAt)
      await survives({
        fault: ({ response }) => {
          send(response, answer)
        },
        code: 'malformed-answer',
      })
    })

    test('under an id that the proxy gave it: it is an answer like any other', async () => {
      proxy.fault = spoiled((answer, { response }) => {
        const headers = { ...answer.headers, 'x-clickhouse-query-id': '17A3F5C0DEADBEEF' }
        send(response, { ...answer, headers })
      })
      await isRefreshed()
    })

    test('of a wider window, under the new id, is known by its buckets', async () => {
      const answer = await previous(now + 30 * 24 * 60 * minute)
      await survives({
        fault: ({ response, path }) => {
          const id = new URL(path, proxy.url).searchParams.get('query_id') ?? ''
          send(response, { ...answer, headers: { ...answer.headers, 'x-clickhouse-query-id': id } })
        },
        code: 'malformed-answer',
      })
    })
  })

  describe('hangs', () => {
    test.each([
      ['Node', node({ request_timeout: 150 })],
      ['Web', web({ request_timeout: 150 })],
    ])('past the request_timeout of the %s client', async (_, client) => {
      await survives({ fault: never, code: 'connection-timeout', client })
    })
    test.each([
      ['Node', node()],
      ['Web', web()],
    ])('past AbortSignal.timeout, with the %s client', async (_, client) => {
      await survives({ fault: never, with: { signal: AbortSignal.timeout(150) }, code: 'timeout', client })
    })
    test('after the headers', async () => {
      await survives({
        fault: spoiled((answer, { response }) => {
          writeHead(response, answer)
          response.flushHeaders()
        }),
        with: { signal: AbortSignal.timeout(300) },
        code: 'timeout',
      })
    })
  })

  describe('the server’s own limits', () => {
    test('of memory', async () => {
      await survives({
        // Without a limit of its own for what goes to disk instead.
        with: {
          spec: manySpec,
          settings: { max_memory_usage: '20000000', max_bytes_ratio_before_external_group_by: 0 },
        },
        code: 'memory-limit',
      })
    })
    test('of time', async () => {
      await survives({ with: { spec: endlessSpec, settings: { max_execution_time: 1 } }, code: 'time-limit' })
    })
    test('of what may be read', async () => {
      await survives({
        with: { settings: { max_rows_to_read: '10' } },
        code: 'read-limit',
        kind: 'permanent',
      })
      await survives({ with: { settings: { max_result_rows: '1' } }, code: 'read-limit', kind: 'permanent' })
    })
    test('somebody ends the query', async () => {
      await survives({
        with: { spec: endlessSpec, queryId: 'first-exposure-to-be-ended' },
        fault: async ({ ask, response }) => {
          const answer = ask()
          await eventually(async () => {
            expect(await running(admin)).toHaveLength(1)
          })
          await admin.command({ query: "KILL QUERY WHERE query_id = 'first-exposure-to-be-ended' SYNC" })
          send(response, await answer)
        },
        code: 'cancelled',
      })
    })
    test('an id that is taken', async () => {
      const [client, other] = [node()(), node()()]
      const gone = new AbortController()
      const first = refreshExposures({
        client: other,
        spec: endlessSpec,
        experiment,
        state: good,
        now,
        queryId: 'first-exposure-taken',
        signal: gone.signal,
      })
      await eventually(async () => {
        expect(await running(admin)).toHaveLength(1)
      })
      const { outcome } = await refreshExposures({
        client,
        spec,
        experiment,
        state: good,
        now,
        queryId: 'first-exposure-taken',
      })
      expect(outcome).toMatchObject({ kind: 'transient', error: { code: 'query-id-in-use' } })
      // Whose it is cannot be known, so it runs on.
      expect(await running(admin)).toHaveLength(1)
      gone.abort()
      await first
      await Promise.all([client.close(), other.close()])
      await nothingIsLeft()
    })
  })

  describe('a server of few queries that dies', () => {
    test('its limit of concurrent queries is reached; it is killed in mid-query, and started again', async () => {
      // One is the statement that keeps the server up.
      const config = '<max_concurrent_queries>2</max_concurrent_queries>'
      let mortal = await startServer({ config })
      const path = mortal.path
      const url = mortal.url
      const client = createClient({ url, log, keep_alive: { enabled: false } })
      const busy = createClient({ url, log })
      try {
        // The server may still be answering the question whether it is up.
        await eventually(async () => {
          await fill(client)
        })
        const gone = new AbortController()
        const occupy = (): ReturnType<typeof refreshExposures> =>
          refreshExposures({
            client: busy,
            spec: endlessSpec,
            experiment,
            state: good,
            now,
            signal: gone.signal,
          })
        let first = occupy()
        let refused: Awaited<typeof first> | undefined
        await eventually(async () => {
          // Where the query below came first, it was this one that was refused: try again, and let it begin.
          if (
            (await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 100))])) !== undefined
          ) {
            first = occupy()
            await new Promise((resolve) => setTimeout(resolve, 100))
          }
          refused = await refreshExposures({ client, spec, experiment, state: good, now })
          expect(refused.outcome).toMatchObject({
            type: 'failed',
            kind: 'transient',
            error: { code: 'too-many-queries' },
          })
        })
        expect(refused && lastGood(refused.state)).toEqual(good.success)

        await mortal.kill()
        const cut = await first
        expect(cut.outcome).toMatchObject({
          type: 'failed',
          kind: 'transient',
          error: { code: 'connection-reset' },
        })
        expect(lastGood(cut.state)).toEqual(good.success)
        const dead = await refreshExposures({
          client,
          spec,
          experiment,
          state: cut.state,
          now: now + 1,
          attempt: 1,
        })
        expect(dead.outcome).toMatchObject({ kind: 'transient', error: { code: 'connection-refused' } })
        expect(lastGood(dead.state)).toEqual(good.success)

        mortal = await startServer({ config, path, ports: { http: mortal.httpPort, tcp: mortal.tcpPort } })
        const next = await refreshExposures({
          client,
          spec,
          experiment,
          state: dead.state,
          now: now + 2,
          attempt: 2,
        })
        expect(next.outcome).toEqual({ type: 'refreshed', asOf: now + 2 })
        expect(next.state.success?.summary).toEqual(truth)
      } finally {
        await busy.close()
        await client.close()
        await mortal.stop()
      }
      await nothingIsLeft()
    })
  })

  describe('an abort, while', () => {
    /** A store that tells when it is asked, and what it holds. */
    function told(when: (step: 'load' | 'claim' | 'report') => void): RefreshStore<number> {
      const store = memoryRefreshStore()
      let saves = 0
      return {
        load: async (key) => {
          when('load')
          return await store.load(key)
        },
        save: async (key, state, version) => {
          const saved = await store.save(key, state, version)
          saves++
          if (saves > 1) when(saves === 2 ? 'claim' : 'report')
          return saved
        },
      }
    }

    const points: readonly (readonly [string, string, Fault | null])[] = [
      ['the state is loaded', 'load', null],
      ['the claim is saved', 'claim', null],
      ['the query is sent', 'sent', ({ ask }) => void ask().catch(() => undefined)],
      [
        'the headers have come',
        'headers',
        spoiled((answer, { response }) => {
          writeHead(response, answer)
          response.flushHeaders()
        }),
      ],
      [
        'the body is read',
        'body',
        spoiled((answer, { response }) => {
          writeHead(response, answer)
          response.write(half(answer))
        }),
      ],
      ['the report is saved', 'report', null],
    ]

    describe.each([
      ['Node', node],
      ['Web', web],
    ])('with the %s client', (_, create) => {
      test.each(points)('%s', async (_, point, fault) => {
        const host = new AbortController()
        const store = told((step) => {
          if (step === point) host.abort(new Error('the host goes down'))
        })
        await store.save('checkout', good, null)
        const client = create()()
        proxy.fault =
          fault === null
            ? null
            : async (exchange) => {
                const spoilt = fault(exchange)
                if (point === 'sent') {
                  await eventually(async () => {
                    expect(await running(admin)).toHaveLength(1)
                  })
                } else {
                  await spoilt
                  // The client has what was sent before it hears of the abort.
                  await new Promise((resolve) => setTimeout(resolve, 30))
                }
                host.abort(new Error('the host goes down'))
              }
        const input = { client, experiment, store, key: 'checkout', now }
        const { state, outcome } = await refreshStoredExposures({
          ...input,
          spec: point === 'sent' ? endlessSpec : spec,
          signal: host.signal,
        })
        const stored = await store.load('checkout')
        expect(stored?.state).toEqual(state)
        if (point === 'report') {
          expect(outcome).toEqual({ type: 'refreshed', asOf: now })
        } else {
          expect(outcome).toEqual({ type: 'aborted' })
          expect(lastGood(state)).toEqual(good.success)
          // The claim is given back: nobody is told that a refresh is in flight.
          expect(state.requestedAt === now ? state.failure?.error.code : 'unclaimed').toBe(
            point === 'load' ? 'unclaimed' : 'aborted',
          )
          expect(refreshStatus(state, experiment, now + 1).type).not.toBe('refreshing')
          // The server ends a query some time after it was told to.
          await eventually(async () => {
            expect(await running(admin)).toEqual([])
          })
          proxy.fault = null
          const next = await refreshStoredExposures({ ...input, spec, now: now + 1, attempt: 1 })
          expect(next.outcome).toEqual({ type: 'refreshed', asOf: now + 1 })
          expect(next.state.success?.summary).toEqual(truth)
        }
        await client.close()
        await nothingIsLeft()
      })
    })
  })

  describe('a query that nobody waits for', () => {
    const rights: readonly (readonly [string, boolean])[] = [
      ['default', true],
      ['reader', true],
      ['granted', true],
      ['watched', true],
      ['granted_least', false],
    ]
    test.each(rights)('is ended as %s: %s', async (username, ended) => {
      for (const why of ['abort', 'timeout'] as const) {
        const client = createClient({ url: server.url, username, log })
        const host = new AbortController()
        const refresh = refreshExposures({
          client,
          spec: endlessSpec,
          experiment,
          state: good,
          now,
          signal: host.signal,
        })
        await eventually(async () => {
          expect(await running(admin)).toHaveLength(1)
        })
        host.abort(why === 'abort' ? undefined : new DOMException('too long', 'TimeoutError'))
        expect((await refresh).outcome).toMatchObject(
          why === 'abort' ? { type: 'aborted' } : { type: 'failed', error: { code: 'timeout' } },
        )
        await client.close()
        if (!ended) {
          // It would go on; that it is there still is what the documented right is for.
          expect(await running(admin)).toHaveLength(1)
          await admin.command({ query: "KILL QUERY WHERE query_id LIKE 'first-exposure-%' SYNC" })
        }
        await nothingIsLeft()
      }
    })

    test('is ended in all of its parts', async () => {
      const client = createClient({ url: server.url, log })
      const host = new AbortController()
      const parts = { partitions: 3, concurrency: 2 }
      const input = { client, spec: endlessSpec, experiment, state: good, now, signal: host.signal }
      const refresh = refreshExposures({ ...input, ...parts })
      await eventually(async () => {
        expect(await running(admin)).toHaveLength(2)
      })
      host.abort()
      expect((await refresh).outcome).toEqual({ type: 'aborted' })
      await client.close()
      await nothingIsLeft()
    })

    test('is ended when the client’s own time is up', async () => {
      const client = createClient({ url: server.url, log, request_timeout: 2000 })
      const { outcome } = await refreshExposures({ client, spec: endlessSpec, experiment, state: good, now })
      expect(outcome).toMatchObject({ kind: 'transient', error: { code: 'connection-timeout' } })
      await client.close()
      await nothingIsLeft()
    })
  })
})
