import Database from 'libsql'
import { describe, expect, test } from 'vitest'
import { encodeRefreshState, initialRefreshState, reduceRefresh } from 'first-exposure'
import { postgresRefreshStore, sqliteRefreshStore, type PostgresPool } from 'first-exposure/stores'
import { refusalOf, refused } from '../refusal-of.js'
import { refreshStoreContract } from './refresh-store-contract.js'

const requested = reduceRefresh<never>(initialRefreshState, { type: 'requested', at: Date.UTC(2026, 5, 1) })
const text = encodeRefreshState(requested)

/** A pool that answers one statement after another as told: with rows, or with the error of a SQLSTATE. */
function pool(...answers: readonly (readonly unknown[] | string)[]): PostgresPool & {
  readonly asked: (readonly [string, string[]])[]
} {
  const left = answers.values()
  const asked: [string, string[]][] = []
  return {
    asked,
    query: async (statement, values) => {
      asked.push([statement, values])
      const answer = left.next().value ?? []
      if (typeof answer === 'string') throw Object.assign(new Error('of PostgreSQL'), { code: answer })
      return { rows: answer }
    },
  }
}

const one = [{ saved: 1 }]
const statements = ({ asked }: ReturnType<typeof pool>): string[] =>
  asked.map(([statement]) => statement.replace(/ .*/s, ''))

describe('a store in SQLite', () => {
  const db = new Database(':memory:')
  refreshStoreContract(() => ({
    hosts: [sqliteRefreshStore(db)],
    textOf: async (key) =>
      (
        db.prepare('SELECT state FROM refresh_state WHERE key = ?').get(JSON.stringify(key).slice(1, -1)) as
          { readonly state: string } | undefined
      )?.state,
    putText: async (key, stored) => {
      db.prepare("INSERT INTO refresh_state VALUES (?, ?, 'x')").run(JSON.stringify(key).slice(1, -1), stored)
    },
  }))

  test('a driver that counts in bigints, or gives null for no row, fits', async () => {
    const store = sqliteRefreshStore({
      prepare: (statement) => ({
        get: () => null,
        run: () => ({ changes: statement.startsWith('INSERT') ? 1n : 0n }),
      }),
    })
    expect(await store.load('a')).toBeNull()
    expect((await store.save('a', requested, null)).type).toBe('saved')
    expect(await store.save('a', requested, 'version')).toEqual({ type: 'conflict' })
  })
})

describe('a store in PostgreSQL', () => {
  test('asks one statement for each load and each save, with every value bound', async () => {
    const asked = pool([{ state: text, version: 'v1' }], one, one)
    const store = postgresRefreshStore(asked, { table: { schema: 'a"b', table: 'c' } })
    expect(await store.load('k\u0000')).toEqual({ state: requested, version: 'v1' })
    const first = await store.save('k', requested, null)
    const second = await store.save('k', requested, 'v1')
    const versions = [first, second].map((saved) => (saved.type === 'saved' ? saved.version : ''))
    expect(new Set(versions).size).toBe(2)
    expect(asked.asked).toEqual([
      ['SELECT state, version FROM "a""b"."c" WHERE key = $1', ['k\\u0000']],
      [
        'INSERT INTO "a""b"."c" (key, state, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1 AS saved',
        ['k', text, versions[0]],
      ],
      [
        'UPDATE "a""b"."c" SET state = $2, version = $3 WHERE key = $1 AND version = $4 RETURNING 1 AS saved',
        ['k', text, versions[1], 'v1'],
      ],
    ])
  })

  test('nothing stored, nothing saved', async () => {
    expect(await postgresRefreshStore(pool([])).load('a')).toBeNull()
    expect(await postgresRefreshStore(pool([])).save('a', requested, null)).toEqual({ type: 'conflict' })
    expect(await postgresRefreshStore(pool([])).save('a', requested, 'v1')).toEqual({ type: 'conflict' })
  })

  test('the first save makes the table; a load makes nothing', async () => {
    const loading = pool('42P01')
    expect(await postgresRefreshStore(loading).load('a')).toBeNull()
    expect(statements(loading)).toEqual(['SELECT'])
    for (const expected of [null, 'v1']) {
      for (const created of [[], '23505', '42P07', '42710']) {
        const saving = pool('42P01', created, one)
        expect((await postgresRefreshStore(saving).save('a', requested, expected)).type).toBe('saved')
        const write = expected === null ? 'INSERT' : 'UPDATE'
        expect(statements(saving)).toEqual([write, 'CREATE', write])
      }
    }
    await expect(
      postgresRefreshStore(pool('42P01', '42501')).save('a', requested, null),
    ).rejects.toMatchObject({ code: '42501' })
    // A table that is dropped again and again is somebody's mistake.
    await expect(
      postgresRefreshStore(pool('42P01', [], '42P01')).save('a', requested, null),
    ).rejects.toMatchObject({ code: '42P01' })
  })

  test('under a stricter isolation a save that came second conflicts, and a load is asked again', async () => {
    for (const expected of [null, 'v1']) {
      expect(await postgresRefreshStore(pool('40001')).save('a', requested, expected)).toEqual({
        type: 'conflict',
      })
    }
    const loading = pool('40001', '40001', [{ state: text, version: 'v1' }])
    expect((await postgresRefreshStore(loading).load('a'))?.version).toBe('v1')
  })

  test('a load that conflicts every time is given up after five tries', async () => {
    // As on a standby: "canceling statement due to conflict with recovery".
    const loading = pool(...Array.from({ length: 50 }, () => '40001'))
    await expect(postgresRefreshStore(loading).load('a')).rejects.toMatchObject({ code: '40001' })
    expect(statements(loading)).toEqual(Array.from({ length: 5 }, () => 'SELECT'))
  })

  test('a client that answers with the rows themselves is refused, with what to do', async () => {
    const store = postgresRefreshStore({ query: async () => [] as never })
    for (const call of [() => store.load('a'), () => store.save('a', requested, 'v1')]) {
      await expect(call()).rejects.toMatchObject({
        code: 'invalid-policy',
        details: { path: 'pool.query(…).rows' },
      })
    }
  })

  test('every other error reaches the caller', async () => {
    for (const error of ['08006', '42501', '57014']) {
      await expect(postgresRefreshStore(pool(error)).load('a')).rejects.toMatchObject({ code: error })
      await expect(postgresRefreshStore(pool(error)).save('a', requested, null)).rejects.toMatchObject({
        code: error,
      })
    }
    const odd = { query: () => Promise.reject(undefined) }
    await expect(postgresRefreshStore(odd).load('a')).rejects.toBeUndefined()
  })
})

describe('a key that is no text', () => {
  test.each([
    [123, '123'],
    [['2'], 'an array of 1'],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('%j is refused, and nothing is read or written', async (key, received) => {
    const db = new Database(':memory:')
    const sqlite = sqliteRefreshStore(db)
    await sqlite.save('2', requested, null)
    const asked = pool()
    for (const store of [sqlite, postgresRefreshStore(asked)]) {
      for (const call of [store.load(key as never), store.save(key as never, requested, null)]) {
        const thrown = await call.catch((error: unknown) => error)
        expect(
          refusalOf(() => {
            throw thrown
          }),
        ).toEqual(refused('invalid-policy', 'key', received, 'Pass a string.'))
      }
    }
    expect(asked.asked).toEqual([])
    expect(db.prepare('SELECT count(*) AS rows FROM refresh_state').get()).toMatchObject({ rows: 1 })
  })
})

describe('the names of tables', () => {
  const advice = 'Pass the name alone: 1 to 63 bytes, without a dot and without NUL.'
  const db = new Database(':memory:')
  test.each(['a.b', 'a\u0000', 'n'.repeat(64), 'é'.repeat(32)])('%j is refused', (table) => {
    const received = table.length > 60 ? `a string of ${table.length} characters` : JSON.stringify(table)
    const expected = refused('invalid-policy', 'options.table', received, advice)
    expect(refusalOf(() => postgresRefreshStore(pool(), { table }))).toEqual(expected)
    expect(refusalOf(() => sqliteRefreshStore(db, { table }))).toEqual(expected)
    expect(refusalOf(() => postgresRefreshStore(pool(), { table: { schema: table, table: 'a' } }))).toEqual(
      refused('invalid-policy', 'options.table.schema', received, advice),
    )
    expect(refusalOf(() => postgresRefreshStore(pool(), { table: { schema: 'a', table } }))).toEqual(
      refused('invalid-policy', 'options.table.table', received, advice),
    )
  })

  test.each([
    ['', '""'],
    ['\ud800', '"\\ud800"'],
    [7, '7'],
    [null, 'null'],
  ] as const)('%j is refused', (table, received) => {
    expect(refusalOf(() => sqliteRefreshStore(db, { table: table as string }))).toMatchObject(
      table === null ? {} : { code: 'invalid-policy', details: { path: 'options.table', received } },
    )
  })

  test('so is what is no pool, no database, and an option that there is not', () => {
    expect(refusalOf(() => postgresRefreshStore('postgres://' as never))).toEqual(
      refused('invalid-policy', 'pool', 'a string', 'Pass a pool with query, such as the Pool of pg.'),
    )
    expect(refusalOf(() => sqliteRefreshStore(undefined as never))).toEqual(
      refused(
        'invalid-policy',
        'db',
        'undefined',
        'Pass an open database with prepare, such as one of better-sqlite3.',
      ),
    )
    for (const call of [
      () => postgresRefreshStore(pool(), { tables: 'a' } as never),
      () => sqliteRefreshStore(db, { tables: 'a' } as never),
    ]) {
      expect(refusalOf(call)).toMatchObject({
        code: 'invalid-policy',
        message: 'Unknown field options.tables; did you mean options.table? The fields are table.',
      })
    }
  })
})
