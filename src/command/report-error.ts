import { isExposureError } from '../index.js'

/** What to add to a command line so that it works, and what the user thereby says. */
export interface Remedy {
  readonly says: string
  readonly add: readonly string[]
}

/** Stops a report for a reason that is not a bug. Its message is the line that the user sees. */
export class ReportError extends Error {
  override readonly name = 'ReportError'
  /** Lines below it: examples, and what to type next. */
  readonly details: readonly string[]
  /** The ways out that need no more than an option. */
  readonly remedies: readonly Remedy[]

  constructor(
    message: string,
    {
      details = [],
      remedies = [],
      ...options
    }: ErrorOptions & { readonly details?: readonly string[]; readonly remedies?: readonly Remedy[] } = {},
  ) {
    super(message, options)
    this.details = details
    this.remedies = remedies
  }
}

/** What stopped the report: one line, and the lines below it if there are any. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const line = oneLine(
    error instanceof ReportError || isExposureError(error) ? message : `unexpected: ${message}`,
  )
  const details = error instanceof ReportError ? error.details : []
  return [line, ...details.map((detail) => /^ */.exec(detail)?.[0] + oneLine(detail, 5000))].join('\n')
}

/** What was wrong with a command line. What an option that is not there was given is left out: it may be a secret. */
export function usageLine({ message }: Error): string {
  return message
    .replace(/^error: /, '')
    .replace(/(unknown option '[^'=]+)=[^]*'/, "$1'")
    .replace(/\s+/g, ' ')
}

/** Text from elsewhere, on one line of limited length, without control characters. */
export function oneLine(text: string, maxLength = 500): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`
}
