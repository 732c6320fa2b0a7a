import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { createClient as createWebClient } from '@clickhouse/client-web'
import { exposureSpec, exposureWindow, initialRefreshState } from 'first-exposure'
import { classifyFailure, fetchExposuresSummary, refreshExposures } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const log = { level: ClickHouseLogLevel.OFF }
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')

const nginx = (title: string): string =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/1.27.2</center>\r\n</body>\r\n</html>\r\n`
const haproxy = (status: string, text: string): string =>
  `<html><body><h1>${status}</h1>\n${text}\n</body></html>\n`
const chproxy = (text: string): string =>
  `[ Id: 17A2B3C4D5E6F709; User "web"(1) proxying as "reader"(1) to "10.20.30.40:8123"(3); RemoteAddr: "10.20.30.41:51234"; LocalAddr: "10.20.30.42:8123"; Duration: 12 μs]: ${text}`

/** What gateways answer instead of ClickHouse: the status, the body, and what it means. */
const answers: readonly (readonly [code: string, transient: boolean, status: number, body: string])[] = [
  // Too busy.
  ['too-many-queries', true, 429, 'Too Many Requests'],
  ['too-many-queries', true, 429, '429 Too Many Requests\n'],
  ['too-many-queries', true, 429, nginx('429 Too Many Requests')],
  ['too-many-queries', true, 429, 'local_rate_limited'],
  ['too-many-queries', true, 429, 'Too Many Sessions'],
  ['too-many-queries', true, 429, '{"message":"API rate limit exceeded"}'],
  ['too-many-queries', true, 429, '{"message":"Limit Exceeded"}'],
  ['too-many-queries', true, 429, 'error code: 1015'],
  [
    'too-many-queries',
    true,
    429,
    chproxy('limits for user "web" are exceeded: max_concurrent_queries limit: 4'),
  ],
  [
    'too-many-queries',
    true,
    429,
    'limits for cluster user "web" are exceeded: max_concurrent_queries limit: 1; query: "SELECT 1"',
  ],
  [
    'too-many-queries',
    true,
    429,
    chproxy('rate limit for user "web" is exceeded: requests_per_minute limit: 100'),
  ],
  // Too large.
  ['query-too-large', false, 413, 'Request Entity Too Large'],
  ['query-too-large', false, 413, 'Payload Too Large'],
  ['query-too-large', false, 413, nginx('413 Request Entity Too Large')],
  ['query-too-large', false, 414, 'URI Too Long'],
  ['query-too-large', false, 414, nginx('414 Request-URI Too Large')],
  ['query-too-large', false, 431, 'Request Header Fields Too Large'],
  ['query-too-large', false, 400, nginx('400 Request Header Or Cookie Too Large')],
  // Not allowed.
  ['gateway-refused', false, 401, 'Unauthorized'],
  ['gateway-refused', false, 401, nginx('401 Authorization Required')],
  ['gateway-refused', false, 401, 'Jwt is missing'],
  ['gateway-refused', false, 401, '{"message":"Unauthorized"}'],
  ['gateway-refused', false, 401, chproxy('invalid username or password for user "web"')],
  ['gateway-refused', false, 403, '403 Forbidden'],
  ['gateway-refused', false, 403, 'Forbidden'],
  ['gateway-refused', false, 403, nginx('403 Forbidden')],
  ['gateway-refused', false, 403, 'RBAC: access denied'],
  ['gateway-refused', false, 403, 'user "web" is not allowed to access'],
  // Not there.
  ['unavailable', true, 502, 'Bad Gateway'],
  ['unavailable', true, 502, '502 Bad Gateway'],
  ['unavailable', true, 502, nginx('502 Bad Gateway')],
  ['unavailable', true, 502, 'error code: 502'],
  [
    'unavailable',
    true,
    502,
    '<html><head><title>502 Server Error</title></head><body><h1>Error: Server Error</h1></body></html>',
  ],
  ['unavailable', true, 502, chproxy('cannot reach 10.20.30.40:8123')],
  ['unavailable', true, 503, 'Service Unavailable'],
  ['unavailable', true, 503, 'no healthy upstream'],
  [
    'unavailable',
    true,
    503,
    'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
  ],
  [
    'unavailable',
    true,
    503,
    haproxy('503 Service Unavailable', 'No server is available to handle this request.'),
  ],
  ['unavailable', true, 503, '{"message":"Service Unavailable"}'],
  ['unavailable', true, 503, '{"error":{"code":503,"message":"The service is currently unavailable."}}'],
  ['unavailable', true, 503, ''],
  ['unavailable', true, 500, 'Internal Server Error'],
  ['gateway-timeout', true, 504, 'upstream request timeout'],
  ['gateway-timeout', true, 504, 'Gateway Timeout'],
  ['gateway-timeout', true, 504, nginx('504 Gateway Time-out')],
  ['gateway-timeout', true, 504, haproxy('504 Gateway Time-out', "The server didn't respond in time.")],
  ['gateway-timeout', true, 504, '{"message": "Endpoint request timed out"}'],
  ['gateway-timeout', true, 504, chproxy('timeout for user "web" exceeded: 10s')],
  ['gateway-timeout', true, 524, '<html><head><title>524: A timeout occurred</title></head></html>'],
  ['not-clickhouse', false, 404, '404 page not found\n'],
  ['not-clickhouse', false, 404, 'default backend - 404'],
  ['not-clickhouse', false, 404, nginx('404 Not Found')],
  ['not-clickhouse', false, 405, nginx('405 Not Allowed')],
  ['not-clickhouse', false, 400, nginx('400 The plain HTTP request was sent to HTTPS port')],
  ['not-clickhouse', false, 400, 'Client sent an HTTP request to an HTTPS server.\n'],
  // ClickHouse's own words stay what they are, whatever stands between passes them on with.
  [
    'memory-limit',
    true,
    502,
    'Code: 241. DB::Exception: Memory limit exceeded (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)\n',
  ],
  // And nothing is guessed.
  ['unknown', true, 400, 'Something that nobody has seen before'],
  ['unknown', true, 418, '502 rows were not what we wanted'],
  ['unknown', true, 418, 'Not Found Anywhere Else'],
]

describe('a gateway that answers instead of ClickHouse', () => {
  let server: Server
  let url = ''
  let answer: { readonly status: number; readonly body: string }
  const asked: string[] = []
  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        asked.push(Buffer.concat(chunks).toString())
        response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.body)
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  describe.each([
    ['Node', () => createClient({ url, log })],
    ['Web', () => createWebClient({ url, log })],
  ])('as the %s client tells it', (_, create) => {
    test.each(answers)('%s, transient %s: %d %j', async (code, transient, status, body) => {
      answer = { status, body }
      const client = create()
      const thrown: unknown = await fetchExposuresSummary(client, spec, window).catch((each: unknown) => each)
      await client.close()
      const failure = classifyFailure(thrown)
      expect(failure).toMatchObject({ code, transient })
      // Nothing of the gateway's own text comes out.
      expect(failure.message).not.toMatch(/web|nginx|10\.20/)
    })
  })

  test.each([
    ['504 Gateway Timeout', 1],
    ['503 Service Unavailable', 1],
    ['429 Too Many Requests', 0],
    ['413 Payload Too Large', 0],
  ])('after %s, %d KILL QUERY', async (body, kills) => {
    answer = { status: Number(body.slice(0, 3)), body }
    asked.length = 0
    const client = createClient({ url, log })
    const { outcome } = await refreshExposures({
      client,
      spec,
      experiment: { startedAt: window.startMs, endedAt: null },
      state: initialRefreshState,
      now: window.asOfMs,
    })
    await client.close()
    expect(outcome).toMatchObject({ type: 'failed' })
    // The query may run on behind a gateway that gave up.
    expect(asked.filter((query) => query.includes('KILL QUERY'))).toHaveLength(kills)
  })

  test('407, of which fetch keeps nothing', async () => {
    answer = { status: 407, body: 'Proxy Authentication Required' }
    const client = createClient({ url, log })
    const thrown: unknown = await fetchExposuresSummary(client, spec, window).catch((each: unknown) => each)
    await client.close()
    expect(classifyFailure(thrown)).toMatchObject({ code: 'gateway-refused', transient: false })
  })

  test.each([
    ['gateway-refused', 'Authentication Required'],
    ['gateway-refused', 'Access Denied'],
    ['not-clickhouse', 'Method Not Allowed'],
    ['gateway-timeout', 'Request Timeout'],
    ['gateway-timeout', 'stream timeout'],
    ['query-too-large', 'Content Too Large'],
    ['unavailable', '503 Service Temporarily Unavailable'],
    ['unavailable', 'Service Temporarily Unavailable'],
    ['unavailable', 'overloaded'],
    ['unavailable', '[ Id: 17A2; User "web"]: unable to reach address'],
  ])('%s by its words alone: %s', (code, message) => {
    expect(classifyFailure(new Error(message)).code).toBe(code)
  })

  test('an error without a word is a gateway’s answer only by itself', () => {
    expect(classifyFailure(new Error(''))).toMatchObject({ code: 'unavailable', transient: true })
    for (const other of [
      new Error('fetch failed', { cause: new Error('') }),
      new Error('', { cause: new Error('something') }),
      new TypeError(''),
      Object.assign(new Error(''), { code: 'EWHATEVER' }),
      // A client that keeps the body of an answer as its message.
      Object.assign(new Error(), { message: undefined }),
      Object.assign(new Error(), { message: { error: 'something' } }),
    ]) {
      expect(classifyFailure(other)).toMatchObject({ code: 'unknown', transient: true })
    }
  })

  test('an object that breaks off says no status', () => {
    expect(classifyFailure(new Error('{"message":"502 Bad Gate'))).toMatchObject({ code: 'unknown' })
  })

  test.each(['status', 'statusCode'])('other clients keep the status in the field %s', (field) => {
    const thrown = Object.assign(new Error('Request failed'), { [field]: 503 })
    expect(classifyFailure(thrown)).toMatchObject({ code: 'unavailable', transient: true })
    expect(classifyFailure(new Error('wrapped', { cause: thrown }))).toMatchObject({ code: 'unavailable' })
  })
})
