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
