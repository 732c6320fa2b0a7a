import type * as official from '@clickhouse/client'
import { isExposureError, type ExposureError, type ExposureSpec, type SourceTable } from '../index.js'
import { askedPackage } from './asked-package.js'
import type { Experiment } from './experiment.js'
import { notOnServer } from './not-on-server.js'
import { oneLine, ReportError } from './report-error.js'
import { whatIsThere } from './what-is-there.js'

/** A client of a server. Sends no query yet. The credentials come from the environment. */
export function serverClient(url: URL, application: string): official.ClickHouseClient {
  const { ClickHouseLogLevel, createClient } = askedPackage(
    '@clickhouse/client',
    '--url needs',
    '@clickhouse/client',
  ) as typeof official
  try {
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
  } catch (error) {
    if (url.search === '') throw error
    throw new ReportError(
      '--url is not usable with what follows the ? in it: leave that out; the database is --database, and the credentials are CLICKHOUSE_USER and CLICKHOUSE_PASSWORD',
      { cause: error },
    )
  }
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
    nothingFound: async () =>
      `the server has no exposure of ${asked}: ${await whatIsThere(client, spec).catch(() => 'none is in the window')}`,
    inWords: async (error) => {
      if (isExposureError(error, 'unreadable-column')) return unreadable(error, spec)
      if (error instanceof ReportError || isExposureError(error)) return error
      const missing = await notOnServer(client, spec, error)
      return missing === undefined ? serverError(url, error) : new ReportError(missing, { cause: error })
    },
    close: async () => {
      await client.close()
    },
  }
}

const viewAdvice = 'make a view that converts it, as docs/recipes.md shows, and name the view with --table'

/** The library tells a program which expression to pass; a command line passes names. */
function unreadable({ details, message }: ExposureError, { source: { columns } }: ExposureSpec): ReportError {
  const { column, type } = details
  const name = columns[column as keyof typeof columns]
  return new ReportError(
    typeof name === 'string'
      ? `the column ${JSON.stringify(oneLine(name, 60))} (--${String(column)}) has the type ${String(type)}; ${viewAdvice}`
      : message,
  )
}

const unknownAuthority =
  'its certificate is signed by an authority that Node does not know; name its certificate in NODE_EXTRA_CA_CERTS'

const socketErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at this address',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no network to it',
  ECONNRESET: 'it closed the connection; is this its HTTP port? If it speaks TLS there, use https://',
  EPROTO: 'it does not speak TLS at this port; use http://, or the port of HTTPS (usually 8443)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
}

/** An error of the server or of the network, in words. */
export function serverError(url: URL, error: unknown): ReportError {
  const { code, type, message, cause } = error as Record<'code' | 'type' | 'message' | 'cause', unknown>
  const socketCode = String(code ?? (cause as { code?: unknown } | undefined)?.code)
  const reason = socketCode.startsWith('HPE_')
    ? 'what it answers is not HTTP; the HTTP port is usually 8123, and 8443 with https://'
    : socketErrors[socketCode]
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
