import { aName, withMethods, type Check } from '../checks.js'
import { ExposureError, invalidSpec, kindOf, type Refusal } from '../errors.js'
import type { ExposuresQuery } from '../sql/statement.js'
import type { BoundValue } from '../sql/trusted-sql.js'
import { answeredRows } from './answered-rows.js'
import { answerHeader, type AnswerId, type ExposureClient } from './exposure-client.js'
import { queryCost, type QueryCost } from './query-cost.js'
import { refusedByStatement } from './refused-by-statement.js'

/** The prefix of the query ids that this library makes. */
const queryIdPrefix = 'first-exposure-'

/** How ClickHouse is asked one query. */
export interface FetchRowsOptions {
  /** Ends the wait and the client's requests: the promise rejects at once with the signal's reason. */
  readonly signal?: AbortSignal
  /**
   * The query's id on the server, to find it in `system.processes` or `system.query_log`. Default: `first-exposure-` and
   * a random UUID.
   */
  readonly queryId?: string
  /**
   * ClickHouse settings for each query, such as `{ max_threads: 4 }`, or `{ log_comment: 'checkout' }` to find it in
   * `system.query_log`. Default: none.
   */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** Called with what each answered statement cost, as the server says. An error that it throws ends the call. */
  readonly onCost?: (cost: QueryCost) => void
}

/** The names of those options. */
export const fetchRowsOptions: readonly string[] = [
  'signal',
  'queryId',
  'settings',
  'onCost',
] satisfies readonly (keyof FetchRowsOptions)[]

/**
 * Sends one query and reads the rows of its answer, whatever they contain. Rejects with what the client throws,
 * untouched; with the signal's reason after an abort; with `shards-missing`; or with `malformed-rows` if the answer
 * breaks off or belongs to another query.
 */
export async function fetchRows(
  client: ExposureClient,
  statement: ExposuresQuery,
  { signal, queryId = newQueryId(), settings, onCost }: FetchRowsOptions,
): Promise<readonly unknown[]> {
  aClient(client, 'query')
  aName(queryId, 'queryId', invalidSpec)
  if (signal !== undefined) aSignal(signal, 'signal', invalidSpec)
  const { query, query_params, format } = statement
  const sending = assertSendable(statement)
  let cost: QueryCost | undefined
  // The decoders refuse anything but a list.
  const rows = (await rejectOnAbort(signal, async () => {
    try {
      const result = await client.query({
        query,
        query_params: { ...query_params },
        format,
        ...sending,
        ...(signal === undefined ? {} : { abort_signal: signal }),
        query_id: queryId,
        ...(settings === undefined ? {} : { clickhouse_settings: { ...settings } }),
      })
      assertAnswer(result, 'query', ['text', 'json'])
      // Read the answer completely, even if it belongs to another query: unread data blocks one of the client's
      // connections.
      const rows = await answeredRows(result)
      assertOwnAnswer(result, queryId)
      cost = queryCost(result, answeredId(result) ?? queryId)
      return rows
    } catch (error) {
      throw refusedByStatement(error, query) ?? error
    }
  })) as readonly unknown[]
  if (cost !== undefined) onCost?.(cost)
  return rows
}

/** Refuses what has no such method. */
export function aClient(client: unknown, method: 'query' | 'exec', refuse: Refusal = invalidSpec): void {
  withMethods(client, [method], 'client', refuse, 'Pass a ClickHouse client.')
}

/** Refuses a client's answer that has none of these fields. Throws `invalid-spec`. */
export function assertAnswer(answer: unknown, method: 'query' | 'exec', fields: readonly string[]): void {
  const given = (answer ?? {}) as Readonly<Record<string, unknown>>
  if (fields.some((field) => given[field] !== undefined)) return
  throw invalidSpec(
    'client',
    answer,
    'Pass a ClickHouse client.',
    `client.${method} answered ${kindOf(answer)}, which has no ${fields.at(-1)}.`,
    kindOf,
  )
}

/** An AbortSignal, not its controller. */
export const aSignal: Check<AbortSignal> = (value, path, refuse) => {
  const advice = 'Pass an AbortSignal, such as the signal of an AbortController.'
  withMethods(value, ['throwIfAborted', 'addEventListener'], path, refuse, advice)
  return value as AbortSignal
}

/**
 * The most bytes that a ClickHouse server accepts in one request parameter: the default of `http_max_field_value_size`.
 * In the URL the encoded bytes count, in the body the bytes themselves.
 */
const mostBytes = 131_072
/** The most bytes that it accepts in a URL (`http_max_uri_size`), less space for everything except the parameters. */
const mostInUrl = 1_048_576 - 131_072

/**
 * How the official clients must send a statement's parameters: in the URL, which is their default, or in the body if
 * the URL would be too long. Throws `invalid-spec` for a parameter that is too long for both.
 */
export function assertSendable({ query_params }: ExposuresQuery): {
  readonly use_multipart_params?: true
} {
  let inUrl = 0
  let isOneTooLong = false
  for (const [name, value] of Object.entries(query_params)) {
    const text = parameterText(value)
    // The few short ones fit beside the others.
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

/** Refuses an answer that has the id of another query. Throws `malformed-rows`. */
export function assertOwnAnswer(answer: AnswerId, queryId: string): void {
  if (!isOfAnotherQuery(answeredId(answer), queryId)) return
  throw new ExposureError(
    'malformed-rows',
    'The answer has the id of another query. Check what sits between the host and ClickHouse.',
  )
}

/**
 * A proxy may give queries its own ids, as chproxy does, so a different id alone proves nothing. But this library never
 * makes the same id twice.
 */
function isOfAnotherQuery(answered: string | undefined, asked: string): boolean {
  return answered !== asked && answered?.startsWith(queryIdPrefix) === true
}

/** The id that the server put on its answer. A client's own `query_id` may be only the id of the request. */
export function answeredId(answer: AnswerId): string | undefined {
  return answerHeader(answer, 'x-clickhouse-query-id') ?? answer.query_id
}

/** A new id. In a page that is not secure, browsers have no random UUIDs, but they have random bytes. */
export function newQueryId(): string {
  const { randomUUID } = crypto as { readonly randomUUID?: unknown }
  return `${queryIdPrefix}${randomUUID === undefined ? uuidOfBytes() : crypto.randomUUID()}`
}

/** A UUID of version 4. */
function uuidOfBytes(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const part = (from: number, to: number): string => digits.slice(from, to)
  return `${part(0, 8)}-${part(8, 12)}-4${part(13, 16)}-a${part(17, 20)}-${part(20, 32)}`
}

/** Some clients react late to a signal, and some never do; the caller must not wait for them. */
export async function rejectOnAbort<Value>(
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
