import { identityTimelineQuery, type IdentityTimelineQueryOptions } from '../query/identity-timeline-query.js'
import { assertOptions } from '../spec/assert-options.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import type { IdentityTimeline } from '../summary/identity-timeline.js'
import { summarizeIdentityTimeline } from '../summary/summarize-identity-timeline.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import { assertRowBound } from './too-many-buckets.js'

/** How much of the story is to be told, and how the question is put to ClickHouse. */
export interface FetchIdentityTimelineOptions extends FetchRowsOptions, IdentityTimelineQueryOptions {}

/**
 * Why is this identity counted, or not? Asks ClickHouse, in one query, for its story and its verdict.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param identity - its identifier, as text also where the column is a `UUID` or an integer
 * @param options.limit - the most events to list, 1 to 10,000; default 100
 * @param options.signal - ends the wait
 * @returns the frozen story; its verdict is what `fetchExposuresSummary` makes of the identity
 * @throws whatever the client throws, untouched, such as for text that is none of the column's values; the signal's
 *   reason after an abort; {@link ExposureError} `too-many-buckets` where the identity has been in more than
 *   `spec.maxRows` variants, `malformed-rows`, and `invalid-spec`, `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchIdentityTimeline } from 'first-exposure/clickhouse'
 *
 * const event = { disposition: 'filtered', variant: 'control', at_ms: 1780272000000, events: 1 }
 * const client = { query: async () => ({ json: async () => [{ shown: 0, ...event }, { shown: 1, ...event }] }) }
 * const { verdict } = await fetchIdentityTimeline(
 *   client,
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   'user-17',
 * )
 * verdict // => { type: 'never-counted', because: 'filtered' }
 * ```
 */
export async function fetchIdentityTimeline(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  identity: string,
  options: FetchIdentityTimelineOptions = {},
): Promise<IdentityTimeline> {
  assertOptions(options, [...fetchRowsOptions, 'limit'], 'options')
  const { limit = 100 } = options
  const { maxRows, multiVariant } = exposureSpec(spec)
  const rows = await fetchRows(client, identityTimelineQuery(spec, window, identity, { limit }), options)
  assertRowBound(rows, maxRows, 'dispositions × variants', maxRows + Math.min(limit, maxRows))
  return summarizeIdentityTimeline(rows, { multiVariant })
}
