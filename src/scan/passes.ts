import type { ExposureSpec } from '../experiment/exposure-spec.js'
import type { ExposureWindow } from '../time/exposure-window.js'

/** An experiment, and the window in which it is asked about. */
export interface AskedExperiment {
  readonly spec: ExposureSpec
  readonly window: ExposureWindow
}

/**
 * Groups experiments that one pass over their table can answer, in the order of the first of each group. Experiments
 * share a pass if nothing keeps them apart, and if no two of them ask about the same feature: an event of the table then
 * belongs to at most one of them.
 */
export function passesOf<Asked extends AskedExperiment>(
  experiments: readonly Asked[],
): readonly (readonly Asked[])[] {
  const passes: { readonly features: Set<string>; readonly asked: Asked[] }[] = []
  const ofKey = new Map<string, (typeof passes)[number][]>()
  for (const asked of experiments) {
    const { featureName } = asked.spec
    const key = passKey(asked.spec)
    const open = ofKey.get(key) ?? []
    const pass = readsAlone(asked.spec) ? undefined : open.find(({ features }) => !features.has(featureName))
    if (pass !== undefined) {
      pass.features.add(featureName)
      pass.asked.push(asked)
      continue
    }
    const fresh = { features: new Set([featureName]), asked: [asked] }
    passes.push(fresh)
    ofKey.set(key, [...open, fresh])
  }
  return passes.map(({ asked }) => asked)
}

/** What must be the same for experiments that share a pass, as text. */
function passKey(spec: ExposureSpec): string {
  return JSON.stringify(sharedFields.map((field) => spec[field]))
}

const sharedFields = ['environmentKey', 'eventName', 'filters', 'identityKey', 'aliases', 'source'] as const

/**
 * A rollup is read by the days of one window, and shards that count by themselves are asked about one experiment: a
 * pass of their events would lose what they are for. Aliases join the states of one experiment.
 */
function readsAlone({ source: { rollup, shardedByIdentity }, aliases }: ExposureSpec): boolean {
  return rollup !== undefined || shardedByIdentity || aliases !== null
}

/** Why two experiments cannot share a pass, as the end of a sentence; undefined if they can. */
export function whyApart(one: AskedExperiment, other: AskedExperiment): string | undefined {
  const [spec, known] = [one.spec, other.spec]
  if (spec.source.rollup !== undefined) return 'its source has a rollup'
  if (spec.source.shardedByIdentity) return 'its source is shardedByIdentity'
  if (spec.aliases !== null) return 'it has aliases'
  const differs = sharedFields.find((field) => JSON.stringify(spec[field]) !== JSON.stringify(known[field]))
  if (differs !== undefined) return `they differ in their ${differs}`
  return spec.featureName === known.featureName ? 'it asks about the same feature' : undefined
}
