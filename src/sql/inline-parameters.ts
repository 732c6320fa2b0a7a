import { invalidSpec } from '../errors.js'
import { skippedSql } from './skipped-sql.js'
import type { QueryParams } from './statement.js'
import type { BoundValue } from './trusted-sql.js'

/**
 * What does a statement look like with its values in it? Returns the text with each parameter replaced by a literal.
 * Use it for a review, for `EXPLAIN`, for a migration, and for clients that cannot bind parameters.
 *
 * The text gives exactly the same answer as the bound statement, for any strings. This is the only place that escapes
 * values. Prefer the bound statement if the client can bind.
 *
 * @param statement - the return value of any function of this library that has `query` and `query_params`
 * @returns the text, without parameters
 * @throws {@link ExposureError} `invalid-spec` for a parameter without a value, such as the day of a rollup's backfill
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, firstExposuresQuery, inlineParameters } from 'first-exposure'
 *
 * const text = inlineParameters(
 *   firstExposuresQuery(
 *     exposureSpec({ environmentKey: "o'prod", featureName: 'checkout' }),
 *     exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   ),
 * )
 * text.includes("`environment_key` = 'o\\'prod'") // => true
 * text.includes('{') // => false
 * ```
 */
export function inlineParameters(statement: {
  readonly query: string
  readonly query_params: QueryParams
}): string {
  const { query, query_params } = statement
  // Braces in quoted text and in comments are not parameters.
  const tokens = new RegExp(`${skippedSql.source}|\\{(?<name>\\w+):(?<type>[^{}]+)\\}`, 'g')
  return query.replaceAll(tokens, (token: string, ...match: readonly unknown[]) => {
    const { name, type } = match.at(-1) as Readonly<Partial<Record<'name' | 'type', string>>>
    if (name === undefined || type === undefined) return token
    const value = Object.hasOwn(query_params, name) ? query_params[name] : undefined
    if (value === undefined) throw invalidSpec(`query_params.${name}`, value, 'Bind a value to it first.')
    return literal(value, type)
  })
}

/** A value as a literal of its type. A plain number would get the smallest type that holds it. */
function literal(value: BoundValue, type: string): string {
  if (typeof value === 'string') {
    const text = quotedText(value)
    return type === 'String' ? text : `CAST(${text}, '${type}')`
  }
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return type === 'UInt64' ? String(value) : `CAST(${value}, '${type}')`
  const list = value.map((each: string | number) => (typeof each === 'string' ? quotedText(each) : each))
  return type === 'Array(String)' ? `[${list.join(', ')}]` : `CAST([${list.join(', ')}], '${type}')`
}

function quotedText(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`
}
