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
  query(
    params: RequestParams & {
      format: 'JSONEachRow'
      /** Asks the official clients to send the parameters in the body. Only if they are too long for the URL. */
      use_multipart_params?: boolean
    },
  ): Promise<
    AnswerId & {
      json(): Promise<unknown>
      /**
       * The answer as it arrived. If a client has this, it is read instead of `json`, because the official clients'
       * `json` silently leaves out a last row that was cut.
       */
      text?(): Promise<string>
    }
  >
}

/**
 * The part of a ClickHouse client that a stream needs in addition: the answer as it arrives. The official Node client,
 * the official Web client and a small fake fit.
 *
 * @example
 * ```ts
 * import type { ExposureStreamClient } from 'first-exposure/clickhouse'
 *
 * const body = JSON.stringify({ meta: [], data: [], rows: 0 })
 * const fake: ExposureStreamClient = {
 *   query: async () => ({ json: async () => [] }),
 *   exec: async () => ({ stream: new Blob([body]).stream() }),
 * }
 * ```
 */
export interface ExposureStreamClient extends ExposureClient {
  exec(params: RequestParams): Promise<AnswerId & { readonly stream: ByteStream }>
}

/** The bytes of an answer: a `Readable` of Node, a `ReadableStream` of the web, or any async iterable. */
export type ByteStream = AsyncIterable<Uint8Array> | WebByteStream

/** The part of a web `ReadableStream` that is used. */
export interface WebByteStream {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(): Promise<void>
  }
}

/** What is sent with every statement. */
export interface RequestParams {
  query: string
  query_params: Record<string, unknown>
  abort_signal?: AbortSignal
  query_id?: string
  clickhouse_settings?: Record<string, string | number | boolean>
}

/** How an answer says which query it belongs to. */
export interface AnswerId {
  /** The id of the answer; if it is not the id of the request, the answer belongs to another query. */
  query_id?: string
  /** The id is looked for here first, as `x-clickhouse-query-id`, and what the query cost, as `x-clickhouse-summary`. */
  readonly response_headers?: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** What a client returns for a query. */
export type Answer = Awaited<ReturnType<ExposureClient['query']>>

/** A header of an answer, whatever the case of its name; `undefined` if it is not there, or there several times. */
export function answerHeader({ response_headers }: AnswerId, name: string): string | undefined {
  // Other clients may have null here.
  const headers = response_headers ?? {}
  const found = Object.keys(headers).find((each) => each.toLowerCase() === name)
  const value = found === undefined ? undefined : headers[found]
  return typeof value === 'string' && value !== '' ? value : undefined
}
