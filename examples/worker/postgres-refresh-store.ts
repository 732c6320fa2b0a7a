import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { decodeRefreshState, encodeRefreshState } from 'first-exposure'
import type { RefreshStore } from 'first-exposure/clickhouse'

// A key as a text that the database can store, different for different keys: the inside of a JSON string. It escapes
// NUL, which `text` refuses, and lone surrogates.
const storedKey = (key: string): string => JSON.stringify(key).slice(1, -1)

/**
 * Keeps the states in a table of a PostgreSQL database, for any number of hosts. The state is `text`, not `jsonb`:
 * `jsonb` refuses NUL, which a variant's key may contain, and changes the order of keys.
 *
 * A version is a random UUID, new with every save. A counter would start again after a row is deleted and created anew;
 * then a worker that remembers the deleted row could overwrite the new one.
 *
 * @param pool - your own pool; it stays open. Give it an `error` listener, because otherwise a lost idle connection ends
 *   the process. Give it a `query_timeout` or `statement_timeout`: a refresh waits for its store as long as the pool does
 * @returns the store, after its table has been created
 */
export async function postgresRefreshStore(pool: Pool): Promise<RefreshStore<string>> {
  // If two hosts start at once, both try to create the table, and one would fail. The lock makes them take turns.
  // Statements that are sent together are one transaction, and its end releases the lock.
  await pool.query(
    `SELECT pg_advisory_xact_lock(hashtext('refresh_state'));
    CREATE TABLE IF NOT EXISTS refresh_state (key text PRIMARY KEY, state text NOT NULL, version uuid NOT NULL)`,
  )
  return {
    load: async (key) => {
      const { rows } = await pool.query<{ state: string; version: string }>(
        'SELECT state, version FROM refresh_state WHERE key = $1',
        [storedKey(key)],
      )
      const [row] = rows
      return row === undefined ? null : { state: decodeRefreshState(row.state), version: row.version }
    },
    save: async (key, state, expectedVersion) => {
      const version = randomUUID()
      const text = encodeRefreshState(state)
      try {
        // A single statement, so that nothing can happen between the comparison and the write.
        const { rowCount } =
          expectedVersion === null
            ? await pool.query(
                'INSERT INTO refresh_state (key, state, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
                [storedKey(key), text, version],
              )
            : await pool.query(
                'UPDATE refresh_state SET state = $2, version = $3 WHERE key = $1 AND version = $4',
                [storedKey(key), text, version, expectedVersion],
              )
        return rowCount === 1 ? { type: 'saved', version } : { type: 'conflict' }
      } catch (error) {
        // The code of a conflict if the database's default isolation is stricter than READ COMMITTED.
        if ((error as { readonly code?: unknown }).code === '40001') return { type: 'conflict' }
        throw error
      }
    },
  }
}
