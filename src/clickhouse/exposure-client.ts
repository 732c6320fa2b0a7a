/**
 * The part of a ClickHouse client that this library calls. The official Node client, the official Web client and a
 * three-line fake all fit, in any version, because this type names nothing else.
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
    /** Asks the official clients to send the parameters in the body. Only if they are too long for the URL. */
    use_multipart_params?: boolean
  }): Promise<{
    json(): Promise<unknown>
    /**
     * The answer as it arrived. If a client has this, it is read instead of `json`, because the official clients'
     * `json` silently leaves out a last row that was cut.
     */
    text?(): Promise<string>
    /** The id of the answer; if it is not the id of the request, the answer belongs to another query. */
    query_id?: string
    /** The id is looked for here first, as `x-clickhouse-query-id`. */
    readonly response_headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  }>
}

/** What a client returns for a query. */
export type Answer = Awaited<ReturnType<ExposureClient['query']>>
