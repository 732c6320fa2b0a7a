import { ExposureError, received } from '../errors.js'

/** The error for a field of an event that cannot be kept. */
export function invalidEvent(path: string, value: unknown, advice: string): ExposureError {
  return new ExposureError('invalid-event', `${path} is not usable: received ${received(value)}. ${advice}`, {
    path,
    received: received(value),
  })
}
