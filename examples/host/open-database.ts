import Database from 'libsql'

// How long a statement waits for the lock of another connection before it throws SQLITE_BUSY.
const patienceMs = 10_000

/** Opens an SQLite file that several processes may share. It is created if it does not exist, in a folder that exists. */
export function openDatabase(path: string): Database.Database {
  const database = new Database(path, { timeout: patienceMs })
  // With this, readers do not wait for the writer, nor the writer for readers.
  database.pragma('journal_mode = WAL')
  return database
}

/** Closes it. After this the file alone is complete, even if the driver leaves the log beside it. */
export function closeDatabase(database: Database.Database): void {
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
}
