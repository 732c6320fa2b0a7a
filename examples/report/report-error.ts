import { isExposureError } from 'first-exposure'

/** What stops a report and is no fault of the program: its message is the one line that the user gets. */
export class ReportError extends Error {
  override readonly name = 'ReportError'
}

/** The one line that says what stopped the report. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return oneLine(error instanceof ReportError || isExposureError(error) ? message : `unexpected: ${message}`)
}

/** Text of others on one line of bearable length, without control characters. */
export function oneLine(text: string, maxLength = 500): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`
}
