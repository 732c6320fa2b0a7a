import type { QueryParams } from '../sql/statement.js'

/**
 * A statement and its bound parameters: the input of `command`, and with a format of `query`, in both official clients.
 */
export interface RollupStatement {
  readonly query: string
  readonly query_params: QueryParams
}
