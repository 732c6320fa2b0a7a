import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { OwnNames } from '../sql/own-names.js'
import { joined, lines, nothing, sql, where, type Sql } from '../sql/sql.js'
import type { AliasMap } from './alias-map.js'
import type { Exposures } from './exposure-scan.js'
import { instantAndRank, isOneRank, rankBits, rankOf, secondOf } from './instants.js'

/** The keys of the variants, in byte order, as a named array, and the position of an exposure's variant in it. */
export interface VariantRanks {
  /** A part of a WITH. */
  readonly step: Sql
  /** The array, which the step names. */
  readonly value: Sql
  /** The name of the array. */
  readonly keys: Sql
  /** The position of an exposure's variant, from 1. 0 for a variant that is not in the array. */
  readonly rank: Sql
  /** The key at a position. */
  readonly keyAt: (rank: Sql) => Sql
}

/** The name of the array. It is long because a column of the table with the same name would be read instead. */
export const variantKeysName = 'first_exposures_variant_keys'

/** The ranks of the variants. A small separate scan finds them. */
export function variantRanks(
  { from, guard, predicates, variantKey, variantKeys }: Exposures,
  own: OwnNames,
): VariantRanks {
  const [keys] = own(variantKeysName)
  const scanned = sql`
    (
      SELECT arraySort(groupUniqArray(${variantKey}))
      FROM ${from}
      ${where(predicates)}
    )
  `
  const value = sql`
    if(
      ${guard},
      ${variantKeys ?? scanned},
      []
    )
  `
  return {
    step: sql`${value} AS ${keys}`,
    value,
    keys,
    rank: sql`transform(${variantKey}, ${keys}, arrayEnumerate(${keys}), 0)`,
    keyAt: (rank) => sql`${keys}[${rank}]`,
  }
}

/** What is kept of each identity. */
export interface KeptState {
  /** Its column name. */
  readonly name: Sql
  /** The state over exposures: an aggregate function. `null` if it is about the aliases of the identifiers alone. */
  readonly state: Sql | null
  /** The same state, from the states of the identifiers that resolve to one identity. */
  readonly merged: (each: Sql) => Sql
}

/** How two states of one identity become one. */
export const merges: Readonly<Record<'minimum' | 'sum' | 'bits', KeptState['merged']>> =
  /* @__PURE__ */ Object.freeze({
    minimum: (each: Sql) => sql`min(${each})`,
    sum: (each: Sql) => sql`sum(${each})`,
    bits: (each: Sql) => sql`groupBitOr(${each})`,
  })

/** What distinguishes identities. With aliases, it is what their identifiers resolve to. */
export function keptIdentity(
  { identityGroup, aliases }: Pick<Exposures, 'identityGroup' | 'aliases'>,
  name: Sql,
  resolved: NonNullable<StateGroups['resolved']> = resolvedAsHeld,
): KeptState {
  return {
    name,
    state: identityGroup,
    merged: (identifier) => (aliases === null ? identifier : resolved(identifier, aliases)),
  }
}

const resolvedAsHeld = (identifier: Sql, aliases: AliasMap): Sql => aliases.resolved(identifier)

/** How the states are grouped, if not only by what distinguishes identities. */
export interface StateGroups {
  /** What separates several rows of states of one identity: its value for an exposure, and how a kept state has it. */
  readonly within?: { readonly of: Sql; readonly kept: KeptState; readonly inKept: (each: Sql) => Sql }
  /** What an identifier resolves to; default: in the form in which the map of the aliases holds it. */
  readonly resolved?: (identifier: Sql, aliases: AliasMap) => Sql
  /** What exposures are grouped by instead of by identity. Not for exposures with aliases. */
  readonly groups?: readonly Sql[]
}

/**
 * A SELECT with one row of states for each identity. With aliases, it groups the exposures by identifier, as it does
 * without, then joins the aliases to the identifiers' states and merges the states of each identity.
 */
export function selectStates(
  exposures: Exposures,
  kept: readonly KeptState[],
  predicates: readonly Sql[],
  own: OwnNames,
  { within, resolved = resolvedAsHeld, groups: by }: StateGroups = {},
): Sql {
  const { from, identityPredicates, identityGroup, aliases } = exposures
  const select = (states: readonly Sql[]): Sql => sql`
    SELECT
      ${lines(...states)}
    FROM ${from}
    ${where([...exposures.predicates, ...identityPredicates, ...predicates])}
    GROUP BY ${joined([...(by ?? [identityGroup]), ...(within === undefined ? [] : [within.of])], ', ')}
  `
  if (aliases === null) return select(kept.map(({ name, state }) => sql`${state ?? nothing} AS ${name}`))
  const [identifier] = own('identifier')
  const ofIdentifiers = kept.map(({ state }, index) =>
    state === identityGroup ? identifier : own(`identifier_state_${index + 1}`)[0],
  )
  const states = kept.flatMap(({ state }, index) => {
    const name = ofIdentifiers[index]
    return state === null || name === undefined || name === identifier ? [] : [sql`${state} AS ${name}`]
  })
  const merged = kept.map(
    ({ name, merged }, index) => sql`${merged(ofIdentifiers[index] ?? name)} AS ${name}`,
  )
  const separated = kept.flatMap((each, index) =>
    each === within?.kept ? [within.inKept(ofIdentifiers[index] ?? each.name)] : [],
  )
  const groups = [resolved(identifier, aliases), ...separated]
  return sql`
    SELECT
      ${lines(...merged)}
    FROM ${aliases.joinedTo(select([sql`${identityGroup} AS ${identifier}`, ...states]), identifier)}
    GROUP BY ${joined(groups, ', ')}
  `
}

/** One row of state for each identity, and how the identity counts according to it. */
export interface IdentityStates {
  /** The parts of a WITH: the variants' keys, and the identities. */
  readonly steps: readonly Sql[]
  /** The same parts without the first, for a statement that names the variants' keys itself, and their value. */
  readonly unnamed: { readonly steps: readonly Sql[]; readonly variantKeys: Sql }
  /** The rank of the variant that an identity counts in. 0 if it is quarantined. */
  readonly countedRank: Sql
  /** The second of its first exposure. */
  readonly firstSecond: Sql
  /** The instant of its first exposure together with the rank of that variant, if it was kept. */
  readonly firstInstantAndRank: Sql
  /** The key of a variant by its rank. */
  readonly keyAt: (rank: Sql) => Sql
  /** The number of identities that rows of the step stand for together. */
  readonly counted: Sql
}

/** What is kept of each identity in addition to what counting needs. */
export interface KeptOfIdentities {
  /** Whether the instant and the variant of its first exposure are kept. The summary needs only the second. */
  readonly first?: boolean
  /** The name under which to keep the identity itself, in the type of its column. */
  readonly identity?: Sql
  /** The name under which to keep whether one of its identifiers alone was exposed to more than one variant. */
  readonly crossedAlone?: Sql
  /** Further columns of the step. */
  readonly columns?: readonly KeptState[]
  /** The bucket of an instant, for a statement that only counts: identities that stand alone share a row by bucket. */
  readonly bucketOf?: (dateTime: Sql) => Sql
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
  { first = false, identity, crossedAlone, columns = [], bucketOf }: KeptOfIdentities = {},
): IdentityStates {
  const { exposedAt, alone } = exposures
  const { step, value: variantKeys, rank, keyAt } = variantRanks(exposures, own)
  const { state, bitsOfRanks: _, ...counts } = policyStates[policy](rank, exposedAt, own, first)
  const resolved =
    identity === undefined ? resolvedAsHeld : (each: Sql, map: AliasMap): Sql => map.resolvedTyped(each)
  const itself: readonly KeptState[] =
    identity === undefined ? [] : [keptIdentity(exposures, identity, resolved)]
  const crossed: readonly KeptState[] =
    crossedAlone === undefined
      ? []
      : [
          {
            name: crossedAlone,
            state: sql`NOT (${isOneRank(rankBits(rank))})`,
            merged: (each) => sql`max(${each})`,
          },
        ]
  const [together] = own('identities_together')
  const isShared = alone !== undefined && bucketOf !== undefined
  const counting: readonly KeptState[] = isShared
    ? [{ name: together, state: sql`if(max(${alone.is}), count(), 1)`, merged: merges.sum }]
    : []
  // Exposures that stand alone and have one variant and one bucket count alike, so they share one row.
  const groups = isShared
    ? {
        groups: alone.groups(
          sql`toUInt64(${rank}) * 4294967296 + toUnixTimestamp(${bucketOf(sql`toDateTime(${exposedAt}, 'UTC')`)})`,
        ),
      }
    : {}
  const identities = sql`
    ${name} AS (
      ${selectStates(
        exposures,
        [...state, ...counting, ...itself, ...crossed, ...columns],
        [sql`${rank} > 0`],
        own,
        { resolved, ...groups },
      )}
    )
  `
  const steps = [...aliasSteps(exposures), identities]
  return {
    steps: [step, ...steps],
    unnamed: { steps, variantKeys },
    keyAt,
    counted: isShared ? sql`sum(${together})` : sql`count()`,
    ...counts,
  }
}

/** The part of a WITH that states of identities need, if there are aliases. */
export function aliasSteps({ aliases }: Pick<Exposures, 'aliases'>): readonly Sql[] {
  return aliases === null ? [] : [aliases.step]
}

/** What is kept for one identity, and how it counts. */
interface PolicyState extends Pick<IdentityStates, 'countedRank' | 'firstSecond' | 'firstInstantAndRank'> {
  /** The state that is kept for one identity. */
  readonly state: readonly KeptState[]
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
        { name: bits, state: rankBits(rank), merged: merges.bits },
        first
          ? firstOf(rank, exposedAt, firstInstantAndRank)
          : { name: firstSecond, state: sql`min(toUnixTimestamp(${exposedAt}))`, merged: merges.minimum },
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
      state: [firstOf(rank, exposedAt, firstInstantAndRank)],
      countedRank: rankOf(firstInstantAndRank),
      bitsOfRanks: rankOf(firstInstantAndRank),
      firstSecond: secondOf(firstInstantAndRank),
      firstInstantAndRank,
    }
  },
}

function firstOf(rank: Sql, exposedAt: Sql, name: Sql): KeptState {
  return { name, state: sql`min(${instantAndRank(exposedAt, rank)})`, merged: merges.minimum }
}
