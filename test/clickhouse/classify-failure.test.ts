import { readFileSync } from 'node:fs'
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import * as fc from 'fast-check'
import { ExposureError, initialRefreshState, reduceRefresh, type ExposureErrorCode } from 'first-exposure'
import { classifyFailure } from 'first-exposure/clickhouse'
import { failureClasses } from '../../src/clickhouse/failure-classes.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { startServer, type EngineServer } from '../engine/server.js'

const errors = readFileSync(new URL('../../src/errors.ts', import.meta.url), 'utf8')
const source = readFileSync(new URL('../../src/clickhouse/classify-failure.ts', import.meta.url), 'utf8')

interface Row {
  readonly code: string
  readonly transient: boolean
  readonly what: string
}
const table: readonly Row[] = [...source.matchAll(/^ \* \| `([^`]+)` \| (yes|no) \| (.+) \|$/gm)].map(
  ([, code = '', transient, what = '']) => ({ code, transient: transient === 'yes', what }),
)
const row = (code: string): Row => table.find((each) => each.code === code) ?? expect.fail(code)

const numbersOf = ({ what }: Row): readonly number[] =>
  (/^ClickHouse ([\d, ]+)/.exec(what)?.[1] ?? '')
    .split(',')
    .filter((text) => text.trim() !== '')
    .map(Number)
const documentedNumbers = table.flatMap((each) => numbersOf(each).map((number) => [number, each] as const))
/** The codes of sockets and TLS; `…` stands for whatever follows. */
const documentedSockets = table.flatMap((each) =>
  (each.what.match(/\b[A-Z]+_?[A-Z_]*(?:…|\b)/g) ?? [])
    .filter((text) =>
      /^(E[A-Z]{3}|ERR_|UND_|CERT_|SELF_|UNABLE_|DEPTH_|HOSTNAME_|HPE_|CRL_|INVALID_|PATH_)/.test(text),
    )
    .map((text) => [text, each] as const),
)

const ofCode = (code: unknown, message = 'whatever'): Error => Object.assign(new Error(message), { code })
const classOf = (error: unknown): Omit<Row, 'what'> => {
  const { code, transient } = classifyFailure(error)
  return { code, transient }
}
const expected = ({ code, transient }: Row): Omit<Row, 'what'> => ({ code, transient })

describe('the table of classifyFailure', () => {
  test('is read whole', () => {
    expect(table.length).toBeGreaterThan(20)
    expect(documentedNumbers.length).toBeGreaterThan(60)
    expect(documentedSockets.length).toBeGreaterThan(20)
    expect(new Set(table.map(({ code }) => code)).size).toBe(table.length)
    expect(new Set(documentedNumbers.map(([number]) => number)).size).toBe(documentedNumbers.length)
  })

  test.each(documentedNumbers)('ClickHouse %d', (number, documented) => {
    expect(classOf(ofCode(String(number)))).toEqual(expected(documented))
    expect(classOf(ofCode(number))).toEqual(expected(documented))
    for (const text of [
      `{"quarantined":0,Code: ${number}. DB::Exception: Boom. (BOOM)`,
      `Code: ${number}. DB::NetException: Boom. (BOOM)`,
      `Code: ${number}. Coordination::Exception: Boom. (BOOM)`,
      `Poco::Exception. Code: ${number}, e.code() = 104, Connection reset by peer`,
    ]) {
      expect(classOf(new Error(text)), text).toEqual(expected(documented))
    }
    expect(classOf(new ExposureError('malformed-rows', 'cut', { exception: number }))).toEqual(
      expected(documented),
    )
  })

  test.each(documentedSockets)('%s', (text, documented) => {
    for (const code of text.endsWith('…') ? [text.replace('…', 'X'), text.replace('…', 'Y_Z')] : [text]) {
      expect(classOf(ofCode(code)), code).toEqual(expected(documented))
      // fetch says what failed in the cause; Happy Eyeballs in errors.
      expect(classOf(new TypeError('fetch failed', { cause: ofCode(code) }))).toEqual(expected(documented))
      expect(classOf(new AggregateError([new Error('…'), ofCode(code)]))).toEqual(expected(documented))
    }
  })

  test('every class and every number of the code is in it, and nothing else', () => {
    for (const { code, transient, exceptions = {} } of failureClasses) {
      expect(row(code).transient).toBe(transient)
      expect(numbersOf(row(code))).toEqual(Object.keys(exceptions).map(Number))
    }
    const others = [
      'clickhouse-N',
      'malformed-answer',
      'too-many-buckets',
      'shards-missing',
      'unreadable-column',
      'unreadable-rollup',
      'unsafe-setting',
      'unknown',
    ]
    expect(new Set([...failureClasses.map(({ code }) => code), ...others])).toEqual(
      new Set(table.map(({ code }) => code)),
    )
  })

  test('the guide to errors has the same codes, and those of the signal', () => {
    const guide = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
    const told = [...guide.matchAll(/^\| `([^`]+)` +\| (yes|no) +\|/gm)].map(([, code, transient]) => ({
      code,
      transient: transient === 'yes',
    }))
    const signal = ['timeout', 'aborted'].map((code) => ({ code, transient: true }))
    expect(new Set(told)).toEqual(new Set([...table.map(expected), ...signal]))
  })

  test('every HTTP status of the code is in it, and nothing else', () => {
    for (const { code, statuses = [] } of failureClasses) {
      const documented = /HTTP ([\d, ]+)/.exec(row(code).what)?.[1] ?? ''
      expect(documented.split(', ').filter(Boolean).map(Number), code).toEqual(statuses)
      for (const status of statuses) {
        expect(classOf(Object.assign(new Error('x'), { status }))).toEqual(expected(row(code)))
      }
    }
  })

  test('misuse is permanent and keeps its code, whatever the error says', () => {
    const codes = [...errors.matchAll(/^  \| '([^']+)'$/gm)].map(([, code = '']) => code as ExposureErrorCode)
    expect(codes.length).toBeGreaterThan(15)
    // What an answer was, and what the server does, is no misuse.
    const answered = new Map([
      ['malformed-rows', { code: 'malformed-answer', transient: true }],
      ['malformed-buckets', { code: 'malformed-answer', transient: true }],
      ['shards-missing', { code: 'shards-missing', transient: true }],
    ])
    for (const code of codes) {
      const error = new ExposureError(code, 'secret', { path: 'spec.featureName', received: 'secret' })
      expect(classOf(error), code).toEqual(answered.get(code) ?? { code, transient: false })
      expect(classOf(new Error('wrapped', { cause: error })), code).toEqual(classOf(error))
    }
    expect(classifyFailure(new ExposureError('invalid-spec', 'secret', { path: 'maxRows' })).message).toBe(
      'This refresh was asked for with something that is not usable at maxRows. Correct it.',
    )
    // A later version of this package, which is loaded beside this one, may know more codes.
    expect(classOf(new ExposureError('invalid-anything' as 'invalid-spec', ''))).toEqual({
      code: 'invalid-anything',
      transient: false,
    })
  })

  test.each(['unreadable-column', 'unreadable-rollup', 'unsafe-setting'] as const)(
    '%s says its own sentence, cut to 500',
    (code) => {
      const sentence = 'The timestamp column has the type Int64. Say what it counts.'
      expect(classifyFailure(new ExposureError(code, sentence))).toEqual({
        code,
        transient: false,
        message: sentence,
      })
      const { message } = classifyFailure(new ExposureError(code, `The type is Enum8(${'😀'.repeat(400)}).`))
      expect(message).toHaveLength(500)
      expect(message.isWellFormed()).toBe(true)
      // A state keeps it.
      const failed = { type: 'failed', asOf: 1, at: 2, error: { code, transient: false, message } } as const
      expect(reduceRefresh(initialRefreshState, failed).failure?.error.message).toBe(message)
    },
  )

  test.each([
    'Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long\n',
    'Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long (version 26.7.2.1)',
    'HTTP request URI invalid or too long',
  ])('%s is not the network', (message) => {
    expect(classOf(new Error(message))).toEqual({ code: 'query-too-large', transient: false })
    expect(classOf(ofCode('1000', message))).toEqual({ code: 'query-too-large', transient: false })
  })

  test('any other number is its own class', () => {
    for (let number = 1; number < 2000; number++) {
      const documented = documentedNumbers.find(([each]) => each === number)?.[1]
      expect(classOf(ofCode(String(number)))).toEqual(
        documented === undefined ? { code: `clickhouse-${number}`, transient: false } : expected(documented),
      )
    }
  })

  test.each([
    ['connection-reset', new Error('socket hang up')],
    ['connection-reset', new TypeError('terminated')],
    ['connection-reset', new Error('Premature close')],
    ['connection-reset', new Error('aborted')],
    ['connection-reset', new Error('other side closed')],
    [
      'connection-reset',
      new Error('Client network socket disconnected before secure TLS connection was established'),
    ],
    [
      'memory-limit',
      new Error('std::exception. Code: 1001, type: std::bad_alloc, e.what() = std::bad_alloc'),
    ],
    ['memory-limit', ofCode('1001', 'std::exception. Code: 1001, type: std::bad_alloc')],
    ['connection-timeout', new Error('Timeout error.')],
    ['connection-timeout', new DOMException('The operation was aborted due to timeout', 'TimeoutError')],
    ['malformed-answer', new SyntaxError('Unexpected token')],
    ['malformed-answer', Object.assign(new Error('unexpected end of file'), { code: 'Z_BUF_ERROR' })],
    ['malformed-answer', Object.assign(new Error('incorrect header check'), { code: 'Z_DATA_ERROR' })],
    ['malformed-answer', new Error('<html>502</html>')],
    ['malformed-answer', new ExposureError('malformed-rows', 'none')],
    ['too-many-buckets', new ExposureError('too-many-buckets', 'many')],
    ['shards-missing', new ExposureError('shards-missing', 'some', {}, { cause: ofCode('395') })],
    // The codes of a DOMException, such as 19 and 20, are the DOM's and none of ClickHouse's.
    ['connection-reset', new DOMException('A network error occurred.', 'NetworkError')],
    ['unknown', new DOMException('It is too large.', 'QuotaExceededError')],
    ['unknown', new DOMException('This operation was aborted', 'AbortError')],
    ['unknown', new Error('The user aborted a request.')],
    ['unknown', ofCode('EWHATEVER')],
    ['unknown', new AggregateError([])],
    ...[null, undefined, '', 'Code: 241.', 7, 241n, Symbol('x'), {}, [], () => undefined].map(
      (thrown) => ['unknown', thrown] as const,
    ),
  ] as const)('%s: %s', (code, error) => {
    expect(classOf(error)).toEqual(expected(row(code)))
  })

  test('std::exception of another type keeps its number', () => {
    const message = 'std::exception. Code: 1001, type: std::out_of_range, e.what() = x'
    expect(classOf(new Error(message))).toEqual({ code: 'clickhouse-1001', transient: false })
  })

  test.each([
    [31, 'memory-limit'],
    [32, 'unknown'],
  ])('below %d wrappers: %s', (wrappers, code) => {
    let error: Error = ofCode('241')
    for (let i = 0; i < wrappers; i++) error = new Error('wrapped', { cause: error })
    expect(classOf(error).code).toBe(code)
  })

  test('a sentence of exactly 500 characters is whole', () => {
    const sentence = 'x'.repeat(500)
    expect(classifyFailure(new ExposureError('unsafe-setting', sentence)).message).toBe(sentence)
  })

  test.each(
    [
      '<h1',
      '<title',
      '<h1>',
      '<h1> ',
      'Code: 1. ',
      'Code: 1. Exception',
      '[ Id: ]: ',
      '[ Id: ]: limits for user "',
      '[ Id: ]: timeout for cluster user "x" ',
      '{"message":"',
      '503 ',
      'error code: ',
      'HTTP/1.1',
      'Service Unavailable ',
    ].map((part) => [part]),
  )('a long answer is classified in no time: %s', (part) => {
    const begun = performance.now()
    for (const message of [
      part.repeat(60_000),
      `${part}${' '.repeat(200_000)}x`,
      `${part}${'Exception'.repeat(20_000)}x`,
    ])
      classifyFailure(new Error(message))
    expect(performance.now() - begun).toBeLessThan(1000)
  })

  test('the nearest cause that is known decides, and cycles end', () => {
    expect(classOf(new Error('a', { cause: new Error('b', { cause: ofCode('241') }) })).code).toBe(
      'memory-limit',
    )
    expect(classOf(Object.assign(ofCode('60'), { cause: ofCode('241') })).code).toBe('unknown-table')
    const one = new Error('one')
    const other = new Error('other', { cause: one })
    one.cause = other
    expect(classOf(one).code).toBe('unknown')
    const many = new AggregateError([other, one, ofCode('ECONNREFUSED')], 'many', { cause: one })
    one.cause = many
    expect(classOf(one).code).toBe('connection-refused')
    let deep: Error = ofCode('241')
    for (let i = 0; i < 100_000; i++) deep = new Error('deeper', { cause: deep })
    expect(classOf(deep).code).toBe('unknown')
  })

  test('nothing of the error’s own text comes out', () => {
    const secret = fc.stringMatching(/^[a-z]{4}[0-9]{4}[a-z]{4}$/)
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom(
          ...documentedNumbers.map(([number]) => String(number)),
          ...documentedSockets.map(([text]) => text),
          '7',
          'EODD',
          undefined,
        ),
        fc.constantFrom(
          (s: string) => `SELECT ${s} FROM t WHERE feature = '${s}'`,
          (s: string) => `connect ECONNREFUSED ${s}.example:8123`,
          (s: string) => `Code: 516. DB::Exception: ${s}: Authentication failed (AUTHENTICATION_FAILED)`,
          (s: string) => `<html>http://user:${s}@host/</html>`,
        ),
        (hidden, code, text) => {
          const inner = Object.assign(new Error(text(hidden)), {
            code,
            hostname: hidden,
            address: hidden,
            type: hidden,
          })
          for (const error of [
            inner,
            new Error(hidden, { cause: inner }),
            new AggregateError([inner], hidden),
            ofCode(hidden, hidden),
          ]) {
            const failure = classifyFailure(error)
            expect(JSON.stringify(failure)).not.toContain(hidden)
            expect(Object.keys(failure)).toEqual(['code', 'transient', 'message'])
            expect(failure.code).toMatch(/^[\w.-]{1,64}$/)
            expect(failure.message.length).toBeLessThanOrEqual(500)
            expect(Object.isFrozen(failure)).toBe(true)
          }
        },
      ),
      { numRuns: runs(300) },
    )
  })
})

describe.skipIf(!engineAvailable)('the numbers, as the engine has them', () => {
  let server: EngineServer
  let client: ClickHouseClient
  const log = { level: ClickHouseLogLevel.OFF }
  beforeAll(async () => {
    server = await startServer()
    client = createClient({ url: server.url, log })
    await client.command({ query: 'CREATE DATABASE exposures' })
    await client.command({ query: 'CREATE TABLE exposures.t (a UInt8) ENGINE = Memory' })
  })
  afterAll(async () => {
    await client.close()
    await server.stop()
  })

  test('have the names that stand beside them', async () => {
    const coded = failureClasses.flatMap(({ exceptions = {} }) => Object.entries(exceptions))
    const answer = await client.query({
      query: 'SELECT arrayMap(number -> errorCodeToName(number), {numbers:Array(UInt32)}) AS names',
      query_params: { numbers: coded.map(([number]) => Number(number)) },
      format: 'JSONEachRow',
    })
    const [{ names } = { names: [] }] = await answer.json<{ names: string[] }>()
    expect(coded.map(([number], index) => [number, names[index]])).toEqual(coded)
  })

  const heavy = 'SELECT uniqExact(number) FROM numbers(100000000000)'
  test.each([
    ['authentication', 'SELECT 1', {}, { username: 'nobody', password: 'wrong' }],
    ['access-denied', 'SELECT * FROM system.processes', {}, { username: 'granted_least' }],
    ['unknown-database', 'SELECT * FROM no_such_database.t', {}, {}],
    ['unknown-table', 'SELECT * FROM exposures.no_such_table', {}, {}],
    ['unknown-column', 'SELECT no_such_column FROM exposures.t', {}, {}],
    ['invalid-query', 'SELECT FROM WHERE', {}, {}],
    ['invalid-query', 'SELECT no_such_function(1)', {}, {}],
    ['invalid-query', 'SELECT toStartOfDay()', {}, {}],
    ['invalid-query', "SELECT toStartOfDay('x')", {}, {}],
    ['invalid-query', "SELECT toStartOfDay(now(), 'Nowhere')", {}, {}],
    ['invalid-query', 'SELECT sum(sum(a)) FROM exposures.t', {}, {}],
    ['invalid-query', 'SELECT a, sum(a) FROM exposures.t', {}, {}],
    ['invalid-query', "SELECT [1, 'a']", {}, {}],
    ['invalid-query', 'SELECT {missing:String}', {}, {}],
    ['invalid-query', 'SELECT 1', { no_such_setting: '1' }, {}],
    ['readonly', 'SELECT 1', { max_threads: '1' }, { username: 'reader' }],
    ['read-limit', 'SELECT count() FROM numbers(100000)', { max_rows_to_read: '10' }, {}],
    ['read-limit', 'SELECT count() FROM numbers(100000)', { max_bytes_to_read: '10' }, {}],
    ['read-limit', 'SELECT number FROM numbers(100000)', { max_result_rows: '10' }, {}],
    [
      'memory-limit',
      'SELECT groupArray(number) FROM numbers(100000000)',
      { max_memory_usage: '10000000' },
      {},
    ],
    ['time-limit', heavy, { max_execution_time: 0.2, max_memory_usage: '0' }, {}],
    ['network', "SELECT * FROM remote('127.0.0.1:1', system.one)", {}, {}],
    ['network', "SELECT * FROM remote('no-such-host.invalid', system.one)", {}, {}],
    [
      'keeper',
      "CREATE TABLE exposures.r (a UInt8) ENGINE = ReplicatedMergeTree('/a', 'b') ORDER BY a",
      {},
      {},
    ],
  ] as const)('%s is what it says to %s', async (code, query, settings, as) => {
    const asked = createClient({ url: server.url, log, ...as })
    const thrown: unknown = await asked
      .query({
        query,
        clickhouse_settings: settings as Record<string, string | number>,
        format: 'JSONEachRow',
      })
      .then(
        async (answer) => await answer.json(),
        (error: unknown) => error,
      )
    await asked.close()
    expect(thrown).toBeInstanceOf(Error)
    expect(classOf(thrown)).toEqual(expected(row(code)))
  })
})
