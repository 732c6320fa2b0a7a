export type { FlagsmithExposures, FlagsmithPayload } from './flagsmith-exposures.js'
export { readFlagsmithExposures } from './read-flagsmith-exposures.js'
export { writeFlagsmithExposures } from './write-flagsmith-exposures.js'
