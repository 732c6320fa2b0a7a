/**
 * The core, in the order of the flow: spec + window → granularity → SQL → rows → buckets → summary → refresh state.
 * Pure functions and plain frozen data; it needs nothing at run time.
 *
 * @module first-exposure
 */

export type { Instant } from './time/instant.js'
export { exposureWindow, type ExposureWindow } from './time/exposure-window.js'
export { selectGranularity, type Granularity } from './time/granularity.js'
export {
  exposureSpec,
  type ExposureSpec,
  type ExposureSpecInput,
  type IdentityKey,
} from './experiment/exposure-spec.js'
export type { MultiVariantPolicy } from './experiment/multi-variant-policy.js'
export { trustedSql, type BoundValue, type TrustedSql } from './sql/trusted-sql.js'
export type { ExposureFilter, FilterBound, FilterInstant, FilterValue } from './experiment/exposure-filter.js'
export type { BreakdownColumn, BreakdownColumnInput } from './experiment/breakdown-column.js'
export type { IdentityAliases, IdentityAliasesInput } from './experiment/identity-aliases.js'
export type { SourceColumn } from './experiment/source-column.js'
export {
  flagsmithEvents,
  type EventNames,
  type ExposureSource,
  type ExposureSourceInput,
  type RollupTable,
  type RollupTableInput,
  type SourceTable,
} from './experiment/exposure-source.js'
export { growthbookViews, type GrowthbookViewsOptions } from './experiment/growthbook-views.js'
export {
  postHogEvents,
  type PostHogEventsOptions,
  type PostHogFlagProperty,
} from './experiment/post-hog-events.js'
export type { ExposuresQuery, QueryParams } from './sql/statement.js'
export type { IdentityPartition } from './scan/identity-partition.js'
export { firstExposuresQuery, type FirstExposuresQueryOptions } from './questions/summary/statement.js'
export { decodeBucketRows, type ExposureBucket } from './questions/summary/rows.js'
export type { ExposuresPoint, ExposuresSummary } from './questions/summary/exposures-summary.js'
export { summarizeExposures } from './questions/summary/answer.js'
export { mergeExposuresSummaries } from './questions/summary/merge-exposures-summaries.js'
export {
  diffExposuresSummaries,
  type ExposuresChange,
  type ExposuresDiff,
  type VariantChange,
} from './questions/summary/diff-exposures-summaries.js'
// Who, not only how many: one row for each identity.
export {
  exposedIdentitiesQuery,
  type ExposedIdentitiesQueryOptions,
} from './questions/exposed-identities/statement.js'
export { decodeExposedIdentityRows, type ExposedIdentity } from './questions/exposed-identities/rows.js'
export { inlineParameters, type InlineParametersOptions } from './sql/inline-parameters.js'
// Diagnosis: why is this number what it is?
export { exposureLedgerQuery, type ExposureLedgerQueryOptions } from './questions/ledger/statement.js'
export {
  summarizeExposureLedger,
  summarizeLedger,
  type ExposureLedger,
  type LedgerAliases,
  type LedgerLateness,
  type LedgerPart,
  type LedgerPartName,
} from './questions/ledger/answer.js'
export { identityTimelineQuery, type IdentityTimelineQueryOptions } from './questions/timeline/statement.js'
export type { EventDisposition } from './scan/event-disposition.js'
export {
  summarizeIdentityTimeline,
  type IdentityTimeline,
  type IdentityTimelineEvent,
  type IdentityVerdict,
} from './questions/timeline/answer.js'
export { crossoversQuery, crossoverQuery } from './questions/crossovers/statement.js'
export {
  summarizeCrossovers,
  type CrossoverPair,
  type Crossovers,
  type CrossoversPoint,
} from './questions/crossovers/answer.js'
export { exposuresBreakdownQuery, exposureBreakdownQuery } from './questions/breakdown/statement.js'
export {
  summarizeExposuresBreakdown,
  summarizeBreakdown,
  type ExposuresBreakdown,
  type ExposuresSlice,
} from './questions/breakdown/answer.js'
// Many experiments in one pass.
export { firstExposuresBatchQuery, type BatchExperiment } from './questions/batch/statement.js'
export { decodeBatchRows, type BatchBucket } from './questions/batch/rows.js'
// Several experiments: who is in more than one of them?
export { overlapQuery, overlapsQuery } from './questions/overlap/statement.js'
export { decodeOverlapRows, type OverlapCell } from './questions/overlap/rows.js'
export {
  summarizeOverlap,
  summarizeOverlaps,
  type Overlap,
  type OverlapOfTwo,
  type OverlapPair,
  type OverlapRest,
} from './questions/overlap/answer.js'
// Refreshes: what is known, about what, and is it time to ask again?
export { exposureFingerprint } from './experiment/exposure-fingerprint.js'
export {
  initialRefreshState,
  type QuestionState,
  type RefreshError,
  type RefreshFailure,
  type RefreshState,
  type RefreshSuccess,
} from './refresh/refresh-state.js'
export { refreshQuestion, type RefreshQuestion } from './refresh/refresh-question.js'
export { reduceRefresh, type RefreshEvent } from './refresh/reduce-refresh.js'
export { mergeRefreshStates } from './refresh/merge-refresh-states.js'
export type { RefreshExperiment } from './refresh/refresh-experiment.js'
export type { RefreshPolicy } from './refresh/refresh-policy.js'
export { refreshDecision, type RefreshDecision } from './refresh/refresh-decision.js'
export { refreshStatus, type RefreshStatus } from './refresh/refresh-status.js'
export type { FormerAnswer } from './refresh/known-of-question.js'
export { decodeRefreshState, encodeRefreshState } from './refresh/refresh-encoding.js'
export { ExposureError, isExposureError, type ExposureErrorCode } from './errors.js'
