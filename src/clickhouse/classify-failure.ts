import { isExposureError } from '../errors.js'
import type { RefreshError } from '../refresh/refresh-state.js'
import { exceptionNumber } from './exception-number.js'

/**
 * Why did a run fail, and may the same run succeed a little later? Tells by ClickHouse's error code, by the code of
 * the socket, or by what the answer was.
 *
 * | code | transient | what it is |
 * |---|---|---|
 * | `authentication` | no | ClickHouse 192, 193, 194, 195, 516, 720, 767: the user or password is refused |
 * | `access-denied` | no | ClickHouse 291, 497: the user has no right to it |
 * | `unknown-database` | no | ClickHouse 81 |
 * | `unknown-table` | no | ClickHouse 60, 218 |
 * | `unknown-column` | no | ClickHouse 8, 10, 16, 47 |
 * | `invalid-query` | no | ClickHouse 36, 42, 43, 44, 46, 48, 50, 53, 62, 63, 70, 115, 184, 215, 386, 456, 457: syntax, types, functions, settings |
 * | `readonly` | no | ClickHouse 164, 452, 472: a setting that the user may not change |
 * | `read-limit` | no | ClickHouse 158, 307, 396, 565: more rows, bytes or partitions than the user may read or get |
 * | `memory-limit` | yes | ClickHouse 173, 241, 777, 778 |
 * | `time-limit` | yes | ClickHouse 159, 160 |
 * | `too-many-queries` | yes | ClickHouse 202, 364, 439, 700, 745, 749, 762, 776 |
 * | `quota` | yes | ClickHouse 201 |
 * | `network` | yes | ClickHouse 3, 32, 86, 95, 96, 198, 203, 209, 210, 265, 279, 297, 425, 499, 519, 900, 904, 1000: between the servers of a cluster, or with its disks |
 * | `keeper` | yes | ClickHouse 225, 242, 244, 999 |
 * | `query-id-in-use` | yes | ClickHouse 216: a query of this id runs already, such as one that a proxy sent twice |
 * | `cancelled` | yes | ClickHouse 236, 394, 677, 734, 735: somebody ended the query, or the server is stopping |
 * | `clickhouse-N` | no | any other code N of ClickHouse |
 * | `connection-refused` | yes | ECONNREFUSED |
 * | `connection-reset` | yes | ECONNRESET, ECONNABORTED, EPIPE, ERR_STREAM_PREMATURE_CLOSE, UND_ERR_SOCKET, or 'socket hang up' |
 * | `connection-timeout` | yes | ETIMEDOUT, ESOCKETTIMEDOUT, UND_ERR_CONNECT_TIMEOUT, UND_ERR_HEADERS_TIMEOUT, UND_ERR_BODY_TIMEOUT, 'Timeout error.', or a `TimeoutError` |
 * | `unreachable` | yes | EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN |
 * | `dns-lookup` | yes | EAI_AGAIN: the name could not be looked up now |
 * | `unknown-host` | no | ENOTFOUND: there is no such name |
 * | `tls` | no | a certificate or handshake that is refused: CERT_…, ERR_TLS_…, ERR_SSL_…, SELF_SIGNED…, UNABLE_TO_…, DEPTH_ZERO_SELF_SIGNED_CERT, HOSTNAME_MISMATCH, EPROTO |
 * | `malformed-answer` | yes | an answer that is not ClickHouse's to this query: cut, a proxy's page, another query's |
 * | `too-many-buckets` | no | more rows than `maxRows` |
 * | `shards-missing` | yes | shards of a cluster are down, on a server that is set to skip such |
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
    numbers: [192, 193, 194, 195, 516, 720, 767],
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
    numbers: [60, 218],
    message: 'ClickHouse does not know the table. Check the source.',
  },
  {
    code: 'unknown-column',
    transient: false,
    numbers: [8, 10, 16, 47],
    message: 'The table lacks a column that the source names. Check the source’s columns.',
  },
  {
    code: 'invalid-query',
    transient: false,
    numbers: [36, 42, 43, 44, 46, 48, 50, 53, 62, 63, 70, 115, 184, 215, 386, 456, 457],
    message: 'ClickHouse cannot run the query on this table. Check the source’s columns and their types.',
  },
  {
    code: 'readonly',
    transient: false,
    numbers: [164, 452, 472],
    message: 'The ClickHouse user may not change a setting that is sent. Leave out the settings.',
  },
  {
    code: 'read-limit',
    transient: false,
    numbers: [158, 307, 396, 565],
    message: 'The query reads or returns more than the ClickHouse user may. Raise the limit.',
  },
  {
    code: 'memory-limit',
    transient: true,
    numbers: [173, 241, 777, 778],
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
    numbers: [202, 364, 439, 700, 745, 749, 762, 776],
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
    numbers: [3, 32, 86, 95, 96, 198, 203, 209, 210, 265, 279, 297, 425, 499, 519, 900, 904, 1000],
    message: 'ClickHouse could not reach another server, or a disk, that it needs.',
  },
  {
    code: 'keeper',
    transient: true,
    numbers: [225, 242, 244, 999],
    message: 'ClickHouse’s coordination service does not answer.',
  },
  {
    code: 'query-id-in-use',
    transient: true,
    numbers: [216],
    message: 'A query of the same id is running already. Let each run have an id of its own.',
  },
  {
    code: 'cancelled',
    transient: true,
    numbers: [236, 394, 677, 734, 735],
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
    // ClickHouse gave up behind the first rows of its answer.
    const { exception } = error.details
    if (typeof exception === 'number') return byNumber(exception)
    if (error.code === 'shards-missing') {
      return failureOf('shards-missing', true, 'Shards of the ClickHouse cluster are down.')
    }
    if (error.code === 'too-many-buckets') {
      return failureOf(
        'too-many-buckets',
        false,
        'The answer has more rows than allowed. Look for junk variants, or raise maxRows.',
      )
    }
    return failureOf('malformed-answer', true, malformedAnswer)
  }
  const { name, code, message } = error as Readonly<Record<string, unknown>>
  const text = typeof message === 'string' ? message : ''
  // Signals throw these; their codes are numbers of the DOM, and none of ClickHouse's.
  const ofSignal = name === 'TimeoutError' || name === 'AbortError'
  // ClickHouse's own errors bear its number as text; an exception in the middle of a body is only text.
  const number = !ofSignal && /^\d{1,4}$/.test(String(code)) ? Number(code) : exceptionNumber(text)
  if (number !== undefined) return byNumber(number)
  const socket = name === 'TimeoutError' ? 'ETIMEDOUT' : String(code)
  const found = classes.find((each) => each.socket?.test(socket) === true || each.text?.test(text) === true)
  if (found !== undefined) return failureOf(found.code, found.transient, found.message)
  if (error instanceof SyntaxError || /JSON|<html|<!doctype/i.test(text)) {
    return failureOf('malformed-answer', true, malformedAnswer)
  }
  return undefined
}

function byNumber(number: number): RefreshError {
  const found = classes.find((each) => each.numbers?.includes(number) === true)
  return found === undefined
    ? failureOf(`clickhouse-${number}`, false, `ClickHouse refuses the query with its error ${number}.`)
    : failureOf(found.code, found.transient, found.message)
}

/** The error, and what lies underneath: fetch hides the socket's error in `cause`, Happy Eyeballs in `errors`. */
function causes(error: unknown): ReadonlySet<object> {
  const found = new Set<object>()
  const add = (each: unknown): void => {
    if (typeof each === 'object' && each !== null && found.size < mostCauses) found.add(each)
  }
  add(error)
  // A set remembers the order, and goes on to what is added meanwhile: nearest first, each once, cycles or not.
  for (const each of found) {
    const { cause, errors } = each as { readonly cause?: unknown; readonly errors?: unknown }
    add(cause)
    if (Array.isArray(errors)) errors.forEach(add)
  }
  return found
}

const mostCauses = 32

function failureOf(code: string, transient: boolean, message: string): RefreshError {
  return Object.freeze({ code, transient, message })
}
