import { getEventListeners } from 'node:events'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import {
  decodeExposedIdentityRows,
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposedIdentity,
} from 'first-exposure'
import {
  streamExposedIdentities,
  type ByteStream,
  type ExposureStreamClient,
  type StreamExposedIdentitiesOptions,
} from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'
import { anyKey } from '../arbitraries/exposure-events.js'
import { runs } from '../arbitraries/runs.js'
import { refusalOf } from '../refusal-of.js'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const own = ['identity', 'variant', 'first_exposure', 'quarantined', 'first_variant']

type Cells = readonly (string | number | null)[]
const rowOf = (identity: string | number, variant = 'control'): Cells => [
  identity,
  variant,
  '2026-06-01 08:00:00.250000000',
  0,
  variant,
]
const three = [rowOf('ann'), rowOf(7), rowOf('bob', 'b')]

/** An answer in JSONCompact, as ClickHouse writes it. */
function answerOf(rows: readonly Cells[], names: readonly string[] = own, more = ''): string {
  const meta = names.map(
    (name) => `\t\t{\n\t\t\t"name": ${JSON.stringify(name)},\n\t\t\t"type": "String"\n\t\t}`,
  )
  return `{
\t"meta":
\t[
${meta.join(',\n')}
\t],

\t"data":
\t[
${rows.map((row) => `\t\t${JSON.stringify(row)}`).join(',\n')}
\t],
${more}
\t"rows": ${rows.length},

\t"statistics":
\t{
\t\t"elapsed": 0.001,
\t\t"rows_read": 3,
\t\t"bytes_read": 99
\t}
}
`
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const chunksOf = (bytes: Uint8Array, cuts: readonly number[] = []): readonly Uint8Array[] => {
  const edges = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end))
}
const streams: Readonly<Record<string, (chunks: readonly Uint8Array[]) => ByteStream>> = {
  'a Readable': (chunks) => Readable.from(chunks.filter(({ length }) => length > 0)),
  'a web stream': (chunks) =>
    new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const chunk of chunks) controller.enqueue(chunk)
        controller.close()
      },
    }),
  'an iterable': async function* (chunks) {
    yield* chunks
  },
}

/** A client that answers with this stream, and what it was asked. */
function clientOf(stream: () => ByteStream, more: object = {}) {
  const asked: Parameters<ExposureStreamClient['exec']>[0][] = []
  const killed: unknown[] = []
  const client: ExposureStreamClient = {
    query: async ({ query, query_params }) => {
      expect(query).toContain('KILL QUERY')
      killed.push(query_params['query_id'])
      return { json: async () => [] }
    },
    exec: async (params) => {
      asked.push(params)
      return { stream: stream(), ...more }
    },
  }
  return { client, asked, killed }
}
const answering = (text: string, more: object = {}) =>
  clientOf(() => Readable.from(chunksOf(bytesOf(text))), more)

async function read(
  client: ExposureStreamClient,
  options: StreamExposedIdentitiesOptions = {},
): Promise<readonly ExposedIdentity[]> {
  const all: ExposedIdentity[] = []
  for await (const each of streamExposedIdentities(client, spec, window, options)) all.push(each)
  return all
}

const expectedOf = (rows: readonly Cells[], names = own): readonly ExposedIdentity[] =>
  decodeExposedIdentityRows(
    rows.map((cells) => Object.fromEntries(names.map((name, place) => [name, cells[place]]))),
  )

describe('the rows of a stream', () => {
  const cell = fc.option(anyKey)
  const identities = fc.array(
    fc.record({
      identity: fc.oneof(anyKey, fc.integer({ min: 0 })),
      variant: anyKey,
      quarantined: fc.boolean(),
      at: fc.date({ min: new Date('1970-01-02'), max: new Date('2106-01-01'), noInvalidDate: true }),
      cells: fc.tuple(cell, cell),
    }),
    { maxLength: 12 },
  )
  const names = fc.constantFrom(own, [...own, '__proto__', 'country'])
  const answers = fc.tuple(identities, names).map(([all, columns]) => ({
    columns,
    rows: all.map(({ identity, variant, quarantined, at, cells }): Cells => {
      const instant = at.toISOString().replace('T', ' ').replace('Z', '000000')
      const usual = [identity, quarantined ? null : variant, instant, quarantined ? 1 : 0, variant]
      return [...usual, ...cells].slice(0, columns.length)
    }),
  }))

  test('are those of the decoder, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        answers,
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.constantFrom(...Object.entries(streams)),
        async ({ rows, columns }, cuts, [, streamOf]) => {
          const bytes = bytesOf(answerOf(rows, columns))
          const { client, killed } = clientOf(() => streamOf(chunksOf(bytes, cuts)))
          const all = await read(client)
          expect(all).toEqual(expectedOf(rows, columns))
          for (const each of all) expect(Object.isFrozen(each) && Object.isFrozen(each.dimensions)).toBe(true)
          expect(killed).toEqual([])
        },
      ),
      { numRuns: runs(100) },
    )
  })

  test('an answer that ends anywhere before its end is an error, never a short list', async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.nat(), fc.nat(), async ({ rows, columns }, length, cut) => {
        const bytes = bytesOf(answerOf(rows, columns).trimEnd())
        const begun = bytes.subarray(0, length % bytes.length)
        const { client, killed } = clientOf(() =>
          Readable.from(chunksOf(begun, [cut]).filter(({ length }) => length > 0)),
        )
        await expect(read(client)).rejects.toMatchObject({ code: 'malformed-rows' })
        expect(killed).toHaveLength(1)
      }),
      { numRuns: runs(100) },
    )
  })

  test('a row that is missing between two others is noticed', async () => {
    const { client } = answering(answerOf(three).replace(`\t\t${JSON.stringify(three[1])},\n`, ''))
    await expect(read(client)).rejects.toThrow('The answer has 2 rows, and the server has counted 3.')
  })

  const exception = 'Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)'
  const cutAfterTwo = answerOf(three).slice(0, answerOf(three).indexOf('\t\t["bob"'))
  test.each<[form: string, text: string, row: number]>([
    ['an old server', `${cutAfterTwo}${exception}`, 2],
    ['an old server, in a row', `${cutAfterTwo}\t\t["bo${exception}`, 2],
    ['a server of 23.9', answerOf(three.slice(0, 2), own, `\n\t"exception": "${exception}",\n`), 2],
    [
      'a new server',
      `${cutAfterTwo}\r\n__exception__\r\nabcdefghijklmnop\r\n${exception}\n88 abcdefghijklmnop\r\n__exception__\r\n`,
      2,
    ],
    ['a server before the first row', exception, 0],
  ])('an exception after the first rows is recognised: %s', async (_, text, row) => {
    await expect(read(answering(text).client)).rejects.toMatchObject({
      code: 'malformed-rows',
      details: { row, exception: 241 },
    })
  })

  test.each([
    ['a page', '<html>\n<body>Bad Gateway</body>\n</html>\n'],
    ['rows in another format', `${JSON.stringify({ identity: 'ann' })}\n`],
    ['the answer to another query', answerOf([['x']], ['other'])],
    ['columns that are no JSON', answerOf(three).replace('"name"', '"name')],
    ['nothing', ''],
  ])('%s is refused', async (_, text) => {
    await expect(read(answering(text).client)).rejects.toMatchObject({ code: 'malformed-rows' })
  })

  test('a cell that the query cannot return is refused, by row and column', async () => {
    const rows = [rowOf('ann'), ['bob', 'b', '2026-02-30 08:00:00.250000000', 0, 'b']]
    await expect(read(answering(answerOf(rows)).client)).rejects.toMatchObject({
      code: 'malformed-rows',
      details: { row: 1, column: 'first_exposure' },
    })
    const short = [rowOf('ann').slice(0, 4)]
    await expect(read(answering(answerOf(short)).client)).rejects.toMatchObject({
      details: { row: 0, column: 'first_variant' },
    })
  })

  test('an answer with the id of another query of this library is refused', async () => {
    const { client } = answering(answerOf(three), { query_id: 'first-exposure-other' })
    await expect(read(client)).rejects.toThrow('the id of another query')
  })
})

describe('how it asks', () => {
  test('asks one statement, under an id of its own', async () => {
    const { client, asked } = answering(answerOf(three))
    await read(client, { settings: { max_threads: 1 } })
    expect(asked).toHaveLength(1)
    expect(asked[0]?.query).toMatch(/\nFORMAT JSONCompact$/)
    expect(asked[0]?.query_id).toMatch(/^first-exposure-[0-9a-f-]{36}$/)
    expect(asked[0]).toMatchObject({
      query_params: { feature_name: 'checkout' },
      clickhouse_settings: { max_threads: 1 },
    })
  })

  test('asks for partitions one after another, each once the one before is read', async () => {
    const { client, asked } = answering(answerOf(three))
    let seen = 0
    for await (const _ of streamExposedIdentities(client, spec, window, { partitions: 3, queryId: 'who' })) {
      expect(asked).toHaveLength(1 + Math.floor(seen++ / three.length))
    }
    expect(seen).toBe(9)
    expect(asked.map(({ query_id, query_params }) => [query_id, query_params['partition_index']])).toEqual([
      ['who-0', 0],
      ['who-1', 1],
      ['who-2', 2],
    ])
  })

  test('asks nothing before the loop begins, and again in each loop', async () => {
    const { client, asked } = answering(answerOf(three))
    const identities = streamExposedIdentities(client, spec, window, { dimensions: ['country'] })
    expect(asked).toHaveLength(0)
    for (let loop = 1; loop <= 2; loop++) {
      for await (const _ of identities) expect(asked).toHaveLength(loop)
    }
  })

  test('writes values into the statement if they are too long for the URL', async () => {
    const { client, asked } = answering(answerOf(three))
    const long = (length: number) =>
      exposureSpec({ ...spec, filters: [{ column: 'country', equals: '%'.repeat(length) }] })
    for await (const _ of streamExposedIdentities(client, long(100_000), window)) break
    expect(asked[0]?.query_params).toEqual({})
    expect(asked[0]?.query).toContain(`= '${'%'.repeat(100_000)}'`)
    expect(refusalOf(() => streamExposedIdentities(client, long(131_000), window))).toMatchObject({
      code: 'invalid-spec',
      message: expect.stringContaining('a ClickHouse server takes 262,144'),
    })
    const settings = { max_query_size: 1_000_000 }
    expect(() => streamExposedIdentities(client, long(131_000), window, { settings })).not.toThrow()
  })

  test.each<[path: string, client: unknown, options: object]>([
    ['client', undefined, {}],
    ['client', { query: async () => ({ json: async () => [] }) }, {}],
    ['client', { exec: async () => ({}) }, {}],
    ['signal', answering('').client, { signal: new AbortController() }],
    ['partitions', answering('').client, { partitions: 0 }],
    ['dimensions[0]', answering('').client, { dimensions: ['variant'] }],
    ['options.concurrency', answering('').client, { concurrency: 2 }],
  ])('refuses %s at the call', (path, client, options) => {
    expect(refusalOf(() => streamExposedIdentities(client as never, spec, window, options))).toMatchObject({
      code: 'invalid-spec',
      details: { path },
    })
  })
})

/** An answer that stops after its first rows and what follows them, and whether it was closed. */
function silent(streamOf: 'Readable' | 'web', following = '') {
  const state = { isClosed: false }
  const begun = bytesOf(`${answerOf([...three, rowOf('cat')]).split('\t\t["cat"')[0] ?? ''}${following}`)
  const stream = (): ByteStream => {
    if (streamOf === 'web') {
      return new ReadableStream<Uint8Array>({
        start: (controller) => {
          controller.enqueue(begun)
        },
        cancel: () => {
          state.isClosed = true
        },
      })
    }
    const readable = new Readable({ read: () => undefined })
    readable.push(begun)
    readable.once('close', () => {
      state.isClosed = true
    })
    return readable
  }
  return { state, ...clientOf(stream) }
}

describe.each(['Readable', 'web'] as const)('a loop over a %s stream that ends early', (streamOf) => {
  const turn = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  test('by break: the connection is closed and the statement ended', async () => {
    const { client, killed, state } = silent(streamOf)
    for await (const _ of streamExposedIdentities(client, spec, window, { queryId: 'who' })) break
    await turn()
    expect([killed, state.isClosed]).toEqual([['who'], true])
  })

  test('by an error of its own, which it gets', async () => {
    const { client, killed, state } = silent(streamOf)
    const error = new Error('disk full')
    const loop = async (): Promise<void> => {
      for await (const _ of streamExposedIdentities(client, spec, window)) throw error
    }
    await expect(loop()).rejects.toBe(error)
    await turn()
    expect([killed.length, state.isClosed]).toEqual([1, true])
  })

  test('by an abort, with its reason, at a row that is here or one that is awaited', async () => {
    for (const at of [1, 3]) {
      const { client, killed, state } = silent(streamOf)
      const controller = new AbortController()
      let seen = 0
      const loop = async (): Promise<void> => {
        for await (const _ of streamExposedIdentities(client, spec, window, { signal: controller.signal })) {
          if (++seen === at) setTimeout(() => controller.abort('enough'), 0)
          if (at === 1) await turn()
        }
      }
      await expect(loop()).rejects.toBe('enough')
      await turn()
      expect([seen, killed.length, state.isClosed]).toEqual([at, 1, true])
    }
  })

  test('by return, while a row is awaited', async () => {
    const { client, killed } = silent(streamOf)
    const identities = streamExposedIdentities(client, spec, window)[Symbol.asyncIterator]()
    for (const _ of three) await identities.next()
    const awaited = identities.next()
    await turn()
    const ended = identities.return?.()
    await expect(awaited).rejects.toThrow('The loop has ended.')
    expect(await ended).toEqual({ done: true, value: undefined })
    expect(await identities.next()).toEqual({ done: true, value: undefined })
    expect(killed).toHaveLength(1)
  })
})

test('an exception after the first rows closes the connection, and there is no statement to end', async () => {
  const { client, killed, state } = silent('Readable', '\nCode: 241. DB::Exception: Memory limit exceeded\n')
  await expect(read(client)).rejects.toMatchObject({ code: 'malformed-rows', details: { exception: 241 } })
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect([killed, state.isClosed]).toEqual([[], true])
})

test('a loop over an iterable that ends early lets it end, too', async () => {
  let isEnded = false
  const { client } = clientOf(async function* () {
    try {
      yield bytesOf(answerOf(three).split('\t\t["bob"')[0] ?? '')
      yield bytesOf('')
    } finally {
      isEnded = true
    }
  })
  for await (const _ of streamExposedIdentities(client, spec, window)) break
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(isEnded).toBe(true)
})

describe('the listener on the signal', () => {
  const { signal } = new AbortController()
  const { client } = answering(answerOf(three))
  const listeners = (): number => getEventListeners(signal, 'abort').length
  const begin = () => streamExposedIdentities(client, spec, window, { signal })[Symbol.asyncIterator]()

  test('is there while rows are read, and gone after the last', async () => {
    const identities = begin()
    for (const _ of three) {
      expect((await identities.next()).done).toBe(false)
      expect(listeners()).toBe(1)
    }
    expect((await identities.next()).done).toBe(true)
    expect(listeners()).toBe(0)
  })

  test('is gone after a break, and was never there where nothing was read', async () => {
    for await (const _ of streamExposedIdentities(client, spec, window, { signal })) break
    expect(listeners()).toBe(0)
    const unread = begin()
    expect(listeners()).toBe(0)
    await unread.return?.()
    expect((await unread.next()).done).toBe(true)
    expect(listeners()).toBe(0)
  })
})

describe('before the answer', () => {
  test.each<[what: string, answer: unknown]>([
    ['undefined', undefined],
    ['an object', {}],
  ])('a client that answers %s is refused', async (what, answer) => {
    const client = {
      query: async () => ({ json: async () => [] }),
      exec: async () => await Promise.resolve(answer as never),
    }
    await expect(
      streamExposedIdentities(client, spec, window)[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({
      code: 'invalid-spec',
      message: `client.exec answered ${what}, which has no stream. Pass a ClickHouse client.`,
    })
  })

  test('after an abort, what is no answer is nothing to close', async () => {
    const controller = new AbortController()
    const client = {
      query: async () => ({ json: async () => [] }),
      exec: async () => {
        controller.abort(new Error('enough'))
        return await Promise.resolve(undefined as never)
      },
    }
    const options = { signal: controller.signal }
    await expect(
      streamExposedIdentities(client, spec, window, options)[Symbol.asyncIterator]().next(),
    ).rejects.toThrow('enough')
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => setTimeout(resolve, 1))
  })

  test('an abort ends the wait at once, and closes an answer that still comes', async () => {
    const controller = new AbortController()
    let closed = false
    const killed: unknown[] = []
    let resolve: ((answer: { stream: ByteStream }) => void) | undefined
    const promise = new Promise<{ stream: ByteStream }>((resolved) => {
      resolve = resolved
    })
    const client: ExposureStreamClient = {
      query: async ({ query_params }) => {
        killed.push(query_params['query_id'])
        return { json: async () => [] }
      },
      exec: async () => await promise,
    }
    const reading = read(client, { signal: controller.signal, queryId: 'who' })
    await new Promise((done) => setTimeout(done, 5))
    controller.abort('enough')
    await expect(reading).rejects.toBe('enough')
    expect(killed).toEqual(['who'])
    const stream = new Readable({ read: () => undefined }).once('close', () => {
      closed = true
    })
    resolve?.({ stream })
    await new Promise((done) => setTimeout(done, 5))
    expect(closed).toBe(true)
  })

  test('a signal that is aborted already asks nothing', async () => {
    const { client, asked, killed } = answering(answerOf(three))
    await expect(read(client, { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect([asked, killed]).toEqual([[], []])
  })

  test.each<[what: string, error: object, expected: object, kills: number]>([
    ['the client’s errors pass untouched', new TypeError('x'), { message: 'x' }, 1],
    ['those of ClickHouse too, and nothing is left to end', { code: '60' }, { code: '60' }, 0],
    [
      'the statement’s own refusals are recognised',
      { code: '395', message: 'first-exposure: column timestamp has type <UInt32>' },
      { code: 'unreadable-column' },
      0,
    ],
  ])('%s', async (_, error, expected, kills) => {
    const { client, killed } = clientOf(() => {
      throw error
    })
    const caught: unknown = await read(client).catch((thrown: unknown) => thrown)
    if (!('code' in expected) || expected.code === '60') expect(caught).toBe(error)
    expect(caught).toMatchObject(expected)
    expect(killed).toHaveLength(kills)
  })

  test('an error in mid-stream passes untouched', async () => {
    const error = Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    const { client, killed } = clientOf(async function* () {
      yield bytesOf(answerOf(three).slice(0, -150))
      throw error
    })
    await expect(read(client)).rejects.toBe(error)
    expect(killed).toHaveLength(1)
  })
})

test('calls to next that do not wait for one another get the rows in order, and the end', async () => {
  const { client } = answering(answerOf(three))
  const identities = streamExposedIdentities(client, spec, window)[Symbol.asyncIterator]()
  const results = await Promise.all(Array.from({ length: 5 }, async () => await identities.next()))
  expect(results.map(({ value }) => (value as ExposedIdentity | undefined)?.identity)).toEqual([
    'ann',
    7,
    'bob',
    undefined,
    undefined,
  ])
  expect(results.map(({ done }) => done)).toEqual([false, false, false, true, true])
})

test('a call that waits comes before a later one', async () => {
  const { client } = answering(answerOf(three))
  const identities = streamExposedIdentities(client, spec, window)[Symbol.asyncIterator]()
  const third = identities.next().then(async () => await identities.next())
  const second = identities.next()
  expect([(await second).value, (await third).value]).toMatchObject([{ identity: 7 }, { identity: 'bob' }])
})

test('an expression as a dimension has the name of its place', async () => {
  const { client, asked } = answering(answerOf([[...rowOf('ann'), 'es']], [...own, 'dimension_1']))
  const [ann] = await read(client, { dimensions: [trustedSql`lower(country)`] })
  expect(ann?.dimensions).toEqual({ dimension_1: 'es' })
  expect(asked[0]?.query).toContain('AS `dimension_1`')
})
