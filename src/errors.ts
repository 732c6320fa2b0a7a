/**
 * What can be wrong, as a literal to switch on.
 *
 * | code | meaning | what to do |
 * |---|---|---|
 * | `invalid-instant` | a point in time is not a `Date`, epoch milliseconds or ISO 8601 with a zone | pass one of the three |
 * | `invalid-window` | the window is empty, reversed, or outside what a ClickHouse `DateTime` holds | pass `start < asOf`, 1970-01-02 to 2106-01-01 |
 * | `invalid-spec` | a field of an experiment or an option of a query is missing, unknown or not usable | correct the named field |
 * | `malformed-rows` | the query cannot have returned these rows | check what sits between the library and ClickHouse |
 * | `malformed-buckets` | these buckets do not make a summary | pass what `decodeBucketRows` returned, with the query's own granularity |
 * | `too-many-buckets` | the answer has more rows than `maxRows` | narrow the window, look for junk variants, or raise `maxRows` |
 * | `shards-missing` | shards of a cluster are down, and the server is set to skip them | ask again when they are back |
 * | `unreadable-column` | a column of the source has a type that cannot be read rightly, such as a number where an instant is needed | pass the expression that the message shows |
 * | `unreadable-rollup` | the rollup's table is of another version, or was not declared with a column that is asked for | replace it: `rollupMigration`, or `rollupSchema` and a backfill |
 * | `unsafe-setting` | the server's profile would cut or change the answer without an error, and the user may not override it | change the setting that the message names |
 * | `malformed-summary` | a summary was changed, or is something else | pass what `summarizeExposures` returned, or its JSON parsed |
 * | `incompatible-summaries` | the summaries differ in granularity or time zone | merge and compare only what was asked alike |
 * | `invalid-event` | a field of a refresh event is missing or not usable | correct the named field |
 * | `invalid-policy` | a field of a refresh or an argument of a store (`client`, `store`, `key`, `policy`, `table`, …) is missing, unknown or not usable | correct the named field |
 * | `malformed-state` | this library did not write the stored refresh state | look at the named place; keep the last good copy |
 * | `unsupported-version` | a newer version of this library wrote the stored refresh state | upgrade this host |
 * | `not-expressible` | another format cannot hold this state | ask only for what that format knows |
 * | `invalid-statistics` | an argument of a statistical check is of the wrong type, out of order or out of bounds | correct the named argument |
 * | `invalid-view` | an option of a view or a label cannot be used with this summary | correct the named option |
 * | `invalid-panel` | an option of a panel, or a field of what its answer is made of, is missing, unknown or not usable | correct the named field |
 */
export type ExposureErrorCode =
  | 'invalid-instant'
  | 'invalid-window'
  | 'invalid-spec'
  | 'malformed-rows'
  | 'malformed-buckets'
  | 'too-many-buckets'
  | 'shards-missing'
  | 'unreadable-column'
  | 'unreadable-rollup'
  | 'unsafe-setting'
  | 'malformed-summary'
  | 'incompatible-summaries'
  | 'invalid-event'
  | 'invalid-policy'
  | 'malformed-state'
  | 'unsupported-version'
  | 'not-expressible'
  | 'invalid-statistics'
  | 'invalid-view'
  | 'invalid-panel'

// A registered symbol, so that an error is recognised even when two copies of this package are loaded.
const brand: unique symbol = Symbol.for('first-exposure.ExposureError')

/**
 * The one class of error that this library itself throws.
 *
 * The `message` says what was wrong, what was received and what to do; `code` is for programs;
 * `details` holds the evidence as plain data; `cause` the error underneath, where there is one.
 * No message holds SQL, a host name or a credential. A message may repeat a short value that was passed, such as a key, a
 * variant or an instant, but no text that looks like an address; a client, a store, a function and an unknown field are
 * named by their kind.
 *
 * @example
 * ```ts
 * import { exposureWindow, isExposureError } from 'first-exposure'
 *
 * let code = 'none'
 * try {
 *   exposureWindow('2026-06-02T00:00:00Z', '2026-06-01T00:00:00Z')
 * } catch (error) {
 *   if (isExposureError(error)) code = error.code
 * }
 * code // => 'invalid-window'
 * ```
 */
export class ExposureError<Code extends ExposureErrorCode = ExposureErrorCode> extends Error {
  override readonly name = 'ExposureError'
  /** What was wrong, as a literal. */
  readonly code: Code
  /** The evidence, as plain data: which field, row or column, and what was found there. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: Code,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
    this.code = code
    this.details = Object.freeze({ ...details })
    Object.defineProperty(this, brand, { value: true })
  }
}

/**
 * Is this an {@link ExposureError}, and, where a code is given, one with that code?
 *
 * True also for an error thrown by another copy of this package (`instanceof` is not).
 *
 * @param error - anything that was caught
 * @param code - the only code to accept; left out, any code is accepted
 *
 * @example
 * ```ts
 * import { ExposureError, isExposureError } from 'first-exposure'
 *
 * const error = new ExposureError('invalid-spec', 'featureName is empty; pass the feature to report.')
 * isExposureError(error) // => true
 * isExposureError(error, 'malformed-rows') // => false
 * isExposureError(new Error('something else')) // => false
 * ```
 */
export function isExposureError<Code extends ExposureErrorCode = ExposureErrorCode>(
  error: unknown,
  code?: Code,
): error is ExposureError<Code> {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [brand]?: unknown })[brand] === true &&
    (code === undefined || (error as { code?: unknown }).code === code)
  )
}

/**
 * How a message names a received value: its kind and, where that is short, its text. A text that looks like an address
 * or a connection string is not repeated, whatever the field: it could hold a host name or a password.
 */
export function received(value: unknown): string {
  const type = typeof value
  if (typeof value === 'string') {
    return value.length <= 60 && address.test(value) ? 'an address' : quoted(value)
  }
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString()
  if (type === 'function' || type === 'symbol') return `a ${type}`
  return type === 'object' && value !== null ? 'an object' : String(value)
}

/** A key in a sentence about counts, which are the reader's own: in quotes and, if it is long, without its text. */
export function quoted(key: string): string {
  return key.length <= 60 ? JSON.stringify(key) : `a string of ${key.length} characters`
}

/** `scheme://…`, `user:password@host` or `password=…`. */
const address = /:\/\/|:.+@|(passw|pwd|secret|token)\w*\s*=/i

/**
 * The kind of a received value, and nothing of what it holds. For the place of a client, a store or a function, and for
 * an unknown field, where a text may well be an address or a password.
 */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/**
 * Makes the error for a value that cannot be used: its path, the value, and what to pass instead. `problem` says what is
 * wrong with it, where that is more than its kind; `shown` is how the message names the value, default {@link received}.
 */
export type Refusal<Code extends ExposureErrorCode = ExposureErrorCode> = (
  path: string,
  value: unknown,
  advice: string,
  problem?: string,
  shown?: (value: unknown) => string,
) => ExposureError<Code>

/** The errors of one code. Their `details` hold the `path` of the value and, as a short text, what was `received`. */
export function refusal<Code extends ExposureErrorCode>(
  code: Code,
  subject: (path: string) => string = (path) => `${path} is not usable`,
): Refusal<Code> {
  return (path, value, advice, problem, shown = received) => {
    const wrong =
      problem ??
      (value === undefined ? `${path} is required.` : `${subject(path)}: received ${shown(value)}.`)
    return new ExposureError(code, `${wrong} ${advice}`, { path, received: shown(value) })
  }
}

export const invalidInstant: Refusal<'invalid-instant'> = /* @__PURE__ */ refusal(
  'invalid-instant',
  (path) => `${path} is not an instant`,
)
export const invalidWindow: Refusal<'invalid-window'> = /* @__PURE__ */ refusal('invalid-window')
export const invalidSpec: Refusal<'invalid-spec'> = /* @__PURE__ */ refusal('invalid-spec')
export const invalidEvent: Refusal<'invalid-event'> = /* @__PURE__ */ refusal('invalid-event')
export const invalidPolicy: Refusal<'invalid-policy'> = /* @__PURE__ */ refusal('invalid-policy')
export const invalidStatistics: Refusal<'invalid-statistics'> = /* @__PURE__ */ refusal('invalid-statistics')
export const invalidView: Refusal<'invalid-view'> = /* @__PURE__ */ refusal('invalid-view')
export const invalidPanel: Refusal<'invalid-panel'> = /* @__PURE__ */ refusal('invalid-panel')
export const malformedBuckets: Refusal<'malformed-buckets'> = /* @__PURE__ */ refusal('malformed-buckets')
export const malformedSummary: Refusal<'malformed-summary'> = /* @__PURE__ */ refusal('malformed-summary')
export const incompatibleSummaries: Refusal<'incompatible-summaries'> =
  /* @__PURE__ */ refusal('incompatible-summaries')
export const malformedState: Refusal<'malformed-state'> = /* @__PURE__ */ refusal(
  'malformed-state',
  (path) => `The refresh state is malformed at ${path}`,
)
