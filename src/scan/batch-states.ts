import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { OwnNames } from '../sql/own-names.js'
import { bound, lines, sql, where, type Sql } from '../sql/sql.js'
import { eventsIn, type ExposureScan } from './exposure-scan.js'
import { policyStates, variantRanks, type IdentityStates } from './identity-states.js'
import type { AskedExperiment } from './passes.js'

/** One row of state for each experiment and identity of a pass. */
export interface BatchStates extends Omit<IdentityStates, 'firstInstantAndRank'> {
  /** The experiment, by its place in the pass, from 1. The statement fails if the text of a feature does not tell. */
  readonly experiment: Sql
}

/**
 * The identities of several experiments of one source, as a step of a statement: each as `identityStates` has it. One
 * scan finds the names of all variants, and one the states. The ranks are those among the variants of all of them,
 * which keeps the order of the keys of each.
 *
 * @param scan - made from any of the specs, with the window that holds all windows
 * @param identity - the expression that distinguishes identities
 * @param columns - further columns of the step
 */
export function batchStates(
  experiments: readonly AskedExperiment[],
  scan: ExposureScan,
  name: Sql,
  own: OwnNames,
  identity: Sql,
  columns: readonly Sql[] = [],
): BatchStates {
  const [{ spec }] = experiments as readonly [AskedExperiment]
  const [experiment] = own('asked_experiment')
  const features = bound(
    'feature_names',
    'Array(String)',
    experiments.map(({ spec: { featureName } }) => featureName),
  )
  const { feature } = scan.columns
  // Its text, because transform() knows fewer types than a comparison does. The cast removes LowCardinality.
  const place = sql`CAST(transform(toString(${feature}), ${features}, arrayEnumerate(${features}), 0), 'UInt16')`
  const predicates = [
    ...eventsIn(scan.columns, spec),
    sql`${feature} IN ${features}`,
    ...scan.inWindow,
    scan.hasVariant,
    ...scan.filters,
  ]
  const { step, rank, keyAt } = variantRanks({ ...scan, predicates }, own)
  const { state, ...counted } = statesOf(experiments, experiment, rank, scan.exposedAt, own)
  const states = sql`
    ${name} AS (
      SELECT
        ${lines(sql`${place} AS ${experiment}`, ...state, ...columns)}
      FROM ${scan.from}
      ${where([...predicates, ...inOwnWindow(experiments, place, scan.exposedAt), scan.hasIdentity, sql`${rank} > 0`])}
      GROUP BY ${experiment}, ${identity}
    )
  `
  // Computed from the states, because a condition on them would be moved before the rows are filtered.
  const told = sql`${experiment} + throwIf(${experiment} = 0, 'first-exposure: the text of a feature is not its name')`
  return { steps: [step, states], keyAt, experiment: told, ...counted }
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
function statesOf(
  experiments: readonly AskedExperiment[],
  experiment: Sql,
  rank: Sql,
  exposedAt: Sql,
  own: OwnNames,
): ReturnType<(typeof policyStates)[MultiVariantPolicy]> {
  const policies = experiments.map(({ spec }) => spec.multiVariant)
  const [first = 'quarantine'] = policies
  if (policies.every((policy) => policy === first)) return policyStates[first](rank, exposedAt, own, false)
  const both = policyStates.quarantine(rank, exposedAt, own, true)
  const firstSeen = bound(
    'first_seen',
    'Array(UInt8)',
    policies.map((policy) => isFirstSeen[policy]),
  )
  const { countedRank } = policyStates['first-seen'](rank, exposedAt, own, true)
  return {
    ...both,
    countedRank: sql`if(${firstSeen}[${experiment}] = 1, ${countedRank}, ${both.countedRank})`,
  }
}
