import type { ExposureFilter } from '../spec/exposure-filter.js'
import { boundType, isTrustedSql, type BoundValue } from '../spec/trusted-sql.js'
import { boundSql, type QueryParams } from './bound-sql.js'
import { quoteIdentifier } from './quote-identifier.js'

const operators = { equals: '=', in: 'IN', atLeast: '>=', below: '<', like: 'LIKE' } as const

/** What each filter asks of a row, on its bare column, and what the parameters are bound to. */
export function filterPredicates(filters: readonly ExposureFilter[]): {
  readonly predicates: readonly string[]
  readonly query_params: QueryParams
} {
  const query_params: Record<string, BoundValue> = {}
  const predicates = filters.flatMap((filter, index) => {
    const prefix = `filter_${index + 1}`
    if (isTrustedSql(filter)) {
      const bound = boundSql(filter, prefix)
      Object.assign(query_params, bound.query_params)
      return [bound.sql]
    }
    const { column, ...comparisons } = filter
    return Object.entries(comparisons as Record<string, BoundValue>).map(([comparison, value]) => {
      const name = `${prefix}_${comparison.toLowerCase()}`
      query_params[name] = value
      const operator = operators[comparison as keyof typeof operators]
      return `${quoteIdentifier(column)} ${operator} {${name}:${boundType(value)}}`
    })
  })
  return { predicates, query_params }
}
