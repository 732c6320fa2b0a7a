import { answerHeader, type AnswerId } from './exposure-client.js'

/**
 * What one statement cost, as the server says it in the `X-ClickHouse-Summary` of its answer. A number is `null` if it
 * says nothing: a proxy may drop the header, and the embedded ClickHouse has none. A stream has its numbers from the end
 * of the answer instead, where they are complete.
 *
 * The server sends the header with the first rows of the answer. For the summary these are the last thing that it does, so what it
 * has read is complete. The ledger may have more to read by then. With `settings: { wait_end_of_query: 1 }`, which any
 * user may pass over HTTP, the server waits with its answer until the end, and every number is complete.
 */
export interface QueryCost {
  /** Its id on the server, as in `system.query_log`; `null` if neither the answer nor the caller names one. */
  readonly queryId: string | null
  /** The rows that it read, on all servers of a cluster. */
  readonly readRows: number | null
  /** The bytes that it read, uncompressed. */
  readonly readBytes: number | null
  /** The time from its start, in milliseconds. */
  readonly elapsedMs: number | null
}

/** The cost of an answer. `queryId` is the id that was asked for, if the answer has none. */
export function queryCost(answer: AnswerId, queryId: string | undefined): QueryCost {
  const summary = parsed(answerHeader(answer, 'x-clickhouse-summary'))
  const elapsedNs = aCount(summary['elapsed_ns'])
  return Object.freeze({
    queryId: queryId ?? null,
    readRows: aCount(summary['read_rows']),
    readBytes: aCount(summary['read_bytes']),
    elapsedMs: elapsedNs === null ? null : elapsedNs / 1e6,
  })
}

/** The cost of an answer that was read to its end, where the format JSON has its statistics. */
export function streamedCost(statistics: unknown, queryId: string): QueryCost {
  const { rows_read, bytes_read, elapsed } = (statistics ?? {}) as Readonly<Record<string, unknown>>
  return Object.freeze({
    queryId,
    readRows: aCount(rows_read),
    readBytes: aCount(bytes_read),
    elapsedMs: typeof elapsed === 'number' ? elapsed * 1000 : null,
  })
}

function parsed(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

/** The server writes its counts as text. */
function aCount(value: unknown): number | null {
  return /^\d{1,20}$/.test(String(value)) ? Number(value) : null
}
