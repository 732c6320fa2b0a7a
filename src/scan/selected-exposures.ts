import { sql, type Sql } from '../sql/sql.js'
import type { Exposures, ExposureScan } from './exposure-scan.js'
import { isInPartition, partitionHash, type IdentityPartition } from './identity-partition.js'
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
  const exposures: Omit<SelectedExposures, 'from'> = rolledUp ?? scan
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
    identityPredicates: [
      ...exposures.identityPredicates,
      ...(partition === undefined ? [] : [isOfPartition(exposures, partition)]),
    ],
  }
}

/** Whether an exposure's identity is in the partition: that of the identifier that it resolves to. */
function isOfPartition(
  { identity, identityGroup, aliases }: Omit<SelectedExposures, 'from'>,
  partition: IdentityPartition,
): Sql {
  const own = isInPartition(partition, partitionHash(identity))
  if (aliases === null) return own
  const key = aliases.keyOf(identityGroup)
  const { applied } = aliases
  return sql`(${key} GLOBAL IN (${aliases.where([applied, isInPartition(partition, aliases.partition)])}) OR (${own} AND ${key} GLOBAL NOT IN (${aliases.where([applied])})))`
}
