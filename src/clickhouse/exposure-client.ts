/**
 * The part of a ClickHouse client that this library calls. The official Node client, the official Web client and a
 * three-line fake all fit, whatever their version; naming no more keeps it so.
 *
 * @example
 * ```ts
 * import type { ExposureClient } from 'first-exposure/clickhouse'
 *
 * const fake: ExposureClient = {
 *   query: async () => ({ json: async () => [] }),
 * }
 * ```
 */
export interface ExposureClient {
  query(params: {
    query: string
    query_params: Record<string, unknown>
    format: 'JSONEachRow'
    abort_signal?: AbortSignal
    query_id?: string
    clickhouse_settings?: Record<string, string | number | boolean>
    /** Asks the official clients to send the parameters in the body. Only where they are too long for the URL. */
    use_multipart_params?: boolean
  }): Promise<{
    json(): Promise<unknown>
    /**
     * The answer as it came. Where a client has it, it is read instead of `json`: the official clients' `json` leaves
     * out a last row that was cut, without a word.
     */
    text?(): Promise<string>
    /** The id that the answer bears; where it is another than was asked with, the answer is another query's. */
    query_id?: string
    /** Where that id is looked for first, as `x-clickhouse-query-id`. */
    readonly response_headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  }>
}

/** What a client gives for a query. */
export type Answer = Awaited<ReturnType<ExposureClient['query']>>
