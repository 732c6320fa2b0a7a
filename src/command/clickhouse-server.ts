import type * as official from '@clickhouse/client'
import type { ExposureSpec, SourceTable } from '../index.js'
import { askedPackage } from './asked-package.js'
import type { Experiment } from './experiment.js'
import { oneLine, ReportError } from './report-error.js'

/** A client of a server. Sends no query yet. The credentials come from the environment. */
export function serverClient(url: URL, application: string): official.ClickHouseClient {
  const { ClickHouseLogLevel, createClient } = askedPackage(
    '@clickhouse/client',
    '--url needs',
    '@clickhouse/client',
  ) as typeof official
  return createClient({
    url,
    username: process.env['CLICKHOUSE_USER'] ?? 'default',
    password: process.env['CLICKHOUSE_PASSWORD'] ?? '',
    application,
    request_timeout: 600_000,
    // The server answers when it has everything, so that an error is never the end of a file that looks complete.
    clickhouse_settings: { wait_end_of_query: 1 },
    log: { level: ClickHouseLogLevel.OFF },
  })
}

/** An experiment on a server. Sends no query yet. */
export function clickhouseServer(url: URL, spec: ExposureSpec): Experiment {
  const client = serverClient(url, 'first-exposure-report')
  // The arguments of the report name a table.
  const { database, table } = spec.source.table as SourceTable
  const asked =
    JSON.stringify(spec.featureName) +
    (spec.environmentKey === null ? '' : ` in the environment ${JSON.stringify(spec.environmentKey)}`)
  return {
    client,
    spec,
    origin: `${[database, table].filter((name) => name !== null).join('.')} on ${url.host}`,
    scanned: async () =>
      `Scanned: ${spec.eventName === null ? 'all events' : `the events ${JSON.stringify(spec.eventName)}`} of ${asked}, of all time.`,
    nothingFound: async () => `the server has no exposure of ${asked} in the window`,
    close: async () => {
      await client.close()
    },
  }
}

const socketErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at this address',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no network to it',
  ECONNRESET: 'it closed the connection; is this its HTTP port?',
}

/** An error of the server or of the network, in words. */
export function serverError(url: URL, error: unknown): ReportError {
  const { code, type, message, cause } = error as Record<'code' | 'type' | 'message' | 'cause', unknown>
  const socketCode = String(code ?? (cause as { code?: unknown } | undefined)?.code)
  const reason = socketErrors[socketCode]
  // The message quotes our own long statement. What it suggests after that is useful.
  const complaint = oneLine(
    String(message ?? error).replace(/ in scope .*?(?=\. Maybe you meant|\.?\s*$)/s, ''),
    300,
  )
  if (typeof type === 'string' && type !== '') {
    return new ReportError(
      ['AUTHENTICATION_FAILED', 'REQUIRED_PASSWORD', 'WRONG_PASSWORD', 'UNKNOWN_USER'].includes(type)
        ? `the server at ${url.host} does not know this user and password: set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD`
        : `the server at ${url.host} refused (${type}): ${complaint}`,
      { cause: error },
    )
  }
  return new ReportError(
    reason === undefined
      ? `the server at ${url.host} gave no usable response: ${complaint}`
      : `the server at ${url.host} cannot be reached: ${reason} (${socketCode})`,
    { cause: error },
  )
}
