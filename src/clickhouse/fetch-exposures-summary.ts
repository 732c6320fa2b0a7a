import { aName, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { exposureSpec, type ExposureSpec } from '../experiment/exposure-spec.js'
import { summarizeExposures } from '../questions/summary/answer.js'
import { bucketSums } from '../questions/summary/bucket-sums.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { decodeBucketRows, type ExposureBucket } from '../questions/summary/rows.js'
import { firstExposuresQuery, type FirstExposuresQueryOptions } from '../questions/summary/statement.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { selectGranularity } from '../time/granularity.js'
import { askPartitions, assertPartitions } from './ask-partitions.js'
import { assertInWindow } from './assert-in-window.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import { assertRowBound, tooManyBuckets } from './too-many-buckets.js'

/** How ClickHouse is asked. */
export interface FetchExposuresOptions extends FetchRowsOptions {
  /**
   * The query's id on the server, to find it in `system.processes` or `system.query_log`. With partitions each part
   * has its own: `<queryId>-0` to `<queryId>-<partitions - 1>`. Default: `first-exposure-` and a random UUID.
   */
  readonly queryId?: string
  /**
   * The number of parts to ask in, 1 to 65,536; default 1. Each part is a query about the identities whose hash falls
   * in it. So the server holds 1/n of the identities in memory, and reads the columns n times.
   */
  readonly partitions?: number
  /** How many parts to ask at a time; default 1. Their memory adds up. */
  readonly concurrency?: number
  /** Called after each answered part, with the number answered so far. An error that it throws ends the call. */
  readonly onProgress?: (progress: { readonly answered: number; readonly of: number }) => void
}

/**
 * Who entered this experiment, when, and in which variant? Asks ClickHouse and returns the summary: in one query, or in
 * one query per partition with the same total.
 *
 * If an experiment's identities do not fit the server's memory, ask in n parts: the peak falls to about 1/n. Or pass
 * `settings: { max_bytes_before_external_group_by: … }`: the server then spills them to its disk. Events that arrive
 * between two parts count only for the identities of the parts still to come.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param options.signal - ends the wait for all parts
 * @param options.partitions - the number of parts to ask in, 1 to 65,536; default 1
 * @param options.concurrency - the number of parts to ask at a time, 1 or more; default 1
 * @param options.onProgress - called after each part
 * @returns the frozen summary of the whole window, exact for what the table held
 * @throws whatever the client throws, untouched, after which the other parts are ended; the signal's reason after an
 *   abort; {@link ExposureError} `too-many-buckets` if the answer, of a part or of the whole, has more than
 *   `spec.maxRows` rows (it is never cut), `shards-missing` if shards of a source that is `shardedByIdentity` were
 *   skipped, `malformed-rows`, and `invalid-spec`, `invalid-window` for misuse
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
  withFields(
    options,
    [...fetchRowsOptions, 'partitions', 'concurrency', 'onProgress'],
    'options',
    invalidSpec,
  )
  assertPartitions(options)
  const { queryId, partitions = 1, onProgress } = options
  if (queryId !== undefined) aName(queryId, 'queryId', invalidSpec)
  const complete = exposureSpec(spec)
  const { maxRows, timeZone } = complete
  const sums = bucketSums((count) => {
    if (count > maxRows) throw tooManyBuckets(maxRows)
  })
  const ask = async (asked: FetchRowsOptions, about: FirstExposuresQueryOptions): Promise<void> => {
    sums.add(await fetchBuckets(client, complete, window, asked, about))
  }

  if (partitions === 1) {
    await ask(options, {})
    onProgress?.({ answered: 1, of: 1 })
  } else {
    let answered = 0
    await askPartitions(options, async (index, signal) => {
      const ofPartition = queryId === undefined ? {} : { queryId: `${queryId}-${index}` }
      await ask({ ...options, signal, ...ofPartition }, { partition: { index, of: partitions } })
      onProgress?.({ answered: ++answered, of: partitions })
    })
  }
  return summarizeExposures(sums.buckets(), {
    granularity: selectGranularity(window),
    timeZone,
  })
}

/** Sends one query and reads its answer. */
async function fetchBuckets(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  asked: FetchRowsOptions,
  about: FirstExposuresQueryOptions,
): Promise<readonly ExposureBucket[]> {
  const rows = await fetchRows(client, firstExposuresQuery(spec, window, about), asked)
  assertRowBound(rows, spec.maxRows)
  const buckets = decodeBucketRows(rows)
  for (const [row, { bucketMs }] of buckets.entries()) assertInWindow(bucketMs, window, row)
  return buckets
}
