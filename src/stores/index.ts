/**
 * For a server that keeps the states of refreshes in a database that it already has: PostgreSQL or SQLite.
 *
 * @module first-exposure/stores
 */

export {
  postgresRefreshStore,
  type PostgresPool,
  type PostgresRefreshStoreOptions,
} from './postgres-refresh-store.js'
export {
  sqliteRefreshStore,
  type SqliteDatabase,
  type SqliteRefreshStoreOptions,
} from './sqlite-refresh-store.js'
