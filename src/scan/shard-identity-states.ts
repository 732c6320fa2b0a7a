import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { OwnNames } from '../sql/own-names.js'
import { nothing, sql, type Sql } from '../sql/sql.js'
import type { Exposures } from './exposure-scan.js'
import { secondOfSortable, sortableInstant } from './instants.js'
import { variantHash } from './variant-hashes.js'

/** What is kept of one identity on a shard that has all its exposures, and how it counts according to it. */
export interface ShardIdentityStates {
  /** The states, as columns. */
  readonly state: readonly Sql[]
  /** Whether the identity is quarantined, as 0 or 1. */
  readonly quarantined: Sql
  /** The 64-bit hash of the variant of an identity that is not quarantined. No SQL if no hashes are kept. */
  readonly countedHash: Sql
  /** The second of its first exposure. */
  readonly firstSecond: Sql
  /** The instant of its first exposure with the key of that variant after it, if it was kept. */
  readonly firstInstantAndKey: Sql
}

/**
 * The state of an identity where the shards reduce their identities themselves. They have no ranks, so the variants of
 * an identity are distinguished by their hash. Where the first variant must be known, its key follows the instant,
 * written as 8 bytes that sort as text. The summary counts this state, and the exposed identities are its rows.
 *
 * @param first - whether the instant and the variant of the first exposure are kept, instead of its second
 */
export function shardIdentityStates(
  exposures: Exposures,
  policy: MultiVariantPolicy,
  own: OwnNames,
  first = false,
): ShardIdentityStates {
  const [hashesAnd, hashesOr, firstSecond, firstInstantAndKey] = own(
    'hashes_and',
    'hashes_or',
    'first_second',
    'first_nano_and_key',
  )
  const { exposedAt, variantKey } = exposures
  const hash = variantHash(exposures)
  const firstWithKey = {
    state: [
      sql`min(concat(${sortableInstant(exposedAt)}, assumeNotNull(${variantKey}))) AS ${firstInstantAndKey}`,
    ],
    firstSecond: secondOfSortable(firstInstantAndKey),
    firstInstantAndKey,
  }
  const firstAlone = {
    state: [sql`min(toUnixTimestamp(${exposedAt})) AS ${firstSecond}`],
    firstSecond,
    firstInstantAndKey: nothing,
  }
  const ofPolicy: Readonly<Record<MultiVariantPolicy, () => ShardIdentityStates>> = {
    quarantine: () => {
      const { state, ...known } = first ? firstWithKey : firstAlone
      const hashes = [sql`groupBitAnd(${hash}) AS ${hashesAnd}`, sql`groupBitOr(${hash}) AS ${hashesOr}`]
      return {
        ...known,
        state: [...hashes, ...state],
        quarantined: sql`toUInt8(${hashesAnd} != ${hashesOr})`,
        countedHash: hashesOr,
      }
    },
    'first-seen': () => ({ ...firstWithKey, quarantined: sql`toUInt8(0)`, countedHash: nothing }),
  }
  return ofPolicy[policy]()
}
