import { withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { exposureSpec, type ExposureSpec } from '../experiment/exposure-spec.js'
import {
  summarizeOverlap,
  summarizeOverlaps,
  type Overlap,
  type OverlapOfTwo,
} from '../questions/overlap/answer.js'
import { overlapQuery, overlapsQuery } from '../questions/overlap/statement.js'
import type { ExposuresQuery } from '../sql/statement.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import { assertRowBound } from './too-many-buckets.js'

/**
 * Which identities do two experiments share, and which variants of the two do they see together? Asks ClickHouse in one
 * query. `overlapIndependence` of `first-exposure/statistics` says whether the two were assigned independently.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param one - made by `exposureSpec`; its `timeZone` and `breakdown` have no effect
 * @param other - another experiment, made by `exposureSpec`
 * @param window - made by `exposureWindow`; it applies to both
 * @param options.signal - ends the wait
 * @param options.queryId - the query's id on the server
 * @param options.settings - ClickHouse settings; none is needed
 * @returns the frozen overlap; each identity of the two experiments is counted once
 * @throws whatever the client throws, untouched; the signal's reason after an abort; {@link ExposureError}
 *   `too-many-buckets` if there are more pairs of variants than the greater `maxRows`, `malformed-rows`, and
 *   `invalid-spec`, `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchOverlap } from 'first-exposure/clickhouse'
 *
 * const row = { one_quarantined: 0, one_variant: 'a', other_quarantined: 0, other_variant: 'a', identities: 2 }
 * const rows = [[0, 0], [0, 1], [1, 1]].map(([one, other]) => ({ one, other, ...row }))
 * const overlap = await fetchOverlap(
 *   { query: async () => ({ json: async () => rows }) },
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureSpec({ environmentKey: 'prod', featureName: 'search' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * overlap.pairs // => [{ oneVariant: 'a', otherVariant: 'a', identities: 2 }]
 * ```
 */
export async function fetchOverlap(
  client: ExposureClient,
  one: ExposureSpec,
  other: ExposureSpec,
  window: ExposureWindow,
  options: FetchRowsOptions = {},
): Promise<Overlap> {
  return summarizeOverlap(await rowsOf(client, overlapQuery(one, other, window), [one, other], options))
}

/**
 * Which identities does each pair of up to 50 experiments share? Asks ClickHouse in one query for all pairs. Otherwise
 * as {@link fetchOverlap}. `overlapsIndependence` of `first-exposure/statistics` tests all pairs.
 *
 * @param experiments - 2 to 50 specs, made by `exposureSpec`, none of them twice
 * @param window - made by `exposureWindow`; it applies to all
 * @returns the frozen overlaps: every pair, in the order of the question
 * @throws as {@link fetchOverlap}; `too-many-buckets` if the pairs of variants of all pairs of experiments are more than
 *   the greatest `maxRows`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchOverlaps } from 'first-exposure/clickhouse'
 *
 * const overlaps = await fetchOverlaps(
 *   { query: async () => ({ json: async () => [] }) },
 *   ['checkout', 'search', 'banner'].map((featureName) =>
 *     exposureSpec({ environmentKey: 'prod', featureName }),
 *   ),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * overlaps.length // => 3
 * ```
 */
export async function fetchOverlaps(
  client: ExposureClient,
  experiments: readonly ExposureSpec[],
  window: ExposureWindow,
  options: FetchRowsOptions = {},
): Promise<readonly OverlapOfTwo[]> {
  const rows = await rowsOf(client, overlapsQuery(experiments, window), experiments, options)
  return summarizeOverlaps(rows, { experiments: experiments.length })
}

async function rowsOf(
  client: ExposureClient,
  query: ExposuresQuery,
  specs: readonly ExposureSpec[],
  options: FetchRowsOptions,
): Promise<readonly unknown[]> {
  withFields(options, fetchRowsOptions, 'options', invalidSpec)
  const rows = await fetchRows(client, query, options)
  assertRowBound(rows, Math.max(...specs.map((spec) => exposureSpec(spec).maxRows)), 'pairs of variants')
  return rows
}
