/**
 * Reading and writing the JSON that Flagsmith stores and serves.
 *
 * @module first-exposure/flagsmith
 */

export type { FlagsmithExposures, FlagsmithPayload } from './flagsmith-exposures.js'
export { readFlagsmithExposures } from './read-flagsmith-exposures.js'
export { writeFlagsmithExposures } from './write-flagsmith-exposures.js'
