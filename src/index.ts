/**
 * The core, in the order of the flow: spec + window → granularity → SQL → rows → buckets → summary → refresh state.
 * Pure functions and plain frozen data; it needs nothing at run time.
 *
 * @module first-exposure
 */

export type { Instant } from './instant.js'
export { exposureWindow, type ExposureWindow } from './spec/exposure-window.js'
export { selectGranularity, type Granularity } from './spec/select-granularity.js'
export {
  exposureSpec,
  type ExposureSpec,
  type ExposureSpecInput,
  type IdentityKey,
  type MultiVariantPolicy,
} from './spec/exposure-spec.js'
export { trustedSql, type BoundValue, type TrustedSql } from './spec/trusted-sql.js'
export type { ExposureFilter, FilterValue } from './spec/exposure-filter.js'
export type { BreakdownColumn, BreakdownColumnInput } from './spec/breakdown-column.js'
export type { SourceColumn } from './spec/source-column.js'
export {
  flagsmithEvents,
  type ExposureSource,
  type ExposureSourceInput,
  type RollupTable,
  type RollupTableInput,
} from './spec/exposure-source.js'
export { growthbookViews, type GrowthbookViewsOptions } from './spec/growthbook-views.js'
export { postHogEvents, type PostHogEventsOptions, type PostHogFlagProperty } from './spec/post-hog-events.js'
export type { QueryParams } from './query/bound-sql.js'
export {
  firstExposuresQuery,
  type ExposuresQuery,
  type FirstExposuresQueryOptions,
  type IdentityPartition,
} from './query/first-exposures-query.js'
export { decodeBucketRows, type ExposureBucket } from './rows/decode-bucket-rows.js'
export type { ExposuresPoint, ExposuresSummary } from './summary/exposures-summary.js'
export { summarizeExposures } from './summary/summarize-exposures.js'
export { mergeExposuresSummaries } from './summary/merge-exposures-summaries.js'
export {
  diffExposuresSummaries,
  type ExposuresChange,
  type ExposuresDiff,
  type VariantChange,
} from './summary/diff-exposures-summaries.js'
// Diagnosis: why is this number what it is?
export { exposureLedgerQuery, type ExposureLedgerQueryOptions } from './query/exposure-ledger-query.js'
export type { ExposureLedger, LedgerLateness, LedgerPart, LedgerPartName } from './summary/exposure-ledger.js'
export { summarizeLedger } from './summary/summarize-ledger.js'
export { identityTimelineQuery, type IdentityTimelineQueryOptions } from './query/identity-timeline-query.js'
export type { EventDisposition } from './query/event-disposition.js'
export type { IdentityTimeline, IdentityTimelineEvent, IdentityVerdict } from './summary/identity-timeline.js'
export { summarizeIdentityTimeline } from './summary/summarize-identity-timeline.js'
export { crossoverQuery } from './query/crossover-query.js'
export {
  summarizeCrossovers,
  type CrossoverPair,
  type Crossovers,
  type CrossoversPoint,
} from './summary/summarize-crossovers.js'
export { exposureBreakdownQuery } from './query/exposure-breakdown-query.js'
export {
  summarizeBreakdown,
  type ExposuresBreakdown,
  type ExposuresSlice,
} from './summary/summarize-breakdown.js'
// Refreshes: what is known, and is it time to ask again?
export type { RefreshEvent } from './refresh/refresh-event.js'
export type { RefreshError, RefreshFailure, RefreshState, RefreshSuccess } from './refresh/refresh-state.js'
export { initialRefreshState } from './refresh/initial-refresh-state.js'
export { reduceRefresh } from './refresh/reduce-refresh.js'
export { mergeRefreshStates } from './refresh/merge-refresh-states.js'
export type { RefreshExperiment } from './refresh/refresh-experiment.js'
export type { RefreshPolicy } from './refresh/refresh-policy.js'
export { refreshDecision, type RefreshDecision } from './refresh/refresh-decision.js'
export { refreshStatus, type RefreshStatus } from './refresh/refresh-status.js'
export { encodeRefreshState } from './refresh/encode-refresh-state.js'
export { decodeRefreshState } from './refresh/decode-refresh-state.js'
export { ExposureError, isExposureError, type ExposureErrorCode } from './errors.js'
