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
    const pass =
      whyAlone(asked.spec) === undefined ? open.find(({ features }) => !features.has(featureName)) : undefined
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
 * Why an experiment cannot be in a pass with others, as the end of a sentence; undefined if it can. A rollup is read by
 * one window, and shards that count by themselves are asked about one experiment: a pass of their events would lose what
 * they are for. Aliases join the states of one experiment.
 */
export function whyAlone({ source, aliases }: ExposureSpec): string | undefined {
  if (source.rollup !== undefined) return 'its source has a rollup'
  if (source.shardedByIdentity) return 'its source is shardedByIdentity'
  return aliases === null ? undefined : 'it has aliases'
}

/** Why two experiments cannot share a pass, as the end of a sentence; undefined if they can. */
export function whyApart(one: AskedExperiment, other: AskedExperiment): string | undefined {
  const [spec, known] = [one.spec, other.spec]
  const alone = whyAlone(spec)
  if (alone !== undefined) return alone
  const differs = sharedFields.find((field) => JSON.stringify(spec[field]) !== JSON.stringify(known[field]))
  if (differs !== undefined) return `they differ in their ${differs}`
  return spec.featureName === known.featureName ? 'it asks about the same feature' : undefined
}
