import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'

/**
 * The fast door: ClickHouse in this process, under the official client. One data directory per process; settings
 * leak into later queries and an abort does not stop the engine, so fidelity is the server's business (server.ts).
 */
export function openInProcess(path = ':memory:'): ClickHouseClient {
  return createClient({
    // chdb's type of a connection lags the client's.
    connection: createChdbConnection({ path }) as never,
    log: { level: ClickHouseLogLevel.OFF },
  })
}
