import { isExposureError } from '../index.js'

/** Stops a report for a reason that is not a bug. Its message is the one line that the user sees. */
export class ReportError extends Error {
  override readonly name = 'ReportError'
}

/** The one line that says what stopped the report. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return oneLine(error instanceof ReportError || isExposureError(error) ? message : `unexpected: ${message}`)
}

/** Text from elsewhere, on one line of limited length, without control characters. */
export function oneLine(text: string, maxLength = 500): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`
}
