export type { ExposureClient } from './exposure-client.js'
export { fetchExposuresSummary, type FetchExposuresOptions } from './fetch-exposures-summary.js'
export {
  refreshExposures,
  type RefreshInput,
  type RefreshOutcome,
  type RefreshResult,
} from './refresh-exposures.js'
export { refreshStoredExposures } from './refresh-stored-exposures.js'
export type { RefreshStore, SaveOutcome, StoredRefresh } from './refresh-store.js'
export { memoryRefreshStore } from './memory-refresh-store.js'
export { classifyFailure } from './classify-failure.js'
