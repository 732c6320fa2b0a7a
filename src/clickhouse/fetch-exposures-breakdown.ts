import { exposureBreakdownQuery } from '../query/exposure-breakdown-query.js'
import { assertOptions } from '../spec/assert-options.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import { selectGranularity } from '../spec/select-granularity.js'
import { summarizeBreakdown, type ExposuresBreakdown } from '../summary/summarize-breakdown.js'
import { assertInWindow } from './assert-in-window.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import { assertRowBound } from './too-many-buckets.js'

/**
 * Is one slice of the traffic broken? Asks ClickHouse, in one query, and returns the summary for each of the largest
 * values of the spec's breakdown, and for all others together.
 *
 * There are no partitions, because the largest values are known from all identities only. Where those do not fit the
 * server's memory, pass `settings: { max_bytes_before_external_group_by: … }`, with which the server spills them to its
 * disk.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`, with a `breakdown`
 * @param window - made by `exposureWindow`
 * @param options.signal - ends the wait
 * @param options.queryId - the query's id on the server
 * @param options.settings - ClickHouse settings; none is needed
 * @returns the frozen breakdown, whose parts add up to what `fetchExposuresSummary` returns for the same spec
 * @throws whatever the client throws, untouched; the signal's reason after an abort; {@link ExposureError}
 *   `too-many-buckets` where the answer has more than `spec.maxRows` rows (it is never cut), `malformed-rows`, and
 *   `invalid-spec`, `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchExposuresBreakdown } from 'first-exposure/clickhouse'
 *
 * const row = { other: 0, value: 'ES', quarantined: 0, variant: 'a', bucket: '2026-06-01 00:00:00', new_identities: 7 }
 * const { slices, other } = await fetchExposuresBreakdown(
 *   { query: async () => ({ json: async () => [row] }) },
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout', breakdown: { column: 'country' } }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * slices[0]?.value // => 'ES'
 * other // => null
 * ```
 */
export async function fetchExposuresBreakdown(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: FetchRowsOptions = {},
): Promise<ExposuresBreakdown> {
  assertOptions(options, fetchRowsOptions, 'options')
  const { maxRows, timeZone } = exposureSpec(spec)
  const rows = await fetchRows(client, exposureBreakdownQuery(spec, window), options)
  assertRowBound(rows, maxRows, 'slices × variants × buckets')
  const breakdown = summarizeBreakdown(rows, { granularity: selectGranularity(window), timeZone })
  for (const summary of [...breakdown.slices.map((slice) => slice.summary), breakdown.other]) {
    for (const { bucket } of summary?.timeseries.points ?? []) assertInWindow(Date.parse(bucket), window)
  }
  return breakdown
}
