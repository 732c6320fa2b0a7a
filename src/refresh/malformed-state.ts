import { ExposureError, received } from '../errors.js'

/** The error for a place in a stored state that this library would not have written so. */
export function malformedState(path: string, value: unknown, advice: string): ExposureError {
  return new ExposureError(
    'malformed-state',
    `The refresh state is malformed at ${path}: received ${received(value)}. ${advice}`,
    { path, received: received(value) },
  )
}
