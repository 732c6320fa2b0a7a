export { fetchExposuresSummary, type FetchExposuresOptions } from './fetch-exposures-summary.js'
export type { ExposureClient } from './exposure-client.js'
