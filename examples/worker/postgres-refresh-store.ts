import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { decodeRefreshState, encodeRefreshState } from 'first-exposure'
import type { RefreshStore } from 'first-exposure/clickhouse'

// A key as text that the database can hold and no two keys share: as the inside of JSON's string. It escapes NUL, which
// `text` refuses, and lone surrogates.
const storedKey = (key: string): string => JSON.stringify(key).slice(1, -1)

/**
 * Keeps the states in a table of a PostgreSQL database, for any number of hosts. The state is `text`, not `jsonb`,
 * which would refuse the NUL that a variant's key may hold and write the keys in another order.
 *
 * A version is a random UUID, new with every save: unlike a counter it does not come again when a row is deleted and
 * made anew, so a worker that remembers the deleted one cannot overwrite the new one.
 *
 * @param pool - the host's own; it stays open. Give it an `error` listener, or a lost idle connection ends the process,
 *   and a `query_timeout` or `statement_timeout`: a refresh waits for its store as long as the pool does
 * @returns the store, once its table is there
 */
export async function postgresRefreshStore(pool: Pool): Promise<RefreshStore<string>> {
  // Two hosts that start at once would both try to make the table, and one would fail: they take turns. Statements that
  // are sent together are one transaction, at whose end the lock is released.
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
        // One statement either way, so that nobody can come between the comparison and the write.
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
        // Where the database's default isolation is stricter than READ COMMITTED, this is how it says so.
        if ((error as { readonly code?: unknown }).code === '40001') return { type: 'conflict' }
        throw error
      }
    },
  }
}
