import { aList, anObject, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { identifier } from './identifiers.js'
import { skippedSql } from './skipped-sql.js'
import { rendered, type QueryParams } from './statement.js'
import type { BoundValue } from './trusted-sql.js'

/** Which parameters of a statement stay parameters. */
export interface InlineParametersOptions {
  /**
   * Names of parameters that stay in the text as `{name:Type}`, such as `start_ms` and `as_of_ms` for a view with
   * parameters. Default: no parameter stays.
   */
  readonly except?: readonly string[]
}

/**
 * What does a statement look like with its values in it? Returns the text with each parameter replaced by a literal.
 * Use it for a review, for `EXPLAIN`, for a view, for a migration, and for clients that cannot bind parameters.
 *
 * The text gives exactly the same answer as the bound statement, for any strings. This is the only place that escapes
 * values. What only looks like a parameter, in quoted text or a comment, is left unchanged. Prefer the bound statement
 * if the client can bind: a server refuses a text that is longer than its `max_query_size` (256 KiB by default), but
 * not longer values.
 *
 * @param statement - the return value of any function of this library that has `query` and `query_params`, or a
 *   statement of your own around it, with the values of all its parameters
 * @param options.except - the names of parameters that stay; default: no parameter stays.
 * @returns the text; without parameters, except those that stay
 * @throws {@link ExposureError} `invalid-spec` for a parameter without a value, such as the day of a rollup's backfill,
 *   and for a name in `except` that is not a parameter of the statement
 *
 * @example
 * ```ts
 * import { exposedIdentitiesQuery, exposureSpec, exposureWindow, inlineParameters } from 'first-exposure'
 *
 * const exposed = exposedIdentitiesQuery(
 *   exposureSpec({ environmentKey: "o'prod", featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * const text = inlineParameters(exposed)
 * text.includes("`environment_key` = 'o\\'prod'") // => true
 * text.includes('{') // => false
 *
 * // A view with parameters: SELECT * FROM exposed_identities(start_ms = …, as_of_ms = …)
 * const view = `CREATE VIEW exposed_identities AS ${inlineParameters(exposed, { except: ['start_ms', 'as_of_ms'] })}`
 * view.includes('{start_ms:Int64}') // => true
 * ```
 */
export function inlineParameters(
  statement: {
    readonly query: string
    readonly query_params: QueryParams
  },
  options: InlineParametersOptions = {},
): string {
  const { query, query_params } = anObject(statement, 'statement', invalidSpec) as typeof statement
  const { except = [] } = withFields(options, ['except'], 'options', invalidSpec)
  const staying = new Set(aList(except, 'options.except', invalidSpec))
  const found = new Set<unknown>()
  // Braces in quoted text and in comments are not parameters.
  const tokens = new RegExp(
    `${skippedSql.source}|\\{\\s*(?<name>[A-Za-z_][\\w$]*)\\s*:\\s*(?<type>[^{}]+?)\\s*\\}`,
    'g',
  )
  const inlined = query.replaceAll(tokens, (token, ...groups: unknown[]) => {
    const { name, type } = groups.at(-1) as { readonly name?: string; readonly type?: string }
    if (name === undefined || type === undefined) return token
    found.add(name)
    if (staying.has(name)) return token
    const value = Object.hasOwn(query_params ?? {}, name) ? query_params[name] : undefined
    // The text of anything else, as of a list in a list, would not be escaped.
    if (![value].flat().every((each) => /^(string|number|bigint|boolean)$/.test(typeof each)))
      throw invalidSpec(`query_params.${name}`, value, 'Bind a text, a number, a boolean or a list to it.')
    return literal(value as BoundValue, type)
  })
  for (const name of staying) {
    if (!found.has(name))
      throw invalidSpec('options.except', name, 'Pass names of parameters of the statement.')
  }
  return inlined
}

/** A value as a literal of its type. A plain number would get the smallest type that holds it. */
function literal(value: BoundValue, type: string): string {
  if (typeof value === 'string') {
    if (type === 'Identifier') return rendered(identifier(value)).query
    const text = quotedText(value)
    return type === 'String' ? text : `CAST(${text}, ${quotedText(type)})`
  }
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'object') return `CAST(${value}, ${quotedText(type)})`
  const list = value.map((each: string | number) => (typeof each === 'string' ? quotedText(each) : each))
  return type === 'Array(String)' ? `[${list.join(', ')}]` : `CAST([${list.join(', ')}], ${quotedText(type)})`
}

function quotedText(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`
}
