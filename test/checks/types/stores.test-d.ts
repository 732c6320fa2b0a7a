import type Libsql from 'libsql'
import type { Client, Pool } from 'pg'
import {
  postgresRefreshStore,
  sqliteRefreshStore,
  type PostgresPool,
  type SqliteDatabase,
} from 'first-exposure/stores'
import { expectTypeOf, test } from 'vitest'

// As declared by @types/node 22 and later, for node:sqlite.
type SQLInputValue = null | number | bigint | string | NodeJS.ArrayBufferView
type SQLOutputValue = null | number | bigint | string | Uint8Array
interface StatementSync {
  get(...anonymousParameters: SQLInputValue[]): Record<string, SQLOutputValue> | undefined
  get(
    namedParameters: Record<string, SQLInputValue>,
    ...anonymousParameters: SQLInputValue[]
  ): Record<string, SQLOutputValue> | undefined
  run(...anonymousParameters: SQLInputValue[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  run(
    namedParameters: Record<string, SQLInputValue>,
    ...anonymousParameters: SQLInputValue[]
  ): { changes: number | bigint; lastInsertRowid: number | bigint }
}
interface DatabaseSync {
  prepare(sql: string, options?: { readonly readBigInts?: boolean }): StatementSync
}

// As declared by @types/better-sqlite3 7.6.
interface Statement<Parameters extends unknown[], Result = unknown> {
  get(...params: Parameters): Result | undefined
  run(...params: Parameters): { changes: number; lastInsertRowid: number | bigint }
}
interface BetterSqlite {
  prepare<Parameters extends unknown[] | {} = unknown[], Result = unknown>(
    source: string,
  ): Parameters extends unknown[] ? Statement<Parameters, Result> : Statement<[Parameters], Result>
}

// As PGlite declares it.
interface PGlite {
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- so is it declared
  query<Row>(
    query: string,
    params?: unknown[],
    options?: { readonly rowMode?: 'array' | 'object' },
  ): Promise<{ rows: Row[]; affectedRows?: number; fields: { name: string; dataTypeID: number }[] }>
}

declare const libsql: Libsql.Database
declare const nodeSqlite: DatabaseSync
declare const betterSqlite: BetterSqlite
declare const pool: Pool
declare const client: Client
declare const pglite: PGlite

test('the synchronous drivers of SQLite are a SqliteDatabase', () => {
  expectTypeOf(libsql).toExtend<SqliteDatabase>()
  expectTypeOf(nodeSqlite).toExtend<SqliteDatabase>()
  expectTypeOf(betterSqlite).toExtend<SqliteDatabase>()
  expectTypeOf(sqliteRefreshStore).toBeCallableWith(libsql, { table: 'states' })
  // @ts-expect-error a driver that answers later cannot be used
  sqliteRefreshStore({ prepare: async () => ({ get: async () => ({}), run: async () => ({ changes: 1 }) }) })
})

test('the clients of PostgreSQL are a PostgresPool', () => {
  expectTypeOf(pool).toExtend<PostgresPool>()
  expectTypeOf(client).toExtend<PostgresPool>()
  expectTypeOf(pglite).toExtend<PostgresPool>()
  expectTypeOf(postgresRefreshStore).toBeCallableWith(pool, { table: { schema: 'jobs', table: 'states' } })
  // @ts-expect-error a table needs its name
  void postgresRefreshStore(pool, { table: { schema: 'jobs' } })
})
