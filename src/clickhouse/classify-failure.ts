import { isExposureError, type ExposureError, type ExposureErrorCode } from '../errors.js'
import type { RefreshError } from '../refresh/refresh-state.js'
import { exceptionNumber } from './exception-number.js'
import { failureClasses, type FailureClass } from './failure-classes.js'
import { gatewayStatus } from './gateway-status.js'

/**
 * Why did a run fail, and can the same run succeed a little later? It decides by ClickHouse's error code, the socket's
 * error code, the answer of a gateway in place of ClickHouse, or the answer itself.
 *
 * | code | transient | what it is |
 * |---|---|---|
 * | `authentication` | no | ClickHouse 192, 193, 194, 195, 516, 720, 767: ClickHouse refuses the user or the password; ERR_INVALID_CHAR: they cannot be sent |
 * | `access-denied` | no | ClickHouse 291, 497: the user may not read the table |
 * | `unknown-database` | no | ClickHouse 81 |
 * | `unknown-table` | no | ClickHouse 60, 218 |
 * | `unknown-column` | no | ClickHouse 8, 10, 16, 47 |
 * | `invalid-query` | no | ClickHouse 36, 42, 43, 44, 46, 48, 50, 53, 62, 63, 70, 115, 184, 215, 386, 456, 457: syntax, types, functions, settings |
 * | `query-too-large` | no | ClickHouse 167, 168, 229; HTTP 413, 414, 431; a parameter or a URL that is longer than the server takes |
 * | `query-cache` | no | ClickHouse 704, 719, 731: the server is set to cache every answer, and refuses this one |
 * | `session-locked` | yes | ClickHouse 373: two statements at once in one session |
 * | `session-refused` | no | ClickHouse 372, 374, 744, 763 |
 * | `readonly` | no | ClickHouse 164, 452, 472: a setting that the user may not change |
 * | `read-limit` | no | ClickHouse 158, 307, 396, 565: more rows, bytes or partitions than the user is allowed to read or get |
 * | `memory-limit` | yes | ClickHouse 173, 241, 777, 778, or 1001 for `std::bad_alloc` |
 * | `time-limit` | yes | ClickHouse 159, 160 |
 * | `too-many-queries` | yes | ClickHouse 202, 364, 384, 439, 473, 700, 733, 738, 745, 749, 762, 776; HTTP 429; the limits of chproxy |
 * | `quota` | yes | ClickHouse 201 |
 * | `network` | yes | ClickHouse 3, 32, 33, 75, 86, 95, 96, 100, 102, 198, 203, 209, 210, 243, 254, 255, 265, 279, 285, 286, 289, 295, 297, 369, 410, 416, 425, 499, 500, 510, 519, 614, 660, 667, 693, 707, 737, 775, 900, 901, 903, 904, 1000, 1009: between the servers of a cluster, or with its disks, or a replica that is not ready |
 * | `keeper` | yes | ClickHouse 225, 242, 244, 529, 568, 709, 999 |
 * | `query-id-in-use` | yes | ClickHouse 216: a query with this id is already running, such as one that a proxy sent twice |
 * | `cancelled` | yes | ClickHouse 236, 341, 394, 677, 696, 722, 734, 735: somebody ended the query, or the server is starting or stopping |
 * | `clickhouse-N` | no | any other code N of ClickHouse |
 * | `connection-refused` | yes | ECONNREFUSED |
 * | `connection-reset` | yes | ECONNRESET, ECONNABORTED, EPIPE, ERR_STREAM_PREMATURE_CLOSE, UND_ERR_SOCKET, 'socket hang up' and the like, or a `NetworkError` |
 * | `headers-too-large` | no | HPE_HEADER_OVERFLOW, UND_ERR_HEADERS_OVERFLOW: the progress of a long query, in headers |
 * | `connection-timeout` | yes | ETIMEDOUT, ESOCKETTIMEDOUT, UND_ERR_CONNECT_TIMEOUT, UND_ERR_HEADERS_TIMEOUT, UND_ERR_BODY_TIMEOUT, 'Timeout error.', or a `TimeoutError` |
 * | `unreachable` | yes | EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN |
 * | `dns-lookup` | yes | EAI_AGAIN: the name could not be looked up now |
 * | `unknown-host` | no | ENOTFOUND: the name does not exist |
 * | `tls` | no | a certificate or handshake that is refused: CERT_…, CRL_…, ERROR_IN_C…, ERR_TLS_…, ERR_SSL_…, SELF_SIGNED…, UNABLE_TO_…, DEPTH_ZERO_SELF_SIGNED_CERT, HOSTNAME_MISMATCH, INVALID_CA, INVALID_PURPOSE, PATH_LENGTH_EXCEEDED, EPROTO |
 * | `gateway-refused` | no | HTTP 401, 403, 407 of a gateway, or its words for them |
 * | `not-clickhouse` | no | HTTP 404, 405 of a gateway, a path that ClickHouse does not know, its other ports; HPE_INVALID_CONSTANT: the answer is not HTTP |
 * | `gateway-timeout` | yes | HTTP 408, 504, 522, 524 of a gateway, or its words for them |
 * | `unavailable` | yes | HTTP 500, 502, 503, 520, 521, 523, 530 of a gateway, its words for them, or an error without a word |
 * | `malformed-answer` | yes | not ClickHouse's answer to this query: cut off, a proxy's page, another query's answer |
 * | `too-many-buckets` | no | more rows than `maxRows` |
 * | `shards-missing` | yes | shards of a cluster are down, and the server is set to skip them |
 * | `unreadable-column` | no | a column of a type that cannot be read rightly; the message says what to pass instead |
 * | `unreadable-rollup` | no | a rollup of another version, or without a column that is asked for |
 * | `unsafe-setting` | no | a setting that would cut or change the answer, which the user may not override |
 * | the code of any other {@link ExposureError} | no | misuse, such as `invalid-spec` |
 * | `unknown` | yes | anything else |
 *
 * @param error - what the client or {@link fetchExposuresSummary} threw
 * @returns frozen: a code, whether it is transient, and a readable message of at most 500 characters. From the text of
 *   a client or server it repeats only the names of columns, types and settings: no SQL, parameter, host name or
 *   credential
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
  return isWithoutWords(error)
    ? ofClass(classOfStatus(503) as FailureClass)
    : failureOf('unknown', true, 'The refresh failed for an unknown reason.')
}

/** The official clients throw a plain error for an answer without a body, such as some gateways give. */
function isWithoutWords(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { name, message, cause, code }: { readonly [Field in keyof Error | 'code']?: unknown } = error
  const isEmpty = typeof message === 'string' && message.trim() === ''
  return name === 'Error' && isEmpty && cause === undefined && code === undefined
}

const malformedAnswer =
  'The answer is not ClickHouse’s answer to the query. Check what sits between the host and ClickHouse.'

function classified(error: object): RefreshError | undefined {
  if (isExposureError(error)) {
    // ClickHouse gave up after the first rows of its answer.
    const { exception } = error.details
    if (typeof exception === 'number') return byNumber(exception)
    // Another copy of this package may know more codes.
    const known = Object.hasOwn(ownFailures, error.code) ? ownFailures[error.code] : misuse
    return known(error)
  }
  const { name, code, message } = error as Readonly<Record<string, unknown>>
  const text = typeof message === 'string' ? message : ''
  // Signals throw these.
  const ofSignal = name === 'TimeoutError' || name === 'AbortError'
  // Failures known only by their text come first, because Poco gives many exceptions the same number.
  const told = failureClasses.find((each) => each.text?.test(text) === true)
  if (told !== undefined && !ofSignal) return ofClass(told)
  // ClickHouse's own errors have the number as text. An exception in the middle of a body is only text.
  const isCoded = !ofSignal && !isOfDom(error) && /^\d{1,4}$/.test(String(code))
  const number = isCoded ? Number(code) : exceptionNumber(text)
  if (number !== undefined) return byNumber(number)
  const socket = socketOfName.get(name) ?? String(code)
  const found =
    failureClasses.find((each) => each.socket?.test(socket) === true) ??
    classOfStatus(ofSignal ? undefined : gatewayStatus(error))
  if (found !== undefined) return ofClass(found)
  // zlib's: a compressed answer that was cut, or that is not compressed as its headers say.
  const isGarbled = /^Z_(BUF|DATA)_ERROR$/.test(String(code))
  if (isGarbled || error instanceof SyntaxError || /JSON|<html|<!doctype/i.test(text)) {
    return failureOf('malformed-answer', true, malformedAnswer)
  }
  return undefined
}

/** Browsers name a failure and do not say the socket's error. */
const socketOfName: ReadonlyMap<unknown, string> = new Map([
  ['TimeoutError', 'ETIMEDOUT'],
  ['NetworkError', 'ECONNRESET'],
])

/** The code of a DOMException is a number of the DOM, and none of ClickHouse. It may come from another realm. */
function isOfDom(error: object): boolean {
  return Object.prototype.toString.call(error) === '[object DOMException]'
}

function byNumber(number: number): RefreshError {
  const found = failureClasses.find(({ exceptions = {} }) => Object.hasOwn(exceptions, number))
  return found === undefined
    ? failureOf(`clickhouse-${number}`, false, `ClickHouse refuses the query with its error ${number}.`)
    : ofClass(found)
}

function classOfStatus(status: number | undefined): FailureClass | undefined {
  return failureClasses.find(({ statuses }) => status !== undefined && statuses?.includes(status) === true)
}

function ofClass({ code, transient, message }: FailureClass): RefreshError {
  return failureOf(code, transient, message)
}

type OwnFailure = (error: ExposureError) => RefreshError

/** Misuse: it fails again until somebody corrects the named argument. */
const misuse: OwnFailure = ({ code, details }) => {
  const { path } = details
  const where = typeof path === 'string' ? ` at ${path}` : ''
  return failureOf(
    code,
    false,
    `This refresh was asked for with something that is not usable${where}. Correct it.`,
  )
}
/** A refusal whose message contains only the names of columns, types and settings. */
const inItsWords: OwnFailure = ({ code, message }) => failureOf(code, false, message)
const notTheAnswer: OwnFailure = () => failureOf('malformed-answer', true, malformedAnswer)

/** What this library itself refused: an answer, or the caller's input. */
const ownFailures: Readonly<Record<ExposureErrorCode, OwnFailure>> = {
  'invalid-instant': misuse,
  'invalid-window': misuse,
  'invalid-spec': misuse,
  'malformed-rows': notTheAnswer,
  // The only buckets that a refresh sees were in an answer.
  'malformed-buckets': notTheAnswer,
  'too-many-buckets': () =>
    failureOf(
      'too-many-buckets',
      false,
      'The answer has more rows than allowed. Look for junk variants, or raise maxRows.',
    ),
  'shards-missing': () => failureOf('shards-missing', true, 'Shards of the ClickHouse cluster are down.'),
  'unreadable-column': inItsWords,
  'unreadable-rollup': inItsWords,
  'unsafe-setting': inItsWords,
  'malformed-summary': misuse,
  'incompatible-summaries': misuse,
  'invalid-event': misuse,
  'invalid-policy': misuse,
  'malformed-state': misuse,
  'unsupported-version': () =>
    failureOf('unsupported-version', false, 'A newer release stored the refresh state. Upgrade this host.'),
  'not-expressible': misuse,
  'invalid-statistics': misuse,
  'invalid-view': misuse,
  'invalid-panel': misuse,
}

/** The error and its causes: fetch keeps the socket's error in `cause`, Happy Eyeballs in `errors`. */
function causes(error: unknown): ReadonlySet<object> {
  const found = new Set<object>()
  const add = (each: unknown): void => {
    if (typeof each === 'object' && each !== null && found.size < mostCauses) found.add(each)
  }
  add(error)
  // A set keeps the order and also visits items added during the loop: nearest first, each once, even if they are
  // circular.
  for (const each of found) {
    const { cause, errors } = each as {
      readonly cause?: unknown
      readonly errors?: unknown
    }
    add(cause)
    if (Array.isArray(errors)) errors.forEach(add)
  }
  return found
}

const mostCauses = 32

/** Long names of types and fields are cut: a state keeps messages of up to 500 characters. */
function failureOf(code: string, transient: boolean, message: string): RefreshError {
  const kept = message.length <= 500 ? message : `${message.slice(0, 499)}…`
  return Object.freeze({ code, transient, message: kept.toWellFormed() })
}
