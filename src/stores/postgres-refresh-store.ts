import { aList, withFields, withMethods } from '../checks.js'
import type { RefreshStore } from '../clickhouse/refresh-store.js'
import { invalidPolicy } from '../errors.js'
import { decodeRefreshState, encodeRefreshState } from '../refresh/refresh-encoding.js'
import { aStoredName, quotedName, storedKey } from './stored-names.js'

/**
 * The part of a PostgreSQL client that the store calls. The `Pool` of `pg` fits, and so do its `Client`, the pool of
 * Neon's driver, and PGlite. Another driver needs one line, such as
 * `{ query: async (text, values) => ({ rows: await sql.unsafe(text, values) }) }` for postgres.js.
 */
export interface PostgresPool {
  /** Sends one statement, with its values for `$1`, `$2` and so on; rejects with an error that has the SQLSTATE as `code`. */
  query(text: string, values: string[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** Where the states are kept. */
export interface PostgresRefreshStoreOptions {
  /** The table, with its schema if the connection's search path does not have it. Default `refresh_state`. */
  readonly table?: string | { readonly schema: string; readonly table: string }
}

/**
 * A store in a table of PostgreSQL, for any number of hosts. The first save creates the table, if it is missing:
 *
 * ```sql
 * CREATE TABLE IF NOT EXISTS "refresh_state" (key text PRIMARY KEY, state text NOT NULL, version uuid NOT NULL)
 * ```
 *
 * If the role may not create tables, create it in a migration. The role needs `SELECT`, `INSERT` and `UPDATE`; a host
 * that only shows states needs `SELECT`. A key of a new row may be of any length that PostgreSQL can index (about 2,700
 * bytes).
 *
 * The state is `text`, not `jsonb`: `jsonb` refuses NUL, which a variant's key may contain, and changes the order of
 * keys. A version is a random UUID, new with every save. A counter would start again after a row is deleted and made
 * anew, and a host that remembers the deleted row could overwrite the new one.
 *
 * @param pool - the host's own pool; it stays open. Give it an `error` listener, because a lost idle connection would
 *   end the process, and a `query_timeout`: a refresh waits for its store as long as the pool does. Do not pass a
 *   connection inside a transaction
 * @param options.table - the name of the table, or `{ schema, table }`; default `refresh_state`. Each name has 1 to 63
 *   bytes and neither a dot nor NUL
 * @returns the store; nothing is asked before its first use
 * @throws {@link ExposureError} `invalid-policy` for something else than a pool, or a name that cannot be used. The
 *   store itself rejects with what the pool throws, untouched; with `invalid-policy` for a key that is not text; and with
 *   `malformed-state` or `unsupported-version` for a stored text that this release cannot read. A load that conflicts
 *   (SQLSTATE 40001) is asked up to five times, with short waits
 *
 * @example
 * ```ts
 * import { initialRefreshState } from 'first-exposure'
 * import { postgresRefreshStore } from 'first-exposure/stores'
 *
 * // In your code: const pool = new Pool({ query_timeout: 10_000 }), of pg
 * const pool = { query: async (text: string) => ({ rows: text.startsWith('SELECT') ? [] : [{ saved: 1 }] }) }
 * const store = postgresRefreshStore(pool)
 * await store.load('checkout') // => null
 * const saved = await store.save('checkout', initialRefreshState, null)
 * saved.type // => 'saved'
 * ```
 */
export function postgresRefreshStore(
  pool: PostgresPool,
  options: PostgresRefreshStoreOptions = {},
): RefreshStore<string> {
  withMethods(pool, ['query'], 'pool', invalidPolicy, 'Pass a pool with query, such as the Pool of pg.')
  withFields(options, ['table'], 'options', invalidPolicy)
  const table = tableOf(options.table ?? 'refresh_state')

  const create = async (): Promise<void> => {
    try {
      await pool.query(
        `CREATE TABLE IF NOT EXISTS ${table} (key text PRIMARY KEY, state text NOT NULL, version uuid NOT NULL)`,
        [],
      )
    } catch (error) {
      // Another host has created it at the same moment: IF NOT EXISTS does not see a table that is being created.
      if (!isOneOf(error, alreadyThere)) throw error
    }
  }
  /** Writes one row, or none where the stored version is another. */
  const write = async (text: string, values: string[]): Promise<number> => {
    try {
      return rowsOf(await pool.query(text, values)).length
    } catch (error) {
      if (isOneOf(error, serializationFailure)) return 0
      throw error
    }
  }

  const load = async (key: string, tries = 1): ReturnType<RefreshStore<string>['load']> => {
    try {
      const answer = await pool.query(`SELECT state, version FROM ${table} WHERE key = $1`, [storedKey(key)])
      const [row] = rowsOf(answer) as readonly { readonly state: string; readonly version: string }[]
      return row === undefined ? null : { state: decodeRefreshState(row.state), version: row.version }
    } catch (error) {
      // A host that may only read creates nothing.
      if (isOneOf(error, missing)) return null
      if (!isOneOf(error, serializationFailure) || tries === mostTries) throw error
      await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** tries))
      return await load(key, tries + 1)
    }
  }
  return Object.freeze({
    load: async (key) => await load(key),
    save: async (key, state, expectedVersion) => {
      const version = crypto.randomUUID()
      const values = [storedKey(key), encodeRefreshState(state), version]
      // A single statement, so that nothing can happen between the comparison and the write.
      const save = async (): Promise<number> =>
        expectedVersion === null
          ? await write(
              `INSERT INTO ${table} (key, state, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1 AS saved`,
              values,
            )
          : await write(
              `UPDATE ${table} SET state = $2, version = $3 WHERE key = $1 AND version = $4 RETURNING 1 AS saved`,
              [...values, expectedVersion],
            )
      let saved: number
      try {
        saved = await save()
      } catch (error) {
        if (!isOneOf(error, missing)) throw error
        await create()
        saved = await save()
      }
      return saved === 1 ? { type: 'saved', version } : { type: 'conflict' }
    },
  } satisfies RefreshStore<string>)
}

// SQLSTATE codes.
const missing: readonly string[] = ['42P01']
/** The table, its type or its row in the catalogue. */
const alreadyThere: readonly string[] = ['42P07', '42710', '23505']
/**
 * The code of a conflict if the database's default isolation is stricter than READ COMMITTED, and on a standby, where
 * the recovery may cancel every statement for a while.
 */
const serializationFailure: readonly string[] = ['40001']
/** How often a load is asked that conflicts. Its error is the caller's then. */
const mostTries = 5

function isOneOf(error: unknown, codes: readonly string[]): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && codes.includes(code)
}

function tableOf(given: NonNullable<PostgresRefreshStoreOptions['table']>): string {
  if (typeof given === 'string') return quotedName(aStoredName(given, 'options.table', invalidPolicy))
  const { schema, table } = withFields(given, ['schema', 'table'], 'options.table', invalidPolicy)
  return [
    aStoredName(schema, 'options.table.schema', invalidPolicy),
    aStoredName(table, 'options.table.table', invalidPolicy),
  ]
    .map(quotedName)
    .join('.')
}

/** The rows of an answer, as pg gives them. Another client may answer with the rows themselves. */
function rowsOf(answer: unknown): readonly unknown[] {
  return aList((Object(answer) as { rows?: unknown }).rows, 'pool.query(…).rows', invalidPolicy)
}
