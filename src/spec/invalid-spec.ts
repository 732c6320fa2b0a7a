import { ExposureError, received } from '../errors.js'

/** The error for a field of a spec that cannot be used: its name, what came, and what to pass instead. */
export function invalidSpec(field: string, value: unknown, advice: string): ExposureError {
  return new ExposureError('invalid-spec', `${field} is not usable: received ${received(value)}. ${advice}`, {
    field,
    received: received(value),
  })
}
