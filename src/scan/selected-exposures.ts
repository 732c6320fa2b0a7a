import { sql, type Sql } from '../sql/sql.js'
import type { Exposures, ExposureScan } from './exposure-scan.js'
import { inPartition, type IdentityPartition } from './identity-partition.js'
import type { RolledUpExposures } from './rolled-up-exposures.js'

/** Exposures of a table, and the identity as it is distinguished. */
export interface SelectedExposures extends Exposures {
  readonly identity: Sql
}

/**
 * The exposures that a statement counts: those of the rollup if it is used, otherwise those of the events, and only
 * the identities of the partition. The rollup's SELECT stands in parentheses after FROM, because the names of a
 * statement's steps are not known inside a view.
 *
 * @param events - the events as written after FROM
 */
export function selectedExposures(
  scan: ExposureScan,
  events: Sql,
  rolledUp: RolledUpExposures | null,
  partition: IdentityPartition | undefined,
): SelectedExposures {
  const exposures = rolledUp ?? scan
  return {
    ...exposures,
    from:
      rolledUp === null
        ? events
        : sql`
            (
              ${rolledUp.select}
            )
          `,
    identityPredicates: [...exposures.identityPredicates, ...inPartition(partition, exposures.identity)],
  }
}
