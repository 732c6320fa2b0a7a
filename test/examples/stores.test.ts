import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import Database from 'libsql'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryRefreshStore, type RefreshStore } from 'first-exposure/clickhouse'
import { initialRefreshState, reduceRefresh } from 'first-exposure'
import { postgresRefreshStore } from '../../examples/worker/postgres-refresh-store.js'
import { sqliteRefreshStore, type SqliteRefreshStore } from '../../examples/host/sqlite-refresh-store.js'
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

/** Counts one key up in each of several processes, and says how high it stands in the end. */
async function countInProcesses(processes: number, increments: number, ...store: string[]): Promise<unknown> {
  await Promise.all(
    Array.from({ length: processes }, () =>
      promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', join(root, 'test/examples/count-up.ts'), String(increments), ...store],
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
  let hosts: readonly SqliteRefreshStore[] = []
  let past: Database.Database

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'first-exposure-sqlite-'))
    hosts = Array.from({ length: 4 }, () => sqliteRefreshStore(join(folder, 'refresh.db')))
    past = new Database(join(folder, 'refresh.db'))
  })
  afterAll(() => {
    for (const host of hosts) host.close()
    past.close()
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
    const path = join(folder, 'again.db')
    const before = sqliteRefreshStore(path)
    const saved = await before.save('checkout', requested, null)
    before.close()
    // The one file, without SQLite's log beside it, is all of it.
    copyFileSync(path, join(folder, 'copy.db'))
    const after = sqliteRefreshStore(join(folder, 'copy.db'))
    expect(await after.load('checkout')).toEqual({
      state: requested,
      version: saved.type === 'saved' ? saved.version : '',
    })
    after.close()
  })

  test('a version does not come again when its row is deleted and made anew', async () => {
    const [store] = hosts as readonly [SqliteRefreshStore]
    const old = await store.save('reset', requested, null)
    past.prepare("DELETE FROM refresh_state WHERE key = 'reset'").run()
    await store.save('reset', initialRefreshState, null)
    expect(old.type === 'saved' && (await store.save('reset', requested, old.version))).toEqual({
      type: 'conflict',
    })
  })

  test('several processes that make the file and write at once lose nothing', async () => {
    const path = join(folder, 'processes.db')
    const expected = await countInProcesses(4, 100, 'sqlite', path)
    const store = sqliteRefreshStore(path)
    expect((await store.load('counter'))?.state.requestedAt).toBe(expected)
    store.close()
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
      // At once, on a database without the table.
      hosts = await Promise.all(pools.map((pool) => postgresRefreshStore(pool)))
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
      const store = await postgresRefreshStore(pool)
      await pool.query('SET default_transaction_read_only = on')
      await expect(store.save('readonly', requested, null)).rejects.toMatchObject({ code: '25006' })
      await pool.end()
      await expect(store.load('readonly')).rejects.toThrow('after calling end on the pool')
    })

    test('several processes that write at once lose nothing', async () => {
      const expected = await countInProcesses(4, 100, 'postgres', JSON.stringify(server.config))
      expect((await hosts[0]?.load('counter'))?.state.requestedAt).toBe(expected)
    })
  },
)
