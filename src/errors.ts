/**
 * What can be wrong, as a literal to switch on.
 *
 * | code | meaning | what to do |
 * |---|---|---|
 * | `invalid-instant` | a point in time is not a `Date`, epoch milliseconds or ISO 8601 with a zone | pass one of the three |
 * | `invalid-window` | the window is empty, reversed, or outside what a ClickHouse `DateTime` holds | pass `start < asOf`, 1970-01-02 to 2106-01-01 |
 * | `invalid-spec` | an experiment's description is incomplete or cannot be sent to ClickHouse | mend the named field |
 * | `malformed-rows` | the warehouse's answer is not one that the query can give | check what sits between the library and ClickHouse |
 * | `malformed-buckets` | buckets that cannot be a summary | pass what `decodeBucketRows` returned, with the query's own granularity |
 * | `too-many-buckets` | the answer has more rows than `maxRows` | narrow the window, look for junk variants, or raise `maxRows` |
 * | `invalid-event` | a refresh event with a field that cannot be kept | mend the named field |
 * | `invalid-policy` | a refresh policy with an unknown field, or a duration that is none; another number of a refresh that is none | mend the field of the policy, or the `client`, `attempt`, `queryId` or `random`, that the message names |
 * | `malformed-state` | a stored refresh state that this library did not write | look at the named place; keep the last good copy |
 * | `unsupported-version` | a stored refresh state of a newer version of this library | upgrade this host |
 * | `not-expressible` | a state that another format has no way to say | see the message: ask with what that format knows |
 * | `invalid-statistics` | an argument of a statistical check is of the wrong type, out of order or out of bounds | mend the named argument |
 * | `shards-missing` | shards of a cluster are down, and the server is set to skip those | ask again when they are back |
 * | `malformed-summary` | what was passed as a summary is none, or was changed | pass what `summarizeExposures` returned, or its JSON parsed |
 * | `incompatible-summaries` | summaries of different granularity or time zone | merge and compare only what was asked alike |
 * | `invalid-view` | an option of a view or a label cannot be used with this summary | mend the named field |
 */
export type ExposureErrorCode =
  | 'invalid-instant'
  | 'invalid-window'
  | 'invalid-spec'
  | 'malformed-rows'
  | 'malformed-buckets'
  | 'too-many-buckets'
  | 'shards-missing'
  | 'malformed-summary'
  | 'incompatible-summaries'
  | 'invalid-event'
  | 'invalid-policy'
  | 'malformed-state'
  | 'unsupported-version'
  | 'not-expressible'
  | 'invalid-statistics'
  | 'invalid-view'

// A registered symbol, so that an error is known for what it is even when two copies of this package are loaded.
const brand: unique symbol = Symbol.for('first-exposure.ExposureError')

/**
 * The one error this library throws of its own accord.
 *
 * The `message` says what was wrong, what was received and what to do; `code` is for programs;
 * `details` holds the evidence as plain data; `cause` the error underneath, where there is one.
 * No message holds SQL, a bound parameter, a host name or a credential.
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

/** Names a received value in a message: what it is and, where that is short, what it says. */
export function received(value: unknown): string {
  if (typeof value === 'string') {
    return value.length <= 60 ? JSON.stringify(value) : `a string of ${value.length} characters`
  }
  if (value === null || ['undefined', 'number', 'boolean', 'bigint'].includes(typeof value)) {
    return String(value)
  }
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString()
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
