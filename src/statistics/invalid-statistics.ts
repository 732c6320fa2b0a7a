import { ExposureError, received } from '../errors.js'

/** The error for an argument of the wrong kind: its name, what came, and what to pass instead. */
export function invalidStatistics(argument: string, value: unknown, advice: string): ExposureError {
  return new ExposureError(
    'invalid-statistics',
    `${argument} is not usable: received ${received(value)}. ${advice}`,
    { argument, received: received(value) },
  )
}
