import { ExposureError, received } from '../errors.js'
import { isUtcDay } from './is-utc-day.js'
import type { RollupStatement } from './rollup-statement.js'

/** Binds a statement of one day to that UTC day. Throws `invalid-instant` if a window cannot contain that day. */
export function onDay(statement: RollupStatement, day: unknown): RollupStatement {
  if (!isUtcDay(day)) {
    throw new ExposureError(
      'invalid-instant',
      `day is not a UTC day from 1970-01-02 to 2105-12-31: received ${received(day)}. Pass YYYY-MM-DD.`,
      { path: 'day', received: received(day) },
    )
  }
  return withParameters(statement, { day })
}

/** Binds further parameters of a statement. */
export function withParameters(
  { query, query_params }: RollupStatement,
  further: RollupStatement['query_params'],
): RollupStatement {
  return Object.freeze({ query, query_params: Object.freeze({ ...query_params, ...further }) })
}
