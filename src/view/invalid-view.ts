import { ExposureError, received } from '../errors.js'

/** The error for an option that cannot be used: its name, what came, and what to pass instead. */
export function invalidView(field: string, value: unknown, advice: string): ExposureError {
  return new ExposureError('invalid-view', `${field} is not usable: received ${received(value)}. ${advice}`, {
    field,
    received: received(value),
  })
}
