import { randomUUID } from 'node:crypto'
import Database from 'libsql'
import { decodeRefreshState, encodeRefreshState } from 'first-exposure'
import type { RefreshStore } from 'first-exposure/clickhouse'

// How long a statement waits for another connection's; longer, and it throws SQLITE_BUSY.
const patienceMs = 10_000

// A key as text that the database can hold and no two keys share: as the inside of JSON's string, where control characters and lone surrogates
// are escapes.
const storedKey = (key: string): string => JSON.stringify(key).slice(1, -1)

/** A store in a file; `close` releases the file. */
export interface SqliteRefreshStore extends RefreshStore<string> {
  close(): void
}

/**
 * Keeps the states in a table of an SQLite file, which several processes of one machine may share. (Not over a network
 * file system: SQLite's locks do not hold there.)
 *
 * A version is a random UUID, new with every save: unlike a counter it does not come again when a row is deleted and
 * made anew, so a worker that remembers the deleted one cannot overwrite the new one.
 *
 * The driver is synchronous: a statement that waits for another process's lock holds up this process too. Each is one
 * short transaction, so that is milliseconds.
 *
 * @param path - the file; made where there is none, in a folder that exists
 */
export function sqliteRefreshStore(path: string): SqliteRefreshStore {
  const database = new Database(path, { timeout: patienceMs })
  // Readers then do not wait for the writer, nor the writer for readers.
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
      // One statement either way, so that nobody can come between the comparison and the write.
      const { changes } =
        expectedVersion === null
          ? insert.run(storedKey(key), text, version)
          : update.run(text, version, storedKey(key), expectedVersion)
      return changes === 1 ? { type: 'saved', version } : { type: 'conflict' }
    },
    close: () => {
      // The file alone is then all of it, whether or not the driver removes the log beside it.
      database.pragma('wal_checkpoint(TRUNCATE)')
      database.close()
    },
  }
}
