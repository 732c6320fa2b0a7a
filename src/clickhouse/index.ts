/**
 * For a server that holds a ClickHouse client: the official Node client, the Web client, or a three-line fake.
 *
 * @module first-exposure/clickhouse
 */

export type {
  AnswerId,
  ByteStream,
  ExposureClient,
  ExposureStreamClient,
  RequestParams,
  WebByteStream,
} from './exposure-client.js'
export { fetchExposuresSummary, type FetchExposuresOptions } from './fetch-exposures-summary.js'
export {
  fetchExposuresSummaries,
  type ExposuresResult,
  type FetchExposuresSummariesOptions,
} from './fetch-exposures-summaries.js'
export {
  fetchCrossovers,
  fetchExposuresBreakdown,
  fetchExposureLedger,
  fetchIdentityTimeline,
  type FetchExposureLedgerOptions,
  type FetchIdentityTimelineOptions,
} from './fetch-answers.js'
export { fetchOverlap, fetchOverlaps } from './fetch-overlaps.js'
export type { FetchRowsOptions } from './fetch-rows.js'
export type { QueryCost } from './query-cost.js'
export { streamExposedIdentities, type StreamExposedIdentitiesOptions } from './stream-exposed-identities.js'
export {
  refreshExposures,
  type RefreshInput,
  type RefreshOutcome,
  type RefreshResult,
} from './refresh-exposures.js'
export { refreshStoredExposures } from './refresh-stored-exposures.js'
export { refreshStoredExposuresBatch, type RefreshBatchInput } from './refresh-stored-exposures-batch.js'
export { refreshDueExposures } from './refresh-due-exposures.js'
export { runRefreshes, type RunRefreshesInput } from './run-refreshes.js'
export type { ListedExperiment, RefreshManyInput, RefreshReport } from './refresh-many.js'
export type { RefreshStore, SaveOutcome, StoredRefresh } from './refresh-store.js'
export { memoryRefreshStore } from './memory-refresh-store.js'
export { classifyFailure } from './classify-failure.js'
