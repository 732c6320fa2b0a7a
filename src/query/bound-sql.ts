import { boundType, type BoundValue, type TrustedSql } from '../spec/trusted-sql.js'

/** What a statement's parameters are bound to, by name. */
export type QueryParams = Readonly<Record<string, BoundValue>>

/** A piece of SQL, and what the parameters in it are bound to. */
export interface BoundSql {
  readonly sql: string
  readonly query_params: QueryParams
}

/** A trusted fragment in parentheses, its values bound under names that start with `prefix`. */
export function boundSql({ sql, values }: TrustedSql, prefix: string): BoundSql {
  const query_params: Record<string, BoundValue> = {}
  const text = sql.map((piece, index) => {
    const value = values[index]
    if (value === undefined) return piece
    const name = `${prefix}_value_${index + 1}`
    query_params[name] = value
    return `${piece}{${name}:${boundType(value)}}`
  })
  return { sql: `(${text.join('').trim()})`, query_params }
}
