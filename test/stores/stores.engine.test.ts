import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import Database from 'libsql'
import pg, { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryRefreshStore, type RefreshStore } from 'first-exposure/clickhouse'
import { initialRefreshState, reduceRefresh } from 'first-exposure'
import { postgresRefreshStore, sqliteRefreshStore } from 'first-exposure/stores'
import { closeDatabase, openDatabase } from '../../examples/host/open-database.js'
import {
  postgresAvailable,
  startPostgres,
  type PostgresServer,
} from '../../examples/worker/local-postgres.js'
import { refreshStoreContract } from './refresh-store-contract.js'

const root = resolve(import.meta.dirname, '../..')
const requested = reduceRefresh<never>(initialRefreshState, {
  type: 'requested',
  at: Date.UTC(2026, 5, 1),
})

/** A key as the stores write it: as the inside of JSON's string. */
const storedKey = (key: string): string => JSON.stringify(key).slice(1, -1)

// As long as a name may be, or with what the two databases and a careless store would take for more than a name.
const oddNames: readonly string[] = [
  'States',
  'select',
  'with a space',
  'quoted " and ""',
  "it's; DROP TABLE refresh_state; --",
  '$1 ? :a @b',
  '\\',
  'é😀',
  'n'.repeat(63),
]

/** Counts one key up in each of several processes, and says how high it stands in the end. */
async function countInProcesses(processes: number, increments: number, ...store: string[]): Promise<unknown> {
  await Promise.all(
    Array.from({ length: processes }, () =>
      promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', join(root, 'test/stores/count-up.ts'), String(increments), ...store],
        { cwd: root },
      ),
    ),
  )
  return processes * increments
}

describe('a store in memory', () => {
  const hosts = [memoryRefreshStore()]
  refreshStoreContract(() => ({ hosts }))
})

describe('a store in an SQLite file', () => {
  let folder = ''
  let dbs: readonly Database.Database[] = []
  let hosts: readonly RefreshStore<string>[] = []
  let past: Database.Database

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'first-exposure-sqlite-'))
    dbs = Array.from({ length: 4 }, () => openDatabase(join(folder, 'refresh.db')))
    hosts = dbs.map((db) => sqliteRefreshStore(db))
    past = new Database(join(folder, 'refresh.db'))
  })
  afterAll(() => {
    for (const db of [...dbs, past]) db.close()
    rmSync(folder, { recursive: true })
  })

  refreshStoreContract(() => ({
    hosts,
    textOf: async (key) =>
      (
        past.prepare('SELECT state FROM refresh_state WHERE key = ?').get(storedKey(key)) as
          { readonly state: string } | undefined
      )?.state,
    putText: async (key, text) => {
      past.prepare("INSERT INTO refresh_state VALUES (?, ?, 'x')").run(storedKey(key), text)
    },
  }))

  test('what is stored is there when the file is opened again', async () => {
    const before = openDatabase(join(folder, 'again.db'))
    const saved = await sqliteRefreshStore(before).save('checkout', requested, null)
    closeDatabase(before)
    // The one file, without SQLite's log beside it, is all of it.
    copyFileSync(join(folder, 'again.db'), join(folder, 'copy.db'))
    const after = openDatabase(join(folder, 'copy.db'))
    expect(await sqliteRefreshStore(after).load('checkout')).toEqual({
      state: requested,
      version: saved.type === 'saved' ? saved.version : '',
    })
    after.close()
  })

  test('a version does not come again when its row is deleted and made anew', async () => {
    const [store] = hosts as readonly [RefreshStore<string>]
    const old = await store.save('reset', requested, null)
    past.prepare("DELETE FROM refresh_state WHERE key = 'reset'").run()
    await store.save('reset', initialRefreshState, null)
    expect(old.type === 'saved' && (await store.save('reset', requested, old.version))).toEqual({
      type: 'conflict',
    })
  })

  test('the table has the name that the host gives it, whatever the name is', async () => {
    for (const table of oddNames) {
      await sqliteRefreshStore(dbs[0] as Database.Database, { table }).save('a', requested, null)
      expect((await sqliteRefreshStore(past, { table }).load('a'))?.state, table).toEqual(requested)
      expect(past.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table), table).toBeDefined()
    }
  })

  test('a host that may only read shows what is stored', async () => {
    await hosts[0]?.save('shown', requested, null)
    const readOnly = new Database(join(folder, 'refresh.db'))
    readOnly.pragma('query_only = on')
    const store = sqliteRefreshStore(readOnly)
    expect((await store.load('shown'))?.state).toEqual(requested)
    await expect(store.save('shown', requested, null)).rejects.toMatchObject({ code: 'SQLITE_READONLY' })
    readOnly.close()
  })

  test('several processes that make the file and write at once lose nothing', async () => {
    const path = join(folder, 'processes.db')
    const expected = await countInProcesses(4, 100, 'sqlite', path)
    const db = openDatabase(path)
    expect((await sqliteRefreshStore(db).load('counter'))?.state.requestedAt).toBe(expected)
    db.close()
  })
})

describe.skipIf(!postgresAvailable)(
  'a store in PostgreSQL (needs its server: apt-get install postgresql)',
  () => {
    let server: PostgresServer
    let pools: readonly Pool[] = []
    let hosts: readonly RefreshStore<string>[] = []

    beforeAll(async () => {
      server = await startPostgres()
      pools = Array.from({ length: 4 }, (_, index) => {
        // The last host's connections take the strictest isolation there is.
        const strict = index === 3 ? { options: '-c default_transaction_isolation=serializable' } : {}
        // A connection that is being closed may still hear that the server ends.
        return new Pool({ ...server.config, max: 3, ...strict }).on('error', () => {})
      })
      hosts = pools.map((pool) => postgresRefreshStore(pool))
      // At once, on a database without the table.
      await Promise.all(hosts.map((host, index) => host.save(`first of ${index}`, requested, null)))
    })
    afterAll(async () => {
      await Promise.all(pools.map((pool) => pool.end()))
      await server?.stop()
    })

    refreshStoreContract(() => ({
      hosts,
      textOf: async (key) =>
        (
          await (pools[0] as Pool).query<{ state: string }>(
            'SELECT state FROM refresh_state WHERE key = $1',
            [storedKey(key)],
          )
        ).rows[0]?.state,
      putText: async (key, text) => {
        await (pools[0] as Pool).query('INSERT INTO refresh_state VALUES ($1, $2, gen_random_uuid())', [
          storedKey(key),
          text,
        ])
      },
    }))

    test('a version does not come again when its row is deleted and made anew', async () => {
      const [store] = hosts as readonly [RefreshStore<string>]
      const old = await store.save('reset', requested, null)
      await pools[0]?.query("DELETE FROM refresh_state WHERE key = 'reset'")
      await store.save('reset', initialRefreshState, null)
      expect(old.type === 'saved' && (await store.save('reset', requested, old.version))).toEqual({
        type: 'conflict',
      })
    })

    test('what the database does wrong reaches the caller', async () => {
      const pool = new Pool({ ...server.config, max: 1 }).on('error', () => {})
      const store = postgresRefreshStore(pool)
      await pool.query('SET default_transaction_read_only = on')
      await expect(store.save('readonly', requested, null)).rejects.toMatchObject({ code: '25006' })
      await pool.end()
      await expect(store.load('readonly')).rejects.toThrow('after calling end on the pool')
    })

    test('many hosts that create the table at once all save', async () => {
      for (let round = 0; round < 10; round++) {
        const stores = Array.from({ length: 12 }, (_, index) =>
          postgresRefreshStore(pools[index % 3] as Pool, { table: `created at once ${round}` }),
        )
        const saved = await Promise.all(stores.map((store, index) => store.save(`${index}`, requested, null)))
        expect(saved.map(({ type }) => type)).toEqual(stores.map(() => 'saved'))
      }
    })

    test('the table has the name and the schema that the host gives it, whatever they are', async () => {
      const [pool] = pools as readonly [Pool]
      for (const name of oddNames) {
        await pool.query(`CREATE SCHEMA ${pg.escapeIdentifier(name)}`)
        for (const table of [name, { schema: name, table: name }]) {
          await postgresRefreshStore(pool, { table }).save('a', requested, null)
          const written = typeof table === 'string' ? 'public' : name
          const { rows } = await pool.query(
            `SELECT key FROM ${pg.escapeIdentifier(written)}.${pg.escapeIdentifier(name)}`,
          )
          expect(rows, name).toEqual([{ key: 'a' }])
        }
      }
    })

    test('a role needs no right to create tables where there is one, and none to write to show states', async () => {
      const [pool] = pools as readonly [Pool]
      await pool.query(
        `CREATE ROLE writer LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE stranger LOGIN;
        GRANT SELECT, INSERT, UPDATE ON refresh_state TO writer; GRANT SELECT ON refresh_state TO reader`,
      )
      const as = (user: string): Pool => new Pool({ ...server.config, user, max: 1 }).on('error', () => {})
      const [writer, reader, stranger] = [as('writer'), as('reader'), as('stranger')]
      try {
        const saved = await postgresRefreshStore(writer).save('by a writer', requested, null)
        expect(saved.type).toBe('saved')
        expect((await postgresRefreshStore(reader).load('by a writer'))?.state).toEqual(requested)
        await expect(postgresRefreshStore(reader).save('by a reader', requested, null)).rejects.toMatchObject(
          {
            code: '42501',
          },
        )
        await expect(postgresRefreshStore(stranger).load('by a writer')).rejects.toMatchObject({
          code: '42501',
        })
        // Where there is no table, nothing is stored; a save says that it may not create one.
        const none = postgresRefreshStore(reader, { table: 'not_there' })
        expect(await none.load('a')).toBeNull()
        await expect(none.save('a', requested, null)).rejects.toMatchObject({ code: '42501' })
      } finally {
        await Promise.all([writer, reader, stranger].map((each) => each.end()))
      }
    })

    test('several processes that write at once lose nothing', async () => {
      const expected = await countInProcesses(4, 100, 'postgres', JSON.stringify(server.config))
      expect((await hosts[0]?.load('counter'))?.state.requestedAt).toBe(expected)
    })
  },
)
