import { aList, aName, anObject } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { withParameters } from './on-day.js'
import type { RollupSchema } from './rollup-schema.js'
import type { RollupStatement } from './rollup-statement.js'

/**
 * The statements that erase identities: from the table of the events, then from the rollup.
 *
 * Run both, in this order. If an identity were erased only from the rollup, the next backfill of its days would bring it
 * back. If it were erased only from the events, the rollup would go on counting it; `rollupAudit` shows this as a
 * surplus. They delete every row of these identities, of every event, environment and experiment. They wait until the
 * parts are rewritten on all replicas, so that nothing of the identity is left in active parts. The user needs
 * `ALTER DELETE` on both tables. An event that arrives afterwards is counted again.
 *
 * On a cluster of several shards, run each on one server of every shard, unless the schema names a cluster: the
 * statements then run on all of its servers.
 *
 * @param schema - made by `rollupSchema`
 * @param identities - their identifiers, one or more; as ClickHouse prints them if the column is no text, except that a
 *   UUID may have capital letters
 * @returns frozen statements, to pass to `client.command` one after another
 * @throws {@link ExposureError} `invalid-spec` if there is no identifier, or one is empty or not well-formed text
 *
 * @example
 * ```ts
 * import { flagsmithEvents } from 'first-exposure'
 * import { rollupErasure, rollupSchema } from 'first-exposure/rollup'
 *
 * const schema = rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_identity' })
 * const statements = rollupErasure(schema, ['user-17'])
 * statements.map(({ query }) => query.split('\n')[0])
 * // => ['ALTER TABLE `events`', 'ALTER TABLE `exposures_by_identity`']
 * statements[1]?.query_params // => { identities: ['user-17'] }
 * ```
 */
export function rollupErasure(
  schema: RollupSchema,
  identities: readonly string[],
): readonly RollupStatement[] {
  anObject(schema, 'schema', invalidSpec)
  const erased = aList(identities, 'identities', invalidSpec).flatMap((identity, index) => {
    const named = aName(identity, `identities[${index}]`, invalidSpec)
    // A column of UUIDs prints small letters: nothing would be erased, without an error.
    const printed = uuid.test(named) ? named.toLowerCase() : named
    return printed === named ? [named] : [named, printed]
  })
  if (erased.length === 0) throw invalidSpec('identities', identities, 'Pass one identifier or more.')
  const further = { identities: Object.freeze(erased) }
  return Object.freeze(schema.erase.map((statement) => withParameters(statement, further)))
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
