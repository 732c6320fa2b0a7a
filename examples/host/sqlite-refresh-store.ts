import { randomUUID } from 'node:crypto'
import Database from 'libsql'
import { decodeRefreshState, encodeRefreshState } from 'first-exposure'
import type { RefreshStore } from 'first-exposure/clickhouse'

// How long a statement waits for another connection's lock before it throws SQLITE_BUSY.
const patienceMs = 10_000

// A key as a text that the database can store, different for different keys: the inside of a JSON string, which escapes
// control characters and lone surrogates.
const storedKey = (key: string): string => JSON.stringify(key).slice(1, -1)

/** A store in a file; `close` releases the file. */
export interface SqliteRefreshStore extends RefreshStore<string> {
  close(): void
}

/**
 * Keeps the states in a table of an SQLite file. Several processes on one machine may share it. (Do not use a network
 * file system: SQLite's locks do not work there.)
 *
 * A version is a random UUID, new with every save. A counter would start again after a row is deleted and created anew;
 * then a worker that remembers the deleted row could overwrite the new one.
 *
 * The driver is synchronous: while a statement waits for another process's lock, this process waits too. Each statement
 * is a short transaction, so this takes milliseconds.
 *
 * @param path - the file; it is created if it does not exist, in a folder that exists
 */
export function sqliteRefreshStore(path: string): SqliteRefreshStore {
  const database = new Database(path, { timeout: patienceMs })
  // With this, readers do not wait for the writer, nor the writer for readers.
  database.pragma('journal_mode = WAL')
  database.exec(
    'CREATE TABLE IF NOT EXISTS refresh_state (key TEXT PRIMARY KEY, state TEXT NOT NULL, version TEXT NOT NULL) STRICT',
  )
  const select = database.prepare('SELECT state, version FROM refresh_state WHERE key = ?')
  const insert = database.prepare(
    'INSERT INTO refresh_state (key, state, version) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const update = database.prepare(
    'UPDATE refresh_state SET state = ?, version = ? WHERE key = ? AND version = ?',
  )
  return {
    load: async (key) => {
      const row = select.get(storedKey(key)) as
        { readonly state: string; readonly version: string } | undefined
      return row === undefined ? null : { state: decodeRefreshState(row.state), version: row.version }
    },
    save: async (key, state, expectedVersion) => {
      const version = randomUUID()
      const text = encodeRefreshState(state)
      // A single statement, so that nothing can happen between the comparison and the write.
      const { changes } =
        expectedVersion === null
          ? insert.run(storedKey(key), text, version)
          : update.run(text, version, storedKey(key), expectedVersion)
      return changes === 1 ? { type: 'saved', version } : { type: 'conflict' }
    },
    close: () => {
      // After this the file alone is complete, even if the driver leaves the log file.
      database.pragma('wal_checkpoint(TRUNCATE)')
      database.close()
    },
  }
}
