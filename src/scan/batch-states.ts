import type { IdentityKey } from '../experiment/exposure-spec.js'
import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { OwnNames } from '../sql/own-names.js'
import { bound, lines, nothing, sql, where, type Sql } from '../sql/sql.js'
import { eventsIn, type ExposureScan } from './exposure-scan.js'
import { policyStates, variantRanks, type IdentityStates } from './identity-states.js'
import type { AskedExperiment } from './passes.js'

/** One row of state for each experiment and identity of a pass. */
export interface BatchStates extends Omit<IdentityStates, 'firstInstantAndRank' | 'counted'> {
  /** The place of the experiment in the pass, from 1. */
  readonly experiment: Sql
  /** What distinguishes the identity, if it was kept. */
  readonly identity: Sql
}

// A place and a rank share one 32-bit integer: the place in the upper 12 bits. All ranks of a row of state have the same
// place, so that it is read from the state itself, and costs no room.
const ranks: number = 2 ** 20

/**
 * The identities of several experiments of one source, as a step of a statement: each as `identityStates` has it. One
 * scan finds the names of all variants, and one the states. The ranks are those among the variants of all of them,
 * which keeps the order of the keys of each. Aliases are not applied: `passesOf` never puts a spec with aliases here with
 * another one.
 *
 * @param scan - made from any of the specs, with the window that holds all windows
 * @param identityGroup - the expression that distinguishes identities
 * @param keepsIdentity - whether the step has a column for the identity
 */
export function batchStates(
  experiments: readonly AskedExperiment[],
  scan: ExposureScan,
  name: Sql,
  own: OwnNames,
  identityGroup: Sql,
  keepsIdentity = false,
): BatchStates {
  const [{ spec }] = experiments as readonly [AskedExperiment]
  const [kept] = own('experiment_and_identity')
  const features = bound(
    'feature_names',
    'Array(String)',
    experiments.map(({ spec: { featureName } }) => featureName),
  )
  const { feature } = scan.columns
  // Its text, because transform() knows fewer types than a comparison does. The cast removes LowCardinality.
  const place = sql`CAST(transform(toString(${feature}), ${features}, arrayEnumerate(${features}), 0), 'UInt32')`
  const predicates = [
    ...eventsIn(scan.columns, spec),
    sql`${feature} IN ${features}`,
    ...scan.inWindow,
    scan.hasVariant,
    ...scan.filters,
  ]
  const { step, value: variantKeys, keys, rank, keyAt } = variantRanks({ ...scan, predicates }, own)
  const placeAndRank = sql`(${place} * ${ranks} + ${rank})`
  const key = groupKeys[spec.identityKey]
  const { state, bitsOfRanks, countedRank, firstSecond } = stateOf(
    experiments,
    placeAndRank,
    scan.exposedAt,
    own,
  )
  const columns = keepsIdentity ? [sql`${key.kept(identityGroup, place)} AS ${kept}`] : []
  const states = sql`
    ${name} AS (
      SELECT
        ${lines(...state.map((each) => sql`${each.state ?? nothing} AS ${each.name}`), ...columns)}
      FROM ${scan.from}
      ${where([...predicates, ...inOwnWindow(experiments, place, scan.exposedAt), scan.hasIdentity, sql`${rank} > 0`])}
      GROUP BY ${key.group(identityGroup, place)}
    )
  `
  const placeOf = sql`intDiv(${bitsOfRanks}, ${ranks})`
  // Computed from the states, because a condition on them would be moved before the rows are filtered.
  const isTold = sql`throwIf(${placeOf} = 0 OR length(${keys}) >= ${ranks}, 'first-exposure: one pass cannot tell these experiments apart')`
  return {
    steps: [step, states],
    unnamed: { steps: [states], variantKeys },
    keyAt,
    experiment: sql`${placeOf} + ${isTold}`,
    identity: key.identity(kept, placeOf),
    countedRank: sql`${countedRank} % ${ranks}`,
    firstSecond,
  }
}

interface GroupKey {
  readonly group: (identity: Sql, place: Sql) => Sql
  /** The column that is kept of it. */
  readonly kept: (identity: Sql, place: Sql) => Sql
  /** The identity in that column. */
  readonly identity: (kept: Sql, place: Sql) => Sql
}

// A hash has its experiment in its last bits, by XOR: two of them are as improbable to be equal as before, and the key
// is as short as that of one experiment.
const groupKeys: Readonly<Record<IdentityKey, GroupKey>> = {
  hash: {
    group: (identity, place) => sql`bitXor(${identity}, ${place})`,
    kept: (identity, place) => sql`bitXor(${identity}, ${place})`,
    identity: (kept, place) => sql`bitXor(${kept}, ${place})`,
  },
  exact: {
    group: (identity, place) => sql`${identity}, ${place}`,
    kept: (identity) => identity,
    identity: (kept) => kept,
  },
}

/** The condition for an exposure in the window of its own experiment. Empty if all windows are the same. */
function inOwnWindow(experiments: readonly AskedExperiment[], place: Sql, exposedAt: Sql): readonly Sql[] {
  const starts = experiments.map(({ window }) => window.startMs)
  const ends = experiments.map(({ window }) => window.asOfMs)
  if (new Set(starts).size === 1 && new Set(ends).size === 1) return []
  // Whole milliseconds decide, because the edges of windows are on them.
  const ms = sql`toUnixTimestamp64Milli(toDateTime64(${exposedAt}, 3, 'UTC'))`
  return [
    sql`${ms} >= ${bound('starts_ms', 'Array(Int64)', starts)}[${place}]`,
    sql`${ms} < ${bound('as_ofs_ms', 'Array(Int64)', ends)}[${place}]`,
  ]
}

const isFirstSeen: Readonly<Record<MultiVariantPolicy, 0 | 1>> = { quarantine: 0, 'first-seen': 1 }

/** The state of the policy. Experiments of both policies keep what either of them needs. */
function stateOf(
  experiments: readonly AskedExperiment[],
  placeAndRank: Sql,
  exposedAt: Sql,
  own: OwnNames,
): ReturnType<(typeof policyStates)[MultiVariantPolicy]> {
  const policies = experiments.map(({ spec }) => spec.multiVariant)
  const [first = 'quarantine'] = policies
  if (policies.every((policy) => policy === first)) {
    return policyStates[first](placeAndRank, exposedAt, own, false)
  }
  const both = policyStates.quarantine(placeAndRank, exposedAt, own, true)
  const firstSeen = bound(
    'first_seen',
    'Array(UInt8)',
    policies.map((policy) => isFirstSeen[policy]),
  )
  const { countedRank } = policyStates['first-seen'](placeAndRank, exposedAt, own, true)
  const isFirstSeenHere = sql`${firstSeen}[intDiv(${both.bitsOfRanks}, ${ranks})] = 1`
  return { ...both, countedRank: sql`if(${isFirstSeenHere}, ${countedRank}, ${both.countedRank})` }
}
