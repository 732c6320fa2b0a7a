import type { Check } from '../checks.js'
import { ExposureError, invalidSpec } from '../errors.js'
import type { ExposuresQuery } from '../sql/statement.js'
import type { BoundValue } from '../sql/trusted-sql.js'
import { answeredRows } from './answered-rows.js'
import type { Answer, ExposureClient } from './exposure-client.js'
import { refusedByStatement } from './refused-by-statement.js'

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
  statement: ExposuresQuery,
  { signal, queryId, settings }: FetchRowsOptions,
): Promise<readonly unknown[]> {
  if (typeof client?.query !== 'function') throw invalidSpec('client', client, 'Pass a ClickHouse client.')
  if (signal !== undefined) aSignal(signal, 'signal', invalidSpec)
  const { query, query_params, format } = statement
  const sending = assertSendable(statement)
  // What is no list the decoders refuse.
  return (await rejectOnAbort(signal, async () => {
    try {
      const result = await client.query({
        query,
        query_params: { ...query_params },
        format,
        ...sending,
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
      throw refusedByStatement(error) ?? error
    }
  })) as readonly unknown[]
}

/** An AbortSignal: not the controller that it belongs to. */
export const aSignal: Check<AbortSignal> = (value, path, refuse) => {
  const { throwIfAborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>
  if (typeof throwIfAborted === 'function' && typeof addEventListener === 'function') {
    return value as AbortSignal
  }
  throw refuse(path, value, 'Pass an AbortSignal, such as the signal of an AbortController.')
}

/**
 * What a ClickHouse server takes as one parameter of a request, in bytes: its `http_max_field_value_size` unless
 * configured otherwise. In the URL the bytes are counted as they are encoded there, in the body as they are.
 */
const mostBytes = 131_072
/** What it takes as a whole URL (`http_max_uri_size`), less room for everything but the parameters. */
const mostInUrl = 1_048_576 - 131_072

/**
 * How the official clients are to send a statement's parameters: in the URL, as they do by themselves, or in the body,
 * where the URL would be too long. Throws `invalid-spec` for a parameter that a server takes in neither way.
 */
export function assertSendable({ query_params }: ExposuresQuery): {
  readonly use_multipart_params?: true
} {
  let inUrl = 0
  let isOneTooLong = false
  for (const [name, value] of Object.entries(query_params)) {
    const text = parameterText(value)
    // The few short ones have room beside the others.
    if (text.length < 100) continue
    const bytes = new TextEncoder().encode(text).length
    if (bytes > mostBytes) {
      throw invalidSpec(
        name,
        value,
        'Keep a long list in a table or a dictionary of the server, and ask for it in a condition made by trustedSql: ' +
          'trustedSql`country IN (SELECT code FROM countries)`.',
        `The parameter ${name} takes ${bytes.toLocaleString('en')} bytes; a ClickHouse server takes ` +
          `${mostBytes.toLocaleString('en')}.`,
      )
    }
    const encoded = new URLSearchParams([['', text]]).toString().length - 1
    isOneTooLong ||= encoded > mostBytes
    inUrl += encoded
  }
  return isOneTooLong || inUrl > mostInUrl ? { use_multipart_params: true } : {}
}

/** A parameter as the official clients write it. */
function parameterText(value: BoundValue): string {
  const escaped = (text: string): string => text.replaceAll(/[\t\n\r'\\]/g, '\\$&')
  if (typeof value === 'string') return escaped(value)
  if (typeof value !== 'object') return String(value)
  const items: readonly (string | number)[] = value
  return `[${items.map((item) => (typeof item === 'string' ? `'${escaped(item)}'` : String(item))).join(',')}]`
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
