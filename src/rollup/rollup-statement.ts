import type { QueryParams } from '../sql/statement.js'

/** A statement and its bound parameters: what both official clients' `command` takes, and `query` with a format. */
export interface RollupStatement {
  readonly query: string
  readonly query_params: QueryParams
}
