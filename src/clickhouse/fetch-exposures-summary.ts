import { firstExposuresQuery, type ExposuresQuery } from '../query/first-exposures-query.js'
import { decodeBucketRows, type ExposureBucket } from '../rows/decode-bucket-rows.js'
import { assertOptions } from '../spec/assert-options.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import { selectGranularity } from '../spec/select-granularity.js'
import type { ExposuresSummary } from '../summary/exposures-summary.js'
import { summarizeExposures } from '../summary/summarize-exposures.js'
import { assertInWindow } from './assert-in-window.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import { assertRowBound, tooManyBuckets } from './too-many-buckets.js'

/** How the question is put to ClickHouse. */
export interface FetchExposuresOptions extends FetchRowsOptions {
  /**
   * The query's id on the server, to find it in `system.processes` or `system.query_log`. With partitions each part
   * has its own: `<queryId>-0` to `<queryId>-<partitions - 1>`.
   */
  readonly queryId?: string
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
 * Where an experiment's identities do not fit the server's memory, ask in parts: the peak falls about as 1/n. The other
 * way is `settings: { max_bytes_before_external_group_by: … }`, with which the server spills them to its disk. Events that
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
 *   `spec.maxRows` rows (it is never cut), `shards-missing` where shards of a source that is `shardedByIdentity`
 *   were skipped, `malformed-rows`, and `invalid-spec`, `invalid-window` for misuse
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
  assertOptions(options, [...fetchRowsOptions, 'partitions', 'concurrency', 'onProgress'], 'options')
  const { signal, queryId, partitions = 1, concurrency = 1, onProgress } = options
  assertParts(partitions, concurrency)
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
    signal?.throwIfAborted()
    // One part that fails ends the others: their answer would be of no use. Each has a signal of its own, because many
    // listeners on one look like a leak.
    const running = new Set<AbortController>()
    let asked = 0
    let answered = 0
    const endAll = (reason: unknown): void => {
      asked = partitions
      for (const part of running) part.abort(reason)
    }
    const onAbort = (): void => {
      endAll(signal?.reason)
    }
    const askPartByPart = async (): Promise<void> => {
      while (asked < partitions) {
        const index = asked++
        const query = firstExposuresQuery(spec, window, { partition: { index, of: partitions } })
        const part = new AbortController()
        running.add(part)
        const buckets = await fetchBuckets(client, query, window, maxRows, {
          ...options,
          signal: part.signal,
          ...(queryId === undefined ? {} : { queryId: `${queryId}-${index}` }),
        })
        running.delete(part)
        merge(buckets)
        onProgress?.({ answered: ++answered, of: partitions })
      }
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.all(Array.from({ length: Math.min(concurrency, partitions) }, askPartByPart))
    } catch (error) {
      endAll(error)
      throw error
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
    signal?.throwIfAborted()
  }
  return summarizeExposures(
    [...merged.values()].flatMap((variants) => [...variants.values()]),
    { granularity: selectGranularity(window), timeZone },
  )
}

/** Refuses numbers of parts that cannot be asked. */
export function assertParts(partitions = 1, concurrency = 1): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 65_536) {
    throw invalidSpec('partitions', partitions, 'Pass a whole number from 1 to 65,536.')
  }
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw invalidSpec('concurrency', concurrency, 'Pass a whole number, 1 or more.')
  }
}

/** Puts one query, and reads its answer. */
async function fetchBuckets(
  client: ExposureClient,
  query: ExposuresQuery,
  window: ExposureWindow,
  maxRows: number,
  options: FetchRowsOptions,
): Promise<readonly ExposureBucket[]> {
  const rows = await fetchRows(client, query, options)
  assertRowBound(rows, maxRows)
  const buckets = decodeBucketRows(rows)
  for (const [row, { bucketMs }] of buckets.entries()) assertInWindow(bucketMs, window, row)
  return buckets
}
