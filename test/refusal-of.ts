import { isExposureError } from 'first-exposure'

/** What a call is refused with, in full; what it answers, where it is not refused. */
export function refusalOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    if (!isExposureError(error)) throw error
    const { code, message, details } = error
    return { code, message, details }
  }
}

/**
 * What a refusal says: of a value that is missing, or of another kind than it should be, unless `problem` says what else
 * is wrong.
 */
export function refused(
  code: string,
  path: string,
  received: string,
  advice: string,
  problem: string = received === 'undefined'
    ? `${path} is required.`
    : `${path} is not usable: received ${received}.`,
): unknown {
  return { code, message: `${problem} ${advice}`, details: { path, received } }
}
