import { isExposureError } from '../errors.js'
import type { RefreshError } from '../refresh/refresh-state.js'

/**
 * Why did a run fail, and may the same run succeed a little later? Tells by ClickHouse's error code, by the code of
 * the socket, or by what the answer was.
 *
 * | code | transient | what it is |
 * |---|---|---|
 * | `authentication` | no | ClickHouse 192, 193, 194, 195, 516: the user or password is refused |
 * | `access-denied` | no | ClickHouse 291, 497: the user has no right to it |
 * | `unknown-database` | no | ClickHouse 81 |
 * | `unknown-table` | no | ClickHouse 60 |
 * | `unknown-column` | no | ClickHouse 10, 16, 47 |
 * | `invalid-query` | no | ClickHouse 36, 43, 46, 53, 62, 115, 184, 215, 386, 456, 457: syntax, types, functions, settings |
 * | `readonly` | no | ClickHouse 164, 452: a setting that the user may not change |
 * | `read-limit` | no | ClickHouse 158, 307, 396: more rows or bytes than the user may read or get |
 * | `memory-limit` | yes | ClickHouse 241 |
 * | `time-limit` | yes | ClickHouse 159, 160 |
 * | `too-many-queries` | yes | ClickHouse 202, 439, 745 |
 * | `quota` | yes | ClickHouse 201 |
 * | `network` | yes | ClickHouse 3, 32, 198, 203, 209, 210, 279, 425: between the servers of a cluster, or with its disks |
 * | `keeper` | yes | ClickHouse 225, 242, 319, 999 |
 * | `cancelled` | yes | ClickHouse 236, 394, 734, 735: somebody ended the query, or the server is stopping |
 * | `clickhouse-N` | no | any other code N of ClickHouse |
 * | `connection-refused` | yes | ECONNREFUSED |
 * | `connection-reset` | yes | ECONNRESET, ECONNABORTED, EPIPE, ERR_STREAM_PREMATURE_CLOSE, UND_ERR_SOCKET, or 'socket hang up' |
 * | `connection-timeout` | yes | ETIMEDOUT, ESOCKETTIMEDOUT, UND_ERR_CONNECT_TIMEOUT, UND_ERR_HEADERS_TIMEOUT, UND_ERR_BODY_TIMEOUT, or 'Timeout error.' |
 * | `unreachable` | yes | EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN |
 * | `dns-lookup` | yes | EAI_AGAIN: the name could not be looked up now |
 * | `unknown-host` | no | ENOTFOUND: there is no such name |
 * | `tls` | no | a certificate or handshake that is refused: CERT_…, ERR_TLS_…, ERR_SSL_…, SELF_SIGNED…, UNABLE_TO_…, DEPTH_ZERO_SELF_SIGNED_CERT, HOSTNAME_MISMATCH, EPROTO |
 * | `malformed-answer` | yes | an answer that is not ClickHouse's to this query: cut, a proxy's page, another query's |
 * | `too-many-buckets` | no | more rows than `maxRows` |
 * | `unknown` | yes | anything else |
 *
 * @param error - what the client or {@link fetchExposuresSummary} threw
 * @returns a frozen code, whether it is transient, and a message for people that holds nothing of the error's own
 *   text: no SQL, parameter, host name or credential
 *
 * @example
 * ```ts
 * import { classifyFailure } from 'first-exposure/clickhouse'
 *
 * classifyFailure(Object.assign(new Error('…'), { code: '241' })).code // => 'memory-limit'
 * classifyFailure(Object.assign(new Error('connect …'), { code: 'ECONNREFUSED' })).transient // => true
 * ```
 */
export function classifyFailure(error: unknown): RefreshError {
  for (const each of causes(error)) {
    const failure = classified(each)
    if (failure !== undefined) return failure
  }
  return failureOf('unknown', true, 'The refresh failed for a reason that is not known here.')
}

interface FailureClass {
  readonly code: string
  readonly transient: boolean
  /** ClickHouse's numbers. */
  readonly numbers?: readonly number[]
  /** The codes of sockets and of TLS. */
  readonly socket?: RegExp
  /** The messages of errors that bear no code. */
  readonly text?: RegExp
  readonly message: string
}

const classes: readonly FailureClass[] = [
  {
    code: 'authentication',
    transient: false,
    numbers: [192, 193, 194, 195, 516],
    message: 'ClickHouse refuses the user or the password. Check the credentials of the connection.',
  },
  {
    code: 'access-denied',
    transient: false,
    numbers: [291, 497],
    message: 'The ClickHouse user has no right to read the exposures. Grant it SELECT on the table.',
  },
  {
    code: 'unknown-database',
    transient: false,
    numbers: [81],
    message: 'ClickHouse does not know the database. Check the source and the connection.',
  },
  {
    code: 'unknown-table',
    transient: false,
    numbers: [60],
    message: 'ClickHouse does not know the table. Check the source.',
  },
  {
    code: 'unknown-column',
    transient: false,
    numbers: [10, 16, 47],
    message: 'The table lacks a column that the source names. Check the source’s columns.',
  },
  {
    code: 'invalid-query',
    transient: false,
    numbers: [36, 43, 46, 53, 62, 115, 184, 215, 386, 456, 457],
    message: 'ClickHouse cannot run the query on this table. Check the source’s columns and their types.',
  },
  {
    code: 'readonly',
    transient: false,
    numbers: [164, 452],
    message: 'The ClickHouse user may not change a setting that is sent. Leave out the settings.',
  },
  {
    code: 'read-limit',
    transient: false,
    numbers: [158, 307, 396],
    message: 'The query reads or returns more than the ClickHouse user may. Raise the limit.',
  },
  {
    code: 'memory-limit',
    transient: true,
    numbers: [241],
    message: 'ClickHouse ran out of the memory it allows.',
  },
  {
    code: 'time-limit',
    transient: true,
    numbers: [159, 160],
    message: 'The query took longer than ClickHouse allows.',
  },
  {
    code: 'too-many-queries',
    transient: true,
    numbers: [202, 439, 745],
    message: 'ClickHouse is busy with other queries.',
  },
  {
    code: 'quota',
    transient: true,
    numbers: [201],
    message: 'The quota of the ClickHouse user is used up for now.',
  },
  {
    code: 'network',
    transient: true,
    numbers: [3, 32, 198, 203, 209, 210, 279, 425],
    message: 'ClickHouse could not reach another server, or a disk, that it needs.',
  },
  {
    code: 'keeper',
    transient: true,
    numbers: [225, 242, 319, 999],
    message: 'ClickHouse’s coordination service does not answer.',
  },
  {
    code: 'cancelled',
    transient: true,
    numbers: [236, 394, 734, 735],
    message: 'The query was ended on the server.',
  },
  {
    code: 'connection-refused',
    transient: true,
    socket: /^ECONNREFUSED$/,
    message: 'ClickHouse does not accept connections.',
  },
  {
    code: 'connection-reset',
    transient: true,
    socket: /^(ECONNRESET|ECONNABORTED|EPIPE|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_SOCKET)$/,
    text: /^(socket hang up|aborted|terminated|premature close)$/i,
    message: 'The connection to ClickHouse broke.',
  },
  {
    code: 'connection-timeout',
    transient: true,
    socket: /^(ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/,
    text: /^Timeout error\.$/,
    message: 'ClickHouse did not answer in time.',
  },
  {
    code: 'unreachable',
    transient: true,
    socket: /^E(HOST|NET)(UNREACH|DOWN)$/,
    message: 'The network has no way to ClickHouse.',
  },
  {
    code: 'dns-lookup',
    transient: true,
    socket: /^EAI_AGAIN$/,
    message: 'The name of the ClickHouse host could not be looked up.',
  },
  {
    code: 'unknown-host',
    transient: false,
    socket: /^ENOTFOUND$/,
    message: 'There is no host of the name that the connection gives.',
  },
  {
    code: 'tls',
    transient: false,
    socket:
      /^(CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|HOSTNAME_MISMATCH$|EPROTO$)/,
    message: 'The encrypted connection to ClickHouse is refused. Check its certificate and the address.',
  },
]

const malformedAnswer =
  'The answer is not ClickHouse’s answer to the query. Check what sits between the host and ClickHouse.'

function classified(error: object): RefreshError | undefined {
  if (isExposureError(error)) {
    return error.code === 'too-many-buckets'
      ? failureOf(
          'too-many-buckets',
          false,
          'The answer has more rows than allowed. Look for junk variants, or raise maxRows.',
        )
      : failureOf('malformed-answer', true, malformedAnswer)
  }
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  const text = typeof message === 'string' ? message : ''
  // ClickHouse's own errors bear its number as text; an exception in the middle of a body is only text.
  const number = /^\d+$/.test(String(code)) ? Number(code) : numberIn(text)
  const socket = typeof code === 'string' ? code : ''
  const found = classes.find(
    (each) =>
      (number !== undefined && each.numbers?.includes(number) === true) ||
      each.socket?.test(socket) === true ||
      each.text?.test(text) === true,
  )
  if (found !== undefined) return failureOf(found.code, found.transient, found.message)
  if (number !== undefined) {
    return failureOf(`clickhouse-${number}`, false, `ClickHouse refuses the query with its error ${number}.`)
  }
  if (error instanceof SyntaxError || /JSON|<html|<!doctype/i.test(text)) {
    return failureOf('malformed-answer', true, malformedAnswer)
  }
  return undefined
}

function numberIn(text: string): number | undefined {
  const [, number] = /\bCode: (\d{1,4})\. DB::Exception/.exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}

/** The error, and what lies underneath: fetch hides the socket's error in `cause`, Happy Eyeballs in `errors`. */
function* causes(error: unknown): Generator<object> {
  let current = error
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth++) {
    yield current
    const { cause, errors } = current as { readonly cause?: unknown; readonly errors?: unknown }
    current = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
}

function failureOf(code: string, transient: boolean, message: string): RefreshError {
  return Object.freeze({ code, transient, message })
}
