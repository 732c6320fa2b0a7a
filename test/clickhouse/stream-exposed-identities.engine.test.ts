import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { createClient as createWebClient } from '@clickhouse/client-web'
import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposedIdentity,
  type ExposureSpec,
  type SourceColumn,
} from 'first-exposure'
import {
  streamExposedIdentities,
  type ExposureStreamClient,
  type StreamExposedIdentitiesOptions,
} from 'first-exposure/clickhouse'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { startFaultProxy, writeHead, type Fault, type FaultProxy } from '../engine/fault-proxy.js'
import { startServer, type EngineServer } from '../engine/server.js'

const log = { level: ClickHouseLogLevel.OFF }
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const many = 400_000
const specOf = (table: string, more: Partial<ExposureSpec> = {}): ExposureSpec =>
  exposureSpec({
    environmentKey: 'prod',
    featureName: 'checkout',
    source: { table: { database: 'exposures', table } },
    ...more,
  })
const views: readonly (readonly [name: string, identifier: string, variant: string, events: number])[] = [
  ['some', `concat('π', toString(number % 700), '\\t"\\n')`, `toString(number % 3)`, 1000],
  ['many', `concat('user-', hex(cityHash64(number)))`, `toString(number % 2)`, many],
  ['endless', 'toString(number % 10)', `'b'`, 100_000_000_000],
]

describe.skipIf(!engineAvailable)('a stream from a real server', () => {
  let server: EngineServer
  let admin: ClickHouseClient
  let proxy: FaultProxy
  beforeAll(async () => {
    server = await startServer()
    admin = createClient({ url: server.url, log, keep_alive: { enabled: false } })
    await admin.command({ query: 'CREATE DATABASE IF NOT EXISTS exposures' })
    for (const [view, identifier, variant, events] of views) {
      await admin.command({
        query: `CREATE VIEW exposures.${view} AS
          SELECT 'prod' AS environment_key, '$flag_exposure' AS event, 'checkout' AS feature_name,
            toDateTime64('2026-06-01 12:00:00', 3, 'UTC') + toIntervalMillisecond(number % 100000) AS timestamp,
            ${identifier} AS identifier, ${variant} AS value
          FROM numbers(${events})`,
      })
    }
    proxy = await startFaultProxy(server.httpPort)
  })
  afterAll(async () => {
    await proxy.refuse()
    await admin.close()
    await server.stop()
  })
  beforeEach(() => {
    proxy.fault = null
  })

  const gone = async (): Promise<void> => {
    const query = "SELECT query_id FROM system.processes WHERE query_id LIKE 'first-exposure-%'"
    await expect
      .poll(async () => await (await admin.query({ query, format: 'JSONEachRow' })).json(), {
        timeout: 15_000,
        interval: 50,
      })
      .toEqual([])
  }
  const running = async (): Promise<void> => {
    const query = "SELECT count() AS n FROM system.processes WHERE query_id LIKE 'first-exposure-%'"
    await expect
      .poll(async () => await (await admin.query({ query, format: 'JSONEachRow' })).json(), {
        timeout: 15_000,
        interval: 20,
      })
      .not.toEqual([{ n: 0 }])
  }

  test('identifiers that are no text are refused, as they would look alike, and their digits are read', async () => {
    const identity = trustedSql`unhex(concat('F', toString(cityHash64(identifier) % 7)))`
    const read = async (identity: SourceColumn, settings = {}): Promise<Set<unknown>> => {
      const { source } = specOf('some')
      const spec = specOf('some', { source: { ...source, columns: { ...source.columns, identity } } })
      const found = new Set<unknown>()
      for await (const each of streamExposedIdentities(admin, spec, window, { settings }))
        found.add(each.identity)
      return found
    }
    for (const enable_analyzer of [0, 1]) {
      await expect(read(identity, { enable_analyzer })).rejects.toMatchObject({
        code: 'unreadable-column',
        details: { column: 'identity', type: 'String' },
        message: expect.stringContaining('trustedSql`hex(identity)`') as unknown,
      })
      const digits = trustedSql`concat('F', toString(cityHash64(identifier) % 7))`
      expect(await read(digits, { enable_analyzer })).toEqual(
        new Set(['F0', 'F1', 'F2', 'F3', 'F4', 'F5', 'F6']),
      )
    }
  })

  describe.each<
    [
      name: string,
      connect: (url: string, username?: string) => ExposureStreamClient & { close(): Promise<void> },
    ]
  >([
    ['Node', (url, username = 'default') => createClient({ url, username, log })],
    [
      'Node, with compression',
      (url, username = 'default') => createClient({ url, username, log, compression: { response: true } }),
    ],
    ['Web', (url, username = 'default') => createWebClient({ url, username, log })],
  ])('through the %s client', (name, connect) => {
    let client: ExposureStreamClient & { close(): Promise<void> }
    const withClient = async <Value>(
      url: string,
      use: () => Promise<Value>,
      username?: string,
    ): Promise<Value> => {
      client = connect(url, username)
      try {
        return await use()
      } finally {
        await client.close()
        proxy.hangUp()
      }
    }
    const read = async (
      spec: ExposureSpec,
      options: StreamExposedIdentitiesOptions = {},
    ): Promise<readonly ExposedIdentity[]> => {
      const all: ExposedIdentity[] = []
      for await (const each of streamExposedIdentities(client, spec, window, options)) all.push(each)
      return all
    }
    const inOrder = (all: readonly ExposedIdentity[]): readonly ExposedIdentity[] =>
      [...all].sort((a, b) => (a.identity < b.identity ? -1 : 1))

    test.each([
      ['default', 'quarantine', 1],
      ['reader', 'first-seen', 1],
      ['reader', 'quarantine', 3],
    ] as const)(
      'gives %s the rows of the query, under %s, in %i parts',
      async (user, multiVariant, partitions) => {
        const spec = specOf('some', { multiVariant })
        const dimensions = ['event']
        const answer = await admin.query(exposedIdentitiesQuery(spec, window, { dimensions }))
        const expected = inOrder(decodeExposedIdentityRows(await answer.json<object>()))
        expect(expected).toHaveLength(700)
        await withClient(
          server.url,
          async () => {
            expect(inOrder(await read(spec, { dimensions, partitions }))).toEqual(expected)
            // No identity has passed the filter.
            const none = { ...spec, filters: [{ column: 'event', equals: 'x' }] }
            expect(await read(none, { partitions })).toEqual([])
          },
          user,
        )
      },
    )

    test('takes a parameter that is too long for the URL', async () => {
      const list = Array.from({ length: 9000 }, (_, index) => `%%${index}%%`)
      await withClient(server.url, async () => {
        const spec = specOf('some', { filters: [{ column: 'event', notIn: list }] })
        expect(await read(spec)).toHaveLength(700)
      })
    })

    test.each<[what: string, fault: Fault, error: object]>([
      [
        'a connection cut in mid-stream',
        async ({ ask, response, socket }) => {
          const { body, ...head } = await ask()
          writeHead(response, head)
          response.write(body.subarray(0, body.length / 2))
          setTimeout(() => socket.destroy(), 50)
        },
        {},
      ],
      [
        'an answer that ends cleanly in a row',
        async ({ ask, response }) => {
          const { body, ...head } = await ask()
          writeHead(response, head)
          response.end(body.subarray(0, body.length / 2))
        },
        { code: 'malformed-rows' },
      ],
      [
        'an answer that ends cleanly between two rows',
        async ({ ask, response }) => {
          const { body, ...head } = await ask()
          writeHead(response, head)
          response.end(body.subarray(0, body.lastIndexOf(10, body.length / 2) + 1))
        },
        { code: 'malformed-rows', details: { row: expect.any(Number) } },
      ],
      [
        'an answer without its last row',
        async ({ ask, response }) => {
          const { body, ...head } = await ask()
          writeHead(response, head)
          const end = body.lastIndexOf('\n\t],')
          const begin = body.lastIndexOf(',\n', end)
          response.end(Buffer.concat([body.subarray(0, begin), body.subarray(end)]))
        },
        { code: 'malformed-rows' },
      ],
    ])('%s is an error, and nothing is left', async (_, fault, error) => {
      proxy.fault = fault
      await withClient(proxy.url, async () => {
        await expect(read(specOf('some'))).rejects.toMatchObject(error)
      })
      await gone()
    })

    test('an exception of the server in mid-stream is an error', async () => {
      await withClient(server.url, async () => {
        const settings = { max_result_rows: '150000', max_block_size: '10000' }
        // 396 is TOO_MANY_ROWS_OR_BYTES. A newer server also ends the connection, so a client may only see that.
        let seen = 0
        const loop = async (): Promise<void> => {
          for await (const _ of streamExposedIdentities(client, specOf('many'), window, { settings })) seen++
        }
        await expect(loop()).rejects.toSatisfy((error) =>
          /error 396|ECONNRESET|aborted|terminated|max_result_rows|exceeded/i.test(String(error)),
        )
        expect(seen).toBeLessThan(many)
      })
      await gone()
    })

    test('an abort before the first row ends the statement', async () => {
      const controller = new AbortController()
      await withClient(server.url, async () => {
        const reading = read(specOf('endless'), { signal: controller.signal })
        await running()
        controller.abort('enough')
        await expect(reading).rejects.toBe('enough')
        await gone()
      })
    })

    test('an abort, a break and an error in mid-stream end it too', async () => {
      for (const end of ['abort', 'break', 'throw']) {
        const controller = new AbortController()
        await withClient(server.url, async () => {
          const loop = async (): Promise<void> => {
            for await (const _ of streamExposedIdentities(client, specOf('many'), window, {
              signal: controller.signal,
            })) {
              if (end === 'abort') controller.abort('enough')
              if (end === 'break') break
              if (end === 'throw') throw new Error('enough')
            }
          }
          if (end === 'break') await loop()
          else await expect(loop()).rejects.toSatisfy((error) => String(error).includes('enough'))
          await gone()
        })
      }
    })

    test('a slow loop slows down the server, and memory stays flat', async () => {
      await withClient(server.url, async () => {
        const queryId = `first-exposure-slow-${crypto.randomUUID()}`
        let seen = 0
        let most = 0
        let before = 0
        for await (const _ of streamExposedIdentities(client, specOf('many'), window, { queryId })) {
          seen++
          if (seen === 10_000) {
            before = process.memoryUsage().rss
            await new Promise((resolve) => setTimeout(resolve, 1500))
            most = process.memoryUsage().rss
            const answer = await admin.query({
              query: 'SELECT count() AS n FROM system.processes WHERE query_id = {id:String}',
              query_params: { id: queryId },
              format: 'JSONEachRow',
            })
            // The rest of the answer waits on the server. Compressed, all of it may fit the sockets.
            if (!name.includes('compression')) expect(await answer.json()).toEqual([{ n: 1 }])
          }
        }
        expect(seen).toBe(many)
        expect(most - before).toBeLessThan(32 * 2 ** 20)
      })
    })
  })
})
