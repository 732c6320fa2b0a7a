import { aName, withFields } from '../checks.js'
import { ExposureError, invalidSpec } from '../errors.js'
import { exposureSpec, type ExposureSpec } from '../experiment/exposure-spec.js'
import type { SourceColumn } from '../experiment/source-column.js'
import {
  exposedIdentityColumns,
  exposedIdentityDecoder,
  type ExposedIdentity,
} from '../questions/exposed-identities/rows.js'
import { exposedIdentitiesQuery } from '../questions/exposed-identities/statement.js'
import { settings as safeSettings } from '../scan/guards.js'
import { inlineParameters } from '../sql/inline-parameters.js'
import { rendered, type ExposuresQuery } from '../sql/statement.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { answeredBlocks } from './answered-blocks.js'
import { assertPartitions } from './ask-partitions.js'
import { byteReader, type ByteReader } from './byte-reader.js'
import { classifyFailure } from './classify-failure.js'
import { eachOf } from './each-of.js'
import { endQuery, mayStillRun } from './end-query.js'
import type { ExposureStreamClient, RequestParams } from './exposure-client.js'
import {
  aClient,
  aSignal,
  answeredId,
  assertAnswer,
  assertOwnAnswer,
  assertSendable,
  fetchRowsOptions,
  newQueryId,
  rejectOnAbort,
  type FetchRowsOptions,
} from './fetch-rows.js'
import { streamedCost, type QueryCost } from './query-cost.js'
import { refusedByStatement } from './refused-by-statement.js'

/** What each identity is returned with, and how ClickHouse is asked. */
export interface StreamExposedIdentitiesOptions extends FetchRowsOptions {
  /** Ends the loop with the signal's reason, and the statement on the server. */
  readonly signal?: AbortSignal
  /**
   * The query's id on the server, to find it in `system.processes` or `system.query_log`. With partitions each part
   * has its own: `<queryId>-0` to `<queryId>-<partitions - 1>`. Default: `first-exposure-` and a random UUID.
   */
  readonly queryId?: string
  /** Columns of the events, or expressions over them, as for `exposedIdentitiesQuery`. Default: no dimensions. */
  readonly dimensions?: readonly SourceColumn[]
  /**
   * The number of parts to ask for, one after another, 1 to 65,536; default 1. Each part is a query about the identities
   * whose hash falls in it. So the server holds 1/n of the identities in memory, and reads the columns n times.
   */
  readonly partitions?: number
}

/**
 * Who entered this experiment, when, and in which variant? Reads one identity after another as ClickHouse answers, with
 * flat memory for any number of them.
 *
 * Guarantees: those of `exposedIdentitiesQuery`. The loop sees every identity exactly once, or fails: an answer that ends
 * early is an error, even if it ends between two rows, because the server's own count of the rows must arrive after
 * them. A slow loop slows down the server, and no more than a block of rows waits in memory. When the loop ends early, by
 * `break`, an error or an abort, the statement is ended on the server (`KILL QUERY`) if it can be reached within 5
 * seconds and the user may do so. Each loop over the result asks again.
 *
 * The answer is read as bytes, by the client's `exec`. A loop that takes long between two identities must be within the
 * time limits of the connection: the client's `request_timeout` and the server's `http_send_timeout`, 30 seconds each by
 * default. Identities of a 64-bit integer column that are beyond 2⁵³ need the setting
 * `output_format_json_quote_64bit_integers: 1`, or `trustedSql` with `toString` as the identity column. Those that are no
 * text in UTF-8, such as the bytes of a hash, are refused (`unreadable-column`): use `trustedSql` with `hex`. Those of a
 * `FixedString` column have its zero bytes at their end.
 *
 * @param client - the host's own ClickHouse client, official or with the same `query` and `exec`; it stays open
 * @param spec - made by `exposureSpec`; its `identityKey`, `breakdown`, `timeZone` and `maxRows` have no effect
 * @param window - made by `exposureWindow`
 * @param options.dimensions - columns or expressions, at most 20; default: no dimensions
 * @param options.partitions - the number of parts to ask for, one after another, 1 to 65,536; default 1
 * @param options.signal - ends the loop and the statement
 * @param options.queryId - the query's id on the server
 * @param options.settings - ClickHouse settings for each query
 * @param options.onCost - called after the last identity of each part
 * @returns an async iterable of frozen identities, in no order; nothing is asked before the loop begins
 * @throws at the call: {@link ExposureError} `invalid-spec`, `invalid-window`, for misuse. In the loop: whatever the
 *   client throws, untouched; the signal's reason after an abort; {@link ExposureError} `malformed-rows` if the answer is
 *   not complete or belongs to another query, `unreadable-column`, `unreadable-rollup`,
 *   `unsafe-setting`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { streamExposedIdentities } from 'first-exposure/clickhouse'
 *
 * // A client's answer: the columns, the rows and their number, as the format JSONCompact writes them.
 * const names = ['identity', 'variant', 'first_exposure', 'quarantined', 'first_variant']
 * const answer = `{
 * \t"meta":
 * \t${JSON.stringify(names.map((name) => ({ name })))},
 *
 * \t"data":
 * \t[
 * \t\t["ann", "control", "2026-06-01 08:00:00.250000000", 0, "control"]
 * \t],
 *
 * \t"rows": 1
 * }
 * `
 * const client = {
 *   query: async () => ({ json: async () => [] }),
 *   exec: async () => ({ stream: new Blob([answer]).stream() }),
 * }
 *
 * const variants = new Map<string | null, number>()
 * for await (const { variant } of streamExposedIdentities(
 *   client,
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )) {
 *   variants.set(variant, (variants.get(variant) ?? 0) + 1)
 * }
 * variants.get('control') // => 1
 * ```
 */
export function streamExposedIdentities(
  client: ExposureStreamClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: StreamExposedIdentitiesOptions = {},
): AsyncIterable<ExposedIdentity> {
  withFields(options, [...fetchRowsOptions, 'dimensions', 'partitions'], 'options', invalidSpec)
  aClient(client, 'query')
  aClient(client, 'exec')
  const { partitions = 1, signal, dimensions, queryId } = options
  if (queryId !== undefined) aName(queryId, 'queryId', invalidSpec)
  if (signal !== undefined) aSignal(signal, 'signal', invalidSpec)
  assertPartitions({ partitions })
  const complete = exposureSpec(spec)
  const statementOf = (index: number): ExposuresQuery =>
    ofText(
      exposedIdentitiesQuery(complete, window, {
        ...(dimensions === undefined ? {} : { dimensions }),
        ...(partitions === 1 ? {} : { partition: { index, of: partitions } }),
      }),
    )
  sendable(statementOf(0), options.settings)
  return {
    [Symbol.asyncIterator]: () =>
      eachOf(async function* (stopped) {
        const id = options.queryId ?? newQueryId()
        for (let index = 0; index < partitions; index++) {
          const queryId = partitions === 1 ? id : `${id}-${index}`
          yield* identitiesOf(client, statementOf(index), { ...options, queryId }, stopped)
        }
      }, signal),
  }
}

/**
 * The same rows, but the statement fails at an identifier that is no text in UTF-8, such as the bytes of a hash. In JSON,
 * ClickHouse writes U+FFFD for such bytes, and different identities would look the same. The check is about a column of the
 * answer: a condition would be moved to the rows of the table.
 */
function ofText({ query, ...rest }: ExposuresQuery): ExposuresQuery {
  const refusal = "concat('first-exposure: column identity has type <', toTypeName(identity), '>')"
  const check = `throwIf(NOT isValidUTF8(toString(identity)), ${refusal})`
  return {
    ...rest,
    query: `SELECT * REPLACE (quarantined + ${check} AS quarantined)\nFROM (\n${query}\n)\n${rendered(safeSettings()).query}`,
  }
}

/** The identities of one statement, block by block. If they are not read to the end, the statement is ended. */
async function* identitiesOf(
  client: ExposureStreamClient,
  statement: ExposuresQuery,
  {
    queryId,
    settings,
    onCost,
  }: Required<Pick<FetchRowsOptions, 'queryId'>> & Pick<FetchRowsOptions, 'settings' | 'onCost'>,
  stopped: AbortSignal,
): AsyncGenerator<readonly ExposedIdentity[], void> {
  stopped.throwIfAborted()
  let isRead = false
  let mayRun = true
  let bytes: ByteReader | undefined
  let cost: QueryCost | undefined
  try {
    const answer = await send(client, stopped, {
      ...sendable(statement, settings),
      query_id: queryId,
      ...(settings === undefined ? {} : { clickhouse_settings: { ...settings } }),
    })
    assertAnswer(answer, 'exec', ['stream'])
    const opened = byteReader(answer.stream)
    bytes = opened
    assertOwnAnswer(answer, queryId)
    const read = async (): Promise<Uint8Array | undefined> => await rejectOnAbort(stopped, opened.read)
    let decode: ReturnType<typeof exposedIdentityDecoder> | undefined
    const onEnd = (statistics: unknown): void => {
      cost = streamedCost(statistics, answeredId(answer) ?? queryId)
    }
    for await (const { names, first, rows } of answeredBlocks(read, onEnd)) {
      const decodeRow = (decode ??= decoderOf(names))
      yield rows.map((cells, index) => decodeRow(cells, first + index))
    }
    isRead = true
    mayRun = false
  } catch (error) {
    mayRun = stopped.aborted || mayStillRun(classifyFailure(error))
    throw refusedByStatement(error, statement.query) ?? error
  } finally {
    // Also if the server has given up: what is left of its answer would block one of the client's connections.
    if (!isRead) bytes?.close()
    if (mayRun) await endQuery(client, queryId)
  }
  if (cost !== undefined) onCost?.(cost)
}

type StreamedAnswer = Awaited<ReturnType<ExposureStreamClient['exec']>>

/** Sends a statement. An abort ends the wait at once. */
async function send(
  client: ExposureStreamClient,
  stopped: AbortSignal,
  params: RequestParams,
): Promise<StreamedAnswer> {
  // Not the caller's signal: after an abort, the official clients would also fail a stream that nobody reads any more.
  const asking = new AbortController()
  const answer = (async () => await client.exec({ ...params, abort_signal: asking.signal }))()
  try {
    return await rejectOnAbort(stopped, async () => await answer)
  } catch (error) {
    asking.abort(error)
    // Some clients answer in spite of the abort, if only with nothing.
    void answer.then(({ stream }) => byteReader(stream).close()).catch(() => undefined)
    throw error
  }
}

function decoderOf(names: readonly string[]): ReturnType<typeof exposedIdentityDecoder> {
  const own = Object.values(exposedIdentityColumns)
  if (own.some((name, place) => names[place] !== name)) {
    throw new ExposureError(
      'malformed-rows',
      `The answer has not the columns ${own.join(', ')}. Is it the answer to the query, unchanged?`,
      { columns: names },
    )
  }
  return exposedIdentityDecoder(names)
}

/** The longest text of a statement that a ClickHouse server parses: the default of `max_query_size`. */
const mostBytesOfQuery = 262_144

/**
 * The statement with its format. The `exec` of the official clients sends all parameters in the URL. If they are too long
 * for it, they become literals of the statement. Throws `invalid-spec` if that is too long too.
 */
function sendable(
  statement: ExposuresQuery,
  settings: FetchRowsOptions['settings'],
): Pick<RequestParams, 'query' | 'query_params'> {
  const withFormat = (query: string): string => `${query}\nFORMAT JSONCompact`
  if (assertSendable(statement).use_multipart_params === undefined) {
    return { query: withFormat(statement.query), query_params: { ...statement.query_params } }
  }
  const query = withFormat(inlineParameters(statement))
  const { length } = new TextEncoder().encode(query)
  if (length > mostBytesOfQuery && settings?.['max_query_size'] === undefined) {
    throw invalidSpec(
      'spec',
      statement.query_params,
      'Keep a long list in a table or a dictionary of the server, and ask for it in a condition made by trustedSql: ' +
        'trustedSql`country IN (SELECT code FROM countries)`. Or raise the setting max_query_size.',
      `The statement takes ${length.toLocaleString('en')} bytes with its values; a ClickHouse server takes ` +
        `${mostBytesOfQuery.toLocaleString('en')}.`,
    )
  }
  return { query, query_params: {} }
}
