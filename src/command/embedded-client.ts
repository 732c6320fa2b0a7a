import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ClickHouseClient } from '@clickhouse/client'

/** The part of a connection to the embedded ClickHouse that is used. */
export interface EmbeddedConnection {
  query(params: { query: string }): Promise<{ readonly stream: Readable; readonly query_id: string }>
  exec(params: { query: string }): Promise<{ readonly stream: Readable; readonly query_id: string }>
  command(params: { query: string }): Promise<unknown>
  close(): Promise<void>
}

/**
 * The part of the official client that the command uses, on a connection to the embedded ClickHouse, so that who reports
 * a file needs no client of servers.
 */
export function embeddedClient(connection: EmbeddedConnection): ClickHouseClient {
  const client = {
    query: async ({ format, ...params }: { query: string; format: 'JSONEachRow' }) => {
      const { stream, query_id } = await connection.query({
        ...params,
        query: `${params.query}\nFORMAT ${format}`,
      })
      return {
        query_id,
        text: () => text(stream),
        json: async () =>
          (await text(stream))
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as unknown),
      }
    },
    exec: (params: { query: string }) => connection.exec(params),
    command: (params: { query: string }) => connection.command(params),
    close: () => connection.close(),
  }
  return client as unknown as ClickHouseClient
}
