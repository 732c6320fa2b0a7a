/**
 * The HTTP status of a gateway that answered instead of ClickHouse, if the client's error shows it. The official
 * clients keep only the body of such an answer.
 *
 * @param error - what the client threw; other clients keep the status in a field
 */
export function gatewayStatus(error: object): number | undefined {
  const { status, statusCode, message } = error as Readonly<Record<string, unknown>>
  const kept = [status, statusCode].find(isStatus)
  if (kept !== undefined || typeof message !== 'string') return kept
  const body = message.trim()
  const [, title] = /<(?:title|h1)[^<>]*>\s*([^<]+)/i.exec(body) ?? []
  if (title !== undefined) return statusIn(title.trim(), true)
  return body.startsWith('{') ? statusOfJson(body) : statusIn(body, false)
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 400 && Number(value) <= 599
}

/** Cloud gateways answer with an object that has a message, a number or both. */
function statusOfJson(body: string): number | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return undefined
  }
  const { status, statusCode, code, message, error, title, detail } = parsed as Readonly<
    Record<string, unknown>
  >
  const nested =
    typeof error === 'object' && error !== null ? (error as { readonly code?: unknown }).code : error
  return (
    [status, statusCode, code, nested].find(isStatus) ??
    [message, title, error, detail]
      .map((text) => (typeof text === 'string' ? statusIn(text, false) : undefined))
      .find((each) => each !== undefined)
  )
}

/** `502 Bad Gateway`, `error code: 1015`, `Too Many Requests`. In a title, a number alone is enough. */
function statusIn(text: string, isTitle: boolean): number | undefined {
  const [start = '', digits] =
    /^(?:HTTP\/[\d.]+ +|error(?: code:)? +)?(\d{3,4})\b[\s:|.–-]*/i.exec(text) ?? []
  const reason = reasonOf(text.slice(start.length))
  const number = digits === '1015' ? 429 : Number(digits)
  // 400 says little: nginx also sends it if headers are too large.
  const saysEnough = isTitle || start.length === text.length || reason !== undefined
  return isStatus(number) && number !== 400 && saysEnough ? number : reason
}

/** The status whose reason the text begins with, in the words of common gateways. */
function reasonOf(text: string): number | undefined {
  return reasons.find(([, words]) => words.test(text))?.[0]
}

const reason = (words: string): RegExp => new RegExp(`^(?:${words})(?:$|\\.|[:;,!]| *\\n| *\\|| +-)`, 'i')
const reasons: readonly (readonly [number, RegExp])[] = [
  [401, reason('Unauthorized|(Authorization|Authentication) Required')],
  [403, reason('Forbidden|Access Denied')],
  [404, reason('(Page )?Not Found')],
  // Sent with 400: the protocol of the URL is wrong.
  [
    404,
    reason('The plain HTTP request was sent to HTTPS port|Client sent an HTTP request to an HTTPS server'),
  ],
  [405, reason('(Method )?Not Allowed')],
  [407, reason('Proxy Authentication Required')],
  [408, reason('Request Time-?out')],
  [413, reason('(Request Entity|Request Body|Payload|Content|Entity) Too Large')],
  [414, reason('(Request-)?URI Too (Long|Large)')],
  [429, reason('Too Many Requests|(API |local_)?rate[ _]limit(ed| exceeded)|Limit Exceeded')],
  [431, reason('Request Header (Fields|Or Cookie) Too Large')],
  [500, reason('(Internal )?Server Error')],
  [502, reason('Bad Gateway')],
  [503, reason('(HTTP Error )?Service (Temporarily )?Unavailable|(envoy )?overloaded')],
  [504, reason('Gateway Time-?out|Endpoint request timed out')],
]
