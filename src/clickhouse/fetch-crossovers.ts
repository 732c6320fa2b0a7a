import { crossoverQuery } from '../query/crossover-query.js'
import { assertOptions } from '../spec/assert-options.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import { selectGranularity } from '../spec/select-granularity.js'
import { summarizeCrossovers, type Crossovers } from '../summary/summarize-crossovers.js'
import { assertInWindow } from './assert-in-window.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import { assertRowBound } from './too-many-buckets.js'

/**
 * Who is in two variants, and since when? Asks ClickHouse, in one query, and returns the matrix of crossovers.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`; its `multiVariant` and `breakdown` change nothing
 * @param window - made by `exposureWindow`
 * @param options.signal - ends the wait
 * @param options.queryId - the query's id on the server
 * @param options.settings - ClickHouse settings; none is needed
 * @returns the frozen crossovers; `identities` is what the summary of the same spec excludes under `quarantine`
 * @throws whatever the client throws, untouched; the signal's reason after an abort; {@link ExposureError}
 *   `too-many-buckets` where there are more pairs of variants than `spec.maxRows`, `malformed-rows`, and `invalid-spec`,
 *   `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchCrossovers } from 'first-exposure/clickhouse'
 *
 * const row = {
 *   first_variant: 'control',
 *   next_variant: 'one-page',
 *   identities: 2,
 *   median_ms: 1500,
 *   buckets: ['2026-06-03 00:00:00'],
 *   bucket_identities: [2],
 * }
 * const { pairs } = await fetchCrossovers(
 *   { query: async () => ({ json: async () => [row] }) },
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * pairs[0]?.medianMs // => 1500
 * ```
 */
export async function fetchCrossovers(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: FetchRowsOptions = {},
): Promise<Crossovers> {
  assertOptions(options, fetchRowsOptions, 'options')
  const { maxRows, timeZone } = exposureSpec(spec)
  const rows = await fetchRows(client, crossoverQuery(spec, window), options)
  assertRowBound(rows, maxRows, 'pairs of variants')
  const crossovers = summarizeCrossovers(rows, { granularity: selectGranularity(window), timeZone })
  for (const { bucket } of crossovers.timeseries.points) assertInWindow(Date.parse(bucket), window)
  return crossovers
}
