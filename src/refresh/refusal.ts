import type { ExposureError } from '../errors.js'

/** Makes the error for a value that cannot be used: where it stands, what came, and what belongs there. */
export type Refusal = (path: string, value: unknown, advice: string) => ExposureError
