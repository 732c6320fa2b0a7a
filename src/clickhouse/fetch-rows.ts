import { ExposureError } from '../errors.js'
import type { ExposuresQuery } from '../query/first-exposures-query.js'
import { missingShards } from '../query/missing-shards.js'
import { answeredRows } from './answered-rows.js'
import type { Answer, ExposureClient } from './exposure-client.js'

/** What the ids that this library gives to queries begin with. */
export const queryIdPrefix = 'first-exposure-'

/** How one query is put to ClickHouse. */
export interface FetchRowsOptions {
  /** Ends the wait, and every request of the client's: the promise rejects at once with the signal's reason. */
  readonly signal?: AbortSignal
  /** The query's id on the server, to find it in `system.processes` or `system.query_log`. */
  readonly queryId?: string
  /** ClickHouse settings for each query, such as `{ max_threads: 4 }`. None is needed. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
}

/** The names of those options. */
export const fetchRowsOptions: readonly string[] = [
  'signal',
  'queryId',
  'settings',
] satisfies readonly (keyof FetchRowsOptions)[]

/**
 * Puts one query, and reads the rows of its answer, whatever they are. Rejects with what the client throws,
 * untouched, with the signal's reason after an abort, with `shards-missing`, or with `malformed-rows` for an answer
 * that breaks off or is another query's.
 */
export async function fetchRows(
  client: ExposureClient,
  { query, query_params, format }: ExposuresQuery,
  { signal, queryId, settings }: FetchRowsOptions,
): Promise<readonly unknown[]> {
  // What is no list the decoders refuse.
  return (await rejectOnAbort(signal, async () => {
    try {
      const result = await client.query({
        query,
        query_params: { ...query_params },
        format,
        ...(signal === undefined ? {} : { abort_signal: signal }),
        ...(queryId === undefined ? {} : { query_id: queryId }),
        ...(settings === undefined ? {} : { clickhouse_settings: { ...settings } }),
      })
      // Read whole, whosever answer it is: what is left unread holds one of the client's connections.
      const rows = await answeredRows(result)
      if (isOfAnotherQuery(answeredId(result), queryId)) {
        throw new ExposureError(
          'malformed-rows',
          'The answer bears the id of another query. Check what sits between the host and ClickHouse.',
        )
      }
      return rows
    } catch (error) {
      throw isMissingShards(error) ? shardsMissing(error) : error
    }
  })) as readonly unknown[]
}

/**
 * A proxy may give queries ids of its own, as chproxy does, so another id than was asked with proves nothing. Of the
 * ids that this library makes none is given twice.
 */
function isOfAnotherQuery(answered: string | undefined, asked: string | undefined): boolean {
  return asked !== undefined && answered !== asked && answered?.startsWith(queryIdPrefix) === true
}

/** The id that the server put on its answer. A client's own `query_id` may be no more than what was asked with. */
function answeredId({ response_headers: headers = {}, query_id }: Answer): string | undefined {
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'x-clickhouse-query-id')
  const header = name === undefined ? undefined : headers[name]
  return typeof header === 'string' && header !== '' ? header : query_id
}

/** 395 is FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, the statement's own guard. */
function isMissingShards(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return String(code) === '395' && typeof message === 'string' && message.includes(missingShards)
}

function shardsMissing(cause: unknown): ExposureError {
  return new ExposureError(
    'shards-missing',
    'Not every shard of the cluster answered, and the server is set to skip those that are down ' +
      '(skip_unavailable_shards), so the answer would have been a part. Ask again when they are back.',
    {},
    { cause },
  )
}

/** Not every client heeds a signal at once, and some not at all; the caller need not wait for them. */
async function rejectOnAbort<Value>(
  signal: AbortSignal | undefined,
  work: () => Promise<Value>,
): Promise<Value> {
  if (signal === undefined) return await work()
  signal.throwIfAborted()
  let stopListening: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => {
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    stopListening = () => {
      signal.removeEventListener('abort', onAbort)
    }
  })
  try {
    return await Promise.race([work(), aborted])
  } finally {
    stopListening?.()
  }
}
