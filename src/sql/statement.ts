import type { Sql } from './sql.js'
import type { BoundValue } from './trusted-sql.js'

/** The values of a statement's parameters, by name. */
export type QueryParams = Readonly<Record<string, BoundValue>>

/** A statement, its bound parameters and the format to request: what `query` of both official clients accepts. */
export interface ExposuresQuery {
  readonly query: string
  readonly query_params: QueryParams
  readonly format: 'JSONEachRow'
}

/** The text of a fragment and the values of its parameters, under names that start with `prefix`. */
export function rendered({ parts }: Sql, prefix = ''): Pick<ExposuresQuery, 'query' | 'query_params'> {
  const params = new Map<string, BoundValue>()
  const query = parts.map((part) => {
    if (typeof part === 'string') return part
    if ('verbatim' in part) return part.verbatim
    params.set(`${prefix}${part.name}`, part.value)
    return `{${prefix}${part.name}:${part.type}}`
  })
  return {
    query: query.join(''),
    query_params: Object.freeze(Object.fromEntries(params)),
  }
}

/** The fragment as a statement. */
export function statement(fragment: Sql, prefix = ''): ExposuresQuery {
  return Object.freeze({
    ...rendered(fragment, prefix),
    format: 'JSONEachRow',
  })
}
