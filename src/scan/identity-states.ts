import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { OwnNames } from '../sql/own-names.js'
import { lines, sql, where, type Sql } from '../sql/sql.js'
import type { Exposures } from './exposure-scan.js'
import { instantAndRank, isOneRank, rankBits, rankOf, secondOf } from './instants.js'

/** The keys of the variants, in byte order, as a named array, and the position of an exposure's variant in it. */
export interface VariantRanks {
  /** A part of a WITH. */
  readonly step: Sql
  /** The name of the array. */
  readonly keys: Sql
  /** The position of an exposure's variant, from 1. 0 for a variant that is not in the array. */
  readonly rank: Sql
  /** The key at a position. */
  readonly keyAt: (rank: Sql) => Sql
}

/** The ranks of the variants. A small separate scan finds them. */
export function variantRanks(
  { from, guard, predicates, variantKey }: Exposures,
  own: OwnNames,
): VariantRanks {
  // The name is long because a column of the table with the same name would be read instead.
  const [keys] = own('first_exposures_variant_keys')
  return {
    step: sql`
      if(
        ${guard},
        (
          SELECT arraySort(groupUniqArray(${variantKey}))
          FROM ${from}
          ${where(predicates)}
        ),
        []
      ) AS ${keys}
    `,
    keys,
    rank: sql`transform(${variantKey}, ${keys}, arrayEnumerate(${keys}), 0)`,
    keyAt: (rank) => sql`${keys}[${rank}]`,
  }
}

/** One row of state for each identity, and how the identity counts according to it. */
export interface IdentityStates {
  /** The parts of a WITH: the variants' keys, and the identities. */
  readonly steps: readonly Sql[]
  /** The rank of the variant that an identity counts in. 0 if it is quarantined. */
  readonly countedRank: Sql
  /** The second of its first exposure. */
  readonly firstSecond: Sql
  /** The instant of its first exposure together with the rank of that variant, if it was kept. */
  readonly firstInstantAndRank: Sql
  /** The key of a variant by its rank. */
  readonly keyAt: (rank: Sql) => Sql
}

/** What is kept of each identity in addition to what counting needs. */
export interface KeptOfIdentities {
  /** Whether the instant and the variant of its first exposure are kept. The summary needs only the second. */
  readonly first?: boolean
  /** Further columns of the step. */
  readonly columns?: readonly Sql[]
}

/**
 * The identities of some exposures under a policy, as a step of a statement. The summary counts this state, and the
 * exposed identities are its rows.
 *
 * @param name - the name of the step
 */
export function identityStates(
  exposures: Exposures,
  policy: MultiVariantPolicy,
  name: Sql,
  own: OwnNames,
  { first = false, columns = [] }: KeptOfIdentities = {},
): IdentityStates {
  const { from, predicates, identityPredicates, identityGroup, exposedAt } = exposures
  const { step, rank, keyAt } = variantRanks(exposures, own)
  const { state, bitsOfRanks: _, ...counted } = policyStates[policy](rank, exposedAt, own, first)
  const identities = sql`
    ${name} AS (
      SELECT
        ${lines(...state, ...columns)}
      FROM ${from}
      ${where([...predicates, ...identityPredicates, sql`${rank} > 0`])}
      GROUP BY ${identityGroup}
    )
  `
  return { steps: [step, identities], keyAt, ...counted }
}

/** What is kept for one identity, and how it counts. */
interface PolicyState extends Pick<IdentityStates, 'countedRank' | 'firstSecond' | 'firstInstantAndRank'> {
  /** The state that is kept for one identity. */
  readonly state: readonly Sql[]
  /** The bits of the kept ranks together. Bits that all ranks of an identity share are read from it. */
  readonly bitsOfRanks: Sql
}

// The second is enough for a bucket, because bucket edges are on whole seconds in every time zone. Which of two
// exposures of one identity came first needs the instant. So first-seen keeps nanoseconds, with the rank below them for
// ties.
export const policyStates: Readonly<
  Record<MultiVariantPolicy, (rank: Sql, exposedAt: Sql, own: OwnNames, first: boolean) => PolicyState>
> = {
  quarantine: (rank, exposedAt, own, first) => {
    const [bits, firstSecond, firstInstantAndRank] = own('rank_bits', 'first_second', 'first_nano_and_rank')
    return {
      state: [
        sql`${rankBits(rank)} AS ${bits}`,
        first
          ? sql`min(${instantAndRank(exposedAt, rank)}) AS ${firstInstantAndRank}`
          : sql`min(toUnixTimestamp(${exposedAt})) AS ${firstSecond}`,
      ],
      countedRank: sql`if(${isOneRank(bits)}, toUInt32(${bits}), 0)`,
      bitsOfRanks: sql`toUInt32(${bits})`,
      firstSecond: first ? secondOf(firstInstantAndRank) : firstSecond,
      firstInstantAndRank,
    }
  },
  'first-seen': (rank, exposedAt, own) => {
    const [firstInstantAndRank] = own('first_nano_and_rank')
    return {
      state: [sql`min(${instantAndRank(exposedAt, rank)}) AS ${firstInstantAndRank}`],
      countedRank: rankOf(firstInstantAndRank),
      bitsOfRanks: rankOf(firstInstantAndRank),
      firstSecond: secondOf(firstInstantAndRank),
      firstInstantAndRank,
    }
  },
}
