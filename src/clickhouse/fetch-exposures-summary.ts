import { ExposureError } from '../errors.js'
import { firstExposuresQuery } from '../query/first-exposures-query.js'
import { decodeBucketRows } from '../rows/decode-bucket-rows.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import { selectGranularity } from '../spec/select-granularity.js'
import type { ExposuresSummary } from '../summary/exposures-summary.js'
import { summarizeExposures } from '../summary/summarize-exposures.js'
import { answeredRows } from './answered-rows.js'
import type { Answer, ExposureClient } from './exposure-client.js'

/** How one question is put to ClickHouse. */
export interface FetchExposuresOptions {
  /** Ends the wait, and the client's request: the promise rejects at once with the signal's reason. */
  readonly signal?: AbortSignal
  /** The query's id on the server, to find it in `system.processes` or `system.query_log`. */
  readonly queryId?: string
  /** ClickHouse settings for this one query, such as `{ max_threads: 4 }`. None is needed. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
}

/**
 * Who entered this experiment, when, and in which variant? Asks ClickHouse once and returns the summary.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @returns the frozen summary of the whole window, exact as of what the table held
 * @throws whatever the client throws, untouched; the signal's reason after an abort;
 *   {@link ExposureError} `too-many-buckets` where the answer has more than `spec.maxRows` rows (it is never cut),
 *   `malformed-rows`, and `invalid-spec`, `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchExposuresSummary } from 'first-exposure/clickhouse'
 *
 * const client = {
 *   query: async () => ({
 *     json: async () => [{ quarantined: 0, variant: 'control', bucket: '2026-06-01 00:00:00', new_identities: 7 }],
 *   }),
 * }
 * const summary = await fetchExposuresSummary(
 *   client,
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * summary.timeseries.points // => [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control: 7 } }]
 * ```
 */
export async function fetchExposuresSummary(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: FetchExposuresOptions = {},
): Promise<ExposuresSummary> {
  const { signal, queryId, settings } = options
  const { maxRows, timeZone } = exposureSpec(spec)
  const { query, query_params, format } = firstExposuresQuery(spec, window)
  const rows = await rejectOnAbort(signal, async () => {
    const result = await client.query({
      query,
      query_params: { ...query_params },
      format,
      ...(signal === undefined ? {} : { abort_signal: signal }),
      ...(queryId === undefined ? {} : { query_id: queryId }),
      ...(settings === undefined ? {} : { clickhouse_settings: { ...settings } }),
    })
    const answered = answeredId(result)
    if (queryId !== undefined && answered !== undefined && answered !== queryId) {
      throw new ExposureError(
        'malformed-rows',
        'The answer bears the id of another query. Check what sits between the host and ClickHouse.',
      )
    }
    return await answeredRows(result)
  })
  if (Array.isArray(rows) && rows.length > maxRows) {
    throw new ExposureError(
      'too-many-buckets',
      `The answer has more than ${maxRows} rows (variants × buckets), so it was not read. ` +
        'Ask for a shorter window, look for junk among the variant keys, or raise maxRows in the spec.',
      { maxRows },
    )
  }
  // decodeBucketRows refuses what is not a list.
  const buckets = decodeBucketRows(rows as readonly unknown[])
  for (const [row, { bucketMs }] of buckets.entries()) {
    // The first bucket may start before the window: at most a day of 25 hours, or the two of a day that is skipped.
    if (bucketMs >= window.asOfMs || bucketMs < window.startMs - 2 * 86_400_000) {
      throw new ExposureError(
        'malformed-rows',
        `Row ${row}, column bucket: received ${new Date(bucketMs).toISOString()}, which is outside the window. ` +
          'Is it the answer to this query? Check what sits between the host and ClickHouse.',
        { row, column: 'bucket', received: bucketMs },
      )
    }
  }
  return summarizeExposures(buckets, { granularity: selectGranularity(window), timeZone })
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
