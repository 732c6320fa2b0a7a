import { invalidSpec } from '../errors.js'

/** A value that can be bound in a fragment of SQL: text, a number, a boolean, or a list of texts or of numbers. */
export type BoundValue = string | number | boolean | readonly string[] | readonly number[]

// A registered symbol, which JSON cannot carry. So data from a network is never taken for trusted SQL, while fragments
// made by another copy of this package are accepted.
const brand: unique symbol = Symbol.for('first-exposure.TrustedSql')

/** A fragment of SQL that the caller trusts, and the values bound in it. Made by {@link trustedSql}. */
export interface TrustedSql {
  readonly [brand]: true
  /** The pieces of text around the values: one more than there are values. */
  readonly sql: readonly string[]
  readonly values: readonly BoundValue[]
}

/**
 * Which SQL does the caller guarantee to be safe, and what is only a value in it? Tags a template as SQL. Its text
 * becomes part of the statement unchanged. Each `${value}` becomes a bound parameter, never text.
 *
 * An expression can be used as a column of a source, a condition as a filter, and a SELECT as the table of a source. Write the text in the code, and let
 * only values come from elsewhere. A spec that was read from JSON cannot hold such a fragment.
 *
 * @param sql - the text: an expression or a condition, without a comment that would swallow what follows, or a SELECT
 * @param values - strings of well-formed Unicode (bound as `String`), whole numbers (`Int64`) and others (`Float64`),
 *   booleans (`Bool`), or arrays of strings or of numbers
 * @returns a frozen fragment
 * @throws {@link ExposureError} `invalid-spec` if it is not used as a tag, its text is empty, or a value is of another
 *   kind, not finite, a whole number beyond 2^53, which has lost digits, or an empty array
 *
 * @example
 * ```ts
 * import { exposureSpec, trustedSql } from 'first-exposure'
 *
 * const property = '$feature_flag_response'
 * const spec = exposureSpec({
 *   featureName: 'checkout',
 *   source: {
 *     table: 'captured',
 *     columns: { environment: null, event: null, variant: trustedSql`JSONExtractString(properties, ${property})` },
 *   },
 *   filters: [trustedSql`is_bot = 0 OR sdk IN ${['web', 'ios']}`],
 * })
 * spec.filters.length // => 1
 * ```
 */
export function trustedSql(sql: TemplateStringsArray, ...values: readonly BoundValue[]): TrustedSql {
  if (!Array.isArray(sql) || !Array.isArray(sql.raw)) {
    // The message names only the kind of value: the text that was passed may be SQL.
    throw invalidSpec('trustedSql', Object(sql), 'Use it as a tag: trustedSql`lower(country) = ${country}`.')
  }
  // The text as written in SQL: \\ in the template is one backslash of SQL.
  const pieces = sql.map((piece: string | undefined) => {
    if (piece === undefined)
      throw invalidSpec('trustedSql', piece, 'The template has an escape that JavaScript does not know.')
    return piece
  })
  if (pieces.join('').trim() === '' && values.length === 0) {
    throw invalidSpec('trustedSql', '', 'Write an expression or a condition.')
  }
  for (const value of values) boundType(value)
  const fragment: TrustedSql = {
    [brand]: true,
    sql: Object.freeze(pieces),
    values: Object.freeze(
      values.map((value) => (isList(value) ? (Object.freeze([...value]) as typeof value) : value)),
    ),
  }
  return Object.freeze(fragment)
}

/** Whether the value was made by {@link trustedSql}, of this copy of the package or another. */
export function isTrustedSql(value: unknown): value is TrustedSql {
  return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true
}

/** The ClickHouse type that a value is bound as. Throws `invalid-spec` for a value that cannot be bound. */
export function boundType(value: BoundValue, field = 'trustedSql'): string {
  if (isList(value)) {
    const types = new Set(value.map((each: string | number) => scalarType(each, field)))
    if (types.size === 2 && types.has('Int64') && types.has('Float64')) return 'Array(Float64)'
    const [type] = types
    if (types.size !== 1 || type === undefined || type === 'Bool') {
      throw invalidSpec(field, value, 'Pass an array of strings or of numbers that is not empty.')
    }
    return `Array(${type})`
  }
  return scalarType(value, field)
}

function scalarType(value: unknown, field: string): 'String' | 'Int64' | 'Float64' | 'Bool' {
  if (typeof value === 'boolean') return 'Bool'
  if (typeof value === 'string' && value.isWellFormed()) return 'String'
  if (Number.isSafeInteger(value)) return 'Int64'
  // A whole number beyond 2^53 has lost digits: as an identifier, it would be another one.
  if (Number.isFinite(value) && !Number.isInteger(value)) return 'Float64'
  throw invalidSpec(
    field,
    value,
    'Pass well-formed text, a finite number (beyond 2^53 as text), true or false, or an array of texts or numbers.',
  )
}

function isList(value: BoundValue): value is readonly string[] | readonly number[] {
  return Array.isArray(value)
}
