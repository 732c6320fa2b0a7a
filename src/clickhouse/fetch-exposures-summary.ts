import { ExposureError } from '../errors.js'
import { firstExposuresQuery, type ExposuresQuery } from '../query/first-exposures-query.js'
import { missingShards } from '../query/missing-shards.js'
import { decodeBucketRows, type ExposureBucket } from '../rows/decode-bucket-rows.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import { selectGranularity } from '../spec/select-granularity.js'
import type { ExposuresSummary } from '../summary/exposures-summary.js'
import { summarizeExposures } from '../summary/summarize-exposures.js'
import { answeredRows } from './answered-rows.js'
import type { Answer, ExposureClient } from './exposure-client.js'

/** How the question is put to ClickHouse. */
export interface FetchExposuresOptions {
  /** Ends the wait, and every request of the client's: the promise rejects at once with the signal's reason. */
  readonly signal?: AbortSignal
  /**
   * The query's id on the server, to find it in `system.processes` or `system.query_log`. With partitions each part
   * has its own: `<queryId>-0` to `<queryId>-<partitions - 1>`.
   */
  readonly queryId?: string
  /** ClickHouse settings for each query, such as `{ max_threads: 4 }`. None is needed. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /**
   * In how many parts to ask, 1 to 65,536; default 1. Each part is a query about the identities whose hash falls in
   * it, so the server holds one n-th of them in memory, and reads the columns n times.
   */
  readonly partitions?: number
  /** How many parts to ask at a time; default 1. Their memory adds up. */
  readonly concurrency?: number
  /** Called after each part that was answered, with how many were. What it throws ends the call. */
  readonly onProgress?: (progress: { readonly answered: number; readonly of: number }) => void
}

/**
 * Who entered this experiment, when, and in which variant? Asks ClickHouse and returns the summary: in one query, or
 * in as many as there are `partitions`, whose sums are the same.
 *
 * Where an experiment's identities do not fit the server's memory, ask in parts: the peak falls as 1/n. The other way
 * is `settings: { max_bytes_before_external_group_by: … }`, with which the server spills them to its disk. Events that
 * arrive between one part and the next count for the identities that are still to be asked about.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param options.signal - ends the wait for all parts
 * @param options.partitions - in how many parts to ask, 1 to 65,536; default 1
 * @param options.concurrency - how many of them at a time, 1 or more; default 1
 * @param options.onProgress - called after each part
 * @returns the frozen summary of the whole window, exact as of what the table held
 * @throws whatever the client throws, untouched, and then the other parts are ended; the signal's reason after an
 *   abort; {@link ExposureError} `too-many-buckets` where the answer, of a part or of the whole, has more than
 *   `spec.maxRows` rows (it is never cut), `shards-missing` where shards of the source's cluster were skipped,
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
  const { signal, queryId, partitions = 1, concurrency = 1, onProgress } = options
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 65_536) {
    throw invalidSpec('partitions', partitions, 'Pass a whole number from 1 to 65,536.')
  }
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw invalidSpec('concurrency', concurrency, 'Pass a whole number, 1 or more.')
  }
  const { maxRows, timeZone } = exposureSpec(spec)
  const merged = new Map<number, Map<string | null, ExposureBucket>>()
  let mergedRows = 0
  const merge = (buckets: readonly ExposureBucket[]): void => {
    for (const bucket of buckets) {
      const variants = merged.get(bucket.bucketMs) ?? new Map<string | null, ExposureBucket>()
      merged.set(bucket.bucketMs, variants)
      const counted = variants.get(bucket.variant)
      if (counted === undefined) mergedRows++
      variants.set(
        bucket.variant,
        counted === undefined
          ? bucket
          : { ...bucket, newIdentities: counted.newIdentities + bucket.newIdentities },
      )
    }
    if (mergedRows > maxRows) throw tooManyBuckets(maxRows)
  }

  if (partitions === 1) {
    merge(await fetchBuckets(client, firstExposuresQuery(spec, window), window, maxRows, options))
    onProgress?.({ answered: 1, of: 1 })
  } else {
    // One part that fails ends the others: their answer would be of no use.
    const failed = new AbortController()
    const signals = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal])
    let asked = 0
    let answered = 0
    const askPartByPart = async (): Promise<void> => {
      while (asked < partitions) {
        const index = asked++
        const query = firstExposuresQuery(spec, window, { partition: { index, of: partitions } })
        merge(
          await fetchBuckets(client, query, window, maxRows, {
            ...options,
            signal: signals,
            ...(queryId === undefined ? {} : { queryId: `${queryId}-${index}` }),
          }),
        )
        onProgress?.({ answered: ++answered, of: partitions })
      }
    }
    try {
      await Promise.all(Array.from({ length: Math.min(concurrency, partitions) }, askPartByPart))
    } catch (error) {
      failed.abort(error)
      throw error
    }
  }
  return summarizeExposures(
    [...merged.values()].flatMap((variants) => [...variants.values()]),
    { granularity: selectGranularity(window), timeZone },
  )
}

/** Puts one query, and reads its answer. */
async function fetchBuckets(
  client: ExposureClient,
  { query, query_params, format }: ExposuresQuery,
  window: ExposureWindow,
  maxRows: number,
  { signal, queryId, settings }: FetchExposuresOptions,
): Promise<readonly ExposureBucket[]> {
  const rows = await rejectOnAbort(signal, async () => {
    try {
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
    } catch (error) {
      throw isMissingShards(error) ? shardsMissing(error) : error
    }
  })
  if (Array.isArray(rows) && rows.length > maxRows) throw tooManyBuckets(maxRows)
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
  return buckets
}

/** The id that the server put on its answer. A client's own `query_id` may be no more than what was asked with. */
function answeredId({ response_headers: headers = {}, query_id }: Answer): string | undefined {
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'x-clickhouse-query-id')
  const header = name === undefined ? undefined : headers[name]
  return typeof header === 'string' && header !== '' ? header : query_id
}

function tooManyBuckets(maxRows: number): ExposureError {
  return new ExposureError(
    'too-many-buckets',
    `The answer has more than ${maxRows} rows (variants × buckets), so it was not read. ` +
      'Ask for a shorter window, look for junk among the variant keys, or raise maxRows in the spec.',
    { maxRows },
  )
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
