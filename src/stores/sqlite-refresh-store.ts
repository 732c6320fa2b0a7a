import { withFields, withMethods } from '../checks.js'
import type { RefreshStore } from '../clickhouse/refresh-store.js'
import { invalidPolicy } from '../errors.js'
import { decodeRefreshState, encodeRefreshState } from '../refresh/refresh-encoding.js'
import { aStoredName, quotedName, storedKey } from './stored-names.js'

/**
 * The part of a synchronous SQLite driver that the store calls. `better-sqlite3`, `libsql`, `DatabaseSync` of
 * `node:sqlite` and `Database` of `bun:sqlite` fit.
 */
export interface SqliteDatabase {
  /** Prepares one statement. */
  prepare(text: string): {
    /** The first row, as an object by the names of its columns; `undefined` or `null` if there is no row. */
    get(...values: string[]): unknown
    /** Runs it, and says how many rows it changed. */
    run(...values: string[]): { readonly changes: number | bigint }
  }
}

/** Where the states are kept. */
export interface SqliteRefreshStoreOptions {
  /** The table. Default `refresh_state`. */
  readonly table?: string
}

/**
 * A store in a table of an SQLite database, for several processes on one machine. (Not on a network file system:
 * SQLite's locks do not work there.) It creates the table, if it is missing:
 *
 * ```sql
 * CREATE TABLE IF NOT EXISTS "refresh_state" (key TEXT PRIMARY KEY, state TEXT NOT NULL, version TEXT NOT NULL) STRICT
 * ```
 *
 * A version is a random UUID, new with every save. A counter would start again after a row is deleted and made anew, and
 * a process that remembers the deleted row could overwrite the new one.
 *
 * The driver is synchronous: while a statement waits for the lock of another process, this process waits too. Each
 * statement is a short transaction, so this takes milliseconds.
 *
 * @param db - the host's own open database; it stays open. If processes share the file, give the connection a timeout
 *   for locks (`PRAGMA busy_timeout = 10000`; without it, a statement throws SQLITE_BUSY at once), and the file a
 *   write-ahead log (`PRAGMA journal_mode = WAL`), so that readers do not wait for the writer
 * @param options.table - the name of the table, 1 to 63 bytes without a dot and without NUL; default `refresh_state`
 * @returns the store
 * @throws {@link ExposureError} `invalid-policy` for something else than a database, or a name that cannot be used;
 *   what the driver throws, untouched. The store itself rejects with what the driver throws, with `invalid-policy` for a
 *   key that is not text, and with `malformed-state` or `unsupported-version` for a stored text that this release cannot
 *   read
 *
 * @example
 * ```ts
 * import { sqliteRefreshStore } from 'first-exposure/stores'
 *
 * // In your code: const db = new DatabaseSync('refresh.db'), of node:sqlite
 * const db = { prepare: () => ({ get: () => undefined, run: () => ({ changes: 1 }) }) }
 * const store = sqliteRefreshStore(db)
 * await store.load('checkout') // => null
 * ```
 */
export function sqliteRefreshStore(
  db: SqliteDatabase,
  options: SqliteRefreshStoreOptions = {},
): RefreshStore<string> {
  const advice = 'Pass an open database with prepare, such as one of better-sqlite3.'
  withMethods(db, ['prepare'], 'db', invalidPolicy, advice)
  withFields(options, ['table'], 'options', invalidPolicy)
  const table = quotedName(aStoredName(options.table ?? 'refresh_state', 'options.table', invalidPolicy))
  db.prepare(
    `CREATE TABLE IF NOT EXISTS ${table} (key TEXT PRIMARY KEY, state TEXT NOT NULL, version TEXT NOT NULL) STRICT`,
  ).run()
  const select = db.prepare(`SELECT state, version FROM ${table} WHERE key = ?`)
  const insert = db.prepare(
    `INSERT INTO ${table} (key, state, version) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const update = db.prepare(`UPDATE ${table} SET state = ?, version = ? WHERE key = ? AND version = ?`)
  return Object.freeze({
    load: async (key) => {
      const row = select.get(storedKey(key)) as
        { readonly state: string; readonly version: string } | null | undefined
      return row == null ? null : { state: decodeRefreshState(row.state), version: row.version }
    },
    save: async (key, state, expectedVersion) => {
      const version = crypto.randomUUID()
      const text = encodeRefreshState(state)
      // A single statement, so that nothing can happen between the comparison and the write. `run` and not RETURNING:
      // drivers that read the first row of a statement may not report that its end failed.
      const { changes } =
        expectedVersion === null
          ? insert.run(storedKey(key), text, version)
          : update.run(text, version, storedKey(key), expectedVersion)
      return Number(changes) === 1 ? { type: 'saved', version } : { type: 'conflict' }
    },
  } satisfies RefreshStore<string>)
}
